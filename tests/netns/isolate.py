"""A private world for one test run: own process, mount and network namespaces.

The test runs as process 1 of a process namespace, with /run/netns on a file system of its own. When it
ends, in whatever way, the kernel ends every process in there and with the last one go the network
namespaces and all files: nothing is left behind and runs side by side cannot meet.
"""
import ctypes
import os
import shutil
import signal
import sys

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 1 << 18, 0x1000
PR_SET_PDEATHSIG = 1
SKIPPED = 77  # SKIP_RETURN_CODE in CMakeLists.txt

NETNS_DIR = "/run/netns"
RUN_DIR = "/run/cjdns"
WORK_DIR = NETNS_DIR + "/.work"  # on the private file system, so that it goes with it

libc = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def mount(source, target, kind, flags):
    checked(libc.mount(source.encode(), target.encode(), kind.encode() if kind else None,
                       ctypes.c_ulong(flags), None), f"mount {target}")


def enter_network(namespace):
    """Moves the calling thread into a named network namespace."""
    fd = os.open(f"{NETNS_DIR}/{namespace}", os.O_RDONLY)
    try:
        checked(libc.setns(fd, CLONE_NEWNET), f"setns {namespace}")
    finally:
        os.close(fd)


class Network:
    """Context in which sockets are made in a named network namespace."""

    def __init__(self, namespace):
        self.namespace = namespace

    def __enter__(self):
        self.back = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        enter_network(self.namespace)

    def __exit__(self, *unused):
        checked(libc.setns(self.back, CLONE_NEWNET), "setns back")
        os.close(self.back)


def show_over(files):
    """Between fork and exec: shows this process other files in place of those named."""
    if files:
        checked(libc.unshare(CLONE_NEWNS), "unshare")
    for target, source in files.items():
        mount(source, target, None, MS_BIND)


def what_is_missing(programs):
    missing = [f"program {name}" for name in programs if not shutil.which(name)]
    if os.geteuid() != 0:
        missing.append("root (CAP_SYS_ADMIN and CAP_NET_ADMIN make the namespaces)")
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        missing.append(f"/dev/net/tun ({error.strerror}; "
                       "modprobe tun, or mknod /dev/net/tun c 10 200)")
    return missing


def require(programs):
    """Ends the run loudly where it cannot be done, with status 77 where that is wanted."""
    if os.environ.get("CJD_NO_NETNS") == "1":
        print("NOT RUN: CJD_NO_NETNS=1, tests with network namespaces are left out")
        sys.exit(SKIPPED)
    missing = what_is_missing(programs)
    if missing:
        print("CANNOT RUN, missing: " + "; ".join(missing))
        print("Set CJD_NO_NETNS=1 to leave these tests out; they are then reported as skipped.")
        sys.exit(1)


def wait_for_child(pid):
    # Ctrl-C reaches the child too, which ends by itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *unused: os.kill(pid, signal.SIGTERM))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.exit(status if status >= 0 else 128 - status)


def furnish():
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("proc", "/proc", "proc", 0)
    os.makedirs(NETNS_DIR, exist_ok=True)
    mount("tmpfs", NETNS_DIR, "tmpfs", 0)
    os.chmod(NETNS_DIR, 0o755)
    # Where daemons put their sockets if nothing else is said.
    os.makedirs(RUN_DIR, exist_ok=True)
    mount("tmpfs", RUN_DIR, "tmpfs", 0)
    os.mkdir(WORK_DIR)


def isolate():
    """Returns in the child, process 1 of a new world; the parent only waits for it."""
    sys.stdout.flush()
    try:
        checked(libc.unshare(CLONE_NEWNS | CLONE_NEWPID), "unshare")
    except OSError as error:
        sys.exit(f"CANNOT RUN: no namespaces to be had here ({error}); "
                 "CJD_NO_NETNS=1 leaves these tests out")
    pid = os.fork()
    if pid:
        wait_for_child(pid)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # Process 1 takes no signal it has no handler for.
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit("terminated"))
    furnish()

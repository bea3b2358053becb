"""Nodes under test: this project's daemon, and a reference binary beside it."""
import json
import os
import re
import signal
import subprocess
import time

import isolate

PORT = 5199
TUN_MTU = 1304
NOBODY = 65534
POLL_S = 0.01


class Failure(Exception):
    """What a test found wrong, in words."""


def wait_for(condition, within, what):
    """Polls until condition() is true and returns its value; a Failure after `within` seconds."""
    end = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"after {within} s still not: {what() if callable(what) else what}")
        time.sleep(POLL_S)


class Peer:
    """An entry of a node's list of neighbours to connect to."""

    def __init__(self, address, key, password, login="default-login"):
        self.address, self.key, self.password, self.login = address, key, password, login


class EthernetLinks:
    """Links of a node over Ethernet: alike on some devices."""

    MODES = ("off", "accept", "send")

    def __init__(self, devices, mode="send", peers=()):
        self.devices, self.mode, self.peers = devices, mode, list(peers)
        self.rules = []

    def plugin(self):
        return {"plugin": "eth", "config": {
            "devices": self.devices, "beacon": {"mode": self.mode}, "rules": self.rules,
            "peers": [{"address": p.address, "publicKey": p.key, "login": p.login,
                       "password": p.password} for p in self.peers]}}

    def reference(self):
        peers = {p.address: {"publicKey": p.key, "login": p.login, "password": p.password}
                 for p in self.peers}
        return [{"bind": device, "beacon": self.MODES.index(self.mode), "connectTo": peers}
                for device in self.devices]


class Node:
    """One namespace with one process. Subclasses know the program."""

    is_reference = False

    def __init__(self, lab, name, identity):
        self.lab, self.name, self.identity = lab, name, identity
        self.key, self.address = identity["publicKey"], identity["address"]
        self.password = f"password-of-{name}"
        self.families = ("4", "6")
        self.peers = []
        self.ethernet = None  # EthernetLinks
        self.has_tun = True
        self.over = {}   # files shown to it: path → what stands there instead
        self.uid = None  # start as this user, without capabilities
        self.process = None
        self.started = 0.0
        self.starts = 0

    @property
    def log_path(self):
        return f"{isolate.WORK_DIR}/{self.name}.log"

    @property
    def config_path(self):
        return f"{isolate.WORK_DIR}/{self.name}.json"

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, within=5.0):
        """Waits until a line of the log matches; returns the match."""
        return wait_for(lambda: re.search(pattern, self.log(), re.MULTILINE), within,
                        f"a line like {pattern!r} in the log of {self.name}")

    def write_config(self):
        with open(self.config_path, "w", encoding="utf-8") as file:
            json.dump(self.config(), file, indent=1)
        # Readable for the user the daemon becomes, who reads it again on SIGHUP.
        os.chown(self.config_path, 0, NOBODY)
        os.chmod(self.config_path, 0o640)

    def before_exec(self):
        """Between fork and exec, in the child."""
        isolate.enter_network(self.name)
        isolate.show_over(self.over)
        if self.uid is not None:
            os.setgroups([])
            os.setgid(self.uid)
            os.setuid(self.uid)

    def spawn(self, arguments, stdin_path=os.devnull):
        """Runs a program in the node's namespace, output into the node's log."""
        with open(self.log_path, "ab") as log, open(stdin_path, "rb") as stdin:
            return subprocess.Popen(arguments, stdin=stdin, stdout=log, stderr=log,
                                    preexec_fn=self.before_exec, start_new_session=True)

    def set_hosts(self, text):
        """Gives it an /etc/hosts of its own."""
        path = f"{isolate.WORK_DIR}/{self.name}.hosts"
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        self.over["/etc/hosts"] = path

    def start(self):
        self.write_config()
        self.started = time.monotonic()
        self.process = self.spawn(self.arguments(), self.stdin_path())
        self.starts += 1
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def revive(self):
        """True if it ended for a reason of its own that is no concern of the test, and was started
        again."""
        return False

    def wait_exit(self, within):
        wait_for(lambda: not self.is_running(), within, f"{self.name} has ended")
        return self.process.returncode

    def stop(self, within=5.0):
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        return self.wait_exit(within)

    def pids(self):
        """Everything that runs in the node's namespace; a reference node is two processes."""
        out = subprocess.run(["ip", "netns", "pids", self.name], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
        return [int(pid) for pid in out.split()]

    def kill(self):
        """SIGKILL for all of it, at once; returns when it is gone."""
        if self.process is None:
            return
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        wait_for(lambda: not self.pids(), 5, f"{self.name} is gone")

    def connect(self, other, family="4", **changes):
        """Adds `other` as a neighbour, by the address it has on a link between the two."""
        host = self.lab.link_address(self, other, family)
        text = f"[{host}]:{PORT}" if ":" in host else f"{host}:{PORT}"
        peer = Peer(changes.get("address", text), changes.get("key", other.key),
                    changes.get("password", other.password),
                    changes.get("login", "default-login"))
        self.peers.append(peer)
        return peer


def family_of(address):
    """Of "1.2.3.4:5", "[::1]:5"; a host name counts as IPv4."""
    return "6" if address.startswith("[") else "4"


BINDS = {"4": f"0.0.0.0:{PORT}", "6": f"[::]:{PORT}"}


class OurNode(Node):
    """cjdroute of this build, with a native configuration."""

    def __init__(self, lab, name, identity):
        super().__init__(lab, name, identity)
        self.binary = os.path.join(lab.build_dir, "cjdroute")
        self.log_level = "debug"
        self.mtu = TUN_MTU
        self.sandbox = {"user": "nobody"}
        if "address" in os.environ.get("CJD_SANITIZE", ""):
            self.sandbox["noForks"] = False  # the check for leaks at exit is a thread of its own
        self.extra = []      # further arguments
        self.change = None   # function that edits the finished configuration

    def udp_plugin(self, family):
        peers = [{"address": p.address, "publicKey": p.key, "login": p.login,
                  "password": p.password}
                 for p in self.peers if family_of(p.address) == family]
        return {"plugin": "udp", "id": f"udp{family}", "required": True,
                "config": {"bind": BINDS[family], "peers": peers}}

    def config(self):
        plugins = [self.udp_plugin(family) for family in self.families]
        if self.ethernet:
            plugins.append(self.ethernet.plugin())
        if self.has_tun:
            plugins.append({"plugin": "tun", "config": {"device": "tun0", "mtu": self.mtu}})
        tree = {"version": 3, "node": {"privateKey": self.identity["privateKey"]},
                "peering": {"passwords": [{"login": "default-login", "password": self.password}]},
                "plugins": plugins, "sandbox": self.sandbox,
                "log": {"to": "stderr", "level": self.log_level}}
        if self.change:
            self.change(tree)
        return tree

    def arguments(self):
        return [self.binary, "--config", self.config_path, "--foreground", *self.extra]

    def stdin_path(self):
        return os.devnull


class ReferenceNode(Node):
    """A reference binary; takes its configuration on standard input."""

    is_reference = True

    def __init__(self, lab, name, identity, binary):
        super().__init__(lab, name, identity)
        self.binary = binary
        self.pipe_path = f"{isolate.WORK_DIR}/{name}.sock"
        self.udp_changes = {}  # further members of its UDP interfaces

    def udp_interface(self, family):
        peers = {p.address: {"publicKey": p.key, "login": p.login, "password": p.password}
                 for p in self.peers if family_of(p.address) == family}
        return {"bind": BINDS[family], "beacon": 0, "connectTo": peers, **self.udp_changes}

    def config(self):
        interface = {"type": "TUNInterface", "tunDevice": "tun0"} if self.has_tun else {}
        return {
            "privateKey": self.identity["privateKey"],
            "publicKey": self.key, "ipv6": self.address,
            "authorizedPasswords": [{"password": self.password, "user": "default-login"}],
            "admin": {"bind": "127.0.0.1:11234", "password": "NONE"},
            "interfaces": {
                "UDPInterface": [self.udp_interface(f) for f in self.families],
                "ETHInterface": self.ethernet.reference() if self.ethernet else []},
            "router": {"interface": interface,
                       "ipTunnel": {"allowedConnections": [], "outgoingConnections": []}},
            "security": [{"setuser": 0}, {"chroot": 0}, {"setupComplete": 1}],
            "logging": {"logTo": "stdout"}, "noBackground": 1,
            "pipe": self.pipe_path, "version": 2}

    def start(self):
        # A killed one leaves its socket behind, and the next one can fall over it.
        if os.path.exists(self.pipe_path):
            os.remove(self.pipe_path)
        return super().start()

    def revive(self):
        """Its two processes meet on a socket, and at a start under load sometimes miss each other."""
        if not re.search(r"uv_pipe_connect\(\) failed .*\Z", self.log()[-1000:], re.DOTALL):
            return False
        print(f"{self.name}: the reference missed its own socket at the start; started again")
        self.kill()
        os.remove(self.log_path)
        self.start()
        return True

    def arguments(self):
        return [self.binary, "--nobg"]

    def stdin_path(self):
        return self.config_path

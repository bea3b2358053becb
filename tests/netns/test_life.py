"""Starting, stopping, reloading; with and without privileges."""
import json
import os
import random
import re
import shutil
import signal
import stat
import time

import isolate
from common import REFERENCE_FILE, expect, run, two_joined
from lab import ip, main, test
from nodes import NOBODY
from probes import Flood, all_pairs, ping_during, ping_until

EX_UNAVAILABLE, EX_CONFIG = 69, 78


@test
def restart_after_kill(lab):
    """A node that was killed comes back with the same keys: traffic goes on within seconds, though
    the others still have sessions with its former life."""
    a, m, b = (lab.node(name) for name in "amb")
    lab.join(a, m)
    lab.join(m, b)
    lab.start()
    ping_until(lab, all_pairs(lab.nodes))
    for node in (m, b):
        node.kill()
        again = lab.start(node)
        times = ping_until(lab, [(a, b), (b, a), (a, m)], within=10, since=again)
        print(f"{node.name} answers again {max(times.values()):.2f} s after its restart")


@test
def sigterm(lab):
    a, b = two_joined(lab)
    lab.start()
    ping_until(lab, all_pairs([a, b]))
    for node in (a, b):
        status = node.stop()
        expect(status == 0, f"{node.name}: status {status} after SIGTERM, not 0")
    expect("tun0" not in ip("-n", "a", "link"), "the TUN device stays behind")


@test
def sigint(lab):
    a = lab.node("a")
    a.start()
    a.wait_log(re.escape(a.address))
    a.process.send_signal(signal.SIGINT)
    expect(a.wait_exit(5) == 0, "status after SIGINT is not 0")


@test
def sighup_adds_a_password(lab):
    a, b = two_joined(lab)
    a.peers[0].login, a.peers[0].password = "late", "a password that comes later"
    lab.start()
    b.wait_log(r"refused a neighbour .*unknown login")
    late = {"login": "late", "password": "a password that comes later"}
    b.change = lambda tree: tree["peering"]["passwords"].append(late)
    b.write_config()
    b.process.send_signal(signal.SIGHUP)
    ping_until(lab, all_pairs([a, b]))
    expect(b.starts == 1 and b.is_running(), "b ended")


@test
def sighup_keeps_what_is_wrong_out(lab):
    """A broken file on SIGHUP is reported; the node goes on as before."""
    a, b = two_joined(lab)
    lab.start()
    ping_until(lab, all_pairs([a, b]))
    with open(b.config_path, "w", encoding="ascii") as file:
        file.write('{ "version": 3, "plugins": [ }')
    b.process.send_signal(signal.SIGHUP)
    b.wait_log(rf"{re.escape(os.path.basename(b.config_path))}:1:\d+")
    ping_until(lab, all_pairs([a, b]))


@test
def port_taken(lab):
    """Two nodes, one port: the second ends with 69 and names the address."""
    a = lab.node("a")
    a.start()
    a.wait_log(re.escape(a.address))
    second = dict(a.config())
    second["plugins"] = [p for p in second["plugins"] if p["plugin"] == "udp"]
    status, output = run(a, "--config", "-", "--foreground", stdin=json.dumps(second))
    expect(status == EX_UNAVAILABLE, f"status {status}, not {EX_UNAVAILABLE}: {output}")
    expect("5199" in output, f"the address is not named: {output}")
    expect(a.is_running(), "the first one ended")


@test
def no_tun_to_be_had(lab):
    """No device can be made: the node says so and goes on, forwarding."""
    a, m, b = (lab.node(name) for name in "amb")
    lab.join(a, m)
    lab.join(m, b)
    m.change = lambda tree: tree["plugins"][-1]["config"].update(device="lo")
    lab.start()
    m.wait_log(r"tun.*lo|lo.*tun")
    ping_until(lab, all_pairs([a, b]))


def check_lines(a, tree, wrong):
    """--check reports each of the wrong words with place and reason, in one go."""
    with open(a.config_path, "w", encoding="ascii") as file:
        json.dump(tree, file, indent=1)
    status, output = run(a, "--config", a.config_path, "--check")
    expect(status == EX_CONFIG, f"status {status}, not {EX_CONFIG}: {output}")
    lines = open(a.config_path, encoding="ascii").read().splitlines()
    for word in wrong:
        number = 1 + next(i for i, line in enumerate(lines) if word in line)
        expect(re.search(rf"{a.name}\.json:{number}:\d+: error: \S+", output),
               f"no error of line {number}, {word}: {output}")


@test
def check_names_every_error(lab):
    a = lab.node("a")
    tree = a.config()
    tree["peering"]["passwords"][0]["pasword"] = "x"
    tree["log"]["level"] = "loud"
    tree["plugins"][0]["config"]["bindd"] = tree["plugins"][0]["config"].pop("bind")
    tree["plugins"][-1]["config"]["mtu"] = "much"
    check_lines(a, tree, ["pasword", "loud", "bindd", "much"])
    # What only the plugin itself finds is said beside what is wrong with the core's part.
    tree = a.config()
    tree["node"]["privateKey"] = "c7"
    tree["peering"]["passwords"] *= 2
    tree["plugins"][0]["config"]["bind"] = "no-address:5199"
    check_lines(a, tree, ['"c7"', "no-address"])
    a.write_config()
    status, output = run(a, "--config", a.config_path, "--check")
    expect(status == 0 and not output, f"a good file: status {status}: {output}")


@test
def reference_file_on_stdin(lab):
    """A file of the reference, comments and all, works unchanged."""
    a, b = two_joined(lab)
    values = dict(b.identity, password=b.password)
    with open(b.config_path, "w", encoding="ascii") as file:
        file.write(REFERENCE_FILE % values)
    b.started, b.starts = time.monotonic(), 1
    b.process = b.spawn([b.binary], stdin_path=b.config_path)
    lab.start(a)
    ping_until(lab, all_pairs([a, b]))


def make_tun(node, uid):
    """A persistent device for a user, as README.md tells root to make it."""
    ip("-n", node.name, "tuntap", "add", "dev", "tun0", "mode", "tun", "user", str(uid))
    ip("-n", node.name, "addr", "add", f"{node.address}/8", "dev", "tun0", "nodad")
    ip("-n", node.name, "link", "set", "tun0", "mtu", str(node.mtu), "up")


def allow_tun(node):
    """A device node as distributions have it, open to all, whatever this machine's is like."""
    path = f"{isolate.WORK_DIR}/net-tun"
    os.mknod(path, stat.S_IFCHR, os.stat("/dev/net/tun").st_rdev)
    os.chmod(path, 0o666)
    node.over["/dev/net/tun"] = path


def copy_for_others(node):
    """The build folder may be closed to other users; plugins are looked for beside the program."""
    place = f"{isolate.WORK_DIR}/bin"
    shutil.copytree(os.path.join(node.lab.build_dir, "plugins"), f"{place}/plugins")
    node.binary = shutil.copy(node.binary, place)


@test
def as_a_user(lab):
    """Without any privilege, with a TUN device made beforehand."""
    a, b = two_joined(lab)
    copy_for_others(a)
    make_tun(a, NOBODY)
    allow_tun(a)
    a.uid = NOBODY
    a.sandbox.pop("user")
    lab.start()
    ping_until(lab, all_pairs([a, b]))
    with open(f"/proc/{a.process.pid}/status", encoding="ascii") as file:
        status = file.read()
    expect(re.search(r"^CapPrm:\s+0+$", status, re.M), f"it has capabilities: {status}")


@test
def drops_privileges(lab):
    """Started as root: afterwards another user, no new privileges, at most CAP_NET_ADMIN."""
    a, b = two_joined(lab)
    lab.start()
    ping_until(lab, all_pairs([a, b]))
    with open(f"/proc/{a.process.pid}/status", encoding="ascii") as file:
        status = file.read()
    expect(re.search(rf"^Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}", status, re.M), f"user: {status}")
    caps = int(re.search(r"^CapPrm:\s+(\w+)$", status, re.M).group(1), 16)
    expect(caps & ~(1 << 12) == 0, f"capabilities {caps:x} kept")
    expect(re.search(r"^NoNewPrivs:\s+1$", status, re.M), "may still gain privileges")


@test
def flood_of_garbage(lab):
    """Hostile datagrams from a host beside the neighbour: pings go on, memory stays."""
    a, b = two_joined(lab)
    host = lab.node("host")
    lab.link(host, b)
    lab.start(a, b)
    ping_until(lab, all_pairs([a, b]))
    wanted = int(os.environ.get("CJD_FLOOD_PACKETS", "20000"))
    flood = Flood(host, b, random.Random(1))
    seconds = max(3.0, wanted / 4000)
    steady = ping_during(lab, all_pairs([a, b]), seconds,
                         meanwhile=lambda: flood.send(min(200, wanted - flood.sent)))
    flood.close()
    print(f"{flood.sent} datagrams; {steady.loss():.1%} of pings lost, longest gap "
          f"{steady.worst_gap():.2f} s")
    expect(flood.sent >= min(wanted, 2000), f"only {flood.sent} datagrams were sent")
    expect(steady.loss() < 0.1 and steady.worst_gap() < 2, "the flood stops traffic")
    expect(resident_kib(b) < 400 * 1024, f"{resident_kib(b)} KiB resident")
    lines = len(b.log().splitlines())
    expect(lines < 2000, f"{lines} lines of log")


def resident_kib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as file:
        return int(re.search(r"^VmRSS:\s+(\d+)", file.read(), re.M).group(1))


if __name__ == "__main__":
    main()

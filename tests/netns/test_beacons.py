"""Neighbours that nobody configured: found by their beacons, and by nothing else."""
import random
import socket
import struct

import isolate
import keys
from common import expect
from lab import ip, main, test
from nodes import PORT, wait_for
from probes import all_pairs, no_answer, ping_during, ping_until

BEACON_PORT = 64512
BEACON_MAGIC = 0xfffffffc


def beacon_node(lab, name, family="4", mode="send", **more):
    """A node with nothing but beacons of one family."""
    node = lab.node(name)
    node.families = (family,)
    beacon = {"mode": mode, **more}
    node.change = lambda tree: tree["plugins"][0]["config"].update(beacon=beacon)
    return node


def pair(lab, family="4", modes=("send", "send")):
    a, b = (beacon_node(lab, name, family, mode) for name, mode in zip("ab", modes))
    lab.link(a, b)
    return a, b


def start_and_wait(lab, node):
    lab.start(node)
    node.wait_log(r"beacons \(\w+\) on e")


def start_after(lab, first, second, within=2.0):
    """Starts one when the other has long been ready; seconds until both answer."""
    start_and_wait(lab, first)
    times = ping_until(lab, all_pairs([first, second]), within, since=lab.start(second))
    print(f"both answer {max(times.values()):.2f} s after the second was started")


@test
def beacons_ipv4(lab):
    a, b = pair(lab)
    start_after(lab, a, b)
    expect(f"{b.key} " in a.log(), "no word of the neighbour")


def use_only(family, *nodes):
    """Takes away the addresses of the other family, and all but the link-local ones of IPv6."""
    for node in nodes:
        ip("-n", node.name, *(["-4"] if family == "6" else ["-6"]), "addr", "flush", "scope",
           "global")


@test
def beacons_ipv6(lab):
    """Link-local addresses are enough."""
    a, b = pair(lab, "6")
    use_only("6", a, b)
    for node in (a, b):
        ip("-n", node.name, "-6", "addr", "flush", "scope", "global")
        wait_for(lambda node=node: "tentative" not in ip("-n", node.name, "-6", "addr"), 5,
                 "addresses are usable")
    start_after(lab, a, b)


@test
def beacon_one_way(lab):
    """One is heard, the other only listens: either one may come first."""
    for first, second in ((0, 1), (1, 0)):
        nodes = pair(lab, modes=("accept", "send"))
        if first == 0:
            start_after(lab, *nodes)
        else:
            # The sender starts first: its beacons become rare, one comes within 33 s.
            start_and_wait(lab, nodes[1])
            ping_until(lab, all_pairs(nodes), 40, since=lab.start(nodes[0]))
        lab.reset()


@test
def beacon_modes_off(lab):
    """Two that only listen never meet."""
    a, b = pair(lab, modes=("accept", "accept"))
    lab.start()
    no_answer(lab, all_pairs([a, b]), during=2.0)


def cable(lab, node, state):
    """Up or down at both ends."""
    for end in lab.nodes:
        ip("-n", end.name, "link", "set", "e0a" if end is node else "e0b", state)


@test
def beacon_device_comes_up(lab):
    """The network is not there yet when the nodes start, and goes away for a while."""
    a, b = pair(lab)
    cable(lab, a, "down")
    lab.start()
    for node in (a, b):
        node.wait_log(r"beacons \(send\) on no device yet")
        node.wait_log("ready")
    cable(lab, a, "up")
    times = ping_until(lab, all_pairs([a, b]), within=2)
    print(f"both answer {max(times.values()):.2f} s after the cable was plugged in")


@test
def beacon_device_is_new(lab):
    """A device that did not exist at the start, with IPv6: the group must be joined there too."""
    a, b = (beacon_node(lab, name, "6") for name in "ab")
    lab.start()
    for node in (a, b):
        node.wait_log("ready")
    lab.link(a, b)
    times = ping_until(lab, all_pairs([a, b]), within=5)
    print(f"both answer {max(times.values()):.2f} s after the device was made")


@test
def beacon_devices(lab):
    """Only the network that is named takes part, in both directions."""
    a = beacon_node(lab, "a", devices=["e0a"])
    b, c = beacon_node(lab, "b"), beacon_node(lab, "c")
    lab.link(a, b)
    lab.link(a, c)
    lab.start()
    ping_until(lab, all_pairs([a, b]))
    no_answer(lab, [(a, c), (c, a)], during=1.5)
    expect(c.key not in a.log(), "the other network was used")
    a.stop()
    a.wait_log("counter beacon_device=[1-9]")


@test
def beacon_neighbour_restarts(lab):
    """Same address, same key, another password: back at once."""
    a, b = pair(lab)
    lab.start()
    ping_until(lab, all_pairs([a, b]))
    b.kill()
    times = ping_until(lab, all_pairs([a, b]), within=5, since=lab.start(b))
    print(f"both answer {max(times.values()):.2f} s after the restart")


@test
def beacon_port_is_shared(lab):
    """Another program of the machine, a second node say, hears the same beacons beside it."""
    a, b = pair(lab)
    with isolate.Network(a.name):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", BEACON_PORT))
    sock.settimeout(5)
    lab.start()
    ping_until(lab, all_pairs([a, b]))
    heard = set()
    while len(heard) < 2:
        data, source = sock.recvfrom(100)
        expect(len(data) == 64 and int.from_bytes(data[6:8], "big") == PORT, f"a beacon: {data}")
        expect(source[1] == BEACON_PORT, f"it comes from port {source[1]}")
        heard.add(source[0])
    sock.close()


class BeaconFlood:
    """Forged beacons by unicast to a node's beacon port, from a host on its link: half of them of
    random keys, the others of some that map into fc00::/8."""

    def __init__(self, host, target, valid, rng):
        self.valid, self.rng, self.sent = valid, rng, 0
        self.target = (host.lab.link_address(host, target, "4"), BEACON_PORT)
        with isolate.Network(host.name):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)

    def datagram(self):
        key = self.rng.choice(self.valid) if self.rng.random() < 0.5 else self.rng.randbytes(32)
        return struct.pack("!IBBHI", BEACON_MAGIC, 0, 0, self.rng.randrange(1, 65536), 21) + \
            self.rng.randbytes(20) + key

    def send(self, count):
        for _ in range(count):
            try:
                self.sock.sendto(self.datagram(), self.target)
                self.sent += 1
            except (BlockingIOError, ConnectionRefusedError):
                return


@test
def beacon_flood(lab):
    """Thousands of forged neighbours a second: those that work go on, memory and log stay small."""
    a, b = pair(lab)
    host = lab.node("host")
    lab.link(host, b)
    lab.start(a, b)
    ping_until(lab, all_pairs([a, b]))
    unused = [keys.x25519_public(bytes.fromhex(i["privateKey"])) for i in lab.identities]
    flood = BeaconFlood(host, b, unused, random.Random(1))
    steady = ping_during(lab, all_pairs([a, b]), 3, meanwhile=lambda: flood.send(500))
    flood.sock.close()
    print(f"{flood.sent} beacons; {steady.loss():.1%} of pings lost, longest gap "
          f"{steady.worst_gap():.2f} s")
    expect(flood.sent > 5000, f"only {flood.sent} beacons were sent")
    expect(steady.loss() < 0.02 and steady.worst_gap() < 1, "the flood disturbs neighbours")
    lines = len(b.log().splitlines())
    expect(lines < 3000, f"{lines} lines of log")
    b.stop()
    b.wait_log(r"counter beacon_refused=\d{4}")


if __name__ == "__main__":
    main()

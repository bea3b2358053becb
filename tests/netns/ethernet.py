"""Network segments for nodes with Ethernet links, and hostile frames on them."""
import os
import random
import socket
import struct
import time

import isolate
from lab import ip
from nodes import EthernetLinks, Peer

ETHER_TYPE = 0xfc00
BROADCAST = b"\xff" * 6


def cable(lab, a, b, modes=("send", "send")):
    """A veth pair whose ends are called eth0; nothing but Ethernet links on it, no addresses."""
    ip("link", "add", "eth0", "netns", a.name, "type", "veth", "peer", "name", "eth0",
       "netns", b.name)
    for node, mode in zip((a, b), modes):
        ip("-n", node.name, "link", "set", "eth0", "up")
        node.families = ()
        node.ethernet = EthernetLinks(["eth0"], mode)


def switch(lab, nodes, name="switch"):
    """A bridge in a namespace of its own with a port for each node, whose device is called eth0."""
    ip("netns", "add", name)
    lab.extra_namespaces.append(name)
    ip("-n", name, "link", "add", "br0", "type", "bridge", "forward_delay", "0", "stp_state", "0")
    ip("-n", name, "link", "set", "br0", "up")
    for node in nodes:
        plug_in(node, name)
        node.families = ()
        node.ethernet = EthernetLinks(["eth0"])


def plug_in(node, name="switch", *settings):
    """A cable from the device eth0 of a node, made anew, to the switch."""
    ip("link", "add", "eth0", *settings, "netns", node.name, "type", "veth",
       "peer", "name", f"p-{node.name}", "netns", name)
    ip("-n", name, "link", "set", f"p-{node.name}", "master", "br0", "up")
    ip("-n", node.name, "link", "set", "eth0", "up")


def mac_of(node, device="eth0"):
    with isolate.Network(node.name), \
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind((device, 0))
        return sock.getsockname()[4]


def call(node, other, device="eth0"):
    """node has other as a configured peer."""
    mac = ":".join(f"{byte:02x}" for byte in mac_of(other, device))
    node.ethernet.peers.append(Peer(mac, other.key, other.password))


def frame(destination, source, payload, version=0, length=None, magic=ETHER_TYPE):
    length = len(payload) + 6 if length is None else length
    head = struct.pack("!BBHH", version, 0, length & 0xffff, magic)
    return destination + source + struct.pack("!H", ETHER_TYPE) + head + payload


def beacon(key, password=bytes(20), version=21):
    return struct.pack("!I", version) + password + key


def addressable_keys(count, rng):
    """Bytes that look like keys of this network: their address begins with fc. Found by trying."""
    from hashlib import sha512
    found = []
    while len(found) < count:
        key = rng.randbytes(32)
        if sha512(sha512(key).digest()).digest()[0] == 0xfc:
            found.append(key)
    return found


class FrameFlood:
    """Forged beacons and broken frames from a host's device eth0: each beacon of another key at
    another address. Seeded."""

    def __init__(self, host, target, seed=1, keys=2000):
        self.rng, self.sent, self.target = random.Random(seed), 0, mac_of(target)
        with isolate.Network(host.name):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sock.bind(("eth0", 0))
        self.sock.setblocking(False)
        self.beacons = [beacon(key, self.rng.randbytes(20))
                        for key in addressable_keys(keys, self.rng)]

    def source(self):
        return b"\x02" + self.rng.randbytes(5)

    def send_beacon(self):
        self.send(frame(BROADCAST, self.source(), self.rng.choice(self.beacons)))

    def send_broken(self):
        body = self.rng.randbytes(self.rng.choice((0, 1, 40, 55, 56, 200, 1400)))
        to = self.rng.choice((BROADCAST, self.target, b"\x01\0\x5e\0\0\1"))
        kind = self.rng.randrange(7)
        if kind == 0:
            data = frame(to, self.source(), body, version=self.rng.randrange(1, 256))
        elif kind == 1:
            data = frame(to, self.source(), body, length=self.rng.randrange(0x10000))
        elif kind == 2:
            data = frame(to, self.source(), body, magic=self.rng.randrange(0x10000))
        elif kind == 3:  # cut inside the header
            data = frame(to, self.source(), b"")[:14 + self.rng.randrange(6)]
        elif kind == 4:  # nobody could be answered there
            data = frame(to, self.rng.choice((bytes(6), BROADCAST)), body)
        elif kind == 5:
            data = frame(to, self.source(), struct.pack("!I", self.rng.randrange(4)) + body)
        else:
            data = frame(to, self.source(), beacon(self.rng.randbytes(32), version=0))
        self.send(data)

    def send_oversized(self, bytes_of_device):
        self.send(frame(self.target, self.source(), self.rng.randbytes(bytes_of_device - 6)))

    def send(self, data):
        try:
            self.sock.send(data)
            self.sent += 1
        except (BlockingIOError, OSError):
            pass

    def close(self):
        self.sock.close()


def resident_kib(node):
    """Memory of the node's process."""
    with open(f"/proc/{node.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


class Pace:
    """How many are due so far, at a rate per second."""

    def __init__(self, rate):
        self.rate, self.began, self.done = rate, time.monotonic(), 0

    def due(self):
        count = int((time.monotonic() - self.began) * self.rate) - self.done
        self.done += count
        return count

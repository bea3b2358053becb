"""Addresses that change, processes that are stopped, cables that are pulled: traffic is back in
seconds, and no TCP connection is lost."""
import os
import select
import signal
import socket
import threading
import time

import isolate
from common import cable_of, expect, two_joined
from lab import ip, main, test
from nodes import PORT, Failure, wait_for
from probes import Pinger, all_pairs, ping_until

BACK_S = 3.0     # traffic again after a change
DETOUR_S = 2.0   # … where there is another way
STOPPED_S = float(os.environ.get("CJD_STOPPED_SECONDS", "6"))
FLAPS = int(os.environ.get("CJD_FLAPS", "40"))


def set_address(node, old, new, family="4"):
    bits = "24" if family == "4" else "64"
    more = ["nodad"] if family == "6" else []
    if old:
        ip("-n", node.name, "addr", "del", f"{old}/{bits}", "dev", cable_of(node))
    if new:
        ip("-n", node.name, "addr", "add", f"{new}/{bits}", "dev", cable_of(node), *more)


def back_after(lab, pairs, since, what, within=BACK_S):
    times = ping_until(lab, pairs, within=within, since=since)
    print(f"{what}: traffic again after {max(times.values()):.2f} s")


@test
def new_address(lab):
    """First who calls gets another address, then who is called, several times."""
    a, b = two_joined(lab)
    lab.start()
    ping_until(lab, all_pairs([a, b]))
    at = {a: lab.link_address(b, a, "4"), b: lab.link_address(a, b, "4")}
    for node, last in ((a, 11), (b, 12), (a, 21), (b, 22)):
        other = at[a][:at[a].rindex(".") + 1] + str(last)
        since = time.monotonic()
        set_address(node, at[node], other)
        back_after(lab, all_pairs([a, b]), since, f"{node.name} moved to {other}")
        at[node] = other


@test
def other_family(lab):
    """Neighbours by IPv4 and by IPv6; one family after the other goes."""
    a, b = two_joined(lab)
    a.connect(b, "6")
    lab.start()
    ping_until(lab, all_pairs([a, b]))
    for family in ("4", "6", "4", "6"):
        at = lab.link_address(b, a, family)
        since = time.monotonic()
        set_address(a, at, None, family)
        back_after(lab, all_pairs([a, b]), since, f"without IPv{family}")
        set_address(a, None, at, family)
        pattern = rf"peer {b.key} .*state=established"
        wait_for(lambda: len([1 for line in a.log().splitlines() if "state=established" in line
                              and b.key in line]) >= 2, 10, f"both again: {pattern}")
        time.sleep(1.0)  # the other one is up again, too


def stop_for(lab, node, others, seconds):
    node.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    since = time.monotonic()
    node.process.send_signal(signal.SIGCONT)
    pairs = [(node, o) for o in others] + [(o, node) for o in others]
    back_after(lab, pairs, since, f"{node.name} stopped for {seconds:.0f} s")


@test
def stopped(lab):
    """Each place of a chain is stopped for a while; in the long run (CJD_STOPPED_SECONDS) until the
    others have forgotten it."""
    a, m, b = (lab.node(name) for name in "amb")
    lab.join(a, m)
    lab.join(m, b)
    lab.start()
    ping_until(lab, all_pairs(lab.nodes))
    stop_for(lab, m, (a, b), STOPPED_S)
    stop_for(lab, a, (m, b), STOPPED_S)
    stop_for(lab, b, (a, m), STOPPED_S)
    ping_until(lab, all_pairs(lab.nodes))


class Stream:
    """A TCP connection from one node to another; a number each 10 ms."""

    def __init__(self, source, sink):
        with isolate.Network(sink.name):
            listener = socket.socket(socket.AF_INET6)
        listener.bind((sink.address, 0))
        listener.listen(1)
        with isolate.Network(source.name):
            self.out = socket.socket(socket.AF_INET6)
        self.out.settimeout(5)
        self.out.connect((sink.address, listener.getsockname()[1]))
        self.into = listener.accept()[0]
        listener.close()
        self.out.setblocking(False)
        self.out.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.into.setblocking(False)
        self.sent = self.received = 0
        self.rest = b""
        self.last = time.monotonic()

    def take(self):
        try:
            data = self.into.recv(65536)
        except BlockingIOError:
            return
        if not data:
            raise Failure("the TCP connection was closed")
        self.rest += data
        while len(self.rest) >= 8:
            number = int.from_bytes(self.rest[:8], "big")
            expect(number == self.received, f"number {number} instead of {self.received}")
            self.received += 1
            self.rest = self.rest[8:]
        self.last = time.monotonic()

    def run(self, seconds):
        """Goes on for so long; the longest time in which nothing arrived."""
        end, gap = time.monotonic() + seconds, 0.0
        self.last = time.monotonic()
        while time.monotonic() < end:
            try:
                self.out.send(self.sent.to_bytes(8, "big"))
                self.sent += 1
            except BlockingIOError:
                pass
            time.sleep(0.01)
            gap = max(gap, time.monotonic() - self.last)
            self.take()
        return gap

    def close(self):
        self.out.close()
        self.into.close()


def sent_by(node, dev):
    path = f"/sys/class/net/{dev}/statistics/tx_packets"
    return int(ip("netns", "exec", node.name, "cat", path))


class FarAway(threading.Thread):
    """Datagrams for one node of a link, which arrive later, and so do the answers: the port next to the
    node's own, on the node itself."""

    PORT, DELAY_S = PORT + 1, 0.02

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node = node
        self.front = self.socket_on(self.PORT)
        self.backs = {}    # caller → socket
        self.callers = {}  # socket → caller
        self.waiting = []
        self.is_ended = False
        self.start()

    def socket_on(self, port):
        with isolate.Network(self.node.name):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("0.0.0.0", port))
        sock.setblocking(False)
        return sock

    def back_of(self, caller):
        if caller not in self.backs:
            self.backs[caller] = self.socket_on(0)
            self.callers[self.backs[caller]] = caller
        return self.backs[caller]

    def take(self, sock):
        data, sender = sock.recvfrom(4096)
        if sock is self.front:
            out, to = self.back_of(sender), ("127.0.0.1", PORT)
        else:
            out, to = self.front, self.callers[sock]
        self.waiting.append((time.monotonic() + self.DELAY_S, data, out, to))

    def run(self):
        while not self.is_ended:
            left = self.waiting[0][0] - time.monotonic() if self.waiting else 0.1
            for sock in select.select([self.front, *self.callers], [], [], max(0.0, left))[0]:
                self.take(sock)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, data, out, to = self.waiting.pop(0)
                out.sendto(data, to)


def lan_and_detour(lab):
    """a and b on one LAN of two switches, and a far detour a – c – b. The switches are a host."""
    a, b, c = (lab.node(name) for name in "abc")
    lab.add(Switches(lab))
    lan_cable(lab, a, "1")
    lan_cable(lab, b, "2")
    lab.addresses[a, b, "4"], lab.addresses[b, a, "4"] = "10.99.0.2", "10.99.0.1"
    a.connect(b)
    for x, y in ((a, c), (c, b)):
        lab.link(x, y)
        x.connect(y, address=f"{lab.link_address(x, y, '4')}:{FarAway.PORT}")
        FarAway(y)
    lab.start(a, b, c)
    ping_until(lab, all_pairs([a, b, c]))
    return a, b


class Switches:
    """A namespace with two bridges and a cable between them."""

    name, process, key, address = "switches", None, "", ""

    def __init__(self, lab):
        self.lab = lab
        self.log_path = self.config_path = isolate.WORK_DIR + "/none"

    def kill(self):
        pass

    def log(self):
        return ""


def lan_cable(lab, node, end):
    s = "switches"
    if end == "1":
        for name in ("br1", "br2"):
            ip("-n", s, "link", "add", name, "type", "bridge")
            ip("-n", s, "link", "set", name, "up")
        ip("-n", s, "link", "add", "mid1", "type", "veth", "peer", "name", "mid2")
        for n in "12":
            ip("-n", s, "link", "set", f"mid{n}", "up", "master", f"br{n}")
    ip("link", "add", "lan", "netns", node.name, "type", "veth", "peer", "name", f"port{end}",
       "netns", s)
    ip("-n", s, "link", "set", f"port{end}", "up", "master", f"br{end}")
    lab.end_of_link(node, "lan", [f"10.99.0.{end}/24"])


def uses_lan(lab, a, b, within):
    """Seconds until what a sends to b leaves by the LAN."""
    began = time.monotonic()
    pinger = Pinger(lab, [(a, b)])
    try:
        while True:
            before = sent_by(a, "lan")
            for _ in range(10):
                pinger.send(pinger.pairs)
                pinger.turn(time.monotonic() + 0.01)
            if sent_by(a, "lan") - before >= 10:
                return time.monotonic() - began
            if time.monotonic() - began > within:
                raise Failure(f"after {within} s traffic still does not take the LAN")
    finally:
        pinger.close()


def cut_and_mend(lab, a, b, cut, mend, what):
    stream = Stream(a, b)
    try:
        stream.run(0.5)
        cut()
        gap = stream.run(3.5)
        print(f"{what}: nothing arrived for {gap:.2f} s")
        expect(gap <= DETOUR_S, f"{what}: nothing arrived for {gap:.2f} s")
        mend()
        gap = stream.run(3.0)
        expect(gap <= 1.0, f"{what}, back again: nothing arrived for {gap:.2f} s")
        print(f"{what}: the LAN is in use again {uses_lan(lab, a, b, 10.0):.2f} s later")
    finally:
        stream.close()


@test
def cable_pulled(lab):
    """The cable of the LAN is pulled, and put back: traffic takes the LAN, the detour, the LAN."""
    a, b = lan_and_detour(lab)
    uses_lan(lab, a, b, 5.0)
    for node in (a, b):
        def plug(state, at=node):
            ip("-n", at.name, "link", "set", "lan", state)
        cut_and_mend(lab, a, b, lambda: plug("down"), lambda: plug("up"), f"{node.name}'s cable")


@test
def silent_loss(lab):
    """The LAN breaks where neither end sees it."""
    a, b = lan_and_detour(lab)
    uses_lan(lab, a, b, 5.0)

    def middle(state):
        ip("-n", "switches", "link", "set", "mid1", state)
    cut_and_mend(lab, a, b, lambda: middle("down"), lambda: middle("up"), "between the switches")


def memory_kib(node):
    with open(f"/proc/{node.process.pid}/status", encoding="ascii") as file:
        return int(next(line.split()[1] for line in file if line.startswith("VmRSS")))


@test
def flapping(lab):
    """A cable with a bad contact; memory stays as it was and the LAN is used again afterwards."""
    a, b = lan_and_detour(lab)
    uses_lan(lab, a, b, 5.0)

    def flap(times):
        for _ in range(times):
            ip("-n", "a", "link", "set", "lan", "down")
            time.sleep(0.05)
            ip("-n", "a", "link", "set", "lan", "up")
            time.sleep(0.05)
    flap(20)
    before = [memory_kib(node) for node in (a, b)]
    flap(FLAPS)
    after = [memory_kib(node) for node in (a, b)]
    print(f"{FLAPS} flaps: memory {before} KiB, then {after} KiB")
    for node, old, new in zip((a, b), before, after):
        expect(new <= old + 512, f"{node.name} grew from {old} to {new} KiB")
    ping_until(lab, [(a, b), (b, a)], within=BACK_S)
    uses_lan(lab, a, b, 10.0)


if __name__ == "__main__":
    main()

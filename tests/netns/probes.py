"""Probes: echo requests between nodes, floods, throughput."""
import json
import os
import re
import select
import socket
import struct
import subprocess
import time

import isolate
from nodes import PORT, Failure, wait_for

ECHO_REQUEST, ECHO_REPLY = 128, 129
ICMP6_FILTER = 1


def only_replies():
    """A filter that lets nothing but echo replies through (RFC 3542, section 3.2)."""
    words = [0xffffffff] * 8
    words[ECHO_REPLY >> 5] &= ~(1 << (ECHO_REPLY & 31))
    return struct.pack("8I", *words)


class Pinger:
    """Sends echo requests from many nodes at once and notes every reply. All in this process: a
    socket stays in the namespace it was made in."""

    count = 0  # of all so far: a late reply to an earlier one is not this one's

    def __init__(self, lab, pairs):
        self.lab, self.pairs = lab, pairs
        Pinger.count += 1
        self.ident = Pinger.count & 0xffff
        self.sockets = {a: self.socket_in(a) for a in {a for a, _ in pairs}}
        self.sent = {pair: 0 for pair in pairs}
        self.replies = {pair: [] for pair in pairs}  # (time of reply, round trip)
        self.by_address = {(a, b.address): (a, b) for a, b in pairs}
        self.sequence = 0

    @staticmethod
    def socket_in(node):
        with isolate.Network(node.name):
            sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        sock.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, only_replies())
        sock.setblocking(False)
        return sock

    def send(self, pairs):
        self.sequence = (self.sequence + 1) & 0xffff
        for pair in pairs:
            packet = struct.pack("!BBHHHd", ECHO_REQUEST, 0, 0, self.ident, self.sequence,
                                 time.monotonic())
            try:
                self.sockets[pair[0]].sendto(packet, (pair[1].address, 0))
                self.sent[pair] += 1
            except OSError:
                pass  # no device or no route yet: counted as not sent, tried again

    def receive(self, node):
        while True:
            try:
                data, source = self.sockets[node].recvfrom(4096)
            except BlockingIOError:
                return
            pair = self.by_address.get((node, source[0]))
            if pair and len(data) >= 16 and int.from_bytes(data[4:6], "big") == self.ident:
                now, sent = time.monotonic(), struct.unpack("!d", data[8:16])[0]
                self.replies[pair].append((now, now - sent))

    def turn(self, until):
        """Takes what arrives before a point in time."""
        nodes = {sock: node for node, sock in self.sockets.items()}
        left = until - time.monotonic()
        while left > 0:
            for sock in select.select(list(nodes), [], [], left)[0]:
                self.receive(nodes[sock])
            left = until - time.monotonic()

    def run(self, within, interval, is_done):
        end = time.monotonic() + within
        while time.monotonic() < end and not is_done():
            self.lab.check_running()
            self.send([p for p in self.pairs if is_done is never or not self.replies[p]])
            self.turn(min(end, time.monotonic() + interval))

    def close(self):
        for sock in self.sockets.values():
            sock.close()


def never():
    return False


def all_pairs(nodes):
    return [(a, b) for a in nodes for b in nodes if a is not b]


def ping_until(lab, pairs, within=5.0, interval=0.02, since=None):
    """Pings each pair until it has answered once; a Failure names those that did not. Returns when
    each first answered, in seconds after `since` (a point in monotonic time, default: now)."""
    since = time.monotonic() if since is None else since
    pinger = Pinger(lab, pairs)
    try:
        pinger.run(within, interval * max(1, len(pairs) // 8), lambda: all(pinger.replies.values()))
        missing = [f"{a.name}→{b.name}" for (a, b), r in pinger.replies.items() if not r]
    finally:
        pinger.close()
    if missing:
        raise Failure(f"no answer within {within} s: {', '.join(missing)}")
    return {pair: replies[0][0] - since for pair, replies in pinger.replies.items()}


def no_answer(lab, pairs, during, interval=0.05):
    """A Failure if any of the pairs answers."""
    pinger = Pinger(lab, pairs)
    try:
        pinger.run(during, interval, lambda: any(pinger.replies.values()))
        answered = [f"{a.name}→{b.name}" for (a, b), r in pinger.replies.items() if r]
    finally:
        pinger.close()
    if answered:
        raise Failure(f"answered but must not: {', '.join(answered)}")


class Steadiness:
    """Share of answered requests and longest gap between replies, per pair."""

    def __init__(self, pinger, began, ended):
        # The time of sending tells replies apart: a doubled one does not make up for a lost one.
        self.lost = {p: pinger.sent[p] - len({round(at - trip, 6) for at, trip in r})
                     for p, r in pinger.replies.items()}
        self.sent = dict(pinger.sent)
        self.gap = {}
        for pair, replies in pinger.replies.items():
            times = [began] + [t for t, _ in replies] + [ended]
            self.gap[pair] = max(b - a for a, b in zip(times, times[1:]))

    def worst_gap(self):
        return max(self.gap.values())

    def loss(self):
        return sum(self.lost.values()) / max(1, sum(self.sent.values()))


def ping_during(lab, pairs, seconds, interval=0.05, meanwhile=None):
    """Pings the pairs all the time; `meanwhile` is called once a turn. Returns the steadiness."""
    pinger = Pinger(lab, pairs)
    began = time.monotonic()
    try:
        while time.monotonic() < began + seconds:
            lab.check_running()
            pinger.send(pairs)
            if meanwhile:
                meanwhile()
            pinger.turn(time.monotonic() + interval)
        ended = time.monotonic()
        pinger.turn(ended + 0.5)  # the last ones on their way
    finally:
        pinger.close()
    return Steadiness(pinger, began, ended)


def ping_program(node, other, count=3):
    """The system's own ping; a Failure unless all come back."""
    done = subprocess.run(["ping", "-6", "-n", "-c", str(count), "-i", "0.2", "-W", "5",
                           other.address], preexec_fn=node.before_exec, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"ping {node.name}→{other.name}: {done.stdout}")


class Flood:
    """Hostile datagrams for a node's UDP port, from a host on one of its links. Seeded."""

    KINDS = ("random", "short", "hello", "data", "zeros")

    def __init__(self, host, target, rng):
        self.rng, self.sent = rng, 0
        self.target = (host.lab.link_address(host, target, "4"), PORT)
        with isolate.Network(host.name):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)

    def datagram(self):
        kind = self.rng.choice(self.KINDS)
        if kind == "short":
            return self.rng.randbytes(self.rng.randrange(0, 24))
        if kind == "zeros":
            return bytes(self.rng.randrange(1, 1400))
        body = self.rng.randbytes(self.rng.randrange(24, 1400))
        if kind == "hello":
            return struct.pack("!I", self.rng.randrange(4)) + body + bytes(120)
        if kind == "data":
            return struct.pack("!I", self.rng.randrange(4, 1 << 16)) + body
        return body

    def send(self, count):
        for _ in range(count):
            try:
                self.sock.sendto(self.datagram(), self.target)
                self.sent += 1
            except (BlockingIOError, ConnectionRefusedError):
                return

    def close(self):
        self.sock.close()


def serve_iperf(server):
    """Starts an iperf3 server for one test in a node's namespace and waits until it listens."""
    log = f"{isolate.WORK_DIR}/{server.name}.iperf"
    with open(log, "wb") as out:
        process = subprocess.Popen(["iperf3", "-s", "-1", "--forceflush", "-B", server.address],
                                   preexec_fn=server.before_exec, stdout=out, stderr=out)

    def listens():
        with open(log, encoding="ascii", errors="replace") as file:
            return re.search("Server listening", file.read())
    wait_for(listens, 5, "iperf3 server is listening")
    return process


def throughput(client, server, seconds):
    """TCP from client to server; bits per second of each second. A Failure on a stall."""
    process = serve_iperf(server)
    try:
        done = subprocess.run(["iperf3", "-6", "-c", server.address, "-t", str(seconds), "-i", "1",
                               "-J"], preexec_fn=client.before_exec, stdout=subprocess.PIPE,
                              text=True, check=False, timeout=seconds + 20)
    finally:
        process.kill()
        process.wait()
    result = json.loads(done.stdout or "{}")
    if done.returncode != 0 or "error" in result:
        raise Failure(f"iperf3: {result.get('error', done.returncode)}")
    rates = [i["sum"]["bits_per_second"] for i in result["intervals"]]
    if len(rates) < seconds or min(rates) <= 0:
        raise Failure(f"iperf3 stalled: {[round(r / 1e6, 1) for r in rates]} Mbit/s")
    return rates


def rate_text(rates):
    return f"{sum(rates) / len(rates) / 1e6:.0f} Mbit/s, lowest second {min(rates) / 1e6:.0f}"


def reference_binaries():
    """Binaries named by CJDNS_REF, a list separated by colons; each must be runnable."""
    names = [name for name in os.environ.get("CJDNS_REF", "").split(":") if name]
    for name in names:
        if not os.access(name, os.X_OK):
            raise Failure(f"CJDNS_REF names {name}, which is no program")
    return names

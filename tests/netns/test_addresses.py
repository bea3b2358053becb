"""Peers with several addresses, with names, and on networks that change under them."""
import re
import select
import socket
import struct
import threading

import isolate
from common import expect
from lab import ip, main, test
from nodes import PORT, wait_for
from probes import all_pairs, ping_during, ping_until

BOTH = [f"0.0.0.0:{PORT}", f"[::]:{PORT}"]


def caller(lab, a, b, addresses, bind=None):
    """Node a has one link, and one peer, b, with a list of addresses."""
    a.families = ("4",)
    config = {"bind": bind or BOTH,
              "peers": [{"address": addresses, "publicKey": b.key, "login": "default-login",
                         "password": b.password}]}

    def change(tree):
        tree["plugins"][0]["config"] = config
    a.change = change


def joined(lab, *addresses, **more):
    """Two nodes on a cable. In an address {4}, {6} stand for b's."""
    a, b = lab.node("a"), lab.node("b")
    lab.link(a, b)
    places = {"4": lab.link_address(a, b, "4"), "6": lab.link_address(a, b, "6")}
    caller(lab, a, b, [text.format(PORT, v4=places["4"], v6=places["6"]) for text in addresses],
           **more)
    return a, b


def start_and_ping(lab, nodes, within):
    times = ping_until(lab, all_pairs(nodes), within, since=lab.start())
    print(f"both answer {max(times.values()):.2f} s after the start")


def lines(node, pattern):
    return re.findall(pattern, node.log(), re.MULTILINE)


@test
def first_address_is_dead(lab):
    """Nobody has the first one, the second one answers: a quarter of a second."""
    a, b = joined(lab, "10.98.0.77:{}", "{v4}:{}")
    start_and_ping(lab, (a, b), within=2)
    expect(len(set(lines(b, r"peer (\S+) .*state=established"))) == 1, "more than one peer")


@test
def addresses_of_both_families(lab):
    """One entry, one peer; whichever family works is used, and if it stops working, the other."""
    a, b = joined(lab, "[{v6}]:{}", "{v4}:{}")
    start_and_ping(lab, (a, b), within=2)
    a.wait_log(r"peer .* state=established .*at=\[fd98")
    ip("-n", b.name, "-6", "addr", "del", f"{lab.link_address(a, b, '6')}/64", "dev", "e0b")
    a.wait_log(r"peer .* at=10\.98", within=5)
    times = ping_until(lab, all_pairs((a, b)), within=3)
    print(f"both answer {max(times.values()):.2f} s after the change of family")


@test
def family_without_a_route(lab):
    """The machine has no IPv6 at all: that costs no waiting."""
    a, b = joined(lab, "[2001:db8::1]:{}", "[2001:db8::2]:{}", "[2001:db8::3]:{}", "{v4}:{}")
    start_and_ping(lab, (a, b), within=1)


@test
def name_of_both_families(lab):
    a, b = joined(lab, "b.example:{}")
    a.set_hosts(f"127.0.0.1 localhost\n{lab.link_address(a, b, '4')} b.example\n"
                "fd98:0:0:1::77 b.example\n")
    start_and_ping(lab, (a, b), within=2)


class NameServer(threading.Thread):
    """Answers each question with what it is told to, on port 53 of a node's loopback address."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.addresses, self.asked = [], 0
        path = f"{isolate.WORK_DIR}/{node.name}.resolv"
        with open(path, "w", encoding="ascii") as file:
            file.write("nameserver 127.0.0.1\n")
        node.over["/etc/resolv.conf"] = path
        with isolate.Network(node.name):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sock.bind(("127.0.0.1", 53))
        self.start()

    def answer(self, query):
        """Header, the question again, and the addresses of its type (RFC 1035)."""
        end = query.index(b"\0", 12) + 5
        kind = int.from_bytes(query[end - 4:end - 2], "big")
        found = [a for a in self.addresses if (":" in a) == (kind == 28)]
        status = 0 if self.addresses else 3  # no such name
        reply = query[:2] + struct.pack("!HHHHH", 0x8180 | status, 1, len(found), 0, 0)
        reply += query[12:end]
        for address in found:
            family = socket.AF_INET6 if kind == 28 else socket.AF_INET
            packed = socket.inet_pton(family, address)
            reply += struct.pack("!HHHIH", 0xc00c, kind, 1, 1, len(packed)) + packed
        return reply

    def run(self):
        while True:
            query, source = self.sock.recvfrom(512)
            self.asked += 1
            self.sock.sendto(self.answer(query), source)


@test
def name_resolves_later(lab):
    """Unknown when the node starts, known after a while; and it stands for another address later."""
    a, b = joined(lab, "b.example:{}")
    names = NameServer(a)
    lab.start()
    a.wait_log(r"no address for peer b\.example.*no such name")
    a.wait_log(r"peer .* reason=\"its name does not resolve")
    names.addresses = [lab.link_address(a, b, "4")]
    times = ping_until(lab, all_pairs((a, b)), within=10)
    print(f"both answer {max(times.values()):.2f} s after the name was known")
    asked = names.asked
    b.kill()  # alive, it would be followed to its new address
    ip("-n", b.name, "addr", "add", "10.98.0.5/24", "dev", "e0b")
    ip("-n", b.name, "addr", "del", f"{names.addresses[0]}/24", "dev", "e0b")
    ip("-n", b.name, "addr", "replace", "10.98.0.5/24", "dev", "e0b")
    names.addresses = ["10.98.0.5"]
    lab.start(b)
    a.wait_log(r"peer b\.example:\d+ is tried at 10\.98\.0\.5", within=15)
    times = ping_until(lab, all_pairs((a, b)), within=3)
    print(f"both answer {max(times.values()):.2f} s later, {names.asked - asked} questions")


@test
def name_server_in_the_network(lab):
    """It would be asked over the links that its answers are needed for."""
    a, b = joined(lab, "{v4}:{}", "b.example:{}")
    path = f"{isolate.WORK_DIR}/resolv.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write(f"nameserver {b.address}\n")
    a.over["/etc/resolv.conf"] = path
    start_and_ping(lab, (a, b), within=2)
    a.wait_log(r"name server fc\S+ is left out")


@test
def route_vanishes(lab):
    """Why is said in words; and when the route is back the peer is, too."""
    a, b = joined(lab, "{v4}:{}", bind=BOTH[0])
    start_and_ping(lab, (a, b), within=2)
    ip("-n", a.name, "addr", "del", "10.98.0.1/24", "dev", "e0a")
    a.wait_log(r"cannot send to peer \S+: (Network is unreachable|No route)", within=10)
    a.wait_log(r"peer .* reason=\"packets to it cannot be sent", within=10)
    ip("-n", a.name, "addr", "add", "10.98.0.1/24", "dev", "e0a")
    times = ping_until(lab, all_pairs((a, b)), within=3)
    print(f"both answer {max(times.values()):.2f} s after the address was back")


@test
def bound_address_vanishes(lab):
    """The link is bound to the very address."""
    a, b = joined(lab, "{v4}:{}", bind=f"10.98.0.1:{PORT}")
    start_and_ping(lab, (a, b), within=2)
    ip("-n", a.name, "addr", "del", "10.98.0.1/24", "dev", "e0a")
    a.wait_log(r"cannot send to peer", within=10)
    wait_for(lambda: lines(b, r"state=unresponsive"), 40, "b noticed it, too")
    ip("-n", a.name, "addr", "add", "10.98.0.1/24", "dev", "e0a")
    times = ping_until(lab, all_pairs((a, b)), within=3)
    print(f"both answer {max(times.values()):.2f} s after the address was back")


@test
def another_address(lab):
    """The calling node gets another address in mid-flight."""
    a, b = joined(lab, "{v4}:{}", bind=BOTH[0])
    start_and_ping(lab, (a, b), within=2)
    ip("-n", a.name, "addr", "add", "10.98.0.9/24", "dev", "e0a")
    ip("-n", a.name, "addr", "del", "10.98.0.1/24", "dev", "e0a")
    # The second address of a network goes with the first unless it is made the first.
    ip("-n", a.name, "addr", "replace", "10.98.0.9/24", "dev", "e0a")
    times = ping_until(lab, all_pairs((a, b)), within=5)
    print(f"both answer {max(times.values()):.2f} s after the change")


class NatBox(threading.Thread):
    """Translates addresses between a caller and a called node, as a home router does: kernels without
    NAT are common where tests run. forget() loses the mapping; the next packet makes another one."""

    def __init__(self, node, target):
        super().__init__(daemon=True)
        self.node, self.target = node, (target, PORT)
        self.caller, self.outside = None, None
        with isolate.Network(node.name):
            self.inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.inside.bind(("0.0.0.0", PORT))
        self.ports = []
        self.start()

    def forget(self):
        self.outside = None

    def new_mapping(self):
        with isolate.Network(self.node.name):
            outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        outside.bind(("0.0.0.0", 0))
        outside.setblocking(False)
        self.ports.append(outside.getsockname()[1])
        return outside

    def run(self):
        while True:
            outside = self.outside
            ready = select.select([s for s in (self.inside, outside) if s], [], [], 0.05)[0]
            if self.inside in ready:
                data, self.caller = self.inside.recvfrom(4000)
                self.outside = self.outside or self.new_mapping()
                self.outside.sendto(data, self.target)
            if outside in ready and outside is self.outside:
                self.inside.sendto(outside.recv(4000), self.caller)


@test
def nat_forgets(lab):
    """A NAT box loses its mapping in mid-flight: the called node sees its peer come from another
    port and goes on there."""
    a, box, b = (lab.node(name) for name in ("a", "box", "b"))
    lab.link(a, box)
    lab.link(box, b)
    caller(lab, a, b, f"{lab.link_address(a, box, '4')}:{PORT}")
    nat = NatBox(box, lab.link_address(box, b, "4"))
    lab.start(a, b)
    ping_until(lab, all_pairs((a, b)))
    for _ in range(3):
        nat.forget()
        steady = ping_during(lab, all_pairs((a, b)), 2)
        print(f"{steady.loss():.1%} of pings lost, longest gap {steady.worst_gap():.2f} s")
        expect(steady.worst_gap() < 1, "it does not go on")
    expect(len(nat.ports) == 4, f"mappings {nat.ports}")
    expect(not lines(a, "unresponsive") and not lines(b, "unresponsive"), "the peer was lost")


if __name__ == "__main__":
    main()

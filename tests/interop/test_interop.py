"""Nodes of this build and reference nodes in one network, for each binary in CJDNS_REF."""
import subprocess
import time

from mixed import fresh, node_of, reference_binaries, require_binaries, short, warnings_of

import lab as laboratory
from common import cable_of
from common import run
from lab import ip, test
from nodes import Failure, PORT
from probes import all_pairs, ping_during, ping_until, rate_text, throughput
import topologies

MIXTURES = ["oor", "oro", "roo", "orr", "ror", "rro"]
MEET_S = 40.0  # a reference node sends its first beacon up to 33 s after its start
COME_BACK_S = 90.0  # a reference neighbour keeps its session with a former life for a while


def one_chain(lab, binary, mixture, family):
    nodes = [node_of(lab, kind, f"{kind}{i}", binary) for i, kind in enumerate(mixture)]
    topologies.chain(lab, nodes, family)
    times = ping_until(lab, all_pairs(nodes), since=lab.start())
    print(f"{short(binary)} IPv{family} {mixture}: all pairs after {max(times.values()):.2f} s")


def all_chains(lab, family):
    for binary in reference_binaries():
        for mixture in MIXTURES:
            fresh(lab, one_chain, binary, mixture, family)


@test
def chains_ipv4(lab):
    """The reference in every position of a chain of three; o is ours, r the reference."""
    all_chains(lab, "4")


@test
def chains_ipv6(lab):
    all_chains(lab, "6")


def one_tcp(lab, binary, mixture, seconds):
    nodes = [node_of(lab, kind, f"{kind}{i}", binary) for i, kind in enumerate(mixture)]
    topologies.chain(lab, nodes)
    lab.start()
    ping_until(lab, all_pairs(nodes))
    rates = throughput(nodes[0], nodes[-1], seconds)
    print(f"{short(binary)} {mixture}: {rate_text(rates)}")


@test
def tcp(lab):
    for binary in reference_binaries():
        for mixture in ("or", "ro", "oro", "ror"):
            fresh(lab, one_tcp, binary, mixture, 10)


def one_restart(lab, binary, kinds, victim):
    """Kills one of two nodes, starts it again at once; seconds until both directions work. The
    first calls the second."""
    nodes = [node_of(lab, kind, f"{kind}{i}", binary) for i, kind in enumerate(kinds)]
    lab.join(*nodes)
    lab.start()
    ping_until(lab, all_pairs(nodes))
    nodes[victim].kill()
    again = lab.start(nodes[victim])
    return max(ping_until(lab, all_pairs(nodes), within=COME_BACK_S, since=again).values())


RESTARTS = [("ours, the caller, beside a reference node", "or", 0),
            ("ours, the called, beside a reference node", "ro", 1),
            ("a reference node, the caller, beside ours", "ro", 0),
            ("a reference node, the called, beside ours", "or", 1),
            ("a reference node, the caller, beside its kind", "rr", 0),
            ("a reference node, the called, beside its kind", "rr", 1)]


@test
def restart(lab):
    """How long a restarted node is away, in every position."""
    for binary in reference_binaries():
        for words, kinds, victim in RESTARTS:
            seconds = fresh(lab, one_restart, binary, kinds, victim)
            print(f"{short(binary)}: restart of {words}: back after {seconds:.2f} s")


def one_move(lab, binary, kinds, mover):
    """One of two nodes gets another address; seconds until both directions work, None: they never do
    while anybody waits. The first calls the second."""
    nodes = [node_of(lab, kind, f"{kind}{i}", binary) for i, kind in enumerate(kinds)]
    lab.join(*nodes)
    lab.start()
    ping_until(lab, all_pairs(nodes))
    node = nodes[mover]
    at = lab.link_address(nodes[1 - mover], node, "4")
    device = cable_of(node)
    since = time.monotonic()
    ip("-n", node.name, "addr", "del", f"{at}/24", "dev", device)
    ip("-n", node.name, "addr", "add", f"{at[:at.rindex('.')]}.77/24", "dev", device)
    try:
        return max(ping_until(lab, all_pairs(nodes), within=COME_BACK_S, since=since).values())
    except Failure:
        return None


MOVES = [("ours, the caller, beside a reference node", "or", 0, True),
         ("ours, the called, beside a reference node", "ro", 1, False),
         ("a reference node, the caller, beside ours", "ro", 0, True),
         ("a reference node, the called, beside ours", "or", 1, True),
         ("a reference node, the caller, beside its kind", "rr", 0, False)]


@test
def new_address(lab):
    """How long it takes until a node with a new address is found again. A reference node that calls
    looks for the other one nowhere but where it is configured."""
    for binary in reference_binaries():
        for words, kinds, mover, must_work in MOVES:
            seconds = fresh(lab, one_move, binary, kinds, mover)
            if seconds is None and must_work:
                raise Failure(f"{short(binary)}: {words}: not back after {COME_BACK_S:.0f} s")
            print(f"{short(binary)}: new address of {words}: "
                  + ("never back" if seconds is None else f"back after {seconds:.2f} s"))


def with_beacons(node):
    """Nothing but beacons, over IPv4."""
    node.families = ("4",)
    if node.is_reference:
        node.udp_changes = {"beacon": 2, "beaconPort": 64512, "beaconDevices": ["all"]}
    else:
        node.change = lambda tree: tree["plugins"][0]["config"].update(beacon={"mode": "send"})
    return node


def one_meeting(lab, binary, kinds):
    """Two that know nothing of each other; the first is up when the second starts."""
    first, second = [with_beacons(node_of(lab, kind, f"{kind}{i}", binary))
                     for i, kind in enumerate(kinds)]
    lab.link(first, second)
    lab.start(first)
    time.sleep(1)  # a reference node says nothing when it is ready
    return max(ping_until(lab, all_pairs([first, second]), within=MEET_S,
                          since=lab.start(second)).values())


@test
def beacons(lab):
    """Found by beacon in either order; and that the frames on the wire are heard both ways: ours
    only listening to the reference's, the reference's only to ours."""
    for binary in reference_binaries():
        for kinds in ("ro", "or"):
            seconds = fresh(lab, one_meeting, binary, kinds)
            print(f"{short(binary)}: {kinds}: both answer {seconds:.2f} s after the second's start")


def one_hearing(lab, binary, listener):
    """Only one of the two sends; the listener is the index in "or"."""
    nodes = [with_beacons(node_of(lab, kind, f"{kind}{i}", binary)) for i, kind in enumerate("or")]
    if listener == 0:
        nodes[0].change = lambda tree: tree["plugins"][0]["config"].update(
            beacon={"mode": "accept"})
    else:
        nodes[1].udp_changes["beacon"] = 1
    lab.link(*nodes)
    return max(ping_until(lab, all_pairs(nodes), within=MEET_S, since=lab.start()).values())


@test
def beacons_one_way(lab):
    for binary in reference_binaries():
        for listener, words in ((0, "ours hears the reference"), (1, "the reference hears ours")):
            seconds = fresh(lab, one_hearing, binary, listener)
            print(f"{short(binary)}: {words}: both answer after {seconds:.2f} s")


def one_life(lab, binary, kinds):
    """The usual life of two neighbours, a restart of the first included; what the second warns of."""
    first, second = [node_of(lab, kind, f"{kind}{i}", binary) for i, kind in enumerate(kinds)]
    lab.join(first, second)
    lab.start()
    ping_until(lab, all_pairs([first, second]))
    ping_during(lab, all_pairs([first, second]), 10, interval=0.1)
    throughput(first, second, 3)
    first.kill()
    lab.start(first)
    ping_until(lab, all_pairs([first, second]), within=COME_BACK_S)
    return warnings_of(second)


def one_edit(lab, binary):
    """Our --invite into our file, our --add-peer into the reference's own, which it then runs."""
    ours, theirs = node_of(lab, "o", "o", binary), node_of(lab, "r", "r", binary)
    lab.link(theirs, ours)
    for node in (ours, theirs):
        node.write_config()
        node.write_config = lambda: None
    address = f"{lab.link_address(theirs, ours, '4')}:{PORT}"
    status, said = run(ours, "--config", ours.config_path, "--invite", "r", "--address", address)
    uri = next(line for line in said.splitlines() if line.startswith("cjdns://"))
    done = subprocess.run([ours.binary, "--config", theirs.config_path, "--add-peer", uri],
                          stderr=subprocess.PIPE, text=True, check=False)
    if status or done.returncode:
        raise Failure(f"not edited: {said}{done.stderr}")
    lab.start()
    ping_until(lab, all_pairs([ours, theirs]))


@test
def edited_file(lab):
    for binary in reference_binaries():
        fresh(lab, one_edit, binary)


@test
def warnings(lab):
    """A reference node has nothing to complain of in us that it does not find in its own kind."""
    bad = []
    for binary in reference_binaries():
        usual = fresh(lab, one_life, binary, "rr")
        ours = fresh(lab, one_life, binary, "or")
        print(f"{short(binary)}: warnings beside its kind {sorted(usual)}, beside ours {sorted(ours)}")
        bad += [f"{short(binary)} {place}: {text}" for place, text in ours.items()
                if place not in usual]
    if bad:
        raise Failure("warnings only beside ours: " + "; ".join(bad))


if __name__ == "__main__":
    require_binaries()
    laboratory.main()

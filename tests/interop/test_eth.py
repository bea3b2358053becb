"""Nodes of this build and reference nodes on one Ethernet segment, for each binary in CJDNS_REF."""
import time

from mixed import fresh, node_of, reference_binaries, require_binaries, short

import lab as laboratory
from common import expect
from ethernet import cable, call, plug_in, switch
from lab import ip, test
from nodes import wait_for
from probes import all_pairs, ping_until

FOUND_S, AGAIN_S, SLACK = 0.5, 3.0, 4.0


def is_up(node):
    """Takes part: ours says so, of the reference its core answers for its TUN device."""
    if node.is_reference:
        wait_for(lambda: node.address in ip("-n", node.name, "-6", "-br", "addr") or
                 " fc" in ip("-n", node.name, "-6", "-br", "addr"), 20, f"{node.name} is up")
    else:
        node.wait_log(r"device eth0 is in use")
        node.wait_log(r"ready")


def pair(lab, kinds, binary):
    return [node_of(lab, kind, f"{kind}{i}", binary) for i, kind in enumerate(kinds)]


def start_in_turn(lab, nodes):
    """Each when the one before is up; returns the time when all are."""
    for node in nodes:
        lab.start(node)
        is_up(node)
    return time.monotonic()


def beacons(lab, binary, kinds, modes):
    nodes = pair(lab, kinds, binary)
    cable(lab, *nodes, modes=modes)
    since = start_in_turn(lab, nodes)
    return max(ping_until(lab, all_pairs(nodes), within=60, since=since).values())


@test
def eth_beacons(lab):
    """Found by nothing but beacons, whoever comes second, whoever sends."""
    for binary in reference_binaries():
        for kinds in ("or", "ro"):
            for modes in (("send", "send"), ("accept", "send")):
                seconds = fresh(lab, beacons, binary, kinds, modes)
                what = f"{short(binary)}: {kinds[0]} {modes[0]}, then {kinds[1]} {modes[1]}"
                print(f"{what}: {seconds:.2f} s")
                expect(seconds <= FOUND_S * SLACK, f"{what}: {seconds:.2f} s, to be {FOUND_S} s")


def configured(lab, binary, kinds):
    nodes = pair(lab, kinds, binary)
    cable(lab, *nodes, modes=("off", "off"))
    call(*nodes)
    since = start_in_turn(lab, nodes)
    return max(ping_until(lab, all_pairs(nodes), within=60, since=since).values())


@test
def eth_configured(lab):
    """By address, key and password; the first calls the second."""
    for binary in reference_binaries():
        for kinds in ("or", "ro"):
            seconds = fresh(lab, configured, binary, kinds)
            print(f"{short(binary)}: {kinds[0]} calls {kinds[1]}: {seconds:.2f} s")


def life(lab, binary):
    ours, theirs = pair(lab, "or", binary)
    switch(lab, [ours, theirs])
    start_in_turn(lab, [ours, theirs])
    ping_until(lab, all_pairs([ours, theirs]), within=60)

    def again(what):
        seconds = max(ping_until(lab, all_pairs([ours, theirs]), within=60).values())
        print(f"{short(binary)}: {what}: {seconds:.2f} s")
        expect(seconds <= AGAIN_S * SLACK, f"{what}: {seconds:.2f} s, to be {AGAIN_S} s")
    ip("-n", ours.name, "link", "set", "eth0", "down")
    ours.wait_log(r"device eth0 is down")
    ip("-n", ours.name, "link", "set", "eth0", "up")
    again("down and up")
    ip("-n", ours.name, "link", "set", "eth0", "address", "02:00:00:00:00:77")
    again("another hardware address")
    ip("-n", ours.name, "link", "del", "eth0")
    ours.wait_log(r"device eth0 is gone")
    plug_in(ours)
    again("made anew")
    ours.kill()
    lab.start(ours)
    is_up(ours)
    again("our node killed and started again")


@test
def eth_life(lab):
    """The device of our node comes and goes; the reference node is only there."""
    for binary in reference_binaries():
        fresh(lab, life, binary)


def mesh(lab, binary):
    nodes = pair(lab, "oroororo", binary)
    switch(lab, nodes)
    since = lab.start()
    return max(ping_until(lab, all_pairs(nodes), within=60, since=since).values())


@test
def eth_mesh(lab):
    """Eight nodes, ours and the reference's in turn, on one segment."""
    for binary in reference_binaries():
        print(f"{short(binary)}: all pairs of eight after {fresh(lab, mesh, binary):.2f} s")


if __name__ == "__main__":
    require_binaries()
    laboratory.main()

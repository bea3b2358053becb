"""Nodes on Ethernet: found by beacon or configured, on devices that come and go."""
import os
import signal
import time

from common import REFERENCE_FILE, expect
from ethernet import FrameFlood, Pace, cable, call, plug_in, resident_kib, switch
from lab import ip, main, test
from nodes import EthernetLinks
from probes import all_pairs, ping_during, ping_until

# What is to hold on a machine that does nothing else; loaded ones get SLACK times as long.
FOUND_S, AGAIN_S, SLACK = 0.5, 3.0, 4.0
FLAPS = int(os.environ.get("CJD_ETH_FLAPS", "20"))
FLOOD_S = float(os.environ.get("CJD_ETH_FLOOD_SECONDS", "5"))
FLOOD_RATE = 10000


def is_in_use(node, device="eth0"):
    node.wait_log(rf"device {device} is in use")


def expect_soon(what, seconds, limit):
    print(f"{what}: {seconds:.2f} s")
    expect(seconds <= limit * SLACK, f"{what}: {seconds:.2f} s, to be {limit} s")


def start_and_find(lab, nodes):
    """Seconds from all being up until each pair has exchanged pings."""
    lab.start(*nodes)
    for node in nodes:
        is_in_use(node)
        node.wait_log(r"ready")
    return max(ping_until(lab, all_pairs(nodes), within=20).values())


@test
def eth_two_by_beacon(lab):
    """Nothing but beacons: two nodes find each other, whichever of them sends."""
    for modes in (("send", "send"), ("send", "accept"), ("accept", "send")):
        a, b = lab.node("a"), lab.node("b")
        cable(lab, a, b, modes)
        expect_soon(f"beacons {modes[0]}, {modes[1]}", start_and_find(lab, [a, b]), FOUND_S)
        lab.reset()


@test
def eth_second_comes_later(lab):
    """One that was alone for a while is found as fast."""
    a, b = lab.node("a"), lab.node("b")
    cable(lab, a, b)
    lab.start(a)
    is_in_use(a)
    time.sleep(6)  # by then its beacons are rare
    lab.start(b)
    is_in_use(b)
    b.wait_log(r"ready")
    expect_soon("the second", max(ping_until(lab, all_pairs([a, b]), within=20).values()), FOUND_S)


@test
def eth_modes(lab):
    """Two that only listen do not meet; off is off."""
    a, b = lab.node("a"), lab.node("b")
    for modes in (("accept", "accept"), ("off", "send")):
        cable(lab, a, b, modes)
        lab.start()
        for node in (a, b):
            is_in_use(node)
            node.wait_log(r"ready")
        time.sleep(1.5)
        for node in (a, b):
            expect("state=established" not in node.log(), f"{modes}: {node.name} has a peer")
        lab.reset()
        a, b = lab.node("a"), lab.node("b")


@test
def eth_configured_peer(lab):
    """By address, key and password, without any beacon; the wrong password is no way in."""
    a, b, c = (lab.node(name) for name in "abc")
    switch(lab, [a, b, c])
    for node in (a, b, c):
        node.ethernet.mode = "off"
    call(a, b)
    call(c, b)
    c.ethernet.peers[0].password = "wrong"
    lab.start()
    times = ping_until(lab, all_pairs([a, b]), within=10)
    print(f"configured: {max(times.values()):.2f} s")
    b.wait_log(r"refused a neighbour")
    expect("established" not in c.log(), "c came in with a wrong password")


@test
def eth_mesh_of_eight(lab):
    nodes = [lab.node(f"n{i}") for i in range(8)]
    switch(lab, nodes)
    expect_soon("all pairs of eight", start_and_find(lab, nodes), 2.0)


@test
def eth_all_devices(lab):
    """"all": several devices of several kinds; no loopback, no TUN, no port of a bridge; rules."""
    a, b, c, d = (lab.node(name) for name in "abcd")
    switch(lab, [a, b, c], "s1")
    ip("link", "add", "veth-ad", "netns", a.name, "type", "veth", "peer", "name", "eth0",
       "netns", d.name)
    ip("-n", d.name, "link", "set", "eth0", "up")
    d.families, d.ethernet = (), EthernetLinks(["eth0"])
    # The way to d is a port of a bridge, that to the others a macvlan on eth0.
    ip("-n", a.name, "link", "add", "br-d", "type", "bridge", "forward_delay", "0")
    ip("-n", a.name, "link", "set", "veth-ad", "master", "br-d", "up")
    ip("-n", a.name, "link", "set", "br-d", "up")
    ip("-n", a.name, "link", "add", "mv0", "link", "eth0", "type", "macvlan", "mode", "bridge")
    ip("-n", a.name, "link", "set", "mv0", "up")
    a.ethernet = EthernetLinks(["all"])
    a.ethernet.rules = [{"device": "eth0", "use": False}]
    lab.start()
    ping_until(lab, all_pairs(lab.nodes), within=20)
    is_in_use(a, "br-d")
    is_in_use(a, "mv0")
    a.wait_log(r"veth-ad: is not used: it is a port")
    for device in ("lo", "tun0", "veth-ad", "eth0"):
        expect(f"device {device} is in use" not in a.log(), f"a uses {device}")


@test
def eth_two_ways(lab):
    """A neighbour heard on two devices is a peer on both."""
    a, b = lab.node("a"), lab.node("b")
    cable(lab, a, b)
    ip("link", "add", "eth1", "netns", a.name, "type", "veth", "peer", "name", "eth1",
       "netns", b.name)
    for node in (a, b):
        ip("-n", node.name, "link", "set", "eth1", "up")
        node.ethernet.devices = ["eth0", "eth1"]
    lab.start()
    ping_until(lab, all_pairs([a, b]), within=20)
    for node in (a, b):
        for device in ("eth0", "eth1"):
            node.wait_log(rf"state=established .*link=eth/{device}")


def again(lab, a, b, what):
    """Traffic goes on soon after what was just done."""
    times = ping_until(lab, all_pairs([a, b]), within=30)
    expect_soon(what, max(times.values()), AGAIN_S)


def new_mac(a):
    ip("-n", a.name, "link", "set", "eth0", "address", "02:00:00:00:00:77")


def down_and_up(a):
    ip("-n", a.name, "link", "set", "eth0", "down")
    a.wait_log(r"device eth0 is down")
    ip("-n", a.name, "link", "set", "eth0", "up")


def make_anew(a, *settings):
    ip("-n", a.name, "link", "del", "eth0")
    a.wait_log(r"device eth0 is gone: waiting for it")
    plug_in(a, "switch", *settings)


def life_of_device(lab, a, b):
    switch(lab, [a, b])
    lab.start()
    ping_until(lab, all_pairs([a, b]), within=20)
    down_and_up(a)
    again(lab, a, b, "down and up")
    new_mac(a)
    again(lab, a, b, "another hardware address")
    make_anew(a)
    again(lab, a, b, "made anew")
    make_anew(a, "address", "02:00:00:00:00:77")
    again(lab, a, b, "made anew with the same address")
    ip("-n", a.name, "link", "set", "eth0", "down")
    ip("-n", a.name, "link", "set", "eth0", "name", "wan7")
    ip("-n", a.name, "link", "set", "wan7", "up")
    a.wait_log(r"device eth0 is called wan7 now")
    again(lab, a, b, "renamed")
    ip("-n", a.name, "link", "set", "wan7", "mtu", "1400")
    a.wait_log(r"device wan7 is in use, .* MTU 1400")
    again(lab, a, b, "another MTU")


@test
def eth_life_of_a_device(lab):
    """By beacons, after the privileges were given up."""
    life_of_device(lab, lab.node("a"), lab.node("b"))


@test
def eth_life_of_a_configured_device(lab):
    """The same without beacons: a calls b."""
    a, b = lab.node("a"), lab.node("b")
    switch(lab, [a, b])
    for node in (a, b):
        node.ethernet.mode = "off"
    call(a, b)
    lab.start()
    ping_until(lab, all_pairs([a, b]), within=20)
    down_and_up(a)
    again(lab, a, b, "down and up")
    new_mac(a)
    again(lab, a, b, "another hardware address")
    make_anew(a)
    again(lab, a, b, "made anew")


@test
def eth_device_comes_later(lab):
    """Named, but not there at the start; it is also set up, as long as that is permitted."""
    a, b = lab.node("a"), lab.node("b")
    switch(lab, [b])
    a.families, a.ethernet = (), EthernetLinks(["eth0", "eth9"])
    lab.start()
    a.wait_log(r"device eth0: does not exist yet")
    a.wait_log(r"ready")
    plug_in(a)
    again(lab, a, b, "a device that came later")


@test
def eth_odd_devices(lab):
    """What cannot be used is said and left out; the rest works."""
    a, b = lab.node("a"), lab.node("b")
    switch(lab, [a, b])
    ip("-n", a.name, "link", "add", "tiny", "mtu", "100", "type", "veth", "peer", "name", "other")
    ip("-n", a.name, "link", "set", "other", "up")
    ip("-n", a.name, "link", "set", "tiny", "up")
    a.ethernet.devices = ["lo", "tiny", "eth0"]
    lab.start()
    ping_until(lab, all_pairs([a, b]), within=20)
    a.wait_log(r"device lo: is not used: it does not carry Ethernet frames")
    a.wait_log(r"device tiny: is not used: its MTU is below")
    ip("-n", a.name, "link", "set", "tiny", "mtu", "1000")
    is_in_use(a, "tiny")


@test
def eth_missing_privilege(lab):
    """Without CAP_NET_RAW the plugin is left out, with the reason."""
    a = lab.node("a")
    a.families, a.ethernet, a.has_tun = (), EthernetLinks(["all"]), False
    a.uid = 65534
    a.sandbox = {}
    a.start()
    a.wait_log(r"cannot open a packet socket: start as root, or with the capability CAP_NET_RAW")


@test
def eth_reference_file(lab):
    """The Ethernet section of a file of the reference, switched on, is used as it is."""
    a, b = lab.node("a"), lab.node("b")
    cable(lab, a, b)
    values = dict(b.identity, password=b.password)
    with open(b.config_path, "w", encoding="ascii") as file:
        file.write(REFERENCE_FILE.replace("_disabled_ETH", "ETH") % values)
    b.started, b.starts = time.monotonic(), 1
    b.process = b.spawn([b.binary], stdin_path=b.config_path)
    lab.start(a)
    ping_until(lab, all_pairs([a, b]), within=20)


@test
def eth_reload(lab):
    """SIGHUP: beacons, devices and peers as the new file has them; what stays is not disturbed."""
    a, b, c = (lab.node(name) for name in "abc")
    switch(lab, [a, b])
    cable_c = EthernetLinks(["eth1"])
    ip("link", "add", "eth1", "netns", a.name, "type", "veth", "peer", "name", "eth1",
       "netns", c.name)
    ip("-n", c.name, "link", "set", "eth1", "up")
    c.families, c.ethernet = (), cable_c
    a.ethernet.mode = "accept"
    b.ethernet.mode = "off"
    call(a, b)
    lab.start()
    ping_until(lab, all_pairs([a, b]), within=20)

    def reload():
        a.write_config()
        a.process.send_signal(signal.SIGHUP)
    a.ethernet.devices = ["eth0", "eth1"]
    a.ethernet.mode = "send"
    reload()
    is_in_use(a, "eth1")
    ping_until(lab, all_pairs([a, c]) + all_pairs([a, b]), within=20)
    expect(b.log().count("state=established") == 1, "the peering with b was disturbed")
    a.ethernet.devices = ["eth1"]
    a.ethernet.peers = []
    reload()
    b.wait_log(r"silent now")
    ping_until(lab, all_pairs([a, c]), within=20)
    a.ethernet.devices = ["eth1", *(f"x{i}" for i in range(20))]
    reload()  # more than sockets were opened for
    a.wait_log(r"eth: its changes need a restart")
    a.ethernet.devices = ["eth0"]
    call(a, b)
    reload()
    ping_until(lab, all_pairs([a, b]), within=20)
    expect(a.starts == 1 and a.is_running(), "a ended")


@test
def eth_flaps(lab):
    """A device that comes and goes all the time costs no memory (CJD_ETH_FLAPS, 20)."""
    a, b = lab.node("a"), lab.node("b")
    switch(lab, [a, b])
    lab.start()
    ping_until(lab, all_pairs([a, b]), within=20)
    before = None
    for i in range(FLAPS):
        if i % 4 == 3:
            ip("-n", a.name, "link", "del", "eth0")
            plug_in(a)
        else:
            ip("-n", a.name, "link", "set", "eth0", "down")
            ip("-n", a.name, "link", "set", "eth0", "up")
        if i == FLAPS // 4:
            before = resident_kib(a)
    again(lab, a, b, f"after {FLAPS} flaps")
    after = resident_kib(a)
    print(f"NOTE eth_flaps: {FLAPS}, memory {before} KiB after a quarter, {after} KiB after all")
    expect(after <= before + 1024, f"memory grew from {before} to {after} KiB")


@test
def eth_flood(lab):
    """Forged beacons at 10,000 a second, each of another node, and broken and oversized frames: the
    peers do not notice, memory stays (CJD_ETH_FLOOD_SECONDS, 5)."""
    a, b, host = (lab.node(name) for name in "abh")
    switch(lab, [a, b, host])
    for node in (a, b):
        node.log_level = "info"
    lab.start(a, b)
    ping_until(lab, all_pairs([a, b]), within=20)
    for name in (host.name, "switch"):  # room for frames larger than a's buffers
        device = "eth0" if name == host.name else f"p-{host.name}"
        ip("-n", name, "link", "set", device, "mtu", "9000")
    flood = FrameFlood(host, a)
    before, pace, turns = resident_kib(a), Pace(FLOOD_RATE), 0

    def meanwhile():
        nonlocal turns
        for _ in range(pace.due()):
            turns += 1
            flood.send_beacon()
            if turns % 10 == 0:
                flood.send_broken()
            if turns % 100 == 0:
                flood.send_oversized(1500 if turns % 200 else 8000)
    try:
        steady = ping_during(lab, all_pairs([a, b]), FLOOD_S, interval=0.02, meanwhile=meanwhile)
    finally:
        flood.close()
    after = resident_kib(a)
    print(f"NOTE eth_flood: {flood.sent / FLOOD_S:.0f} frames/s, {steady.loss():.2%} of pings lost, "
          f"longest gap {steady.worst_gap():.2f} s, memory {before} to {after} KiB")
    expect(steady.loss() < 0.02, f"{steady.loss():.2%} of the pings were lost")
    expect(after < before + 8192, f"memory grew from {before} to {after} KiB")
    expect(f"device eth0 is gone" not in a.log() and a.is_running(), "a was disturbed")


if __name__ == "__main__":
    main()

"""Nodes of this build find each other, whatever the shape of the network."""
from lab import main, test
from nodes import PORT
from probes import all_pairs, no_answer, ping_program, ping_until, rate_text, throughput
import topologies


def nodes(lab, count):
    return [lab.node(f"n{i}") for i in range(count)]


def start_and_ping(lab, pairs, within=5.0):
    times = ping_until(lab, pairs, within, since=lab.start())
    print(f"{len(pairs)} pairs; from start to the first reply {min(times.values()):.2f} s, "
          f"to the last pair's {max(times.values()):.2f} s")


@test
def two_ipv4(lab):
    """    a ── b    """
    a, b = nodes(lab, 2)
    lab.join(a, b, "4")
    start_and_ping(lab, all_pairs([a, b]))
    ping_program(a, b)
    ping_program(b, a)


@test
def two_ipv6(lab):
    a, b = nodes(lab, 2)
    lab.join(a, b, "6")
    start_and_ping(lab, all_pairs([a, b]))
    ping_program(a, b)


@test
def two_call_each_other(lab):
    """Both know the other: their hellos cross."""
    a, b = nodes(lab, 2)
    lab.join(a, b)
    b.connect(a)
    start_and_ping(lab, all_pairs([a, b]))


@test
def chain_of_three(lab):
    topologies.chain(lab, nodes(lab, 3))
    start_and_ping(lab, all_pairs(lab.nodes))


@test
def ring_of_five(lab):
    topologies.ring(lab, nodes(lab, 5))
    start_and_ping(lab, all_pairs(lab.nodes))


@test
def grid_of_nine(lab):
    topologies.grid(lab, nodes(lab, 9), 3)
    start_and_ping(lab, all_pairs(lab.nodes), within=10.0)


@test
def peer_by_name(lab):
    """The neighbour is given by a name from /etc/hosts."""
    a, b = nodes(lab, 2)
    lab.link(a, b)
    a.set_hosts(f"127.0.0.1 localhost\n{lab.link_address(a, b, '4')} neighbour.example\n")
    a.connect(b, address=f"neighbour.example:{PORT}")
    start_and_ping(lab, all_pairs([a, b]))


@test
def forwards_without_tun(lab):
    """    a ── m ── b, m has no TUN: it takes part and cannot be reached itself    """
    a, m, b = nodes(lab, 3)
    topologies.chain(lab, [a, m, b])
    m.has_tun = False
    start_and_ping(lab, all_pairs([a, b]))
    no_answer(lab, [(a, m)], during=1.0)


@test
def tcp_two(lab):
    a, b = nodes(lab, 2)
    lab.join(a, b)
    start_and_ping(lab, all_pairs([a, b]))
    print("TCP over one hop:", rate_text(throughput(a, b, 4)))


@test
def tcp_through_a_third(lab):
    a, m, b = nodes(lab, 3)
    topologies.chain(lab, [a, m, b])
    start_and_ping(lab, all_pairs(lab.nodes))
    print("TCP over two hops:", rate_text(throughput(a, b, 4)))


if __name__ == "__main__":
    main()

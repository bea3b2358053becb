"""Neighbours that are set up wrongly: refused, and the reason is where the operator looks."""
import secrets

from keys import base32
from lab import main, test
from nodes import Failure
from probes import all_pairs, no_answer, ping_until


def two_joined(lab, **changes):
    a, b = lab.node("a"), lab.node("b")
    lab.link(a, b)
    a.connect(b, **changes)
    return a, b


def check_refused(lab, a, b, reason):
    """b refuses a and logs why; a hears nothing and says so; nothing gets through."""
    lab.start()
    b.wait_log(rf"refused a neighbour key={a.key} .*{reason}")
    a.wait_log(rf"peer {b.key} .*no answer")
    no_answer(lab, all_pairs([a, b]), during=0.5)


@test
def wrong_password(lab):
    a, b = two_joined(lab, password="not the password")
    check_refused(lab, a, b, "wrong password")
    for node in (a, b):
        if "not the password" in node.log() or b.password in node.log():
            raise Failure(f"a password is in the log of {node.name}")


@test
def unknown_login(lab):
    a, b = two_joined(lab, login="nobody-knows-me")
    check_refused(lab, a, b, "unknown login")


@test
def wrong_key(lab):
    """a expects another node's key at b's address: b cannot open the hello."""
    stranger = lab.node("stranger")
    a, b = two_joined(lab, key=stranger.key)
    lab.start(a, b)
    b.wait_log(rf"refused a neighbour key={a.key} .*wrong public key")
    a.wait_log(rf"peer {stranger.key} .*no answer")
    no_answer(lab, all_pairs([a, b]), during=0.5)


def check_says(node, pattern):
    node.start()
    node.wait_log(pattern)


@test
def own_key(lab):
    """A node told to connect to itself says so and goes on with its other neighbours."""
    a, b = two_joined(lab)
    c = lab.node("c")
    lab.join(a, c)
    a.peers[0].key = a.key
    lab.start(c)
    check_says(a, r"(?i)own (public )?key|this node itself")
    ping_until(lab, all_pairs([a, c]))


@test
def key_outside_the_network(lab):
    """A key whose address is not in fc00::/8 cannot be a neighbour's; the others still work."""
    a, b = two_joined(lab)
    c = lab.node("c")
    lab.join(a, c)
    a.peers[0].key = base32(secrets.token_bytes(31) + b"\0") + ".k"
    lab.start(c)
    check_says(a, r"fc00::/8")
    ping_until(lab, all_pairs([a, c]))


if __name__ == "__main__":
    main()

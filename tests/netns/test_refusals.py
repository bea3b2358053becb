"""Neighbours that are set up wrongly: refused, and the reason is where the operator looks."""
import hashlib

from keys import address, base32
from lab import main, test
from nodes import Failure
from probes import all_pairs, no_answer

EX_CONFIG = 78


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


def check_rejected(a, reason):
    """The configuration itself is wrong: the start ends, and place and reason are told."""
    a.start()
    status = a.wait_exit(5)
    if status != EX_CONFIG:
        raise Failure(f"status {status}, not {EX_CONFIG}: {a.log()}")
    a.wait_log(rf"{a.name}\.json:\d+:\d+: error: .*{reason}", within=0)


@test
def own_key(lab):
    """A node is told to connect to itself."""
    a, _ = two_joined(lab)
    a.peers[0].key = a.key
    check_rejected(a, "this node itself")


@test
def key_outside_the_network(lab):
    """A key whose address is not in fc00::/8 cannot be a neighbour's."""
    a, _ = two_joined(lab)
    public = hashlib.sha256(b"some key").digest()
    if address(public).startswith("fc"):
        raise Failure("the key is one of the network")
    a.peers[0].key = base32(public) + ".k"
    check_rejected(a, "fc00::/8")


if __name__ == "__main__":
    main()

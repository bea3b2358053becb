"""Two commands make a peering: one node invites, the other one adds what it was given."""
import json
import os
import re
import signal

from common import REFERENCE_FILE, expect, run
from lab import main, test
from nodes import NOBODY, PORT, wait_for
from probes import all_pairs, ping_until

EX_USAGE, EX_CONFIG = 64, 78


def two_strangers(lab, mode):
    """Two nodes with a cable between them that know nothing of each other, and run."""
    a, b = lab.node("a"), lab.node("b")
    lab.link(a, b)
    lab.start()
    for node in (a, b):
        os.chmod(node.config_path, mode)
        node.wait_log(rf"ready .*{re.escape(node.address)}")
    return a, b


def reload(node):
    before = len(node.log())
    node.process.send_signal(signal.SIGHUP)
    wait_for(lambda: re.search("reload (done|refused)", node.log()[before:]), 5, "the reload")
    expect("reload done" in node.log()[before:], f"refused: {node.log()[before:]}")


def uri_of(output):
    return next(line for line in output.splitlines() if line.startswith("cjdns://"))


def invite(node, name, *more):
    status, output = run(node, "--config", node.config_path, "--invite", name, *more)
    expect(status == 0, f"status {status}: {output}")
    return uri_of(output), output


def add_peer(node, uri, *more, stdin=None):
    status, output = run(node, "--config", node.config_path, "--add-peer", uri, *more, stdin=stdin)
    expect(status == 0, f"status {status}: {output}")
    return output


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def join_by_uri(lab, mode):
    a, b = two_strangers(lab, mode)
    before = read(b.config_path)
    owner = os.stat(b.config_path)
    uri, said = invite(b, "a")
    expect("local network" in said and "NAT" in said, f"nothing about local addresses: {said}")
    add_peer(a, uri)
    for node in (a, b):
        reload(node)
    ping_until(lab, all_pairs([a, b]))
    expect(read(b.config_path + ".bak") == before, "the old file is not kept")
    now = os.stat(b.config_path)
    for field in ("st_mode", "st_uid", "st_gid"):
        expect(getattr(now, field) == getattr(owner, field), f"{field} changed")
    expect(not [name for name in os.listdir(os.path.dirname(b.config_path))
                if re.fullmatch(r"[ab]\.json\.(?!bak).*", name)], "files were left behind")


@test
def invite_and_add_peer(lab):
    """Both run already, and go on running."""
    join_by_uri(lab, 0o640)


@test
def files_of_root_alone(lab):
    """The nodes are not root any more and can only read them again by the descriptor they have."""
    join_by_uri(lab, 0o600)


@test
def invited_twice(lab):
    """A second password in place of the first: with the old one nobody gets in any more."""
    a, b = two_strangers(lab, 0o600)
    address = f"{lab.link_address(a, b, '4')}:{PORT}"
    uri, said = invite(b, "a", "--address", address)
    status, output = run(b, "--config", b.config_path, "--invite", "a", "--address", address)
    place = r"b\.json:\d+:\d+: error: .*\"a\" already .*/peering/passwords/1"
    expect(status == EX_CONFIG and re.search(place, output), f"status {status}: {output}")
    add_peer(a, uri)
    for node in (a, b):
        reload(node)
    ping_until(lab, all_pairs([a, b]))
    second, _ = invite(b, "a", "--address", address, "--replace")
    reload(b)
    b.wait_log(rf"refused a neighbour key={a.key}", within=10)
    status, output = run(a, "--config", a.config_path, "--add-peer", second)
    expect(status == EX_CONFIG and "there already" in output and "--replace" in output,
           f"status {status}: {output}")
    add_peer(a, second, "--replace")
    reload(a)
    ping_until(lab, all_pairs([a, b]))


@test
def credentials_into_a_reference_file(lab):
    """As people paste them, from standard input, into a file of the reference that a node runs
    with: chroot, and comments that stay."""
    a, b = two_strangers(lab, 0o640)
    a.stop()
    text = REFERENCE_FILE % dict(a.identity, password=a.password)
    with open(a.config_path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(a.config_path, 0o600)
    a.process = a.spawn(a.arguments())
    a.wait_log(r"plugins=\d+$")
    block = f'''
        // b's
        "{lab.link_address(a, b, '4')}:{PORT}": {{
            "login": "default-login",
            "password": "{b.password}",
            "publicKey": "{b.key}",
            "peerName": "b",
        }},
    '''
    said = add_peer(a, "-", stdin=block)
    expect(re.search(r"a\.json:\d+: added peer b at", said), f"no place: {said}")
    reload(a)
    ping_until(lab, all_pairs([a, b]))
    new = read(a.config_path).splitlines()
    expect(text.splitlines() == [line for line in new if line in text.splitlines()] and
           len(new) == len(text.splitlines()) + 6, f"more was changed than added: {new}")


@test
def what_is_refused(lab):
    """Nothing is written unless all is well."""
    a = lab.node("a")
    a.write_config()
    b = lab.node("b")
    b.write_config()
    before = read(a.config_path)
    uri, _ = invite(b, "a", "--address", "192.0.2.7")
    good = ["--config", a.config_path, "--add-peer"]
    for status, words, arguments in (
            (EX_USAGE, "name it with --config FILE", ["--add-peer", uri]),
            (EX_USAGE, "one thing at a time", [*good, uri, "--invite", "x"]),
            (EX_USAGE, "--address goes with --invite", [*good, uri, "--address", "h"]),
            (EX_CONFIG, "the end of the URI is missing", [*good, uri[:-9]]),
            (EX_CONFIG, "of the key is wrong", [*good, uri.replace(b.key, "q" + b.key[1:])]),
            (EX_CONFIG, "neither a peer URI nor", [*good, '"x": 5']),
            (EX_CONFIG, "No such file", ["--config", "/nowhere/x", "--add-peer", uri]),
            (EX_CONFIG, "the key of this node itself",
             ["--config", b.config_path, "--add-peer", uri]),
            (EX_CONFIG, "1 to 64 bytes", ["--config", a.config_path, "--invite", ""]),
            (EX_CONFIG, "a port from 1", [*good, json.dumps(
                {"192.0.2.7": {"publicKey": b.key, "password": "x"}})])):
        got, output = run(a, *arguments)
        expect(got == status and words in output, f"{arguments}: status {got}: {output}")
    expect(read(a.config_path) == before, "the file was changed")
    expect(not os.path.exists(a.config_path + ".bak"), "a copy was made of what did not change")
    os.chown(a.config_path, NOBODY, NOBODY)
    os.chmod(a.config_path, 0o400)
    a.uid = NOBODY
    got, output = run(a, *good, uri)
    expect(got == 77 and "Permission denied" in output, f"read-only: status {got}: {output}")


if __name__ == "__main__":
    main()

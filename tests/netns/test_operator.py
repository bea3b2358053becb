"""What operators run into: second starts, closed descriptors, wrong files, reloads."""
import json
import os
import re
import signal
import subprocess

import isolate
from common import REFERENCE_FILE, expect, run, two_joined
from lab import main, test
from nodes import Failure, wait_for
from probes import all_pairs, no_answer, ping_until

EX_USAGE, EX_UNAVAILABLE, EX_CONFIG = 64, 69, 78


def reference_text(node, **changes):
    """A file of the reference for this node, that goes to the background and logs to stderr."""
    text = REFERENCE_FILE % dict(node.identity, password=node.password)
    text = text.replace('"logTo": "stdout"', "").replace('"noBackground": 1', '"noBackground": 0')
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


def background(node, text):
    """Starts a node that goes to the background; returns its process id. Its standard output is read
    to the end, as $(cjdroute < conf) does: it must end when the command does."""
    with open(node.log_path, "ab") as log:
        process = subprocess.Popen([node.binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=log, preexec_fn=node.before_exec)
    try:
        output, _ = process.communicate(text.encode(), timeout=10)
    except subprocess.TimeoutExpired:
        raise Failure("standard output stays open in the background") from None
    expect(process.returncode == 0, f"status {process.returncode}: {node.log()}")
    expect(not output, f"written to standard output: {output}")
    pids = node.pids()
    expect(len(pids) == 1, f"processes {pids}")
    return pids[0]


def end(node, pid):
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not node.pids(), 5, f"{node.name} has ended")


@test
def background_lets_go(lab):
    """With the chroot of the default there is no /dev/null any more when the node is ready."""
    a = lab.node("a")
    end(a, background(a, reference_text(a)))
    text = reference_text(a).replace('{"nofiles": 0}', '{"nofiles": 1}')
    end(a, background(a, text))


def standard_streams(pid):
    return [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)]


@test
def closed_standard_streams(lab):
    """Nothing the node opens may end up where output is written to."""
    a, b = two_joined(lab)
    lab.start(b)
    a.write_config()
    script = 'exec "$@" <&- >&- 2>&-'
    a.process = a.spawn(["sh", "-c", script, "sh", *a.arguments()])
    a.starts = 1
    ping_until(lab, all_pairs([a, b]))
    streams = standard_streams(a.process.pid)
    expect(streams == ["/dev/null"] * 3, f"standard streams are {streams}")


@test
def second_start(lab):
    """A generated file does not mark its links as required; started twice it ends all the same."""
    a = lab.node("a")
    a.start()
    a.wait_log(re.escape(a.address))
    again = dict(a.config())
    for plugin in again["plugins"]:
        plugin.pop("required", None)
    status, output = run(a, "--config", "-", stdin=json.dumps(again))
    expect(status == EX_UNAVAILABLE, f"status {status}: {output}")
    expect(f"process {a.process.pid}" in output, f"the holder is not named: {output}")


@test
def unknown_user(lab):
    """A mistake in the file, with its place; --check finds it too."""
    a = lab.node("a")
    a.sandbox["user"] = "nobody-of-that-name"
    a.write_config()
    for arguments in (["--check"], []):
        status, output = run(a, "--config", a.config_path, *arguments)
        expect(status == EX_CONFIG, f"status {status}: {output}")
        expect(re.search(r"a\.json:\d+:\d+: error: .*\"nobody-of-that-name\".*/sandbox/user", output),
               f"no place: {output}")


@test
def command_line(lab):
    a = lab.node("a")
    a.write_config()
    twice = ["--config", a.config_path, "--config", a.config_path]
    for arguments in (twice, ["--config", a.config_path, "--convert", a.config_path]):
        status, output = run(a, "--check", *arguments) if arguments is twice else run(a, *arguments)
        expect(status == EX_USAGE, f"{arguments}: status {status}: {output}")
        expect("one configuration" in output, f"{arguments}: {output}")
    status, output = run(a, "--config", "/", "--check")
    expect(status == EX_CONFIG and "Is a directory" in output, f"status {status}: {output}")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([a.binary, "--config", a.config_path, "--print-config"], stdout=full,
                              stderr=subprocess.PIPE, check=False)
    expect(done.returncode == 70 and b"could not be written" in done.stderr,
           f"status {done.returncode}: {done.stderr}")


def reload(node, marker):
    """SIGHUP; what was logged up to the end of the reload."""
    before = len(node.log())
    node.write_config()
    node.process.send_signal(signal.SIGHUP)
    wait_for(lambda: re.search(marker, node.log()[before:]), 5, f"{marker} in the log")
    return node.log()[before:]


@test
def reload_compares_with_the_start(lab):
    """What needs a restart is said as long as it does: not after it was taken back."""
    a = lab.node("a")
    a.start()
    a.wait_log(re.escape(a.address))
    a.change = lambda tree: tree["node"].update(name="another")
    for _ in range(2):
        said = reload(a, "reload done")
        expect('"node" changed' in said, f"not said: {said}")
    a.change = None
    said = reload(a, "reload done")
    expect('"node" changed' not in said, f"said of a file that is as at the start: {said}")


@test
def removed_password(lab):
    """Whoever came with it is cut off at once and refused from then on; others are not disturbed."""
    a, b, c = (lab.node(name) for name in "abc")
    lab.join(a, b)
    lab.join(c, b)
    guest = {"login": "guest-" + "x" * 100, "password": "for a while"}
    a.peers[0].login, a.peers[0].password = guest["login"], guest["password"]
    b.change = lambda tree: tree["peering"]["passwords"].append(guest)
    lab.start()
    ping_until(lab, all_pairs(lab.nodes))
    b.change = None
    said = reload(b, "reload done")
    expect("removed=1 disconnected=1" in said, f"not said: {said}")
    no_answer(lab, [(a, b), (b, a)], during=0.5)
    b.wait_log(rf"refused a neighbour key={a.key} ", within=10)
    ping_until(lab, [(b, c), (c, b)], within=1)
    expect(len(re.findall(rf"peer {c.key} .*state=established", b.log())) == 1, "c was disturbed")


@test
def beacons_of_a_reference_file(lab):
    """The usual lines of a file of the reference make two nodes find each other."""
    nodes = [lab.node(name) for name in "ab"]
    lab.link(*nodes)
    for node in nodes:
        text = reference_text(node).replace(
            '"bind": "0.0.0.0:5199",',
            '"bind": "0.0.0.0:5199", "beacon": 2, "beaconDevices": ["all"], "beaconPort": 64512,')
        status, output = run(node, "--check", stdin=text)
        expect(status == 0 and "beacon" not in output, f"status {status}: {output}")
        background(node, text)
    ping_until(lab, all_pairs(nodes))


@test
def missing_filter_is_told(lab):
    """The reference's files ask for a system-call filter; a quiet log must not hide that there is
    none."""
    a = lab.node("a")
    text = reference_text(a).replace('{"seccomp": 0}', '{"seccomp": 1}')
    end(a, background(a, text))
    expect("no system-call filter" in a.log(), f"not told: {a.log()}")


@test
def log_that_cannot_be_made_anew(lab):
    """A folder that only root may write to, after the change of the user: what to do is said."""
    a = lab.node("a")
    path = f"{isolate.WORK_DIR}/operator.log"
    a.change = lambda tree: tree["log"].update(to=f"file:{path}")
    a.start()
    wait_for(lambda: os.path.exists(path) and "ready" in read(path), 5, "the node is ready")
    os.rename(path, path + ".1")
    a.process.send_signal(signal.SIGUSR1)
    wait_for(lambda: "Permission denied" in read(path + ".1"), 5, "the failure is logged")
    expect("logrotate" in read(path + ".1"), f"no advice: {read(path + '.1')}")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    main()

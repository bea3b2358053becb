"""A laboratory of nodes in network namespaces, and the frame that runs one test in it.

A test is a function marked @lab.test that takes a Lab. It starts real processes, waits for conditions
(never for a fixed time) and raises Failure. `python3 test_x.py NAME…` runs the tests named (all without
a name); ctest has one entry for each. By hand: CJD_BUILD_DIR names the build folder, CJD_KEEP a folder
that logs and configurations are copied to.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

import isolate
import keys
from nodes import Failure, OurNode, ReferenceNode

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = ["ip", "ping", "iperf3"]
LOG_LINES = 60
BUILD = os.environ.get("CJD_BUILD_DIR", os.path.join(ROOT, "build", "dev"))

TESTS = {}


def test(function):
    TESTS[function.__name__] = function
    return function


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"ip {' '.join(arguments)}: {done.stdout}")
    return done.stdout


class Lab:
    """Nodes and the links between them. Made and ended by run()."""

    def __init__(self):
        self.build_dir = BUILD
        self.nodes = []
        self.identities = iter(keys.load())
        self.links = 0
        self.extra_namespaces = []  # of no node: switches
        self.addresses = {}  # (node, other, family) → address of `other` as `node` sees it

    def add(self, node):
        ip("netns", "add", node.name)
        ip("-n", node.name, "link", "set", "lo", "up")
        self.nodes.append(node)
        return node

    def node(self, name):
        return self.add(OurNode(self, name, next(self.identities)))

    def reference(self, name, binary):
        return self.add(ReferenceNode(self, name, next(self.identities), binary))

    def end_of_link(self, node, device, addresses):
        ip("-n", node.name, "link", "set", device, "up")
        for address in addresses:
            ip("-n", node.name, "addr", "add", address, "dev", device,
               *(["nodad"] if ":" in address else []))

    def link(self, a, b):
        """A cable between two nodes, with IPv4 and IPv6 addresses."""
        k = self.links
        self.links += 1
        ends = [(a, b, f"e{k}a", f"10.98.{k}.1", f"fd98:{k:x}::1"),
                (b, a, f"e{k}b", f"10.98.{k}.2", f"fd98:{k:x}::2")]
        ip("link", "add", ends[0][2], "netns", a.name, "type", "veth",
           "peer", "name", ends[1][2], "netns", b.name)
        for node, other, device, v4, v6 in ends:
            self.end_of_link(node, device, [f"{v4}/24", f"{v6}/64"])
            self.addresses[other, node, "4"] = v4
            self.addresses[other, node, "6"] = v6

    def link_address(self, node, other, family):
        return self.addresses[node, other, family]

    def join(self, a, b, family="4"):
        """A link on which a connects to b."""
        self.link(a, b)
        a.connect(b, family)

    def start(self, *nodes):
        """Starts nodes (all without arguments), as much at once as can be. Returns the time."""
        began = time.monotonic()
        for node in nodes or self.nodes:
            node.start()
        return began

    def check_running(self):
        """A node that was started and has ended without being told to is a failure."""
        for node in self.nodes:
            if node.process is not None and node.process.returncode is None and \
                    not node.is_running() and not node.revive():
                raise Failure(f"{node.name} ended with status {node.process.returncode}")

    def check_reports(self):
        """What a sanitizer said is a failure, also of a process that went on."""
        for node in self.nodes:
            found = re.search(r"WARNING: ThreadSanitizer|ERROR: \w+Sanitizer|runtime error:.*",
                              node.log())
            if found:
                raise Failure(f"{node.name}: {found[0]}")

    def show_logs(self):
        for node in self.nodes:
            if node.process is not None:
                lines = node.log().splitlines()
                print(f"---- {node.name} {node.address}: last of {len(lines)} lines")
                print("\n".join(lines[-LOG_LINES:]))

    def reset(self):
        """Takes the network down; the next one may be built."""
        self.end()
        self.nodes, self.addresses = [], {}
        self.identities = iter(keys.load())

    def end(self):
        for node in self.nodes:
            node.kill()
        if os.environ.get("CJD_KEEP"):
            shutil.copytree(isolate.WORK_DIR, os.environ["CJD_KEEP"], dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("*.sock", "*.api"))
        for name in self.extra_namespaces:
            ip("netns", "del", name)
        self.extra_namespaces = []
        for node in self.nodes:
            ip("netns", "del", node.name)
            for path in (node.log_path, node.config_path, node.config_path + ".bak"):
                if os.path.exists(path):
                    os.remove(path)


def attempt(lab, function):
    """True if the test passed. Shows what went wrong and the logs if not."""
    began = time.monotonic()
    try:
        function(lab)
        lab.check_reports()
    except Failure as failure:
        print(f"FAILED {function.__name__}: {failure}")
    except Exception:  # a mistake in the test itself
        print(f"FAILED {function.__name__}")
        traceback.print_exc(file=sys.stdout)
    else:
        print(f"ok {function.__name__} {time.monotonic() - began:.1f} s", flush=True)
        return True
    lab.show_logs()
    return False


def run(function):
    lab = Lab()
    try:
        return attempt(lab, function)
    finally:
        lab.end()


def set_deadline():
    """Ends in time to show the logs, before ctest ends it without a word."""
    seconds = int(os.environ.get("CJD_TEST_SECONDS", "0"))

    def expire(*unused):
        raise Failure(f"not finished within {seconds} s")
    signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)


def main():
    isolate.require([*PROGRAMS, os.path.join(BUILD, "cjdroute")])
    isolate.isolate()
    set_deadline()
    results = [run(TESTS[name]) for name in sys.argv[1:] or TESTS]
    sys.exit(0 if all(results) else 1)

"""What the tests beside reference binaries share: the binaries, and the laboratory of tests/netns."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns"))

import isolate
from nodes import Failure
from probes import reference_binaries

WARNING = re.compile(r"^\S+ (?:WARN|ERROR|CRITICAL) (\S+:\d+) (.*)$", re.MULTILINE)


def require_binaries():
    """Ends the run loudly, as skipped, without any binary."""
    if not reference_binaries():
        print("INTEROP WAS NOT RUN: CJDNS_REF names no reference binary "
              "(a list of paths separated by colons)")
        sys.exit(isolate.SKIPPED)


def fresh(lab, function, *arguments):
    """One of several networks in one test: each is taken down before the next."""
    try:
        return function(lab, *arguments)
    except Failure:
        lab.show_logs()
        raise
    finally:
        lab.reset()


def short(binary):
    return os.path.basename(binary)


def node_of(lab, kind, name, binary):
    """kind: "o" ours, "r" the reference."""
    return lab.reference(name, binary) if kind == "r" else lab.node(name)


def warnings_of(node):
    """Places in the reference's source that wrote a warning or worse, each with one message."""
    return {place: message for place, message in WARNING.findall(node.log())}

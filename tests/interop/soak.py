"""Long runs: `soak.py ring` and `soak.py grid`, nodes of this build and of CJDNS_REF in turn.

CJD_SOAK_SECONDS is how long traffic runs after all pairs answered once (300). The line that begins
with NOTE ends up in the table of scripts/soak.
"""
import itertools
import os
import sys

from mixed import node_of, reference_binaries

from lab import main, test
from nodes import Failure
from probes import all_pairs, ping_during, ping_until
import topologies

SECONDS = float(os.environ.get("CJD_SOAK_SECONDS", "300"))
LOSS_MAX = 0.001


def alternating(lab, count):
    """Ours, a reference, ours, the next reference, …; ours alone without any binary."""
    binaries = itertools.cycle(reference_binaries() or [None])
    nodes = []
    for i in range(count):
        binary = next(binaries) if i % 2 else None
        nodes.append(node_of(lab, "r" if binary else "o", f"n{i}", binary))
    return nodes


def live(lab, nodes, name):
    pairs = all_pairs(nodes)
    times = ping_until(lab, pairs, within=60, since=lab.start())
    steady = ping_during(lab, pairs, SECONDS, interval=1.0)
    kinds = ", ".join(os.path.basename(b) for b in reference_binaries()) or "no reference (CJDNS_REF)"
    print(f"NOTE {name} of {len(nodes)} with {kinds}: {len(pairs)} pairs after "
          f"{max(times.values()):.1f} s, {sum(steady.sent.values())} pings, "
          f"{steady.loss():.3%} lost, longest gap {steady.worst_gap():.1f} s")
    if steady.loss() > LOSS_MAX:
        worst = sorted(steady.lost.items(), key=lambda item: -item[1])[:5]
        raise Failure("lost most: " + ", ".join(f"{a.name}→{b.name} {n}" for (a, b), n in worst))


@test
def ring(lab):
    nodes = alternating(lab, 8)
    topologies.ring(lab, nodes)
    live(lab, nodes, "ring")


@test
def grid(lab):
    nodes = alternating(lab, 16)
    topologies.grid(lab, nodes, 4)
    live(lab, nodes, "grid")


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    main()

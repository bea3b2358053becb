#!/usr/bin/env python3
"""Throughput between two nodes over one link: Ethernet beside UDP, and both beside reference nodes.

    CJDNS_REF=PATH[:PATH] bench/net/net.py [--json FILE] [--seconds 5] [--rounds 3]

For each program and kind of link there is a pair of nodes in network namespaces on a veth cable. All
pairs are up at the same time, and are measured one after another, round after round, so that what
else the machine does meets all alike: compare the ratios, not the figures. Each measurement is TCP by
iperf3 through both TUN devices. CPU time is that of the two nodes, without iperf3 and the kernel's
work outside of their processes.

Root and the programs of tests/netns are needed. CJD_BUILD_DIR names the build folder (build/release).
"""
import argparse
import json
import os
import platform
import statistics
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("CJD_BUILD_DIR", os.path.join(ROOT, "build", "release"))
sys.path[:0] = [os.path.join(ROOT, "tests", folder) for folder in ("netns", "interop")]

import isolate
from ethernet import cable
from lab import BUILD, PROGRAMS, Lab
from mixed import node_of, short
from probes import all_pairs, ping_until, reference_binaries, throughput

TICK = os.sysconf("SC_CLK_TCK")


class Pair:
    """Two nodes of one program on one kind of link."""

    def __init__(self, lab, binary, medium):
        kind = "r" if binary else "o"
        self.program = short(binary) if binary else "cjdroute"
        self.medium, self.bps, self.cpu_ns = medium, [], []
        number = len(lab.nodes)
        self.nodes = [node_of(lab, kind, f"n{number + i}", binary) for i in range(2)]
        for node in self.nodes:
            node.log_level = "info"
        if medium == "eth":
            cable(lab, *self.nodes)
        else:
            lab.join(*self.nodes)

    @property
    def name(self):
        return f"{self.program} {self.medium}"

    def begin(self, lab):
        lab.start(*self.nodes)
        ping_until(lab, all_pairs(self.nodes), within=60)
        self.pids = [pid for node in self.nodes for pid in node.pids()]

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                ticks += sum(int(n) for n in file.read().rpartition(")")[2].split()[11:13])
        return ticks / TICK

    def measure(self, seconds):
        before = self.cpu_seconds()
        rates = throughput(*self.nodes, seconds)
        used = self.cpu_seconds() - before
        self.bps.append(statistics.mean(rates))
        self.cpu_ns.append(used * 1e9 * 8 / sum(rates))

    def result(self):
        return {"program": self.program, "link": self.medium,
                "median_bps": round(statistics.median(self.bps)),
                "bps": [round(b) for b in self.bps],
                "median_cpu_ns_per_byte": round(statistics.median(self.cpu_ns), 3)}


def ratios(results):
    """Of medians: ours over Ethernet by ours over UDP, and ours by each reference on the same link."""
    by_name = {(r["program"], r["link"]): r for r in results}
    wanted = [(("cjdroute", "eth"), ("cjdroute", "udp"))]
    wanted += [(("cjdroute", link), (program, link)) for program, link in by_name
               if program != "cjdroute"]
    out = []
    for a, b in wanted:
        x, y = by_name[a], by_name[b]
        out.append({"of": " ".join(a), "by": " ".join(b),
                    "throughput": round(x["median_bps"] / y["median_bps"], 3),
                    "cpu_per_byte": round(x["median_cpu_ns_per_byte"] /
                                          max(y["median_cpu_ns_per_byte"], 0.001), 3)})
    return out


def report(pairs, options):
    results = [pair.result() for pair in pairs]
    tree = {"benchmark": "net", "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, "
            f"{platform.system()} {platform.release()}", "seconds": options.seconds,
            "rounds": options.rounds, "results": results, "ratios": ratios(results)}
    for r in results:
        print(f"{r['program']:20} {r['link']:4} {r['median_bps'] / 1e6:8.0f} Mbit/s"
              f" {r['median_cpu_ns_per_byte']:8.2f} ns of CPU a byte")
    for r in tree["ratios"]:
        print(f"{r['of']} by {r['by']}: throughput {r['throughput']}, CPU {r['cpu_per_byte']}")
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(tree, file, indent=2)
            file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", help="also write the results to this file")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    isolate.require([*PROGRAMS, os.path.join(BUILD, "cjdroute")])
    if options.json:
        options.json = os.path.abspath(options.json)
    isolate.isolate()
    lab = Lab()
    try:
        pairs = [Pair(lab, binary, medium) for binary in (None, *reference_binaries())
                 for medium in ("udp", "eth")]
        for pair in pairs:
            pair.begin(lab)
        time.sleep(1)
        for _ in range(options.rounds):
            for pair in pairs:
                pair.measure(options.seconds)
        report(pairs, options)
    finally:
        lab.end()


if __name__ == "__main__":
    main()

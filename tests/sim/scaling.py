#!/usr/bin/env python3
"""The figures of docs/scaling.md: runs series of scenarios, judges them, writes tables and a plot.

    tests/sim/scaling.py start churn        runs two series
    tests/sim/scaling.py all                runs all of them: hours
    tests/sim/scaling.py --nodes 200 churn  the same scenarios with fewer nodes; nothing is recorded
    tests/sim/scaling.py report             writes docs/scaling.md anew from what was recorded

One process at a time. Exit status 1: a criterion was not met.
"""
import argparse
import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "tests/sim/scenarios"
RECORD = ROOT / "docs/scaling.json"
PAGE = ROOT / "docs/scaling.md"
PLOT = ROOT / "docs/scaling.svg"

MIB = 1024 * 1024


# --- what is run ----------------------------------------------------------------------------------

class Run:
    """One call of the simulator. `judge` takes its figures, returns [(criterion, value, is met)]."""

    def __init__(self, series, name, scenario, options, judge, scales=True):
        self.series, self.name, self.scenario = series, name, scenario
        self.options, self.judge, self.scales = options, judge, scales

    def arguments(self, nodes):
        options = dict(self.options)
        if nodes and self.scales:
            options["nodes"] = nodes
        flat = [f"--{name}={value}" for name, value in options.items()]
        return ([str(SCENARIOS / f"{self.scenario}.json")] if self.scenario else []) + flat


def at_least(what, value, limit):
    return (f"{what} ≥ {limit}", round(value, 5), value >= limit)


def at_most(what, value, limit):
    return (f"{what} ≤ {limit}", round(value, 5), value <= limit)


def judge_success(limit):
    return lambda f: [at_least(f"success at {p['at_s']:g} s" + (" (victim)" if p["of_node"] else ""),
                               p["success"], limit) for p in f["probes"]]


def judge_start(f):
    return judge_success(0.99)(f) + [at_most("heap of a node, mean, MiB", f["heap_mean"] / MIB, 1)]


def judge_partition(f):
    before, early, late, healed = (p["success"] for p in f["probes"])
    return [at_least("success before", before, 0.99),
            at_least("success within the halves, a minute after the cut", early, 0.99),
            at_least("success within the halves, at their end", late, 0.99),
            at_least("success between all, 30 s after the end", healed, 0.99)]


def quarter(values, n):
    part = values[n * len(values) // 4:(n + 1) * len(values) // 4]
    return sum(part) / len(part)


def judge_day(f):
    """The first quarter holds the start; what drifts does so between the second and the fourth."""
    out = [at_least("success, lowest of 24", min(p["success"] for p in f["probes"]), 0.95),
           at_least("success, mean of 24",
                    sum(p["success"] for p in f["probes"]) / len(f["probes"]), 0.99)]
    for name, text in (("heap_mean", "memory"), ("mean", "bytes a second")):
        values = [row[name] for row in f["series"]]
        f[f"{name}_quarters"] = [round(quarter(values, n)) for n in range(4)]
        out.append(at_most(f"{text}, fourth quarter to second", quarter(values, 3) /
                           quarter(values, 1), 1.1))
    out.append(at_most("nodes in a table, most", f["tables"]["nodes"], 512))
    out.append(at_most("links in a table, most", f["tables"]["links"], 4096))
    out.append(at_most("sessions of a node, most", f["tables"]["sessions"], 1024))
    return out


def nothing(_):
    return []


def horizon_runs():
    graphs = [("chain", 100, {}), ("ring", 100, {}), ("grid", 100, {}), ("grid", 400, {}),
              ("grid", 2500, {}), ("star", 251, {}), ("tree", 1000, {}), ("tree", 10000, {}),
              ("geometric", 300, {"degree": 8}), ("geometric", 1000, {"degree": 8}),
              ("geometric", 10000, {"degree": 8}), ("small_world", 1000, {}),
              ("small_world", 10000, {}), ("small_world", 100000, {}),
              ("power_law", 1000, {}), ("power_law", 10000, {}), ("power_law", 100000, {})]
    for kind, nodes, more in graphs:
        judged = kind in ("small_world", "power_law") and nodes <= 10000
        limit = (lambda f: [at_least("share of pairs in reach", f["share"], 0.99)])
        yield Run("horizon", f"{kind} {nodes}", None,
                  {"reach": 200, "topology": kind, "nodes": nodes, **more},
                  limit if judged else nothing, scales=False)


def all_runs():
    for seed in range(1, 6):
        for kind in ("small_world", "power_law"):
            yield Run("start", f"{kind} seed {seed}", kind, {"seed": seed}, judge_start)
    for kind in ("small_world", "power_law"):
        yield Run("idle", kind, kind, {"duration": 660, "window": 60, "probes": "[]"},
                  lambda f: [at_most("heap of a node, mean, MiB", f["heap_mean"] / MIB, 1)])
    for nodes in (100, 300, 1000, 3000, 10000):
        yield Run("sizes", f"{nodes} nodes", "small_world", {"nodes": nodes}, judge_start,
                  scales=False)
    yield Run("large", "10000 nodes, 5 minutes", "small_world", {"nodes": 10000, "duration": 300},
              lambda f: judge_success(0.99)(f) +
              [at_most("memory of the process, MiB", f["resident_mib"], 12 * 1024),
               at_most("time, minutes", f["real_s"] / 60, 60)], scales=False)
    for seed in (1, 2, 3):
        yield Run("churn", f"seed {seed}", "churn", {"seed": seed}, judge_success(0.99))
        yield Run("liars", f"5 % seed {seed}", "liars_5", {"seed": seed}, judge_success(0.95))
        yield Run("liars", f"20 % seed {seed}", "liars_20", {"seed": seed}, nothing)
        yield Run("partition", f"seed {seed}", "partition", {"seed": seed}, judge_partition)
    for seed in (1, 2, 3):
        yield Run("day", f"seed {seed}", "day", {"seed": seed}, judge_day)
    yield Run("day", "without churn", "quiet_day", {}, judge_day)
    yield from horizon_runs()


# --- figures --------------------------------------------------------------------------------------

def pair(result, name):
    return [round(result[name]["median"], 3), round(result[name]["p95"], 3)]


def probe_figures(p, plan):
    out = {"at_s": p["at_s"], "of_node": plan["node"] is not None, "eligible": p["eligible"],
           "success": round(p["success"], 6)}
    for name in ("requests", "answer_ms", "stretch_first", "stretch_1s", "stretch_5s",
                 "stretch_10s"):
        out[name] = pair(p, name)
    return out


def run_figures(result, series):
    window = result["last_window"]
    return {
        "nodes": result["graph"]["nodes"], "links": result["graph"]["links"],
        "crypto": result["crypto"],
        "probes": [probe_figures(p, plan) for p, plan in
                   zip(result["probes"], result["scenario"]["probes"])],
        "rate": {name: round(window[name]) for name in ("mean", "p95", "max")},
        "rate_kinds": {kind: round(window["own"][kind] + window["transit"][kind])
                       for kind in window["own"]},
        "heap_mean": round(window["heap_mean"]), "heap_max": round(window["heap_max"]),
        "tables": {name: round(result["router"][name]["max"])
                   for name in ("nodes", "links", "sessions")},
        "resident_mib": round(result["machine"]["resident_kib"] / 1024),
        "cpu_s": round(result["machine"]["cpu_s"]), "real_s": round(result["machine"]["real_s"]),
        "events": result["events"],
        "start_bytes": round(sum(row["mean"] * result["scenario"]["window_s"] for row in series
                                 if row["at_s"] <= 60)),
        "series": series,
    }


def read_series(path):
    with open(path, encoding="utf-8") as f:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(f)]


def execute(run, args):
    args.work.mkdir(parents=True, exist_ok=True)
    stem = args.work / f"{run.series} {run.name}".replace(" ", "_").replace("%", "pc")
    command = [str(args.program), "--quiet", f"--json={stem}.json"]
    if "reach" not in run.options:
        command += [f"--csv={stem}.csv"]
    subprocess.run(command + run.arguments(args.nodes), check=True)
    with open(f"{stem}.json", encoding="utf-8") as f:
        result = json.load(f)
    if "reach" in run.options:
        return result["reach"]
    return run_figures(result, read_series(f"{stem}.csv"))


def show(run, figures, verdicts):
    for p in figures.get("probes", [])[:4]:
        print(f"    {p['at_s']:g} s: {p['success']:.2%} of {p['eligible']}, requests "
              f"{p['requests']}, stretch {p['stretch_first']} {p['stretch_1s']} "
              f"{p['stretch_5s']}", flush=True)
    for text, value, is_met in verdicts:
        print(f"  {'met   ' if is_met else 'MISSED'} {text}: {value}", flush=True)


def commit():
    return subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], check=True,
                          capture_output=True, text=True).stdout.strip()


def record(run, figures, verdicts, commit_then):
    data = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    for name in ("series", "by_hops"):
        figures.pop(name, None)
    data[f"{run.series}/{run.name}"] = {
        "commit": commit_then, "options": run.options, "scenario": run.scenario,
        "criteria": [{"text": t, "value": v, "is_met": m} for t, v, m in verdicts], **figures}
    RECORD.write_text(json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n",
                      encoding="utf-8")


# --- the page -------------------------------------------------------------------------------------

def percent(share):
    return f"{100 * share:.2f} %"


def two(values):
    return f"{values[0]:.4g} / {values[1]:.4g}"


def table(head, rows):
    rows = list(rows)
    if not rows:
        return ""
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] +
                     ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def of_series(data, series):
    """In the order in which they are run."""
    return [(run.name, data[f"{series}/{run.name}"]) for run in all_runs()
            if run.series == series and f"{series}/{run.name}" in data]


def probe_row(p):
    return [percent(p["success"]), p["eligible"], two(p["requests"]), two(p["answer_ms"]),
            two(p["stretch_first"]), two(p["stretch_1s"]), two(p["stretch_5s"])]


PROBE_HEAD = ["success", "of pairs", "requests", "answer, ms", "stretch first", "1 s", "5 s"]


def judged(f):
    missed = [c["text"] for c in f["criteria"] if not c["is_met"]]
    return "missed: " + "; ".join(missed) if missed else "all met" if f["criteria"] else "–"


def start_table(data, series):
    return table(["", "nodes"] + PROBE_HEAD + ["KiB a node, mean / most", "criteria"],
                 [[name, f["nodes"]] + probe_row(f["probes"][0]) +
                  [f"{f['heap_mean'] // 1024} / {f['heap_max'] // 1024}", judged(f)]
                  for name, f in of_series(data, series)])


def size_table(data, series):
    return table(["", "sent in the first minute, kB a node", "bytes/s a node at the end",
                  "memory of the process, MiB", "time of one core, s", "events, millions"],
                 [[name, f["start_bytes"] // 1000, f["rate"]["mean"], f["resident_mib"], f["cpu_s"],
                   round(f["events"] / 1e6, 1)] for name, f in of_series(data, series)])


def idle_table(data, series):
    kinds = ["link", "control", "handshake", "pn", "gp", "fn", "reply"]
    return table(["", "nodes", "bytes/s a node, mean", "95 %", "most"] + kinds + ["KiB a node"],
                 [[name, f["nodes"], f["rate"]["mean"], f["rate"]["p95"], f["rate"]["max"]] +
                  [f["rate_kinds"][k] for k in kinds] + [f["heap_mean"] // 1024]
                  for name, f in of_series(data, series)])


def probes_table(data, series):
    rows = []
    for name, f in of_series(data, series):
        for i, p in enumerate(f["probes"]):
            who = "victim" if p["of_node"] else "all"
            rows.append([name if i == 0 else "", f"{p['at_s']:g} s, {who}"] + probe_row(p))
    return table(["", "probe"] + PROBE_HEAD, rows)


def criteria_table(data, series):
    return table(["", "criterion", "value", ""],
                 [[name, c["text"], f"{c['value']:g}", "met" if c["is_met"] else "**missed**"]
                  for name, f in of_series(data, series) for c in f["criteria"]])


def day_table(data, series):
    return table(["", "first quarter", "second", "third", "fourth"],
                 [[f"{run}, {text}"] + f[f"{name}_quarters"] for run, f in of_series(data, series)
                  for name, text in (("heap_mean", "bytes of memory a node"),
                                     ("mean", "bytes/s a node"))]) + "\n" + \
        criteria_table(data, series)


def horizon_table(data, series):
    return table(["", "pairs in reach", "all up to hops", "farthest, hops", "label bits, median / 95 %"],
                 [[name, percent(f["share"]), f["all_within_hops"], f["farthest_hops"],
                   two([f["label_bits"]["median"], f["label_bits"]["p95"]])]
                  for name, f in of_series(data, series)])


def commits(data, series):
    names = sorted({f["commit"] for _, f in of_series(data, series)})
    return f"Measured at {', '.join(names)}.\n" if names else "Not measured.\n"


TABLES = {"start": start_table, "idle": idle_table, "churn": probes_table, "liars": probes_table,
          "partition": probes_table, "day": day_table, "horizon": horizon_table,
          "large": start_table, "sizes": start_table}


def report():
    """Replaces what stands between <!-- NAME --> and <!-- /NAME -->."""
    data = json.loads(RECORD.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    for series, make in TABLES.items():
        begin, end = f"<!-- {series} -->\n", f"<!-- /{series} -->"
        text = commits(data, series) + "\n" + make(data, series)
        if series in ("sizes", "large"):
            text += "\n" + size_table(data, series)
        head, rest = page.split(begin, 1)
        page = head + begin + text + end + rest.split(end, 1)[1]
    PAGE.write_text(page, encoding="utf-8")
    write_plot(of_series(data, "sizes"))


# --- the plot -------------------------------------------------------------------------------------

class Panel:
    """One curve over the number of nodes, which is logarithmic."""

    def __init__(self, left, title, low, high, points, unit):
        self.left, self.title, self.low, self.high = left, title, low, high
        self.points, self.unit = points, unit

    def place(self, nodes, value):
        x = self.left + 240 * (math.log10(nodes) - 2) / 2
        y = 250 - 200 * (value - self.low) / (self.high - self.low)
        return x, y

    def svg(self):
        out = [f'<text x="{self.left}" y="30" font-weight="bold">{self.title}</text>']
        for i in range(5):
            value = self.low + (self.high - self.low) * i / 4
            x, y = self.place(100, value)
            out.append(f'<path d="M{x} {y}h240" stroke="#ddd"/><text x="{x - 6}" y="{y + 4}" '
                       f'text-anchor="end">{value:g}{self.unit}</text>')
        for nodes, _ in self.points:
            x, _ = self.place(nodes, self.low)
            out.append(f'<text x="{x}" y="270" text-anchor="middle">{nodes}</text>')
        at = [self.place(n, v) for n, v in self.points]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        out.append(f'<path d="M{line}" fill="none" stroke="#2060c0" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#2060c0"/>' for x, y in at]
        return "\n".join(out)


def above(values):
    """A round number not below any of them."""
    step = 10 ** math.floor(math.log10(max(values)))
    return math.ceil(max(values) / step) * step


def write_plot(sizes):
    if not sizes:
        return
    success = [(f["nodes"], 100 * f["probes"][0]["success"]) for _, f in sizes]
    cost = [(f["nodes"], f["start_bytes"] / 1000) for _, f in sizes]
    heap = [(f["nodes"], f["heap_mean"] / 1024) for _, f in sizes]
    floor = 100 - above([max(0.4, 100 - v) for _, v in success])
    panels = [Panel(60, "pairs that answer at 60 s", floor, 100, success, " %"),
              Panel(380, "kB a node sends in its first minute", 0, above([v for _, v in cost]),
                    cost, ""),
              Panel(700, "KiB of memory a node", 0, above([v for _, v in heap]), heap, "")]
    PLOT.write_text('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 290" '
                    'font-family="sans-serif" font-size="12">\n'
                    '<rect width="960" height="290" fill="#fff"/>\n' +
                    "\n".join(p.svg() for p in panels) + "\n</svg>\n", encoding="utf-8")


# --- main -----------------------------------------------------------------------------------------

def run_all(args, runs):
    is_good = True
    commit_then = commit()
    for run in runs:
        print(f"{run.series}: {run.name}", flush=True)
        figures = execute(run, args)
        verdicts = run.judge(figures)
        show(run, figures, verdicts)
        is_good = is_good and all(is_met for _, _, is_met in verdicts)
        if not args.nodes:
            record(run, figures, verdicts, commit_then)
    return is_good


def main():
    series = list(dict.fromkeys(run.series for run in all_runs()))
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=series + ["all", "report"])
    parser.add_argument("--program", type=Path, default=ROOT / "build/release/cjdsim_fast")
    parser.add_argument("--work", type=Path, default=ROOT / "build/scaling")
    parser.add_argument("--nodes", type=int, help="instead of what the scenarios say")
    parser.add_argument("--only", help="runs whose name contains this")
    args = parser.parse_args()
    os.nice(5)
    runs = [run for run in all_runs() if ("all" in args.what or run.series in args.what) and
            (not args.only or args.only in run.name)]
    is_good = run_all(args, runs)
    if "report" in args.what or ("all" in args.what and not args.nodes):
        report()
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())

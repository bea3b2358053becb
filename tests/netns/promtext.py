"""Reads Prometheus' exposition text (0.0.4), strictly, and knows the rules of `promtool check metrics`."""
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)\Z')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|\Z)')
# Prometheus' own list: what is measured in something else than a base unit.
NOT_BASE = ("milliseconds", "microseconds", "nanoseconds", "minutes", "hours", "days", "kilobytes",
            "megabytes", "kibibytes", "bits", "percent")


class Family:
    """All samples of one name."""

    def __init__(self, name):
        self.name, self.help, self.kind, self.samples = name, None, None, []

    def value(self, **wanted):
        """The one sample that has these labels."""
        found = [v for labels, v in self.samples if wanted.items() <= dict(labels).items()]
        if len(found) != 1:
            raise ValueError(f"{self.name}{wanted}: {len(found)} samples")
        return found[0]


def labels_of(text):
    labels, at = [], 0
    while text and at < len(text):
        match = LABEL.match(text, at)
        if not match:
            raise ValueError(f"labels: {text[at:]}")
        labels.append((match[1], match[2]))
        at = match.end()
    if len({name for name, _ in labels}) != len(labels):
        raise ValueError(f"a label stands twice: {text}")
    return tuple(labels)


def parse(text):
    """Families by name; ValueError for what Prometheus would refuse."""
    families, current = {}, None
    if not text.endswith("\n"):
        raise ValueError("no line end at the end")
    for line in text.splitlines():
        comment = re.match(r"# (HELP|TYPE) (\S+) (.*)\Z", line)
        if comment:
            word, name, rest = comment.groups()
            if word == "HELP":
                if name in families:
                    raise ValueError(f"{name} comes twice")
                current = families[name] = Family(name)
                current.help = rest
            elif current is None or current.name != name or current.kind:
                raise ValueError(f"TYPE out of place: {line}")
            else:
                current.kind = rest
            continue
        match = SAMPLE.match(line)
        if not match or current is None or match[1] != current.name or not current.kind:
            raise ValueError(f"line out of place: {line}")
        labels = labels_of(match[2])
        if labels in [seen for seen, _ in current.samples]:
            raise ValueError(f"sample twice: {line}")
        current.samples.append((labels, float(match[3])))
    return families


def lint(families):
    """What promtool would complain about."""
    found = []
    for name, family in families.items():
        if not NAME.match(name) or not family.help:
            found.append(f"{name}: name or help")
        if family.kind == "counter" and not name.endswith("_total"):
            found.append(f"{name}: a counter ends in _total")
        if family.kind != "counter" and name.endswith("_total"):
            found.append(f"{name}: only a counter ends in _total")
        if re.search(r"[A-Z]|__", name) or name.endswith(("_count", "_sum", "_bucket")):
            found.append(f"{name}: form of the name")
        if any(unit in name.split("_") for unit in NOT_BASE):
            found.append(f"{name}: not in a base unit")
        if family.kind in ("counter", "gauge") and family.kind in name.split("_"):
            found.append(f"{name}: its type is part of its name")
        for labels, _ in family.samples:
            found += [f"{name}: label {label}" for label, _ in labels
                      if label in ("le", "quantile") or label.startswith("__")
                      or re.search("[A-Z]", label)]
    return found

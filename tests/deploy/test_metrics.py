"""What deploy/ shows exists: each metric, each label, each port."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from realtime import metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
SUFFIXES = {
    Counter: ("_total",),
    Gauge: ("",),
    Histogram: ("_bucket", "_sum", "_count"),
}


def ours() -> Iterator[Counter | Gauge | Histogram]:
    for made in vars(metrics).values():
        if isinstance(made, Counter | Gauge | Histogram):
            yield made


def samples() -> dict[str, set[str]]:
    """The name of each sample that is told, with its labels."""
    return {
        f"{made._name}{suffix}": {*made._labelnames, "le"}
        for made in ours()
        for suffix in SUFFIXES[type(made)]
    }


def test_the_dashboard_names_nothing_that_is_not_told() -> None:
    board = json.loads((DEPLOY / "grafana.json").read_text())
    told, shown = samples(), set()
    for panel in board["panels"]:
        for target in panel["targets"]:
            names = set(re.findall(r"souk_\w+", target["expr"]))
            assert names and names <= told.keys(), target["expr"]
            labels = set().union(*(told[name] for name in names))
            by = re.findall(r"by \(([^)]*)\)", target["expr"])
            used = {label.strip() for group in by for label in group.split(",")}
            used |= set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert used <= labels, target["expr"]
            shown |= names
    families = {made._name for made in ours()}
    assert {re.sub(r"_(total|bucket)$", "", name) for name in shown} == families
    assert families <= {family.name for family in REGISTRY.collect()}


def test_every_process_of_the_example_is_read_where_serve_puts_it() -> None:
    text = (DEPLOY / "prometheus.yml").read_text()
    first = int(re.findall(r"SOUK_ADMIN_PORT=(\d+)", text)[0])
    count = sum(int(n) for n in re.findall(r"SOUK_(?:WEB|MEDIA)=(\d+)", text))
    ports = [int(port) for port in re.findall(r'"127\.0\.0\.1:(\d+)"', text)]
    assert ports == list(range(first, first + count))

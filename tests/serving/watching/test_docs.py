"""The table of metrics, the alerts and the dashboard name metrics and labels that the service exposes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from serving.metrics import REGISTRY
from serving.metrics.exposition import LOST_SERIES
from serving.metrics.families import Counter, Gauge, Histogram
from serving.metrics.processes import process_samples
from tests.conftest import ROOT

DOCS = ROOT / "docs" / "watching"
NAME = re.compile(r"\bchehang_\w+")
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="process metrics need /proc")


def _exposed() -> dict[str, set[str]]:
    """Return the labels of each metric, by its name in the exposition without the endings of a histogram."""
    labels = {LOST_SERIES: set[str](), "chehang_workers": set[str]()}
    for family in REGISTRY.families.values():
        name = f"{family.name}_total" if isinstance(family, Counter) else family.name
        labels[name] = {*family.labels, *(["worker"] if getattr(family, "across", "") == "worker" else [])}
    process, REGISTRY.slot.process = REGISTRY.slot.process, os.getpid()
    labels |= {name: {"worker"} for name, *_ in process_samples(REGISTRY) if name.startswith("chehang_process")}
    REGISTRY.slot.process = process
    return labels


def _expressions() -> Iterator[tuple[str, str]]:
    rules = yaml.safe_load((DOCS / "alerts.yaml").read_text(encoding="utf-8"))
    for rule in rules["groups"][0]["rules"]:
        yield rule["alert"], rule["expr"]
    dashboard = json.loads((DOCS / "dashboard.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def _samples() -> set[str]:
    """Return the names of all samples; a histogram has three and no sample of its own name."""
    histograms = {f.name for f in REGISTRY.families.values() if isinstance(f, Histogram)}
    endings = {f"{name}_{ending}" for name in histograms for ending in ("bucket", "sum", "count")}
    return (set(_exposed()) - histograms) | endings


def test_the_table_has_each_metric_with_its_labels() -> None:
    text = (ROOT / "docs" / "watching.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(chehang_\w+)` \| ([^|]*)\| ([^|]+)\|", text, re.MULTILINE)
    assert len({name for name, _, _ in rows}) == len(rows)
    assert {name: set(filter(None, re.split(r"[,\s]+", labels))) for name, labels, _ in rows} == _exposed()


@pytest.mark.parametrize(("title", "expression"), list(_expressions()))
def test_every_expression_names_samples_and_labels_that_exist(title: str, expression: str) -> None:
    names = NAME.findall(expression)
    assert names and set(names) <= _samples(), title
    labels = {label for name in names for label in _labels(name)}
    used = re.findall(r"(?:by|on) \(([^)]*)\)", expression) + re.findall(r"\{(\w+)[=!]", expression)
    assert {label.strip() for part in used for label in part.split(",")} <= labels | {"le"}, title
    assert expression.count("(") == expression.count(")") and expression.count("{") == expression.count("}")


def _labels(sample: str) -> set[str]:
    exposed = _exposed()
    return exposed.get(sample) or exposed.get(re.sub("_(bucket|sum|count)$", "", sample), set())


def test_every_alert_and_panel_is_complete_and_the_labels_of_its_text_exist() -> None:
    rules = yaml.safe_load((DOCS / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"]
        labels = {label for name in NAME.findall(rule["expr"]) for label in _labels(name)}
        assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= labels, rule["alert"]
    panels = json.loads((DOCS / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    for panel in panels:
        for target in panel["targets"]:
            labels = {label for name in NAME.findall(target["expr"]) for label in _labels(name)}
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels, panel["title"]
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels]
    assert len(set(places)) == len(places)


def test_the_dashboard_shows_every_metric_that_an_alert_uses_or_its_whole_histogram() -> None:
    expressions = list(_expressions())
    alerts = len(yaml.safe_load((DOCS / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"])
    in_alerts, in_panels = (
        {name for _, expression in part for name in NAME.findall(expression)}
        for part in (expressions[:alerts], expressions[alerts:])
    )
    assert in_alerts <= in_panels


def test_gauges_of_times_are_seconds_and_counters_have_no_unit_in_doubt() -> None:
    for family in REGISTRY.families.values():
        assert family.name.startswith("chehang_") and family.text[0].isupper() and not family.text.endswith(".")
        if isinstance(family, Gauge) and "timestamp" in family.name:
            assert family.name.endswith("_timestamp_seconds")

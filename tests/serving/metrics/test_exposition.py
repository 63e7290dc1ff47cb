"""The text that Prometheus reads, of one worker and of several."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from serving.metrics.exposition import exposition
from serving.metrics.families import Combination, Counter, Gauge, Histogram, Registry
from serving.metrics.memory import NUMBERS, make_file

ACROSS: tuple[Combination, ...] = ("worker", "sum", "min", "max")


def _registry() -> tuple[Registry, Counter, Histogram, list[Gauge]]:
    registry = Registry()
    rows = Counter(registry, "rows", "Rows", ["task"])
    seconds = Histogram(registry, "seconds", "Seconds", ["task"], bounds=(0.5, 2))
    return registry, rows, seconds, [Gauge(registry, f"g_{across}", "Gauge", across=across) for across in ACROSS]


def _samples(registry: Registry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the samples as a Prometheus client reads them."""
    families = text_string_to_metric_families(exposition(registry).decode())
    return {(s.name, tuple(s.labels.items())): s.value for family in families for s in family.samples}


def test_counts_of_all_workers_are_added_and_gauges_combined(tmp_path: Path) -> None:
    make_file(tmp_path / "file", 4)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for worker, process in ((1, os.getpid()), (2, os.getpid()), (3, ended.pid)):
        registry, rows, seconds, gauges = _registry()
        registry.attach(tmp_path / "file", worker, process=process)
        rows.add(worker, "a")
        seconds.observe(worker / 2, "a")
        for gauge in gauges:
            gauge.set(10 * worker)
    registry, *_ = _registry()
    registry.attach(tmp_path / "file", 4, process=os.getpid())
    samples = _samples(registry)
    assert samples["rows_total", (("task", "a"),)] == 6, "those of the dead worker too"
    assert samples["seconds_bucket", (("task", "a"), ("le", "0.5"))] == 1
    assert samples["seconds_bucket", (("task", "a"), ("le", "2.0"))] == 3, "buckets are cumulative"
    assert samples["seconds_bucket", (("task", "a"), ("le", "+Inf"))] == 3
    assert samples["seconds_count", (("task", "a"),)] == 3 and samples["seconds_sum", (("task", "a"),)] == 3.0
    assert samples["g_worker", (("worker", "1"),)] == 10 and samples["g_worker", (("worker", "2"),)] == 20
    assert ("g_worker", (("worker", "3"),)) not in samples, "the dead worker answers with no version"
    assert (samples["g_sum", ()], samples["g_min", ()], samples["g_max", ()]) == (30, 10, 30)


def test_an_unused_counter_without_labels_is_0_and_other_families_have_no_series() -> None:
    registry = Registry()
    Counter(registry, "errors", "Errors")
    Counter(registry, "rows", "Rows", ["task"])
    text = "# HELP errors_total Errors\n# TYPE errors_total counter\nerrors_total 0.0\n"
    text += "# HELP rows_total Rows\n# TYPE rows_total counter\n# HELP"
    assert exposition(registry).decode().startswith(text)


def test_series_without_room_are_reported() -> None:
    registry, rows, _, _ = _registry()
    registry.slot.add("rows\x1fall", NUMBERS)
    rows.add(1, "a")
    assert _samples(registry)["chehang_metrics_lost_series", ()] == 1


def test_a_label_may_contain_any_character() -> None:
    registry, rows, _, _ = _registry()
    text = 'a"b\\c\nd 车'
    rows.add(1, text)
    assert _samples(registry)["rows_total", (("task", text),)] == 1

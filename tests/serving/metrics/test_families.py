"""Counts by label, and what a worker that replaces another one goes on from."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from serving.metrics.families import Counter, Gauge, Histogram, Registry
from serving.metrics.memory import make_file


class Metrics:
    """One family of each kind, as each worker has them."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.rows = Counter(self.registry, "rows", "Rows", ["task"])
        self.running = Gauge(self.registry, "running", "Running", across="sum")
        self.written = Gauge(self.registry, "written", "Last write", across="max")
        self.seconds = Histogram(self.registry, "seconds", "Seconds", ["task"], bounds=(1, 2))


def test_a_worker_that_replaces_another_goes_on_from_its_counts(tmp_path: Path) -> None:
    make_file(tmp_path / "file", 2)
    first, second = Metrics(), Metrics()
    first.registry.attach(tmp_path / "file", 1, process=os.getpid())
    first.rows.add(5, "credit_risk")
    first.seconds.observe(1.5, "credit_risk")
    first.running.add(3)
    first.written.set(100)
    second.rows.add(9, "credit_risk")  # before it is attached: dropped
    second.registry.attach(tmp_path / "file", 1, process=os.getpid())
    second.rows.add(1, "credit_risk")
    second.rows.add(1, "residual_value")
    assert (second.rows.value("credit_risk"), second.rows.value("residual_value")) == (6, 1)
    assert second.seconds.values("credit_risk") == [0, 1, 0, 1.5]
    assert np.isnan(second.running.value()), "what the dead worker computed is not running any more"
    assert second.written.value() == 100, "the last write remains the last one"
    second.running.add(2)
    assert second.running.value() == 2


def test_each_worker_has_its_own_slot(tmp_path: Path) -> None:
    make_file(tmp_path / "file", 2)
    one, two = Metrics(), Metrics()
    one.registry.attach(tmp_path / "file", 1, process=1)
    two.registry.attach(tmp_path / "file", 2, process=2)
    one.rows.add(1, "a")
    two.rows.add(2, "a")
    assert (one.rows.value("a"), two.rows.value("a")) == (1, 2)
    with pytest.raises(IndexError):
        Metrics().registry.attach(tmp_path / "file", 3, process=3)


def test_a_histogram_counts_many_values_as_it_counts_each() -> None:
    values = np.array([-1.0, 0.0, 1.0, 1.0001, 2.0, 2.5, 1e9, 0.3])
    one, many = Metrics().seconds, Metrics().seconds
    for value in values:
        one.observe(float(value), "task")
    many.observe_all(values[:3], "task")
    many.observe_all(values[3:], "task")
    assert many.values("task") == pytest.approx(one.values("task"))
    assert one.values("task")[:3] == [4, 2, 2], "an upper bound belongs to its bucket"


def test_no_count_is_lost_between_threads() -> None:
    metrics = Metrics()

    def count() -> None:
        for _ in range(20_000):
            metrics.rows.add(1, "task")
            metrics.running.add(1)
            metrics.running.add(-1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (metrics.rows.value("task"), metrics.running.value()) == (80_000, 0)

"""Processor time and memory of each living worker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.metrics.exposition import exposition
from serving.metrics.families import Registry
from serving.metrics.memory import make_file
from serving.metrics.processes import process_samples


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_each_living_worker_has_its_processor_time_and_memory(tmp_path: Path) -> None:
    make_file(tmp_path / "file", 3)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for worker, process in ((1, os.getpid()), (2, ended.pid), (3, os.getppid())):
        registry = Registry()
        registry.attach(tmp_path / "file", worker, process=process)
    samples = {
        (sample.name, sample.labels.get("worker")): sample.value
        for family in text_string_to_metric_families(exposition(registry).decode())
        for sample in family.samples
    }
    own = float(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert samples["chehang_process_resident_memory_bytes", "1"] == pytest.approx(own, rel=0.2)
    assert samples["chehang_process_cpu_seconds_total", "1"] > 0
    assert samples["chehang_workers", None] == 2
    assert not any(worker == "2" for _, worker in samples)


def test_a_process_that_shares_nothing_counts_no_workers() -> None:
    assert [(name, values) for name, _, _, values in process_samples(Registry())] == [("chehang_workers", [("", 0.0)])]

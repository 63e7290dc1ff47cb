"""Processor time, memory and open files of the server's processes, read from the operating system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.process_collector import ProcessCollector

from serving.metrics.families import Registry


def process_samples(registry: Registry) -> Iterator[tuple[str, str, str, list[tuple[str, float]]]]:
    """Yield name, kind, help text and the values by worker of each metric of the living workers; none without /proc.

    Parameters
    ----------
    registry : Registry
        Its slots name the processes.

    Examples
    --------
    >>> registry = Registry()
    >>> registry.slot.process = 1
    >>> [name for name, *_ in process_samples(registry)][-1]
    'chehang_workers'
    """
    workers = [(str(number), slot.process) for number, slot in enumerate(registry.slots, 1) if slot.has_process]
    families: dict[str, tuple[str, str, list[tuple[str, float]]]] = {}
    for worker, process in workers:
        for family in _collect(process):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            values = families.setdefault(name, (family.type, family.documentation, []))[2]
            values += [(worker, sample.value) for sample in family.samples]
    for name, (kind, text, values) in families.items():
        yield name, kind, text, values
    yield "chehang_workers", "gauge", "Number of living workers", [("", float(len(workers)))]


def _collect(process: int) -> Iterable[Any]:
    families: Iterable[Any] = ProcessCollector(namespace="chehang", pid=lambda: process, registry=None).collect()
    return families

"""Counters, gauges and histograms whose series lie in the slot of this worker."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from serving.metrics.memory import SPILL, make_slot, open_slots

Combination = Literal["worker", "sum", "min", "max"]
_SEPARATOR = "\x1f"
_lock = Lock()  # for all writes: an addition reads and writes, and the log writers and the model store have threads


class Registry:
    """All families of metrics of the service, and the slots in which the workers count.

    A new registry counts in the memory of its process; `attach` moves it to the file of a server.

    Attributes
    ----------
    families : dict of str to Family
        By name; a family adds itself.
    slots : list of Slot
        Of all workers.
    slot : Slot
        Of this worker.
    worker : int
        Number of this worker, from 1.
    """

    def __init__(self) -> None:
        self.families: dict[str, Family] = {}
        self.slot = make_slot()
        self.slots = [self.slot]
        self.worker = 1

    def attach(self, path: Path, worker: int, *, process: int) -> None:
        """Count in a slot of a file from now on, and go on from the counts of the worker that had it before.

        Gauges of that worker are forgotten, except those of which the largest value of all workers counts. What was
        counted in the memory of this process is dropped.

        Parameters
        ----------
        path : Path
            File made by `serving.metrics.memory.make_file`.
        worker : int
            Number of the worker, from 1, which no other living worker has.
        process : int
            Identifier of this process.

        Raises
        ------
        IndexError
            The file has fewer slots.
        """
        slots = open_slots(path)
        self.slot, self.slots, self.worker = slots[worker - 1], slots, worker
        for family in self.families.values():
            family.positions = {}
        for name, position in self.slot.series(self.widths):
            family_name, *labels = name.split(_SEPARATOR)
            family = self.families[family_name]
            family.positions[tuple(labels)] = position
            if isinstance(family, Gauge) and family.across != "max":
                self.slot.numbers[position] = math.nan
        self.slot.process = process

    @property
    def widths(self) -> dict[str, int]:
        """Number of numbers of one series by family."""
        return {name: family.width for name, family in self.families.items()}


class Family:
    """Series with the same name and label names.

    Parameters
    ----------
    registry : Registry
        To which the family is added.
    name : str
        Such as `chehang_requests`; counters are shown with the ending `_total`.
    text : str
        What is counted, for the line HELP.
    labels : sequence of str
        Names of the labels. Their values must come from a bounded set, never from a request.
    width : int
        Number of numbers of one series.
    """

    kind = "untyped"

    def __init__(self, registry: Registry, name: str, text: str, labels: Sequence[str] = (), *, width: int = 1) -> None:
        assert width <= SPILL, "a wider series would not fit where series without room count"
        self.registry, self.name, self.text, self.labels, self.width = registry, name, text, tuple(labels), width
        self.positions: dict[tuple[str, ...], int] = {}
        registry.families[name] = self

    def position(self, *labels: str) -> int:
        """Return the position of the first number of a series in ``registry.slot.numbers``; it is added if missing.

        The position holds until `Registry.attach`. What one thread alone writes needs no lock.
        """
        position = self.positions.get(labels)
        if position is None:
            assert len(labels) == len(self.labels), f"{self.name} has the labels {self.labels}"
            position = self.registry.slot.add(_SEPARATOR.join((self.name, *labels)), self.width)
            self.positions[labels] = position
        return position


class Counter(Family):
    """A number that only grows.

    Examples
    --------
    >>> rows = Counter(Registry(), "rows", "Number of rows", ["task"])
    >>> rows.add(2, "credit_risk")
    >>> rows.add(1, "credit_risk")
    >>> rows.value("credit_risk")
    3.0
    """

    kind = "counter"

    def add(self, amount: float, *labels: str) -> None:
        """Add an amount, which is not negative, to the series with these label values."""
        position = self.positions.get(labels)
        with _lock:
            if position is None:
                position = self.position(*labels)
            self.registry.slot.numbers[position] += amount

    def value(self, *labels: str) -> float:
        """Return the count of this worker."""
        return self.registry.slot.numbers[self.position(*labels)]


class Gauge(Family):
    """A number that rises and falls.

    Parameters
    ----------
    across : {'worker', 'sum', 'min', 'max'}
        What is shown of several workers: a series for each, with the label `worker`; or one number. Workers that are
        dead count in the largest number only.

    Examples
    --------
    >>> running = Gauge(Registry(), "running", "Number of running computations", across="sum")
    >>> running.set(2)
    >>> running.add(-1)
    >>> running.value()
    1.0
    """

    kind = "gauge"

    def __init__(
        self, registry: Registry, name: str, text: str, labels: Sequence[str] = (), *, across: Combination
    ) -> None:
        super().__init__(registry, name, text, labels)
        self.across = across

    def set(self, value: float, *labels: str) -> None:
        """Set the series with these label values."""
        with _lock:
            self.registry.slot.numbers[self.position(*labels)] = value

    def add(self, amount: float, *labels: str) -> None:
        """Add an amount, which may be negative; a series without a value starts from 0."""
        with _lock:
            numbers, position = self.registry.slot.numbers, self.position(*labels)
            value = numbers[position]
            numbers[position] = amount if value != value else value + amount  # not equal to itself: not a number

    def value(self, *labels: str) -> float:
        """Return the value of this worker; not a number without one."""
        return self.registry.slot.numbers[self.position(*labels)]


class Histogram(Family):
    """Numbers of values by size.

    Parameters
    ----------
    bounds : sequence of float
        Upper bounds of the buckets, rising; a last bucket without bound is added.

    Examples
    --------
    >>> seconds = Histogram(Registry(), "seconds", "Seconds of an answer", bounds=(0.1, 1))
    >>> seconds.observe(0.1)
    >>> seconds.observe_all(np.array([0.5, 3.0]))
    >>> seconds.values()
    [1.0, 1.0, 1.0, 3.6]
    """

    kind = "histogram"

    def __init__(
        self, registry: Registry, name: str, text: str, labels: Sequence[str] = (), *, bounds: Sequence[float]
    ) -> None:
        super().__init__(registry, name, text, labels, width=len(bounds) + 2)
        self.bounds = tuple(bounds)

    def observe(self, value: float, *labels: str) -> None:
        """Count one value in the series with these label values."""
        bucket = bisect_left(self.bounds, value)
        position = self.positions.get(labels)
        with _lock:
            if position is None:
                position = self.position(*labels)
            numbers = self.registry.slot.numbers
            numbers[position + bucket] += 1
            numbers[position + self.width - 1] += value

    def observe_all(self, values: NDArray[np.float64], *labels: str) -> None:
        """Count many values in the series with these label values."""
        counts = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self.bounds) + 1)
        added = np.append(counts, values.sum())
        with _lock:
            position = self.position(*labels)
            part = np.asarray(self.registry.slot.numbers)[position : position + len(added)]
            part += added

    def values(self, *labels: str) -> list[float]:
        """Return the counts of the buckets and the sum of the values of this worker."""
        position = self.position(*labels)
        return list(self.registry.slot.numbers[position : position + self.width])

"""A task: a frozen record of functions and types that every task has, and the typed problem that it solves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from features.tables import TABLES, Table
from ml.endpoint import Endpoint
from ml.entry import TaskEntry
from ml.problem import Direction, Estimator, Problem

Columns = Mapping[str, Sequence[Any]] | pl.DataFrame


def no_refresh(configs: Path) -> Callable[[Any], bool]:
    """Return an update that leaves an estimator as it is."""
    return lambda estimator: False


def no_learner_name(params: Any) -> str:
    """Return no name: the parameters of the task choose no learner."""
    return ""


@dataclass(frozen=True)
class Task:
    """One question the product answers, from raw tables to response.

    Attributes
    ----------
    entry : TaskEntry
        Name, question and raw tables, as the registry lists them.
    params : type
        Pydantic model of what the YAML may set under `params`.
    problem : Problem
        What the task learns to predict, with its estimator and metrics; its type decides which study trains it.
    endpoint : Endpoint
        The task's own route; training answers requests by it, too.
    extra_endpoints : tuple of Endpoint
        Further endpoints below the task's path.
    refresh : callable
        ``(configs) -> update``, where ``update(estimator) -> bool`` brings what changes by the minute (stock, an
        operator's rules) into a loaded estimator and says whether anything changed. Called about once a second by one
        thread; a `ChehangError` leaves the estimator as it was.
    learner : callable
        ``(params) -> str``: name of the learner that the parameters choose, tagged on each version.
    """

    entry: TaskEntry
    params: type[BaseModel]
    problem: Problem
    endpoint: Endpoint[None, Any, Any]
    extra_endpoints: tuple[Endpoint[Any, Any, Any], ...] = ()
    refresh: Callable[[Path], Callable[[Any], bool]] = no_refresh
    learner: Callable[[Any], str] = no_learner_name

    @property
    def name(self) -> str:
        """The noun used in every layer."""
        return self.entry.name

    @property
    def summary(self) -> Mapping[str, str]:
        """The question, by language (`zh`, `en`)."""
        return self.entry.summary

    @property
    def tables(self) -> tuple[str, ...]:
        """Raw tables that it needs; the first holds the rows that are asked about."""
        return self.entry.tables

    @property
    def optional_tables(self) -> tuple[str, ...]:
        """Raw tables that it reads where the sources name them."""
        return self.entry.optional_tables

    @property
    def table(self) -> Table:
        """Contract of the table whose rows are asked about."""
        return TABLES[self.tables[0]]

    @property
    def estimator(self) -> type[Estimator]:
        """Class of the task's estimator."""
        return self.problem.estimator

    @property
    def directions(self) -> Mapping[str, Direction]:
        """Names of the metrics, each with 'higher' or 'lower' for better values."""
        return {name: metric.better for name, metric in self.problem.metrics.items()}

    @property
    def primary_metric(self) -> str:
        """Name of the metric that the promotion gate compares."""
        return next(iter(self.problem.metrics))

"""A task: a frozen record of functions and types that every task has, and the typed problem that it solves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from features.tables import TABLES, Table
from ml.entry import TaskEntry
from ml.problem import Direction, Estimator, Problem, RowProblem
from ml.signature import Signature

Columns = Mapping[str, Sequence[Any]] | pl.DataFrame


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
    request : callable
        ``(signature) -> pydantic model`` of one request.
    response : type
        Pydantic model of one answer.
    respond : callable
        ``(estimator, requests, explain=...) -> answers`` in the order of the requests.
    optional_tables : tuple of str
        Raw tables that features use where there are any.
    follow : callable, optional
        ``(configs) -> watch``, where ``watch(estimator) -> bool`` brings what changes by the minute (stock, an
        operator's rules) into a loaded estimator and says whether anything changed. Called about once a second by one
        thread; a `ChehangError` leaves the estimator as it was.
    slow : callable, optional
        ``(request) -> bool``: whether a request takes so long that others must not wait for it.
    """

    entry: TaskEntry
    params: type[BaseModel]
    problem: Problem
    request: Callable[[Signature], type[BaseModel]]
    response: type[BaseModel]
    respond: Callable[..., list[Any]]
    optional_tables: tuple[str, ...] = ()
    follow: Callable[[Path], Callable[[Any], bool]] | None = None
    slow: Callable[[Any], bool] | None = None

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
    def table(self) -> Table:
        """Contract of the table whose rows are asked about."""
        return TABLES[self.tables[0]]

    @property
    def explains(self) -> bool:
        """Whether reasons come unasked: an officer needs them, a storefront would pay for them with every page.

        They cost milliseconds a row.
        """
        return isinstance(self.problem, RowProblem)

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

"""The class of the tasks: parameters, problem and endpoints under one name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from features.contracts import Table
from features.tables import TABLES
from ml.endpoint import Endpoint
from ml.entry import TaskEntry, split_name
from ml.problem import Direction, Estimator, Problem

Columns = Mapping[str, Sequence[Any]] | pl.DataFrame


def no_refresh(configs: Path, **files: Any) -> Callable[[Any], bool]:
    """Return an update function that changes nothing and returns False: the default of `Task.refresh`.

    Examples
    --------
    >>> from pathlib import Path
    >>> no_refresh(Path("configs"))(None)
    False
    """
    return lambda estimator: False


def no_data_times(estimator: Any) -> Mapping[str, float]:
    """Return no times: the default of `Task.data_times`, for a task that answers from its request alone.

    >>> no_data_times(None)
    {}
    """
    return {}


def no_learner_name(params: Any) -> str:
    """Return the empty text for any params: the default of `Task.learner`, for a task that has one learner.

    >>> no_learner_name(None)
    ''
    """
    return ""


@dataclass(frozen=True)
class Task:
    """A prediction task of the product, from raw tables to HTTP answers.

    The tasks are in ``ml.registry.TASKS``, such as ``TASKS["lead_scoring"]``.

    Attributes
    ----------
    entry : TaskEntry
        Name, summary and raw tables, as the registry lists them.
    params : type
        Pydantic model of the section `params` of the task's YAML.
    problem : Problem
        Estimator, metrics and functions for training; its class decides which study trains the task.
    endpoint : Endpoint
        The task's own route; training uses it to check example requests.
    extra_endpoints : tuple of Endpoint
        Further endpoints below the task's path.
    refresh : callable
        ``(configs, data_set="", rules=None, sources=None) -> update``, with the folder of the configurations, the data
        set of a named model, and files to read in place of those of the folder. ``update(estimator) -> bool`` loads
        data that change by the minute (stock, an operator's rules) into a served estimator and returns whether anything
        changed. One thread calls it about once a second; after a `ChehangError` the estimator is unchanged.
    data_times : callable
        ``(estimator) -> {name: seconds}``: Unix time of the data with which a served estimator answers, such as the
        stock; the service reports their age.
    learner : callable
        ``(params) -> str``: name of the learner that the parameters select; each version is tagged with it.

    Examples
    --------
    >>> from ml.registry import TASKS
    >>> task = TASKS["lead_scoring"]
    >>> task.name, task.tables, task.primary_metric, task.directions["brier"]
    ('lead_scoring', ('leads',), 'roc_auc', 'lower')
    """

    entry: TaskEntry
    params: type[BaseModel]
    problem: Problem
    endpoint: Endpoint[None, Any, Any]
    extra_endpoints: tuple[Endpoint[Any, Any, Any], ...] = ()
    refresh: Callable[..., Callable[[Any], bool]] = no_refresh
    data_times: Callable[[Any], Mapping[str, float]] = no_data_times
    learner: Callable[[Any], str] = no_learner_name

    @property
    def name(self) -> str:
        """Return the name of the task, or of a named model: `credit_risk`, `credit_risk.north`."""
        return self.entry.name

    @property
    def base_name(self) -> str:
        """Return the name without the data set, under which the endpoints of the task look up its champion."""
        return split_name(self.entry.name).task

    @property
    def summary(self) -> Mapping[str, str]:
        """Return what the task answers, by language (`zh`, `en`)."""
        return self.entry.summary

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the names of the required raw tables; the first has one row for each example."""
        return self.entry.tables

    @property
    def optional_tables(self) -> tuple[str, ...]:
        """Return the names of the raw tables that are used if the sources name them."""
        return self.entry.optional_tables

    @property
    def table(self) -> Table:
        """Return the contract of the first required table."""
        return TABLES[self.tables[0]]

    @property
    def estimator(self) -> type[Estimator]:
        """Return the class of the task's estimator."""
        return self.problem.estimator

    @property
    def directions(self) -> Mapping[str, Direction]:
        """Return the direction of better values, 'higher', 'lower' or 'zero', by metric."""
        return {name: metric.better for name, metric in self.problem.metrics.items()}

    @property
    def primary_metric(self) -> str:
        """Return the name of the metric that the promotion gate compares."""
        return next(iter(self.problem.metrics))

"""Entries of the registry: names, summaries and tables of the tasks and groups, without their code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TaskEntry:
    """A task in the registry, as in ``ml.registry.ENTRIES["credit_risk"]``.

    Attributes
    ----------
    name : str
        Name of the task in commands, routes, configurations and the model registry.
    summary : mapping
        What the task answers, in one sentence, by language (`zh`, `en`).
    tables : tuple of str
        Required raw tables. The first has one row for each example, and the extra features of a dealership.
    module : str
        Module that defines `TASK`.
    optional_tables : tuple of str
        Raw tables that are used if the sources name them.
    joins : tuple of str
        References on which the features and labels join, such as `events.vehicle_id`: a table of which too many rows
        have no partner cannot be used.
    """

    name: str
    summary: Mapping[str, str]
    tables: tuple[str, ...]
    module: str
    optional_tables: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()


@dataclass(frozen=True)
class GroupEntry:
    """A group of endpoints that belongs to no task, as in ``ml.registry.GROUPS["loans"]``.

    Attributes
    ----------
    name : str
        First part of the endpoints' paths.
    summary : mapping
        What the endpoints answer, in one sentence, by language (`zh`, `en`).
    module : str
        Module that defines `ENDPOINTS`.
    """

    name: str
    summary: Mapping[str, str]
    module: str

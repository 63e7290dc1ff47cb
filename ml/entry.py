"""Entries of the registry: names, summaries and tables of the tasks and groups, without their code; names of models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

DATA_SET_RULE = "must have 1 to 40 characters, each a lower-case letter a-z, a digit, _ or -"
_DATA_SET = re.compile(r"[a-z0-9_-]{1,40}")


class ModelName(NamedTuple):
    """Parts of a model's name, as returned by `split_name`; ``str()`` joins them again.

    Attributes
    ----------
    task : str
        Name of the task, such as `credit_risk`.
    data_set : str
        Key `name` of the configuration, such as `north`; empty for the model of a configuration without a name.

    Examples
    --------
    >>> str(ModelName("credit_risk", "north")), str(ModelName("credit_risk"))
    ('credit_risk.north', 'credit_risk')
    """

    task: str
    data_set: str = ""

    def __str__(self) -> str:
        return f"{self.task}.{self.data_set}" if self.data_set else self.task


def split_name(name: str) -> ModelName:
    """Return task and data set of a model's name; the parts are not checked.

    Parameters
    ----------
    name : str
        Such as `credit_risk.north`, or `credit_risk` for the model without a data set.

    Returns
    -------
    ModelName

    Examples
    --------
    >>> split_name("credit_risk.north"), split_name("credit_risk")
    (ModelName(task='credit_risk', data_set='north'), ModelName(task='credit_risk', data_set=''))
    """
    task, _, data_set = name.partition(".")
    return ModelName(task, data_set)


def is_data_set(name: object) -> bool:
    """Return whether a value may be the name of a data set: a text that meets `DATA_SET_RULE`.

    >>> is_data_set("north-2"), is_data_set("North"), is_data_set(2), is_data_set("")
    (True, False, False, False)
    """
    return isinstance(name, str) and _DATA_SET.fullmatch(name) is not None


@dataclass(frozen=True)
class TaskEntry:
    """A task in the registry, as in ``ml.registry.ENTRIES["credit_risk"]``.

    Attributes
    ----------
    name : str
        Name of the task in commands, routes, configurations and the model registry; with the data set, as in
        `credit_risk.north`, in the entry of a named model's task.
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
    targets : mapping of str to tuple of str
        By table: columns that the labels, or the rows at risk, are computed from. A source column that has such a name
        by coincidence stops the run instead of being left out.
    """

    name: str
    summary: Mapping[str, str]
    tables: tuple[str, ...]
    module: str
    optional_tables: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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

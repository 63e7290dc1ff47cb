"""Tasks and groups of questions as they are listed: what stands in the registry, without the code behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TaskEntry:
    """A task as it is listed.

    Attributes
    ----------
    name : str
        The noun used in every layer.
    summary : mapping
        The question, by language (`zh`, `en`).
    tables : tuple of str
        Raw tables that it needs; the first holds the rows that are asked about, and a dealership's extra features.
    module : str
        Where `TASK` is.
    optional_tables : tuple of str
        Raw tables that it reads where the sources name them.
    """

    name: str
    summary: Mapping[str, str]
    tables: tuple[str, ...]
    module: str
    optional_tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class GroupEntry:
    """A group of questions beside the tasks, as it is listed.

    Attributes
    ----------
    name : str
        The first part of their paths.
    summary : mapping
        What they are about, by language (`zh`, `en`).
    module : str
        Where `ENDPOINTS` is.
    """

    name: str
    summary: Mapping[str, str]
    module: str

"""Entries of the registry: immutable, and one module each."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from ml.entry import GroupEntry, TaskEntry
from ml.registry import ENTRIES


def test_an_entry_does_not_change() -> None:
    group = GroupEntry("loans", {"zh": "贷款", "en": "Loans"}, "ml.loans.endpoints")
    for entry in (*ENTRIES.values(), group):
        with pytest.raises(FrozenInstanceError):
            entry.name = "other"  # type: ignore[misc]


def test_every_entry_has_a_summary_in_both_languages_and_its_own_module() -> None:
    assert all(isinstance(entry, TaskEntry) and set(entry.summary) == {"zh", "en"} for entry in ENTRIES.values())
    assert len({entry.module for entry in ENTRIES.values()}) == len(ENTRIES)

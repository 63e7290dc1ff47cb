"""Approval rates by protected attribute: who counts, who is missing, and the ratio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from serving.audit.fairness import MIN_GROUP, PROTECTED, Fairness, fairness_of
from serving.audit.logged_entries import LoggedEntry, Selection, logged_entries
from serving.audit.personal import with_personal
from serving.decisions.entries import Entry
from tests.serving.audit.content import ALL_TIME, sample_log
from tests.serving.decisions.logs import KEYS
from tests.serving.decisions.tampering import FILE, tamper


def decisions(**counts: tuple[int, int]) -> Iterator[tuple[LoggedEntry, Mapping[str, Any] | None]]:
    """Yield decisions by gender: approved and declined ones."""
    for gender, (approved, declined) in counts.items():
        for band in ["approve"] * approved + ["decline"] * declined:
            entry = Entry(1, 0, "decision", "d", "", "ab", "", "")
            yield LoggedEntry(entry, {"outcome": band}, True), {"inputs": {"gender": gender}}


def test_attributes_are_those_of_the_contract() -> None:
    assert set(PROTECTED) == {"age_band", "education", "gender", "marital_status", "region"}


def test_rates_and_their_ratio() -> None:
    result = fairness_of(decisions(female=(30, 30), male=(80, 20)))
    assert result.groups == {"gender": {"female": (30, 60), "male": (80, 100)}}
    assert result.rate("gender", "female").value == 0.5
    ratio = result.ratio("gender")
    assert ratio is not None and ratio.interval.value == pytest.approx(0.625) and not ratio.passes
    assert result.present("gender") == result.decisions == result.readable == 160


def test_a_group_below_the_minimum_has_a_rate_and_no_part_in_the_ratio() -> None:
    result = fairness_of(decisions(female=(0, MIN_GROUP - 1), male=(80, 20)))
    assert result.ratio("gender") is None and result.rate("gender", "female").value == 0


def test_inputs_of_the_log_are_read_at_both_places_and_missing_ones_are_counted(tmp_path: Path) -> None:
    engine = sample_log(tmp_path)
    tamper(tmp_path / FILE, "DELETE FROM personal_parts WHERE sequence = 1")
    selected = logged_entries(engine, Selection(ALL_TIME, kinds=("decision",)), end=99)
    result = fairness_of(with_personal(engine, KEYS, selected))
    assert result.groups == {"gender": {"female": (0, 1), "male": (2, 2)}}
    assert (result.decisions, result.readable, result.unread) == (5, 3, Counter(purged=1, none=1))


def test_own_attributes_count_and_others_do_not() -> None:
    entry = LoggedEntry(Entry(1, 0, "decision", "d", "", "ab", "", ""), {"outcome": "approve"}, True)
    inputs = {"inputs": {"village": 3, "gender": "female"}}
    assert fairness_of([(entry, inputs)], ["village"]).groups == {"village": {"3": (1, 1)}}
    without_band = entry._replace(content={"outcome": "offers"})
    assert fairness_of([(without_band, inputs)]) == Fairness()

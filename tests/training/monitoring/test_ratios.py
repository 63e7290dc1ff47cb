"""Ratios of sums: values by hand, directions, too few rows."""

from __future__ import annotations

import numpy as np
import pytest

from ml.report.columns import axis
from training.monitoring.ratios import RatioRows, ratio_series
from training.monitoring.rules import MonitorRules
from training.monitoring.series import MonitoredSeries

RULES = MonitorRules(outcome_months=1)


def rows(rate: float, months: range, *, count: int = 100) -> RatioRows:
    month = np.repeat(np.array(months), count)
    hits = (np.arange(len(month)) % 100 < round(100 * rate)).astype(np.float64)
    return RatioRows(hits, np.full(len(month), 0.5), month)


def series(new: RatioRows, **options: object) -> MonitoredSeries:
    return ratio_series(
        "r", rows(0.3, range(12)), new, sorted(set(new.months.tolist())), RULES, axis=axis("比", "ratio", "number"),
        floor=0.1, **options,  # type: ignore[arg-type]
    ).judged(0.001)  # fmt: skip


def test_values_by_hand() -> None:
    result = series(rows(0.6, range(12, 14)))
    assert result.before == pytest.approx(0.6) and [f.value for f in result.months] == [1.2, 1.2]
    assert result.months[-1].effect == pytest.approx(1.0) and result.is_alarm and result.since == "1971-01"


def test_only_changes_of_the_direction_raise_an_alarm() -> None:
    assert not series(rows(0.6, range(12, 13)), alarm="lower").is_alarm
    assert series(rows(0.05, range(12, 13)), alarm="lower").is_alarm


def test_few_rows_are_not_compared() -> None:
    result = series(rows(0.6, range(12, 13), count=20))
    assert not result.is_tested and result.reason is not None
    assert not series(rows(0.6, range(0))).is_tested

"""Estimates of margins, channels and the effect of late calls, checked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from ml.domain.leads.response_decay import ResponseDecay
from ml.lead_scoring.lead_value import (
    estimate_channels,
    estimate_margins,
    fit_response,
    missing_response_columns,
)

DAY = 86_400_000_000
HOUR = DAY // 24


def leads(**columns: Any) -> pl.DataFrame:
    """Four leads as they came in, a day apart, and a re-score of the first."""
    created = [0, DAY, 2 * DAY, 3 * DAY, 0]
    return pl.DataFrame({"created_at": created, "as_of": [*created[:4], 7 * DAY], **columns})


BOUGHT = np.array([1.0, 1.0, 0.0, 1.0, 1.0])


def test_margins_are_the_mean_of_sales_in_yuan_and_a_re_score_does_not_count_again() -> None:
    X = leads(gross_margin=[100_000, 300_000, 900_000, None, 100_000])
    assert estimate_margins(X, BOUGHT, by="model") == {"overall": 2_000.0, "groups": {}}


def test_margins_by_a_column_lie_between_their_own_mean_and_the_overall_one() -> None:
    n = 40
    rng = np.random.default_rng(0)
    X = pl.DataFrame(
        {
            "model": ["A"] * n + ["B"] * n + [None],
            "gross_margin": [*(100_000 + rng.normal(0, 9_000, n)), *(300_000 + rng.normal(0, 9_000, n)), 200_000.0],
        }
    )
    estimate = estimate_margins(X, np.ones(2 * n + 1), by="model")
    assert estimate is not None and set(estimate["groups"]) == {"A", "B"}
    assert 1_000 - 50 < estimate["groups"]["A"] < estimate["overall"] < estimate["groups"]["B"] < 3_000 + 50


def test_without_margins_there_is_no_estimate() -> None:
    assert estimate_margins(leads(), BOUGHT, by="model") is None
    assert estimate_margins(leads(gross_margin=[None] * 5), BOUGHT, by="model") is None
    assert estimate_margins(leads(gross_margin=[100] * 5), np.zeros(5), by="model") is None


def test_channels_count_leads_of_the_last_months_by_last_and_first_touch() -> None:
    X = leads(
        channel=["website", "website", "phone", None, "website"],
        first_channel=["app", None, "app", None, "app"],
        acquisition_cost=[1_000, 3_000, 5_000, None, 1_000],
    )
    estimate = estimate_channels(X, BOUGHT, np.ones(5), months=12)
    assert estimate is not None and (estimate["from"], estimate["until"]) == (0, 3 * DAY)
    last = {row["channel"]: row for row in estimate["last_touch"]}
    assert {name: row["leads"] for name, row in last.items()} == {"phone": 1, "unknown": 1, "website": 2}
    assert {name: row["sales"] for name, row in last.items()} == {"phone": 0, "unknown": 1, "website": 2}
    assert last["website"]["margin_per_lead"] is None
    first = {row["channel"]: row["leads"] for row in estimate["first_touch"]}
    assert first == {"app": 2, "unknown": 1, "website": 1}
    recent = estimate_channels(X, BOUGHT, np.ones(5), months=1.5 / 30.436875)
    assert recent is not None and recent["from"] == 2 * DAY
    assert sum(row["leads"] for row in recent["last_touch"]) == 2


def test_leads_without_a_channel_make_no_table_and_without_time_all_count() -> None:
    assert estimate_channels(leads(), BOUGHT, np.ones(5), months=12) is None
    estimate = estimate_channels(pl.DataFrame({"channel": ["a"] * 5}), BOUGHT, np.ones(5), months=12)
    assert estimate is not None and (estimate["from"], estimate["until"]) == (None, None)
    assert [row["leads"] for row in estimate["last_touch"]] == [5] and "first_touch" not in estimate


def test_what_the_effect_of_a_late_call_lacks_is_named() -> None:
    assert missing_response_columns(leads()) == "first_contact_at, channel missing in the data"
    assert missing_response_columns(leads(first_contact_at=[0] * 5, channel=["a"] * 5)) == ""


def test_too_few_calls_leave_the_effect_off_for_a_reason() -> None:
    X = leads(first_contact_at=[HOUR, None, 2 * DAY + HOUR, 0, HOUR], channel=["a"] * 5)
    reason = fit_response(X, np.zeros((5, 1)), BOUGHT, np.full(5, 0.5))
    assert isinstance(reason, str) and reason


def test_a_decay_of_calls_is_estimated() -> None:
    n = 4_000
    rng = np.random.default_rng(1)
    hours = rng.exponential(20, n)
    sold = (rng.random(n) < 0.5 * np.exp(-0.05 * hours)).astype(float)
    created = np.arange(n) * HOUR
    X = pl.DataFrame(
        {
            "created_at": created,
            "as_of": created,
            "first_contact_at": created + (hours * HOUR).astype(np.int64),
            "channel": ["a"] * n,
        }
    )
    curve = fit_response(X, rng.normal(size=(n, 1)), sold, np.full(n, sold.mean()))
    assert isinstance(curve, ResponseDecay) and curve.calls == n
    value, low, high = curve.remaining_after_day["all"]
    assert low < value < high and value == pytest.approx(np.exp(-0.05 * 24), abs=0.12)

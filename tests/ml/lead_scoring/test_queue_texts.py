"""Sentences of the call queue and the words in them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from ml.lead_scoring.call_values import CallValues
from ml.lead_scoring.queue_texts import comparison_text, notice_text, place_text
from ml.lead_scoring.words import amount, clock, day_text, duration
from tests.ml.lead_scoring.test_queue import HALVING


def values(probabilities: list[float], channels: list[str]) -> CallValues:
    """Return the values of leads that came just now, with a margin of 1,000 yuan a sale and no mean effect of calls."""
    made = CallValues.__new__(CallValues)
    made.curve, made.probability, made.margin = HALVING, np.array(probabilities), np.full(len(channels), 1_000.0)
    made.waited, made.channel, made._mean_factors = np.zeros(len(channels)), list(channels), [1.0] * len(channels)
    return made


def test_a_change_of_places_is_counted_where_it_costs() -> None:
    # Slots at once and in ten hours: the fading leads gain 200 then 100, and 100 then 50; the steady one gains 250.
    queue = values([0.4, 0.2, 0.5], ["search", "search", "steady"])
    assert queue.gains(0, np.array([0.0, 10.0])) == pytest.approx([200.0, 100.0])
    slots = np.array([0.0, 10.0, 20.0])
    assert queue.best_order([0, 1, 2], slots) == [0, 1, 2]
    # By changing with the steady lead, the first would lose 150 and the second 25; the steady lead wins nothing.
    assert queue.dearer([0, 1, 2], slots) == [0, 1, 2]
    assert values([0.4, 0.4], ["search"] * 2).dearer([0, 1], slots) == [0, 0]  # both lose the same
    assert queue.dearer([], slots) == []
    assert queue.total([0, 1, 2], slots) == pytest.approx(200 + 50 + 250)


def test_amounts_days_and_durations_as_people_write_them() -> None:
    assert (amount(-1_234.5, "gross_margin").en, amount(0.123456, "sales").en) == ("-1,234.50 yuan", "0.1235 sales")
    assert amount(-0.0, "gross_margin").en == "0.00 yuan"
    assert clock(datetime(2024, 12, 31, 18, 5)).en == "18:05 on 31 December"
    assert day_text(datetime(2024, 2, 1), today=datetime(2024, 5, 1)).zh == "2月1日"
    assert [duration(h).en for h in (1, 47.9, 48, 24 * 729.5)] == ["1 hour", "47 hours", "2 days", "729 days"]


def test_without_a_curve_the_sentence_says_that_the_gain_decides() -> None:
    gains = {"first": 300.0, "gain": 300.0, "loss_per_hour": 0.0, "measure": "gross_margin"}
    text = place_text(place=3, dearer=0, chances=None, **gains)  # type: ignore[arg-type]
    assert text.en.startswith("worth 300.00 yuan; the effect of waiting is not estimated")


def test_an_order_that_brings_less_or_nothing_is_compared_too() -> None:
    assert comparison_text(0.0, 0.0, 0.1, measure="sales").en == (
        "this order is expected to bring 0.0000 sales: as much as newest leads first, "
        "and 0.1000 sales (100.0 %) less than highest scores first"
    )
    assert "多 5.00 元，" in comparison_text(5.0, 0.0, 5.0, measure="gross_margin").zh


def test_an_open_desk_has_no_notice() -> None:
    now = datetime(2024, 3, 1, 10)
    assert notice_text(now, now, is_open=True) is None

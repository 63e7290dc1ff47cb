"""The order of calls, for probabilities that decay to one half with a half-life of ten hours."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import FeatureError
from ml.domain.leads.response_decay import ResponseDecay
from ml.lead_scoring.params import LeadParams
from ml.lead_scoring.queue import QueueAnswer, answer, request
from ml.signature import Field, Signature

NOW = "2022-08-01T12:00:00+00:00"
HALVING = ResponseDecay(
    groups=("steady",),
    scale=1.0,
    floor=0.5,
    decay=(1e-12,),
    common_decay=math.log(2) / 10,
    remaining_after_day={"all": (0.19, 0.1, 0.3)},
    wait_quantiles={"all": (10.0, math.inf)},
    calls=500,
    sales=90,
)


class Estimator:
    """Stand-in: the probability is the price in thousands of yuan, and the margin of a sale is 1,000 yuan."""

    params = LeadParams()
    no_response_reason = "the effect of late calls is not estimated: few calls"
    encoder_ = SimpleNamespace(categorical=("channel",), unseen=lambda values: [])
    rates_ = SimpleNamespace(groups=())
    signature = Signature(
        fields=(
            Field(name="lead_id", kind="text"),
            Field(name="created_at", kind="instant"),
            Field(name="channel", kind="text", feature=True),
            Field(name="price", kind="integer", unit="fen", feature=True),
        )
    )

    def __init__(self, *, curve: ResponseDecay | None = HALVING, margin: float = 1_000.0, timed: bool = True) -> None:
        self.response_, self.margin, self.timed = curve, margin, timed

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        chance = rows["price"].to_numpy() / 100_000
        return pl.DataFrame({"conversion_probability": chance}).with_columns(
            grade=pl.lit("C"), expected_gross_margin=None, calibration=pl.lit("pooled")
        )

    def margins(self, rows: pl.DataFrame) -> np.ndarray[Any, Any]:
        return np.full(rows.height, self.margin)


def lead(name: str, chance: float, **changes: Any) -> dict[str, Any]:
    body = {"lead_id": name, "created_at": NOW, "channel": "search", "price": chance * 1_000}
    return body | changes


def queue(*leads: dict[str, Any], estimator: Estimator | None = None, **body: Any) -> QueueAnswer:
    champions: Any = {"lead_scoring": SimpleNamespace(estimator=estimator or Estimator())}
    content = json.dumps({"as_of": NOW, "calls_per_hour": 0.1, "leads": leads, **body})
    return answer(champions, request(champions).model_validate_json(content))


def test_what_fades_is_called_before_what_does_not() -> None:
    calls = queue(lead("steady", 0.5, channel="steady"), lead("fading", 0.4), hours=20.0)
    assert [(i.lead_id, i.place, i.position, i.call_at.hour) for i in calls.items] == [
        ("fading", 1, 1, 12), ("steady", 2, 0, 22),
    ]  # fmt: skip
    # Half of such leads are called after 10 hours, half never: the probability 0.4 has a mean factor of 0.625. A call
    # at once makes it 0.64, no call 0.32. The steady lead has a mean factor of 0.75: 0.667 against 0.333.
    assert calls.measure == "gross_margin"
    assert [i.gain for i in calls.items] == pytest.approx([320.0, 333.3333])
    assert [i.conversion_probability for i in calls.items] == pytest.approx([0.64, 0.666667])
    assert calls.gain == pytest.approx(653.3333) and calls.gain_highest_score_first == pytest.approx(333.3333 + 160.0)
    assert calls.decay is not None and (calls.decay.left_after_24_hours, calls.decay.calls) == (0.19, 500)


def test_who_was_called_is_not_queued_and_who_is_beyond_capacity_is_named() -> None:
    called = lead("called", 0.9, created_at="2022-08-01T10:00:00+00:00", first_contact_at="2022-08-01T11:00:00+00:00")
    calls = queue(called, lead("a", 0.2), lead("b", 0.3), hours=10.0)
    assert [i.lead_id for i in calls.items] == ["b"]
    assert (calls.not_called, calls.called_already) == ([1], [0])


def test_without_a_curve_the_best_leads_go_first_and_the_note_says_why() -> None:
    calls = queue(lead("a", 0.2), lead("b", 0.3), estimator=Estimator(curve=None), hours=20.0)
    assert [(i.lead_id, i.gain, i.conversion_probability) for i in calls.items] == [
        ("b", 300.0, 0.3),
        ("a", 200.0, 0.2),
    ]
    assert calls.decay is None and calls.no_decay_reason == "the effect of late calls is not estimated: few calls"


def test_without_a_margin_sales_are_counted() -> None:
    calls = queue(lead("a", 0.2), estimator=Estimator(curve=None, margin=math.nan))
    assert calls.measure == "sales" and calls.gain == 0.2


def test_a_lead_that_waited_says_how_long() -> None:
    (item,) = queue(lead("a", 0.2, created_at="2022-08-01T09:30:00+00:00")).items
    assert item.waited_hours == 2.5


def test_what_cannot_be_queued_is_refused() -> None:
    with pytest.raises(FeatureError, match="training data have no times"):
        queue(lead("a", 0.2), estimator=Estimator(timed=False))
    with pytest.raises(FeatureError, match="another as_of"):
        queue(lead("a", 0.2, as_of="2022-08-01T13:00:00+00:00"))

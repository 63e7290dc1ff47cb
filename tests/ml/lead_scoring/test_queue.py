"""The order of calls, for probabilities that decay to one half with a half-life of ten hours."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError, FeatureError
from ml.domain.leads.response_decay import ResponseDecay
from ml.estimators.shrunken_rates import ShrunkenRates
from ml.lead_scoring.params import LeadParams
from ml.lead_scoring.queue import QueueAnswer, answer, request
from ml.lead_scoring.reasons import build_reason_map
from ml.lead_scoring.sales_desk import DeskRules, load_desk_rules
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
    form = ("channel", "price")
    reason_map_ = build_reason_map(["channel", "price"], {})
    no_response_reason = "the effect of late calls is not estimated: few calls"
    encoder_ = SimpleNamespace(categorical=("channel",), unseen=lambda values: [])
    rates_ = lead_rates_ = ShrunkenRates(groups=[])
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

    def contributions(self, rows: pl.DataFrame) -> np.ndarray[Any, Any]:
        return np.tile([0.5, -0.25], (rows.height, 1))

    def margins(self, rows: pl.DataFrame) -> np.ndarray[Any, Any]:
        return np.full(rows.height, self.margin)


def lead(name: str, chance: float, **changes: Any) -> dict[str, Any]:
    body = {"lead_id": name, "created_at": NOW, "channel": "search", "price": chance * 1_000}
    return body | changes


ALWAYS = DeskRules(timezone="UTC", open="00:00", close="24:00", calls_per_hour=0.1)


def queue(
    *leads: dict[str, Any], estimator: Estimator | None = None, rules: DeskRules = ALWAYS, **body: Any
) -> QueueAnswer:
    champions: Any = {"lead_scoring": SimpleNamespace(estimator=estimator or Estimator())}
    content = json.dumps({"as_of": NOW, "leads": leads, **body})
    return answer(rules, champions, request(champions).model_validate_json(content))


def test_what_fades_is_called_before_what_does_not() -> None:
    calls = queue(lead("steady", 0.5, channel="steady"), lead("fading", 0.4), hours=20.0)
    assert [(i.lead_id, i.place, i.position, i.call_at.hour) for i in calls.items] == [
        ("fading", 1, 1, 12), ("steady", 2, 0, 22),
    ]  # fmt: skip
    # Half of such leads are called after 10 hours, half never: the probability 0.4 has a mean factor of 0.625. A call
    # at once makes it 0.64, no call 0.32. The steady lead has a mean factor of 0.75: 0.667 against 0.333.
    assert calls.measure == "gross_margin"
    assert [i.gain for i in calls.items] == [320.0, 333.33]
    assert [i.conversion_probability for i in calls.items] == pytest.approx([0.64, 0.666667])
    assert (calls.gain, calls.gain_highest_score_first) == (653.33, 493.33)
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
    assert calls.items[0].probability_without_call is None
    assert calls.decay is None and calls.no_decay_reason == "the effect of late calls is not estimated: few calls"


def test_without_a_margin_sales_are_counted() -> None:
    calls = queue(lead("a", 0.2), estimator=Estimator(curve=None, margin=math.nan), hours=10.0)
    assert calls.measure == "sales" and calls.gain == 0.2


def test_a_lead_that_waited_says_how_long() -> None:
    (item,) = queue(lead("a", 0.2, created_at="2022-08-01T09:30:00+00:00"), hours=10.0).items
    assert item.waited_hours == 2.5


def test_each_call_says_what_is_given_up_by_waiting() -> None:
    calls = queue(lead("steady", 0.5, channel="steady"), lead("fading", 0.4), hours=20.0)
    fading, steady = calls.items
    # The fading lead gains 320 at once and half of it ten hours later: 320 (1 - 2 ** -0.1) = 21.43 yuan in an hour.
    assert (fading.gain_if_first, fading.loss_per_hour) == (320.0, 21.43)
    assert (steady.gain, steady.gain_if_first, steady.loss_per_hour) == (333.33, 333.33, 0.0)
    assert fading.why.en == (
        "called first, worth 320.00 yuan: it loses 21.43 yuan an hour, "
        "and no lead in its place would bring more in total; a sale is 64.0% likely with this call, 32.0% without any"
    )
    assert (fading.probability_without_call, steady.probability_without_call) == (0.32, 0.333333)
    assert steady.why.en == (
        "worth 333.33 yuan if called first and 333.33 yuan at this place: it loses 0.00 yuan an hour; "
        "the lead before it would lose more by waiting in its place; a sale is 66.7% likely with this call, "
        "33.3% without any"
    )
    assert steady.why.zh == (
        "若首个外呼价值 333.33 元，在此位置价值 333.33 元：每等一小时损失 0.00 元；"
        "排在前面的 1 条线索若与它对调，损失都更大；外呼后成交概率 66.7%，不外呼 33.3%"
    )
    assert calls.lost_by_waiting == 0.0  # the first call is at once, and the second loses nothing
    # Both leads came at the same time: newest first calls the steady one first, as highest scores first does.
    assert calls.comparison.en == (
        "this order is expected to bring 653.33 yuan: 160.00 yuan (32.4 %) more than newest leads first, and "
        "160.00 yuan (32.4 %) more than highest scores first"
    )


def test_leads_that_lose_alike_are_not_said_to_lose_more() -> None:
    twins = queue(lead("a", 0.4), lead("b", 0.4), hours=20.0)
    assert (
        twins.items[1].why.en.split("; ")[1] == "the lead before it would lose at least as much by waiting in its place"
    )
    assert twins.lost_by_waiting == 160.0 and twins.items[1].gain == 160.0 and twins.items[1].gain_if_first == 320.0


DESK = DeskRules(timezone="UTC", open="14:00", close="24:00", weekdays=("mon", "wed"), calls_per_hour=0.1)


def test_the_queue_begins_when_the_desk_opens_and_real_hours_count() -> None:
    calls = queue(lead("fading", 0.4), lead("later", 0.2), rules=DESK, days=2)  # 2022-08-01 is a Monday
    assert [i.call_at.isoformat() for i in calls.items] == ["2022-08-01T14:00:00+00:00", "2022-08-03T14:00:00+00:00"]
    assert not calls.desk_open and calls.notice is not None
    assert calls.notice.en == "the desk is closed at 12:00 on 1 August; calls begin when it opens, at 14:00 on 1 August"
    assert [i.hours_at_call for i in calls.items] == [2.0, 50.0]
    assert calls.items[0].gain == round(320 * 2**-0.2, 2)  # two hours of waiting, though the desk was closed
    assert calls.items[1].gain == round(160 * 2**-5.0, 2)
    one_day = queue(lead("fading", 0.4), lead("later", 0.2), rules=DESK)
    assert [i.lead_id for i in one_day.items] == ["fading"] and one_day.gain_not_called == round(160 * 2**-0.2, 2)


def test_a_capacity_of_zero_plans_no_call() -> None:
    sized = Estimator()
    sized.params = LeadParams(capacity_per_day=1)
    leads = (lead("a", 0.2), lead("b", 0.3))
    for body in ({"capacity_per_day": 0}, {"calls_per_hour": 0}, {"hours": 0}, {"hours": 9.9}):
        calls = queue(*leads, **{"calls_per_hour": 0.1, **body})
        assert (calls.items, calls.gain, calls.not_called) == ([], 0.0, [0, 1])
        assert calls.desk_open and calls.notice is None
        assert calls.comparison.en.startswith("2 leads wait, but no call is planned")
    assert len(queue(*leads, calls_per_hour=6).items) == 2
    assert len(queue(*leads, estimator=sized, calls_per_hour=6).items) == 1  # what its grades are sized to
    assert len(queue(*leads, estimator=sized, calls_per_hour=6, capacity_per_day=2).items) == 2


def test_a_desk_that_never_opens_says_so_and_hours_out_of_order_are_refused() -> None:
    closed = queue(lead("a", 0.2), rules=DESK.model_copy(update={"weekdays": ("sun",), "holidays": _sundays()}))
    assert closed.items == [] and closed.notice is not None and "correct weekdays or holidays" in closed.notice.en
    with pytest.raises(FeatureError) as problem:
        queue(lead("a", 0.2), open="15:00", close="09:00")
    assert problem.value.feature == "open" and problem.value.rule.startswith(
        "must be before close, got 15:00 and 09:00"
    )
    with pytest.raises(FeatureError, match="lunch"):
        queue(lead("a", 0.2), open="09:00", close="18:00", lunch=["08:00", "13:00"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("open: '9:00'", "open: must be a time from 00:00 to 24:00 with two digits each, such as 09:00, got '9:00'"),
        ("close: '25:00'", "close: must be a time from 00:00 to 24:00 .*, got '25:00'"),
        ("weekdays: []", "weekdays: must name at least one open day, such as mon, got none; to plan no calls"),
        ("weekdays: [mo]", "got 'mo'$"),
    ],
)
def test_a_wrong_rule_of_the_desk_is_named_with_its_remedy(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "sales_desk.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        load_desk_rules(path)


def _sundays() -> tuple[date, ...]:
    return tuple(date(2022, 8, 7) + timedelta(weeks=k) for k in range(60))


def test_the_queue_has_the_reasons_of_its_leads() -> None:
    (item,) = queue(lead("a", 0.2), hours=10.0).items
    assert [r.code for r in item.reasons.negative] == ["PRICE"]
    assert item.reasons.negative[0].en == "no budget is stated: ask for it"
    assert item.reasons.positive == [] and item.reasons.other_log_odds == 0.5  # no rate by channel: nothing to say


def test_what_cannot_be_queued_is_refused() -> None:
    with pytest.raises(FeatureError, match="training data have no times"):
        queue(lead("a", 0.2), estimator=Estimator(timed=False))
    with pytest.raises(FeatureError, match="another as_of"):
        queue(lead("a", 0.2, as_of="2022-08-01T13:00:00+00:00"))

"""Answers about leads: scores, reasons, trends, invalid requests, the call queue and the table of channels."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from features.errors import FeatureError
from ml import champions
from ml.endpoint import Champions
from ml.lead_scoring.answer import respond
from ml.lead_scoring.endpoints import ENDPOINTS
from ml.lead_scoring.request import request
from ml.lead_scoring.sales_desk import DeskRules
from ml.model import Model
from tests.conftest import Trained
from tests.small.lead_scoring import DECAY, HOUR, START, lead_scoring_tables

NOW = "2022-08-01T12:00:00+00:00"


@pytest.fixture
def model(lead_scoring: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(lead_scoring.home))
    champion = champions.champion("lead_scoring")
    assert champion is not None
    return champions.load(champion)


def lead(**changes: Any) -> dict[str, Any]:
    body = {
        "created_at": "2022-07-31T12:00:00+00:00",
        "as_of": NOW,
        "store_id": "S1",
        "channel": "website",
        "model": "M1",
        "price": 120_000.0,
        "budget": 130_000.0,
        "distance_km": 8.0,
        "acquisition_cost": 20.0,
        "wheelbase": 0.1,
    }
    return {k: v for k, v in (body | changes).items() if v is not None}


def event(at: str = "2022-07-30T10:00:00+00:00", kind: str = "view") -> dict[str, Any]:
    return {"event_at": at, "event_type": kind, "session_id": "a"}


def ask(model: Model, *bodies: dict[str, Any], explain: bool = True) -> list[Any]:
    request_type = request(model.estimator.signature)
    requests = [request_type.model_validate_json(json.dumps(b)) for b in bodies]
    return list(respond(model.estimator, requests, explain=explain))


def test_what_a_lead_did_raises_its_chance_and_says_so(model: Model) -> None:
    busy = [event(f"2022-07-{d:02d}T10:00:00+00:00") for d in range(15, 31)] + [event(kind="price_list")]
    quiet, active = ask(model, lead(), lead(events=busy))
    assert (quiet.path, active.path) == ("without_history", "with_history")
    assert active.conversion_probability > quiet.conversion_probability + 0.1
    assert active.expected_gross_margin > quiet.expected_gross_margin > 0
    assert active.grade <= quiet.grade
    positive = active.reasons.positive
    assert {r.code for r in positive} & {"RECENT_ACTIVITY", "PRICE_LIST", "COMPARING"}
    assert all(r.zh and r.en and r.log_odds > 0 for r in positive)
    assert quiet.reasons.negative and all(r.log_odds < 0 for r in quiet.reasons.negative)
    assert len(positive) <= 3
    assert active.calibration == "dealer"
    assert ask(model, lead(store_id=None))[0].calibration == "pooled"
    with pytest.raises(ValidationError, match="is not one of the 6 stores of the model"):
        ask(model, lead(store_id="new store"))


def test_scores_of_two_moments_are_reproducible_and_make_a_trend(model: Model) -> None:
    old = lead(
        created_at="2022-07-10T12:00:00+00:00", events=[event(f"2022-07-30T{h:02d}:00:00+00:00") for h in range(9)]
    )
    (now,) = ask(model, old)
    week_ago = {**old, "as_of": "2022-07-25T12:00:00+00:00", "events": []}
    (then,) = ask(model, week_ago)
    assert now.earlier_probability == then.conversion_probability
    assert now.trend == "rising"
    assert ask(model, lead())[0].trend is None  # it was not there a week ago
    assert ask(model, old)[0] == now


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": [event("2022-08-02T00:00:00+00:00")]}, "must not be after as_of, but"),
        ({"created_at": "2022-08-03T00:00:00+00:00"}, "created_at"),
    ],
)
def test_the_future_is_refused(model: Model, change: dict[str, Any], message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        ask(model, lead(**change))


def test_future_events_are_ignored_and_counted_if_the_configuration_says_so(model: Model) -> None:
    future = lead(events=[event(), event("2022-08-02T00:00:00+00:00"), event(NOW)])
    estimator = model.estimator
    params = estimator.params
    estimator.params = params.model_copy(update={"events_after_as_of": "ignore"})
    try:
        (score,) = ask(model, future)
    finally:
        estimator.params = params
    (without,) = ask(model, lead(events=[event()]))
    assert score.events_ignored == 2
    assert score.conversion_probability == without.conversion_probability


def test_a_lead_named_twice_and_an_unknown_channel_are_refused(model: Model) -> None:
    with pytest.raises(FeatureError, match="'L1' occurs more than once"):
        ask(model, lead(lead_id="L1"), lead(lead_id="L1"))
    with pytest.raises(ValidationError, match="channel"):
        ask(model, lead(channel="carrier_pigeon"))
    with pytest.raises(ValidationError, match="event_type"):
        ask(model, lead(events=[event(kind="teleport")]))


def test_a_batch_answers_like_one_at_a_time(model: Model) -> None:
    bodies = [lead(lead_id=f"L{i}", store_id=f"S{i % 6}", events=[event()] * (i % 5)) for i in range(40)]
    assert ask(model, *bodies) == [ask(model, b)[0] for b in bodies]


def _respond(model: Model, path: str, body: dict[str, Any]) -> Any:
    champions: Champions = {"lead_scoring": model}
    endpoint: Any = next(e for e in ENDPOINTS if e.path == path)
    request = endpoint.request(champions).model_validate_json(json.dumps(body))
    rules = DeskRules(timezone="UTC", open="00:00", close="24:00") if path == "queue" else None
    return endpoint.respond(rules, champions, [request], False)[0]


def test_the_queue_calls_what_fades_first_and_leaves_out_who_was_called(model: Model) -> None:
    fresh = {"created_at": "2022-08-01T11:30:00+00:00", "as_of": None}
    leads = [
        lead(**fresh, lead_id="referral", channel="referral"),
        lead(**fresh, lead_id="search", channel="search_ad", events=[event()] * 6),
        lead(**fresh, lead_id="called", first_contact_at="2022-08-01T11:45:00+00:00"),
    ]
    queue = _respond(model, "queue", {"as_of": NOW, "calls_per_hour": 1.0, "hours": 8.0, "leads": leads})
    assert [i.lead_id for i in queue.items] == ["search", "referral"]
    assert queue.called_already == [2]
    assert queue.measure == "gross_margin"
    assert queue.gain >= max(queue.gain_newest_first, queue.gain_highest_score_first) - 1e-6
    assert 0 < queue.decay.low < queue.decay.left_after_24_hours < queue.decay.high < 1
    assert [i.call_at.hour for i in queue.items] == [12, 13]
    one = _respond(model, "queue", {"as_of": NOW, "calls_per_hour": 1.0, "hours": 1.0, "leads": leads})
    assert len(one.items) == 1
    assert {one.items[0].position, *one.not_called} == {0, 1}
    with pytest.raises(FeatureError, match="as_of"):
        _respond(
            model,
            "queue",
            {"as_of": NOW, "calls_per_hour": 1.0, "leads": [lead(as_of="2022-08-01T00:00:00Z")]},
        )


def test_by_the_truth_the_queue_brings_more_than_newest_first_and_score_only(model: Model) -> None:
    """Evenings of the desk: open leads of the last two days, four calls an hour, the truth known by its formula."""
    tables = lead_scoring_tables()
    leads, events = tables["leads"], tables["events"]
    lists = events.filter(event_type="price_list")["customer_id"].to_list()
    views = dict(events.filter(event_type="view").group_by("customer_id").len().iter_rows())
    totals = np.zeros(3)
    for day in range(420, 720, 10):
        now = START + day * 24 * HOUR + 20 * HOUR
        waiting = leads.filter((pl.col("created_at") < now) & (pl.col("created_at") > now - 48 * HOUR))
        if waiting.height < 5:
            continue
        rows = waiting.to_dicts()
        bodies = [_body(row, events, now) for row in rows]
        body = {"as_of": _iso(now), "calls_per_hour": 1.0, "hours": 12.0, "leads": bodies}
        queue = _respond(model, "queue", body)
        chance = np.array([_truth(r, views.get(r["customer_id"], 0), r["customer_id"] in lists) for r in rows])
        waited = np.array([(now - r["created_at"]) / HOUR for r in rows])
        decay = np.array([DECAY[r["channel"]] for r in rows])
        score = [a.conversion_probability for a in ask(model, *bodies, explain=False)]
        orders = (
            [i.position for i in queue.items],
            sorted(range(len(rows)), key=lambda i: waited[i]),
            sorted(range(len(rows)), key=lambda i: -score[i]),
        )
        for which, order in enumerate(orders):
            for place, i in enumerate(order[:12]):
                totals[which] += chance[i] * 0.7 * np.exp(-decay[i] * (waited[i] + place))
    assert totals[0] > 1.03 * totals[1]
    assert totals[0] > 1.03 * totals[2]


def _body(row: dict[str, Any], events: pl.DataFrame, now: int) -> dict[str, Any]:
    own = events.filter((pl.col("customer_id") == row["customer_id"]) & (pl.col("event_at") < now)).to_dicts()
    names = ("event_type", "session_id", "channel", "dwell_seconds")
    return {
        "lead_id": row["lead_id"],
        "created_at": _iso(row["created_at"]),
        **{n: row[n] for n in ("store_id", "channel", "model", "distance_km", "wheelbase")},
        **{n: row[n] / 100 for n in ("price", "budget", "acquisition_cost")},
        "events": [{n: e[n] for n in names} | {"event_at": _iso(e["event_at"])} for e in own],
    }


def _iso(us: int) -> str:
    return f"{np.datetime64(us, 'us')}+00:00"


def _truth(row: dict[str, Any], views: int, asked_for_price: bool) -> float:
    store = int(row["store_id"][1:])
    score = -1.6 + 0.25 * views + 1.0 * asked_for_price + 0.8 * (row["channel"] == "referral") + 0.2 * (store - 2.5)
    return float(1 / (1 + np.exp(-score)))


def test_channels_side_by_side_with_an_alert(model: Model) -> None:
    table = _respond(model, "channels", {})
    rows = {row.channel: row for row in table.channels}
    assert table.cost_per_lead_ceiling == 50
    assert rows["search_ad"].alert == "above"
    assert rows["website"].alert == "below"
    assert table.channels[0].channel == "search_ad"
    assert rows["referral"].last_touch.conversion_rate.value > rows["website"].last_touch.conversion_rate.value
    assert rows["website"].first_touch.leads > 0
    cost = rows["website"].last_touch.cost_per_lead
    assert cost.low <= 22.5 <= cost.high
    assert _respond(model, "channels", {"cost_per_lead_ceiling": 1_000.0}).channels[0].alert == "below"

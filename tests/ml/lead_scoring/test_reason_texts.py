"""Sentences of reasons, for a lead whose facts are written out; the score is of 6 January 2024, 10:00 in China."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.aggregations import DAY, HOUR
from ml.bilingual import Text
from ml.estimators.shrunken_rates import ShrunkenRates
from ml.instants import instant, microseconds
from ml.labels import Labels
from ml.lead_scoring.lead_facts import LeadFacts, last_events
from ml.lead_scoring.reason_texts import reason_text
from ml.lead_scoring.reasons import OTHER, REASONS
from ml.signature import Field, Signature

NOW = microseconds(datetime(2024, 1, 6, 2, tzinfo=UTC))
STORES = {"store_id": ["S1"] * 4_000, "channel": ["referral"] * 2_000 + ["website"] * 2_000}
RATES = ShrunkenRates(groups=[["channel"], ["store_id", "channel"]]).fit(
    STORES, np.array([1.0, 0.0, 0.0, 0.0, 0.0] * 400 + [1.0] * 200 + [0.0] * 1_800)
)

SAME = np.array([1.0] * 181 + [0.0] * 819 + [1.0] * 177 + [0.0] * 823)

SIGNATURE = Signature(
    fields=(Field(name="wheelbase", kind="number", feature=True, own=True),),
    labels=Labels(columns={"wheelbase": Text(zh="轴距", en="wheelbase")}),
)


def facts(*events: tuple[str, int], age: float = 26, **row: Any) -> LeadFacts:
    """Events are types with their hours before the score; each view is of another vehicle."""
    content = [
        SimpleNamespace(event_at=instant(NOW - hours * HOUR), event_type=kind, vehicle_id=f"V{k}")
        for k, (kind, hours) in enumerate(events)
    ]
    last, vehicles = last_events(content, NOW)
    return LeadFacts(
        row={"days_since_first_call": None, **row}, as_of=NOW, created_at=NOW - int(age * HOUR), last_events=last,
        vehicles_7d=vehicles, rates=RATES, signature=SIGNATURE, form=("price", "budget", "model", "campaign"),
        horizon_days=30,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lead", "code", "en"),
    [
        (facts(("view", 5), ("view", 30), ("view", 200), views_7d=2), "RECENT_ACTIVITY",
         "viewed 2 vehicles in the last 7 days: begin with them"),
        (facts(views_7d=1), "RECENT_ACTIVITY", "1 vehicle view in the last 7 days: begin with it"),
        (facts(days_since_visit=12.4), "RECENT_ACTIVITY",
         "last visited the website 12 days ago: ask whether a purchase is still planned"),
        (facts(), "RECENT_ACTIVITY", "no visit to the website on record: ask what is needed"),
        (facts(models_90d=1, compares_90d=2), "COMPARING",
         "looked at 1 model and compared vehicles 2 times in the last 90 days: help to narrow the choice"),
        (facts(models_90d=3), "COMPARING",
         "looked at 3 models in the last 90 days: help to narrow the choice"),
        (facts(models_90d=3), "COMPARING",
         "looked at 3 models in the last 90 days and compared none: help to narrow the choice"),
        (facts(("price_list", 72)), "PRICE_LIST", "asked for a price list on 3 January: follow up on the offer"),
        (facts(("finance_quote", 24 * 10)), "PRICE_LIST",
         "asked for a finance quote on 27 December 2023: follow up on the offer"),
        (facts(), "PRICE_LIST", "has not asked for a price list yet: make an offer"),
        (facts(("test_drive_request", 24)), "TEST_DRIVE", "asked for a test drive on 5 January: agree on a time"),
        (facts(("chat", 48)), "CONTACT", "chatted with the store on 4 January: go on from there"),
        (facts(), "WAITING", "has waited 26 hours for the first call: call today"),
        (facts(age=0.5), "WAITING", "came in less than an hour ago: call at once"),
        (facts(days_since_first_call=3.2), "WAITING", "was first called 3 days ago: agree on the next step"),
        (facts(channel="referral", store_id="S1"), "SOURCE",
         "referral lead of store S1: about 20% of these buy within 30 days (all leads 15%)"),
        (facts(price=14_080_000, budget=12_880_000), "PRICE",
         "the price of 140,800 yuan is 12,000 yuan above the budget: offer finance or a cheaper vehicle"),
        (facts(price=14_080_000, budget_high=15_000_000, budget=1), "PRICE",
         "the price of 140,800 yuan is within the budget of 150,000 yuan: discuss the offer"),
        (facts(distance_km=4.2), "DISTANCE", "lives 4 km from the store: invite to the store"),
        (facts(purchases=1, days_since_purchase=1_200.0), "HISTORY",
         "bought 1 vehicle here, the last 3.3 years ago: offer a trade-in"),
        (facts(other_leads=1, days_since_other_lead=40.0), "HISTORY",
         "enquired once before, the last time 40 days ago: go on from there"),
        (facts(price=1, model="X5"), "FORM", "not stated: budget: ask"),
        (facts(price=1, model="X5", budget=1), "FORM", "the customer filled in every detail"),
        (facts(wheelbase=2.5), "WHEELBASE", "wheelbase: 2.5"),
        (facts(), "WHEELBASE", "wheelbase is not filled in"),
    ],
)  # fmt: skip
def test_a_reason_says_the_fact_and_what_to_do(lead: LeadFacts, code: str, en: str) -> None:
    raises = not any(
        words in en
        for words in ("has not", "no visit", "last visited", "compared none", "above the budget", "not stated")
    )
    text = reason_text(lead, code, "wheelbase", raises)
    assert text is not None and text.en == en
    if code in ("RECENT_ACTIVITY", "PRICE_LIST", "TEST_DRIVE", "PRICE", "FORM"):  # the fact has one direction
        assert reason_text(lead, code, "wheelbase", not raises) is None
    numbers = re.findall(r"\d[\d,.]*", en.replace("2 times", "2").replace("within 30 days", "30"))
    assert all(n.rstrip(".,") in text.zh for n in numbers if f"{n} January" not in en and f"{n} December" not in en)


def test_a_fact_that_points_the_other_way_is_not_a_reason() -> None:
    referred = facts(channel="referral", store_id="S1")
    assert reason_text(referred, "SOURCE", "channel", False) is None
    assert reason_text(facts(channel="unseen"), "SOURCE", "channel", True) is None
    assert reason_text(facts(model="X5"), "VEHICLE", "model", True) is None  # no rate by model
    assert reason_text(facts(), "PRICE", "price", True) is None
    assert reason_text(facts(), "HISTORY", "purchases", True) is None
    assert reason_text(facts(), "COMPARING", "compares_7d", True) is None
    assert reason_text(facts(models_90d=3, compares_90d=1), "COMPARING", "compares_7d", False) is None
    same = ShrunkenRates(groups=[["channel"]]).fit({"channel": ["app"] * 1_000 + ["web"] * 1_000}, SAME)
    nearly = replace(facts(channel="app"), rates=same)  # 18.1 % of these buy, 17.9 % of all: no explanation
    assert reason_text(nearly, "SOURCE", "channel", True) is None
    campaign_alone = facts(price=1, model="X5", budget=1, campaign=None)  # customers do not know it
    assert reason_text(campaign_alone, "FORM", "fields_empty", False) is None


def test_events_at_or_after_the_score_are_not_facts() -> None:
    late = SimpleNamespace(event_at=instant(NOW), event_type="price_list", vehicle_id=None)
    assert last_events([late], NOW) == ({}, 0)
    assert last_events([late], NOW + DAY) == ({"price_list": NOW}, 0)


def test_every_reason_has_a_sentence_for_an_empty_lead_or_none() -> None:
    for code in REASONS.keys() - {OTHER}:
        for raises in (True, False):
            text = reason_text(facts(), code, "x", raises)
            assert text is None or (text.zh != text.en and "None" not in text.en + text.zh)

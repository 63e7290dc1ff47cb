"""Assignment of features to reasons, and the strongest reasons of each sign."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.bilingual import Text
from ml.lead_scoring.reasons import MAX_REASONS, MIN_LOG_ODDS, REASONS, build_reason_map, strongest


@pytest.mark.parametrize(
    ("feature", "code"),
    [
        ("views_7d", "RECENT_ACTIVITY"),
        ("price", "PRICE"),
        ("price_to_budget", "PRICE"),
        ("price_list_share", "PRICE_LIST"),
        ("rate of store_id and channel", "SOURCE"),
        ("rate of channel", "SOURCE"),
        ("lead_age_days", "WAITING"),
        ("fields_empty", "FORM"),
        ("created_hour", "OTHER"),
        ("acquisition_cost", "OTHER"),
        ("wheelbase", "WHEELBASE"),
        ("rate of colour", "COLOUR"),
        ("own-number 2", "OWN_NUMBER_2"),
    ],
)
def test_a_feature_belongs_to_its_reason_or_is_one_itself(feature: str, code: str) -> None:
    assert build_reason_map([feature], {}).codes == (code,)


def name(code: str, feature: str, raises: bool) -> Text:
    return Text(zh=feature, en=f"{feature} {'up' if raises else 'down'}")


def test_texts_of_the_dealership_replace_the_built_in_ones() -> None:
    overrides = {"KEEN": (("views_*",), "多", "Many views", "少", "Few views")}
    reason_map = build_reason_map(["views_7d", "events_7d", "views_30d"], overrides)
    assert reason_map.codes == ("KEEN", "RECENT_ACTIVITY") and reason_map.member.tolist() == [0, 1, 0]
    raising, lowering, _ = strongest(np.array([0.5, -0.2, 0.1]), reason_map, name)
    assert [(r.code, r.text.en) for r in (*raising, *lowering)] == [
        ("KEEN", "Many views"), ("RECENT_ACTIVITY", "events_7d down"),
    ]  # fmt: skip
    assert strongest(np.array([-0.5, 0, 0]), reason_map, name)[1][0].text.zh == "少"


def test_features_of_one_reason_are_added_before_they_are_compared() -> None:
    reason_map = build_reason_map(["views_7d", "price", "events_7d"], {})
    raising, lowering, other = strongest(np.array([0.3, 0.4, 0.3]), reason_map, name)
    assert [(r.code, r.log_odds) for r in raising] == [("RECENT_ACTIVITY", 0.6), ("PRICE", 0.4)] and lowering == []
    assert other == 0


def test_at_most_three_of_each_sign_and_the_rest_is_counted_as_other() -> None:
    reason_map = build_reason_map([f"own{i}" for i in range(8)], {})
    raising, lowering, other = strongest(np.array([0.1, 0.5, 0.3, 0.4, -0.2, -0.9, 0.02, -0.02]), reason_map, name)
    assert [r.code for r in raising] == ["OWN1", "OWN3", "OWN2"] and len(raising) == MAX_REASONS
    assert [(r.code, r.log_odds) for r in lowering] == [("OWN5", -0.9), ("OWN4", -0.2)]
    assert other == pytest.approx(0.1 + 0.02 - 0.02)


def test_what_nobody_can_act_on_is_not_listed_but_stays_in_the_figures() -> None:
    reason_map = build_reason_map(["created_hour", "acquisition_cost", "views_7d"], {})
    raising, lowering, other = strongest(np.array([0.9, -0.1, 0.3]), reason_map, name)
    assert [r.code for r in raising] == ["RECENT_ACTIVITY"] and lowering == []
    assert other == pytest.approx(0.8)


@settings(deadline=None, max_examples=60)
@given(st.tuples(*[st.integers(-200, 200)] * 5))
def test_the_figures_add_up(percents: tuple[int, ...]) -> None:
    values = np.array(percents) / 100
    features = ["views_7d", "price", "created_hour", "wheelbase", "model"]

    def text(code: str, feature: str, raises: bool) -> Text | None:
        return None if code == "PRICE" else name(code, feature, raises)

    raising, lowering, other = strongest(values, build_reason_map(features, {}), text)
    listed = [*raising, *lowering]
    assert sum(r.log_odds for r in listed) + other == pytest.approx(values.sum())
    assert all(abs(r.log_odds) > MIN_LOG_ODDS and r.code not in ("OTHER", "PRICE") for r in listed)


def test_every_reason_has_features() -> None:
    assert all(REASONS.values())


def test_a_fact_is_not_told_twice() -> None:
    facts = {
        "TEST_DRIVE": ("4月9日预约过试驾：敲定时间", "asked for a test drive: agree on a time"),
        "CONTACT": ("4月9日预约过试驾：接着谈", "asked for a test drive: go on from there"),
    }
    reason_map = build_reason_map(["test_drive_requests_90d", "days_since_contact"], {})
    raising, _, other = strongest(
        np.array([0.7, 0.3]), reason_map, lambda code, feature, raises: Text(zh=facts[code][0], en=facts[code][1])
    )
    assert [r.code for r in raising] == ["TEST_DRIVE"] and other == pytest.approx(0.3)

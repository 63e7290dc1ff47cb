"""Assignment of features to reasons, and the strongest reasons of each sign."""

from __future__ import annotations

import numpy as np
import pytest

from ml.lead_scoring.reasons import MAX_REASONS, REASONS, build_reason_map, largest


@pytest.mark.parametrize(
    ("feature", "code"),
    [
        ("views_7d", "RECENT_ACTIVITY"),
        ("price", "PRICE"),
        ("price_to_budget", "PRICE"),
        ("price_list_share", "PRICE_LIST"),
        ("rate of store_id and channel", "STORE"),
        ("rate of channel", "CHANNEL"),
        ("wheelbase", "WHEELBASE"),
        ("rate of colour", "COLOUR"),
        ("own-number 2", "OWN_NUMBER_2"),
    ],
)
def test_a_feature_belongs_to_its_reason_or_is_one_itself(feature: str, code: str) -> None:
    assert build_reason_map([feature], {}).codes == (code,)


def test_texts_of_the_dealership_replace_the_built_in_ones() -> None:
    overrides = {"KEEN": (("views_*",), "多", "Many views", "少", "Few views")}
    reason_map = build_reason_map(["views_7d", "events_7d", "views_30d"], overrides)
    assert reason_map.codes == ("KEEN", "RECENT_ACTIVITY") and reason_map.member.tolist() == [0, 1, 0]
    assert reason_map.texts[0] == ("多", "Many views", "少", "Few views")
    assert reason_map.texts[1] == REASONS["RECENT_ACTIVITY"][1:]


def test_a_feature_without_texts_is_named() -> None:
    ((zh_raises, en_raises, zh_lowers, en_lowers),) = build_reason_map(["rate of colour"], {}).texts
    assert (en_raises, en_lowers) == ("colour raises the chance of a sale", "colour lowers the chance of a sale")
    assert "colour" in zh_raises and "colour" in zh_lowers


def test_features_of_one_reason_are_added_before_they_are_compared() -> None:
    reason_map = build_reason_map(["views_7d", "price", "events_7d"], {})
    assert largest(np.array([0.3, 0.4, 0.3]), reason_map) == ([(0, 0.6), (1, 0.4)], [])
    assert largest(np.array([0.3, -0.4, -0.3]), reason_map) == ([], [(1, -0.4)])


def test_at_most_three_of_each_sign_and_none_that_is_too_small() -> None:
    reason_map = build_reason_map([f"own{i}" for i in range(8)], {})
    raising, lowering = largest(np.array([0.1, 0.5, 0.3, 0.4, -0.2, -0.9, 0.02, -0.02]), reason_map)
    assert [k for k, _ in raising] == [1, 3, 2] and len(raising) == MAX_REASONS
    assert lowering == [(5, -0.9), (4, -0.2)]

"""Features speak under reasons, and the largest reasons of each sign are said."""

from __future__ import annotations

import numpy as np
import pytest

from ml.lead_scoring.reasons import MOST, REASONS, largest, voices


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
def test_a_feature_speaks_under_its_reason_or_for_itself(feature: str, code: str) -> None:
    assert voices([feature], {}).codes == (code,)


def test_own_words_replace_the_built_in_ones() -> None:
    own = {"KEEN": (("views_*",), "多", "Many views", "少", "Few views")}
    made = voices(["views_7d", "events_7d", "views_30d"], own)
    assert made.codes == ("KEEN", "RECENT_ACTIVITY") and made.member.tolist() == [0, 1, 0]
    assert made.texts[0] == ("多", "Many views", "少", "Few views")
    assert made.texts[1] == REASONS["RECENT_ACTIVITY"][1:]


def test_a_feature_without_words_is_called_by_its_name() -> None:
    ((zh_raises, en_raises, zh_lowers, en_lowers),) = voices(["rate of colour"], {}).texts
    assert (en_raises, en_lowers) == ("colour raises the chance of a sale", "colour lowers the chance of a sale")
    assert "colour" in zh_raises and "colour" in zh_lowers


def test_features_of_one_reason_are_added_before_they_are_compared() -> None:
    made = voices(["views_7d", "price", "events_7d"], {})
    assert largest(np.array([0.3, 0.4, 0.3]), made) == ([(0, 0.6), (1, 0.4)], [])
    assert largest(np.array([0.3, -0.4, -0.3]), made) == ([], [(1, -0.4)])


def test_at_most_three_of_each_sign_and_none_that_is_too_small() -> None:
    made = voices([f"own{i}" for i in range(8)], {})
    raising, lowering = largest(np.array([0.1, 0.5, 0.3, 0.4, -0.2, -0.9, 0.02, -0.02]), made)
    assert [k for k, _ in raising] == [1, 3, 2] and len(raising) == MOST
    assert lowering == [(5, -0.9), (4, -0.2)]

"""Reason codes compared with a reference at the cut-off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.credit.reason_codes import adverse_reasons, nearest_to_cutoff, reason_groups

TEXTS = {"DEBT": {"zh": "负债偏高", "en": "Debt is high"}}


def test_the_nearest_to_the_cut_off_are_so_in_log_odds() -> None:
    """In log-odds 0.005 and 0.02 are about as far from 0.01; 0.5 and 0.0001 are far away."""
    probability = [0.0001, 0.005, 0.02, 0.5]
    assert sorted(nearest_to_cutoff(probability, cutoff=0.01, neighbours=2).tolist()) == [1, 2]
    assert sorted(nearest_to_cutoff(probability, cutoff=0.01, neighbours=99).tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("probability", "cutoff", "neighbours", "rule"),
    [
        ([], 0.01, 5, "at least one row"),
        ([0.1], 0.0, 5, "cutoff must be strictly between 0 and 1, got 0.0"),
        ([0.1], 0.01, 0, "neighbours must be at least 1, got 0"),
    ],
)
def test_the_nearest_need_rows_and_a_cut_off(
    probability: list[float], cutoff: float, neighbours: int, rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        nearest_to_cutoff(probability, cutoff=cutoff, neighbours=neighbours)


def test_features_of_one_reason_are_added_before_they_are_ranked() -> None:
    groups = reason_groups(["loan", "debt", "age"], groups={"loan": "DEBT", "debt": "DEBT"}, texts=TEXTS)
    reasons = adverse_reasons([0.3, 0.3, 0.5], [0.0, 0.0, 0.1], groups=groups, points_per_log_odds=20)
    assert [reason.code for reason in reasons] == ["DEBT", "AGE"]
    assert [reason.log_odds for reason in reasons] == pytest.approx([0.6, 0.4])
    assert [reason.points for reason in reasons] == pytest.approx([-12, -8])
    assert [reason.share for reason in reasons] == pytest.approx([0.6, 0.4])
    assert reasons[0].text == TEXTS["DEBT"]


def test_favourable_contributions_offset_within_a_reason() -> None:
    groups = reason_groups(["loan", "debt", "age"], groups={"loan": "DEBT", "debt": "DEBT"}, texts=TEXTS)
    assert adverse_reasons([0.3, -0.4, -0.1], np.zeros(3), groups=groups, points_per_log_odds=20) == ()


def test_ties_keep_the_order_of_the_codes_and_four_is_the_most() -> None:
    groups = reason_groups(list("fedcba"), groups={})
    reasons = adverse_reasons(np.ones(6), np.zeros(6), groups=groups, points_per_log_odds=1)
    assert [reason.code for reason in reasons] == ["F", "E", "D", "C"]
    assert sum(reason.share for reason in reasons) == pytest.approx(4 / 6)


def test_a_base_in_the_last_place_is_not_a_reason() -> None:
    groups = reason_groups(["a"], groups={})
    reasons = adverse_reasons([0.2, 99.0], [0.0, 0.0], groups=groups, points_per_log_odds=1)
    assert [(reason.code, reason.share) for reason in reasons] == [("A", 1.0)]


def test_undeclared_features_get_their_own_code() -> None:
    groups = reason_groups(
        ["monthly income", "学历"], groups={}, texts={"MONTHLY_INCOME": {"zh": "收入", "en": "Income"}}
    )
    assert groups.codes == ("MONTHLY_INCOME", "学历")
    assert groups.texts[0]["en"] == "Income"
    assert groups.texts[1] == {"zh": "申请资料中的“学历”使评分降低。", "en": "The value of “学历” lowers the score."}


def test_a_generic_text_has_readable_names() -> None:
    names = {"late": {"zh": "逾期次数", "en": "late payments"}}
    groups = reason_groups(["late", "visits"], groups={"late": "R", "visits": "R"}, names=names)
    assert groups.texts == (
        {
            "zh": "申请资料中的逾期次数、“visits”使评分降低。",
            "en": "The values of late payments, “visits” lower the score.",
        },
    )


@pytest.mark.parametrize(
    ("features", "groups", "texts", "rule"),
    [
        (["a", "a"], {}, {}, "feature names must be unique, got 'a' twice"),
        (["a b", "a_b"], {}, {}, "'a_b' would get the reason code 'A_B', which already stands for another"),
        (["x", "debt"], {"x": "DEBT"}, {}, "'debt' would get the reason code 'DEBT'"),
        (["--"], {}, {}, "no reason code can be made from the feature name '--'"),
        (["a"], {"a": "R1"}, {"R1": {"en": "only"}}, "'R1' lacks the language 'zh'"),
    ],
)
def test_codes_that_would_mislead_are_refused(features, groups, texts, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        reason_groups(features, groups=groups, texts=texts)


def test_shapes_that_do_not_agree_are_refused() -> None:
    with pytest.raises(ValueError, match="must both have 2 entries"):
        adverse_reasons([0.1], [0.1], groups=reason_groups(["a", "b"], groups={}), points_per_log_odds=1)


@given(
    own=st.lists(st.floats(-5, 5), min_size=6, max_size=6), reference=st.lists(st.floats(-5, 5), min_size=6, max_size=6)
)
def test_reasons_are_adverse_ordered_and_share_the_adverse_total(own: list[float], reference: list[float]) -> None:
    groups = reason_groups(list("abcdef"), groups={"a": "G", "b": "G"})
    reasons = adverse_reasons(own, reference, groups=groups, points_per_log_odds=10, limit=6)
    excess = np.subtract(own, reference)
    total = sum(value for value in [excess[0] + excess[1], *excess[2:]] if value > 1e-9)
    assert sum(reason.log_odds for reason in reasons) == pytest.approx(total)
    assert sum(reason.share for reason in reasons) == pytest.approx(1 if reasons else 0)
    assert all(reason.log_odds > 0 > reason.points for reason in reasons)
    assert [reason.log_odds for reason in reasons] == sorted((reason.log_odds for reason in reasons), reverse=True)

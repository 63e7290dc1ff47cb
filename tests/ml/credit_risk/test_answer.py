"""Answers to applications, with a model that can be computed by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from ml.credit_risk.answer import answers, decision, request, respond
from ml.credit_risk.estimator import CreditRiskEstimator
from ml.credit_risk.params import CreditParams
from ml.domain.credit import reason_codes
from ml.signature import Field, Signature

SIGNATURE = Signature(
    fields=(
        Field(name="application_id", kind="text"),
        Field(name="loan_amount", kind="integer", unit="fen", feature=True, required=True),
        Field(name="housing", kind="category", values=("own", "rent"), feature=True),
    )
)
BAND = {0.01: "approve", 0.03: "refer", 0.2: "decline"}
REASON = reason_codes.Reason(
    code="AMOUNT", log_odds=0.4, share=0.98765, points=-12.345, text={"zh": "金额", "en": "The amount"}
)


class Encoder:
    categorical = ("housing",)

    def transform(self, columns: Mapping[str, Sequence[Any]]) -> np.ndarray[Any, Any]:
        return np.array(columns["loan_amount"], dtype=np.float64)

    def unseen(self, values: Mapping[str, Any]) -> list[str]:
        return [name for name, value in values.items() if value == "rent"]


@pytest.fixture
def estimator() -> Any:
    """The probability is the amount in fen / 10^8; approval up to 2 %, decline above 10 %."""
    return SimpleNamespace(
        signature=SIGNATURE,
        encoder_=Encoder(),
        policy_={"approve": 0.02, "decline": 0.1},
        probability_of_default=lambda matrix: matrix / 1e8,
        points=lambda probability: np.rint(1_000 * (1 - probability)),
        bands=lambda probability: np.array([BAND[round(p, 6)] for p in probability]),
        reasons=lambda matrix: [(REASON,)] * len(matrix),
        groups_=SimpleNamespace(codes=("AMOUNT", "HOUSING", "TERM")),
        differences=lambda matrix: np.array([[-12.4, 3.6, 0.3]] * len(matrix)),
        topic=lambda code: {"zh": f"{code} zh", "en": code.lower()},
    )


def applications(*fields: dict[str, Any]) -> list[Any]:
    model = request(SIGNATURE)
    return [model.model_validate(one) for one in fields]


def test_applications_are_answered_in_their_order_with_amounts_in_yuan(estimator: Any) -> None:
    first, second = respond(
        estimator,
        applications({"application_id": "A1", "loan_amount": 10_000.0, "housing": "rent"}, {"loan_amount": 200_000.0}),
    )
    assert (first.application_id, first.probability_of_default, first.score, first.band) == ("A1", 0.01, 990, "approve")
    assert (second.application_id, second.probability_of_default, second.band) == (None, 0.2, "decline")
    assert (first.approve_at_most, first.decline_above) == (0.02, 0.1)
    assert (first.unseen, second.unseen) == (["housing"], [])


def test_reasons_are_rounded_and_left_out_where_not_asked_for(estimator: Any) -> None:
    (answer,) = respond(estimator, applications({"loan_amount": 30_000.0}))
    assert answer.reasons is not None
    (reason,) = answer.reasons
    assert reason.model_dump() == {
        "code": "AMOUNT", "zh": "金额", "en": "The amount", "points": -12.3, "share": 0.9877,
    }  # fmt: skip
    assert respond(estimator, applications({"loan_amount": 30_000.0}), explain=False)[0].reasons is None


def test_the_decision_log_keeps_figures_and_reasons_but_no_input(estimator: Any) -> None:
    (application,) = applications({"application_id": "A1", "loan_amount": 30_000.0, "housing": "rent"})
    (answer,) = respond(estimator, [application])
    assert decision(application, answer) == {
        "outcome": "refer",
        "store_id": None,
        "probability_of_default": 0.03,
        "score": 970,
        "approve_at_most": 0.02,
        "decline_above": 0.1,
        "reasons": answer.reasons,
    }
    (plain,) = respond(estimator, [application], explain=False)
    assert decision(application, plain)["reasons"] is None


def test_a_decline_cut_off_never_lies_below_that_of_approval(estimator: Any) -> None:
    estimator.policy_ = {"approve": 0.02, "decline": 0.01}
    (answer,) = answers(estimator, {"loan_amount": [1_000_000], "housing": [None]}, ids=["A1"], explain=False)
    assert (answer.approve_at_most, answer.decline_above) == (0.02, 0.02)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({}, "loan_amount"), ({"loan_amount": "many"}, "loan_amount"), ({"loan_amount": 1.0, "colour": "red"}, "colour")],
)
def test_what_breaks_a_rule_names_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        applications(fields)
    assert caught.value.errors()[0]["loc"][0] == field


def test_topics_and_the_rest_add_up_to_the_distance_from_the_approval_line(estimator: Any) -> None:
    (one,) = respond(estimator, applications({"loan_amount": 30_000.0}))
    assert (one.score, one.approve_from_score) == (970, 980)
    assert one.differences is not None and one.other_points is not None
    assert [(d.code, d.en, d.points) for d in one.differences] == [("AMOUNT", "amount", -12), ("HOUSING", "housing", 4)]
    assert sum(d.points for d in one.differences) + one.other_points == one.score - one.approve_from_score
    (brief,) = respond(estimator, applications({"loan_amount": 30_000.0}), explain=False)
    assert (brief.differences, brief.other_points) == (None, None)


def test_a_cut_off_that_approves_nobody_has_no_score() -> None:
    """The odds of 0 are not finite; the band is still that of the policy."""
    rng = np.random.default_rng(0)
    X = pl.DataFrame({"bureau_score": rng.uniform(400, 800, 600)})
    y = (rng.random(600) < np.where(X["bureau_score"] < 500, 0.9, 0.02)).astype(float)
    signature = Signature(fields=(Field(name="bureau_score", kind="number", feature=True),))
    estimator = CreditRiskEstimator(params=CreditParams(target_bad_rate=0.1), signature=signature)
    estimator.fit(X[:300], y[:300], calibrate=(X[300:], y[300:]))
    estimator.policy_["approve"] = 0.0
    answer = answers(estimator, {"bureau_score": [790.0]}, ids=[None])[0]
    assert answer.approve_from_score is None and answer.other_points is None
    assert answer.band != "approve" and answer.decline_below_score is not None

"""The estimator on loans of known risk: 80 % of loans without a down payment default, and 5 % of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError, DataError
from ml.credit_risk.estimator import CreditRiskEstimator
from ml.credit_risk.params import CreditParams
from ml.signature import Field, Signature

SIGNATURE = Signature(
    fields=(
        Field(name="loan_amount", kind="integer", unit="fen", feature=True),
        Field(name="vehicle_price", kind="integer", unit="fen", feature=True),
        Field(name="housing", kind="category", values=("own", "rent"), feature=True),
    )
)
PRICE = 10_000_000


def loans(n: int = 400) -> tuple[pl.DataFrame, np.ndarray[Any, Any]]:
    whole = np.arange(n) % 2 == 0
    default = np.where(whole, np.arange(n) // 2 % 5 < 4, np.arange(n) // 2 % 20 < 1).astype(np.float64)
    X = pl.DataFrame(
        {
            "loan_amount": np.where(whole, PRICE, PRICE // 2),
            "vehicle_price": np.full(n, PRICE),
            "housing": np.where(np.arange(n) % 4 < 2, "own", "rent"),
        }
    )
    return X, default


def estimator(**params: Any) -> CreditRiskEstimator:
    content = {"estimator": "woe_scorecard", "calibration": "beta", "target_bad_rate": 0.1, **params}
    return CreditRiskEstimator(params=CreditParams.model_validate(content), signature=SIGNATURE)


@pytest.fixture(scope="module")
def fitted() -> CreditRiskEstimator:
    X, y = loans()
    return estimator().fit(X, y, calibrate=loans(200))


def test_probabilities_points_and_bands_follow_the_deposit(fitted: CreditRiskEstimator) -> None:
    answers = fitted.predict(loans(2)[0]).to_dicts()
    risky, safe = answers
    assert risky["probability_of_default"] == pytest.approx(0.8, abs=0.05)
    assert safe["probability_of_default"] == pytest.approx(0.05, abs=0.03)
    assert (risky["band"], safe["band"]) == ("decline", "approve") and safe["score"] > risky["score"]
    scale = fitted.scale_
    assert safe["score"] == round(float(scale.points_from_probability(safe["probability_of_default"])))


def test_reasons_explain_the_distance_from_the_cut_off(fitted: CreditRiskEstimator) -> None:
    matrix = fitted.encoder_.transform(loans(2)[0])
    risky, safe = fitted.reasons(matrix)
    assert 1 <= len(risky) <= 4 and sum(reason.share for reason in risky) == pytest.approx(1)
    assert all(reason.points < 0 and reason.text["zh"] and reason.text["en"] for reason in risky)
    assert sum(-reason.points for reason in risky) > sum(-reason.points for reason in safe)


def test_columns_are_derived_where_the_data_allows_it(fitted: CreditRiskEstimator) -> None:
    names = fitted.encoder_.feature_names_out_
    assert "loan_to_value" in names and "payment_to_income" not in names
    importance = fitted.importance(loans()[0])
    assert set(importance) == set(names) and importance["loan_to_value"] > importance["housing"]


def test_an_unreachable_target_approves_nobody_and_is_noted() -> None:
    X, y = loans()
    made = estimator(target_bad_rate=0.001).fit(X, y, calibrate=loans(200))
    assert made.policy_["approve"] == 0.0 and "approve" not in set(made.predict(X)["band"])
    (note,) = made.notes
    assert "no application is approved automatically; raise params.target_bad_rate" in note


def test_own_reasons_replace_the_built_in_ones() -> None:
    X, y = loans()
    own = {"DEPOSIT": {"features": ["loan_to_value"], "zh": "首付", "en": "The deposit"}}
    made = estimator(reasons=own).fit(X, y, calibrate=loans(200))
    codes = {reason.code for reason in made.reasons(made.encoder_.transform(X[:1]))[0]}
    assert "DEPOSIT" in codes


@pytest.mark.parametrize("learner", ["woe_scorecard", "boosted_trees"])
def test_files_restore_it_to_the_bit(learner: str) -> None:
    X, y = loans(100)
    trees = {"n_estimators": 5, "num_threads": 1, "bag": 1}
    made = estimator(estimator=learner, boosted_trees=trees).fit(X, y, calibrate=(X, y), refit=True)
    again = CreditRiskEstimator.from_files(made.to_files())
    assert again.predict(X).equals(made.predict(X))
    matrix = made.encoder_.transform(X[:4])
    assert again.reasons(matrix) == made.reasons(matrix) and again.policy_ == made.policy_


def test_one_class_is_refused_in_either_part() -> None:
    X, y = loans(40)
    for outcome, later, part in ((np.zeros(40), y, "training"), (y, np.ones(40), "calibration")):
        with pytest.raises(DataError, match=f"the {part} rows have one class only"):
            estimator().fit(X, outcome, calibrate=(X, later))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"monotone": {"housing": 1}}, "params.monotone.housing: not a numeric feature of this data"),
        ({"derived": {"x": {"ratio": ["loan_amount", "age"]}}}, "params.derived.x: 'age' is not a numeric column"),
        (
            {
                "derived": {"deposit": {"ratio": ["vehicle_price", "loan_amount"]}},
                "reasons": {"DEPOSIT": {"features": ["loan_amount"], "zh": "金额", "en": "The amount"}},
            },
            "params.reasons: feature 'deposit' would get the reason code 'DEPOSIT', which already stands",
        ),
    ],
)
def test_a_parameter_that_names_no_feature_is_refused(params: dict[str, Any], message: str) -> None:
    X, y = loans(40)
    with pytest.raises(ConfigError, match=message):
        estimator(**params).fit(X, y, calibrate=(X, y))

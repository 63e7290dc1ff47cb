"""The estimator on leads with known probabilities: four of five website leads buy, and one of five phone leads."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError, DataError, FeatureError
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.grades import GradeLimits
from ml.lead_scoring.params import LeadParams
from ml.signature import Field, Signature

SIGNATURE = Signature(
    fields=(
        Field(name="channel", kind="text", feature=True),
        Field(name="price", kind="number", feature=True),
        Field(name="store_id", kind="text"),
    )
)
TREES = {
    "n_estimators": 20, "learning_rate": 0.3, "num_threads": 1, "min_data_in_leaf": 10, "feature_fraction": 1.0,
    "min_data_per_group": 10, "cat_smooth": 1.0,
}  # fmt: skip


def leads(n: int = 200, *, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    website = np.arange(n) % 2 == 0
    bought = (np.arange(n) // 2 % 5 < np.where(website, 4, 1)).astype(np.float64)
    X = pl.DataFrame(
        {
            "channel": np.where(website, "website", "phone"),
            "price": rng.uniform(90_000, 110_000, n),
            "store_id": np.where(np.arange(n) % 4 < 2, "S1", "S2"),
            "gross_margin": np.where(bought > 0, 100_000, None).astype(np.float64),
        }
    )
    return X, bought


def estimator(**params: Any) -> LeadScoringEstimator:
    values = LeadParams.model_validate({"boosted_trees": TREES, "calibration": "beta", **params})
    return LeadScoringEstimator(params=values, signature=SIGNATURE)


@pytest.fixture(scope="module")
def fitted() -> LeadScoringEstimator:
    X, y = leads()
    return estimator(dealer_calibration_rows=20).fit(X, y, calibrate=leads(100, seed=1), refit=True)


def test_probabilities_are_those_of_the_channels(fitted: LeadScoringEstimator) -> None:
    X, _ = leads(seed=2)
    answers = fitted.predict(X).with_columns(X["channel"])
    means = dict(answers.group_by("channel").agg(pl.col("conversion_probability").mean()).iter_rows())
    assert means == {"website": pytest.approx(0.8, abs=0.08), "phone": pytest.approx(0.2, abs=0.08)}
    assert set(answers["calibration"]) == {"dealer"}
    one_by_one = [fitted.predict(X[i : i + 1])["conversion_probability"].item() for i in range(4)]
    assert one_by_one == answers["conversion_probability"][:4].to_list()


def test_an_expected_margin_is_the_probability_times_the_mean_margin_of_sales(fitted: LeadScoringEstimator) -> None:
    answers = fitted.predict(leads()[0])
    assert answers["expected_gross_margin"].to_list() == pytest.approx(
        (1_000 * answers["conversion_probability"]).to_list()
    )


def test_grades_of_the_answers_are_those_of_the_fixed_limits(fitted: LeadScoringEstimator) -> None:
    answers = fitted.predict(leads()[0])
    assert fitted.grades_ == GradeLimits(A=0.40, B=0.25, C=0.12)
    assert set(answers.filter(pl.col("conversion_probability") >= 0.40)["grade"]) == {"A"}
    assert set(answers.filter(pl.col("conversion_probability") < 0.25)["grade"]) <= {"C", "D"}


def test_grades_cannot_be_sized_to_the_desk_without_times() -> None:
    with pytest.raises(ConfigError, match=r"params\.capacity_per_day: the leads have no times"):
        estimator(capacity_per_day=5).fit(*leads(), calibrate=leads(100, seed=1))


def test_contributions_point_the_way_the_channel_does(fitted: LeadScoringEstimator) -> None:
    X, _ = leads(20)
    summed = fitted.contributions(X).sum(axis=1)
    website = (X["channel"] == "website").to_numpy()
    assert summed[website].min() > summed[~website].max()
    importance = fitted.importance(X)
    assert list(importance) == fitted.feature_names_ and max(importance, key=importance.__getitem__) != "price"


def test_without_times_the_effect_of_late_calls_is_not_estimated(fitted: LeadScoringEstimator) -> None:
    assert not fitted.timed and fitted.response_ is None
    assert fitted.notes == [
        "the effect of late calls is not estimated: created_at, first_contact_at missing in the data"
    ]
    assert fitted.value_tables_["channels"] is not None and fitted.references == {"store_id"}


def test_files_restore_it_exactly(fitted: LeadScoringEstimator) -> None:
    again = LeadScoringEstimator.from_files(fitted.to_files())
    X, _ = leads(20, seed=3)
    assert again.predict(X).equals(fitted.predict(X)) and again.notes == fitted.notes
    np.testing.assert_array_equal(again.contributions(X), fitted.contributions(X))


def test_one_class_is_refused_in_either_part() -> None:
    X, y = leads(40)
    for outcome, later, part in ((np.zeros(40), y, "training"), (y, np.ones(40), "calibration")):
        with pytest.raises(DataError, match=f"the {part} rows have one class only"):
            estimator().fit(X, outcome, calibrate=(X, later))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"rates": [["colour"]]}, "params.rates: 'colour' is not a column of the data"),
        ({"derived": {"x": {"ratio": ["price", "weight"]}}}, "params.derived.x: 'weight' is not a numeric column"),
    ],
)
def test_a_parameter_that_names_no_column_is_refused(params: dict[str, Any], message: str) -> None:
    X, y = leads(40)
    with pytest.raises(ConfigError, match=message):
        estimator(**params).fit(X, y, calibrate=(X, y))


def test_a_missing_column_is_named(fitted: LeadScoringEstimator) -> None:
    with pytest.raises(FeatureError) as error:
        fitted.predict(leads(4)[0].drop("channel"))
    assert error.value.feature == "channel"

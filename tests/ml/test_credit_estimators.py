"""Estimators of credit risk on data whose answer is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.base import clone

from features.errors import DataError, ModelNotFound
from ml.domain.columns.derived_columns import OPERATIONS
from ml.domain.credit.points import PointsScale
from ml.domain.credit.reason_codes import adverse_reasons, reason_groups
from ml.estimators.boosted_trees import BoostedTrees
from ml.estimators.calibration import METHODS, Calibrator
from ml.estimators.woe_scorecard import WoeScorecard
from ml.metrics import bootstrap, expected_calibration_error, roc_auc

LEARNERS = [BoostedTrees(n_estimators=30, num_threads=1, bag=2), WoeScorecard()]


def _rows(n: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    """Risk rises with the first column, falls with the second, the third is a code, the fourth constant."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=n), rng.normal(size=n), rng.integers(0, 4, n), np.ones(n)])
    X[rng.random(n) < 0.1, 1] = np.nan
    risk = X[:, 0] - np.nan_to_num(X[:, 1]) + (X[:, 2] == 3) - 2
    return X, (rng.random(n) < expit(risk)).astype(float)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda m: type(m).__name__)
def test_learner_ranks_and_its_contributions_add_up(learner: BoostedTrees | WoeScorecard) -> None:
    X, y = _rows()
    fitted = clone(learner).set_params(categorical=(2,)).fit(X, y)
    assert roc_auc(y, fitted.decision_function(X)) > 0.75
    np.testing.assert_allclose(fitted.contributions(X).sum(axis=1), fitted.decision_function(X), atol=1e-9)
    assert fitted.contributions(X).shape == (len(X), 5)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda m: type(m).__name__)
def test_one_row_has_the_same_bits_as_the_batch_and_as_the_artefact(learner: BoostedTrees | WoeScorecard) -> None:
    X, y = _rows()
    fitted = clone(learner).fit(X, y)
    again = type(fitted).from_files(fitted.to_files())
    batch = fitted.decision_function(X[:50])
    assert [fitted.decision_function(X[i : i + 1])[0] for i in range(50)] == batch.tolist()
    assert again.decision_function(X[:50]).tolist() == batch.tolist()


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda m: type(m).__name__)
def test_learner_refuses_one_class_and_damaged_files(learner: BoostedTrees | WoeScorecard) -> None:
    X, y = _rows(100)
    with pytest.raises(DataError, match="one class"):
        clone(learner).fit(X, np.zeros(100))
    files = clone(learner).fit(X, y).to_files()
    with pytest.raises(ModelNotFound, match="lacks the file"):
        type(learner).from_files({})
    name = next(n for n in files if n.endswith(".json"))
    with pytest.raises(DataError, match="damaged"):
        type(learner).from_files({**files, name: b"{"})


def test_monotone_feature_never_lowers_the_risk() -> None:
    X, y = _rows()
    trees = BoostedTrees(n_estimators=30, num_threads=1, monotone={0: 1}).fit(X, y)
    grid = np.repeat(X[:1], 50, axis=0)
    grid[:, 0] = np.linspace(-3, 3, 50)
    assert (np.diff(trees.decision_function(grid)) >= 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_calibration_keeps_the_ranks_and_its_artefact(method: str) -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(-2, 1.2, 20_000)
    y = (rng.random(20_000) < expit(truth)).astype(float)
    log_odds = truth if method == "none" else 1.8 * truth + 1.5
    calibrator = Calibrator(method=method).fit(log_odds[:10_000], y[:10_000])
    p = calibrator.transform(log_odds[10_000:])
    assert expected_calibration_error(y[10_000:], p) < 0.012
    assert roc_auc(y[10_000:], p) == pytest.approx(roc_auc(y[10_000:], log_odds[10_000:]), abs=1e-9)
    again = Calibrator.from_files(calibrator.to_files())
    assert again.transform(log_odds[:9]).tolist() == calibrator.transform(log_odds[:9]).tolist()
    assert json.loads(calibrator.to_files()["calibrator.json"])["method"] == method


@given(amount=st.integers(1_000, 10_000_000), months=st.integers(1, 120), rate=st.floats(0, 0.36, allow_nan=False))
def test_level_instalments_pay_the_loan_back(amount: int, months: int, rate: float) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        instalment = OPERATIONS["instalment"][0](np.array([float(amount)]), np.array([float(months)]), rate)[0]
    balance = float(amount)
    for _ in range(months):
        balance = balance * (1 + rate / 12) - instalment
    assert balance == pytest.approx(0, abs=1e-6 * amount)


@given(points=st.floats(300, 900), base=st.floats(1, 200))
def test_points_turn_back_into_log_odds(points: float, base: float) -> None:
    scale = PointsScale(base_odds=base)
    assert float(scale.points(scale.log_odds(points))) == pytest.approx(points)


def test_reasons_are_adverse_ordered_and_at_most_four() -> None:
    groups = reason_groups(list("abcdef"), groups={"a": "G", "b": "G"})
    reasons = adverse_reasons([0.2, 0.2, 0.5, 0.1, -9, 0.3], np.zeros(6), groups=groups, points_per_log_odds=10)
    assert [r.code for r in reasons] == ["C", "G", "F", "D"]
    assert sum(r.share for r in reasons) == pytest.approx(1)


def test_bootstrap_interval_covers_and_metrics_match_by_hand() -> None:
    y, p = np.array([0, 0, 1, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])
    assert roc_auc(y, p) == 0.75
    X, y = _rows(2_000)
    interval = bootstrap(roc_auc, y, X[:, 0], n=100)
    assert interval.low < interval.value < interval.high and interval.high - interval.low < 0.1

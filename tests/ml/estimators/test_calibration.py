"""Calibrator: calibrated probabilities, strictly increasing maps, extreme scores, artefacts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from features.errors import ConfigError, DataError, ModelNotFound
from ml.estimators.calibration import METHODS, Calibrator
from ml.metrics import expected_calibration_error, log_loss, roc_auc

FITTED_METHODS = [method for method in METHODS if method != "none"]


def _distorted(n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log-odds of an overconfident classifier, the outcomes, and the true probabilities."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-3, 1.3, n)
    return 1.8 * truth + 1.5, (rng.random(n) < expit(truth)).astype(float), expit(truth)


@pytest.mark.parametrize("method", FITTED_METHODS)
def test_probabilities_come_near_the_truth_on_other_rows(method: str) -> None:
    log_odds, y, truth = _distorted(60_000)
    test = slice(20_000, None)
    calibrated = Calibrator(method=method).fit(log_odds[:20_000], y[:20_000]).transform(log_odds[test])
    assert (
        expected_calibration_error(y[test], calibrated)
        < 0.006
        < expected_calibration_error(y[test], expit(log_odds[test]))
    )
    assert log_loss(y[test], calibrated) < log_loss(y[test], truth[test]) + 0.001
    assert np.abs(calibrated - truth[test]).mean() < 0.008


@pytest.mark.parametrize("method", FITTED_METHODS)
def test_mean_probability_is_the_observed_rate(method: str) -> None:
    log_odds, y, _ = _distorted(3_000)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(y))
    calibrated = Calibrator(method=method).fit(log_odds, y, weight).transform(log_odds)
    assert np.average(calibrated, weights=weight) == pytest.approx(np.average(y, weights=weight), rel=1e-4)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1_000), n=st.integers(2, 400), method=st.sampled_from(METHODS), sign=st.sampled_from([-1, 1])
)
def test_ranks_are_kept_whatever_the_data(seed: int, n: int, method: str, sign: int) -> None:
    """Scores without information, or inversely related to the outcome, are included."""
    rng = np.random.default_rng(seed)
    log_odds = np.round(rng.normal(-2, 2, n), 2)
    y = (rng.random(n) < expit(sign * log_odds)).astype(float)
    y[:2] = [0, 1]
    calibrated = Calibrator(method=method).fit(log_odds, y).transform(np.linspace(-8, 8, 500))
    assert (np.diff(calibrated) > 0).all()
    assert 0 < calibrated[0] < calibrated[-1] < 1


@pytest.mark.parametrize("method", METHODS)
def test_the_auc_does_not_move(method: str) -> None:
    log_odds, y, _ = _distorted(5_000)
    calibrated = Calibrator(method=method).fit(log_odds, y).transform(log_odds)
    assert roc_auc(y, calibrated) == roc_auc(y, log_odds)


def test_isotonic_pools_what_is_out_of_order() -> None:
    # Four levels of 500 rows; the second and third are out of order and share one step.
    log_odds = np.repeat([-3.0, -2.0, -1.0, 0.0], 500)
    y = np.concatenate([np.arange(500) < k for k in (10, 60, 40, 200)]).astype(float)
    calibrator = Calibrator(method="isotonic").fit(log_odds, y)
    assert calibrator.knots_.tolist() == [-3.0, -1.5, 0.0]
    np.testing.assert_allclose(calibrator.transform(calibrator.knots_), [0.02, 0.1, 0.4], atol=0.016)


def test_isotonic_with_a_pure_end_stays_finite() -> None:
    log_odds = np.linspace(-4, 4, 1_000)
    calibrated = Calibrator(method="isotonic").fit(log_odds, (log_odds > 0).astype(float)).transform(log_odds)
    assert np.isfinite(calibrated).all()
    assert 0 < calibrated.min() < calibrated.max() < 1


def test_auto_selects_the_method_by_the_data() -> None:
    log_odds, y, _ = _distorted(30_000)
    assert Calibrator(method="auto").fit(log_odds, y).method_ == "beta"
    rng = np.random.default_rng(0)
    true_log_odds = rng.normal(-3, 1.3, 30_000)
    distorted = 3 * np.arcsinh(true_log_odds + 3)
    outcome = (rng.random(30_000) < expit(true_log_odds)).astype(float)
    assert Calibrator(method="auto").fit(distorted, outcome).method_ == "isotonic"
    assert Calibrator(method="auto").fit(log_odds[:500], y[:500]).method_ == "beta"


@pytest.mark.parametrize("method", METHODS)
def test_artefact_and_single_values_answer_alike(method: str) -> None:
    log_odds, y, _ = _distorted(2_000)
    calibrator = Calibrator(method=method).fit(log_odds, y)
    batch = calibrator.transform(log_odds[:200]).tolist()
    restored = Calibrator.from_files(calibrator.to_files())
    assert restored.transform(log_odds[:200]).tolist() == batch
    assert [float(calibrator.transform(z[None])[0]) for z in log_odds[:200]] == batch
    assert restored.get_params() == {"method": method}


@pytest.mark.parametrize(
    ("log_odds", "y", "error", "rule"),
    [
        ([0.1, 0.2], [1, 1], DataError, "one class only"),
        ([0.1, np.inf], [0, 1], DataError, "log-odds must be finite"),
        ([0.1], [0, 1], DataError, r"got shape \(1,\) for outcomes of shape \(2,\)"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(log_odds, y, error: type, rule: str) -> None:
    with pytest.raises(error, match=rule):
        Calibrator().fit(log_odds, y)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be one of auto, isotonic, beta, none, got 'platt'"):
        Calibrator(method="platt").fit([0.1, 0.2], [0, 1])


@pytest.mark.parametrize(
    "change",
    [{"chosen": "platt"}, {"method": "beta"}, {"knots": [2.0, 1.0]}, {"heights": []}, {"knots": "x"}, {"extra": 1}],
)
def test_a_damaged_artefact_is_refused(change: dict) -> None:
    log_odds, y, _ = _distorted(2_000)
    content = json.loads(Calibrator(method="isotonic").fit(log_odds, y).to_files()["calibrator.json"])
    with pytest.raises(DataError, match=r"'calibrator.json' is damaged"):
        Calibrator.from_files({"calibrator.json": json.dumps(content | change).encode()})
    with pytest.raises(ModelNotFound, match="lacks the file"):
        Calibrator.from_files({})

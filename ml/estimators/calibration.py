"""Log-odds of a learner to probabilities that mean what they say, fitted on rows the learner has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression
from scipy.special import expit, log_expit
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from features.errors import ConfigError, DataError
from ml.domain.logistic import bounded_logistic_regression
from ml.estimators.artefact import from_json, to_json
from ml.estimators.inputs import FloatArray, outcomes

METHODS = ("isotonic", "beta", "none")
EDGE = 1e-6  # no probability of 0 or 1: its odds would be infinite


class Calibrator(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A strictly increasing map from log-odds to probability: ranks, and so the AUC, are kept.

    Parameters
    ----------
    method : {'isotonic', 'beta', 'none'}
        `beta`: logistic regression on log p and -log(1 - p) with slopes of at least 0 (three parameters).
        `isotonic`: least-squares increasing steps, joined by straight lines between the centres of the steps in
        log-odds, with the learner's own slope kept inside and outside so that no ties arise.
        `none`: the logistic function alone.

    Attributes
    ----------
    parameters_ : ndarray of shape (3,)
        beta: slopes of log p and -log(1 - p), and the intercept.
    knots_, heights_ : ndarray
        isotonic: log-odds of the learner, and calibrated log-odds there.

    References
    ----------
    M. Kull, T. Silva Filho, P. Flach (2017), Beta calibration, AISTATS. B. Zadrozny, C. Elkan (2002), Transforming
    classifier scores into accurate multiclass probability estimates, KDD.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(-2, 1, 20_000)
    >>> y = (rng.random(20_000) < expit(truth)).astype(float)
    >>> too_sure = 2 * truth + 1
    >>> calibrated = Calibrator(method="beta").fit(too_sure, y).transform(too_sure)
    >>> bool(np.abs(calibrated - expit(truth)).mean() < 0.01)
    True
    """

    def __init__(self, *, method: str = "beta") -> None:
        self.method = method

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Learn from held-out log-odds and their outcomes.

        Raises
        ------
        ConfigError
            Unknown method.
        DataError
            One class only, lengths that differ, or log-odds that are not finite.
        """
        if self.method not in METHODS:
            raise ConfigError(f"calibration: must be one of {', '.join(METHODS)}, got {self.method!r}")
        outcome, weight = outcomes(y, sample_weight)
        log_odds = np.asarray(X, dtype=np.float64)
        if log_odds.shape != outcome.shape or not np.isfinite(log_odds).all():
            raise DataError(
                f"log-odds must be finite, one for each outcome; got shape {log_odds.shape} for {outcome.shape}"
            )
        self.parameters_ = self.knots_ = self.heights_ = np.empty(0)
        if self.method == "beta":
            slopes, intercept = bounded_logistic_regression(
                _beta_terms(log_odds), outcome, bounds=[(0.0, None), (0.0, None)], sample_weight=weight
            )
            self.parameters_ = np.append(slopes, intercept)
            if not slopes.any():
                raise DataError(
                    "the log-odds do not rise with the outcome on the held-out rows: the model has learnt nothing"
                )
        elif self.method == "isotonic":
            self.knots_, self.heights_ = _steps(log_odds, outcome, weight)
        return self

    def transform(self, X: npt.ArrayLike) -> FloatArray:
        """Calibrated probability of each log-odds, strictly between 0 and 1."""
        check_is_fitted(self)
        log_odds = np.asarray(X, dtype=np.float64)
        if self.method == "beta":
            a, b, c = self.parameters_
            log_odds = (
                a * log_expit(log_odds) - b * log_expit(-log_odds) + c
            )  # no matrix product: rounds alike for any rows
        elif self.method == "isotonic":
            inside = np.clip(log_odds, self.knots_[0], self.knots_[-1])
            log_odds = np.interp(inside, self.knots_, self.heights_) + _KEPT * (log_odds - inside)
        return np.asarray(np.clip(expit(log_odds), EDGE, 1 - EDGE))

    def to_files(self) -> dict[str, bytes]:
        """The method and its numbers as JSON."""
        check_is_fitted(self)
        content: dict[str, Any] = {"method": self.method}
        content |= {name: getattr(self, f"{name}_").tolist() for name in ("parameters", "knots", "heights")}
        return {"calibrator.json": to_json(content)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        content = from_json(files, "calibrator.json", keys=frozenset({"method", "parameters", "knots", "heights"}))
        calibrator = cls(method=content["method"])
        calibrator.parameters_, calibrator.knots_, calibrator.heights_ = (
            np.array(content[name], dtype=np.float64) for name in ("parameters", "knots", "heights")
        )
        return calibrator


_KEPT = 0.05  # slope beyond the outermost steps, and the least slope between steps


def _beta_terms(log_odds: FloatArray) -> FloatArray:
    """log p and -log(1 - p), of p the logistic function: both rise with the log-odds."""
    return np.stack([log_expit(log_odds), -log_expit(-log_odds)], axis=-1)


def _steps(log_odds: FloatArray, outcome: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centres of the isotonic steps and their log-odds, made strictly increasing."""
    order = np.argsort(log_odds, kind="stable")
    x, y, w = log_odds[order], outcome[order], weight[order]
    found = isotonic_regression(y, weights=w, increasing=True)
    first = np.asarray(found.blocks[:-1])
    mass = np.add.reduceat(w, first)
    bad = np.add.reduceat(w * y, first)
    centre = np.add.reduceat(w * x, first) / mass
    # Half an observation is added to each side, so that a step without bad rows has finite log-odds.
    height = np.log((bad + 0.5) / (mass - bad + 0.5))
    keep = np.r_[True, np.diff(centre) > 1e-9]
    centre, height = centre[keep], np.maximum.accumulate(height[keep])
    rising = height + _KEPT * (centre - centre[0])
    return centre, rising - np.average(rising - height)

"""Log-odds of a learner to probabilities that mean what they say, fitted on rows the learner has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit, logit

from features.errors import ConfigError, DataError
from ml.artefacts.json_files import damaged, from_json, to_json
from ml.domain.arrays import FloatArray
from ml.domain.statistics.logistic import bounded_logistic_regression
from ml.estimators.contract import SklearnTransformer, check_is_fitted
from ml.estimators.inputs import check_outcomes

METHODS = ("auto", "isotonic", "beta", "none")
LEARNT = METHODS[1:]
STATE = "calibrator.json"
GROUPS = 200  # at most so many groups of rows enter the isotonic regression ...
ROWS_PER_GROUP = 50  # ... and at least so many rows go in one, so that a tail does not rest on a handful
LEAST_SLOPE = 1e-3  # beta: the map must rise, if only just, or every rank would be lost
PRIOR = 1.0  # beta: penalty that draws the slopes to 1, no change; felt only where rows are few
FOLDS = 5  # auto: cross-validation folds ...
FEWEST = 100  # ... and rows of the rarer class below which the folds would decide nothing: beta is taken
LIMIT = 30.0  # log-odds beyond which a float64 probability can no longer tell rows apart


class Calibrator(SklearnTransformer):
    """A strictly increasing map from log-odds to probability: ranks, and so the AUC, are kept.

    Parameters
    ----------
    method : {'auto', 'isotonic', 'beta', 'none'}
        `auto`: the one of the three others with the lowest cross-validated log loss; `beta`, which needs the least
        data, where fewer than 100 rows are of the rarer class.
        `beta`: logistic regression on log p and -log(1 - p) with slopes above 0 (three parameters).
        `isotonic`: centred isotonic regression. Rows are grouped by score, increasing steps are fitted to the groups,
        and the centres of the steps are joined by straight lines in log-odds, so that no ties arise; outside the
        outermost centres the learner's own log-odds go on, shifted. A last shift makes the mean probability equal
        the observed rate.
        `none`: the logistic function alone.

    Attributes
    ----------
    method_ : str
        Method in use: `method`, or what `auto` chose.
    parameters_ : ndarray of shape (3,)
        beta: slopes of log p and -log(1 - p), and the intercept. Empty otherwise.
    knots_, heights_ : ndarray of shape (n_steps,)
        isotonic: log-odds of the learner, and calibrated log-odds there. Empty otherwise.

    References
    ----------
    M. Kull, T. Silva Filho, P. Flach (2017), Beta calibration, AISTATS, PMLR 54, 623-631.
    A. P. Oron, N. Flournoy (2017), Centered isotonic regression, Statistics in Biopharmaceutical Research 9, 258-267.

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

        Parameters
        ----------
        X : array of shape (n_rows,)
            Log-odds of 1.
        y : array of shape (n_rows,)
            0 or 1, both present.
        sample_weight : array of shape (n_rows,), optional
            Weights of the rows.

        Raises
        ------
        ConfigError
            Unknown method.
        DataError
            One class only, lengths that differ, or log-odds that are not finite.
        """
        if self.method not in METHODS:
            raise ConfigError(f"calibration: must be one of {', '.join(METHODS)}, got {self.method!r}")
        outcome, weight = check_outcomes(y, sample_weight)
        log_odds = np.asarray(X, dtype=np.float64)
        if log_odds.shape != outcome.shape or not np.isfinite(log_odds).all():
            raise DataError(
                f"log-odds must be finite, one for each outcome; got shape {log_odds.shape} for {outcome.shape}"
            )
        self.method_ = _best_method(log_odds, outcome, weight) if self.method == "auto" else self.method
        self.parameters_ = self.knots_ = self.heights_ = np.empty(0)
        if self.method_ == "beta":
            terms = np.column_stack([log_expit(log_odds), -log_expit(-log_odds)])
            bounds = [(LEAST_SLOPE, None)] * 2
            slopes, intercept = bounded_logistic_regression(
                terms, outcome, bounds=bounds, sample_weight=weight, l2=PRIOR, centre=1.0
            )
            self.parameters_ = np.append(slopes, intercept)
        elif self.method_ == "isotonic":
            self.knots_, self.heights_ = _centred_isotonic(log_odds, outcome, weight)
            self.heights_ = self.heights_ + _shift(self.log_odds(log_odds), outcome, weight)
        return self

    def log_odds(self, X: npt.ArrayLike) -> FloatArray:
        """Calibrated log-odds of each of the learner's log-odds, between -30 and 30."""
        check_is_fitted(self)
        given = np.asarray(X, dtype=np.float64)
        if self.method_ == "beta":
            a, b, c = self.parameters_
            given = a * log_expit(given) - b * log_expit(-given) + c  # no matrix product: rounds alike for any rows
        elif self.method_ == "isotonic":
            inside = np.clip(given, self.knots_[0], self.knots_[-1])
            given = np.interp(inside, self.knots_, self.heights_) + (given - inside)
        return np.asarray(np.clip(given, -LIMIT, LIMIT))

    def transform(self, X: npt.ArrayLike) -> FloatArray:
        """Calibrated probability of each of the learner's log-odds, strictly between 0 and 1."""
        return np.asarray(expit(self.log_odds(X)))

    def to_files(self) -> dict[str, bytes]:
        """The method and its numbers as JSON."""
        check_is_fitted(self)
        content: dict[str, Any] = {"method": self.method, "chosen": self.method_}
        content |= {name: getattr(self, f"{name}_").tolist() for name in ("parameters", "knots", "heights")}
        return {STATE: to_json(content)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote.

        Raises
        ------
        ModelNotFound
            The file is missing.
        DataError
            The file is damaged.
        """
        content = from_json(files, STATE, keys=frozenset({"method", "chosen", "parameters", "knots", "heights"}))
        calibrator, chosen = cls(method=content["method"]), content["chosen"]
        try:
            parameters, knots, heights = (
                np.array(content[name], dtype=np.float64) for name in ("parameters", "knots", "heights")
            )
        except (TypeError, ValueError) as e:
            raise damaged(STATE, f"it must hold lists of numbers ({e})") from None
        if (
            calibrator.method not in ("auto", chosen)
            or chosen not in LEARNT
            or parameters.shape != ((3,) if chosen == "beta" else (0,))
            or knots.shape != heights.shape
            or (len(knots) > 0) != (chosen == "isotonic")
            or not (np.diff(knots) > 0).all()
        ):
            raise damaged(STATE, f"its numbers do not fit the method {chosen!r}")
        calibrator.method_ = chosen
        calibrator.parameters_, calibrator.knots_, calibrator.heights_ = parameters, knots, heights
        return calibrator


def _best_method(log_odds: FloatArray, outcome: FloatArray, weight: FloatArray) -> str:
    """The method with the lowest cross-validated log loss; the simpler one where they tie."""
    if min(outcome.sum(), (1 - outcome).sum()) < FEWEST:
        return "beta"
    fold = np.empty(len(outcome), dtype=np.intp)
    for rows in (np.flatnonzero(outcome == 0), np.flatnonzero(outcome == 1)):
        fold[np.random.default_rng(0).permutation(rows)] = np.arange(len(rows)) % FOLDS
    loss = dict.fromkeys(("none", "beta", "isotonic"), 0.0)
    for method in loss:
        for k in range(FOLDS):
            kept, held = fold != k, fold == k
            fitted = Calibrator(method=method).fit(log_odds[kept], outcome[kept], weight[kept])
            z = fitted.log_odds(log_odds[held])
            loss[method] += float(weight[held] @ (np.logaddexp(0.0, z) - outcome[held] * z))
    return min(loss, key=lambda method: loss[method])


def _centred_isotonic(log_odds: FloatArray, outcome: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Centre of each isotonic step and its log-odds, both strictly increasing."""
    from scipy.optimize import isotonic_regression

    order = np.argsort(log_odds, kind="stable")
    x, y, w = log_odds[order], outcome[order], weight[order]
    starts = _group_starts(x)
    bad, mass = np.add.reduceat(w * y, starts), np.add.reduceat(w, starts)
    moment = np.add.reduceat(w * x, starts)
    first = isotonic_regression(bad / mass, weights=mass).blocks[:-1]
    bad, mass, moment = (np.add.reduceat(values, first) for values in (bad, mass, moment))
    # Only the outermost steps can hold one class alone; joined with their neighbours their log-odds are finite.
    if len(bad) > 1 and bad[0] == 0:
        bad, mass, moment = (np.append(v[0] + v[1], v[2:]) for v in (bad, mass, moment))
    if len(bad) > 1 and bad[-1] >= mass[-1] * (1 - 1e-12):
        bad, mass, moment = (np.append(v[:-2], v[-2] + v[-1]) for v in (bad, mass, moment))
    return moment / mass, logit(bad / mass)


def _group_starts(x: FloatArray) -> npt.NDArray[np.intp]:
    """First row of each group of about equal size; rows of equal score stay together."""
    n_groups = max(1, min(GROUPS, len(x) // ROWS_PER_GROUP))
    new = np.append(True, x[1:] != x[:-1])
    first_of_run = np.maximum.accumulate(np.where(new, np.arange(len(x)), 0))
    return np.unique(first_of_run[np.arange(n_groups) * len(x) // n_groups])


def _shift(log_odds: FloatArray, outcome: FloatArray, weight: FloatArray) -> float:
    """What to add to the log-odds for the mean probability to equal the observed rate."""
    from scipy.optimize import brentq

    observed = weight @ outcome
    return float(brentq(lambda shift: weight @ expit(log_odds + shift) - observed, -2 * LIMIT, 2 * LIMIT))

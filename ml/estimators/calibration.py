"""Probability calibration of a classifier's log-odds on held-out rows."""

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
FITTED_METHODS = METHODS[1:]
STATE = "calibrator.json"
MAX_GROUPS = 200  # isotonic: groups of rows that enter the regression
MIN_ROWS_PER_GROUP = 50  # isotonic: no tail of the map rests on a handful of rows
MIN_SLOPE = 1e-3  # beta: the map must increase, or it would lose the ranking
SLOPE_PENALTY = 1.0  # beta: ridge towards a slope of 1, the identity; matters only for few rows
FOLDS = 5  # auto: cross-validation folds
MIN_RARE_ROWS = 100  # auto: with fewer rows of the rarer class, cross-validation cannot choose; `beta` is used
MAX_LOG_ODDS = 30.0  # beyond this, float64 probabilities no longer distinguish rows


class Calibrator(SklearnTransformer):
    """Calibrate log-odds by a strictly increasing map, so that the ranking and the AUC do not change.

    Fit it on rows that the classifier was not trained on.

    Parameters
    ----------
    method : {'auto', 'isotonic', 'beta', 'none'}, default 'beta'
        'beta': beta calibration [1]_, three parameters.
        'isotonic': centred isotonic regression [2]_.
        'none': the logistic function without calibration.
        'auto': the method with the lowest log loss in 5-fold cross-validation; 'beta' if the rarer class has fewer
        than 100 rows.

    Attributes
    ----------
    method_ : str
        Method in use: `method`, or the one that 'auto' selected.
    parameters_ : ndarray of shape (3,)
        beta: a, b and c (see Notes). Empty for other methods.
    knots_, heights_ : ndarray of shape (n_knots,)
        isotonic: log-odds of the classifier, and the calibrated log-odds at these. Empty for other methods.

    Notes
    -----
    beta: `logit q = a log p - b log(1 - p) + c` with a, b > 0, where p is the classifier's probability; a ridge
    penalty shrinks a and b towards 1.

    isotonic: rows are grouped by score into up to 200 groups of at least 50, isotonic regression is fitted to the
    groups, and the centres of its steps are joined by straight lines in log-odds, which leaves no ties. Beyond the
    outermost centres the map has slope 1. A final shift makes the mean probability equal the observed rate.

    References
    ----------
    .. [1] M. Kull, T. Silva Filho, P. Flach (2017), Beta calibration, AISTATS, PMLR 54, 623-631.
    .. [2] A. P. Oron, N. Flournoy (2017), Centered isotonic regression, Statistics in Biopharmaceutical Research 9,
       258-267.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import expit
    >>> from ml.estimators.calibration import Calibrator
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(-2, 1, 20_000)
    >>> y = (rng.random(20_000) < expit(truth)).astype(float)
    >>> overconfident = 2 * truth + 1
    >>> calibrated = Calibrator(method="beta").fit(overconfident, y).transform(overconfident)
    >>> bool(np.abs(calibrated - expit(truth)).mean() < 0.01)
    True
    """

    def __init__(self, *, method: str = "beta") -> None:
        self.method = method

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Fit the map to held-out log-odds and their outcomes.

        Parameters
        ----------
        X : array of shape (n_rows,)
            Log-odds of 1, finite (one-dimensional, unlike scikit-learn's `X`).
        y : array of shape (n_rows,)
            0 or 1, both present.
        sample_weight : array of shape (n_rows,), optional
            Weights of the rows, above 0.

        Returns
        -------
        Calibrator
            The fitted transformer.

        Raises
        ------
        ConfigError
            `method` is unknown.
        DataError
            `y` holds one class only, lengths differ, or log-odds are not finite.
        """
        if self.method not in METHODS:
            raise ConfigError(f"calibration: method must be one of {', '.join(METHODS)}, got {self.method!r}")
        outcome, weight = check_outcomes(y, sample_weight)
        log_odds = np.asarray(X, dtype=np.float64)
        if log_odds.shape != outcome.shape or not np.isfinite(log_odds).all():
            raise DataError(
                f"calibration: log-odds must be finite, one per outcome; got shape {log_odds.shape} for outcomes of "
                f"shape {outcome.shape}"
            )
        self.method_ = _best_method(log_odds, outcome, weight) if self.method == "auto" else self.method
        self.parameters_ = self.knots_ = self.heights_ = np.empty(0)
        if self.method_ == "beta":
            terms = np.column_stack([log_expit(log_odds), -log_expit(-log_odds)])
            bounds = [(MIN_SLOPE, None)] * 2
            slopes, intercept = bounded_logistic_regression(
                terms, outcome, bounds=bounds, sample_weight=weight, l2=SLOPE_PENALTY, centre=1.0
            )
            self.parameters_ = np.append(slopes, intercept)
        elif self.method_ == "isotonic":
            self.knots_, self.heights_ = _centred_isotonic(log_odds, outcome, weight)
            self.heights_ = self.heights_ + _shift(self.log_odds(log_odds), outcome, weight)
        return self

    def log_odds(self, X: npt.ArrayLike) -> FloatArray:
        """Return the calibrated log-odds.

        Parameters
        ----------
        X : array of any shape
            Log-odds of the classifier.

        Returns
        -------
        ndarray of the shape of X
            Log-odds, clipped to -30..30.

        Raises
        ------
        NotFittedError
            The calibrator is not fitted.
        """
        check_is_fitted(self)
        log_odds = np.asarray(X, dtype=np.float64)
        if self.method_ == "beta":
            a, b, c = self.parameters_
            # Elementwise instead of a matrix product: the rounding does not depend on the number of rows.
            log_odds = a * log_expit(log_odds) - b * log_expit(-log_odds) + c
        elif self.method_ == "isotonic":
            inside = np.clip(log_odds, self.knots_[0], self.knots_[-1])
            log_odds = np.interp(inside, self.knots_, self.heights_) + (log_odds - inside)
        return np.asarray(np.clip(log_odds, -MAX_LOG_ODDS, MAX_LOG_ODDS))

    def transform(self, X: npt.ArrayLike) -> FloatArray:
        """Return the calibrated probabilities of 1.

        Parameters
        ----------
        X : array of any shape
            Log-odds of the classifier.

        Returns
        -------
        ndarray of the shape of X
            Probabilities, strictly between 0 and 1.

        Raises
        ------
        NotFittedError
            The calibrator is not fitted.
        """
        return np.asarray(expit(self.log_odds(X)))

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the file "calibrator.json" (the fitted map), by file name."""
        check_is_fitted(self)
        content: dict[str, Any] = {"method": self.method, "chosen": self.method_}
        content |= {name: getattr(self, f"{name}_").tolist() for name in ("parameters", "knots", "heights")}
        return {STATE: to_json(content)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Return the calibrator stored in `files`.

        Parameters
        ----------
        files : mapping of str to bytes
            Content by file name, as returned by `to_files`; other files are ignored.

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
            raise damaged(STATE, f"parameters, knots and heights must be lists of numbers ({e})") from None
        if (
            calibrator.method not in ("auto", chosen)
            or chosen not in FITTED_METHODS
            or parameters.shape != ((3,) if chosen == "beta" else (0,))
            or knots.shape != heights.shape
            or (len(knots) > 0) != (chosen == "isotonic")
            or not (np.diff(knots) > 0).all()
        ):
            raise damaged(STATE, f"its parameters, knots and heights do not match the method {chosen!r}")
        calibrator.method_ = chosen
        calibrator.parameters_, calibrator.knots_, calibrator.heights_ = parameters, knots, heights
        return calibrator


def _best_method(log_odds: FloatArray, outcome: FloatArray, weight: FloatArray) -> str:
    """Return the method with the lowest cross-validated log loss; the simpler one in a tie."""
    if min(outcome.sum(), (1 - outcome).sum()) < MIN_RARE_ROWS:
        return "beta"
    fold = np.empty(len(outcome), dtype=np.intp)
    for rows in (np.flatnonzero(outcome == 0), np.flatnonzero(outcome == 1)):
        fold[np.random.default_rng(0).permutation(rows)] = np.arange(len(rows)) % FOLDS
    loss = dict.fromkeys(("none", "beta", "isotonic"), 0.0)
    for method in loss:
        for k in range(FOLDS):
            train, test = fold != k, fold == k
            fitted = Calibrator(method=method).fit(log_odds[train], outcome[train], weight[train])
            z = fitted.log_odds(log_odds[test])
            loss[method] += float(weight[test] @ (np.logaddexp(0.0, z) - outcome[test] * z))
    return min(loss, key=lambda method: loss[method])


def _centred_isotonic(log_odds: FloatArray, outcome: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the centre of each isotonic step and its log-odds, both strictly increasing."""
    from scipy.optimize import isotonic_regression

    order = np.argsort(log_odds, kind="stable")
    x, y, w = log_odds[order], outcome[order], weight[order]
    starts = _group_starts(x)
    bad, mass = np.add.reduceat(w * y, starts), np.add.reduceat(w, starts)
    moment = np.add.reduceat(w * x, starts)
    first = isotonic_regression(bad / mass, weights=mass).blocks[:-1]
    bad, mass, moment = (np.add.reduceat(values, first) for values in (bad, mass, moment))
    # Only the outermost steps can contain a single class; merged with their neighbours they have finite log-odds.
    if len(bad) > 1 and bad[0] == 0:
        bad, mass, moment = (np.append(v[0] + v[1], v[2:]) for v in (bad, mass, moment))
    if len(bad) > 1 and bad[-1] >= mass[-1] * (1 - 1e-12):
        bad, mass, moment = (np.append(v[:-2], v[-2] + v[-1]) for v in (bad, mass, moment))
    return moment / mass, logit(bad / mass)


def _group_starts(x: FloatArray) -> npt.NDArray[np.intp]:
    """Return the first row of each group of about equal size; rows of equal score share a group."""
    n_groups = max(1, min(MAX_GROUPS, len(x) // MIN_ROWS_PER_GROUP))
    new = np.append(True, x[1:] != x[:-1])
    first_of_run = np.maximum.accumulate(np.where(new, np.arange(len(x)), 0))
    return np.unique(first_of_run[np.arange(n_groups) * len(x) // n_groups])


def _shift(log_odds: FloatArray, outcome: FloatArray, weight: FloatArray) -> float:
    """Return the shift of the log-odds at which the mean probability equals the observed rate."""
    from scipy.optimize import brentq

    observed = weight @ outcome
    return float(brentq(lambda shift: weight @ expit(log_odds + shift) - observed, -2 * MAX_LOG_ODDS, 2 * MAX_LOG_ODDS))

"""An interpretable scorecard: bins, weight of evidence, logistic regression; after fitting it is a table of numbers.

optbinning finds the bins and is needed for fitting alone. What it found is extracted to plain JSON, and answers are
NumPy look-ups, so that the service does not carry a solver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from ml.domain.logistic import bounded_logistic_regression
from ml.domain.points import PointsScale
from ml.estimators.artefact import from_json, to_json
from ml.estimators.inputs import FloatArray, labelled, matrix

SMOOTHING = 0.5  # added to goods and bads of every bin: an empty side has a finite weight of evidence


class WoeScorecard(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Weight-of-evidence scorecard.

    Each feature is cut into bins; a bin's weight of evidence is ``ln(share of bads / share of goods)``, and log-odds
    are a weighted sum of the features' evidence. Weights are at least 0, so that evidence always counts in its own
    direction. Missing values are a bin of their own.

    Parameters
    ----------
    max_prebins, min_prebin_share : int, float
        Fine bins to start from, and the least share of rows in one.
    max_bins : int
        Bins of a feature in the end, missing aside.
    min_bin_share : float
        Least share of rows in a bin.
    trend : str
        optbinning's `monotonic_trend` for number columns.
    l2 : float
        Penalty on the weights.
    time_limit : int
        Seconds that the solver may spend on one feature.
    categorical : tuple of int
        Positions of category codes.

    Attributes
    ----------
    bins_ : list of dict
        For each feature: `edges` (numbers) or `groups` (lists of codes), `woe` of each bin, `missing` (evidence of a
        missing value, and of a code never seen), and `counts` and `bads` for the table.
    coefficients_, intercept_ : ndarray, float

    References
    ----------
    N. Siddiqi, Credit Risk Scorecards (2006), chapter 6. G. Navas-Palencia (2020), Optimal binning: mathematical
    programming formulation, arXiv:2001.08025.

    Examples
    --------
    >>> X = np.repeat(np.arange(10.0), 40).reshape(-1, 1)
    >>> y = (np.tile(np.arange(40), 10) < 3 * X[:, 0]).astype(float)
    >>> card = WoeScorecard().fit(X, y)
    >>> low, high = card.decision_function([[0.0], [9.0]])
    >>> bool(low < high)
    True
    """

    def __init__(
        self,
        *,
        max_prebins: int = 30,
        min_prebin_share: float = 0.02,
        max_bins: int = 10,
        min_bin_share: float = 0.02,
        trend: str = "auto_heuristic",
        l2: float = 1.0,
        time_limit: int = 20,
        categorical: tuple[int, ...] = (),
    ) -> None:
        self.max_prebins = max_prebins
        self.min_prebin_share = min_prebin_share
        self.max_bins = max_bins
        self.min_bin_share = min_bin_share
        self.trend = trend
        self.l2 = l2
        self.time_limit = time_limit
        self.categorical = categorical

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Find the bins, then the weights.

        Raises
        ------
        DataError
            Numbers, outcomes or weights that cannot be learnt from.
        """
        array, outcome, weight = labelled(X, y, sample_weight)
        self.bins_ = [self._binned(array[:, i], outcome, weight, i) for i in range(array.shape[1])]
        self._finish()
        evidence = self._evidence(array)
        self.coefficients_, self.intercept_ = bounded_logistic_regression(
            evidence, outcome, bounds=[(0.0, None)] * array.shape[1], sample_weight=weight, l2=self.l2
        )
        return self

    def _binned(self, x: FloatArray, y: FloatArray, weight: FloatArray, position: int) -> dict[str, Any]:
        there = ~np.isnan(x)
        found: dict[str, Any] = {"edges": [], "groups": None}
        if len(np.unique(x[there])) > 1 and len(np.unique(y[there])) > 1:
            found |= self._cut(x[there], y[there], weight[there], position)
        elif position in self.categorical:
            found |= {"groups": [np.unique(x[there]).tolist()]}
        place = _places(x, found)
        size = 1 + _number_of_bins(found)  # the last is for missing values
        counts = np.bincount(place, weights=weight, minlength=size)
        bads = np.bincount(place, weights=weight * y, minlength=size)
        total_bad = float(weight @ y)
        good, all_good = counts - bads, float(weight.sum()) - total_bad
        against = np.log((good + SMOOTHING) / (all_good + SMOOTHING))
        woe = np.log((bads + SMOOTHING) / (total_bad + SMOOTHING)) - against
        woe = np.where(counts > 0, woe, 0.0)
        return found | {"woe": woe.tolist(), "counts": counts.tolist(), "bads": bads.tolist()}

    def _cut(self, x: FloatArray, y: FloatArray, weight: FloatArray, position: int) -> dict[str, Any]:
        from optbinning import OptimalBinning

        kind = "categorical" if position in self.categorical else "numerical"
        binning = OptimalBinning(
            dtype=kind,
            solver="cp",
            max_n_prebins=self.max_prebins,
            min_prebin_size=self.min_prebin_share,
            max_n_bins=self.max_bins,
            min_bin_size=self.min_bin_share,
            monotonic_trend=self.trend if kind == "numerical" else None,
            time_limit=self.time_limit,
        )
        binning.fit(x, y.astype(int), sample_weight=None if (weight == 1).all() else weight)
        if kind == "numerical":
            return {"edges": [float(e) for e in binning.splits]}
        return {"groups": [[float(code) for code in group] for group in binning.splits]}

    def _finish(self) -> None:
        self.n_features_in_ = len(self.bins_)
        self.classes_ = np.array([0, 1])
        self._woe = [np.array(b["woe"]) for b in self.bins_]

    def _evidence(self, array: FloatArray) -> FloatArray:
        return np.column_stack([self._woe[i][_places(array[:, i], b)] for i, b in enumerate(self.bins_)])

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """Log-odds of outcome 1, shape (n_rows,)."""
        check_is_fitted(self)
        evidence = self._evidence(matrix(X, n_features=self.n_features_in_))
        return np.asarray((evidence * self.coefficients_).sum(axis=1) + self.intercept_)

    def predict_proba(self, X: npt.ArrayLike) -> FloatArray:
        """Probabilities of outcomes 0 and 1, shape (n_rows, 2)."""
        p = expit(self.decision_function(X))
        return np.column_stack([1 - p, p])

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[np.int_]:
        """The likelier outcome of each row."""
        return (self.decision_function(X) > 0).astype(int)

    def contributions(self, X: npt.ArrayLike) -> FloatArray:
        """Weight times evidence, shape (n_rows, n_features + 1); the last column is the intercept. Exact."""
        check_is_fitted(self)
        array = matrix(X, n_features=self.n_features_in_)
        return np.column_stack([self._evidence(array) * self.coefficients_, np.full(len(array), self.intercept_)])

    def points_table(self, scale: PointsScale, names: Sequence[str]) -> list[dict[str, Any]]:
        """The scorecard as officers know it: one row per bin with its points.

        The intercept and the scale's offset are spread evenly over the features, so that a row's points add up to
        its score.

        Parameters
        ----------
        scale : PointsScale
            Base points, base odds and points to double the odds.
        names : sequence of str
            Feature names, in order.
        """
        check_is_fitted(self)
        share = (scale.offset - scale.factor * self.intercept_) / self.n_features_in_
        rows = []
        for name, bins, weight in zip(names, self.bins_, self.coefficients_, strict=True):
            for label, woe, count, bad in zip(_labels(bins), bins["woe"], bins["counts"], bins["bads"], strict=True):
                points = share - scale.factor * float(weight) * woe
                rate = bad / count if count else None
                rows.append(
                    {"feature": name, "bin": label, "rows": count, "bad_rate": rate, "woe": woe, "points": points}
                )
        return rows

    def to_files(self) -> dict[str, bytes]:
        """Bins and weights as JSON."""
        check_is_fitted(self)
        content = {
            "params": {**self.get_params(), "categorical": list(self.categorical)},
            "bins": self.bins_,
            "coefficients": self.coefficients_.tolist(),
            "intercept": self.intercept_,
        }
        return {"woe_scorecard.json": to_json(content)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        keys = frozenset({"params", "bins", "coefficients", "intercept"})
        content = from_json(files, "woe_scorecard.json", keys=keys)
        card = cls(**{**content["params"], "categorical": tuple(content["params"]["categorical"])})
        card.bins_ = content["bins"]
        card.coefficients_, card.intercept_ = np.array(content["coefficients"]), content["intercept"]
        card._finish()
        return card


def _number_of_bins(bins: Mapping[str, Any]) -> int:
    return len(bins["edges"]) + 1 if bins["groups"] is None else len(bins["groups"])


def _places(x: FloatArray, bins: Mapping[str, Any]) -> npt.NDArray[np.intp]:
    """Bin of each value; the last bin is for missing values and codes never seen."""
    last = _number_of_bins(bins)
    if bins["groups"] is None:
        return np.where(np.isnan(x), last, np.searchsorted(bins["edges"], x, side="right"))
    place = np.full(len(x), last)
    for i, group in enumerate(bins["groups"]):
        place[np.isin(x, group)] = i
    return place


def _labels(bins: Mapping[str, Any]) -> list[str]:
    if bins["groups"] is None:
        edges = ["-inf", *(f"{e:g}" for e in bins["edges"]), "inf"]
        named = [f"[{a}, {b})" for a, b in pairwise(edges)]
    else:
        named = ["{" + ", ".join(f"{c:g}" for c in group) + "}" for group in bins["groups"]]
    return [*named, "missing"]

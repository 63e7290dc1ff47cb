"""Additive model of a log price: an effect of each category, and monotone curves of age and mileage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.optimize import lsq_linear

from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted

FILE = "additive_model.json"
MIN_ROWS = 5  # a rarer category has no effect of its own
PRIOR_ROWS = 3.0  # the effect of a category with so many rows is shrunk by half


class AdditiveModel(SklearnEstimator):
    """Least squares of a log price on categories and on piecewise linear curves that never rise (or never fall).

    It extends beyond the training rows as the curves' ends do, which trees cannot: a car younger than all of them is
    worth more than the youngest. A trend over the training period is estimated beside it and evaluated at its end, so
    that older listings do not lower the level of today's prices. Boosted trees then learn what it leaves.

    Parameters
    ----------
    monotone : mapping of int to int
        Direction by column of the curves: 1 if the price may not fall with the column, -1 not rise.
    categorical : tuple of int
        Columns with category codes (0, 1, ...; NaN for missing or unknown).
    segments : int
        Linear pieces of each curve, with equal numbers of training rows.
    smoothness : float
        Weight of the squared changes of slope, in rows.

    Attributes
    ----------
    knots_ : dict of int to ndarray of shape (n_pieces + 1,)
        Ends of the pieces by column.
    slopes_ : dict of int to ndarray of shape (n_pieces,)
        Slope of each piece, change of the log price per unit of the column.
    centres_ : dict of int to float
        Mean effect of each column in the training rows, which a missing value has.
    effects_ : dict of int to ndarray of shape (n_categories,)
        Effect of each category by column, on the log price.
    intercept_ : float
        Log price of an average training row at the end of the training period.
    trend_ : float
        Change of the log price per unit of `time`.

    References
    ----------
    T. Hastie, R. Tibshirani (1990), Generalized Additive Models, section 4.4; the curves are constrained as in
    R. Barlow et al. (1972), Statistical Inference under Order Restrictions.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[12.0 * i, i % 2] for i in range(40)])
    >>> y = 12 - 0.01 * X[:, 0] + 0.5 * X[:, 1]
    >>> model = AdditiveModel(monotone={0: -1}, categorical=(1,)).fit(X, y)
    >>> young, old = model.predict([[0.0, 0.0], [600.0, 0.0]])
    >>> bool(abs(young - old - 6.0) < 0.01)
    True
    """

    estimator_type = "regressor"

    def __init__(
        self,
        *,
        monotone: Mapping[int, int] | None = None,
        categorical: tuple[int, ...] = (),
        segments: int = 6,
        smoothness: float = 20.0,
    ) -> None:
        self.monotone = monotone
        self.categorical = categorical
        self.segments = segments
        self.smoothness = smoothness

    def fit(self, X: Any, y: Any, *, time: FloatArray | None = None) -> Self:
        """Fit effects, curves and trend by least squares with bounds.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features; NaN for missing.
        y : array of shape (n_rows,)
            Log prices.
        time : ndarray of shape (n_rows,), optional
            Instant of each row in any unit, 0 at the end of the training period. Without it there is no trend.

        Returns
        -------
        AdditiveModel
            The fitted model.
        """
        array, outcome = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        n = len(outcome)
        self.knots_ = {c: k for c in sorted(self.monotone or {}) if len(k := _knots(array[:, c], self.segments)) > 1}
        scale = {c: (k[-1] - k[0]) / self.segments for c, k in self.knots_.items()}  # about one unit a piece
        parts = {c: _pieces(array[:, c], knots) / scale[c] for c, knots in self.knots_.items()}
        means = {c: np.nanmean(p, axis=0) for c, p in parts.items()}
        blocks: list[Any] = [np.where(np.isnan(p), 0.0, p - means[c]) for c, p in parts.items()]
        codes = {c: _one_hot(array[:, c]) for c in self.categorical}
        trend = np.zeros(n) if time is None else np.asarray(time, dtype=np.float64)
        blocks += [*codes.values(), np.ones((n, 1)), trend[:, None]]
        design = sparse.hstack([sparse.csr_matrix(b) for b in blocks]).tocsr()
        penalty = [_roughness(np.diff(k) / scale[c], self.smoothness) for c, k in self.knots_.items()]
        penalty += [np.sqrt(PRIOR_ROWS) * np.eye(c.shape[1]) for c in codes.values()]
        penalty += [np.zeros((1, 1)), np.full((1, 1), 1e-6)]
        rows = sparse.block_diag(penalty)
        gram = (design.T @ design + rows.T @ rows).toarray()
        factor = np.linalg.cholesky(gram + 1e-9 * np.trace(gram) / len(gram) * np.eye(len(gram)))
        right = np.linalg.solve(factor, design.T @ outcome)
        low, high = np.full(len(gram), -np.inf), np.full(len(gram), np.inf)
        at = 0
        for c, knots in self.knots_.items():
            end = at + len(knots) - 1
            (high if (self.monotone or {})[c] < 0 else low)[at:end] = 0.0
            at = end
        solution = lsq_linear(factor.T, right, bounds=(low, high), method="bvls").x
        self._unpack(solution, scale, means, codes)
        return self

    def _unpack(
        self, solution: FloatArray, scale: dict[int, float], means: dict[int, FloatArray], codes: dict[int, Any]
    ) -> None:
        at = 0
        self.slopes_, self.centres_, self.effects_ = {}, {}, {}
        for c, knots in self.knots_.items():
            end = at + len(knots) - 1
            self.slopes_[c] = solution[at:end] / scale[c]
            self.centres_[c] = float(means[c] @ solution[at:end])
            at = end
        for c, block in codes.items():
            self.effects_[c] = solution[at : at + block.shape[1]]
            at += block.shape[1]
        self.intercept_, self.trend_ = float(solution[at]), float(solution[at + 1])

    def contributions(self, X: FloatArray) -> FloatArray:
        """Return the effect of each column on the log price of each row, relative to the training rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Features in the columns of `fit`; NaN for missing.

        Returns
        -------
        ndarray of shape (n_rows, n_features + 1)
            The last column is the intercept.
        """
        check_is_fitted(self)
        effects = np.zeros((len(X), X.shape[1] + 1))
        for c, knots in self.knots_.items():
            pieces = _pieces(X[:, c], knots)
            effect = np.zeros(len(X))
            for k, slope in enumerate(self.slopes_[c]):  # in a fixed order: one row gets the same bits as a batch
                effect += pieces[:, k] * slope
            effects[:, c] = np.where(np.isnan(effect), 0.0, effect - self.centres_[c])
        for c, values in self.effects_.items():
            code = X[:, c]
            has_effect = (code >= 0) & (code < len(values))
            effects[has_effect, c] = values[code[has_effect].astype(np.intp)]
        effects[:, -1] = self.intercept_
        return effects

    def beyond(self, X: FloatArray) -> FloatArray:
        """Return the part of each curve's effect that lies beyond its ends, such as that of a car without a kilometre.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Features in the columns of `fit`; NaN for missing.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            Change of the log price by column; 0 between the ends, in columns without a curve and for missing values.
        """
        check_is_fitted(self)
        effects = np.zeros(X.shape)
        for c, knots in self.knots_.items():
            below = np.minimum(X[:, c] - knots[0], 0.0) * self.slopes_[c][0]
            effects[:, c] = np.nan_to_num(below + np.maximum(X[:, c] - knots[-1], 0.0) * self.slopes_[c][-1])
        return effects

    def predict(self, X: Any) -> FloatArray:
        """Return the log price of each row at the end of the training period.

        Parameters
        ----------
        X : array of shape (n_rows, n_features)
            Features in the columns of `fit`; NaN for missing.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        return row_sums(self.contributions(np.asarray(X, dtype=np.float64)))

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the file "additive_model.json" by name."""
        check_is_fitted(self)
        curves = {
            str(c): {
                "knots": k.tolist(),
                "slopes": self.slopes_[c].tolist(),
                "centre": self.centres_[c],
                "direction": (self.monotone or {})[c],
            }
            for c, k in self.knots_.items()
        }
        content = {
            "segments": self.segments,
            "smoothness": self.smoothness,
            "curves": curves,
            "effects": {str(c): values.tolist() for c, values in self.effects_.items()},
            "intercept": self.intercept_,
            "trend": self.trend_,
        }
        return {FILE: json.dumps(content, indent=1).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Return the model stored in `files`, as returned by `to_files`; a missing file is a `KeyError`."""
        content = json.loads(files[FILE])
        curves = {int(c): curve for c, curve in content["curves"].items()}
        model = cls(
            monotone={c: curve["direction"] for c, curve in curves.items()},
            categorical=tuple(int(c) for c in content["effects"]),
            segments=content["segments"],
            smoothness=content["smoothness"],
        )
        model.knots_ = {c: np.array(curve["knots"]) for c, curve in curves.items()}
        model.slopes_ = {c: np.array(curve["slopes"]) for c, curve in curves.items()}
        model.centres_ = {c: float(curve["centre"]) for c, curve in curves.items()}
        model.effects_ = {int(c): np.array(values) for c, values in content["effects"].items()}
        model.intercept_, model.trend_ = float(content["intercept"]), float(content["trend"])
        return model


def row_sums(effects: FloatArray) -> FloatArray:
    """Return the sum of each row, added in a fixed order, so that one row gets the same bits as a batch.

    >>> import numpy as np
    >>> row_sums(np.array([[1.0, 2.0], [0.5, 0.25]])).tolist()
    [3.0, 0.75]
    """
    total = np.zeros(len(effects))
    for column in effects.T:
        total += column
    return total


def _knots(values: FloatArray, segments: int) -> FloatArray:
    """Return the ends of pieces with equal numbers of rows, without the 1 % beyond each end."""
    present = values[~np.isnan(values)]
    return np.unique(np.quantile(present, np.linspace(0.01, 0.99, segments + 1))) if len(present) else np.empty(0)


def _pieces(values: FloatArray, knots: FloatArray) -> FloatArray:
    """Return the length of each piece up to the value; the first and the last piece have no end."""
    low = np.r_[-np.inf, knots[1:-1]]
    high = np.r_[knots[1:-1], np.inf]
    return np.asarray(np.clip(values[:, None], low, high) - np.r_[knots[1] if len(knots) > 2 else 0.0, low[1:]])


def _one_hot(codes: FloatArray) -> Any:
    """Return a sparse indicator of each category; categories with few rows have none."""
    rows = np.flatnonzero(~np.isnan(codes))
    positions = codes[rows].astype(np.intp)
    counts = np.bincount(positions) if len(positions) else np.zeros(0, dtype=np.intp)
    frequent = counts[positions] >= MIN_ROWS
    shape = (len(codes), len(counts))
    return sparse.csr_matrix((np.ones(int(frequent.sum())), (rows[frequent], positions[frequent])), shape=shape)


def _roughness(widths: FloatArray, smoothness: float) -> FloatArray:
    """Return the penalty rows on changes of slope: of the effect over the mean width of two neighbouring pieces."""
    pieces = len(widths)
    rows = np.zeros((max(pieces - 1, 0), pieces))
    for k in range(pieces - 1):
        width = (widths[k] + widths[k + 1]) / 2
        rows[k, k], rows[k, k + 1] = -width, width
    return np.asarray(np.sqrt(smoothness) * rows)

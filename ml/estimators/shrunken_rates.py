"""Groups to their rates: target encoding with empirical-Bayes shrinkage, cross-fitted on the rows it learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import logit

from features.errors import DataError
from ml.artefacts.json_files import damaged, from_json, to_json
from ml.domain.arrays import FloatArray
from ml.domain.statistics.empirical_bayes import prior_strength, shrunken_rates
from ml.estimators.contract import SklearnEstimator, check_is_fitted

Columns = Mapping[str, Sequence[Any]] | pl.DataFrame
STATE = "shrunken_rates.json"
FOLDS = 5
BETWEEN = "\x1f"


class ShrunkenRates(SklearnEstimator):
    """For each group of columns, the log-odds of the rate of a row's group, drawn towards the overall rate.

    Parameters
    ----------
    groups : sequence of sequence of str
        Each names one or more columns whose values together make a group; a row with a missing value is in none.
    seed : int
        Of the cross-fitting folds.

    Attributes
    ----------
    overall_ : float
        Log-odds of the overall rate: what a group never seen gets.
    rates_ : list of dict
        Log-odds by group.

    Examples
    --------
    >>> rows = {"store": ["a"] * 400 + ["b"] * 400}
    >>> y = np.array([1.0] * 40 + [0.0] * 360 + [1.0] * 200 + [0.0] * 200)
    >>> rates = ShrunkenRates(groups=[["store"]]).fit(rows, y)
    >>> rates.transform({"store": ["a", "b", "new"]}).round(1).ravel().tolist()
    [-2.2, -0.0, -0.8]
    """

    def __init__(self, *, groups: Sequence[Sequence[str]], seed: int = 0) -> None:
        self.groups = groups
        self.seed = seed

    @property
    def names(self) -> list[str]:
        """Name of each column of rates, in the order of `groups`."""
        return ["rate of " + " and ".join(g) for g in self.groups]

    def fit(self, X: Columns, y: FloatArray, weight: FloatArray | None = None) -> Self:
        """Learn the rates.

        Parameters
        ----------
        X : DataFrame or mapping
            The columns of `groups`.
        y : ndarray
            0 or 1.
        weight : ndarray, optional
            Weights of the rows.

        Raises
        ------
        DataError
            A column is missing, or there is no row.
        """
        w = np.ones(len(y)) if weight is None else weight
        if len(y) == 0:
            raise DataError("shrunken rates: no row to learn from; give more data")
        self.overall_ = _log_odds(float(w @ y / w.sum()))
        self.rates_ = [self._rates(self._keys(X, g), y, w) for g in self.groups]
        return self

    def fit_transform(self, X: Columns, y: FloatArray, weight: FloatArray | None = None) -> FloatArray:
        """Learn the rates, and give each row those learnt from the other folds: its own outcome is not among them."""
        self.fit(X, y, weight)
        w = np.ones(len(y)) if weight is None else weight
        fold = np.random.default_rng(self.seed).permutation(len(y)) % FOLDS
        result = np.empty((len(y), len(self.groups)))
        for g, group in enumerate(self.groups):
            keys = self._keys(X, group)
            for k in range(min(FOLDS, len(y))):
                rest, own = fold != k, fold == k
                rates = self._rates(keys[rest], y[rest], w[rest]) if rest.any() else {}
                result[own, g] = self._looked_up(keys[own], rates)
        return result

    def transform(self, X: Columns) -> FloatArray:
        """Log-odds of each row's groups, shape (n_rows, n_groups)."""
        check_is_fitted(self)
        found = [self._looked_up(self._keys(X, g), r) for g, r in zip(self.groups, self.rates_, strict=True)]
        return np.column_stack(found) if found else np.empty((_height(X), 0))

    def _keys(self, X: Columns, group: Sequence[str]) -> NDArray[np.object_]:
        parts = []
        for name in group:
            if name not in (X.columns if isinstance(X, pl.DataFrame) else X):
                raise DataError(f"column '{name}' is missing: the model was trained with it; add it to the data")
            parts.append(pl.Series(name, X[name]).cast(pl.String))
        keys = (
            parts[0]
            if len(parts) == 1
            else pl.DataFrame(parts).select(pl.concat_str("*", separator=BETWEEN)).to_series()
        )
        return np.asarray(keys.to_numpy(), dtype=object)

    @staticmethod
    def _rates(keys: NDArray[np.object_], y: FloatArray, w: FloatArray) -> dict[str, float]:
        there = np.array([k is not None for k in keys], dtype=bool)
        if not there.any():
            return {}
        names, member = np.unique(keys[there].astype(str), return_inverse=True)
        n, k = np.bincount(member, w[there]), np.bincount(member, (w * y)[there])
        rates = shrunken_rates(k, n, strength=prior_strength(k, n))
        return dict(zip(names.tolist(), [_log_odds(r) for r in rates.tolist()], strict=True))

    def _looked_up(self, keys: NDArray[np.object_], rates: Mapping[str, float]) -> FloatArray:
        return np.array([self.overall_ if k is None else rates.get(k, self.overall_) for k in keys], dtype=np.float64)

    def to_files(self) -> dict[str, bytes]:
        """The rates as JSON."""
        check_is_fitted(self)
        content = {"groups": [list(g) for g in self.groups], "overall": self.overall_, "rates": self.rates_}
        return {STATE: to_json(content | {"seed": self.seed})}

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
        content = from_json(files, STATE, keys=frozenset({"groups", "overall", "rates", "seed"}))
        restored = cls(groups=content["groups"], seed=content["seed"])
        if not isinstance(content["rates"], list) or len(content["rates"]) != len(restored.groups):
            raise damaged(STATE, "its rates do not fit its groups")
        restored.overall_, restored.rates_ = float(content["overall"]), content["rates"]
        return restored


def _log_odds(rate: float) -> float:
    return float(logit(min(max(rate, 1e-6), 1 - 1e-6)))


def _height(X: Columns) -> int:
    return X.height if isinstance(X, pl.DataFrame) else len(next(iter(X.values()), ()))

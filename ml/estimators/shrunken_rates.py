"""Target encoding of groups: empirical-Bayes rates in log-odds, cross-fitted on the training rows."""

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
SEPARATOR = "\x1f"  # joins the values of a group of several columns; does not occur in data


class ShrunkenRates(SklearnEstimator):
    """Encode categories by the shrunken rate of 1 among their training rows, in log-odds.

    Comparable to `sklearn.preprocessing.TargetEncoder`, with crossed columns and beta-binomial shrinkage.

    Parameters
    ----------
    groups : sequence of sequence of str
        One encoded column per element: the names of the columns whose values jointly define the group, such as
        `[["store"], ["store", "model"]]`. A row with a missing value belongs to no group.
    seed : int, default 0
        Seed of the cross-fitting folds.

    Attributes
    ----------
    overall_ : float
        Log-odds of the overall rate, used for unseen and missing groups.
    rates_ : list of dict of str to float
        For each element of `groups`: log-odds by group.

    Notes
    -----
    A group's rate is the posterior mean of the beta-binomial model (`ml.domain.statistics.empirical_bayes`). Use
    `fit_transform` for training rows: it encodes each row with rates of the other four folds, so that a row's own
    outcome does not leak into its feature.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.shrunken_rates import ShrunkenRates
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
        """Names of the encoded columns, such as 'rate of store and model', in the order of `groups`."""
        return ["rate of " + " and ".join(g) for g in self.groups]

    def fit(self, X: Columns, y: FloatArray, weight: FloatArray | None = None) -> Self:
        """Fit the rates.

        Parameters
        ----------
        X : polars.DataFrame or mapping of str to sequence
            Contains the columns of `groups`.
        y : ndarray of shape (n_rows,)
            0 or 1.
        weight : ndarray of shape (n_rows,), optional
            Weights of the rows.

        Returns
        -------
        ShrunkenRates
            The fitted encoder.

        Raises
        ------
        DataError
            A column is missing, or there are no rows.
        """
        w = np.ones(len(y)) if weight is None else weight
        if len(y) == 0:
            raise DataError("shrunken rates: there are no training rows; give more data")
        self.overall_ = _log_odds(float(w @ y / w.sum()))
        self.rates_ = [self._rates(self._keys(X, g), y, w) for g in self.groups]
        return self

    def fit_transform(self, X: Columns, y: FloatArray, weight: FloatArray | None = None) -> FloatArray:
        """Fit the rates and return the training rows encoded with the rates of the other folds.

        Parameters
        ----------
        X : polars.DataFrame or mapping of str to sequence
            Contains the columns of `groups`.
        y : ndarray of shape (n_rows,)
            0 or 1.
        weight : ndarray of shape (n_rows,), optional
            Weights of the rows.

        Returns
        -------
        ndarray of shape (n_rows, len(groups))
            Log-odds.

        Raises
        ------
        DataError
            A column is missing, or there are no rows.
        """
        self.fit(X, y, weight)
        w = np.ones(len(y)) if weight is None else weight
        fold = np.random.default_rng(self.seed).permutation(len(y)) % FOLDS
        result = np.empty((len(y), len(self.groups)))
        for g, group in enumerate(self.groups):
            keys = self._keys(X, group)
            for k in range(min(FOLDS, len(y))):
                train, test = fold != k, fold == k
                rates = self._rates(keys[train], y[train], w[train]) if train.any() else {}
                result[test, g] = self._look_up(keys[test], rates)
        return result

    def transform(self, X: Columns) -> FloatArray:
        """Return the encoded columns of rows that were not used in `fit`.

        Parameters
        ----------
        X : polars.DataFrame or mapping of str to sequence
            Contains the columns of `groups`.

        Returns
        -------
        ndarray of shape (n_rows, len(groups))
            Log-odds; `overall_` for unseen and missing groups.

        Raises
        ------
        DataError
            A column is missing.
        NotFittedError
            The encoder is not fitted.
        """
        check_is_fitted(self)
        columns = [self._look_up(self._keys(X, g), r) for g, r in zip(self.groups, self.rates_, strict=True)]
        return np.column_stack(columns) if columns else np.empty((_height(X), 0))

    def _keys(self, X: Columns, group: Sequence[str]) -> NDArray[np.object_]:
        parts = []
        for name in group:
            if name not in (X.columns if isinstance(X, pl.DataFrame) else X):
                raise DataError(f"column '{name}' is missing: the model was trained with it; add it to the data")
            parts.append(pl.Series(name, X[name]).cast(pl.String))
        keys = (
            parts[0]
            if len(parts) == 1
            else pl.DataFrame(parts).select(pl.concat_str("*", separator=SEPARATOR)).to_series()
        )
        return np.asarray(keys.to_numpy(), dtype=object)

    @staticmethod
    def _rates(keys: NDArray[np.object_], y: FloatArray, w: FloatArray) -> dict[str, float]:
        has_group = np.array([k is not None for k in keys], dtype=bool)
        if not has_group.any():
            return {}
        names, member = np.unique(keys[has_group].astype(str), return_inverse=True)
        n, k = np.bincount(member, w[has_group]), np.bincount(member, (w * y)[has_group])
        rates = shrunken_rates(k, n, strength=prior_strength(k, n))
        return dict(zip(names.tolist(), [_log_odds(r) for r in rates.tolist()], strict=True))

    def _look_up(self, keys: NDArray[np.object_], rates: Mapping[str, float]) -> FloatArray:
        return np.array([self.overall_ if k is None else rates.get(k, self.overall_) for k in keys], dtype=np.float64)

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the file "shrunken_rates.json" (the rates), by file name."""
        check_is_fitted(self)
        content = {"groups": [list(g) for g in self.groups], "overall": self.overall_, "rates": self.rates_}
        return {STATE: to_json(content | {"seed": self.seed})}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Return the encoder stored in `files`.

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
        content = from_json(files, STATE, keys=frozenset({"groups", "overall", "rates", "seed"}))
        restored = cls(groups=content["groups"], seed=content["seed"])
        if not isinstance(content["rates"], list) or len(content["rates"]) != len(restored.groups):
            raise damaged(STATE, "rates must be a list with one entry for each of the groups")
        restored.overall_, restored.rates_ = float(content["overall"]), content["rates"]
        return restored


def _log_odds(rate: float) -> float:
    return float(logit(min(max(rate, 1e-6), 1 - 1e-6)))


def _height(X: Columns) -> int:
    return X.height if isinstance(X, pl.DataFrame) else len(next(iter(X.values()), ()))

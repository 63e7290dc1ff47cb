"""Columns of a table to the float matrix that estimators take: numbers, category codes, derived columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from features.errors import DataError
from ml.domain import derived

Derivation = Mapping[str, Sequence[str | float]]


class TabularEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """First step of a tabular model: everything that needs only the row itself.

    Parameters
    ----------
    numeric : sequence of str
        Number columns; booleans count as 0 and 1. Missing is NaN.
    categorical : sequence of str
        Text columns, coded by frequency order in the training data. A value never seen is missing.
    derived : mapping of str to {operation: arguments}
        Columns computed from others, in order (see `ml.domain.derived`); they may use earlier ones.

    Attributes
    ----------
    categories_ : dict of str to list of str
        Code = position.
    feature_names_out_ : list of str
        Column names of the matrix: numeric, derived, categorical.

    Examples
    --------
    >>> table = {"loan": [8.0, None], "price": [10, 20], "city": ["x", "y"]}
    >>> ratio = {"ltv": {"ratio": ["loan", "price"]}}
    >>> e = TabularEncoder(numeric=["loan", "price"], categorical=["city"], derived=ratio)
    >>> e.fit_transform(table).tolist()
    [[8.0, 10.0, 0.8, 0.0], [nan, 20.0, nan, 1.0]]
    >>> e.feature_names_out_
    ['loan', 'price', 'ltv', 'city']
    """

    def __init__(
        self,
        *,
        numeric: Sequence[str] = (),
        categorical: Sequence[str] = (),
        derived: Mapping[str, Derivation] | None = None,
    ) -> None:
        self.numeric = numeric
        self.categorical = categorical
        self.derived = derived

    def fit(self, X: Mapping[str, Sequence[Any]] | pl.DataFrame, y: object = None) -> Self:
        """Learn the categories of each categorical column, most frequent first (ties by name)."""
        self.categories_: dict[str, list[str]] = {}
        for name in self.categorical:
            counts = pl.Series(name, X[name], dtype=pl.String).drop_nulls().value_counts()
            self.categories_[name] = counts.sort(["count", name], descending=[True, False])[name].to_list()
        self._finish()
        return self

    def _finish(self) -> None:
        self.feature_names_out_ = [*self.numeric, *(self.derived or {}), *self.categorical]
        self.n_features_in_ = len(self.numeric) + len(self.categorical)
        self._codes = {n: {v: float(i) for i, v in enumerate(c)} for n, c in self.categories_.items()}
        self._steps = [(n, *next(iter(spec.items()))) for n, spec in (self.derived or {}).items()]

    @property
    def categorical_positions_(self) -> tuple[int, ...]:
        """Positions of the category codes in the matrix."""
        first = len(self.feature_names_out_) - len(self.categorical)
        return tuple(range(first, len(self.feature_names_out_)))

    def transform(self, X: Mapping[str, Sequence[Any]] | pl.DataFrame) -> NDArray[np.float64]:
        """Return the C-contiguous float64 matrix, one column per name of `feature_names_out_`.

        Raises
        ------
        DataError
            A column is missing or holds something that is no number.
        """
        check_is_fitted(self)
        columns = {name: _numbers(X, name) for name in self.numeric}
        for name, operation, arguments in self._steps:
            columns[name] = derived.derive(columns, operation, arguments)
        for name in self.categorical:
            columns[name] = _coded(X, name, self._codes[name])
        matrix = np.empty((len(next(iter(columns.values()))), len(self.feature_names_out_)))
        for position, name in enumerate(self.feature_names_out_):
            matrix[:, position] = columns[name]
        return matrix

    def unseen(self, row: Mapping[str, Any]) -> list[str]:
        """Names of the columns of one row whose category was never seen in training."""
        return [n for n, codes in self._codes.items() if row.get(n) is not None and row[n] not in codes]

    def to_files(self) -> dict[str, bytes]:
        """Serialise to JSON."""
        content = {
            "numeric": list(self.numeric),
            "categorical": list(self.categorical),
            "derived": {n: {o: list(a) for o, a in s.items()} for n, s in (self.derived or {}).items()},
            "categories": self.categories_,
        }
        return {"encoder.json": json.dumps(content, ensure_ascii=False, indent=1).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        content = json.loads(files["encoder.json"])
        categories = content.pop("categories")
        encoder = cls(**content)
        encoder.categories_ = categories
        encoder._finish()
        return encoder


def _numbers(X: Mapping[str, Sequence[Any]] | pl.DataFrame, name: str) -> NDArray[np.float64]:
    try:
        column = X[name]
        if isinstance(column, pl.Series):
            return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return np.array(column, dtype=np.float64)
    except (KeyError, pl.exceptions.ColumnNotFoundError):
        raise DataError(f"column '{name}' is missing: the model was trained with it; add it to the data") from None
    except (TypeError, ValueError, pl.exceptions.InvalidOperationError):
        raise DataError(f"column '{name}' must hold numbers; map or clean it in its source") from None


def _coded(X: Mapping[str, Sequence[Any]] | pl.DataFrame, name: str, codes: Mapping[str, float]) -> NDArray[np.float64]:
    try:
        column = X[name]
    except (KeyError, pl.exceptions.ColumnNotFoundError):
        raise DataError(f"column '{name}' is missing: the model was trained with it; add it to the data") from None
    if isinstance(column, pl.Series):
        if not codes:
            return np.full(len(column), np.nan)
        coded = column.cast(pl.String).replace_strict(codes, default=None, return_dtype=pl.Float64)
        return coded.fill_null(float("nan")).to_numpy()
    return np.array([codes.get(value, np.nan) for value in column], dtype=np.float64)

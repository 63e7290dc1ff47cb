"""Columns of a table to the float matrix that estimators take: numbers, category codes, derived columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl

from features.errors import FeatureError
from ml.domain.arrays import FloatArray
from ml.domain.columns import derived_columns as derived
from ml.estimators.contract import SklearnTransformer, check_is_fitted

Derivation = Mapping[str, Sequence[str | float]]


class _Step(NamedTuple):
    """One derived column: its row in the table of columns, and what it is computed from (rows and constants)."""

    row: int
    compute: Callable[..., FloatArray]
    arguments: tuple[int | float, ...]


class TabularEncoder(SklearnTransformer):
    """First step of a tabular model: everything that needs only the row itself.

    Parameters
    ----------
    numeric : sequence of str
        Number columns; booleans count as 0 and 1. Missing is NaN.
    categorical : sequence of str
        Text columns, coded by frequency order in the training data. A value never seen is missing.
    derived : mapping of str to {operation: arguments}
        Columns computed from others, in order (see `ml.domain.columns.derived_columns`); they may use earlier ones.

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
        row = {name: i for i, name in enumerate(self.feature_names_out_)}
        self._steps: list[_Step] = []
        for name, declaration in (self.derived or {}).items():
            operation, arguments = next(iter(declaration.items()))
            given = tuple(row[a] if isinstance(a, str) else float(a) for a in arguments)
            self._steps.append(_Step(row[name], derived.OPERATIONS[operation][0], given))

    @property
    def categorical_positions_(self) -> tuple[int, ...]:
        """Positions of the category codes in the matrix."""
        first = len(self.feature_names_out_) - len(self.categorical)
        return tuple(range(first, len(self.feature_names_out_)))

    def transform(self, X: Mapping[str, Sequence[Any]] | pl.DataFrame) -> FloatArray:
        """Return the C-contiguous float64 matrix, one column per name of `feature_names_out_`.

        Raises
        ------
        FeatureError
            A column is missing or holds something that is no number, or a derived one is too large to compute.
        NotFittedError
            It was not fitted.
        """
        if not hasattr(self, "_steps"):  # looking at every attribute costs more than the rest
            check_is_fitted(self)
        table = np.empty((len(self.feature_names_out_), _rows(X, self.feature_names_out_)))
        _write_numbers(X, self.numeric, table[: len(self.numeric)])
        _write_codes(X, self._codes, table[len(table) - len(self._codes) :])
        with derived.undefined_is_missing():
            for row, compute, arguments in self._steps:
                try:
                    table[row] = compute(*[table[a] if type(a) is int else a for a in arguments])
                except FloatingPointError:
                    raise self._too_large(row) from None
        return np.ascontiguousarray(table.T)

    def _too_large(self, row: int) -> FeatureError:
        name = self.feature_names_out_[row]
        operation, arguments = next(iter((self.derived or {})[name].items()))
        told = ", ".join(str(a) for a in arguments)
        return FeatureError(name, f"is too large to compute as the {operation} of {told}; correct these columns")

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


def _rows(X: Mapping[str, Sequence[Any]] | pl.DataFrame, names: Sequence[str]) -> int:
    if isinstance(X, pl.DataFrame):
        return X.height
    try:
        return len(X[names[0]])
    except KeyError:
        raise _absent(names[0]) from None


def _write_numbers(X: Mapping[str, Sequence[Any]] | pl.DataFrame, names: Sequence[str], table: FloatArray) -> None:
    """Write number columns, one a row. Lists are converted in one call: for a single row a tenth of one call each."""
    if isinstance(X, dict) and names:
        try:
            table[:] = [X[n] for n in names]
            return
        except (KeyError, TypeError, ValueError, OverflowError):
            pass  # column by column, to say which
    for row, name in zip(table, names, strict=True):
        row[:] = _number(X, name)


def _number(X: Mapping[str, Sequence[Any]] | pl.DataFrame, name: str) -> FloatArray:
    try:
        column = X[name]
        if isinstance(column, pl.Series):
            return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return np.array(column, dtype=np.float64)
    except (KeyError, pl.exceptions.ColumnNotFoundError):
        raise _absent(name) from None
    except (TypeError, ValueError, OverflowError, pl.exceptions.InvalidOperationError):
        raise FeatureError(name, "must hold numbers; map or clean it in its source") from None


def _write_codes(
    X: Mapping[str, Sequence[Any]] | pl.DataFrame,
    codes: Mapping[str, Mapping[str, float]],
    table: FloatArray,
) -> None:
    """Write category codes, one column a row."""
    if isinstance(X, pl.DataFrame):
        for row, (name, known) in zip(table, codes.items(), strict=True):
            row[:] = _coded(X, name, known)
    elif codes:
        try:
            table[:] = [[known.get(value, np.nan) for value in X[name]] for name, known in codes.items()]
        except KeyError as e:
            raise _absent(e.args[0]) from None


def _coded(X: pl.DataFrame, name: str, codes: Mapping[str, float]) -> FloatArray:
    if name not in X.columns:
        raise _absent(name)
    if not codes:
        return np.full(X.height, np.nan)
    coded = X[name].cast(pl.String).replace_strict(codes, default=None, return_dtype=pl.Float64)
    return coded.fill_null(float("nan")).to_numpy()


def _absent(name: str) -> FeatureError:
    return FeatureError(name, "is missing: the model was trained with it; add it to the data")

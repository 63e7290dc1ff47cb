"""Encode the columns of a table as a float matrix: numbers, derived columns and category codes."""

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


class _DerivedColumn(NamedTuple):
    """Position of a derived column and its operation; arguments are positions (int) or constants (float)."""

    row: int
    compute: Callable[..., FloatArray]
    arguments: tuple[int | float, ...]


class TabularEncoder(SklearnTransformer):
    """Ordinal encoder of a mixed table, the first step of the tabular models.

    Comparable to a `ColumnTransformer` with `OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=nan)`.

    Parameters
    ----------
    numeric : sequence of str, default ()
        Numeric columns; booleans become 0 and 1, null becomes NaN.
    categorical : sequence of str, default ()
        Text columns. A category's code is its rank by frequency in the training rows; unseen and null become NaN.
    derived : mapping of str to {operation: arguments}, optional
        Computed columns, such as `{"loan_to_value": {"ratio": ["loan_amount", "vehicle_price"]}}`; they may read
        earlier derived columns. Operations: `ml.domain.columns.derived_columns.OPERATIONS`.

    Attributes
    ----------
    categories_ : dict of str to list of str
        Categories by column; the position in the list is the code.
    feature_names_out_ : list of str
        Column names of the matrix: numeric, derived, categorical.
    categorical_positions_ : tuple of int
        Positions of the categorical columns in the matrix.
    n_features_in_ : int
        Number of numeric and categorical columns.

    Examples
    --------
    >>> from ml.estimators.tabular_encoder import TabularEncoder
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
        """Fit the categories of each categorical column, most frequent first, ties in alphabetical order.

        Parameters
        ----------
        X : polars.DataFrame or mapping of str to sequence
            Training rows; only the categorical columns are read. Text or null.
        y : object
            Ignored.

        Returns
        -------
        TabularEncoder
            The fitted encoder.
        """
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
        self._steps: list[_DerivedColumn] = []
        for name, declaration in (self.derived or {}).items():
            operation, arguments = next(iter(declaration.items()))
            inputs = tuple(row[a] if isinstance(a, str) else float(a) for a in arguments)
            self._steps.append(_DerivedColumn(row[name], derived.OPERATIONS[operation][0], inputs))

    @property
    def categorical_positions_(self) -> tuple[int, ...]:
        """Positions of the categorical columns in the matrix."""
        first = len(self.feature_names_out_) - len(self.categorical)
        return tuple(range(first, len(self.feature_names_out_)))

    def transform(self, X: Mapping[str, Sequence[Any]] | pl.DataFrame) -> FloatArray:
        """Return the float matrix of a table.

        Parameters
        ----------
        X : polars.DataFrame or mapping of str to sequence
            Contains the numeric and categorical columns; other columns are ignored.

        Returns
        -------
        ndarray of shape (n_rows, len(feature_names_out_))
            C-contiguous float64; NaN is missing.

        Raises
        ------
        FeatureError
            A column is missing or not numeric, or a derived column overflows float64; the error names the column.
        NotFittedError
            The encoder is not fitted.
        """
        if not hasattr(self, "_steps"):  # check_is_fitted alone would cost more than encoding a single row
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
        inputs = ", ".join(str(a) for a in arguments)
        remedy = "correct large values, or divisors near 0, there"
        return FeatureError(name, f"overflows: the {operation} of {inputs} is above the largest number; {remedy}")

    def unseen(self, row: Mapping[str, Any]) -> list[str]:
        """Return the names of the categorical columns whose value in `row` did not occur in training.

        `row` maps columns to values; a missing column or None is not unseen.

        Examples
        --------
        >>> from ml.estimators.tabular_encoder import TabularEncoder
        >>> TabularEncoder(categorical=["city"]).fit({"city": ["x", "y"]}).unseen({"city": "z"})
        ['city']
        """
        return [n for n, codes in self._codes.items() if row.get(n) is not None and row[n] not in codes]

    def to_files(self) -> dict[str, bytes]:
        """Return the content of the file "encoder.json" (categories and parameters), by file name."""
        content = {
            "numeric": list(self.numeric),
            "categorical": list(self.categorical),
            "derived": {n: {o: list(a) for o, a in s.items()} for n, s in (self.derived or {}).items()},
            "categories": self.categories_,
        }
        return {"encoder.json": json.dumps(content, ensure_ascii=False, indent=1).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Return the encoder stored in `files`.

        Parameters
        ----------
        files : mapping of str to bytes
            Content by file name, as returned by `to_files`; other files are ignored.

        Raises
        ------
        KeyError
            The file "encoder.json" is missing.

        Examples
        --------
        >>> from ml.estimators.tabular_encoder import TabularEncoder
        >>> encoder = TabularEncoder(categorical=["city"]).fit({"city": ["x", "y"]})
        >>> TabularEncoder.from_files(encoder.to_files()).transform({"city": ["y"]}).tolist()
        [[1.0]]
        """
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
    """Write each numeric column to one row of `table`.

    All lists are converted in one call, which for a single row costs a tenth of one call per column.
    """
    if isinstance(X, dict) and names:
        try:
            table[:] = [X[n] for n in names]
            return
        except (KeyError, TypeError, ValueError, OverflowError):
            pass  # converted column by column below, so that the error names the column
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
        raise FeatureError(name, "must hold numbers; map or clean it in the sources configuration") from None


def _write_codes(
    X: Mapping[str, Sequence[Any]] | pl.DataFrame,
    codes: Mapping[str, Mapping[str, float]],
    table: FloatArray,
) -> None:
    """Write the codes of each categorical column to one row of `table`."""
    if isinstance(X, pl.DataFrame):
        for row, (name, code_of) in zip(table, codes.items(), strict=True):
            row[:] = _encode(X, name, code_of)
    elif codes:
        try:
            table[:] = [[code_of.get(value, np.nan) for value in X[name]] for name, code_of in codes.items()]
        except KeyError as e:
            raise _absent(e.args[0]) from None


def _encode(X: pl.DataFrame, name: str, codes: Mapping[str, float]) -> FloatArray:
    if name not in X.columns:
        raise _absent(name)
    if not codes:
        return np.full(X.height, np.nan)
    coded = X[name].cast(pl.String).replace_strict(codes, default=None, return_dtype=pl.Float64)
    return coded.fill_null(float("nan")).to_numpy()


def _absent(name: str) -> FeatureError:
    return FeatureError(name, "is missing: the model was trained with it; add it to the data")

"""Profile of a column for the leak detector: coded values, and the association with the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.domain.arrays import BoolArray, FloatArray, IntArray

MIN_ROWS = 200  # with fewer rows, the standard error of an AUC exceeds about 0.05
MIN_CLASS = 30  # rows of each class, and of a value whose purity is tested
FOLDS = 5
BINS = 50  # quantile bins of a numeric column: enough to resolve a correlation of 0.99
PRIOR_ROWS = 10.0  # weight of the overall mean in the smoothed mean of a value, in rows


def too_few_rows(label: NDArray[np.generic]) -> str:
    """Return why a label has too few rows for the leak detector, or an empty text.

    Parameters
    ----------
    label : ndarray of shape (n_rows,)
        Binary outcome or amount; NaN where unknown.

    Returns
    -------
    str
        The reason; empty if there are enough rows.

    Examples
    --------
    >>> import numpy as np
    >>> too_few_rows(np.array([0, 1, 1]))
    'too few rows: 3 with an outcome, 200 needed'
    >>> too_few_rows(np.arange(200) == 7)
    'too few rows: 1 of one outcome, 30 needed'
    >>> too_few_rows(np.arange(200) % 2)
    ''
    """
    labels = as_float(label)
    labels = labels[np.isfinite(labels)]
    if len(labels) < MIN_ROWS:
        return f"too few rows: {len(labels)} with an outcome, {MIN_ROWS} needed"
    values, counts = np.unique(labels, return_counts=True)
    rarer = 0 if len(values) == 1 else int(counts.min())
    if len(values) <= 2 and rarer < MIN_CLASS:
        return f"too few rows: {rarer} of one outcome, {MIN_CLASS} needed"
    return ""


class Outcome:
    """Labels prepared for the leak detector: a binary outcome as 0 and 1, or amounts.

    Parameters
    ----------
    label : ndarray of float64, shape (n_rows,)
        Finite labels; at most two distinct values make a binary outcome.
    as_of : ndarray of int64, shape (n_rows,), or None
        Prediction time of each row (microseconds since 1970 UTC); None without time.

    Attributes
    ----------
    binary : bool
        Whether the outcome is binary.
    y : ndarray of shape (n_rows,)
        0 or 1 (the larger label), or amounts.
    as_of : ndarray of int64, shape (n_rows,), or None
        Prediction time of each row (microseconds since 1970 UTC), or None without time.
    mean : float
        Mean of `y`.
    fold : ndarray of int, shape (n_rows,)
        Random cross-validation fold of each row.

    Examples
    --------
    >>> import numpy as np
    >>> from training.studies.leaks.columns import Outcome
    >>> outcome = Outcome(label=np.array([0.0, 1.0, 1.0, 0.0]), as_of=None)
    >>> outcome.binary, outcome.mean
    (True, 0.5)
    """

    def __init__(self, label: FloatArray, as_of: IntArray | None) -> None:
        self.binary = len(np.unique(label)) <= 2
        self.y: FloatArray = (label == label.max()).astype(np.float64) if self.binary else label
        self.as_of = as_of
        self.mean = float(self.y.mean())
        self.fold: IntArray = np.random.default_rng(0).integers(
            0, FOLDS, len(label)
        )  # fixed seed, so that a repeated check gives the same verdict

    @cached_property
    def ranks(self) -> FloatArray:
        """Ranks of the amounts from 1, float64 of shape (n_rows,); ties get their mean rank."""
        from scipy.stats import rankdata

        return np.asarray(rankdata(self.y), dtype=np.float64)

    @cached_property
    def newest(self) -> BoolArray | None:
        """Mask of the newest fifth of the rows, shape (n_rows,); None without time, or if one side has too few rows."""
        if self.as_of is None:
            return None
        newest = self.as_of > np.quantile(self.as_of, 0.8)
        parts = (self.y[newest], self.y[~newest])
        return newest if all(not too_few_rows(part) for part in parts) else None

    def reported(self, strength: float) -> float:
        """Return a strength on the reported scale: the AUC of a binary outcome, else the rank correlation.

        Parameters
        ----------
        strength : float
            Gini coefficient (2 AUC - 1; binary outcome) or rank correlation, 0 to 1, such as the attribute `strength`
            of what `training.studies.leaks.columns.profile` returns.

        Examples
        --------
        >>> import numpy as np
        >>> from training.studies.leaks.columns import Outcome
        >>> Outcome(np.array([0.0, 1.0]), None).reported(0.5), Outcome(np.array([1.0, 2.0, 3.0]), None).reported(0.5)
        (0.75, 0.5)
        """
        return 0.5 + strength / 2 if self.binary else strength

    def strength_text(self, strength: float) -> str:
        """Return a strength as text, on the reported scale.

        Parameters
        ----------
        strength : float
            Gini coefficient (2 AUC - 1; binary outcome) or rank correlation, 0 to 1, such as the attribute `strength`
            of what `training.studies.leaks.columns.profile` returns.

        Examples
        --------
        >>> import numpy as np
        >>> from training.studies.leaks.columns import Outcome
        >>> Outcome(np.array([0.0, 1.0]), None).strength_text(0.5)
        'AUC 0.750'
        """
        return f"{'AUC' if self.binary else 'rank correlation'} {self.reported(strength):.3f}"

    def standard_error(self, rows: int) -> float:
        """Return the standard error of a column's strength under independence from the outcome.

        Parameters
        ----------
        rows : int
            Number of rows, at least 1.

        Returns
        -------
        float
            On the scale of the strength: Gini coefficient (2 AUC - 1; binary outcome) or rank correlation.

        Examples
        --------
        >>> import numpy as np
        >>> from training.studies.leaks.columns import Outcome
        >>> round(Outcome(np.array([0.0, 1.0]), None).standard_error(300), 4)
        0.0667
        """
        return float(1 / np.sqrt(rows * (3 * self.mean * (1 - self.mean) if self.binary else 1.0)))


@dataclass(frozen=True)
class Profile:
    """Coded values of a column and its association with the outcome; returned by `profile`.

    Make one with ``profile(column, Outcome(label, as_of), categories=False)``, after
    ``from training.studies.leaks.columns import Outcome, profile``.

    Attributes
    ----------
    name : str
        Name of the column.
    values : ndarray of int64, shape (n_rows,)
        Code of each distinct value, 0 to `n_values` - 1; missing is `n_values`.
    n_values, n_bins : int
        Number of distinct values and of bins, without missing.
    bins : ndarray of int64, shape (n_rows,)
        Quantile bin of a number or code of a category, 0 to `n_bins` - 1; missing is `n_bins`.
    amounts : ndarray of shape (n_rows,), or None
        Numeric values, NaN where missing; None for a category.
    missing : ndarray of bool, shape (n_rows,)
        Whether the value is missing.
    predicted : ndarray of shape (n_rows,)
        Out-of-fold mean of the label by bin, in the unit of the label.
    strength : float
        Gini coefficient (2 AUC - 1; binary outcome) or rank correlation of `predicted` and the label, 0 to 1.
    """

    name: str
    values: IntArray
    n_values: int
    bins: IntArray
    n_bins: int
    amounts: FloatArray | None
    missing: BoolArray
    predicted: FloatArray
    strength: float


def as_float(values: NDArray[np.generic]) -> FloatArray:
    """Return values as float64.

    Parameters
    ----------
    values : ndarray
        Numbers or booleans.

    Examples
    --------
    >>> import numpy as np
    >>> as_float(np.array([True, False])).tolist()
    [1.0, 0.0]
    """
    return np.asarray(values).astype(np.float64)


def as_microseconds(values: NDArray[np.generic]) -> IntArray:
    """Return instants as int64 microseconds since 1970 UTC.

    Parameters
    ----------
    values : ndarray
        datetime64, or integers that are microseconds since 1970 UTC already.

    Examples
    --------
    >>> import numpy as np
    >>> as_microseconds(np.array(["2024-03-01"], dtype="datetime64[D]")).tolist()
    [1709251200000000]
    """
    if np.issubdtype(values.dtype, np.datetime64):
        values = values.astype("datetime64[us]")
    return values.astype(np.int64)


def time_after_as_of(column: pl.Series, outcome: Outcome, instants: Sequence[str]) -> pl.Series:
    """Return a column of instants as microseconds after `as_of`, and any other column unchanged.

    Parameters
    ----------
    column : Series
        Column of the features; instants are Date, Datetime or int64 microseconds since 1970 UTC.
    outcome : Outcome
        `training.studies.leaks.columns.Outcome(label, as_of)` of the same rows; with None for `as_of`, instants are
        returned as microseconds since 1970 UTC.
    instants : sequence of str
        Names of the columns of instants.

    Returns
    -------
    Series
        Int64, microseconds after `as_of`, for a column of instants (negative: before it); else the column itself.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from training.studies.leaks.columns import Outcome
    >>> outcome = Outcome(label=np.array([0.0, 1.0]), as_of=np.array([100, 100]))
    >>> time_after_as_of(pl.Series("paid_at", [90, 130]), outcome, ["paid_at"]).to_list()
    [-10, 30]
    """
    if column.name not in instants:
        return column
    if column.dtype in (pl.Date, pl.Datetime):
        column = column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None)))
    instant = column.cast(pl.Int64)
    return instant if outcome.as_of is None else (instant - pl.Series(outcome.as_of)).alias(column.name)


def profile(column: pl.Series, outcome: Outcome, *, categories: bool) -> Profile:
    """Return the coded values of a column and its association with the outcome.

    Parameters
    ----------
    column : Series
        Numbers, booleans or categories; nulls are missing values.
    outcome : Outcome
        `training.studies.leaks.columns.Outcome(label, as_of)` of the same rows in the same order, with `label`
        (float64, finite) and `as_of` (int64, microseconds since 1970 UTC, or None).
    categories : bool
        True for categories (any type), False for numbers, booleans and instants.

    Returns
    -------
    Profile
        `values` and `bins` (int64 codes) and `missing` (bool), each of shape (n_rows,), `n_values` and `n_bins`,
        `predicted` (out-of-fold mean of the label, shape (n_rows,)), and `strength`, 0 to 1: Gini coefficient
        (2 AUC - 1) for a binary outcome, rank correlation for amounts.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from training.studies.leaks.columns import Outcome
    >>> label = np.arange(200) % 2
    >>> city = profile(pl.Series("city", ["a", "b"] * 100), Outcome(label.astype(float), None), categories=True)
    >>> city.n_values, city.strength
    (2, 1.0)
    """
    amounts = None if categories else column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    raw = _category_codes(column) if amounts is None else amounts
    missing: BoolArray = column.is_null().to_numpy() if amounts is None else np.isnan(amounts)
    distinct, code, counts = np.unique(raw[~missing], return_inverse=True, return_counts=True)
    bin_of = np.arange(len(distinct))
    if amounts is not None and len(distinct) > BINS:
        middle = np.cumsum(counts) - counts / 2
        bin_of = np.unique((middle * BINS / len(code)).astype(np.int64), return_inverse=True)[1]
    n_bins = int(bin_of.max(initial=-1)) + 1
    values, bins = (np.full(len(raw), n, dtype=np.int64) for n in (len(distinct), n_bins))
    values[~missing] = code
    bins[~missing] = bin_of[code]
    predicted, strength = _out_of_fold(bins, n_bins + 1, outcome)
    return Profile(column.name, values, len(distinct), bins, n_bins, amounts, missing, predicted, strength)


def _category_codes(column: pl.Series) -> NDArray[np.generic]:
    text = column.cast(pl.String).cast(pl.Categorical)
    return text.to_physical().fill_null(0).to_numpy()


def _out_of_fold(bins: IntArray, n_bins: int, outcome: Outcome) -> tuple[FloatArray, float]:
    """Return the out-of-fold smoothed mean of the label by bin, and its strength; an identifier predicts the mean."""
    from scipy.stats import rankdata

    cell = bins * FOLDS + outcome.fold
    size = n_bins * FOLDS
    rows = np.bincount(cell, minlength=size).reshape(n_bins, FOLDS).astype(np.float64)
    total = np.bincount(cell, weights=outcome.y, minlength=size).reshape(n_bins, FOLDS)
    others, sums = rows.sum(axis=1, keepdims=True) - rows, total.sum(axis=1, keepdims=True) - total
    mean = ((sums + PRIOR_ROWS * outcome.mean) / (others + PRIOR_ROWS)).ravel()
    predicted = mean[cell]
    if outcome.binary:
        return predicted, max(gini(mean, total.ravel(), (rows - total).ravel()), 0.0)
    return predicted, max(correlation(np.asarray(rankdata(predicted)), outcome.ranks), 0.0)


def gini(score: FloatArray, positives: NDArray[Any], negatives: NDArray[Any]) -> float:
    """Return the Gini coefficient, 2 AUC - 1, of groups of rows; ties of the score count half.

    Parameters
    ----------
    score : ndarray of shape (n_groups,)
        Score of each group, in any unit; a higher score means a positive row.
    positives, negatives : ndarray of shape (n_groups,)
        Numbers of rows of each class in each group, at least 0.

    Returns
    -------
    float
        From -1 to 1; 0 if one of the classes has no row.

    Examples
    --------
    >>> import numpy as np
    >>> gini(np.array([0.2, 0.8]), np.array([0, 3]), np.array([4, 0]))
    1.0
    """
    used = positives + negatives > 0
    _, order = np.unique(score[used], return_inverse=True)
    positives = np.bincount(order, weights=positives[used])
    negatives = np.bincount(order, weights=negatives[used])
    pairs = positives.sum() * negatives.sum()
    return float((positives * (2 * np.cumsum(negatives) - negatives)).sum() / pairs - 1) if pairs > 0 else 0.0


def correlation(a: FloatArray, b: FloatArray) -> float:
    """Return Pearson's correlation of two arrays of equal length; 0 if one of them is constant.

    Parameters
    ----------
    a, b : ndarray of float, shape (n,)
        Finite values; n is at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> round(correlation(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])), 6)
    1.0
    """
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0

"""Columns as the rules of the leak detector see them: values as codes, and how much each tells of the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ml.domain.arrays import BoolArray, FloatArray, IntArray

MIN_ROWS = 200  # fewer, and an AUC has a standard error of about 0.05
MIN_CLASS = 30  # rows of each outcome, and of a value before its purity counts: the usual floor for a share
FOLDS = 5
BINS = 50  # quantile bins of a number: fine enough for a correlation of 0.99 to show
PRIOR_ROWS = 10.0  # a value's mean is pulled to the overall mean with the weight of ten rows


def too_few_rows(label: NDArray[np.generic]) -> str:
    """Why no verdict is possible on so few outcomes.

    Parameters
    ----------
    label : ndarray of shape (n_rows,)
        Two outcomes, or amounts; not-a-number where unknown.

    Returns
    -------
    str
        The reason, empty where there are enough rows.

    Examples
    --------
    >>> too_few_rows(np.array([0, 1, 1]))
    'too few rows: 3 with an outcome, 200 needed'
    >>> too_few_rows(np.arange(200) == 7)
    'too few rows: 1 of one outcome, 30 needed'
    >>> too_few_rows(np.arange(200) % 2)
    ''
    """
    known = numbers(label)
    known = known[np.isfinite(known)]
    if len(known) < MIN_ROWS:
        return f"too few rows: {len(known)} with an outcome, {MIN_ROWS} needed"
    values, counts = np.unique(known, return_counts=True)
    rarer = 0 if len(values) == 1 else int(counts.min())
    if len(values) <= 2 and rarer < MIN_CLASS:
        return f"too few rows: {rarer} of one outcome, {MIN_CLASS} needed"
    return ""


class Outcome:
    """What is asked about, ready for comparison: two outcomes as 0 and 1, or amounts with their ranks."""

    def __init__(self, label: FloatArray, as_of: IntArray | None) -> None:
        self.binary = len(np.unique(label)) <= 2
        self.y: FloatArray = (label == label.max()).astype(np.float64) if self.binary else label
        self.as_of = as_of
        self.mean = float(self.y.mean())
        self.fold: IntArray = np.random.default_rng(0).integers(
            0, FOLDS, len(label)
        )  # fixed: the same verdict every time

    @cached_property
    def ranks(self) -> FloatArray:
        """Ranks of the amounts, ties in the middle."""
        from scipy.stats import rankdata

        return np.asarray(rankdata(self.y), dtype=np.float64)

    @cached_property
    def newest(self) -> BoolArray | None:
        """The newest fifth of the rows, if there is time to order them by and both sides can be measured."""
        if self.as_of is None:
            return None
        last = self.as_of > np.quantile(self.as_of, 0.8)
        parts = (self.y[last], self.y[~last])
        return last if all(not too_few_rows(part) for part in parts) else None

    def figure(self, strength: float) -> float:
        """A strength as people know it: an AUC, or a rank correlation."""
        return 0.5 + strength / 2 if self.binary else strength

    def said(self, strength: float) -> str:
        """The figure with its name."""
        return f"{'AUC' if self.binary else 'rank correlation'} {self.figure(strength):.3f}"

    def error(self, rows: int) -> float:
        """The standard error of the strength of a column that says nothing, measured on so many rows."""
        return float(1 / np.sqrt(rows * (3 * self.mean * (1 - self.mean) if self.binary else 1.0)))


@dataclass(frozen=True)
class Profile:
    """A column as the rules see it: values as codes 0 to n - 1, missing as the last code."""

    name: str
    values: IntArray  # every value (rarely more than a few hundred rows count), missing as n_values
    n_values: int
    bins: IntArray  # quantile bins of a number, values of a category, missing as n_bins
    n_bins: int
    amounts: FloatArray | None  # the numbers, not a number where missing
    missing: BoolArray
    predicted: FloatArray  # out-of-fold mean of the label
    strength: float  # Gini or rank correlation of `predicted`, at least 0


def numbers(values: NDArray[np.generic]) -> FloatArray:
    """Values as float64."""
    return np.asarray(values).astype(np.float64)


def moments(values: NDArray[np.generic]) -> IntArray:
    """Instants as int64 microseconds."""
    if np.issubdtype(values.dtype, np.datetime64):
        values = values.astype("datetime64[us]")
    return values.astype(np.int64)


def ready(column: pl.Series, outcome: Outcome, instants: Sequence[str]) -> pl.Series:
    """Instants as the time since the moment of asking (us), other columns as they are."""
    if column.name not in instants:
        return column
    if column.dtype in (pl.Date, pl.Datetime):
        column = column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None)))
    moment = column.cast(pl.Int64)
    return moment if outcome.as_of is None else (moment - pl.Series(outcome.as_of)).alias(column.name)


def profile(column: pl.Series, outcome: Outcome, *, categories: bool) -> Profile:
    """Code a column's values and measure what they tell."""
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
    """Predict every row from the other folds, and measure the prediction; identifiers predict the mean."""
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


def gini(score: FloatArray, yes: NDArray[Any], no: NDArray[Any]) -> float:
    """2 AUC - 1 of groups of rows with the same score, ties counted half."""
    used = yes + no > 0
    _, order = np.unique(score[used], return_inverse=True)
    yes, no = np.bincount(order, weights=yes[used]), np.bincount(order, weights=no[used])
    pairs = yes.sum() * no.sum()
    return float((yes * (2 * np.cumsum(no) - no)).sum() / pairs - 1) if pairs > 0 else 0.0


def correlation(a: FloatArray, b: FloatArray) -> float:
    """Pearson's; 0 where one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0

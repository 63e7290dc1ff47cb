"""Shift of a distribution against reference months: where it lies, its shape, and the shares of its values.

Every statistic is the mean of one number per row (a rank, or whether the row has a value), so that
`ml.domain.statistics.month_shift` gives its distribution without a shift, with the differences between months. For few
rows with a value, the exact hypergeometric test of two shares applies as well: the larger p-value counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ml.domain.arrays import FloatArray, IntArray
from ml.domain.statistics.month_shift import MonthMeans, MonthShift, month_means, month_shift, share_means

MAX_CELLS = 10
ENOUGH_EXPECTED = 10.0  # expected rows with a value, above which a share is nearly normal


@dataclass(frozen=True)
class ShareShift:
    """Shift of a share, as returned by `share_shift`.

    Attributes
    ----------
    before, after : float
        Share in the reference and in the new month, 0 to 1.
    effect : float
        Cohen's h, 2 asin(sqrt(after)) - 2 asin(sqrt(before)): a difference in standard deviations of a row, the same
        for rare and frequent values.
    p_value : float
        Probability of a difference at least as large without a shift.
    """

    before: float
    after: float
    effect: float
    p_value: float


def share_shift(
    hits: npt.ArrayLike, counts: npt.ArrayLike, new_hits: int, new_count: int, *, months: int = 1
) -> ShareShift:
    """Test whether the share of hits in a new month belongs to the reference months.

    Parameters
    ----------
    hits, counts : array of int, shape (n_months,)
        Hits and rows of each reference month.
    new_hits, new_count : int
        Hits and rows of the new month.
    months : int
        Number of successive new months, at least 1.

    Returns
    -------
    ShareShift
        `p_value` is the larger of that of `month_shift` and, where fewer than 10 hits are expected, that of the
        hypergeometric distribution.

    References
    ----------
    J. Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 6.

    Examples
    --------
    >>> shift = share_shift([20] * 12, [100] * 12, 40, 100)
    >>> shift.before, shift.after, round(shift.effect, 2), shift.p_value < 0.001
    (0.2, 0.4, 0.44, True)
    >>> share_shift([0] * 12, [100] * 12, 1, 100).p_value > 0.05  # one row with a new value is no shift
    True
    """
    n = np.asarray(counts, dtype=np.float64)
    x = np.asarray(hits, dtype=np.float64)
    keep = n > 0
    reference = share_means(x[keep], n[keep])
    total, n_total = float(x.sum()), float(n.sum())
    after = new_hits / new_count
    pooled = (total + new_hits) / (n_total + new_count)
    reference = MonthMeans(reference.means, reference.counts, pooled * (1 - pooled))
    p_value = month_shift(reference, after, new_count, months=months).p_value
    if min(pooled, 1 - pooled) * new_count < ENOUGH_EXPECTED:
        p_value = max(p_value, _hypergeometric(int(total), int(n_total), new_hits, new_count))
    before = total / n_total
    effect = 2 * (math.asin(math.sqrt(after)) - math.asin(math.sqrt(before)))
    return ShareShift(before, after, effect, min(p_value, 1.0))


def _hypergeometric(hits: int, rows: int, new_hits: int, new_rows: int) -> float:
    """Return the two-sided p-value of the new hits, given all hits: twice the smaller tail."""
    law = stats.hypergeom(rows + new_rows, hits + new_hits, new_rows)
    return min(2 * min(float(law.cdf(new_hits)), float(law.sf(new_hits - 1))), 1.0)


@dataclass(frozen=True)
class CellShift:
    """Largest shift among the shares of several values, as returned by `cell_shift`.

    Attributes
    ----------
    cell : int
        Number of the value with the largest shift.
    share : ShareShift
        Its shift.
    p_value : float
        Its p-value times the number of values, at most 1.
    """

    cell: int
    share: ShareShift
    p_value: float


def cell_shift(reference: IntArray, new: IntArray, *, floor: float = 0.0, months: int = 1) -> CellShift:
    """Return the most significant shift among the shares of values, corrected for their number (Bonferroni).

    Parameters
    ----------
    reference : ndarray of int, shape (n_months, n_cells)
        Rows of each month with each value.
    new : ndarray of int, shape (n_cells,)
        Rows of the new month with each value.
    floor : float
        Shifts with a smaller absolute effect come after all others.
    months : int
        Number of successive new months, at least 1.

    Examples
    --------
    >>> shift = cell_shift(np.array([[50, 30, 20]] * 12), np.array([50, 5, 45]))
    >>> shift.cell, shift.share.after
    (2, 0.45)
    """
    counts, total = reference.sum(axis=1), int(new.sum())
    shifts = [share_shift(reference[:, c], counts, int(new[c]), total, months=months) for c in range(len(new))]
    best = min(range(len(shifts)), key=lambda c: (abs(shifts[c].effect) < floor, shifts[c].p_value))
    return CellShift(best, shifts[best], min(shifts[best].p_value * len(shifts), 1.0))


def month_cells(cells: IntArray, months: IntArray, n_cells: int) -> IntArray:
    """Return the number of rows of each month and cell.

    Parameters
    ----------
    cells : ndarray of int, shape (n_rows,)
        Cell of each row, from 0.
    months : ndarray of int, shape (n_rows,)
        Number of the month of each row.
    n_cells : int
        Number of cells.

    Returns
    -------
    ndarray of int64, shape (n_months, n_cells)
        Months in ascending order.

    Examples
    --------
    >>> month_cells(np.array([0, 1, 1]), np.array([5, 5, 6]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    names, member = np.unique(months, return_inverse=True)
    return np.bincount(member * n_cells + cells, minlength=len(names) * n_cells).reshape(len(names), n_cells)


class NumericReference:
    """Reference values of a number, in months.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        Finite numbers, at least one.
    months : ndarray of int, shape (n_values,)
        Number of the month of each value.

    Attributes
    ----------
    edges : ndarray
        Inner limits of at most 10 cells of about equal size; cell c has ``edges[c - 1] < value <= edges[c]``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference = NumericReference(rng.normal(size=6_000), np.repeat(np.arange(12), 500))
    >>> shift = reference.location(rng.normal(0.5, 1, size=500))
    >>> round(shift.effect, 2), shift.p_value < 1e-4
    (0.5, True)
    >>> reference.location(rng.normal(size=500)).p_value > 0.01
    True
    """

    def __init__(self, values: FloatArray, months: IntArray) -> None:
        self._sorted = np.sort(values)
        self._ranks = month_means(self.ranks(values), months)
        limits = np.unique(np.quantile(self._sorted, np.arange(1, MAX_CELLS) / MAX_CELLS, method="inverted_cdf"))
        self.edges: FloatArray = limits[limits < self._sorted[-1]]
        self._cells = month_cells(self.cells(values), months, len(self.edges) + 1)

    def ranks(self, values: FloatArray) -> FloatArray:
        """Return the share of reference values below each value, plus half of those equal to it.

        `values` are finite numbers; the result is between 0 and 1, and 1/2 on average for values of the reference.
        """
        low, high = (np.searchsorted(self._sorted, values, side=side) for side in ("left", "right"))  # type: ignore[call-overload]
        return np.asarray((low + high) / (2 * len(self._sorted)), dtype=np.float64)

    def cells(self, values: FloatArray) -> IntArray:
        """Return the cell of each value, from 0."""
        return np.asarray(np.searchsorted(self.edges, values, side="left"), dtype=np.int64)

    def location(self, values: FloatArray, *, months: int = 1) -> MonthShift:
        """Test whether the values of new months lie higher or lower: their mean rank against the reference months."""
        return month_shift(self._ranks, float(self.ranks(values).mean()), len(values), months=months)

    def shape(self, values: FloatArray, *, floor: float = 0.0, months: int = 1) -> CellShift:
        """Return the largest shift among the shares of the cells; `floor` and `months` as in `cell_shift`."""
        new = np.bincount(self.cells(values), minlength=len(self.edges) + 1)
        return cell_shift(self._cells, new, floor=floor, months=months)

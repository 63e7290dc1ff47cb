"""Expected counts of a contingency table when rows and columns have nothing to do with each other.

`E = row total * column total / total`, summed over strata, so that a difference between strata (model years, regions)
is not taken for a fault. Source: W. DuMouchel, "Bayesian Data Mining in Large Frequency Tables", *The American
Statistician* 53 (1999), section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray, IntArray
from ml.domain.faults.shrinkage.cells import ShrinkageError, checked_counts


@dataclass(frozen=True)
class Pairs:
    """Pairs of row and column that occur, in the order of row and column.

    Attributes
    ----------
    row, column : array of shape (n_pairs,)
        Labels.
    count : array of int, shape (n_pairs,)
        Reports that name both.
    expected : array of shape (n_pairs,)
        Expected reports, summed over strata.
    row_total, column_total : array of int, shape (n_pairs,)
        Reports that name the row, the column.
    total : int
        Reports.
    """

    row: npt.NDArray[np.generic]
    column: npt.NDArray[np.generic]
    count: IntArray
    expected: FloatArray
    row_total: IntArray
    column_total: IntArray
    total: int


def expected_counts(table: npt.ArrayLike) -> FloatArray:
    """Expected count of every cell of a table.

    Parameters
    ----------
    table : array of shape (n_rows, n_columns) or (n_strata, n_rows, n_columns)
        Counts.

    Returns
    -------
    array of shape (n_rows, n_columns)
        0 where a row or a column is empty in every stratum in which the other is not.

    Raises
    ------
    ShrinkageError
        The table has another shape, a single cell, a count that breaks its rule, or no event at all.

    Examples
    --------
    >>> expected_counts([[2, 2], [4, 0]]).tolist()
    [[3.0, 1.0], [3.0, 1.0]]
    >>> expected_counts([[[2, 2], [0, 0]], [[0, 0], [4, 0]]]).tolist()
    [[2.0, 2.0], [4.0, 0.0]]
    """
    counts = checked_counts(table, "table").astype(np.float64)
    if counts.ndim not in (2, 3):
        raise ShrinkageError(f"table must have rows and columns, and may have strata, got shape {counts.shape}")
    if counts.shape[-2] * counts.shape[-1] < 2:
        raise ShrinkageError(f"table must have at least two cells, got shape {counts.shape}: compare with something")
    strata = counts.reshape(-1, *counts.shape[-2:])
    total = strata.sum(axis=(1, 2))
    if not total.any():
        raise ShrinkageError("table must hold at least one event, got zeros only: widen the period or the components")
    seen = strata[total > 0]
    return np.asarray(np.einsum("sr,sc,s->rc", seen.sum(axis=2), seen.sum(axis=1), 1 / total[total > 0]))


def count_pairs(
    report: npt.ArrayLike, row: npt.ArrayLike, *, column: npt.ArrayLike, stratum: npt.ArrayLike | None = None
) -> Pairs:
    """Count reports by pair, and the reports to expect of each pair.

    A report may name several rows and columns and counts once in each total and pair, so totals are not sums of the
    pairs (as in openEBGM's `processRaw`).

    Parameters
    ----------
    report, row, column : array of shape (n_lines,)
        Report of each line, and what it names; repeated lines count once.
    stratum : array of shape (n_lines,), optional
        Stratum of each line.

    Raises
    ------
    ShrinkageError
        There is no line, lengths differ, or only one pair occurs.

    Examples
    --------
    >>> pairs = count_pairs([1, 1, 2, 3], ["A", "A", "A", "B"], column=["x", "y", "x", "x"])
    >>> list(zip(pairs.row.tolist(), pairs.column.tolist(), pairs.count.tolist(), pairs.expected.round(2).tolist()))
    [('A', 'x', 2, 2.0), ('A', 'y', 1, 0.67), ('B', 'x', 1, 1.0)]
    """
    given = {
        "report": report,
        "row": row,
        "column": column,
        "stratum": np.zeros(np.size(report)) if stratum is None else stratum,
    }
    lines = {name: np.asarray(values).ravel() for name, values in given.items()}
    sizes = {name: len(values) for name, values in lines.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        raise ShrinkageError(
            f"report, row, column and stratum must have one entry a line, got {sizes}: pair them by line"
        )
    codes = {name: np.unique(values, return_inverse=True) for name, values in lines.items()}
    reports, rows, columns, strata = (codes[name][1].astype(np.int64) for name in lines)
    pair, n_columns = rows * len(codes["column"][0]) + columns, len(codes["column"][0])
    present = np.unique(pair)
    if len(present) < 2:
        raise ShrinkageError("report must name at least two pairs, got 1: one pair has nothing to be compared with")
    which_row, which_column = present // n_columns, present % n_columns
    expected = np.zeros(len(present))
    for code in range(len(codes["stratum"][0])):
        inside = strata == code
        by_row = _distinct(reports[inside], rows[inside], len(codes["row"][0]))
        by_column = _distinct(reports[inside], columns[inside], n_columns)
        expected += by_row[which_row] * by_column[which_column] / len(np.unique(reports[inside]))
    return Pairs(
        row=codes["row"][0][which_row],
        column=codes["column"][0][which_column],
        count=_distinct(reports, np.searchsorted(present, pair), len(present)),
        expected=expected,
        row_total=_distinct(reports, rows, len(codes["row"][0]))[which_row],
        column_total=_distinct(reports, columns, n_columns)[which_column],
        total=len(codes["report"][0]),
    )


def _distinct(report: IntArray, group: IntArray, n_groups: int) -> IntArray:
    """Number of different reports in each group."""
    both = np.unique(report * n_groups + group)
    return np.bincount(both % n_groups, minlength=n_groups).astype(np.int64)

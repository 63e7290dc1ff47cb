"""Expected counts of pairs when rows and columns are independent.

`E = row total * column total / total`, summed over strata, so that a difference between strata (model years, regions)
is not mistaken for an association. Source: W. DuMouchel, "Bayesian Data Mining in Large Frequency Tables", *The
American Statistician* 53 (1999), section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.faults.shrinkage.cells import ShrinkageError, checked_counts


@dataclass(frozen=True)
class Pairs:
    """Pairs of row and column with at least one event, sorted; returned by `count_pairs` and `count_reports`.

    Attributes
    ----------
    row, column : array of shape (n_pairs,)
        Labels of the pair.
    count : array of int, shape (n_pairs,)
        Events of the pair.
    expected : array of shape (n_pairs,)
        Expected events under independence, summed over strata.
    row_total, column_total : array of int, shape (n_pairs,)
        Events of the row and of the column.
    total : int
        All events.
    """

    row: npt.NDArray[np.generic]
    column: npt.NDArray[np.generic]
    count: IntArray
    expected: FloatArray
    row_total: IntArray
    column_total: IntArray
    total: int


def count_pairs(
    row: npt.ArrayLike, column: npt.ArrayLike, *, count: npt.ArrayLike, stratum: npt.ArrayLike | None = None
) -> Pairs:
    """Return the count of each pair and its expected count under independence.

    Parameters
    ----------
    row, column : array of shape (n_lines,)
        Labels of each line; lines of the same pair are summed.
    count : array of int, shape (n_lines,)
        Events of each line. Pairs without an event are left out.
    stratum : array of shape (n_lines,), optional
        Stratum of each line, such as the model year; expected counts are summed over strata.

    Returns
    -------
    Pairs
        One entry per pair with an event, sorted: labels, `count`, `expected` and totals.

    Raises
    ------
    ShrinkageError
        There is no line, lengths differ, a count is no whole number of at least 0, or fewer than two rows or two
        columns have an event.

    Examples
    --------
    >>> pairs = count_pairs(["A", "A", "B", "A"], ["x", "y", "x", "x"], count=[1, 2, 4, 1])
    >>> list(zip(pairs.row.tolist(), pairs.column.tolist(), pairs.count.tolist(), pairs.expected.tolist()))
    [('A', 'x', 2, 3.0), ('A', 'y', 2, 1.0), ('B', 'x', 4, 3.0)]
    """
    counts = checked_counts(count, "count").ravel().astype(np.int64)

    def events(lines: BoolArray, group: IntArray, n_groups: int) -> IntArray:
        totals = np.zeros(n_groups, dtype=np.int64)
        np.add.at(totals, group[lines], counts[lines])
        return totals

    return _pairs({"row": row, "column": column, "count": counts}, stratum, events, occurs=counts > 0)


def count_reports(
    report: npt.ArrayLike, row: npt.ArrayLike, *, column: npt.ArrayLike, stratum: npt.ArrayLike | None = None
) -> Pairs:
    """Return the number of reports of each pair and its expected value under independence.

    A report may name several rows and columns. It counts once in each pair and total, so that totals are not sums of
    pairs (as in openEBGM's `processRaw`).

    Parameters
    ----------
    report, row, column : array of shape (n_lines,)
        Report id of each line, with the labels that it names; repeated lines count once.
    stratum : array of shape (n_lines,), optional
        Stratum of each line; expected counts are summed over strata.

    Returns
    -------
    Pairs
        One entry per pair with a report, sorted: labels, `count`, `expected` and totals.

    Raises
    ------
    ShrinkageError
        There is no line, lengths differ, or fewer than two rows or two columns occur.

    Examples
    --------
    >>> pairs = count_reports([1, 1, 2, 3], ["A", "A", "A", "B"], column=["x", "y", "x", "x"])
    >>> list(zip(pairs.row.tolist(), pairs.column.tolist(), pairs.count.tolist(), pairs.expected.round(2).tolist()))
    [('A', 'x', 2, 2.0), ('A', 'y', 1, 0.67), ('B', 'x', 1, 1.0)]
    """
    reports = np.unique(np.asarray(report).ravel(), return_inverse=True)[1].astype(np.int64)

    def events(lines: BoolArray, group: IntArray, n_groups: int) -> IntArray:
        codes = np.unique(reports[lines] * n_groups + group[lines])
        return np.bincount(codes % n_groups, minlength=n_groups).astype(np.int64)

    return _pairs(
        {"report": reports, "row": row, "column": column}, stratum, events, occurs=np.ones(len(reports), bool)
    )


def _pairs(
    lines: dict[str, npt.ArrayLike],
    stratum: npt.ArrayLike | None,
    events: Callable[[BoolArray, IntArray, int], IntArray],
    *,
    occurs: BoolArray,
) -> Pairs:
    """Return the pairs of the lines where `occurs` is true; `events` counts the events of some lines by group."""
    flat = {name: np.asarray(values).ravel() for name, values in lines.items()}
    flat["stratum"] = np.zeros(len(occurs)) if stratum is None else np.asarray(stratum).ravel()
    sizes = {name: len(values) for name, values in flat.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        raise ShrinkageError(
            f"{', '.join(sizes)} must have equal lengths of at least 1, got {sizes}: give one entry per line"
        )
    (row_names, rows), (column_names, columns), (_, strata) = (
        np.unique(flat[name], return_inverse=True) for name in ("row", "column", "stratum")
    )
    for name, names, codes in (("row", row_names, rows), ("column", column_names, columns)):
        if len(present := np.unique(codes[occurs])) < 2:
            only = f"got only {names[present[0]]}" if len(present) else "got no event"
            raise ShrinkageError(f"at least two {name}s must have events, {only}: a {name} is compared with the others")
    pair = rows * len(column_names) + columns
    present = np.unique(pair[occurs])
    row_of_pair, column_of_pair = present // len(column_names), present % len(column_names)
    one_group = np.zeros(len(pair), dtype=np.int64)
    expected = np.zeros(len(present))
    for code in np.unique(strata[occurs]):
        inside = strata == code
        by_row, by_column = events(inside, rows, len(row_names)), events(inside, columns, len(column_names))
        expected += by_row[row_of_pair] * (by_column[column_of_pair] / events(inside, one_group, 1)[0])
    return Pairs(
        row=row_names[row_of_pair],
        column=column_names[column_of_pair],
        count=events(occurs, np.searchsorted(present, pair), len(present)),
        expected=expected,
        row_total=events(occurs, rows, len(row_names))[row_of_pair],
        column_total=events(occurs, columns, len(column_names))[column_of_pair],
        total=int(events(occurs, one_group, 1)[0]),
    )

"""Proportional reporting ratio and reporting odds ratio, the unshrunk habit, with their usual log-normal intervals.

Each pair makes a two by two table of reports: `a` name row and column, `b` the row only, `c` the column only, `d`
neither. `PRR = a / (a + b) : c / (c + d)` and `ROR = a * d : b * c`. Where `a` is small they swing; EBGM does not.

Sources: S. Evans, P. Waller and S. Davis, "Use of proportional reporting ratios (PRRs) for signal generation from
spontaneous adverse drug reaction reports", *Pharmacoepidemiology and Drug Safety* 10 (2001); E. van Puijenbroek et
al., "A comparison of measures of disproportionality for signal detection", the same journal, 11 (2002).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.cells import ShrinkageError, checked_counts, checked_probability, refuse_where


@dataclass(frozen=True)
class Ratio:
    """A ratio of each pair with its interval.

    Attributes
    ----------
    value : array
        0 where no report names both, infinite where the comparison is with none.
    lower, upper : array
        Limits; 0 and infinity where a part of the two by two table that the interval divides by is empty.
    """

    value: FloatArray
    lower: FloatArray
    upper: FloatArray


def proportional_reporting_ratio(
    count: npt.ArrayLike,
    row_total: npt.ArrayLike,
    *,
    column_total: npt.ArrayLike,
    total: npt.ArrayLike,
    level: float = 0.95,
) -> Ratio:
    """Share of the row's reports that name the column, over that share among all other reports.

    Parameters
    ----------
    count, row_total, column_total : array
        Reports that name both, the row, the column.
    total : int or array
        All reports.
    level : float
        Probability of the interval.

    Raises
    ------
    ShrinkageError
        A number is not a count, the four do not make a two by two table, or the row or the column is in no report
        or in all.

    Examples
    --------
    >>> prr = proportional_reporting_ratio([10], [50], column_total=[30], total=1_000)
    >>> [round(float(x[0]), 3) for x in (prr.lower, prr.value, prr.upper)]
    [4.7, 9.5, 19.204]
    """
    a, b, c, d = _two_by_two(count, row_total, column_total, total)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (a / (a + b)) / (c / (c + d))
        variance = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    return _with_interval(value, variance, level)


def reporting_odds_ratio(
    count: npt.ArrayLike,
    row_total: npt.ArrayLike,
    *,
    column_total: npt.ArrayLike,
    total: npt.ArrayLike,
    level: float = 0.95,
) -> Ratio:
    """Odds of the column among the row's reports, over its odds among all others.

    Parameters and errors are those of `proportional_reporting_ratio`.

    Examples
    --------
    >>> ror = reporting_odds_ratio([10], [50], column_total=[30], total=1_000)
    >>> [round(float(x[0]), 3) for x in (ror.lower, ror.value, ror.upper)]
    [5.108, 11.625, 26.459]
    """
    a, b, c, d = _two_by_two(count, row_total, column_total, total)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (a * d) / (b * c)
        variance = 1 / a + 1 / b + 1 / c + 1 / d
    return _with_interval(value, variance, level)


def _two_by_two(
    count: npt.ArrayLike, row_total: npt.ArrayLike, column_total: npt.ArrayLike, total: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    given = {"count": count, "row_total": row_total, "column_total": column_total, "total": total}
    checked = [checked_counts(values, name).astype(np.float64) for name, values in given.items()]
    try:
        a, rows, columns, everything = np.broadcast_arrays(*checked)
    except ValueError:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in zip(given, checked, strict=True))
        raise ShrinkageError(f"counts and totals must have one shape, got {shapes}: pair them by cell") from None
    for name, totals in (("row_total", rows), ("column_total", columns)):
        outside = ((totals < 1) | (totals >= everything)).ravel()
        rule = f"{name} must be at least 1 and below total"
        refuse_where(outside, totals.ravel(), rule=rule, remedy="drop what no report or every report names")
        rule = f"count must be at most {name}"
        refuse_where((a > totals).ravel(), a.ravel(), rule=rule, remedy="count the totals from the same reports")
    d = everything - rows - columns + a
    rule = "row_total + column_total - count must be at most total"
    refuse_where((d < 0).ravel(), (everything - d).ravel(), rule=rule, remedy="count the totals from the same reports")
    return a, rows - a, columns - a, d


def _with_interval(value: FloatArray, variance: FloatArray, level: float) -> Ratio:
    reach = ndtri((1 + checked_probability(level, "level")) / 2) * np.sqrt(np.where(np.isfinite(variance), variance, 0))
    known = np.isfinite(variance)
    lower = np.where(known, value * np.exp(-reach), 0.0)
    return Ratio(value, lower, np.where(known, value * np.exp(reach), np.inf))

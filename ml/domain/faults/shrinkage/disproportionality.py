"""Proportional reporting ratio (PRR) and reporting odds ratio (ROR), unshrunken, with log-normal intervals.

Each pair gives a two-by-two table of reports: `a` name row and column, `b` the row only, `c` the column only, `d`
neither. ``PRR = (a / (a + b)) / (c / (c + d))`` and ``ROR = (a * d) / (b * c)``. Where `a` is small they are unstable;
EBGM is not.

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
    """A ratio of each pair with its confidence interval, from `proportional_reporting_ratio` or `reporting_odds_ratio`.

    Attributes
    ----------
    value : array
        Ratio: 0 where `a` is 0, infinite where the comparison group has no report.
    lower, upper : array
        Confidence limits; 0 and infinity where a cell of the two-by-two table is empty.
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
    """Return the PRR: share of the row's reports that name the column, over that share in all other reports.

    Parameters
    ----------
    count, row_total, column_total : array of int, shape (n_pairs,)
        Reports that name both, the row, and the column: attributes of `Pairs`, from
        `ml.domain.faults.shrinkage.contingency.count_pairs` or `count_reports`.
    total : int or array
        Number of reports.
    level : float
        Confidence level of the interval, between 0 and 1.

    Returns
    -------
    Ratio
        `value`, `lower` and `upper`, each of shape (n_pairs,).

    Raises
    ------
    ShrinkageError
        A number is not a count, the four do not form a two-by-two table, or no report or every report names the row
        or the column.

    Examples
    --------
    >>> prr = proportional_reporting_ratio(count=[10], row_total=[50], column_total=[30], total=1_000)
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
    """Return the ROR: odds of the column in the row's reports, over its odds in all other reports.

    Parameters
    ----------
    count, row_total, column_total : array of int, shape (n_pairs,)
        Reports that name both, the row, and the column: attributes of `Pairs`, from
        `ml.domain.faults.shrinkage.contingency.count_pairs` or `count_reports`.
    total : int or array
        Number of reports.
    level : float
        Confidence level of the interval, between 0 and 1.

    Returns
    -------
    Ratio
        `value`, `lower` and `upper`, each of shape (n_pairs,).

    Raises
    ------
    ShrinkageError
        A number is not a count, the four do not form a two-by-two table, or no report or every report names the row
        or the column.

    Examples
    --------
    >>> ror = reporting_odds_ratio(count=[10], row_total=[50], column_total=[30], total=1_000)
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
    arguments = {"count": count, "row_total": row_total, "column_total": column_total, "total": total}
    checked = [checked_counts(values, name).astype(np.float64) for name, values in arguments.items()]
    try:
        a, rows, columns, reports = np.broadcast_arrays(*checked)
    except ValueError:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in zip(arguments, checked, strict=True))
        raise ShrinkageError(f"the arrays must have one shape, got {shapes}: give one value per cell in each") from None
    for name, totals in (("row_total", rows), ("column_total", columns)):
        outside = ((totals < 1) | (totals >= reports)).ravel()
        rule = f"{name} must be at least 1 and below total"
        refuse_where(
            outside, totals.ravel(), rule=rule, remedy="drop rows and columns that no report or every report names"
        )
        rule = f"count must be at most {name}"
        refuse_where((a > totals).ravel(), a.ravel(), rule=rule, remedy="count the totals from the same reports")
    d = reports - rows - columns + a
    rule = "row_total + column_total - count must be at most total"
    refuse_where((d < 0).ravel(), (reports - d).ravel(), rule=rule, remedy="count the totals from the same reports")
    return a, rows - a, columns - a, d


def _with_interval(value: FloatArray, variance: FloatArray, level: float) -> Ratio:
    half_width = ndtri((1 + checked_probability(level, "level")) / 2) * np.sqrt(
        np.where(np.isfinite(variance), variance, 0)
    )
    bounded = np.isfinite(variance)
    lower = np.where(bounded, value * np.exp(-half_width), 0.0)
    return Ratio(value, lower, np.where(bounded, value * np.exp(half_width), np.inf))

"""Faults and expected faults by cell, build period and week, of the reference weeks and of the test weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.domain.arrays import FloatArray, IntArray
from ml.domain.faults.reporting_delay import ReportingDelay
from ml.fault_rate.expected import ExpectedFaults
from ml.fault_rate.exposure import WEEK_DAYS

BLOCK_QUARTERS = 2  # build quarters pooled in the evidence


@dataclass(frozen=True)
class CellCounts:
    """Faults and expected faults of each cell by build period, as returned by `count_cells`.

    A cell is one component of one model, a build period half a year of builds.

    Attributes
    ----------
    cells : DataFrame
        `model`, `component` of each cell.
    periods : ndarray of int64, shape (n_periods,)
        Half-years since 1970-01-01 in which vehicles were built, in order.
    first_weeks : ndarray of int64, shape (n_cells,)
        First test week of each cell: later than the end of the reference weeks where its last alarm was closed.
    reference_count, reference_expected : ndarray of shape (n_cells, n_periods)
        Faults of the reference weeks that are reported by now, and their expected value at the baseline rates.
    count, expected : ndarray of shape (n_cells, n_periods, n_test_weeks)
        Cumulative faults of the test weeks reported by the end of each week, and their expected value.
    weekly : ndarray of shape (n_cells, n_periods, n_weeks)
        Expected faults of each week of the records, whether reported or not.
    """

    cells: pl.DataFrame
    periods: IntArray
    first_weeks: IntArray
    reference_count: FloatArray
    reference_expected: FloatArray
    count: FloatArray
    expected: FloatArray
    weekly: FloatArray


def count_cells(
    expected_faults: ExpectedFaults,
    *,
    start: int,
    delay: ReportingDelay | None,
    complete: FloatArray,
    reset_weeks: Mapping[tuple[str, str], int],
) -> CellCounts:
    """Return faults and expected faults at the baseline rates, by cell and build period.

    Parameters
    ----------
    expected_faults : ExpectedFaults
        As returned by `ml.fault_rate.expected.expect_faults`; its exposure has the faults.
    start : int
        First test week.
    delay : ReportingDelay or None
        Distribution of the days from a fault to its report; None where reports have no date.
    complete : ndarray of shape (n_weeks,)
        Share of the faults of each week that are reported by the end of the records.
    reset_weeks : mapping of (model, component) to int
        Week from which the counts of a cell start again at 0.

    Returns
    -------
    CellCounts
        Counts and expected counts of the reference weeks, and cumulative ones of the test weeks.
    """
    exposure = expected_faults.exposure
    models, model = np.unique(exposure.strata["model"].to_numpy(), return_inverse=True)
    periods, period = np.unique(exposure.strata["build"].to_numpy() // BLOCK_QUARTERS, return_inverse=True)
    group, n_groups = model * len(periods) + period, len(models) * len(periods)
    components = range(len(exposure.components))
    weekly = np.concatenate([_sums(expected_faults.of_component(c), group, n_groups) for c in components])
    weekly = weekly.reshape(-1, len(periods), exposure.weeks)
    cells = pl.DataFrame(
        {"model": np.tile(models, len(exposure.components)), "component": np.repeat(exposure.components, len(models))}
    )
    cell = exposure.component * len(models) + model[exposure.stratum]
    built = period[exposure.stratum]
    reference_count = np.zeros(weekly.shape[:2])
    is_reference = exposure.week < start
    np.add.at(reference_count, (cell[is_reference], built[is_reference]), exposure.events[is_reference])
    first_weeks = np.array([max(start, reset_weeks.get(name, start)) for name in cells.rows()], dtype=np.int64)
    reported = np.zeros(weekly.shape)
    tested = (exposure.week >= first_weeks[cell]) & (exposure.report_week < exposure.weeks)
    np.add.at(reported, (cell[tested], built[tested], exposure.report_week[tested]), exposure.events[tested])
    later = weekly[:, :, start:].copy()
    for row in np.flatnonzero(first_weeks > start):
        later[row, :, : first_weeks[row] - start] = 0.0
    return CellCounts(
        cells=cells,
        periods=periods.astype(np.int64),
        first_weeks=first_weeks,
        reference_count=reference_count,
        reference_expected=np.asarray(weekly[:, :, :start] @ complete[:start]),
        count=reported[:, :, start:].cumsum(axis=2),
        expected=reported_by_week(later, delay),
        weekly=weekly,
    )


def _sums(values: FloatArray, group: npt.NDArray[np.intp], n_groups: int) -> FloatArray:
    """Return the sums of the strata of each group, shape (n_groups, n_weeks)."""
    order = np.argsort(group, kind="stable")
    groups, starts = np.unique(group[order], return_index=True)
    sums = np.zeros((n_groups, values.shape[1]))
    sums[groups] = np.add.reduceat(values[order], starts, axis=0)
    return sums


def reported_by_week(expected: FloatArray, delay: ReportingDelay | None) -> FloatArray:
    """Return the cumulative expected faults that are reported by the end of each week, shape as `expected`.

    >>> reported_by_week(np.array([[1.0, 2.0]]), None).tolist()
    [[1.0, 3.0]]
    """
    weeks = expected.shape[-1]
    if delay is None:
        return np.asarray(expected.cumsum(axis=-1))
    lag = np.arange(weeks)[None, :] - np.arange(weeks)[:, None]
    share = delay.completeness(WEEK_DAYS * (lag + 0.5) - 0.5)  # from the middle of a week to the end of another
    return np.asarray(expected @ np.where(lag >= 0, share, 0.0))

"""Cells of model and component watched week by week: what is known by each week, against what was to be expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import gammaln

from features.errors import DataError
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.faults.build_range import scan_builds
from ml.domain.faults.reporting_delay import ReportingDelay, fit_delay
from ml.domain.faults.sequential_evidence import build_range_evidence
from ml.domain.faults.shrinkage.priors import one_gamma
from ml.domain.faults.shrinkage.scores import posterior_mean, posterior_quantile, probability_above
from ml.fault_rate.expected import ExpectedFaults, expect_faults
from ml.fault_rate.exposure import QUARTER_DAYS, WEEK_DAYS, FleetExposure

NOTABLE = 1.5  # rate ratio whose probability is told
BLOCK = 2  # quarters of build that are told apart together in the evidence
OUTLYING = 4.0  # standard errors beyond which a cell says nothing of how models usually differ
VARIANCES = np.geomspace(1e-4, 2.0, 60)
UPPER = 1.353  # half the 90 % quantile of chi-squared: a one-sided limit of 95 %
CLEAR = 0.05  # p-value up to which a range of builds is told apart from the others
ALARM = {
    "model": pl.String, "component": pl.String, "detected_on": pl.Date, "built_from": pl.Date, "built_until": pl.Date,
    "count": pl.Int64, "expected": pl.Float64, "rate_ratio": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "probability_notable": pl.Float64, "log_evidence": pl.Float64, "alarm_threshold": pl.Float64,
}  # fmt: skip
START_SHARE = 0.1  # share of the false alarms spread evenly, for models that come later


@dataclass(frozen=True)
class SurveillanceResult:
    """Cells, and what the weeks have told of them.

    Attributes
    ----------
    cells : DataFrame
        `model`, `component`.
    start : int
        First week watched; usual rates come from the weeks before.
    first_weeks : ndarray of shape (n_cells,)
        First week watched of each cell: later than `start` where its last alarm was closed.
    count, expected : ndarray of shape (n_cells, n_looks)
        Faults reported by the end of each week watched, of those since `start`, and how many were to be known by then.
    log_e : ndarray of shape (n_cells, n_looks)
        Logarithm of the evidence.
    alarm_threshold : ndarray of shape (n_cells,)
        At which a cell raises the alarm.
    between_model_variance : float
        Variance of the models' own rates around the usual one.
    scale : float
        Usual rate of the models among which nothing stands out, over that of all.
    delay : ReportingDelay or None
        None where reports carry no date.
    """

    exposure: FleetExposure
    expected_faults: ExpectedFaults
    cells: pl.DataFrame
    start: int
    first_weeks: IntArray
    count: FloatArray
    expected: FloatArray
    log_e: FloatArray
    alarm_threshold: FloatArray
    between_model_variance: float
    scale: float
    delay: ReportingDelay | None

    @property
    def detection_week(self) -> IntArray:
        """Week, counted from `start`, at whose end each cell first reached its alarm_threshold; -1 where it has not."""
        over = self.log_e >= self.alarm_threshold[:, None]
        return np.where(over.any(axis=1), over.argmax(axis=1), -1)

    def expected_weekly(self, weeks: int) -> FloatArray:
        """Faults of each cell to be expected in a week, on the mean of the last weeks, shape (n_cells,)."""
        model, of = np.unique(self.exposure.strata["model"].to_numpy(), return_inverse=True)
        parts = []
        for c in range(len(self.exposure.components)):
            late = self.expected_faults.of_component(c)[:, -weeks:].mean(axis=1)
            parts.append(np.bincount(of, weights=late, minlength=len(model)))
        return np.asarray(np.concatenate(parts) * self.scale, dtype=np.float64)

    @property
    def _models(self) -> list[str]:
        return self.cells["model"][: self.cells.height // len(self.exposure.components)].to_list()

    def alarms(self) -> pl.DataFrame:
        """Cells that have reached their alarm_threshold, the strongest_cell first.

        Returns
        -------
        DataFrame
            `model`, `component`, `detected_on` (day), `built_from` and `built_until` (days; null where all builds are
            alike), `count` and `expected` of those builds in all weeks, `rate_ratio` with `low` and `high` (90 %
            credible), `probability_notable` (of a ratio above 1.5), `log_evidence`, `alarm_threshold`.
        """
        rows = np.flatnonzero(self.detection_week >= 0)
        rows = rows[np.argsort(-(self.log_e.max(axis=1) - self.alarm_threshold)[rows], kind="stable")]
        found = [self._alarm(int(row)) for row in rows]
        return pl.DataFrame(found, schema=ALARM)

    def _alarm(self, row: int) -> dict[str, object]:
        model, component = self.cells.row(row)
        quarter, count, expected = self._by_build(model, component)
        builds = scan_builds(count, expected)
        clear = builds is not None and builds.p_value <= CLEAR
        first, last = (builds.first, builds.last) if builds is not None and clear else (0, len(quarter) - 1)
        n, e = int(count[first : last + 1].sum()), float(expected[first : last + 1].sum())
        prior = one_gamma(1 / self.between_model_variance, 1 / self.between_model_variance)
        low, high = (float(posterior_quantile(prior, [n], [e], probability=p)[0]) for p in (0.05, 0.95))
        day = self.exposure.first_day + WEEK_DAYS * (self.start + self.detection_week[row] + 1)
        return {
            "model": model,
            "component": component,
            "detected_on": _day(day),
            "built_from": _day(quarter[first] * QUARTER_DAYS) if clear else None,
            "built_until": _day((quarter[last] + 1) * QUARTER_DAYS) if clear else None,
            "count": n,
            "expected": e,
            "rate_ratio": float(posterior_mean(prior, [n], [e])[0]),
            "low": low,
            "high": high,
            "probability_notable": float(probability_above(prior, [n], [e], ratio=NOTABLE)[0]),
            "log_evidence": float(self.log_e[row].max()),
            "alarm_threshold": float(self.alarm_threshold[row]),
        }

    def _by_build(self, model: str, component: str) -> tuple[IntArray, FloatArray, FloatArray]:
        """Quarters of build with exposure, and faults and expected faults of all weeks."""
        mine = np.flatnonzero((self.exposure.strata["model"] == model).to_numpy())
        c = self.exposure.components.index(component)
        quarter, of = np.unique(self.exposure.strata["build"].to_numpy()[mine], return_inverse=True)
        begins = self.first_weeks.reshape(len(self.exposure.components), -1)[c, self._models.index(model)]
        since = int(begins) if begins > self.start else 0
        matured = _matured(self.expected_faults.of_component(c)[mine][:, since:], self.delay)[:, -1] * self.scale
        e = np.bincount(of, weights=matured, minlength=len(quarter)).astype(np.float64)
        events = (
            (self.exposure.component == c)
            & (self.exposure.report_week < self.exposure.weeks)
            & (self.exposure.week >= since)
        )
        of_strata = np.bincount(self.exposure.stratum[events], minlength=self.exposure.strata.height)
        n = np.bincount(of, weights=of_strata[mine], minlength=len(quarter)).astype(np.float64)
        there = e > 0
        return quarter[there].astype(np.int64), n[there], e[there]


def _day(since_epoch: float) -> object:
    return np.datetime64(int(since_epoch), "D").item()


def run_surveillance(
    exposure: FleetExposure,
    *,
    start: int,
    alpha: float,
    longest_delay: int,
    reset_weeks: Mapping[tuple[str, str], int] | None = None,
) -> SurveillanceResult:
    """Learn what is usual before a week, and watch from then on.

    Parameters
    ----------
    exposure : FleetExposure
        What is known at a moment.
    start : int
        First week to watch; more than one of them must lie before it.
    alpha : float
        Chance of any false alarm, in any cell and week watched.
    longest_delay : int
        Days after which a report is taken to have come.
    reset_weeks : mapping of (model, component) to int, optional
        Week from which a cell is watched as if for the first time: its last alarm was closed then, and what raised it
        must not raise the next one.

    Raises
    ------
    DataError
        Nothing lies before the start, or nothing after it.
    """
    if not 2 <= start < exposure.weeks:
        raise DataError(f"start: must lie between week 2 and {exposure.weeks - 1} of the history, got {start}")
    if not 0 < alpha < 1:
        raise DataError(f"alpha: must lie between 0 and 1, got {alpha}")
    if exposure.at_risk[:, :start].sum() <= 0 or not (exposure.week < start).any():
        raise DataError(
            f"start: in the first {start} weeks there is no fault of a vehicle in service to learn from; start later"
        )
    delay = _delay(exposure, longest_delay)
    age = WEEK_DAYS * (exposure.weeks - np.arange(exposure.weeks) - 0.5) - 0.5
    complete = np.ones(exposure.weeks) if delay is None else delay.completeness(age)
    expected_faults = expect_faults(exposure, until=start, complete=complete)
    model, of = np.unique(exposure.strata["model"].to_numpy(), return_inverse=True)
    block = exposure.strata["build"].to_numpy() // BLOCK
    block = np.searchsorted(np.unique(block), block)
    blocks = int(block.max()) + 1
    group = of * blocks + block
    parts = [
        _by_group(expected_faults.of_component(c), group, len(model) * blocks) for c in range(len(exposure.components))
    ]
    by_build = np.concatenate(parts).reshape(-1, blocks, exposure.weeks)
    due = by_build.sum(axis=1)
    before = exposure.week < start
    cell = exposure.component * len(model) + of[exposure.stratum]
    events = np.bincount(cell[before], minlength=len(due)).astype(np.float64)
    cells = pl.DataFrame(
        {"model": np.tile(model, len(exposure.components)), "component": np.repeat(exposure.components, len(model))}
    )
    looks = exposure.weeks - start
    known = np.zeros((len(cells), blocks, exposure.weeks))
    begins = _begins(cells, start, reset_weeks or {})
    late = (exposure.week >= begins[cell]) & (exposure.report_week < exposure.weeks)
    np.add.at(known, (cell[late], block[exposure.stratum[late]], exposure.report_week[late]), 1.0)
    count = known[:, :, start:].cumsum(axis=2)
    between_model_variance, scale = _between_model_variance(events, due[:, :start] @ complete[:start])
    for row in np.flatnonzero(begins > start):
        by_build[row, :, : begins[row]] = 0.0
    expected = _matured(by_build[:, :, start:], delay) * scale
    log_e = np.column_stack(
        [build_range_evidence(count[:, :, k], expected[:, :, k], between_model_variance) for k in range(looks)]
    )
    log_e[expected.sum(axis=1)[:, -1] <= 0] = 0.0
    share = due[:, max(start - 13, 0) : start].sum(axis=1)
    share = share / max(share.sum(), 1e-12) * (1 - START_SHARE) + START_SHARE / len(cells)
    return SurveillanceResult(
        exposure, expected_faults, cells, start, begins, count.sum(axis=1), expected.sum(axis=1), log_e,
        np.log(1 / (alpha * share)),
        between_model_variance, scale, delay,
    )  # fmt: skip


def _begins(cells: pl.DataFrame, start: int, reset_weeks: Mapping[tuple[str, str], int]) -> IntArray:
    """First week watched of each cell."""
    return np.array([max(start, reset_weeks.get(name, start)) for name in cells.rows()], dtype=np.int64)


def _by_group(values: FloatArray, group: npt.NDArray[np.intp], n_groups: int) -> FloatArray:
    """Sum strata of a group, shape (n_groups, n_weeks)."""
    order = np.argsort(group, kind="stable")
    there, begins = np.unique(group[order], return_index=True)
    found = np.zeros((n_groups, values.shape[1]))
    found[there] = np.add.reduceat(values[order], begins, axis=0)
    return found


def _delay(exposure: FleetExposure, longest: int) -> ReportingDelay | None:
    if not len(exposure.delay_days):
        return None
    return fit_delay(
        exposure.delay_days, exposure.observable_days, longest=min(longest, int(exposure.observable_days.max()))
    )


def _matured(due: FloatArray, delay: ReportingDelay | None) -> FloatArray:
    """Faults to be known by the end of each week, of those that come in the weeks so far."""
    looks = due.shape[-1]
    if delay is None:
        return np.asarray(due.cumsum(axis=-1))
    lag = np.arange(looks)[None, :] - np.arange(looks)[:, None]
    part = delay.completeness(WEEK_DAYS * (lag + 0.5) - 0.5)  # from the middle of a week to the end of another
    return np.asarray(due @ np.where(lag >= 0, part, 0.0))


def _between_model_variance(count: FloatArray, expected: FloatArray) -> tuple[float, float]:
    """Variance of the models' rates around the usual one, and that one, from cells in which nothing stands out.

    The variance is the upper limit of its profile likelihood: few cells tell little of how models differ, and taken too
    low, a model that is merely prone would look faulty.
    """
    there = expected > 0
    n, e = count[there], expected[there]
    usual = np.ones(len(n), dtype=np.bool_)
    for _ in range(4):
        if n[usual].sum() == 0:
            return float(VARIANCES[-1]), 1.0
        mean, variance, upper = _spread(n[usual], e[usual])
        error = np.sqrt(mean * e + variance * (mean * e) ** 2)
        kept = n - mean * e <= OUTLYING * np.maximum(error, 1.0)
        if (kept == usual).all():
            break
        usual = kept
    return upper, mean


def _spread(count: FloatArray, expected: FloatArray) -> tuple[float, float, float]:
    """Mean, variance, and the variance's upper limit, of rates drawn from a gamma, by likelihood on a grid."""
    n, e = count[None, None, :], expected[None, None, :]
    means = count.sum() / expected.sum() * np.linspace(0.8, 1.25, 31)[:, None, None]
    size = 1 / VARIANCES[None, :, None]
    table = (
        gammaln(n + size)
        - gammaln(size)
        + size * np.log(size)
        + n * np.log(means)
        - (n + size) * np.log(size + means * e)
    ).sum(axis=2)
    best = table.max(axis=0)
    at, v = np.unravel_index(int(table.argmax()), table.shape)
    possible = np.flatnonzero(best >= best.max() - UPPER)
    return float(means[at, 0, 0]), float(VARIANCES[v]), float(VARIANCES[possible[-1]])

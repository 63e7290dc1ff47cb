"""Weekly surveillance of fault counts for every (model, component) cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from features.errors import DataError
from ml.domain.arrays import FloatArray, IntArray
from ml.domain.faults.build_range import scan_builds
from ml.domain.faults.build_range_evidence import CellReference
from ml.domain.faults.reporting_delay import ReportingDelay, fit_delay
from ml.fault_rate.cell_counts import CellCounts, count_cells, reported_by_week
from ml.fault_rate.expected import ExpectedFaults, expect_faults
from ml.fault_rate.exposure import WEEK_DAYS, FleetExposure
from ml.fault_rate.model_effects import INTERVAL, Population, fit_population, raised_cells, rate_ratio_posterior
from ml.fault_rate.model_years import UNKNOWN_BUILD, affected_builds

NOTABLE_RATE_RATIO = 1.5  # reported: the posterior probability that the rate ratio exceeds this
MAX_P_VALUE = 0.05  # of a build range that is reported as affected
ALARM_PRIOR = 1.0  # faults: weak, because the evidence has shown that the cell is not like the others
ALARM = {
    "model": pl.String, "component": pl.String, "detected_on": pl.Date, "built_from": pl.Date, "built_until": pl.Date,
    "model_year_from": pl.Int64, "model_year_until": pl.Int64,
    "count": pl.Int64, "expected": pl.Float64, "rate_ratio": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "probability_notable": pl.Float64, "log_evidence": pl.Float64, "alarm_threshold": pl.Float64,
    "own_ratio": pl.Float64, "ratio_shape": pl.Float64,
}  # fmt: skip
EVEN_SHARE = 0.1  # share of the false-alarm rate spread evenly over cells, for models that enter service later
RECENT_WEEKS = 13  # weeks before `start` whose expected faults distribute the rest of the false-alarm rate


@dataclass(frozen=True)
class SurveillanceResult:
    """Weekly fault counts, expected counts and evidence of each cell.

    Returned by `ml.fault_rate.surveillance.run_surveillance`.

    A cell is one component of one model; a test week is a week from `start` on.

    Attributes
    ----------
    exposure : FleetExposure
        Exposure and faults that were tested.
    expected_faults : ExpectedFaults
        Expected faults by component, stratum and week, with the baseline rates.
    counts : CellCounts
        Faults and expected faults at the baseline rates, by cell and build period.
    references : tuple of CellReference
        Reference weeks of each cell, times the mean of `population`: own rate ratio, and the evidence given them.
    population : Population
        Distribution of the cells' own rate ratios around the baseline.
    raised : DataFrame
        Cells whose own rate was credibly raised in the reference weeks, from
        `ml.fault_rate.model_effects.raised_cells`.
    start : int
        First test week; baseline rates and own rate ratios are estimated from the weeks before.
    log_e : ndarray of shape (n_cells, n_test_weeks)
        Natural logarithm of the e-value.
    alarm_threshold : ndarray of shape (n_cells,)
        Log evidence at which a cell raises an alarm.
    delay : ReportingDelay or None
        None where reports have no date.
    """

    exposure: FleetExposure
    expected_faults: ExpectedFaults
    counts: CellCounts
    references: tuple[CellReference, ...]
    population: Population
    raised: pl.DataFrame
    start: int
    log_e: FloatArray
    alarm_threshold: FloatArray
    delay: ReportingDelay | None

    @property
    def cells(self) -> pl.DataFrame:
        """`model`, `component` of each cell."""
        return self.counts.cells

    @property
    def first_weeks(self) -> IntArray:
        """First test week of each cell: later than `start` where its last alarm was closed. int64 (n_cells,)."""
        return self.counts.first_weeks

    @property
    def count(self) -> FloatArray:
        """Cumulative faults reported up to the end of each test week. float64 (n_cells, n_test_weeks)."""
        return np.asarray(self.counts.count.sum(axis=1))

    @cached_property
    def expected(self) -> FloatArray:
        """Expected value of `count` at the normal rate, corrected for reporting delay. float64, shape as `count`."""
        ratio = self.population.mean * self.normal_ratio
        return np.asarray(self.counts.expected.sum(axis=1) * ratio[:, None])

    @cached_property
    def normal_ratio(self) -> FloatArray:
        """Normal rate of each cell over the baseline rate of its component, float64 (n_cells,).

        The posterior mean given the reference weeks; where a cell has an alarm, that of the builds that are not
        affected, because the fault may have been in the reference weeks.
        """
        ratio = np.array([reference.mean for reference in self.references])
        for row in np.flatnonzero(self.detection_week >= 0):
            ratio[row] = self._alarm(int(row))["own_ratio"]
        return ratio

    @property
    def detection_week(self) -> IntArray:
        """Test week, counted from `start`, at whose end each cell first reached its alarm threshold; -1 for none.

        int64 of shape (n_cells,), in the order of `cells`.
        """
        above = self.log_e >= self.alarm_threshold[:, None]
        return np.where(above.any(axis=1), above.argmax(axis=1), -1)

    def expected_weekly(self, weeks: int) -> FloatArray:
        """Return the expected faults per week of each cell at its normal rate.

        Faults count in the week of the workshop visit; there is no correction for reporting delay.

        Parameters
        ----------
        weeks : int
            Number of weeks at the end of the records over which the mean is taken, at least 1; more than the records
            have means all weeks.

        Returns
        -------
        ndarray of float64, shape (n_cells,)
            Faults per week, in the order of `cells`.
        """
        recent = self.counts.weekly[:, :, -weeks:].mean(axis=2).sum(axis=1)
        return np.asarray(recent * self.population.mean * self.normal_ratio)

    def alarms(self) -> pl.DataFrame:
        """Return the cells that have reached their alarm threshold, sorted by how far they exceed it.

        Returns
        -------
        DataFrame
            `model`, `component`, `detected_on` (day), `built_from` and `built_until` (days; affected builds, null where
            all builds are affected alike), `model_year_from` and `model_year_until` (first and last model year of these
            builds, where builds are known by model year), `count` and `expected` faults of these builds, `rate_ratio`
            (posterior mean of their rate over the normal rate of the model) with `low` and `high` (90% credible
            limits), `probability_notable` (of a rate ratio above 1.5), `log_evidence` (highest so far),
            `alarm_threshold`, `own_ratio` (normal rate of the model over the component's baseline rate) and
            `ratio_shape` (shape of the gamma posterior of `rate_ratio`; its rate is ``ratio_shape / rate_ratio``).
            Counts begin with the records
            where the fault was present in the reference weeks, with the test weeks where it was not.
        """
        rows = np.flatnonzero(self.detection_week >= 0)
        rows = rows[np.argsort(-(self.log_e.max(axis=1) - self.alarm_threshold)[rows], kind="stable")]
        return pl.DataFrame([self._alarm(int(row)) for row in rows], schema=ALARM)

    def _alarm(self, row: int) -> dict[str, object]:
        model, component = self.cells.row(row)
        first_week, onset = int(self.first_weeks[row]), self._onset(row)
        quarter, count, expected = self._by_build(model, component, onset)
        dated = np.flatnonzero(quarter != UNKNOWN_BUILD)
        builds = scan_builds(count[dated], expected[dated])
        significant = builds is not None and builds.p_value <= MAX_P_VALUE
        affected = (
            dated[builds.first : builds.last + 1] if builds is not None and significant else np.arange(len(count))
        )
        n, e = int(count[affected].sum()), float(expected[affected].sum())
        own_ratio, own_shape = self.references[row].mean, self.references[row].test_shape
        if significant:  # the builds that are not affected show the normal rate, before and after the onset
            _, *whole = self._by_build(model, component, 0 if first_week == self.start else onset)
            prior = 1 / self.population.upper
            own_shape = prior + float(whole[0].sum()) - n
            own_ratio = own_shape / (prior + max(float(whole[1].sum()) - e, 0.0))
        ratio = rate_ratio_posterior(n, e * own_ratio, prior_shape=ALARM_PRIOR, normal_variance=1 / own_shape)
        low, high = (float(ratio.quantile(p)[0]) for p in INTERVAL)
        day = self.exposure.first_day + WEEK_DAYS * (self.start + self.detection_week[row] + 1)
        return {
            "model": model,
            "component": component,
            "detected_on": _day(day),
            **affected_builds(quarter[affected] if significant else None, self.exposure.build_axis),
            "count": n,
            "expected": e * own_ratio,
            "rate_ratio": float(ratio.mean()[0]),
            "low": low,
            "high": high,
            "probability_notable": float(ratio.probability_above(NOTABLE_RATE_RATIO)[0]),
            "log_evidence": float(self.log_e[row].max()),
            "alarm_threshold": float(self.alarm_threshold[row]),
            "own_ratio": own_ratio,
            "ratio_shape": float(ratio.shape[0, 0]),
        }

    def _onset(self, row: int) -> int:
        """Return the week from which the faults of an alarm count: 0 where the fault was in the reference weeks."""
        if self.first_weeks[row] > self.start:
            return int(self.first_weeks[row])
        periods = _periods(self.counts, row)
        reference = self.references[row]
        odds = reference.log_odds_always(
            self.counts.count[row, periods, -1], self.counts.expected[row, periods, -1] * self.population.mean
        )
        return 0 if odds > 0 else self.start

    def _by_build(self, model: str, component: str, since: int) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return the build quarters with exposure, and their faults and expected faults from week `since` on."""
        model_strata = np.flatnonzero((self.exposure.strata["model"] == model).to_numpy())
        c = self.exposure.components.index(component)
        quarters, quarter = np.unique(self.exposure.strata["build"].to_numpy()[model_strata], return_inverse=True)
        weekly = self.expected_faults.of_component(c)[model_strata][:, since:]
        reported = reported_by_week(weekly, self.delay)[:, -1] * self.population.mean
        e = np.bincount(quarter, weights=reported, minlength=len(quarters)).astype(np.float64)
        faults = self.exposure
        events = (faults.component == c) & (faults.report_week < faults.weeks) & (faults.week >= since)
        by_stratum = np.bincount(faults.stratum[events], weights=faults.events[events], minlength=faults.strata.height)
        n = np.bincount(quarter, weights=by_stratum[model_strata], minlength=len(quarters)).astype(np.float64)
        exposed = e > 0
        return quarters[exposed].astype(np.int64), n[exposed], e[exposed]


def _day(since_epoch: float) -> object:
    return np.datetime64(math.floor(since_epoch), "D").item()


def run_surveillance(
    exposure: FleetExposure,
    *,
    start: int,
    alpha: float,
    longest_delay: int,
    rate_drift: float = 0.05,
    reset_weeks: Mapping[tuple[str, str], int] | None = None,
) -> SurveillanceResult:
    """Estimate baseline rates from the weeks before `start` and test every cell in each week from then on.

    Parameters
    ----------
    exposure : FleetExposure
        As returned by `ml.fault_rate.exposure.build_exposure` or `ml.fault_rate.reports.build_report_exposure`.
    start : int
        First test week, counted from week 0 of `exposure`; at least 2.
    alpha : float
        Family-wise false-alarm rate: upper limit of the probability of one or more false alarms over all cells and
        weeks.
    longest_delay : int
        Days after which a fault counts as reported; not used where reports have no date.
    rate_drift : float
        Standard deviation of a cell's rate in the test weeks over its rate in the reference weeks, without a fault; 0.1
        means that changes of about 10% raise no alarm.
    reset_weeks : mapping of (model, component) to int, optional
        Week (as `start`) from which the evidence of a cell starts again at 0, because its last alarm was closed then:
        faults before it cannot raise the next alarm.

    Returns
    -------
    SurveillanceResult
        `cells` with cumulative `count`, `expected` faults and `log_e` by test week; `alarms()` lists the cells above
        their alarm threshold.

    Raises
    ------
    DataError
        `start`, `alpha` or `rate_drift` is out of its range, or the weeks before `start` have no exposure or no fault.

    Notes
    -----
    A cell whose log evidence reaches ``log(1 / (alpha * share))`` raises an alarm. The shares of the cells sum to 1 and
    follow their expected faults of the 13 weeks before `start`. See `ml.domain.faults.build_range_evidence`.

    Examples
    --------
    A fault on every 20th day for 20 weeks, then one on every second day:

    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.fault_rate.reports import build_report_exposure
    >>> microseconds, day = 24 * 3_600 * 1_000_000, np.arange(280)
    >>> fault = np.where(day < 140, day % 20 == 0, day % 2 == 0)
    >>> records = pl.DataFrame({"fault": fault, "serviced_at": day * microseconds}).with_columns(
    ...     model=pl.lit("A"), component=pl.lit("brakes"))
    >>> exposure = build_report_exposure(records, as_of=280 * microseconds, since=0)
    >>> result = run_surveillance(exposure, start=20, alpha=0.05, longest_delay=60)
    >>> result.alarms().select("model", "component", "detected_on").row(0)
    ('A', 'brakes', datetime.date(1970, 6, 4))
    """
    if not 2 <= start < exposure.weeks:
        raise DataError(f"start: must lie between week 2 and {exposure.weeks - 1} of the records, got {start}")
    if not 0 < alpha < 1:
        raise DataError(f"alpha: must lie between 0 and 1, got {alpha}")
    if not 0 <= rate_drift <= 1:
        raise DataError(f"rate_drift: must lie between 0 and 1, got {rate_drift}")
    has_exposure = any(exposure.at_risk_of(c)[:, :start].any() for c in range(len(exposure.components)))
    if not has_exposure or not exposure.events[exposure.week < start].any():
        raise DataError(
            f"start: in the first {start} weeks there is no fault of a vehicle in service to estimate baseline rates "
            "from; set more reference_weeks"
        )
    delay = _delay(exposure, longest_delay)
    age = WEEK_DAYS * (exposure.weeks - np.arange(exposure.weeks) - 0.5) - 0.5
    complete = np.ones(exposure.weeks) if delay is None else delay.completeness(age)
    expected_faults = expect_faults(exposure, until=start, complete=complete)
    counts = count_cells(expected_faults, start=start, delay=delay, complete=complete, reset_weeks=reset_weeks or {})
    reference_count, reference_expected = (v.sum(axis=1) for v in (counts.reference_count, counts.reference_expected))
    population = fit_population(reference_count, reference_expected)
    references, log_e = [], np.zeros((counts.cells.height, exposure.weeks - start))
    for row in range(counts.cells.height):
        periods = _periods(counts, row)
        reference = CellReference(
            counts.reference_count[row, periods], counts.reference_expected[row, periods] * population.mean,
            variance=population.upper, drift=rate_drift,
        )  # fmt: skip
        references.append(reference)
        log_e[row] = reference.log_e(counts.count[row, periods].T, counts.expected[row, periods].T * population.mean)
    raised = raised_cells(
        counts.cells, reference_count, reference_expected * population.mean, variance=population.upper, alpha=alpha
    )
    share = counts.weekly[:, :, max(start - RECENT_WEEKS, 0) : start].sum(axis=(1, 2))
    share = share / max(share.sum(), 1e-12) * (1 - EVEN_SHARE) + EVEN_SHARE / len(share)
    return SurveillanceResult(
        exposure, expected_faults, counts, tuple(references), population, raised, start, log_e,
        np.log(1 / (alpha * share)), delay,
    )  # fmt: skip


def _periods(counts: CellCounts, row: int) -> IntArray:
    """Return the build periods of a cell that have exposure or faults; the first where none has."""
    active = (counts.reference_expected[row] > 0) | (counts.expected[row, :, -1] > 0)
    active |= (counts.reference_count[row] > 0) | (counts.count[row, :, -1] > 0)
    return np.flatnonzero(active) if active.any() else np.zeros(1, dtype=np.int64)


def _delay(exposure: FleetExposure, longest: int) -> ReportingDelay | None:
    if not len(exposure.delay_days):
        return None
    observable = exposure.observable_days
    longest = min(longest, int(observable.max()))
    return fit_delay(exposure.delay_days, observable, longest=longest, weight=exposure.events)

"""Weekly surveillance of fault counts for every (model, component) cell."""

from __future__ import annotations

import math
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

NOTABLE_RATE_RATIO = 1.5  # reported: the posterior probability that the rate ratio exceeds this
BLOCK_QUARTERS = 2  # build quarters pooled in the evidence
OUTLIER_ERRORS = 4.0  # cells this many standard errors above the mean do not inform about the between-model variance
VARIANCES = np.geomspace(1e-4, 2.0, 60)
LOG_LIKELIHOOD_DROP = 1.353  # half the 90% quantile of chi-squared with 1 degree of freedom: a one-sided 95% limit
MAX_P_VALUE = 0.05  # of a build range that is reported as affected
ALARM = {
    "model": pl.String, "component": pl.String, "detected_on": pl.Date, "built_from": pl.Date, "built_until": pl.Date,
    "count": pl.Int64, "expected": pl.Float64, "rate_ratio": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "probability_notable": pl.Float64, "log_evidence": pl.Float64, "alarm_threshold": pl.Float64,
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
    cells : DataFrame
        `model`, `component` of each cell.
    start : int
        First test week; baseline rates are estimated from the weeks before.
    first_weeks : ndarray of shape (n_cells,)
        First test week of each cell: later than `start` where its last alarm was closed.
    count : ndarray of shape (n_cells, n_test_weeks)
        Cumulative faults reported up to the end of each test week.
    expected : ndarray of shape (n_cells, n_test_weeks)
        Expected value of `count` under the baseline rates, corrected for reporting delay.
    log_e : ndarray of shape (n_cells, n_test_weeks)
        Natural logarithm of the e-value.
    alarm_threshold : ndarray of shape (n_cells,)
        Log evidence at which a cell raises an alarm.
    between_model_variance : float
        Variance of the models' own rate ratios around the baseline, upper 95% limit.
    scale : float
        Mean rate ratio of the cells that are no outliers; it multiplies the baseline rates.
    delay : ReportingDelay or None
        None where reports have no date.
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
        """Test week, counted from `start`, at whose end each cell first reached its alarm threshold; -1 for none.

        int64 of shape (n_cells,), in the order of `cells`.
        """
        above = self.log_e >= self.alarm_threshold[:, None]
        return np.where(above.any(axis=1), above.argmax(axis=1), -1)

    def expected_weekly(self, weeks: int) -> FloatArray:
        """Return the expected faults per week of each cell at the baseline rates, times `scale`.

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
        models, model = np.unique(self.exposure.strata["model"].to_numpy(), return_inverse=True)
        parts = []
        for c in range(len(self.exposure.components)):
            recent = self.expected_faults.of_component(c)[:, -weeks:].mean(axis=1)
            parts.append(np.bincount(model, weights=recent, minlength=len(models)))
        return np.asarray(np.concatenate(parts) * self.scale, dtype=np.float64)

    @property
    def _models(self) -> list[str]:
        return self.cells["model"][: self.cells.height // len(self.exposure.components)].to_list()

    def alarms(self) -> pl.DataFrame:
        """Return the cells that have reached their alarm threshold, sorted by how far they exceed it.

        Returns
        -------
        DataFrame
            `model`, `component`, `detected_on` (day), `built_from` and `built_until` (days; affected builds, null where
            all builds are affected alike), `count` and `expected` faults of these builds in all weeks, `rate_ratio`
            (posterior mean) with `low` and `high` (90% credible limits), `probability_notable` (of a rate ratio above
            1.5), `log_evidence` (highest so far), `alarm_threshold`.
        """
        rows = np.flatnonzero(self.detection_week >= 0)
        rows = rows[np.argsort(-(self.log_e.max(axis=1) - self.alarm_threshold)[rows], kind="stable")]
        return pl.DataFrame([self._alarm(int(row)) for row in rows], schema=ALARM)

    def _alarm(self, row: int) -> dict[str, object]:
        model, component = self.cells.row(row)
        quarter, count, expected = self._by_build(model, component)
        builds = scan_builds(count, expected)
        significant = builds is not None and builds.p_value <= MAX_P_VALUE
        first, last = (builds.first, builds.last) if builds is not None and significant else (0, len(quarter) - 1)
        n, e = int(count[first : last + 1].sum()), float(expected[first : last + 1].sum())
        prior = one_gamma(1 / self.between_model_variance, 1 / self.between_model_variance)
        low, high = (float(posterior_quantile(prior, [n], [e], probability=p)[0]) for p in (0.05, 0.95))
        day = self.exposure.first_day + WEEK_DAYS * (self.start + self.detection_week[row] + 1)
        return {
            "model": model,
            "component": component,
            "detected_on": _day(day),
            "built_from": _day(quarter[first] * QUARTER_DAYS) if significant else None,
            "built_until": _day((quarter[last] + 1) * QUARTER_DAYS) if significant else None,
            "count": n,
            "expected": e,
            "rate_ratio": float(posterior_mean(prior, [n], [e])[0]),
            "low": low,
            "high": high,
            "probability_notable": float(probability_above(prior, [n], [e], ratio=NOTABLE_RATE_RATIO)[0]),
            "log_evidence": float(self.log_e[row].max()),
            "alarm_threshold": float(self.alarm_threshold[row]),
        }

    def _by_build(self, model: str, component: str) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return the build quarters with exposure, and their faults and expected faults in all weeks."""
        model_strata = np.flatnonzero((self.exposure.strata["model"] == model).to_numpy())
        c = self.exposure.components.index(component)
        quarters, quarter = np.unique(self.exposure.strata["build"].to_numpy()[model_strata], return_inverse=True)
        first_week = self.first_weeks.reshape(len(self.exposure.components), -1)[c, self._models.index(model)]
        since = int(first_week) if first_week > self.start else 0
        weekly = self.expected_faults.of_component(c)[model_strata][:, since:]
        reported = _reported_by_week(weekly, self.delay)[:, -1] * self.scale
        e = np.bincount(quarter, weights=reported, minlength=len(quarters)).astype(np.float64)
        faults = self.exposure
        events = (faults.component == c) & (faults.report_week < faults.weeks) & (faults.week >= since)
        by_stratum = np.bincount(faults.stratum[events], minlength=faults.strata.height)
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
        `start` or `alpha` is out of its range, or the weeks before `start` have no exposure or no fault.

    Notes
    -----
    A cell whose log evidence reaches ``log(1 / (alpha * share))`` raises an alarm. The shares of the cells sum to 1 and
    follow their expected faults of the 13 weeks before `start`. See `ml.domain.faults.sequential_evidence`.

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
    ('A', 'brakes', datetime.date(1970, 7, 9))
    """
    if not 2 <= start < exposure.weeks:
        raise DataError(f"start: must lie between week 2 and {exposure.weeks - 1} of the records, got {start}")
    if not 0 < alpha < 1:
        raise DataError(f"alpha: must lie between 0 and 1, got {alpha}")
    if exposure.at_risk[:, :start].sum() <= 0 or not (exposure.week < start).any():
        raise DataError(
            f"start: in the first {start} weeks there is no fault of a vehicle in service to estimate baseline rates "
            "from; set more reference_weeks"
        )
    delay = _delay(exposure, longest_delay)
    age = WEEK_DAYS * (exposure.weeks - np.arange(exposure.weeks) - 0.5) - 0.5
    complete = np.ones(exposure.weeks) if delay is None else delay.completeness(age)
    expected_faults = expect_faults(exposure, until=start, complete=complete)
    models, model = np.unique(exposure.strata["model"].to_numpy(), return_inverse=True)
    block = exposure.strata["build"].to_numpy() // BLOCK_QUARTERS
    block = np.searchsorted(np.unique(block), block)
    blocks = int(block.max()) + 1
    group = model * blocks + block
    parts = [
        _by_group(expected_faults.of_component(c), group, len(models) * blocks) for c in range(len(exposure.components))
    ]
    by_build = np.concatenate(parts).reshape(-1, blocks, exposure.weeks)
    weekly = by_build.sum(axis=1)
    is_reference = exposure.week < start
    cell = exposure.component * len(models) + model[exposure.stratum]
    reference_faults = np.bincount(cell[is_reference], minlength=len(weekly)).astype(np.float64)
    cells = pl.DataFrame(
        {"model": np.tile(models, len(exposure.components)), "component": np.repeat(exposure.components, len(models))}
    )
    test_weeks = exposure.weeks - start
    reported = np.zeros((len(cells), blocks, exposure.weeks))
    first_weeks = _first_weeks(cells, start, reset_weeks or {})
    tested = (exposure.week >= first_weeks[cell]) & (exposure.report_week < exposure.weeks)
    np.add.at(reported, (cell[tested], block[exposure.stratum[tested]], exposure.report_week[tested]), 1.0)
    count = reported[:, :, start:].cumsum(axis=2)
    variance, scale = _between_model_variance(reference_faults, weekly[:, :start] @ complete[:start])
    for row in np.flatnonzero(first_weeks > start):
        by_build[row, :, : first_weeks[row]] = 0.0
    expected = _reported_by_week(by_build[:, :, start:], delay) * scale
    log_e = np.column_stack(
        [build_range_evidence(count[:, :, k], expected[:, :, k], variance) for k in range(test_weeks)]
    )
    log_e[expected.sum(axis=1)[:, -1] <= 0] = 0.0
    share = weekly[:, max(start - RECENT_WEEKS, 0) : start].sum(axis=1)
    share = share / max(share.sum(), 1e-12) * (1 - EVEN_SHARE) + EVEN_SHARE / len(cells)
    return SurveillanceResult(
        exposure, expected_faults, cells, start, first_weeks, count.sum(axis=1), expected.sum(axis=1), log_e,
        np.log(1 / (alpha * share)), variance, scale, delay,
    )  # fmt: skip


def _first_weeks(cells: pl.DataFrame, start: int, reset_weeks: Mapping[tuple[str, str], int]) -> IntArray:
    return np.array([max(start, reset_weeks.get(name, start)) for name in cells.rows()], dtype=np.int64)


def _by_group(values: FloatArray, group: npt.NDArray[np.intp], n_groups: int) -> FloatArray:
    """Return the sums of the strata of each group, shape (n_groups, n_weeks)."""
    order = np.argsort(group, kind="stable")
    groups, starts = np.unique(group[order], return_index=True)
    sums = np.zeros((n_groups, values.shape[1]))
    sums[groups] = np.add.reduceat(values[order], starts, axis=0)
    return sums


def _delay(exposure: FleetExposure, longest: int) -> ReportingDelay | None:
    if not len(exposure.delay_days):
        return None
    observable = exposure.observable_days
    return fit_delay(exposure.delay_days, observable, longest=min(longest, int(observable.max())))


def _reported_by_week(expected: FloatArray, delay: ReportingDelay | None) -> FloatArray:
    """Return the cumulative expected faults that are reported by the end of each week, shape as `expected`."""
    weeks = expected.shape[-1]
    if delay is None:
        return np.asarray(expected.cumsum(axis=-1))
    lag = np.arange(weeks)[None, :] - np.arange(weeks)[:, None]
    share = delay.completeness(WEEK_DAYS * (lag + 0.5) - 0.5)  # from the middle of a week to the end of another
    return np.asarray(expected @ np.where(lag >= 0, share, 0.0))


def _between_model_variance(count: FloatArray, expected: FloatArray) -> tuple[float, float]:
    """Return the between-model variance of rate ratios and their mean, from cells that are no outliers.

    The variance is the upper limit of its profile likelihood: few cells determine it badly, and with too low a variance
    an ordinary model with a somewhat higher rate would raise an alarm.
    """
    exposed = expected > 0
    n, e = count[exposed], expected[exposed]
    ordinary = np.ones(len(n), dtype=np.bool_)
    for _ in range(4):
        if n[ordinary].sum() == 0:
            return float(VARIANCES[-1]), 1.0
        mean, variance, upper = _fit_gamma(n[ordinary], e[ordinary])
        error = np.sqrt(mean * e + variance * (mean * e) ** 2)
        within = n - mean * e <= OUTLIER_ERRORS * np.maximum(error, 1.0)
        if (within == ordinary).all():
            break
        ordinary = within
    return upper, mean


def _fit_gamma(count: FloatArray, expected: FloatArray) -> tuple[float, float, float]:
    """Return mean, variance and upper limit of the variance of gamma rate ratios, by likelihood on a grid."""
    n, e = count[None, None, :], expected[None, None, :]
    means = count.sum() / expected.sum() * np.linspace(0.8, 1.25, 31)[:, None, None]
    size = 1 / VARIANCES[None, :, None]
    log_likelihood = (
        gammaln(n + size)
        - gammaln(size)
        + size * np.log(size)
        + n * np.log(means)
        - (n + size) * np.log(size + means * e)
    ).sum(axis=2)
    profile = log_likelihood.max(axis=0)
    m, v = np.unravel_index(int(log_likelihood.argmax()), log_likelihood.shape)
    plausible = np.flatnonzero(profile >= profile.max() - LOG_LIKELIHOOD_DROP)
    return float(means[m, 0, 0]), float(VARIANCES[v]), float(VARIANCES[plausible[-1]])

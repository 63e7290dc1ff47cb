"""Day on which the next routine service of a vehicle falls due: by date or by distance, whichever comes first.

Distance is driven in chunks: the number of chunks in some days is Poisson, so the variance of a distance is its mean
times the chunk. The rate of a vehicle is its typical rate (declared, or the mean of similar vehicles) times a ratio
that is gamma distributed over vehicles. This is the gamma-Poisson model: the distance driven so far updates the gamma
distribution of the rate, and the days T in which the vehicle drives R km more are the waiting time for
``n = R / chunk`` chunks, ``T / days ~ beta prime(n, shape)`` (N. L. Johnson, S. Kotz and N. Balakrishnan (1995),
Continuous Univariate Distributions 2, chapter 27). Between two readings N chunks apart, the waiting times of the chunks
are a Dirichlet share of the time, so that the first n take a share ``beta(n, N - n)`` of it (the same, chapter 25). A
quantile of the earlier of that day and a fixed date is the earlier of their quantiles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, digamma, ndtri, polygamma

from ml.domain.arrays import FloatArray

# Defaults where the records are too few: a month's distance varies by 40% of 1,200 km, and vehicles by 45%.
DEFAULT_CHUNK_KM, DEFAULT_SHAPE = 200.0, 5.0
MIN_CHUNK_KM, MIN_SHAPE, MAX_SHAPE = 1.0, 0.5, 1e6
MIN_DAYS, MIN_VEHICLES = 60.0, 20
LARGE = 300.0
OUTLIER_SHARE, MAX_RATIO = 0.01, 5.0  # typing errors: share of steps to trim, and factor from the median rate


@dataclass(frozen=True)
class Driving:
    """How vehicles drive relative to their typical rate, as returned by `fit_driving`.

    Attributes
    ----------
    chunk : float
        Variance over mean of the distance driven in some days (km).
    level : float
        Mean over vehicles of own rate over typical rate.
    shape : float
        Shape of the gamma distribution of that ratio; its coefficient of variation is ``shape ** -0.5``.
    """

    chunk: float = DEFAULT_CHUNK_KM
    level: float = 1.0
    shape: float = DEFAULT_SHAPE


@dataclass(frozen=True)
class Rate:
    """Gamma distribution of each vehicle's driving rate (chunks per day), as returned by `posterior_rate`.

    Attributes
    ----------
    shape, days : ndarray of shape (n_vehicles,)
        Shape and rate parameter of the gamma distribution: prior plus observed chunks, prior plus observed days.
    chunk : float or ndarray of shape (n_vehicles,)
        km per chunk.
    """

    shape: FloatArray
    days: FloatArray
    chunk: float | FloatArray

    @property
    def km_a_day(self) -> FloatArray:
        """Mean driving rate of each vehicle (km per day)."""
        return np.asarray(self.chunk * self.shape / self.days)

    def days_until(self, km: npt.ArrayLike, quantile: float) -> FloatArray:
        """Return a quantile of the days in which each vehicle drives a distance (km); 0 for a distance of 0.

        Parameters
        ----------
        km : array of shape (n_vehicles,)
            Distance to drive.
        quantile : float
            Probability between 0 and 1.

        Returns
        -------
        ndarray of shape (n_vehicles,)
            Days.

        Examples
        --------
        >>> exact = Rate(np.array([2e9]), np.array([5e7]), chunk=1.0)  # 40 km a day, certain
        >>> exact.days_until([4_000.0], 0.5).round(1).tolist()
        [100.0]
        >>> uncertain = Rate(np.array([5.0]), np.array([25.0]), chunk=200.0)  # 40 km a day, from few readings
        >>> uncertain.days_until([4_000.0], 0.1).round().tolist(), uncertain.days_until([4_000.0], 0.9).round().tolist()
        ([57.0], [213.0])
        """
        distance = np.maximum(np.asarray(km, dtype=np.float64), 0.0)
        chunks = np.maximum(distance / self.chunk, 1e-9)
        n, shape, days = np.broadcast_arrays(chunks, self.shape, self.days)
        # With this many chunks the logarithm is normal to three digits, and costs a tenth of the time.
        large = np.minimum(n, shape) > LARGE
        spread = np.sqrt(polygamma(1, n[large]) + polygamma(1, shape[large]))
        ratio = np.empty(n.shape)
        ratio[large] = np.exp(digamma(n[large]) - digamma(shape[large]) + ndtri(quantile) * spread)
        share = betaincinv(n[~large], shape[~large], quantile)
        ratio[~large] = np.divide(share, 1 - share, out=np.full(share.shape, np.inf), where=share < 1)
        return np.asarray(np.where(distance > 0, days * ratio, 0.0))


@dataclass(frozen=True)
class Limits:
    """Date limit of each vehicle's service, and the readings between which its distance limit lies.

    Attributes
    ----------
    date : ndarray of shape (n_vehicles,)
        Day of the date limit, such as days from 1970-01-01; infinite for none.
    since, remaining : ndarray of shape (n_vehicles,)
        Day of the last reading below the distance limit, and km that remained on it; infinite or NaN where unknown.
    until, driven : ndarray of shape (n_vehicles,)
        Day of the first reading at or above the limit, and km driven from `since` to it; NaN where there is none yet.
    """

    date: FloatArray
    since: FloatArray
    remaining: FloatArray
    until: FloatArray
    driven: FloatArray

    def take(self, rows: slice) -> Limits:
        """Return the limits of some vehicles."""
        return Limits(*(v[rows] for v in (self.date, self.since, self.remaining, self.until, self.driven)))


def fit_driving(vehicle: npt.ArrayLike, km: npt.ArrayLike, days: npt.ArrayLike, *, typical: npt.ArrayLike) -> Driving:
    """Estimate chunk, level and shape from steps between odometer readings, by the method of moments.

    Parameters
    ----------
    vehicle : array of int, shape (n_steps,)
        Vehicle of each step from one odometer reading to the next; between 0 and ``n_vehicles - 1``.
    km, days : array of shape (n_steps,)
        Distance (km) of the step, at least 0, and its duration (days), above 0.
    typical : array of shape (n_vehicles,)
        Typical driving rate of each vehicle (km per day), above 0.

    Returns
    -------
    Driving
        `chunk` (km), `level` and `shape`. Defaults for what the steps do not determine: chunk without a vehicle of two
        steps, level and shape with fewer than 20 vehicles of at least 60 days.

    Raises
    ------
    ValueError
        A distance is negative, or a duration or a typical rate is not above 0.

    Examples
    --------
    >>> driving = fit_driving([0, 0, 1, 1], [2_000, 2_000, 8_000, 8_000], [100.0] * 4, typical=[20.0, 80.0])
    >>> driving == Driving(chunk=1.0, level=1.0, shape=5.0)  # too few vehicles to estimate level and shape
    True
    """
    who, typical_rate = np.asarray(vehicle, dtype=np.int64), np.asarray(typical, dtype=np.float64)
    step, time = np.asarray(km, dtype=np.float64), np.asarray(days, dtype=np.float64)
    if not (step >= 0).all() or not (time > 0).all() or not (typical_rate > 0).all():
        raise ValueError("km must be at least 0, days above 0 and typical above 0: leave out the other steps")
    n = len(typical_rate)
    count, driven, total = (np.bincount(who, weights=w, minlength=n) for w in (np.ones(len(who)), step, time))
    moved = driven > 0
    rate = np.divide(driven, total, out=np.zeros(n), where=moved)
    usable = moved[who] & (count[who] > 1)
    freedom = float((count[moved & (count > 1)] - 1).sum())
    mean = rate[who][usable] * time[usable]
    squares = (step[usable] - mean) ** 2 / mean
    # A typing error that no other reading contradicts weighs as much as thousands of steps.
    trimmed = squares <= np.quantile(squares, 1 - OUTLIER_SHARE) if len(squares) else squares > 0
    chunk = DEFAULT_CHUNK_KM
    if freedom > 0:
        chunk = max(float(squares[trimmed].sum()) / (freedom * (1 - OUTLIER_SHARE)), MIN_CHUNK_KM)
    measured = moved & (total >= MIN_DAYS)
    if measured.sum() < MIN_VEHICLES:
        return Driving(chunk=chunk)
    ratio = rate[measured] / typical_rate[measured]
    near = np.abs(np.log(ratio / np.median(ratio))) <= np.log(MAX_RATIO)
    measured[measured] = near
    ratio = ratio[near]
    level = float(ratio.mean())
    between = float(((ratio - level) ** 2 - level * chunk / (typical_rate[measured] * total[measured])).mean())
    shape = MAX_SHAPE if between <= 0 else float(np.clip(level**2 / between, MIN_SHAPE, MAX_SHAPE))
    return Driving(chunk, level, shape)


def posterior_rate(driving: Driving, km: npt.ArrayLike, days: npt.ArrayLike, *, typical: npt.ArrayLike) -> Rate:
    """Return the rate of each vehicle given its distance so far: its own rate, shrunk towards its typical one.

    Parameters
    ----------
    driving : Driving
        As returned by `ml.domain.maintenance.service_due.fit_driving`.
    km, days : array of shape (n_vehicles,)
        Distance (km) and days between the first and the last reading; 0 where there are not two.
    typical : array of shape (n_vehicles,)
        Typical driving rate (km per day), above 0.

    Returns
    -------
    Rate
        `km_a_day` is the mean rate of each vehicle; `days_until` the days in which it drives a distance.

    Examples
    --------
    >>> driving = Driving(chunk=100.0, level=1.0, shape=10.0)
    >>> rate = posterior_rate(driving, [0.0, 1_000.0, 99_000.0], [0.0, 50.0, 990.0], typical=[40.0] * 3)
    >>> rate.km_a_day.round(1).tolist()
    [40.0, 26.7, 98.5]
    """
    typical_rate = np.asarray(typical, dtype=np.float64)
    prior_days = driving.shape * driving.chunk / (driving.level * typical_rate)
    shape = driving.shape + np.asarray(km, dtype=np.float64) / driving.chunk
    return Rate(np.asarray(shape), np.asarray(prior_days + np.asarray(days, dtype=np.float64)), driving.chunk)


def km_days(limits: Limits, rate: Rate, probability: float) -> FloatArray:
    """Return a quantile of the day on which each vehicle has driven its distance.

    Parameters
    ----------
    limits : Limits
        Distances and the readings around them.
    rate : Rate
        Driving rate from `limits.since` on, from `posterior_rate`.
    probability : float
        Between 0 and 1, ends excluded.

    Returns
    -------
    ndarray of shape (n_vehicles,)
        Days, on the axis of `limits`; infinite without a distance limit or a rate.

    Raises
    ------
    ValueError
        `probability` does not lie between 0 and 1.

    Examples
    --------
    >>> rate = Rate(np.full(2, 2e9), np.full(2, 5e7), chunk=1.0)  # 40 km a day, certain
    >>> nan = np.full(2, np.nan)
    >>> limits = Limits(np.full(2, np.inf), np.zeros(2), np.array([4_000.0, 80.0]), nan, nan)
    >>> km_days(limits, rate, 0.5).round(1).tolist()
    [100.0, 2.0]

    The limit was passed between two readings: half of 20 chunks, in 60 days.

    >>> slow = Rate(np.array([5.0]), np.array([25.0]), chunk=100.0)
    >>> passed = Limits(np.array([np.inf]), *(np.array([v]) for v in (0.0, 1_000.0, 60.0, 2_000.0)))
    >>> [round(float(km_days(passed, slow, p)[0])) for p in (0.1, 0.5, 0.9)]
    [21, 30, 39]
    """
    if not 0 < probability < 1:
        raise ValueError(f"probability must lie between 0 and 1, got {probability}")
    begin, distance = limits.since, limits.remaining
    days = np.full(begin.shape, np.inf)
    measured = np.isfinite(distance) & np.isfinite(begin) & np.isfinite(rate.km_a_day)
    chunk = np.broadcast_to(rate.chunk, measured.shape)
    passed = measured & np.isfinite(limits.until)
    ahead = measured & ~passed
    own = Rate(rate.shape[ahead], rate.days[ahead], chunk[ahead])
    days[ahead] = begin[ahead] + own.days_until(distance[ahead], probability)
    first = np.maximum(distance[passed] / chunk[passed], 1e-6)
    rest = np.maximum((limits.driven[passed] - distance[passed]) / chunk[passed], 1e-6)
    share = betaincinv(first, rest, probability)
    days[passed] = begin[passed] + share * (limits.until[passed] - begin[passed])
    return days


def due_days(limits: Limits, rate: Rate, probabilities: npt.ArrayLike) -> FloatArray:
    """Return quantiles of the day on which each service falls due: the earlier of date and distance.

    Parameters
    ----------
    limits : Limits
        Date limit, distance and readings of each vehicle.
    rate : Rate
        Driving rate, from `posterior_rate`.
    probabilities : array of shape (n_probabilities,)
        Between 0 and 1, ends excluded.

    Returns
    -------
    ndarray of shape (n_vehicles, n_probabilities)
        Days, on the axis of `limits`; infinite without a date and a distance.

    Examples
    --------
    >>> rate = Rate(np.full(2, 2e9), np.full(2, 5e7), chunk=1.0)  # 40 km a day, certain
    >>> nan = np.full(2, np.nan)
    >>> limits = Limits(np.full(2, 365.0), np.zeros(2), np.array([7_500.0, 20_000.0]), nan, nan)
    >>> due_days(limits, rate, [0.1, 0.9]).round().tolist()
    [[185.0, 190.0], [365.0, 365.0]]
    """
    levels = np.asarray(probabilities, dtype=np.float64)
    return np.stack([np.minimum(limits.date, km_days(limits, rate, p)) for p in levels], axis=1)

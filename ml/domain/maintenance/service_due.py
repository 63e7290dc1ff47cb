"""When the next routine service of a vehicle falls due: by its date or by the distance driven, whichever comes first.

Distance is driven in chunks: how many a vehicle drives in some days is Poisson, so the variance of a distance is its
mean times the chunk. A vehicle's rate is its typical rate (what it is said to drive, or what its like drive) times a
ratio that is gamma distributed over vehicles. Both together are the gamma-Poisson model: what a vehicle has driven
updates the gamma distribution of its rate, and the days until it has driven R km more are the waiting time for
``n = R / chunk`` chunks, ``T / rate ~ beta prime(n, shape)`` (N. L. Johnson, S. Kotz and N. Balakrishnan (1995),
Continuous Univariate Distributions 2, chapter 27). The earlier of that day and a fixed date has the earlier quantile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, digamma, ndtri, polygamma

from ml.domain.arrays import BoolArray, FloatArray

# Taken where records cannot tell: months vary by 40 % of 1,200 km, and vehicles by 45 % of what is typical.
USUAL_CHUNK_KM, USUAL_SHAPE = 200.0, 5.0
LEAST_CHUNK_KM, LEAST_SHAPE, MOST_SHAPE = 1.0, 0.5, 1e6
ENOUGH_DAYS, ENOUGH_VEHICLES = 60.0, 20
MANY = 300.0
WILD, FAR_OFF = 0.01, 5.0  # share of steps, and times the median rate, that are slips of the pen rather than driving


@dataclass(frozen=True)
class Driving:
    """How vehicles drive, against what is typical for each.

    Attributes
    ----------
    chunk : float
        Variance of the distance of some days over its mean (km).
    level : float
        Mean over vehicles of own rate over typical rate.
    shape : float
        Of the gamma distribution of that ratio; its coefficient of variation is ``shape ** -0.5``.
    """

    chunk: float = USUAL_CHUNK_KM
    level: float = 1.0
    shape: float = USUAL_SHAPE


@dataclass(frozen=True)
class Rate:
    """Gamma distribution of each vehicle's chunks a day.

    Attributes
    ----------
    shape, days : ndarray of shape (n_vehicles,)
        Chunks and days that are known of it, with those that its like lend to it.
    chunk : float or ndarray of shape (n_vehicles,)
        km.
    """

    shape: FloatArray
    days: FloatArray
    chunk: float | FloatArray

    @property
    def km_a_day(self) -> FloatArray:
        """Mean of each."""
        return np.asarray(self.chunk * self.shape / self.days)

    def days_until(self, km: npt.ArrayLike, quantile: float) -> FloatArray:
        """Quantile of the days in which each drives a distance; 0 for none.

        Examples
        --------
        >>> exact = Rate(np.array([2e9]), np.array([5e7]), chunk=1.0)  # 40 km a day, without doubt
        >>> exact.days_until([4_000.0], 0.5).round(1).tolist()
        [100.0]
        >>> doubtful = Rate(np.array([5.0]), np.array([25.0]), chunk=200.0)  # the same 40 km a day, from little
        >>> doubtful.days_until([4_000.0], 0.1).round().tolist(), doubtful.days_until([4_000.0], 0.9).round().tolist()
        ([57.0], [213.0])
        """
        more = np.maximum(np.asarray(km, dtype=np.float64), 0.0)
        chunks = np.maximum(more / self.chunk, 1e-9)
        n, shape, known = np.broadcast_arrays(chunks, self.shape, self.days)
        # With this many chunks the logarithm is normal to three digits, and costs a tenth of the time.
        many = np.minimum(n, shape) > MANY
        spread = np.sqrt(polygamma(1, n[many]) + polygamma(1, shape[many]))
        found = np.empty(n.shape)
        found[many] = np.exp(digamma(n[many]) - digamma(shape[many]) + ndtri(quantile) * spread)
        share = betaincinv(n[~many], shape[~many], quantile)
        found[~many] = np.divide(share, 1 - share, out=np.full(share.shape, np.inf), where=share < 1)
        return np.asarray(np.where(more > 0, known * found, 0.0))


@dataclass(frozen=True)
class Due:
    """When something falls due.

    Attributes
    ----------
    day, low, high : ndarray of shape (n_vehicles,)
        Median and interval (days on the axis that was given); infinite where neither date nor distance can be told.
    by_km : ndarray of bool
        Whether the distance is likelier to come first than the date.
    """

    day: FloatArray
    low: FloatArray
    high: FloatArray
    by_km: BoolArray


def fit_driving(vehicle: npt.ArrayLike, km: npt.ArrayLike, days: npt.ArrayLike, *, typical: npt.ArrayLike) -> Driving:
    """Estimate the chunk and the spread of ratios by moments.

    Parameters
    ----------
    vehicle : array of int, shape (n_steps,)
        Whose step from one reading of the odometer to the next it is; between 0 and ``n_vehicles - 1``.
    km, days : array of shape (n_steps,)
        Driven in it, at least 0, and how long it took, above 0.
    typical : array of shape (n_vehicles,)
        Typical rate (km a day), above 0.

    Raises
    ------
    ValueError
        A distance, time or rate out of range.

    Examples
    --------
    >>> driving = fit_driving([0, 0, 1, 1], [2_000, 2_000, 8_000, 8_000], [100.0] * 4, typical=[20.0, 80.0])
    >>> driving == Driving(chunk=1.0, level=1.0, shape=5.0)  # too few vehicles to say how they differ
    True
    """
    who, usual = np.asarray(vehicle, dtype=np.int64), np.asarray(typical, dtype=np.float64)
    step, time = np.asarray(km, dtype=np.float64), np.asarray(days, dtype=np.float64)
    if not (step >= 0).all() or not (time > 0).all() or not (usual > 0).all():
        raise ValueError("km must be at least 0, days above 0 and typical above 0: leave out what is not")
    n = len(usual)
    count, driven, total = (np.bincount(who, weights=w, minlength=n) for w in (np.ones(len(who)), step, time))
    moved = driven > 0
    rate = np.divide(driven, total, out=np.zeros(n), where=moved)
    of = moved[who] & (count[who] > 1)
    freedom = float((count[moved & (count > 1)] - 1).sum())
    mean = rate[who][of] * time[of]
    each = (step[of] - mean) ** 2 / mean
    # A slip of the pen that no other reading contradicts weighs as much as thousands of steps.
    kept = each <= np.quantile(each, 1 - WILD) if len(each) else each > 0
    chunk = max(float(each[kept].sum()) / (freedom * (1 - WILD)), LEAST_CHUNK_KM) if freedom > 0 else USUAL_CHUNK_KM
    known = moved & (total >= ENOUGH_DAYS)
    if known.sum() < ENOUGH_VEHICLES:
        return Driving(chunk=chunk)
    ratio = rate[known] / usual[known]
    near = np.abs(np.log(ratio / np.median(ratio))) <= np.log(FAR_OFF)
    known[known] = near
    ratio = ratio[near]
    level = float(ratio.mean())
    between = float(((ratio - level) ** 2 - level * chunk / (usual[known] * total[known])).mean())
    shape = MOST_SHAPE if between <= 0 else float(np.clip(level**2 / between, LEAST_SHAPE, MOST_SHAPE))
    return Driving(chunk, level, shape)


def posterior_rate(driving: Driving, km: npt.ArrayLike, days: npt.ArrayLike, *, typical: npt.ArrayLike) -> Rate:
    """Rate of each vehicle, given what it has driven: its own, shrunk towards its typical one.

    Parameters
    ----------
    driving : Driving
        See `fit_driving`.
    km, days : array of shape (n_vehicles,)
        Between its first and last reading; 0 where there are not two.
    typical : array of shape (n_vehicles,)
        km a day, above 0.

    Examples
    --------
    >>> driving = Driving(chunk=100.0, level=1.0, shape=10.0)
    >>> rate = posterior_rate(driving, [0.0, 1_000.0, 99_000.0], [0.0, 50.0, 990.0], typical=[40.0] * 3)
    >>> rate.km_a_day.round(1).tolist()
    [40.0, 26.7, 98.5]
    """
    usual = np.asarray(typical, dtype=np.float64)
    lent = driving.shape * driving.chunk / (driving.level * usual)
    shape = driving.shape + np.asarray(km, dtype=np.float64) / driving.chunk
    return Rate(np.asarray(shape), np.asarray(lent + np.asarray(days, dtype=np.float64)), driving.chunk)


def next_due(
    date_limit: npt.ArrayLike, since: npt.ArrayLike, remaining: npt.ArrayLike, rate: Rate, *, share: float = 0.8
) -> Due:
    """The earlier of a date and the day on which a distance has been driven.

    Parameters
    ----------
    date_limit : array of shape (n_vehicles,)
        Day; infinite where there is none.
    since, remaining : array of shape (n_vehicles,)
        Day of the last reading, and km that were left then; infinite where not known. With a distance below 0 it fell
        due before: give the day itself and 0.
    rate : Rate
        From then on.
    share : float
        Of the interval.

    Raises
    ------
    ValueError
        share does not lie between 0 and 1.

    Examples
    --------
    >>> rate = Rate(np.full(2, 2e9), np.full(2, 5e7), chunk=1.0)  # 40 km a day, without doubt
    >>> found = next_due([365.0, 365.0], [0.0, 0.0], [7_500.0, 20_000.0], rate)
    >>> found.day.round(1).tolist(), found.by_km.tolist()
    ([187.5, 365.0], [True, False])
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, got {share}")
    limit, begin = np.asarray(date_limit, dtype=np.float64), np.asarray(since, dtype=np.float64)
    left = np.asarray(remaining, dtype=np.float64)
    told = np.isfinite(left) & np.isfinite(begin)
    some = Rate(rate.shape[told], rate.days[told], np.broadcast_to(rate.chunk, told.shape)[told])

    def at(quantile: float) -> FloatArray:
        days = np.full(limit.shape, np.inf)
        days[told] = begin[told] + some.days_until(left[told], quantile)
        return days

    middle = at(0.5)
    low, high = (np.minimum(limit, at(q)) for q in ((1 - share) / 2, (1 + share) / 2))
    return Due(np.minimum(limit, middle), low, high, np.asarray(middle < limit))

"""Remaining life of vehicles in a fleet: rate of leaving by age, from the fleet's own exits, and survival.

Vehicles leave at a rate that is constant within an age band (piecewise exponential model; Friedman, 1982, Annals of
Statistics 10, 101-113): the estimate of a band is its exits over the vehicle-years spent in it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray

AGES = np.array([2.0, 4.0, 6.0, 8.0, 10.0])  # years: limits of the age bands
MIN_EXITS = 20  # exits of a fleet below which no rate is estimated: its standard error would exceed a fifth
PRIOR_EXITS = 10.0  # exits of the whole fleet's rate that are added to each age band


def exits_by_age(
    first_age: npt.ArrayLike, last_age: npt.ArrayLike, has_left: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Return the exits and the vehicle-years of each age band.

    Parameters
    ----------
    first_age, last_age : array of shape (n_vehicles,)
        Age (years) at the begin and at the end of the time in which the vehicle was observed in service.
    has_left : array of bool, shape (n_vehicles,)
        Whether the vehicle left service at `last_age`.

    Returns
    -------
    exits, years : ndarray of shape (6,)
        By age: below 2 years, 2 to 4, 4 to 6, 6 to 8, 8 to 10, from 10.

    Examples
    --------
    One vehicle observed from 1 to 3 years, when it leaves.

    >>> exits, years = exits_by_age([1.0], [3.0], [True])
    >>> exits[:3].tolist(), years[:3].tolist()
    ([0.0, 1.0, 0.0], [1.0, 1.0, 0.0])
    """
    first, last = (np.maximum(np.asarray(v, dtype=np.float64), 0.0) for v in (first_age, last_age))
    left = np.asarray(has_left, dtype=np.bool_)
    low, high = np.r_[0.0, AGES], np.r_[AGES, np.inf]
    years = np.array(
        [np.maximum(np.minimum(last, b) - np.maximum(first, a), 0.0).sum() for a, b in zip(low, high, strict=True)]
    )
    exits = np.bincount(np.searchsorted(AGES, last[left], side="right"), minlength=len(low))
    return exits.astype(np.float64), years


def leaving_rates(exits: npt.ArrayLike, years: npt.ArrayLike) -> FloatArray | None:
    """Return the exits per vehicle-year of each age band, shrunk towards the rate of all bands.

    Parameters
    ----------
    exits, years : array of shape (6,)
        As returned by `exits_by_age`.

    Returns
    -------
    ndarray of shape (6,) or None
        ``(exits + 10) / (years + 10 / overall rate)``; None below 20 exits.

    Examples
    --------
    >>> leaving_rates([0, 30, 0, 0, 0, 0], [100, 200, 0, 0, 0, 0]).round(3).tolist()
    [0.05, 0.133, 0.1, 0.1, 0.1, 0.1]
    >>> leaving_rates([3, 0, 0, 0, 0, 0], [100, 0, 0, 0, 0, 0]) is None
    True
    """
    n, time = (np.asarray(v, dtype=np.float64) for v in (exits, years))
    if n.sum() < MIN_EXITS or time.sum() <= 0:
        return None
    overall = n.sum() / time.sum()
    return np.asarray((n + PRIOR_EXITS) / (time + PRIOR_EXITS / overall))


def survival(rates: npt.ArrayLike, age: npt.ArrayLike, times: npt.ArrayLike) -> FloatArray:
    """Return the probability that a vehicle is still in service after each time.

    Parameters
    ----------
    rates : array of shape (6,)
        Exits per vehicle-year by age band, as returned by `leaving_rates`.
    age : array of shape (n_vehicles,)
        Age today (years).
    times : array of shape (n_times,)
        Years from today, not below 0.

    Returns
    -------
    ndarray of shape (n_vehicles, n_times)

    Examples
    --------
    >>> import numpy as np
    >>> survival(np.full(6, 0.1), [1.0], [0.0, 5.0]).round(4).tolist()
    [[1.0, 0.6065]]
    """
    rate = np.asarray(rates, dtype=np.float64)
    now = np.maximum(np.asarray(age, dtype=np.float64), 0.0)
    knots = np.r_[0.0, AGES]
    cumulative = np.r_[0.0, np.cumsum(rate[:-1] * np.diff(knots))]

    def hazard(at: FloatArray) -> FloatArray:
        beyond = np.maximum(at - knots[-1], 0.0) * rate[-1]
        return np.asarray(np.interp(at, knots, cumulative) + beyond)

    ages, row = np.unique(now, return_inverse=True)  # a fleet has far fewer build days than vehicles
    later = ages[:, None] + np.asarray(times, dtype=np.float64)[None, :]
    return np.asarray(np.exp(hazard(ages)[:, None] - hazard(later))[row])

"""Effect of inspecting vehicles: faults to come over their remaining life, and faults that an inspection avoids.

A vehicle's part is either unrepaired, with faults at ``ratio`` times the baseline rate ``b(t)``, or repaired, with
faults at ``r = min(ratio, 1) + (1 - repair_effectiveness) * max(ratio - 1, 0)`` times ``b(t)``. The first fault of an
unrepaired part repairs it, as an inspection does, and a repair holds until the end of the horizon. With ``B(t)`` the
integral of ``b`` from today, the first fault at the elevated rate falls between two moments with probability
``exp(-ratio * B(t1)) - exp(-ratio * B(t2))`` (an inhomogeneous Poisson process). Each first fault costs
``k = (ratio - r) / ratio`` faults more than a repaired part would have had. An earlier repair removes those until it
ends, at ``s``: until then the part fails at the rate of a repaired one, so that ``ratio * B(t)`` in the probability is
``r * B(s) + ratio * (B(t) - B(s))`` for ``t`` above ``s``. Therefore ::

    faults to come   = sum over slices of time of  w * (r * dB + k * P(first fault in the slice, after s))
    avoided at visit = sum over slices of time of  w * k * P(first fault in the slice, after s and after the visit)

where ``w`` is the probability of being in service, times the discount factor for money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import FloatArray

NODES = 20  # values of the rate ratio that stand for its posterior, each for a twentieth of the probability
INTERVAL = (0.05, 0.95)
DRAWS = 20_000
ROWS_AT_ONCE = 1_000  # vehicles whose slices fit into the cache of a processor core


@dataclass(frozen=True)
class Outlook:
    """Baseline faults of vehicles over a horizon, with their survival; the first argument of `faults_to_come`.

    Attributes
    ----------
    edges : ndarray of shape (n_slices + 1,)
        Years from today between the slices of the horizon, the first 0.
    baseline : ndarray of shape (n_vehicles, n_slices)
        Expected faults at the baseline rate in each slice of a vehicle that stays in service.
    in_service : ndarray of shape (n_vehicles, n_slices + 1)
        Probability of being in service at each edge.
    discount_rate : float
        A yuan in a year is worth ``1 / (1 + discount_rate)`` today.
    repaired_until : ndarray of shape (n_vehicles,)
        Years from today until which an earlier repair of the part holds; 0 for an unrepaired part.
    """

    edges: FloatArray
    baseline: FloatArray
    in_service: FloatArray
    discount_rate: float
    repaired_until: FloatArray

    @property
    def cumulative(self) -> FloatArray:
        """Baseline faults up to each edge, shape (n_vehicles, n_slices + 1)."""
        return np.concatenate([np.zeros((len(self.baseline), 1)), self.baseline.cumsum(axis=1)], axis=1)

    @property
    def weights(self) -> FloatArray:
        """Probability of being in service in the middle of each slice, shape (n_vehicles, n_slices)."""
        return np.asarray((self.in_service[:, 1:] + self.in_service[:, :-1]) / 2)

    @property
    def discounts(self) -> FloatArray:
        """Discount factor in the middle of each slice, shape (n_slices,)."""
        return self.discount((self.edges[1:] + self.edges[:-1]) / 2)

    def discount(self, years: npt.ArrayLike) -> FloatArray:
        """Return the present value of one yuan paid after some years.

        Parameters
        ----------
        years : array
            Years from today.
        """
        return np.asarray((1 + self.discount_rate) ** -np.asarray(years, dtype=np.float64))

    def at(self, values: FloatArray, years: npt.ArrayLike) -> FloatArray:
        """Return the values of each vehicle at a moment of its own, interpolated between the edges.

        Parameters
        ----------
        values : ndarray of shape (n_vehicles, n_slices + 1)
            Values at the edges, such as `in_service`.
        years : array of shape (n_vehicles,)
            Years from today; a moment beyond the horizon takes the value at its end.
        """
        moment = np.clip(np.asarray(years, dtype=np.float64), self.edges[0], self.edges[-1])
        right = np.clip(np.searchsorted(self.edges, moment, side="right"), 1, len(self.edges) - 1)
        share = (moment - self.edges[right - 1]) / (self.edges[right] - self.edges[right - 1])
        row = np.arange(len(values))
        return np.asarray(values[row, right - 1] * (1 - share) + values[row, right] * share)


@dataclass(frozen=True)
class Avoided:
    """Faults that inspections avoid, as returned by `avoided_faults`.

    Attributes
    ----------
    faults, discounted : ndarray of shape (n_ratios, n_vehicles)
        Avoided faults of each vehicle if it is inspected, by rate ratio; and their number discounted to today.
    by_slice : ndarray of shape (n_vehicles, n_slices)
        Discounted faults by slice of the horizon, mean over the rate ratios.
    """

    faults: FloatArray
    discounted: FloatArray
    by_slice: FloatArray


def ratio_nodes(posterior: tuple[float, float]) -> FloatArray:
    """Return 20 rate ratios that stand for a gamma posterior: its quantiles at 2.5%, 7.5%, ..., 97.5%.

    Parameters
    ----------
    posterior : tuple of float
        Shape and rate; the mean of the rate ratio is shape over rate.

    Returns
    -------
    ndarray of shape (20,)

    Raises
    ------
    ValueError
        A number is not finite or not above 0.

    Examples
    --------
    >>> ratio_nodes((400.0, 200.0)).mean().round(2)
    np.float64(2.0)
    """
    shape, rate = posterior
    if not (np.isfinite([shape, rate]).all() and min(shape, rate) > 0):
        raise ValueError(f"posterior must be two finite numbers above 0, got {posterior}")
    return np.asarray(gammaincinv(shape, (np.arange(NODES) + 0.5) / NODES) / rate)


def interval_of(totals: npt.ArrayLike) -> tuple[float, float]:
    """Return the 5% and 95% quantile of a figure by rate ratio; widened to its mean where that lies outside.

    Parameters
    ----------
    totals : array of shape (20,)
        Values at the ratios of `ratio_nodes`.

    Examples
    --------
    >>> import numpy as np
    >>> interval_of(np.arange(20.0))
    (0.5, 18.5)
    """
    values = np.asarray(totals, dtype=np.float64)
    # Hazen's plotting positions are those of the nodes.
    low, high = (float(v) for v in np.quantile(values, INTERVAL, method="hazen"))
    mean = float(values.mean())
    return min(low, mean), max(high, mean)


def _check_effectiveness(repair_effectiveness: float) -> None:
    if not 0 <= repair_effectiveness <= 1:
        raise ValueError(f"repair_effectiveness must lie between 0 and 1, got {repair_effectiveness}")


def faults_to_come(outlook: Outlook, ratios: FloatArray, *, repair_effectiveness: float) -> FloatArray:
    """Return the expected faults of each vehicle over the horizon without an inspection.

    Parameters
    ----------
    outlook : Outlook
        Baseline faults, survival and earlier repairs of the vehicles.
    ratios : ndarray of shape (n_ratios,)
        Rate ratios, such as ``ratio_nodes((60.0, 30.0))``.
    repair_effectiveness : float
        Share of the excess faults that a repair removes, 0 to 1.

    Returns
    -------
    ndarray of shape (n_ratios, n_vehicles)

    Raises
    ------
    ValueError
        `repair_effectiveness` is not a share.

    Examples
    --------
    One vehicle with 0.5 baseline faults at twice the rate: a repair brings the rate back to the baseline.

    >>> import numpy as np
    >>> outlook = Outlook(np.array([0.0, 1.0]), np.array([[0.5]]), np.ones((1, 2)), 0.0, np.zeros(1))
    >>> faults_to_come(outlook, np.array([2.0]), repair_effectiveness=0.0).round(3).tolist()
    [[1.0]]
    >>> faults_to_come(outlook, np.array([2.0]), repair_effectiveness=1.0).round(3).tolist()
    [[0.816]]
    """
    _check_effectiveness(repair_effectiveness)
    unvisited = np.zeros(len(outlook.baseline))
    avoided = avoided_faults(outlook, ratios, repair_effectiveness=repair_effectiveness, visit=unvisited)
    excess = np.maximum(ratios - 1, 0.0)
    repaired = np.minimum(ratios, 1.0) + (1 - repair_effectiveness) * excess
    return np.asarray(avoided.faults + repaired[:, None] * (outlook.weights * outlook.baseline).sum(axis=1)[None, :])


def avoided_faults(
    outlook: Outlook, ratios: FloatArray, *, repair_effectiveness: float, visit: npt.ArrayLike
) -> Avoided:
    """Return the faults that inspecting each vehicle avoids until the end of the horizon.

    Parameters
    ----------
    outlook : Outlook
        Baseline faults, survival and earlier repairs of the vehicles.
    ratios : ndarray of shape (n_ratios,)
        Rate ratios, such as ``ratio_nodes((60.0, 30.0))``; one below 1 has no excess faults.
    repair_effectiveness : float
        Share of the excess faults that a repair removes, 0 to 1.
    visit : array of shape (n_vehicles,)
        Years from today until each vehicle is inspected; from the end of the horizon on nothing is avoided.

    Returns
    -------
    Avoided

    Raises
    ------
    ValueError
        `repair_effectiveness` is not a share.

    Examples
    --------
    At twice the baseline rate, half of the first faults would not have happened to a repaired part:
    ``0.5 * (1 - exp(-2 * 0.5))``.

    >>> import numpy as np
    >>> outlook = Outlook(np.array([0.0, 1.0]), np.array([[0.5]]), np.ones((1, 2)), 0.0, np.zeros(1))
    >>> avoided = avoided_faults(outlook, np.array([2.0]), repair_effectiveness=1.0, visit=[0.0])
    >>> avoided.faults.round(3).tolist()
    [[0.316]]
    """
    _check_effectiveness(repair_effectiveness)
    cumulative, weights = outlook.cumulative, outlook.weights
    repaired = outlook.at(cumulative, outlook.repaired_until)
    begin = np.maximum(repaired, outlook.at(cumulative, visit))
    money = weights * outlook.discounts
    faults, discounted = (np.zeros((len(ratios), len(begin))) for _ in range(2))
    by_slice = np.zeros_like(money)
    for first in range(0, len(begin), ROWS_AT_ONCE):
        stop_if_abandoned()
        rows = slice(first, first + ROWS_AT_ONCE)
        exposed = np.maximum(cumulative[rows], begin[rows, None])
        # By parts, the sum of w * (u[t] - u[t + 1]) over slices is that of u times the steps of w: one product a ratio.
        steps, money_steps = (np.diff(w[rows], axis=1, prepend=0.0, append=0.0) for w in (weights, money))
        mean, unfailed = np.zeros_like(exposed), np.empty_like(exposed)
        for i, ratio in enumerate(np.asarray(ratios, dtype=np.float64)):
            if ratio <= 1:
                continue
            np.multiply(exposed, -ratio, out=unfailed)
            unfailed += repair_effectiveness * (ratio - 1) * repaired[rows, None]
            np.exp(unfailed, out=unfailed)
            saved = repair_effectiveness * (ratio - 1) / ratio
            faults[i, rows] = saved * np.einsum("ij,ij->i", unfailed, steps)
            discounted[i, rows] = saved * np.einsum("ij,ij->i", unfailed, money_steps)
            unfailed *= saved / len(ratios)
            mean += unfailed
        by_slice[rows] = money[rows] * (mean[:, :-1] - mean[:, 1:])
    return Avoided(faults, discounted, by_slice)


def parts_to_stock(
    visits: int, visit_probability: float, faults: npt.ArrayLike, *, service_level: float, seed: int = 0
) -> int:
    """Return the parts that suffice for inspections and faults, one part each, with some probability.

    Parameters
    ----------
    visits : int
        Vehicles that may be inspected in the time for which parts are stocked.
    visit_probability : float
        Probability that each of them comes.
    faults : array of shape (20,)
        Expected faults in this time at the ratios of `ratio_nodes`.
    service_level : float
        Probability that the parts suffice, 0 to 1.
    seed : int
        Seed of the 20,000 draws.

    Raises
    ------
    ValueError
        A probability does not lie between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> parts_to_stock(10, 1.0, np.zeros(20), service_level=0.95)
    10
    """
    for name, value in {"visit_probability": visit_probability, "service_level": service_level}.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    rng = np.random.default_rng(seed)
    expected = np.resize(np.asarray(faults, dtype=np.float64), DRAWS)
    parts = rng.binomial(visits, visit_probability, DRAWS) + rng.poisson(expected)
    return int(np.quantile(parts, service_level, method="inverted_cdf"))

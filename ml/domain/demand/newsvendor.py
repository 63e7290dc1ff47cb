"""How many to order: the newsvendor's trade of lost margin against the cost of a car that stays.

A car that is missing loses its margin (and what else a lost customer costs); a car too many is held until the next
review: floor-plan interest on what it cost, and holding. Neither is lost for good, which is why interest and not the
price stands on the other side. Demand is given by its quantiles over lead time plus review period.

Source: K. J. Arrow, T. Harris, J. Marschak (1951), Optimal inventory policy, Econometrica 19, 250-272; for periodic
review E. A. Silver, D. F. Pyke, D. J. Thomas (2017), Inventory and Production Management in Supply Chains,
chapters 6 and 9.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray, IntArray

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True)
class UnitCosts:
    """What one car costs if it is missing, and if it stays; yuan.

    Attributes
    ----------
    margin : float
        Gross margin of a sale, not below 0.
    lost_customer : float
        What a sale that cannot be made costs beside its margin.
    cost : float
        What the car cost the dealer: interest runs on it.
    floor_plan_rate : float
        Yearly rate of the floor plan, a fraction.
    holding_per_day : float
        Space, insurance, ageing of one car a day.

    Examples
    --------
    >>> costs = UnitCosts(margin=8_000, lost_customer=2_000, cost=150_000, floor_plan_rate=0.06, holding_per_day=15)
    >>> round(costs.overage(30), 2), round(costs.critical_ratio(30), 4)
    (1189.73, 0.8937)
    """

    margin: float
    lost_customer: float
    cost: float
    floor_plan_rate: float
    holding_per_day: float

    def __post_init__(self) -> None:
        for name, value in self.__dict__.items():
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and not below 0, got {value}")
        if self.underage == 0:
            raise ValueError("margin and lost_customer are both 0: a missing car costs nothing, and none is ordered")

    @property
    def underage(self) -> float:
        """Cost of one car too few."""
        return self.margin + self.lost_customer

    def overage(self, days: float) -> float:
        """Cost of one car too many, over so many days until the next review."""
        return self.cost * self.floor_plan_rate * days / DAYS_PER_YEAR + self.holding_per_day * days

    def critical_ratio(self, days: float) -> float:
        """Chance that demand is met at which one more car stops paying: underage over underage plus overage."""
        return self.underage / (self.underage + self.overage(days))


def order_up_to(levels: npt.ArrayLike, quantiles: npt.ArrayLike, ratio: npt.ArrayLike) -> IntArray:
    """The least whole number of cars that meets demand with at least the critical ratio.

    Between the given levels quantiles are joined by lines. Below the lowest level the lowest quantile is taken, above
    the highest the highest: the tail beyond it is not known.

    Parameters
    ----------
    levels : array of shape (n_levels,)
        Increasing, strictly between 0 and 1.
    quantiles : array of shape (..., n_levels)
        Of demand over lead time plus review period, not below 0, not crossing.
    ratio : array broadcasting with the leading shape
        Critical ratio, strictly between 0 and 1.

    Raises
    ------
    ValueError
        Names the argument and its rule.

    Examples
    --------
    >>> order_up_to([0.1, 0.5, 0.9], [[2.0, 4.0, 10.0], [0.0, 0.0, 1.0]], 0.7).tolist()
    [7, 1]
    """
    p, q, r = (np.asarray(v, dtype=np.float64) for v in (levels, quantiles, ratio))
    _check(p, q)
    if not ((r > 0) & (r < 1)).all():
        raise ValueError(f"ratio must lie strictly between 0 and 1, got {r[~((r > 0) & (r < 1))].ravel()[0]}")
    found = between(p, q, np.broadcast_to(r, q.shape[:-1])[..., None])[..., 0]
    return np.ceil(found - 1e-6).astype(np.int64)


def expected_cost(
    levels: npt.ArrayLike,
    quantiles: npt.ArrayLike,
    stock: npt.ArrayLike,
    *,
    underage: npt.ArrayLike,
    overage: npt.ArrayLike,
) -> FloatArray:
    """Expected cost of having so many cars, from the same quantiles: underage of those missing, overage of the rest.

    Parameters
    ----------
    levels, quantiles
        As for `order_up_to`.
    stock : array broadcasting with the leading shape
        Cars to meet the demand with.
    underage, overage : array broadcasting with the leading shape
        Cost of one too few and one too many, yuan.

    Examples
    --------
    Demand is 2 or 4 with equal chance: having 3 misses half a car and keeps half a car on average.

    >>> p = [0.0005, 0.4995, 0.5005, 0.9995]
    >>> round(float(expected_cost(p, [2, 2, 4, 4], 3, underage=10, overage=2)), 2)
    6.0
    """
    p, q, s = (np.asarray(v, dtype=np.float64) for v in (levels, quantiles, stock))
    _check(p, q)
    grid = (np.arange(400) + 0.5) / 400
    demand = between(p, q, grid)
    short = np.maximum(demand - s[..., None], 0.0).mean(axis=-1)
    left = np.maximum(s[..., None] - demand, 0.0).mean(axis=-1)
    return np.asarray(np.asarray(underage) * short + np.asarray(overage) * left)


def between(levels: FloatArray, quantiles: FloatArray, asked: FloatArray) -> FloatArray:
    """Quantiles at other levels, on the lines between those given; the outermost beyond them.

    Parameters
    ----------
    levels : array of shape (n_levels,)
    quantiles : array of shape (..., n_levels)
    asked : array of shape (n_asked,), or (..., n_asked) with the leading shape of `quantiles`

    Examples
    --------
    >>> between(np.array([0.2, 0.6]), np.array([[0.0, 4.0]]), np.array([0.1, 0.4, 0.9])).round(6).tolist()
    [[0.0, 2.0, 4.0]]
    """
    low = np.clip(np.searchsorted(levels, asked, side="right") - 1, 0, len(levels) - 2)
    share = np.clip((asked - levels[low]) / (levels[low + 1] - levels[low]), 0.0, 1.0)
    if low.ndim == 1:
        a, b = quantiles[..., low], quantiles[..., low + 1]
    else:
        a, b = (np.take_along_axis(quantiles, i, axis=-1) for i in (low, low + 1))
    return np.asarray(a + share * (b - a))


def _check(levels: FloatArray, quantiles: FloatArray) -> None:
    if levels.ndim != 1 or len(levels) < 2 or not (np.diff(levels) > 0).all() or not 0 < levels[0] < levels[-1] < 1:
        raise ValueError(f"levels must increase strictly between 0 and 1, at least two, got {levels.tolist()}")
    if quantiles.ndim < 1 or quantiles.shape[-1] != len(levels):
        raise ValueError(f"quantiles {quantiles.shape} must have one column for each of {len(levels)} levels")
    if not np.isfinite(quantiles).all() or (quantiles < 0).any():
        raise ValueError("quantiles must be finite and not below 0: demand is a number of cars")
    if (np.diff(quantiles, axis=-1) < -1e-9).any():
        raise ValueError("quantiles must not cross: each level's must be at least that of the level below")

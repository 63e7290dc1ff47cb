"""Order quantities by the newsvendor model: lost margin against the cost of holding an unsold vehicle.

A vehicle too few costs its margin and the lost customer (underage). A vehicle too many is held until the next review
and costs floor-plan interest and holding (overage); it is sold later, so that its price is not lost. Demand is given by
its quantiles over lead time plus review period.

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
    """Costs of one vehicle too few and one too many.

    Parameters
    ----------
    margin : float
        Gross margin of a sale, yuan, not below 0.
    lost_customer : float
        Further cost of a lost sale, yuan, not below 0.
    cost : float
        Purchase cost on which floor-plan interest is paid, yuan.
    floor_plan_rate : float
        Interest rate, fraction per year.
    holding_per_day : float
        Space, insurance and ageing, yuan per day.

    Raises
    ------
    ValueError
        A value is negative or not finite, or `margin` and `lost_customer` are both 0.

    Examples
    --------
    >>> from ml.domain.demand.newsvendor import UnitCosts
    >>> costs = UnitCosts(margin=8_000, lost_customer=2_000, cost=150_000, floor_plan_rate=0.06, holding_per_day=15)
    >>> round(costs.overage(days=30), 2), round(costs.critical_ratio(days=30), 4)
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
                raise ValueError(f"{name} must be finite and not negative, got {value}")
        if self.underage == 0:
            raise ValueError(
                "margin and lost_customer are both 0, so that a lost sale costs nothing: set at least one above 0"
            )

    @property
    def underage(self) -> float:
        """Cost of one vehicle too few, yuan."""
        return self.margin + self.lost_customer

    def overage(self, days: float) -> float:
        """Return the cost of one vehicle too many, in yuan: floor-plan interest and holding until the next review.

        Parameters
        ----------
        days : float
            Calendar days until the next review, for which the unsold vehicle is held; at least 0, not checked.

        Examples
        --------
        >>> from ml.domain.demand.newsvendor import UnitCosts
        >>> costs = UnitCosts(margin=8_000, lost_customer=2_000, cost=150_000, floor_plan_rate=0.06, holding_per_day=15)
        >>> round(costs.overage(days=30), 2)
        1189.73
        """
        return self.cost * self.floor_plan_rate * days / DAYS_PER_YEAR + self.holding_per_day * days

    def critical_ratio(self, days: float) -> float:
        """Return the newsvendor's critical ratio, ``underage / (underage + overage(days))``, above 0 and at most 1.

        It is the probability with which the stock should meet all demand. It is 1 if an unsold vehicle costs nothing:
        for 0 `days`, or without interest and holding.

        Parameters
        ----------
        days : float
            Calendar days until the next review, for which an unsold vehicle is held; at least 0, not checked.

        Examples
        --------
        >>> from ml.domain.demand.newsvendor import UnitCosts
        >>> costs = UnitCosts(margin=8_000, lost_customer=2_000, cost=150_000, floor_plan_rate=0.06, holding_per_day=15)
        >>> round(costs.critical_ratio(days=30), 4)
        0.8937
        """
        return self.underage / (self.underage + self.overage(days))


def order_up_to(levels: npt.ArrayLike, quantiles: npt.ArrayLike, ratio: npt.ArrayLike) -> IntArray:
    """Return the smallest whole number of vehicles that meets all demand with at least the critical ratio.

    Quantiles between the levels are interpolated linearly; outside them the lowest or highest quantile is used.

    Parameters
    ----------
    levels : array of shape (n_levels,)
        At least two quantile levels, increasing, strictly between 0 and 1.
    quantiles : array of shape (..., n_levels)
        Demand over lead time plus review period, vehicles, not negative, not crossing.
    ratio : array broadcasting with the leading shape
        Critical ratio, strictly between 0 and 1, as returned by `UnitCosts.critical_ratio`.

    Returns
    -------
    ndarray of int64, leading shape of `quantiles`
        Target of stock plus vehicles on order.

    Raises
    ------
    ValueError
        An argument breaks its rule; the message names the argument and the value.

    Examples
    --------
    >>> from ml.domain.demand.newsvendor import order_up_to
    >>> order_up_to([0.1, 0.5, 0.9], [[2.0, 4.0, 10.0], [0.0, 0.0, 1.0]], 0.7).tolist()
    [7, 1]
    """
    p, q, r = (np.asarray(v, dtype=np.float64) for v in (levels, quantiles, ratio))
    _check(p, q)
    if not ((r > 0) & (r < 1)).all():
        raise ValueError(f"ratio must be strictly between 0 and 1, got {r[~((r > 0) & (r < 1))].ravel()[0]}")
    quantile = interpolate_quantiles(p, q, np.broadcast_to(r, q.shape[:-1])[..., None])[..., 0]
    return np.ceil(quantile - 1e-6).astype(np.int64)


def interpolate_quantiles(levels: FloatArray, quantiles: FloatArray, at: FloatArray) -> FloatArray:
    """Return quantiles at other levels by linear interpolation; the outermost quantile outside `levels`.

    Parameters
    ----------
    levels : array of shape (n_levels,)
        Levels of `quantiles`, increasing.
    quantiles : array of shape (..., n_levels)
        Quantiles, in any unit.
    at : array of shape (n,) or (..., n)
        Levels to return; in the second form with the leading shape of `quantiles`.

    Returns
    -------
    ndarray of shape (..., n)
        In the unit of `quantiles`.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.demand.newsvendor import interpolate_quantiles
    >>> interpolate_quantiles(np.array([0.2, 0.6]), np.array([[0.0, 4.0]]), np.array([0.1, 0.4, 0.9])).round(6).tolist()
    [[0.0, 2.0, 4.0]]
    """
    low = np.clip(np.searchsorted(levels, at, side="right") - 1, 0, len(levels) - 2)
    share = np.clip((at - levels[low]) / (levels[low + 1] - levels[low]), 0.0, 1.0)
    if low.ndim == 1:
        a, b = quantiles[..., low], quantiles[..., low + 1]
    else:
        a, b = (np.take_along_axis(quantiles, i, axis=-1) for i in (low, low + 1))
    return np.asarray(a + share * (b - a))


def _check(levels: FloatArray, quantiles: FloatArray) -> None:
    if levels.ndim != 1 or len(levels) < 2 or not (np.diff(levels) > 0).all() or not 0 < levels[0] < levels[-1] < 1:
        raise ValueError(
            f"levels must be at least two increasing numbers between 0 and 1, ends excluded, got {levels.tolist()}"
        )
    if quantiles.ndim < 1 or quantiles.shape[-1] != len(levels):
        raise ValueError(f"quantiles {quantiles.shape} must have one column for each of {len(levels)} levels")
    if not np.isfinite(quantiles).all() or (quantiles < 0).any():
        raise ValueError("quantiles must be finite and not negative: demand is a number of vehicles")
    if (np.diff(quantiles, axis=-1) < -1e-9).any():
        raise ValueError("quantiles must not decrease from one level to the next")

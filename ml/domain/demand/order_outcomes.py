"""Lost sales and unsold stock of an order decision, on sample paths of demand until the next delivery.

Unmet demand is lost, so that an order cannot win back what is lost before it arrives. Policies are compared on the same
paths (common random numbers: A. M. Law (2015), Simulation Modeling and Analysis, section 11.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class OrderOutcomes:
    """Lost sales and stock left on each path, as returned by `order_outcomes`.

    Attributes
    ----------
    lost, left : ndarray of shape (n_cells, n_paths)
        Vehicles of demand lost in all spans, and vehicles unsold at the end of the last span.
    lost_before : ndarray of shape (n_cells, n_paths)
        Vehicles of demand lost before the last arrival, that of the order.
    """

    lost: FloatArray
    left: FloatArray
    lost_before: FloatArray

    def cost(self, underage: npt.ArrayLike, overage: npt.ArrayLike) -> FloatArray:
        """Return the cost of lost sales and unsold vehicles on each path.

        Parameters
        ----------
        underage, overage : array of shape (n_cells,)
            Cost of a lost sale and of a vehicle unsold at the end, yuan.

        Returns
        -------
        ndarray of shape (n_cells, n_paths)
            Yuan.

        Examples
        --------
        >>> outcomes = order_outcomes([[[3.0], [1.0]]], [[2.0, 4.0]])  # one lost before the order arrives, three left
        >>> outcomes.cost([9_000.0], [400.0]).tolist()
        [[10200.0]]
        """
        u, o = (np.asarray(v, dtype=np.float64)[:, None] for v in (underage, overage))
        return np.asarray(u * self.lost + o * self.left)


def order_outcomes(demand: npt.ArrayLike, arrivals: npt.ArrayLike) -> OrderOutcomes:
    """Return lost sales and stock left where vehicles arrive at the begin of each span of time.

    Parameters
    ----------
    demand : array of shape (n_cells, n_spans, n_paths)
        Demand in each span on each path, vehicles, not negative.
    arrivals : array of shape (n_cells, n_spans)
        Vehicles that arrive at the begin of each span, not negative; the first are the stock, the last the order.

    Returns
    -------
    OrderOutcomes
        `lost` and `left` (vehicles, n_cells by n_paths), and `lost_before`, the part lost before the last arrival.

    Raises
    ------
    ValueError
        Shapes differ, or a number is negative.

    Examples
    --------
    Three are in stock and two arrive later. Demand is four before and one after: one is lost, one is left.

    >>> outcomes = order_outcomes([[[4.0], [1.0]]], [[3.0, 2.0]])
    >>> outcomes.lost.tolist(), outcomes.left.tolist(), outcomes.lost_before.tolist()
    ([[1.0]], [[1.0]], [[1.0]])
    """
    d, arriving = np.asarray(demand, dtype=np.float64), np.asarray(arrivals, dtype=np.float64)
    if d.ndim != 3 or arriving.shape != d.shape[:2]:
        raise ValueError(
            f"demand must have shape (n_cells, n_spans, n_paths) and arrivals (n_cells, n_spans), got {d.shape} and "
            f"{arriving.shape}"
        )
    if (d < 0).any() or (arriving < 0).any():
        raise ValueError("demand and arrivals must not be negative: they are numbers of vehicles")
    stock, lost, before = (np.zeros((d.shape[0], d.shape[2])) for _ in range(3))
    for span in range(d.shape[1]):
        before = lost
        stock = stock + arriving[:, span, None]
        lost = lost + np.maximum(d[:, span] - stock, 0.0)
        stock = np.maximum(stock - d[:, span], 0.0)
    return OrderOutcomes(lost, stock, before)

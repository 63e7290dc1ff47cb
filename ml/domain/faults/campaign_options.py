"""Moments of an inspection compared on the same vehicles: cost, benefit, break-even, and the vehicles that pay.

Costs and benefits of vehicles add up, so that inspecting exactly the vehicles whose benefit is not below their cost has
the highest net benefit of all lists. All money is discounted to today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.faults.inspection_campaign import Avoided, Outlook, avoided_faults, interval_of


@dataclass(frozen=True)
class Inspections:
    """Inspection of every vehicle at a moment of its own, as returned by `inspections_at`.

    Attributes
    ----------
    visit : ndarray of shape (n_vehicles,)
        Years from today until the inspection.
    avoided : Avoided
        Faults that it avoids.
    in_service, weight : ndarray of shape (n_vehicles,)
        Probability that the vehicle is in service at the visit, and the same times the discount factor: the present
        value of a yuan that is spent if the vehicle comes.
    cost : ndarray of shape (n_vehicles,)
        Yuan: price of the inspection times `weight`.
    """

    visit: FloatArray
    avoided: Avoided
    in_service: FloatArray
    weight: FloatArray
    cost: FloatArray

    def benefit(self, value: float) -> FloatArray:
        """Return the yuan that the inspection of each vehicle saves.

        Parameters
        ----------
        value : float
            Yuan that one avoided fault is worth.
        """
        return np.asarray(value * self.avoided.discounted.mean(axis=0))


@dataclass(frozen=True)
class Figures:
    """Sums over some vehicles, as returned by `figures_of`; see `ml.fault_rate.campaign.CampaignOption`."""

    visits: float
    days: float
    avoided: float
    avoided_interval: tuple[float, float]
    cost: float
    benefit: float
    net_interval: tuple[float, float]
    break_even_years: float | None
    break_even_price: float | None


def inspections_at(
    outlook: Outlook, ratios: FloatArray, *, repair_effectiveness: float, visit: npt.ArrayLike, price: float
) -> Inspections:
    """Return the inspection of every vehicle at its moment.

    Parameters
    ----------
    outlook : Outlook
        Baseline faults and survival of the vehicles over the horizon.
    ratios : ndarray of shape (n_ratios,)
        As returned by `ml.domain.faults.inspection_campaign.ratio_nodes`.
    repair_effectiveness : float
        Share of the excess faults that an inspection removes, 0 to 1.
    visit : array of shape (n_vehicles,)
        Years from today until the inspection of each vehicle.
    price : float
        Yuan of one inspection.
    """
    moment = np.asarray(visit, dtype=np.float64)
    avoided = avoided_faults(outlook, ratios, repair_effectiveness=repair_effectiveness, visit=moment)
    in_service = outlook.at(outlook.in_service, moment)
    weight = in_service * outlook.discount(moment)
    return Inspections(moment, avoided, in_service, weight, price * weight)


def each_at_its_best(options: Sequence[Inspections], value: float) -> tuple[Inspections, IntArray]:
    """Return the inspection of every vehicle at the moment with the higher net benefit, and the position of the moment.

    Parameters
    ----------
    options : sequence of Inspections
        Of the same vehicles; the first is taken where several are equal.
    value : float
        Yuan that one avoided fault is worth.

    Returns
    -------
    best : Inspections
    position : ndarray of int, shape (n_vehicles,)
        Position in `options`.
    """
    net = np.array([o.benefit(value) - o.cost for o in options])
    position = net.argmax(axis=0)
    row = np.arange(len(position))

    def pick(arrays: Sequence[FloatArray]) -> FloatArray:
        return np.asarray(np.array(arrays)[position, row])

    def pick_by_ratio(arrays: Sequence[FloatArray]) -> FloatArray:
        return np.asarray(np.array(arrays)[position, :, row].T)

    avoided = Avoided(
        faults=pick_by_ratio([o.avoided.faults for o in options]),
        discounted=pick_by_ratio([o.avoided.discounted for o in options]),
        by_slice=pick([o.avoided.by_slice for o in options]),
    )
    of_visit = (pick([getattr(o, n) for o in options]) for n in ("in_service", "weight", "cost"))
    return Inspections(pick([o.visit for o in options]), avoided, *of_visit), position


def worth_inspecting(benefit: npt.ArrayLike, cost: npt.ArrayLike) -> BoolArray:
    """Return which vehicles pay: the benefit of inspecting the vehicle is above 0 and not below its cost.

    Parameters
    ----------
    benefit, cost : array of shape (n_vehicles,)
        Yuan.

    Examples
    --------
    >>> worth_inspecting([900.0, 500.0, 499.0], [500.0, 500.0, 500.0]).tolist()
    [True, True, False]
    """
    gain = np.asarray(benefit, dtype=np.float64)
    return np.asarray((gain > 0) & (gain >= np.asarray(cost, dtype=np.float64)))


def values_that_pay(options: Sequence[Inspections]) -> tuple[float | None, float | None]:
    """Return what an avoided fault must be worth so that the first vehicle pays, and all vehicles together.

    Parameters
    ----------
    options : sequence of Inspections
        Moments of which the cheaper counts.

    Returns
    -------
    first, all : float or None
        Yuan; None where no inspection avoids a fault.
    """
    faults = [o.avoided.discounted.mean(axis=0) for o in options]
    pairs = list(zip(options, faults, strict=True))
    first = [float((o.cost[n > 0] / n[n > 0]).min()) for o, n in pairs if (n > 0).any()]
    whole = [float(o.cost.sum() / n.sum()) for o, n in pairs if n.sum() > 0]
    return min(first, default=None), min(whole, default=None)


def figures_of(
    inspections: Inspections, vehicles: BoolArray, *, edges: FloatArray, visit_probability: float, value: float
) -> Figures:
    """Return the expected sums over some vehicles, each of which comes with a probability.

    Parameters
    ----------
    inspections : Inspections
        Of all vehicles.
    vehicles : ndarray of bool, shape (n_vehicles,)
        Vehicles that count.
    edges : ndarray of shape (n_slices + 1,)
        Years from today between the slices of the horizon.
    visit_probability : float
        Probability that a vehicle comes, 0 to 1.
    value : float
        Yuan that one avoided fault is worth.

    Raises
    ------
    ValueError
        `visit_probability` is not a probability.
    """
    if not 0 <= visit_probability <= 1:
        raise ValueError(f"visit_probability must lie between 0 and 1, got {visit_probability}")
    avoided = inspections.avoided
    by_ratio = visit_probability * avoided.faults[:, vehicles].sum(axis=1)
    money = visit_probability * value * avoided.discounted[:, vehicles].sum(axis=1)
    cost = visit_probability * float(inspections.cost[vehicles].sum())
    low, high = interval_of(money)
    weight = visit_probability * float(inspections.weight[vehicles].sum())
    by_slice = visit_probability * value * avoided.by_slice[vehicles].sum(axis=0)
    return Figures(
        visits=visit_probability * float(inspections.in_service[vehicles].sum()),
        days=365.25 * float(inspections.visit[vehicles].mean()) if vehicles.any() else 0.0,
        avoided=float(by_ratio.mean()),
        avoided_interval=interval_of(by_ratio),
        cost=cost,
        benefit=float(money.mean()),
        net_interval=(low - cost, high - cost),
        break_even_years=break_even(edges, by_slice, cost),
        break_even_price=float(money.mean()) / weight if weight > 0 else None,
    )


def break_even(edges: FloatArray, benefits: npt.ArrayLike, cost: float) -> float | None:
    """Return the years after which benefits have paid a cost; None where they do not within the horizon.

    Parameters
    ----------
    edges : ndarray of shape (n_slices + 1,)
        Years from today between the slices.
    benefits : array of shape (n_slices,)
        Yuan of each slice, discounted to today; spread evenly over the slice.
    cost : float
        Yuan, discounted to today.

    Examples
    --------
    >>> import numpy as np
    >>> break_even(np.array([0.0, 1.0, 2.0]), [100.0, 100.0], 150.0)
    1.5
    >>> break_even(np.array([0.0, 1.0, 2.0]), [100.0, 100.0], 250.0) is None
    True
    """
    paid = np.r_[0.0, np.cumsum(np.asarray(benefits, dtype=np.float64))]
    if paid[-1] <= 0 or paid[-1] < cost:
        return None
    return float(np.interp(cost, paid, edges))

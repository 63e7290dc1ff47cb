"""What each channel costs and brings: cost per lead, cost per sale, margin per lead, with credible intervals.

Conversion rates shrink towards the rate of all channels (beta-binomial), costs and margins towards their means
(normal-normal), so a channel with ten leads neither shines nor fails by chance. Figures that combine them, such as cost
per sale, take their intervals from draws of the posteriors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray
from ml.domain.statistics.empirical_bayes import prior_strength, shrunken_means
from ml.domain.statistics.resampling import Interval

DRAWS = 4_000
LEVEL = 0.95


@dataclass(frozen=True)
class Channel:
    """One channel.

    Attributes
    ----------
    channel : str
        Its name.
    leads, sales : float
        Numbers (weights where labels were censored).
    conversion_rate : Interval
        Fraction.
    cost_per_lead, cost_per_sale, margin_per_lead, net_margin_per_lead : Interval or None
        In the unit of the amounts given; None where there are none. The last is margin less cost.
    """

    channel: str
    leads: float
    sales: float
    conversion_rate: Interval
    cost_per_lead: Interval | None
    cost_per_sale: Interval | None
    margin_per_lead: Interval | None
    net_margin_per_lead: Interval | None


def channel_table(
    channel: npt.ArrayLike,
    sold: npt.ArrayLike,
    *,
    cost: npt.ArrayLike | None = None,
    margin: npt.ArrayLike | None = None,
    weight: npt.ArrayLike | None = None,
    seed: int = 0,
) -> tuple[Channel, ...]:
    """Cost and yield of each channel, by name.

    Parameters
    ----------
    channel : array of str, shape (n_leads,)
        Where each lead came from.
    sold : array of shape (n_leads,)
        0 or 1.
    cost : array of shape (n_leads,), optional
        Of acquiring the lead; NaN where unknown.
    margin : array of shape (n_leads,), optional
        Of the sale; NaN where there is none or it is unknown.
    weight : array of shape (n_leads,), optional
        Weights of the leads.
    seed : int
        Of the draws.

    Raises
    ------
    ValueError
        No lead, or lengths that differ.

    Examples
    --------
    >>> margin = [1000.0] * 20 + [np.nan] * 80
    >>> (web,) = channel_table(["web"] * 100, [1] * 20 + [0] * 80, cost=[50.0] * 100, margin=margin)
    >>> web.conversion_rate.value, web.cost_per_lead.value, round(web.cost_per_sale.value), web.margin_per_lead.value
    (0.2, 50.0, 250, 200.0)
    """
    names, y = np.asarray(channel, dtype=str), np.asarray(sold, dtype=np.float64)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not len(names) == len(y) == len(w) or len(y) == 0:
        raise ValueError(
            f"channels ({len(names)}), outcomes ({len(y)}) and weights ({len(w)}) must be as many, above 0"
        )
    found, member = np.unique(names, return_inverse=True)
    size = len(found)
    leads, sales = np.bincount(member, w, size), np.bincount(member, w * y, size)
    rng = np.random.default_rng(seed)
    strength, mean = prior_strength(sales, leads), float(sales.sum() / leads.sum())
    a, b = sales + strength * mean, leads - sales + strength * (1 - mean)
    rate, rates = a / (a + b), rng.beta(np.maximum(a, 1e-9), np.maximum(b, 1e-9), (DRAWS, size))
    per_lead = _means(rng, cost, member, w, size)
    per_sale = _means(rng, margin, member, w * y, size)
    table = []
    for k, name in enumerate(found):
        bought = (rate[k], rates[:, k])
        paid = None if per_lead is None else (per_lead[0][k], per_lead[1][:, k])
        earned = None if per_sale is None else (rate[k] * per_sale[0][k], rates[:, k] * per_sale[1][:, k])
        net = None if paid is None or earned is None else (earned[0] - paid[0], earned[1] - paid[1])
        table.append(
            Channel(
                channel=str(name),
                leads=float(leads[k]),
                sales=float(sales[k]),
                conversion_rate=_interval(*bought),
                cost_per_lead=None if paid is None else _interval(*paid),
                cost_per_sale=None
                if paid is None or rate[k] == 0
                else _interval(paid[0] / rate[k], paid[1] / rates[:, k]),
                margin_per_lead=None if earned is None else _interval(*earned),
                net_margin_per_lead=None if net is None else _interval(*net),
            )
        )
    return tuple(table)


def _means(
    rng: np.random.Generator, values: npt.ArrayLike | None, member: npt.NDArray[np.intp], weight: FloatArray, size: int
) -> tuple[FloatArray, FloatArray] | None:
    """Posterior means by channel, and draws of them; None where no value is known."""
    if values is None:
        return None
    amount = np.asarray(values, dtype=np.float64)
    known = np.isfinite(amount) & (weight > 0)
    if not known.any():
        return None
    w, x, place = weight[known], amount[known], member[known]
    mean, deviation, _ = shrunken_means(
        np.bincount(place, w * x, size), np.bincount(place, w * x**2, size), np.bincount(place, w, size)
    )
    return mean, rng.normal(mean, deviation, (DRAWS, size))


def _interval(value: float, draws: FloatArray) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high), LEVEL)

"""Costs and margins by marketing channel, with credible intervals.

Conversion rates are shrunken towards the rate of all channels (beta-binomial model), costs and margins towards their
means (normal-normal model), which reduces the noise of channels with few leads. The intervals of combined figures, such
as cost per sale, are quantiles of draws from the posteriors.
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
    """Leads, sales, costs and margins of one channel, as returned by `channel_table`.

    Intervals are 95% credible intervals, each with `value`, `low`, `high` and `level`.

    Attributes
    ----------
    channel : str
        Name of the channel.
    leads, sales : int
        Number of leads, and of those that were sold to.
    weighted_leads, weighted_sales : float
        Sums of the weights of leads and of sales, from which all rates and amounts are computed.
    conversion_rate : Interval
        Weighted sales per weighted lead, 0 to 1.
    cost_per_lead, cost_per_sale, margin_per_lead, net_margin_per_lead : Interval or None
        In the unit of the arguments `cost` and `margin`, such as yuan; None without costs or without margins. The net
        margin is margin minus cost.
    """

    channel: str
    leads: int
    sales: int
    weighted_leads: float
    weighted_sales: float
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
    """Return conversion rate, costs and margins of each channel, sorted by name.

    Parameters
    ----------
    channel : array of str, shape (n_leads,)
        Channel of each lead.
    sold : array of shape (n_leads,)
        1 for a lead that was sold to, otherwise 0.
    cost : array of shape (n_leads,), optional
        Acquisition cost of the lead, in any unit of money, such as yuan; NaN if unknown.
    margin : array of shape (n_leads,), optional
        Gross margin of the sale, in the unit of `cost`; NaN without a sale or if unknown.
    weight : array of shape (n_leads,), optional
        Weights of the leads; default: 1.
    seed : int
        Seed of the posterior draws.

    Returns
    -------
    tuple of Channel
        One per channel.

    Raises
    ------
    ValueError
        There is no lead, or the lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.leads.channels import channel_table
    >>> margin = [1000.0] * 20 + [np.nan] * 80
    >>> (web,) = channel_table(["web"] * 100, [1] * 20 + [0] * 80, cost=[50.0] * 100, margin=margin)
    >>> web.conversion_rate.value, web.cost_per_lead.value, round(web.cost_per_sale.value), web.margin_per_lead.value
    (0.2, 50.0, 250, 200.0)
    """
    names, y = np.asarray(channel, dtype=str), np.asarray(sold, dtype=np.float64)
    w = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=np.float64)
    if not len(names) == len(y) == len(w) or len(y) == 0:
        raise ValueError(
            f"channel, sold and weight must have the same length above 0, got {len(names)}, {len(y)} and {len(w)}"
        )
    channels, member = np.unique(names, return_inverse=True)
    size = len(channels)
    leads, sales = np.bincount(member, w, size), np.bincount(member, w * y, size)
    rng = np.random.default_rng(seed)
    strength, mean = prior_strength(sales, leads), float(sales.sum() / leads.sum())
    a, b = sales + strength * mean, leads - sales + strength * (1 - mean)
    rate, rates = a / (a + b), rng.beta(np.maximum(a, 1e-9), np.maximum(b, 1e-9), (DRAWS, size))
    per_lead = _means(rng, cost, member, w, size)
    per_sale = _means(rng, margin, member, w * y, size)
    counts, sold_counts = np.bincount(member, minlength=size), np.bincount(member[y == 1], minlength=size)
    table = []
    for k, name in enumerate(channels):
        conversion = (rate[k], rates[:, k])
        spend = None if per_lead is None else (per_lead[0][k], per_lead[1][:, k])
        margins = None if per_sale is None else (rate[k] * per_sale[0][k], rates[:, k] * per_sale[1][:, k])
        net = None if spend is None or margins is None else (margins[0] - spend[0], margins[1] - spend[1])
        table.append(
            Channel(
                channel=str(name),
                leads=int(counts[k]),
                sales=int(sold_counts[k]),
                weighted_leads=float(leads[k]),
                weighted_sales=float(sales[k]),
                conversion_rate=_interval(*conversion),
                cost_per_lead=None if spend is None else _interval(*spend),
                cost_per_sale=None
                if spend is None or rate[k] == 0
                else _interval(spend[0] / rate[k], spend[1] / rates[:, k]),
                margin_per_lead=None if margins is None else _interval(*margins),
                net_margin_per_lead=None if net is None else _interval(*net),
            )
        )
    return tuple(table)


def _means(
    rng: np.random.Generator, values: npt.ArrayLike | None, member: npt.NDArray[np.intp], weight: FloatArray, size: int
) -> tuple[FloatArray, FloatArray] | None:
    """Return posterior means by channel and draws of them, shape (DRAWS, size); None if all values are NaN.

    The mean of amounts of which none is negative is not negative either.
    """
    if values is None:
        return None
    amount = np.asarray(values, dtype=np.float64)
    valid = np.isfinite(amount) & (weight > 0)
    if not valid.any():
        return None
    w, x, group = weight[valid], amount[valid], member[valid]
    mean, deviation, _ = shrunken_means(
        np.bincount(group, w * x, size), np.bincount(group, w * x**2, size), np.bincount(group, w, size)
    )
    draws = rng.normal(mean, deviation, (DRAWS, size))
    return mean, np.maximum(draws, 0.0) if (amount[valid] >= 0).all() else draws


def _interval(value: float, draws: FloatArray) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(value), float(low), float(high), LEVEL)

"""The true utility of a vehicle to a person, and the choice that follows.

    utility(i, v) = body_i[v] + energy_i[v] + brand_i[v] + appeal[v, month] + 14 * promotion + fit(price_v / budget_i)
                    - used_aversion_i * used(v)
    fit(r) = -7.0 * max(log r, 0)**2 - 2.2 * min(log r, 0)**2

A buyer takes the vehicle with the greatest utility + Gumbel noise among the models that the store sells that month,
which is a multinomial logit over utilities.
"""

from __future__ import annotations

import numpy as np

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.catalogue import Catalogue
from training.simulator.draws import Float32Array
from training.simulator.people import People

TOO_DEAR, TOO_CHEAP = 7.0, 2.2
PROMOTION_PULL = 14.0
USED_PRICE = 0.45  # what an earlier generation is thought to cost, of its price when new


def fit(price: FloatArray, budget: FloatArray) -> FloatArray:
    """Utility of a price (yuan) to a budget (yuan).

    Examples
    --------
    >>> fit(np.array([100_000.0]), np.array([100_000.0])).tolist()
    [-0.0]
    """
    ratio = np.log(price / budget)
    dear, cheap = np.maximum(ratio, 0.0), np.minimum(ratio, 0.0)
    return np.asarray(-TOO_DEAR * dear * dear - TOO_CHEAP * cheap * cheap, dtype=np.float64)


def liking(people: People, catalogue: Catalogue, *, person: IntArray, model: IntArray) -> FloatArray:
    """Utility of what a model is, apart from its price and month; `person` and `model` broadcast."""
    return np.asarray(
        people.body[person, catalogue.body[model]]
        + people.energy[person, catalogue.energy[model]]
        + people.brand[person, catalogue.brand[model]],
        dtype=np.float64,
    )


def reference_prices(catalogue: Catalogue) -> FloatArray:
    """What a person reckons with before seeing a car: the middle trim, or a typical used price (yuan)."""
    earlier = np.arange(len(catalogue.price)) >= catalogue.current
    return np.where(earlier, np.round(catalogue.price * USED_PRICE, -2), catalogue.price)


def model_utilities(people: People, catalogue: Catalogue) -> Float32Array:
    """Utility of every model at its reference price, without the month's appeal, shape (people, models)."""
    person, model = np.arange(len(people))[:, None], np.arange(len(catalogue.price))[None, :]
    prices = reference_prices(catalogue)
    value = liking(people, catalogue, person=person, model=model) + fit(prices[None, :], people.budget[:, None])
    value[:, catalogue.current :] -= people.used_aversion[:, None]
    return value.astype(np.float32)


def preferred_trim(price: FloatArray, budget: FloatArray, noise: FloatArray) -> IntArray:
    """Trim (0, 1, 2) that a budget (yuan) leads to, for a middle price (yuan) and a standard normal noise."""
    room = np.log(budget / price) + 0.18 * noise
    return np.asarray(np.digitize(room, [-0.12, 0.16]), dtype=np.int64)

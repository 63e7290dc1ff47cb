"""True utility of a vehicle to a simulated person; choices maximise it plus noise.

    utility(i, v) = body_i[v] + energy_i[v] + brand_i[v] + appeal[v, month] + 14 * promotion + f(price_v / budget_i)
                    - used_aversion_i * used(v)
    f(r) = -7.0 * max(log r, 0)**2 - 2.2 * min(log r, 0)**2        (`price_utility`)

A buyer chooses the vehicle with the highest utility + Gumbel noise among the models that the store sells that month,
which is a multinomial logit.
"""

from __future__ import annotations

import numpy as np

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.catalogue import Catalogue
from training.simulator.draws import Float32Array
from training.simulator.people import People

ABOVE_BUDGET, BELOW_BUDGET = 7.0, 2.2
PROMOTION_PULL = 14.0
USED_PRICE = 0.45  # price that people expect of an earlier generation, as a share of its price when new


def price_utility(price: FloatArray, budget: FloatArray) -> FloatArray:
    """Return the utility of prices (yuan) for budgets (yuan): 0 if equal, negative otherwise.

    Parameters
    ----------
    price, budget : ndarray of float64
        Yuan, above 0; the shapes broadcast.

    Returns
    -------
    ndarray of float64
        Utility, without unit, of the broadcast shape.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.tastes import price_utility
    >>> price_utility(np.array([100_000.0, 120_000.0]), np.array([100_000.0, 100_000.0])).round(3).tolist()
    [-0.0, -0.233]
    """
    ratio = np.log(price / budget)
    above, below = np.maximum(ratio, 0.0), np.minimum(ratio, 0.0)
    return np.asarray(-ABOVE_BUDGET * above * above - BELOW_BUDGET * below * below, dtype=np.float64)


def attribute_utility(people: People, catalogue: Catalogue, *, person: IntArray, model: IntArray) -> FloatArray:
    """Return the utility of models to persons from body type, energy type and brand.

    Parameters
    ----------
    people : People
        As returned by `training.simulator.people.build_people`, such as `world.people`.
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`.
    person, model : ndarray of int64
        Positions of persons and models; the shapes broadcast.

    Returns
    -------
    ndarray of float64
        Of the broadcast shape.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.tastes import attribute_utility
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> attribute_utility(world.people, world.catalogue, person=np.array([[0], [1]]), model=np.array([0, 1, 2])).shape
    (2, 3)
    """
    return np.asarray(
        people.body[person, catalogue.body[model]]
        + people.energy[person, catalogue.energy[model]]
        + people.brand[person, catalogue.brand[model]],
        dtype=np.float64,
    )


def reference_prices(catalogue: Catalogue) -> FloatArray:
    """Return the price that people expect of each model: of the middle trim, or 45% of it for an earlier generation.

    Parameters
    ----------
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`.

    Returns
    -------
    ndarray of float64, shape (n_models,)
        Yuan.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.catalogue import build_catalogue
    >>> from training.simulator.seasons import Window
    >>> from training.simulator.tastes import reference_prices
    >>> float(reference_prices(build_catalogue(Window.of(Size())))[2])
    119800.0
    """
    earlier = np.arange(len(catalogue.price)) >= catalogue.current
    return np.where(earlier, np.round(catalogue.price * USED_PRICE, -2), catalogue.price)


def model_utilities(people: People, catalogue: Catalogue) -> Float32Array:
    """Return the utility of every model at its reference price to every person, without the monthly appeal.

    Parameters
    ----------
    people : People
        As returned by `training.simulator.people.build_people`, such as `world.people`.
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`.

    Returns
    -------
    ndarray of float32, shape (n_persons, n_models)

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.tastes import model_utilities
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> model_utilities(world.people, world.catalogue).shape == (125, len(world.catalogue.names))
    True
    """
    person, model = np.arange(len(people))[:, None], np.arange(len(catalogue.price))[None, :]
    prices = reference_prices(catalogue)
    value = attribute_utility(people, catalogue, person=person, model=model) + price_utility(
        prices[None, :], people.budget[:, None]
    )
    value[:, catalogue.current :] -= people.used_aversion[:, None]
    return value.astype(np.float32)


def preferred_trim(price: FloatArray, budget: FloatArray, noise: FloatArray) -> IntArray:
    """Return the trim that persons prefer, a position in `catalogue.TRIMS` (int64; 0 cheapest, 2 dearest).

    Parameters
    ----------
    price : ndarray of float64
        Price of the model's middle trim, yuan.
    budget : ndarray of float64
        Yuan.
    noise : ndarray of float64
        Standard normal.

    Returns
    -------
    ndarray of int64
        Position in `training.simulator.catalogue.TRIMS`: 0 cheapest, 1 middle, 2 dearest.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.tastes import preferred_trim
    >>> budget = np.array([80_000.0, 100_000.0, 130_000.0])
    >>> preferred_trim(np.full(3, 100_000.0), budget, np.zeros(3)).tolist()
    [0, 1, 2]
    """
    margin = np.log(budget / price) + 0.18 * noise
    return np.asarray(np.digitize(margin, [-0.12, 0.16]), dtype=np.int64)

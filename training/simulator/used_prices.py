"""Asking prices of used cars: what a car is worth by model, age and mileage, and how far its price lies from that.

The log price is ::

    log(price when new) - 0.135 * years - 1.6e-6 * km + 0.07 * noise

so that a car of average use loses about 14 % in its first year and 37 % in three. `noise` is standard normal: even the
expected price errs by 4.7 % in the median (0.6745 standard deviations), which no model can beat.
"""

from __future__ import annotations

import numpy as np

from ml.domain.arrays import FloatArray
from training.simulator.draws import Random

NOISE = 0.07  # standard deviation of the log price of equal cars
LOSS_PER_YEAR, LOSS_PER_KM = 0.135, 1.6e-6


def expected_price(new_price: FloatArray, *, years: FloatArray, mileage: FloatArray) -> FloatArray:
    """Return the median price of equal used cars, in yuan.

    Parameters
    ----------
    new_price : ndarray of shape (n,)
        Price of each car when it was new, yuan.
    years : ndarray of shape (n,)
        Age since its production.
    mileage : ndarray of shape (n,)
        Odometer, km.

    Examples
    --------
    >>> import numpy as np
    >>> price = expected_price(np.full(2, 200_000.0), years=np.array([1.0, 3.0]), mileage=np.array([1.4e4, 4.2e4]))
    >>> price.round().tolist()
    [170872.0, 124726.0]
    """
    return np.asarray(new_price * np.exp(-LOSS_PER_YEAR * years - LOSS_PER_KM * mileage))


def asking_price(rng: Random, expected: FloatArray) -> FloatArray:
    """Return asking prices around the expected ones, rounded to 100 yuan.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the noise.
    expected : ndarray of shape (n,)
        As returned by `expected_price`, yuan.

    Examples
    --------
    >>> import numpy as np
    >>> asking_price(np.random.default_rng(0), np.full(2, 100_000.0)).tolist()
    [100900.0, 99100.0]
    """
    return np.asarray(np.round(expected * rng.lognormal(0, NOISE, len(expected)), -2))

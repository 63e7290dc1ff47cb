"""Population stability index over bins of a reference population."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class ReferenceBins:
    """Bins of a reference population, storable as JSON. Returned by `reference_bins`.

    Attributes
    ----------
    edges : tuple of float
        Inner edges in increasing order; a bin includes its lower edge.
    shares : tuple of float
        Fraction of the reference rows in each of the `len(edges) + 1` bins, followed by the fraction of missing values.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]


def reference_bins(values: npt.ArrayLike, *, n_bins: int = 10) -> ReferenceBins:
    """Return bins at the quantiles of a reference population.

    Parameters
    ----------
    values : array of shape (n_rows,)
        A score or a feature of the reference population; NaN is missing.
    n_bins : int, default 10
        Number of bins, at least 2. Ties can reduce it.

    Returns
    -------
    ReferenceBins
        `edges` in the unit of `values`, and the fraction of the rows in each bin.

    Raises
    ------
    DataError
        `values` is empty or not one-dimensional, or `n_bins` is below 2.

    Examples
    --------
    >>> from ml.metrics import reference_bins
    >>> reference_bins([1, 2, 3, 4], n_bins=2)
    ReferenceBins(edges=(2.5,), shares=(0.5, 0.5, 0.0))
    """
    array = _values(values)
    if n_bins < 2:
        raise DataError(f"reference_bins: n_bins must be at least 2, got {n_bins}")
    present = array[~np.isnan(array)]
    edges = np.unique(np.quantile(present, np.arange(1, n_bins) / n_bins)) if present.size else np.empty(0)
    mass = _mass(array, edges)
    return ReferenceBins(tuple(edges.tolist()), tuple((mass / mass.sum()).tolist()))


def population_stability_index(reference: ReferenceBins, values: npt.ArrayLike) -> float:
    """Return the population stability index (PSI) of a population against a reference.

    Parameters
    ----------
    reference : ReferenceBins
        Bins as returned by `reference_bins`.
    values : array of shape (n_rows,)
        The same score or feature in the population to compare; NaN is missing.

    Returns
    -------
    float
        At least 0. Conventional limits: below 0.1 stable, above 0.25 shifted.

    Raises
    ------
    DataError
        `values` is empty or not one-dimensional.

    Notes
    -----
    `PSI = sum_b (a_b - e_b) ln(a_b / e_b)` over the shares of the bins in the population (a) and in the reference
    (e) [1]_. An empty bin of the population counts half a row, so that a bin which a small population misses by chance
    does not decide; the reference is mixed with 0.01% of a uniform distribution. Without a shift the expected value is
    about `(n_bins - 1) * (1 / n + 1 / n_reference)` [2]_: see `stability_noise`.

    References
    ----------
    .. [1] N. Siddiqi (2006), Credit Risk Scorecards, Wiley, chapter 9.
    .. [2] B. Yurdakul (2018), Statistical properties of the population stability index, dissertation, Western Michigan
       University.

    Examples
    --------
    >>> from ml.metrics import population_stability_index, reference_bins
    >>> reference = reference_bins([1, 2, 3, 4], n_bins=2)
    >>> round(population_stability_index(reference, [2, 2, 2, 3]), 3)  # (0.75 - 0.5) ln 1.5 + (0.25 - 0.5) ln 0.5
    0.275
    """
    mass = _mass(_values(values), np.array(reference.edges))
    expected = np.array(reference.shares)
    used = (expected > 0) | (mass > 0)
    expected, mass = 0.9999 * expected[used] + 0.0001 / used.sum(), np.maximum(mass[used], 0.5)
    actual = mass / mass.sum()
    return float((actual - expected) @ np.log(actual / expected))


def stability_noise(reference: ReferenceBins, n_rows: int) -> float:
    """Return the expected population stability index of `n_rows` rows drawn from the reference itself.

    A population whose noise reaches 0.1 is too small to compare: without any shift it would count as shifted.

    Parameters
    ----------
    reference : ReferenceBins
        Bins as returned by `reference_bins`, of a population that is much larger than `n_rows`.
    n_rows : int
        Rows of the population to compare, at least 1.

    Returns
    -------
    float
        ``(n_bins - 1) / n_rows`` over the bins that the reference occupies.

    Notes
    -----
    B. Yurdakul (2018), Statistical properties of the population stability index, dissertation, Western Michigan
    University.

    Examples
    --------
    >>> from ml.metrics import reference_bins, stability_noise
    >>> stability_noise(reference_bins([1, 2, 3, 4], n_bins=2), 40)
    0.025
    """
    return (sum(share > 0 for share in reference.shares) - 1) / n_rows


def _values(values: npt.ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise DataError(f"population stability: values {array.shape} must have one dimension and at least 1 row")
    return array


def _mass(array: FloatArray, edges: FloatArray) -> FloatArray:
    missing = np.isnan(array)
    place = np.where(missing, len(edges) + 1, np.searchsorted(edges, array, side="right"))
    return np.asarray(np.bincount(place, minlength=len(edges) + 2), dtype=np.float64)

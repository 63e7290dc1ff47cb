"""Has the population moved? The population stability index over bins fixed on a reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class ReferenceBins:
    """Bins of a reference population, plain enough to keep as JSON.

    Attributes
    ----------
    edges : tuple of float
        Inner edges, increasing; a value equal to an edge falls in the bin above it.
    shares : tuple of float
        Share of the reference in each of the `len(edges) + 1` bins, then among missing values (NaN).
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]


def reference_bins(values: npt.ArrayLike, *, n_bins: int = 10) -> ReferenceBins:
    """Fix bins at the quantiles of a reference population.

    Parameters
    ----------
    values : array of shape (n_rows,)
        Scores or a feature; NaN is missing.
    n_bins : int
        Number of bins, at least 2; fewer come out where many values are equal.

    Raises
    ------
    DataError
        No rows, or more than one dimension.

    Examples
    --------
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
    """Population stability index of values against a reference: `sum (a - e) * ln(a / e)` over the bins.

    By custom below 0.1 is stable and above 0.25 has moved. Both shares are mixed with 0.01 % of an even spread, so an
    empty bin counts, finitely.

    Parameters
    ----------
    reference : ReferenceBins
        From `reference_bins`.
    values : array of shape (n_rows,)
        The same quantity in another population; NaN is missing.

    Raises
    ------
    DataError
        As for `reference_bins`.

    References
    ----------
    N. Siddiqi, *Credit Risk Scorecards* (Wiley, 2006), chapter 9; B. Yurdakul (2018), Statistical properties of the
    population stability index, for its sampling distribution: about `(n_bins - 1) * (1/n + 1/n_reference)` by chance.

    Examples
    --------
    >>> reference = reference_bins([1, 2, 3, 4], n_bins=2)
    >>> round(population_stability_index(reference, [2, 2, 2, 3]), 3)  # (0.75 - 0.5) ln 1.5 + (0.25 - 0.5) ln 0.5
    0.275
    """
    mass = _mass(_values(values), np.array(reference.edges))
    expected, actual = np.array(reference.shares), mass / mass.sum()
    used = (expected > 0) | (actual > 0)
    expected, actual = (0.9999 * share[used] + 0.0001 / used.sum() for share in (expected, actual))
    return float((actual - expected) @ np.log(actual / expected))


def _values(values: npt.ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise DataError(f"population stability: values {array.shape} must have one dimension and at least 1 row")
    return array


def _mass(array: FloatArray, edges: FloatArray) -> FloatArray:
    missing = np.isnan(array)
    place = np.where(missing, len(edges) + 1, np.searchsorted(edges, array, side="right"))
    return np.asarray(np.bincount(place, minlength=len(edges) + 2), dtype=np.float64)

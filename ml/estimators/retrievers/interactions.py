"""Implicit-feedback data, and the interface of the retrievers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from features.aggregations import DAY
from features.errors import ConfigError, DataError
from ml.artefacts.npz import Arrays

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Interactions:
    """Implicit feedback: weights of users and items.

    Attributes
    ----------
    matrix : float32 csr_matrix of shape (n_users, n_items)
        Weight of each user's interactions with each item, at least 0; a decay with age (`decay_weights`) is applied
        before.
    by_group : float32 csr_matrix of shape (n_groups, n_items), optional
        The same weights summed by group (such as region and season) instead of user.

    Raises
    ------
    DataError
        A matrix is not sparse, the numbers of items differ, or weights are negative or not finite.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.interactions import Interactions
    >>> interactions = Interactions(csr_matrix([[0, 3, 0], [0.5, 0, 0]]))
    >>> interactions.matrix.dtype, interactions.by_group
    (dtype('float32'), None)
    """

    matrix: csr_matrix
    by_group: csr_matrix | None = None

    def __post_init__(self) -> None:
        matrix = check_weights(self.matrix, "interactions")
        object.__setattr__(self, "matrix", matrix)
        if self.by_group is not None:
            object.__setattr__(self, "by_group", check_weights(self.by_group, "by_group", n_items=matrix.shape[1]))


class Retriever(Protocol):
    """Interface of models that score all items for a history, such as `ItemItem`, `LowPass`, `ALS` and `Popularity`."""

    def fit(self, interactions: Interactions) -> Self:
        """Fit the model and return it.

        Parameters
        ----------
        interactions : Interactions
            ``Interactions(scipy.sparse.csr_matrix(weights))``, weights of shape (n_users, n_items), at least 0.
        """
        ...

    def score(self, histories: csr_matrix) -> Float32Array:
        """Return the score of every item for each history.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            One row per history: weights of its interactions by item, finite and at least 0, columns as in training.
            Rows may belong to users outside the training data.

        Returns
        -------
        float32 ndarray of shape (n_rows, n_items)
            Higher is better; scores are comparable within a row only.
        """
        ...

    def arrays(self) -> Arrays:
        """Return parameters and fitted state as a dict of ndarrays, storable as .npz without pickle."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Self:
        """Return the model stored in `arrays`, a mapping of names to ndarrays as returned by the method `arrays`."""
        ...


@runtime_checkable
class ExplainableRetriever(Protocol):
    """Interface of models whose score is a sum of contributions: `ItemItem`, `LowPass` and `ALS`."""

    def explain(self, history: csr_matrix, item: int) -> Float32Array:
        """Return the contribution of each interaction to the score of an item.

        Parameters
        ----------
        history : csr_matrix of shape (1, n_items)
            One history.
        item : int
            Column number of the item.

        Returns
        -------
        float32 ndarray of shape (history.nnz,)
            In the order of `history.indices`; sums to the item's score.
        """
        ...


def decay_weights(
    at: npt.ArrayLike, *, as_of: int, half_life_days: float, strength: npt.ArrayLike = 1.0
) -> npt.NDArray[np.float32]:
    """Return exponentially decayed weights of events: `strength * 0.5 ** (age / half_life)`.

    Parameters
    ----------
    at : array of int64
        Time of each event in microseconds since 1970 UTC, before `as_of`.
    as_of : int
        Reference time in microseconds since 1970 UTC.
    half_life_days : float
        Half-life in days, above 0.
    strength : float or array of the shape of `at`, default 1
        Weight of each event at age 0.

    Returns
    -------
    float32 ndarray of the shape of `at`

    Raises
    ------
    ConfigError
        `half_life_days` is not positive.
    DataError
        An event lies at or after `as_of`.

    Examples
    --------
    >>> from ml.estimators.retrievers.interactions import decay_weights
    >>> day = 86_400_000_000
    >>> decay_weights([0, 20 * day], as_of=30 * day, half_life_days=10).tolist()
    [0.125, 0.5]
    """
    if not 0 < half_life_days < np.inf:
        raise ConfigError(f"half_life_days must be a number of days above 0, got {half_life_days}")
    instant = np.asarray(at, dtype=np.int64)
    if (instant >= as_of).any():
        raise DataError(
            f"events must lie before as_of {as_of}, got {instant[instant >= as_of][0]}: remove later events"
        )
    age = (as_of - instant) / DAY
    return np.asarray(strength * np.exp2(-age / half_life_days), dtype=np.float32)


def check_weights(matrix: csr_matrix, name: str, *, n_items: int | None = None) -> csr_matrix:
    """Return weights as a float32 CSR matrix in canonical form without stored zeros; valid input is not copied.

    Parameters
    ----------
    matrix : sparse matrix of shape (n_rows, n_items)
        Weights, finite and at least 0.
    name : str
        Name of the argument, for error messages.
    n_items : int, optional
        Required number of columns.

    Returns
    -------
    csr_matrix of shape (n_rows, n_items)

    Raises
    ------
    DataError
        The matrix is not sparse, has another number of items, or weights are negative or not finite.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.interactions import check_weights
    >>> check_weights(csr_matrix([[-1.0]]), "histories")
    Traceback (most recent call last):
    ...
    features.errors.DataError: histories: weights must be finite and not negative, got -1.0 for item 0
    """
    if not hasattr(matrix, "tocsr"):
        raise DataError(f"{name} must be a sparse matrix of rows x items, got {type(matrix).__name__}")
    weights = csr_matrix(matrix, dtype=np.float32)
    if n_items is not None and weights.shape[1] != n_items:
        raise DataError(f"{name} must have {n_items} items, as in fit; got {weights.shape[1]}")
    wrong = ~(np.isfinite(weights.data) & (weights.data >= 0))
    if wrong.any():
        raise DataError(
            f"{name}: weights must be finite and not negative, got {weights.data[wrong][0]} for item "
            f"{weights.indices[wrong][0]}"
        )
    if not weights.has_canonical_format or not weights.data.all():
        weights = weights.copy()
        weights.sum_duplicates()
        weights.eliminate_zeros()
    return weights


def check_history(history: csr_matrix, item: int, *, n_items: int) -> csr_matrix:
    """Return a single history in canonical form (`check_weights`), after checking that `item` is in range.

    Parameters
    ----------
    history : sparse matrix of shape (1, n_items)
        Weights, finite and at least 0.
    item : int
        Column number of an item.
    n_items : int
        Required number of columns.

    Returns
    -------
    float32 csr_matrix of shape (1, n_items)

    Raises
    ------
    DataError
        `history` has more than one row or invalid weights, or `item` is out of range.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.interactions import check_history
    >>> check_history(csr_matrix((1, 2)), 2, n_items=2)
    Traceback (most recent call last):
    ...
    features.errors.DataError: item must be a number from 0 to 1, got 2
    """
    weights = check_weights(history, "history", n_items=n_items)
    if weights.shape[0] != 1:
        raise DataError(f"explain takes one history, got {weights.shape[0]} rows")
    if not 0 <= item < n_items:
        raise DataError(f"item must be a number from 0 to {n_items - 1}, got {item}")
    return weights

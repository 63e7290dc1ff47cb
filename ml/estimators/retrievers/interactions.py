"""Implicit feedback as the retrievers take it, and the interface they share."""

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
    """How strongly each person was drawn to each item.

    Attributes
    ----------
    matrix : csr_matrix of shape (n_users, n_items)
        Weights, float32, positive where something happened; already decayed with age.
    by_group : csr_matrix of shape (n_groups, n_items), optional
        The same weights summed by the group they happened in (a region in a season) instead of by person.

    Examples
    --------
    >>> seen = Interactions(csr_matrix([[0, 3, 0], [0.5, 0, 0]]))
    >>> seen.matrix.dtype, seen.by_group
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
    """What every model that scores all items owes."""

    def fit(self, interactions: Interactions) -> Self:
        """Learn from interactions."""
        ...

    def score(self, histories: csr_matrix) -> Float32Array:
        """Scores of every item for each history; higher is better, and only the order within a row has a meaning.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            Weights as in training; the rows need not be people seen in training.

        Returns
        -------
        array of shape (n_rows, n_items)
        """
        ...

    def arrays(self) -> Arrays:
        """What was learned, as arrays without Python objects."""
        ...

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Self:
        """Restore what `arrays` returned."""
        ...


@runtime_checkable
class ExplainableRetriever(Protocol):
    """A model whose score is a sum over the history."""

    def explain(self, history: csr_matrix, item: int) -> Float32Array:
        """What each interaction of one history (1 x n_items) adds to the score of an item.

        Returns
        -------
        array of shape (history.nnz,)
            In the order of the indices of the history; sums to the score of the item.
        """
        ...


def decay_weights(
    at: npt.ArrayLike, *, as_of: int, half_life_days: float, strength: npt.ArrayLike = 1.0
) -> npt.NDArray[np.float32]:
    """Weights that halve with every half-life: `strength * 0.5 ** (age / half_life)`.

    Parameters
    ----------
    at : array of int64
        When each event happened, microseconds UTC, before `as_of`.
    as_of : int
        The moment the weights are for, microseconds UTC.
    half_life_days : float
        Days, more than 0.
    strength : float or array of the same shape
        What the event would weigh if it happened now.

    Raises
    ------
    ConfigError
        A half-life that is not positive.
    DataError
        An event at or after `as_of`.

    Examples
    --------
    >>> day = 86_400_000_000
    >>> decay_weights([0, 20 * day], as_of=30 * day, half_life_days=10).tolist()
    [0.125, 0.5]
    """
    if not 0 < half_life_days < np.inf:
        raise ConfigError(f"half_life_days must be a number of days above 0, got {half_life_days}")
    instant = np.asarray(at, dtype=np.int64)
    if (instant >= as_of).any():
        raise DataError(f"events must lie before as_of {as_of}, got {instant[instant >= as_of][0]}: cut them off first")
    age = (as_of - instant) / DAY
    return np.asarray(strength * np.exp2(-age / half_life_days), dtype=np.float32)


def check_weights(matrix: csr_matrix, name: str, *, n_items: int | None = None) -> csr_matrix:
    """A float32 CSR matrix in canonical form, without stored zeros; one that is already right is not copied.

    Raises
    ------
    DataError
        Not sparse, another number of items, or weights that are negative or not finite.

    Examples
    --------
    >>> check_weights(csr_matrix([[-1.0]]), "histories")
    Traceback (most recent call last):
    ...
    features.errors.DataError: histories: weights must be finite and not negative, got -1.0 for item 0
    """
    if not hasattr(matrix, "tocsr"):
        raise DataError(f"{name} must be a sparse matrix of rows x items, got {type(matrix).__name__}")
    found = csr_matrix(matrix, dtype=np.float32)
    if n_items is not None and found.shape[1] != n_items:
        raise DataError(f"{name} must have {n_items} items, those it was fitted on; got {found.shape[1]}")
    wrong = ~(np.isfinite(found.data) & (found.data >= 0))
    if wrong.any():
        raise DataError(
            f"{name}: weights must be finite and not negative, got {found.data[wrong][0]} for item "
            f"{found.indices[wrong][0]}"
        )
    if not found.has_canonical_format or not found.data.all():
        found = found.copy()
        found.sum_duplicates()
        found.eliminate_zeros()
    return found


def check_history(history: csr_matrix, item: int, *, n_items: int) -> csr_matrix:
    """One checked history and an item that exists, for `explain`.

    >>> check_history(csr_matrix((1, 2)), 2, n_items=2)
    Traceback (most recent call last):
    ...
    features.errors.DataError: item must be a number from 0 to 1, got 2
    """
    found = check_weights(history, "history", n_items=n_items)
    if found.shape[0] != 1:
        raise DataError(f"explain takes one history, got {found.shape[0]} rows")
    if not 0 <= item < n_items:
        raise DataError(f"item must be a number from 0 to {n_items - 1}, got {item}")
    return found

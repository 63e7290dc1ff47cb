"""Closed-form item-item model: what each item of a history says for every other item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, issparse

from features.errors import ConfigError, DataError
from ml.artefacts.json_files import damaged
from ml.artefacts.npz import Arrays, member, pack_params, pack_sparse, unpack_params, unpack_sparse
from ml.estimators.contract import SklearnEstimator, check_is_fitted
from ml.estimators.retrievers.interactions import Float32Array, Interactions, check_history, check_weights
from ml.estimators.retrievers.item_gram import dense_weights, neighbour_weights, normalise

BYTES_A_CELL = 4  # float32: one matrix of items x items, inverted in place


@dataclass(kw_only=True, eq=False, repr=False)
class ItemItem(SklearnEstimator):
    """Linear autoencoder with a closed form (EASE) over interactions normalised by user and by item.

    With `Z = D_u^-a X D_i^-b`, `G = Z'Z`, `L = l I + p / (1 - p) diag(G)` and `P = (G + L)^-1`, the weights are
    `-P_ij * max(L_jj, (1 - r) / P_jj)` off the diagonal and 0 on it, taken back to the scale of X by `D_i`. With all of
    a, b, p and r at 0 this is EASE; with r at 1 the denoising autoencoder whose diagonal is free. Everything is
    float32: on MovieLens-1M the ranking equals that of float64 to four decimals of NDCG@10, at half the memory.

    Up to `memory_limit_mb` the matrix is inverted whole. Beyond it, each item is regressed on its `neighbours` nearest
    items alone, which gives the same numbers when every item is a neighbour.

    Parameters
    ----------
    regularization : float
        Ridge `l`, in interactions: multiplied by the mean square of the normalised weights, so it keeps its meaning
        when the weights are scaled or the exponents change. More than 0.
    dropout : float
        `p`, from 0 to below 1: as if this share of each history were dropped at random while learning.
    relaxation : float
        `r`, from 0 to 1: how much of itself an item may explain while learning. What others say for an item that
        explains itself well (a popular one) then weighs less.
    user_exponent, item_exponent : float
        `a` and `b`, from 0 to 1: 0 leaves long histories and popular items their weight.
    memory_limit_mb : float
        Most MB (10^6 bytes) for the dense items x items matrix, both while fitting and in the artefact.
    beyond_limit : {"sparse", "refuse"}
        What to do with more items than fit.
    neighbours : int
        Items each item is regressed on in the sparse model.

    Attributes
    ----------
    weights_ : array or csr_matrix of shape (n_items, n_items)
        What an interaction with the row's item adds to the score of the column's.
    n_items_ : int
        Number of items.

    References
    ----------
    H. Steck (2019), Embarrassingly shallow autoencoders for sparse data, arXiv:1905.03375; H. Steck (2020),
    Autoencoders that don't overfit towards the identity, NeurIPS 33 (dropout); J. Moon, H. Kim, J. Lee (2023), It's
    enough: relaxing diagonal constraints in linear autoencoders, arXiv:2305.12922; X. Ning, G. Karypis (2011), SLIM,
    ICDM, 497-506 (neighbours chosen first, "fsSLIM").

    Examples
    --------
    >>> seen = Interactions(csr_matrix([[1, 1, 0], [1, 1, 0], [0, 0, 1]]))
    >>> ease = ItemItem(regularization=1.0, dropout=0.0, relaxation=0.0, user_exponent=0.0, item_exponent=0.0)
    >>> model = ease.fit(seen)  # items 0 and 1 go together: 2 / (2 + 1)
    >>> model.score(csr_matrix([[1.0, 0.0, 0.0]])).round(3)
    array([[0.   , 0.667, 0.   ]], dtype=float32)
    """

    regularization: float = 900.0
    dropout: float = 0.33
    relaxation: float = 0.5
    user_exponent: float = 0.25
    item_exponent: float = 0.2
    memory_limit_mb: float = 2_000.0
    beyond_limit: Literal["sparse", "refuse"] = "sparse"
    neighbours: int = 200

    def fit(self, interactions: Interactions) -> Self:
        """Learn the weights; memory as said in the class.

        Raises
        ------
        ConfigError
            A parameter out of range, a dense matrix beyond the limit with `beyond_limit: refuse`, or a regularization
            too small to invert the matrix.
        DataError
            No interactions.
        """
        self._check()
        matrix = interactions.matrix
        if matrix.nnz == 0:
            raise DataError("item-item model: there are no interactions to learn from")
        n_items = matrix.shape[1]
        dense = self._fits(n_items)
        z, item_scale = normalise(matrix, user_exponent=self.user_exponent, item_exponent=self.item_exponent)
        # float64 sum over float32 squares: a float32 running sum of millions of terms loses its last digits.
        ridge = self.regularization * float(np.square(z.data, dtype=np.float64).mean())
        diagonal = np.asarray(z.multiply(z).sum(axis=0), dtype=np.float64).ravel()
        added = ridge + self.dropout / (1 - self.dropout) * diagonal
        if dense:
            self.weights_ = dense_weights(z, added, item_scale, relaxation=self.relaxation)
        else:
            self.weights_ = neighbour_weights(
                z, added, item_scale, relaxation=self.relaxation, neighbours=self.neighbours
            )
        self.n_items_ = n_items
        return self

    def score(self, histories: csr_matrix) -> Float32Array:
        """Sums of weights over each history; an empty history scores 0 everywhere.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            Weights as in training.

        Returns
        -------
        array of shape (n_rows, n_items)

        Raises
        ------
        DataError
            Another number of items, or weights that are negative or not finite.
        """
        check_is_fitted(self)
        found = check_weights(histories, "histories", n_items=self.n_items_) @ self.weights_
        return np.asarray(found.toarray() if issparse(found) else found, dtype=np.float32)

    def explain(self, history: csr_matrix, item: int) -> Float32Array:
        """What each interaction of one history adds to the score of an item, in the order of its indices.

        Raises
        ------
        DataError
            More than one history, or an item that does not exist.
        """
        check_is_fitted(self)
        found = check_history(history, item, n_items=self.n_items_)
        column = self.weights_[found.indices, item]
        return np.asarray(found.data * (column.toarray().ravel() if issparse(column) else column), dtype=np.float32)

    def arrays(self) -> Arrays:
        """Parameters and weights."""
        check_is_fitted(self)
        sparse = issparse(self.weights_)
        weights = pack_sparse(self.weights_, "weights") if sparse else {"weights": self.weights_}
        return pack_params(self.get_params()) | weights

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Self:
        """Restore what `arrays` returned.

        Raises
        ------
        ModelNotFound
            An array is missing.
        DataError
            An array is damaged.
        """
        restored = cls(**unpack_params(arrays, keys=frozenset(field.name for field in fields(cls))))
        sparse = any(name.startswith("weights_") for name in arrays)
        weights: Any = unpack_sparse(arrays, "weights") if sparse else member(arrays, "weights", ndim=2)
        if weights.shape[0] != weights.shape[1]:
            raise damaged("weights", f"it must be items x items, got {weights.shape}")
        restored.weights_, restored.n_items_ = weights, int(weights.shape[0])
        return restored

    def _fits(self, n_items: int) -> bool:
        needed = n_items**2 * BYTES_A_CELL / 1e6
        if needed <= self.memory_limit_mb:
            return True
        if self.beyond_limit == "refuse":
            raise ConfigError(
                f"item-item model: {n_items:,} items need a dense matrix of {needed:,.1f} MB, memory_limit_mb is "
                f"{self.memory_limit_mb:,g}: raise it, set beyond_limit: sparse, or learn on fewer items"
            )
        return False

    def _check(self) -> None:
        for name, right, rule in (
            ("regularization", 0 < self.regularization < np.inf, "more than 0"),
            ("dropout", 0 <= self.dropout < 1, "from 0 to below 1"),
            ("relaxation", 0 <= self.relaxation <= 1, "from 0 to 1"),
            ("user_exponent", 0 <= self.user_exponent <= 1, "from 0 to 1"),
            ("item_exponent", 0 <= self.item_exponent <= 1, "from 0 to 1"),
            ("memory_limit_mb", self.memory_limit_mb >= 0, "0 or more"),
            ("beyond_limit", self.beyond_limit in ("sparse", "refuse"), "sparse or refuse"),
            ("neighbours", self.neighbours >= 1, "at least 1"),
        ):
            if not right:
                raise ConfigError(f"item-item model: {name} must be {rule}, got {getattr(self, name)!r}")

"""Implicit-feedback matrix factorisation: trained by `implicit`, folded in and explained in closed form here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from features.errors import ConfigError, DataError
from ml.artefacts.json_files import damaged
from ml.artefacts.npz import Arrays, member, pack_params, unpack_params
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted
from ml.estimators.retrievers.interactions import Float32Array, Interactions, check_history, check_weights
from ml.threads import thread_count

CHUNK_CELLS = 4_000_000  # 32 MB of float64 for the systems of one chunk of histories


@dataclass(kw_only=True, eq=False, repr=False)
class ALS(SklearnEstimator):
    """Alternating least squares with confidence `1 + alpha * weight`, for histories of anybody.

    Training keeps the item factors `Y` only. A history is folded in by solving
    `(Y'Y + Y'(C - I)Y + regularization I) x = Y'C p`, as training does for its users, where C holds the confidences and
    p is 1 for the items of the history.

    Parameters
    ----------
    factors : int
        Length of the factors.
    regularization : float
        Ridge, more than 0.
    alpha : float
        Confidence added by a weight of 1, more than 0.
    iterations : int
        Rounds of training.
    seed : int
        Seed of the first factors.
    num_threads : int
        Threads of training; 0 for as many as `ml.threads.thread_count` grants.

    Attributes
    ----------
    item_factors_ : array of shape (n_items, factors)
        Factors of the items; 0 for items without interactions.

    References
    ----------
    Y. Hu, Y. Koren, C. Volinsky (2008), Collaborative filtering for implicit feedback datasets, ICDM, 263-272;
    section 5 for `explain`.

    Examples
    --------
    >>> seen = Interactions(csr_matrix([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]))
    >>> model = ALS(factors=2, regularization=0.1, num_threads=1).fit(seen)
    >>> scores = model.score(csr_matrix([[1.0, 0.0, 0.0, 0.0]]))  # a visitor who saw item 0 alone
    >>> int(scores[0, 1:].argmax()) + 1
    1
    """

    factors: int = 128
    regularization: float = 50.0
    alpha: float = 2.0
    iterations: int = 15
    seed: int = 7
    num_threads: int = 0

    def fit(self, interactions: Interactions) -> Self:
        """Train the factors.

        Raises
        ------
        ConfigError
            A parameter out of range.
        DataError
            No interactions.
        """
        from implicit.cpu.als import (
            AlternatingLeastSquares,
        )  # answering does without it, so serving does not install it

        self._check()
        matrix = interactions.matrix
        if matrix.nnz == 0:
            raise DataError("ALS: there are no interactions to learn from")
        confidence = csr_matrix((1 + self.alpha * matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
        # implicit runs threads of its own, and BLAS threads below them fight for the same cores.
        with threadpool_limits(1, user_api="blas"):
            model = AlternatingLeastSquares(
                factors=self.factors,
                regularization=self.regularization,
                alpha=1.0,
                iterations=self.iterations,
                random_state=self.seed,
                num_threads=thread_count(self.num_threads),
            )
            model.fit(confidence, show_progress=False)
        return self._with(np.asarray(model.item_factors, dtype=np.float32))

    def user_factors(self, histories: csr_matrix) -> FloatArray:
        """Factors of any histories, each solved exactly; an empty history gets zeros.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            Weights as in training.

        Returns
        -------
        array of shape (n_rows, factors)

        Raises
        ------
        DataError
            Another number of items, or weights that are negative or not finite.
        """
        check_is_fitted(self)
        found = check_weights(histories, "histories", n_items=len(self.item_factors_))
        length = np.diff(found.indptr)
        factors = np.zeros((len(length), self.item_factors_.shape[1]))
        # Neighbours in length share a chunk, so that little of it is padding.
        order = np.argsort(length, kind="stable")
        order = order[length[order] > 0]
        while order.size:
            rows = max(1, CHUNK_CELLS // (factors.shape[1] * (factors.shape[1] + int(length[order[-1]]))))
            chunk, order = order[-rows:], order[:-rows]
            left, right, _ = self._systems(found[chunk])
            factors[chunk] = np.linalg.solve(left, right[:, :, None])[:, :, 0]
        return factors

    def score(self, histories: csr_matrix) -> Float32Array:
        """Preference of each history for each item, near 0 to 1; an empty history scores 0 everywhere.

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
            As `user_factors`.
        """
        return np.asarray(self.user_factors(histories).astype(np.float32) @ self.item_factors_.T)

    def explain(self, history: csr_matrix, item: int) -> Float32Array:
        """What each interaction of one history adds to the score of an item: `c_j * y_i' W y_j`.

        Raises
        ------
        DataError
            More than one history, or an item that does not exist.
        """
        check_is_fitted(self)
        found = check_history(history, item, n_items=len(self.item_factors_))
        if found.nnz == 0:
            return np.zeros(0, dtype=np.float32)
        left, _, near = self._systems(found)
        weighted = np.linalg.solve(left[0], self.item_factors_[item].astype(np.float64))
        return np.asarray((1 + self.alpha * found.data) * (near[0] @ weighted), dtype=np.float32)

    def arrays(self) -> Arrays:
        """Parameters and item factors."""
        check_is_fitted(self)
        return pack_params(self.get_params()) | {"item_factors": self.item_factors_}

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
        factors = member(arrays, "item_factors", ndim=2)
        if factors.shape[1] != restored.factors:
            raise damaged("item_factors", f"it must have {restored.factors} columns, got {factors.shape[1]}")
        return restored._with(factors)

    def _with(self, item_factors: Float32Array) -> Self:
        self.item_factors_ = item_factors
        wide = item_factors.astype(np.float64)
        self._always = wide.T @ wide + self.regularization * np.eye(wide.shape[1])
        return self

    def _systems(self, histories: csr_matrix) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Left sides, right sides and item factors (rows x longest history x factors, zeros after its end)."""
        length = np.diff(histories.indptr)
        rows = np.repeat(np.arange(len(length)), length)
        place = np.arange(histories.nnz) - np.repeat(histories.indptr[:-1], length)
        near = np.zeros((len(length), int(length.max()), self.item_factors_.shape[1]))
        near[rows, place] = self.item_factors_[histories.indices]
        extra = np.zeros(near.shape[:2])
        extra[rows, place] = self.alpha * histories.data.astype(np.float64)
        # Padding needs no mask: its factors are zeros.
        left = self._always + near.transpose(0, 2, 1) @ (extra[:, :, None] * near)
        right = ((1 + extra)[:, None, :] @ near)[:, 0]
        return left, right, near

    def _check(self) -> None:
        for name, right, rule in (
            ("factors", self.factors >= 1, "at least 1"),
            ("regularization", 0 < self.regularization < np.inf, "more than 0"),
            ("alpha", 0 < self.alpha < np.inf, "more than 0"),
            ("iterations", self.iterations >= 1, "at least 1"),
            ("num_threads", self.num_threads >= 0, "0 or more"),
        ):
            if not right:
                raise ConfigError(f"ALS: {name} must be {rule}, got {getattr(self, name)!r}")

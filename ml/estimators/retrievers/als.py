"""Implicit-feedback matrix factorisation: trained with `implicit`, fold-in and explanation in closed form."""

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

CHUNK_CELLS = 4_000_000  # 32 MB of float64 for the linear systems of one chunk of histories


@dataclass(kw_only=True, eq=False, repr=False)
class ALS(SklearnEstimator):
    """Alternating least squares for implicit feedback, as `implicit.als.AlternatingLeastSquares`.

    Only the item factors are stored; any history, also of a new user, is folded in exactly.

    Parameters
    ----------
    factors : int, default 128
        Dimension of the factors.
    regularization : float, default 50
        Ridge penalty, above 0.
    alpha : float, default 2
        Confidence per unit of weight, above 0.
    iterations : int, default 15
        Number of alternating iterations.
    seed : int, default 7
        Seed of the initial factors.
    num_threads : int, default 0
        Threads for fitting; 0 takes `ml.threads.thread_count(0)`.

    Attributes
    ----------
    item_factors_ : float32 ndarray of shape (n_items, factors)
        Item factors; zeros for items without interactions.

    Notes
    -----
    The confidence of an interaction is `1 + alpha * weight`. The factors x of a history solve
    `(Y'Y + Y'(C - I)Y + regularization I) x = Y'C p`, with item factors Y, the diagonal matrix C of confidences, and p
    equal to 1 for the items of the history [1]_. `explain` follows section 5 of the same paper.

    References
    ----------
    .. [1] Y. Hu, Y. Koren, C. Volinsky (2008), Collaborative filtering for implicit feedback datasets, ICDM, 263-272.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.als import ALS
    >>> from ml.estimators.retrievers.interactions import Interactions
    >>> train = Interactions(csr_matrix([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]))
    >>> model = ALS(factors=2, regularization=0.1, num_threads=1).fit(train)
    >>> scores = model.score(csr_matrix([[1.0, 0.0, 0.0, 0.0]]))  # new user with an interaction with item 0
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
        """Fit the item factors.

        Parameters
        ----------
        interactions : Interactions
            Weights of users and items (`ml.estimators.retrievers.interactions.Interactions`).

        Returns
        -------
        Self
            The fitted model.

        Raises
        ------
        ConfigError
            A parameter is out of range.
        DataError
            There are no interactions.
        """
        from implicit.cpu.als import (
            AlternatingLeastSquares,
        )  # only needed for fitting: not installed for serving

        self._check()
        matrix = interactions.matrix
        if matrix.nnz == 0:
            raise DataError("ALS: there are no interactions to fit")
        confidence = csr_matrix((1 + self.alpha * matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
        # implicit starts its own threads; BLAS threads inside them would compete for the same cores.
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
        """Return the factors of histories by fold-in.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            One row per history: weights of its interactions by item, finite and at least 0, columns as in training.

        Returns
        -------
        ndarray of shape (n_rows, factors)
            Zeros for an empty history.

        Raises
        ------
        DataError
            Another number of items, or weights that are negative or not finite.
        """
        check_is_fitted(self)
        weights = check_weights(histories, "histories", n_items=len(self.item_factors_))
        length = np.diff(weights.indptr)
        factors = np.zeros((len(length), self.item_factors_.shape[1]))
        # Sorted by length, the histories of a chunk need little padding.
        order = np.argsort(length, kind="stable")
        order = order[length[order] > 0]
        while order.size:
            rows = max(1, CHUNK_CELLS // (factors.shape[1] * (factors.shape[1] + int(length[order[-1]]))))
            chunk, order = order[-rows:], order[:-rows]
            left, right, _ = self._systems(weights[chunk])
            factors[chunk] = np.linalg.solve(left, right[:, :, None])[:, :, 0]
        return factors

    def score(self, histories: csr_matrix) -> Float32Array:
        """Return the predicted preference of each history for each item.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            One row per history: weights of its interactions by item, finite and at least 0, columns as in training.

        Returns
        -------
        float32 ndarray of shape (n_rows, n_items)
            Mostly between 0 and 1; 0 for an empty history.

        Raises
        ------
        DataError
            Another number of items, or weights that are negative or not finite.
        NotFittedError
            The model is not fitted.
        """
        return np.asarray(self.user_factors(histories).astype(np.float32) @ self.item_factors_.T)

    def explain(self, history: csr_matrix, item: int) -> Float32Array:
        """Return the contribution of each interaction j to the score of item i: `c_j * y_i' W y_j`.

        Parameters
        ----------
        history : csr_matrix of shape (1, n_items)
            One history.
        item : int
            Column number of the item.

        Returns
        -------
        float32 ndarray of shape (history.nnz,)
            Contributions in the order of `history.indices`; they sum to the item's score.

        Raises
        ------
        DataError
            More than one history, or `item` out of range.
        NotFittedError
            The model is not fitted.
        """
        check_is_fitted(self)
        weights = check_history(history, item, n_items=len(self.item_factors_))
        if weights.nnz == 0:
            return np.zeros(0, dtype=np.float32)
        left, _, factors = self._systems(weights)
        weighted = np.linalg.solve(left[0], self.item_factors_[item].astype(np.float64))
        return np.asarray((1 + self.alpha * weights.data) * (factors[0] @ weighted), dtype=np.float32)

    def arrays(self) -> Arrays:
        """Return the arrays `params` (JSON text) and `item_factors` by name, storable as .npz."""
        check_is_fitted(self)
        return pack_params(self.get_params()) | {"item_factors": self.item_factors_}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Self:
        """Return the model stored in `arrays`, a mapping as returned by the method `arrays`.

        Raises
        ------
        ModelNotFound
            An array is missing.
        DataError
            An array is damaged.

        Examples
        --------
        >>> from scipy.sparse import csr_matrix
        >>> from ml.estimators.retrievers.als import ALS
        >>> from ml.estimators.retrievers.interactions import Interactions
        >>> model = ALS(factors=2, num_threads=1).fit(Interactions(csr_matrix([[1, 1], [0, 1]])))
        >>> bool((ALS.from_arrays(model.arrays()).item_factors_ == model.item_factors_).all())
        True
        """
        restored = cls(**unpack_params(arrays, keys=frozenset(field.name for field in fields(cls))))
        factors = member(arrays, "item_factors", ndim=2)
        if factors.shape[1] != restored.factors:
            raise damaged("item_factors", f"it must have {restored.factors} columns, got {factors.shape[1]}")
        return restored._with(factors)

    def _with(self, item_factors: Float32Array) -> Self:
        self.item_factors_ = item_factors
        wide = item_factors.astype(np.float64)
        self._gram = wide.T @ wide + self.regularization * np.eye(wide.shape[1])
        return self

    def _systems(self, histories: csr_matrix) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return matrices, right-hand sides, and item factors padded with zeros (rows x longest history x factors)."""
        length = np.diff(histories.indptr)
        rows = np.repeat(np.arange(len(length)), length)
        place = np.arange(histories.nnz) - np.repeat(histories.indptr[:-1], length)
        factors = np.zeros((len(length), int(length.max()), self.item_factors_.shape[1]))
        factors[rows, place] = self.item_factors_[histories.indices]
        extra = np.zeros(factors.shape[:2])
        extra[rows, place] = self.alpha * histories.data.astype(np.float64)
        # Padding needs no mask: its factors are zeros.
        left = self._gram + factors.transpose(0, 2, 1) @ (extra[:, :, None] * factors)
        right = ((1 + extra)[:, None, :] @ factors)[:, 0]
        return left, right, factors

    def _check(self) -> None:
        for name, valid, rule in (
            ("factors", self.factors >= 1, "at least 1"),
            ("regularization", 0 < self.regularization < np.inf, "more than 0"),
            ("alpha", 0 < self.alpha < np.inf, "more than 0"),
            ("iterations", self.iterations >= 1, "at least 1"),
            ("num_threads", self.num_threads >= 0, "0 or more"),
        ):
            if not valid:
                raise ConfigError(f"ALS: {name} must be {rule}, got {getattr(self, name)!r}")

"""Broad directions of taste: a history projected on the leading singular vectors of the normalised interactions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.linalg import svd
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from features.errors import ConfigError, DataError
from ml.artefacts.json_files import damaged
from ml.artefacts.npz import Arrays, member, pack_params, unpack_params
from ml.estimators.contract import SklearnEstimator, check_is_fitted
from ml.estimators.retrievers.interactions import Float32Array, Interactions, check_history, check_weights
from ml.estimators.retrievers.item_gram import normalise

NEGLIGIBLE = 1e-6


@dataclass(kw_only=True, eq=False, repr=False)
class LowPass(SklearnEstimator):
    """Ideal low-pass filter on the graph of people and items.

    With `Z = D_u^-a X D_i^-b = U S V'`, a history h scores `h D_i^-b V V' D_i^b`. Item-item regression hears single
    pairs of items, this hears directions shared by many; the two err in different places, and blended they err less.

    Parameters
    ----------
    rank : int
        Singular vectors kept, at least 1; a smaller matrix has fewer.
    user_exponent, item_exponent : float
        `a` and `b`, from 0 to 1.

    Attributes
    ----------
    projection_, reconstruction_ : array of shape (n_items, at most rank)
        `D_i^-b V` and `D_i^b V`.

    References
    ----------
    Y. Shen, Y. Wu, Y. Zhang et al. (2021), How powerful is graph convolution for recommendation?, CIKM, 1619-1629.

    Examples
    --------
    >>> seen = Interactions(csr_matrix([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]))
    >>> LowPass(rank=2).fit(seen).score(csr_matrix([[1.0, 0.0, 0.0, 0.0]])).round(2).tolist()
    [[0.5, 0.5, 0.0, 0.0]]
    """

    rank: int = 64
    user_exponent: float = 0.25
    item_exponent: float = 0.25

    def fit(self, interactions: Interactions) -> Self:
        """Learn the vectors.

        Raises
        ------
        ConfigError
            A parameter out of range.
        DataError
            No interactions.
        """
        for name in ("user_exponent", "item_exponent"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"low pass: {name} must be from 0 to 1, got {getattr(self, name)}")
        if self.rank < 1:
            raise ConfigError(f"low pass: rank must be at least 1, got {self.rank}")
        if interactions.matrix.nnz == 0:
            raise DataError("low pass: there are no interactions to learn from")
        z, scale = normalise(interactions.matrix, user_exponent=self.user_exponent, item_exponent=self.item_exponent)
        wide = z.astype(np.float64)
        if self.rank < min(wide.shape):
            _, strength, vectors = svds(wide, k=self.rank, rng=np.random.default_rng(0))
        else:
            _, strength, vectors = svd(wide.toarray(), full_matrices=False)
        basis = vectors[strength > NEGLIGIBLE * strength.max()].T
        return self._with(
            np.ascontiguousarray(basis / scale[:, None], dtype=np.float32),
            np.ascontiguousarray(basis * scale[:, None], dtype=np.float32),
        )

    def score(self, histories: csr_matrix) -> Float32Array:
        """Scores of every item for each history; an empty one scores 0 everywhere.

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
        found = check_weights(histories, "histories", n_items=len(self.projection_))
        return np.asarray((found @ self.projection_) @ self.reconstruction_.T)

    def explain(self, history: csr_matrix, item: int) -> Float32Array:
        """What each interaction of one history adds to the score of an item.

        Raises
        ------
        DataError
            More than one history, or an item that does not exist.
        """
        check_is_fitted(self)
        found = check_history(history, item, n_items=len(self.projection_))
        return np.asarray(found.data * (self.projection_[found.indices] @ self.reconstruction_[item]), dtype=np.float32)

    def arrays(self) -> Arrays:
        """Parameters and vectors."""
        check_is_fitted(self)
        return pack_params(self.get_params()) | {"projection": self.projection_, "reconstruction": self.reconstruction_}

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
        projection, reconstruction = (member(arrays, name, ndim=2) for name in ("projection", "reconstruction"))
        if projection.shape != reconstruction.shape:
            raise damaged("reconstruction", f"it must have shape {projection.shape}, got {reconstruction.shape}")
        return restored._with(projection, reconstruction)

    def _with(self, projection: Float32Array, reconstruction: Float32Array) -> Self:
        self.projection_, self.reconstruction_ = projection, reconstruction
        return self

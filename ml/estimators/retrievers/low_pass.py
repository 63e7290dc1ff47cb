"""Low-pass graph filter: projection of a history on the leading singular vectors of the interactions."""

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

MIN_RELATIVE_SINGULAR_VALUE = 1e-6


@dataclass(kw_only=True, eq=False, repr=False)
class LowPass(SklearnEstimator):
    """Ideal low-pass filter on the user-item graph (PureSVD on normalised interactions).

    Parameters
    ----------
    rank : int, default 64
        Number of singular vectors, at least 1; limited by the rank of the matrix.
    user_exponent, item_exponent : float, default 0.25
        a and b, in [0, 1]: exponents of the normalisation by user and item sums.

    Attributes
    ----------
    projection_, reconstruction_ : float32 ndarray of shape (n_items, n_components)
        `D_i^-b V` and `D_i^b V`, with n_components at most `rank`.

    Notes
    -----
    With `Z = D_u^-a X D_i^-b = U S V'` (row sums `D_u`, column sums `D_i`), the scores of a history h are
    `h D_i^-b V V' D_i^b` [1]_. The low-rank model complements `ItemItem`, which models pairs of items: a blend of both
    (`ml.estimators.retrievers.blend`) is more accurate than either.

    References
    ----------
    .. [1] Y. Shen, Y. Wu, Y. Zhang et al. (2021), How powerful is graph convolution for recommendation?, CIKM,
       1619-1629.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.interactions import Interactions
    >>> from ml.estimators.retrievers.low_pass import LowPass
    >>> train = Interactions(csr_matrix([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]))
    >>> LowPass(rank=2).fit(train).score(csr_matrix([[1.0, 0.0, 0.0, 0.0]])).round(2).tolist()
    [[0.5, 0.5, 0.0, 0.0]]
    """

    rank: int = 64
    user_exponent: float = 0.25
    item_exponent: float = 0.25

    def fit(self, interactions: Interactions) -> Self:
        """Fit the singular vectors.

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
        for name in ("user_exponent", "item_exponent"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"low pass: {name} must be from 0 to 1, got {getattr(self, name)}")
        if self.rank < 1:
            raise ConfigError(f"low pass: rank must be at least 1, got {self.rank}")
        if interactions.matrix.nnz == 0:
            raise DataError("low pass: there are no interactions to fit")
        z, scale = normalise(interactions.matrix, user_exponent=self.user_exponent, item_exponent=self.item_exponent)
        wide = z.astype(np.float64)
        if self.rank < min(wide.shape):
            _, strength, vectors = svds(wide, k=self.rank, rng=np.random.default_rng(0))
        else:
            _, strength, vectors = svd(wide.toarray(), full_matrices=False)
        basis = vectors[strength > MIN_RELATIVE_SINGULAR_VALUE * strength.max()].T
        return self._with(
            np.ascontiguousarray(basis / scale[:, None], dtype=np.float32),
            np.ascontiguousarray(basis * scale[:, None], dtype=np.float32),
        )

    def score(self, histories: csr_matrix) -> Float32Array:
        """Return the scores of every item for each history.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            One row per history: weights of its interactions by item, finite and at least 0, columns as in training.

        Returns
        -------
        float32 ndarray of shape (n_rows, n_items)
            0 for an empty history.

        Raises
        ------
        DataError
            Another number of items, or weights that are negative or not finite.
        """
        check_is_fitted(self)
        weights = check_weights(histories, "histories", n_items=len(self.projection_))
        return np.asarray((weights @ self.projection_) @ self.reconstruction_.T)

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
            Contributions in the order of `history.indices`; they sum to the item's score.

        Raises
        ------
        DataError
            More than one history, or `item` out of range.
        NotFittedError
            The model is not fitted.
        """
        check_is_fitted(self)
        row = check_history(history, item, n_items=len(self.projection_))
        return np.asarray(row.data * (self.projection_[row.indices] @ self.reconstruction_[item]), dtype=np.float32)

    def arrays(self) -> Arrays:
        """Return the arrays `params` (JSON text), `projection` and `reconstruction` by name, storable as .npz."""
        check_is_fitted(self)
        return pack_params(self.get_params()) | {"projection": self.projection_, "reconstruction": self.reconstruction_}

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
        >>> from ml.estimators.retrievers.low_pass import LowPass
        >>> from ml.estimators.retrievers.interactions import Interactions
        >>> model = LowPass(rank=1).fit(Interactions(csr_matrix([[1, 1], [0, 1]])))
        >>> bool((LowPass.from_arrays(model.arrays()).projection_ == model.projection_).all())
        True
        """
        restored = cls(**unpack_params(arrays, keys=frozenset(field.name for field in fields(cls))))
        projection, reconstruction = (member(arrays, name, ndim=2) for name in ("projection", "reconstruction"))
        if projection.shape != reconstruction.shape:
            raise damaged("reconstruction", f"it must have shape {projection.shape}, got {reconstruction.shape}")
        return restored._with(projection, reconstruction)

    def _with(self, projection: Float32Array, reconstruction: Float32Array) -> Self:
        self.projection_, self.reconstruction_ = projection, reconstruction
        return self

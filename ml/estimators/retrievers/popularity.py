"""Popularity by group, the recommender for cold-start users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.special import gammaln

from features.errors import ConfigError, DataError
from ml.artefacts.json_files import damaged
from ml.artefacts.npz import Arrays, member, pack_params, unpack_params
from ml.domain.arrays import FloatArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted
from ml.estimators.retrievers.interactions import Float32Array, Interactions, check_weights

LOG_WEIGHT_RANGE = (np.log(1e-2), np.log(1e9))


@dataclass(kw_only=True, eq=False, repr=False)
class Popularity(SklearnEstimator):
    """Share of the interactions of each item, overall and by group with empirical-Bayes shrinkage.

    Parameters
    ----------
    prior_weight : float, optional
        Prior weight s of the overall shares, in interactions of weight 1, above 0. By default it is estimated from the
        groups by maximum marginal likelihood (`fit_prior_weight`).

    Attributes
    ----------
    overall_ : float32 ndarray of shape (n_items,)
        Overall shares; they sum to 1.
    by_group_ : float32 ndarray of shape (n_groups, n_items)
        Shrunken shares of each group; each row sums to 1.
    prior_weight_ : float
        The value of s in use; 0 without groups.

    Notes
    -----
    The share of item i in group g is the posterior mean of a Dirichlet-multinomial model,
    `(n_gi + s p_i) / (N_g + s)`, with overall shares p. Recency enters through the weights of the interactions
    (`decay_weights`), which are treated as counts.

    References
    ----------
    T. P. Minka (2000, revised 2012), Estimating a Dirichlet distribution, section 2.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.interactions import Interactions
    >>> from ml.estimators.retrievers.popularity import Popularity
    >>> users, groups = csr_matrix([[1, 0], [1, 0], [1, 0], [0, 1]]), csr_matrix([[2, 0], [1, 1], [0, 0]])
    >>> model = Popularity(prior_weight=2.0).fit(Interactions(users, groups))
    >>> model.overall_.tolist()
    [0.75, 0.25]
    >>> model.score_groups([0, 1, 2, -1]).tolist()  # (2 + 1.5) / 4, (1 + 1.5) / 4, empty group, unknown group
    [[0.875, 0.125], [0.625, 0.375], [0.75, 0.25], [0.75, 0.25]]
    """

    prior_weight: float | None = None

    def fit(self, interactions: Interactions) -> Self:
        """Fit the shares.

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
            `prior_weight` is not positive.
        DataError
            There are no interactions, or an item occurs in `by_group` but not in `matrix`.
        """
        if self.prior_weight is not None and not 0 < self.prior_weight < np.inf:
            raise ConfigError(f"popularity: prior_weight must be more than 0, got {self.prior_weight}")
        total = np.asarray(interactions.matrix.sum(axis=0), dtype=np.float64).ravel()
        if not total.any():
            raise DataError("popularity: there are no interactions to fit")
        overall = total / total.sum()
        self.overall_ = overall.astype(np.float32)
        self.by_group_ = np.empty((0, len(total)), dtype=np.float32)
        self.prior_weight_ = 0.0
        if interactions.by_group is not None and interactions.by_group.shape[0]:
            self._fit_groups(interactions.by_group, overall)
        return self

    def score(self, histories: csr_matrix) -> Float32Array:
        """Return the overall shares, the same row for every history.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            Only the number of rows is used.

        Returns
        -------
        float32 ndarray of shape (n_rows, n_items)

        Raises
        ------
        DataError
            Another number of items, or weights that are negative or not finite.
        NotFittedError
            The model is not fitted.
        """
        check_is_fitted(self)
        weights = check_weights(histories, "histories", n_items=len(self.overall_))
        return np.tile(self.overall_, (weights.shape[0], 1))

    def score_groups(self, groups: npt.ArrayLike) -> Float32Array:
        """Return the shares in the group of each row.

        Parameters
        ----------
        groups : array of int, shape (n_rows,)
            Row numbers of `Interactions.by_group`; -1 for an unknown group, which gets the overall shares.

        Returns
        -------
        float32 ndarray of shape (n_rows, n_items)

        Raises
        ------
        DataError
            A group number is out of range.
        NotFittedError
            The model is not fitted.
        """
        check_is_fitted(self)
        number = np.asarray(groups, dtype=np.int64)
        wrong = (number < -1) | (number >= len(self.by_group_))
        if wrong.any():
            raise DataError(
                f"popularity: group must be a number from 0 to {len(self.by_group_) - 1}, or -1 for an unknown one; "
                f"got {number[wrong][0]}"
            )
        shares = np.tile(self.overall_, (len(number), 1))
        shares[number >= 0] = self.by_group_[number[number >= 0]]
        return shares

    def arrays(self) -> Arrays:
        """Return the arrays `params` (JSON text), `overall`, `by_group`, `prior_weight` by name, storable as .npz."""
        check_is_fitted(self)
        fitted = {"overall": self.overall_, "by_group": self.by_group_, "prior_weight": np.array(self.prior_weight_)}
        return pack_params(self.get_params()) | fitted

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
        >>> from ml.estimators.retrievers.popularity import Popularity
        >>> from ml.estimators.retrievers.interactions import Interactions
        >>> model = Popularity().fit(Interactions(csr_matrix([[1, 1], [0, 1]])))
        >>> bool((Popularity.from_arrays(model.arrays()).overall_ == model.overall_).all())
        True
        """
        restored = cls(**unpack_params(arrays, keys=frozenset(field.name for field in fields(cls))))
        restored.overall_ = member(arrays, "overall", ndim=1)
        restored.by_group_ = member(arrays, "by_group", ndim=2)
        restored.prior_weight_ = float(member(arrays, "prior_weight"))
        if restored.by_group_.shape[1] != len(restored.overall_):
            raise damaged("by_group", f"it must have {len(restored.overall_)} columns")
        return restored

    def _fit_groups(self, by_group: csr_matrix, overall: FloatArray) -> None:
        stray = by_group.indices[overall[by_group.indices] == 0]
        if stray.size:
            raise DataError(
                f"popularity: item {stray[0]} has interactions in by_group but none in matrix: build both from the "
                "same interactions"
            )
        weight = fit_prior_weight(by_group, overall) if self.prior_weight is None else self.prior_weight
        size = np.asarray(by_group.sum(axis=1), dtype=np.float64).ravel()
        shares = (by_group.toarray() + weight * overall) / (size + weight)[:, None]
        self.by_group_, self.prior_weight_ = shares.astype(np.float32), float(weight)


def fit_prior_weight(by_group: csr_matrix, overall: FloatArray) -> float:
    """Return the prior weight that maximises the Dirichlet-multinomial likelihood of the groups.

    Parameters
    ----------
    by_group : csr_matrix of shape (n_groups, n_items)
        Weight of each item in each group.
    overall : ndarray of shape (n_items,)
        Prior shares, positive wherever a group has weight.

    Returns
    -------
    float
        In interactions of weight 1, between 0.01 and 10^9.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.popularity import fit_prior_weight
    >>> alike, apart = csr_matrix([[50.0, 50.0], [50.0, 50.0]]), csr_matrix([[90.0, 10.0], [10.0, 90.0]])
    >>> fit_prior_weight(alike, np.array([0.5, 0.5])) > 1e6
    True
    >>> 1 < fit_prior_weight(apart, np.array([0.5, 0.5])) < 5
    True
    """
    from scipy.optimize import minimize_scalar

    size = np.asarray(by_group.sum(axis=1), dtype=np.float64).ravel()
    count, share = by_group.data.astype(np.float64), overall[by_group.indices]

    def loss(log_weight: float) -> float:
        prior = np.exp(log_weight)
        of_items = gammaln(count + prior * share) - gammaln(prior * share)
        return -float((gammaln(prior) - gammaln(prior + size)).sum() + of_items.sum())

    return float(np.exp(minimize_scalar(loss, bounds=LOG_WEIGHT_RANGE, method="bounded").x))

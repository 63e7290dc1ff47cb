"""Items that are alike in what they are: for items just listed, and for "more like this one"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.artefacts.json_files import damaged
from ml.artefacts.npz import Arrays, member, pack_params, unpack_params
from ml.domain.arrays import FloatArray, IntArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted
from ml.estimators.retrievers.interactions import Float32Array, one_history, weights_matrix
from ml.estimators.retrievers.top_k import top_k


@dataclass(kw_only=True, eq=False, repr=False)
class ContentNeighbours(SklearnEstimator):
    """Cosine between items described by standardised numbers and one-hot categories.

    `fit` learns the scale of the numbers and the categories there are; `replace_items` puts other items in their place
    on the same scale, without learning, as stock changes. Two items alike in everything known have a cosine of 1.

    Parameters
    ----------
    category_weight : float
        Length of a category next to a number one standard deviation off its mean, more than 0.

    Attributes
    ----------
    mean_, spread_ : array of shape (n_numeric,)
        Mean and standard deviation of each number; a number that never varies counts for nothing.
    n_codes_ : array of shape (n_categorical,)
        Codes of each category.
    vectors_ : array of shape (n_items, n_numeric + sum of n_codes_)
        Items as unit vectors, float32; zeros where nothing is known.

    Examples
    --------
    >>> price, body = np.array([[10.0], [11.0], [30.0]]), np.array([[0], [0], [1]])
    >>> model = ContentNeighbours().fit(price, body)
    >>> items, cosines = model.similar([0], k=2)
    >>> items.tolist(), bool(cosines[0, 0] > 0.9 > 0 > cosines[0, 1])
    ([[1, 2]], True)
    """

    category_weight: float = 1.0

    def fit(self, numeric: npt.ArrayLike, categories: npt.ArrayLike) -> Self:
        """Learn the scale from items, and hold these items.

        Parameters
        ----------
        numeric : array of shape (n_items, n_numeric)
            NaN is missing and counts as average.
        categories : array of int, shape (n_items, n_categorical)
            Codes from 0; -1 is missing or unseen.

        Raises
        ------
        ConfigError
            `category_weight` not positive.
        DataError
            No items, shapes that differ, infinite numbers, or codes below -1.
        """
        if not 0 < self.category_weight < np.inf:
            raise ConfigError(f"content neighbours: category_weight must be more than 0, got {self.category_weight}")
        number, code = _described(numeric, categories)
        if not len(number):
            raise DataError("content neighbours: there are no items to learn the scale from")
        known = ~np.isnan(number)
        count = np.maximum(known.sum(axis=0), 1)
        self.mean_ = np.where(known, number, 0.0).sum(axis=0) / count
        self.spread_ = np.sqrt((np.where(known, number - self.mean_, 0.0) ** 2).sum(axis=0) / count)
        self.n_codes_ = code.max(axis=0, initial=-1) + 1
        return self.replace_items(number, code)

    def replace_items(self, numeric: npt.ArrayLike, categories: npt.ArrayLike) -> Self:
        """Hold other items, described as in `fit`; codes that `fit` did not see count as missing.

        Raises
        ------
        DataError
            Other columns than in `fit`, infinite numbers, or codes below -1.
        """
        self.vectors_ = self.vectors(numeric, categories)
        return self

    def vectors(self, numeric: npt.ArrayLike, categories: npt.ArrayLike) -> Float32Array:
        """Unit vectors of any items, described as in `fit`; errors as `replace_items`."""
        check_is_fitted(self, "n_codes_")
        number, code = _described(numeric, categories)
        if number.shape[1] != len(self.mean_) or code.shape[1] != len(self.n_codes_):
            raise DataError(
                f"content neighbours: items must have {len(self.mean_)} numbers and {len(self.n_codes_)} categories, "
                f"got {number.shape[1]} and {code.shape[1]}"
            )
        # A spread of rounding noise is none: what never varies must not tell items apart.
        varies = self.spread_ > 1e-9 * np.maximum(np.abs(self.mean_), np.finfo(np.float64).tiny)
        scaled = np.where(varies, (number - self.mean_) / np.where(varies, self.spread_, 1.0), 0.0)
        one_hot = [self.category_weight * (code[:, [column]] == np.arange(n)) for column, n in enumerate(self.n_codes_)]
        joined = np.hstack([np.nan_to_num(scaled, nan=0.0), *one_hot])
        length = np.linalg.norm(joined, axis=1, keepdims=True)
        return np.asarray(joined / np.where(length > 0, length, 1.0), dtype=np.float32)

    def similar(
        self, items: npt.ArrayLike, *, k: int, excluded: csr_matrix | None = None
    ) -> tuple[IntArray, Float32Array]:
        """The nearest other items of each item.

        Parameters
        ----------
        items : array of int, shape (n_rows,)
            Numbers of items held.
        k : int
            How many, at least 1.
        excluded : csr_matrix of shape (n_rows, n_items), optional
            Items that must not be listed.

        Returns
        -------
        lists : array of int64, shape (n_rows, k)
            Nearest first; -1 where there are fewer.
        cosines : array of float32, shape (n_rows, k)
            From -1 to 1; NaN where there is no item.

        Raises
        ------
        DataError
            An item that is not held.
        ConfigError
            `k` below 1.
        """
        check_is_fitted(self, "vectors_")
        number = np.asarray(items, dtype=np.int64)
        wrong = (number < 0) | (number >= len(self.vectors_))
        if wrong.any():
            raise DataError(f"item must be a number from 0 to {len(self.vectors_) - 1}, got {number[wrong][0]}")
        cosines = self.vectors_[number] @ self.vectors_.T
        cosines[np.arange(len(number)), number] = -np.inf
        lists = top_k(cosines, k=k, mask=excluded)
        found = np.full(lists.shape, np.nan, dtype=np.float32)
        row, place = np.nonzero(lists >= 0)
        found[row, place] = cosines[row, lists[row, place]]
        return lists, found

    def score(self, histories: csr_matrix) -> Float32Array:
        """Mean cosine with the items of each history, weighted as they are; an empty history scores 0 everywhere.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            Weights over the items held.

        Returns
        -------
        array of shape (n_rows, n_items)

        Raises
        ------
        DataError
            Another number of items, or weights that are negative or not finite.
        """
        check_is_fitted(self, "vectors_")
        found = weights_matrix(histories, "histories", n_items=len(self.vectors_))
        total = np.asarray(found.sum(axis=1), dtype=np.float32).reshape(-1, 1)
        return np.asarray((found @ self.vectors_) / np.where(total > 0, total, 1) @ self.vectors_.T)

    def explain(self, history: csr_matrix, item: int) -> Float32Array:
        """What each interaction of one history adds to the score of an item, in the order of its indices.

        Raises
        ------
        DataError
            More than one history, or an item that is not held.
        """
        check_is_fitted(self, "vectors_")
        found = one_history(history, item, n_items=len(self.vectors_))
        if found.nnz == 0:
            return np.zeros(0, dtype=np.float32)
        return np.asarray(found.data / found.data.sum() * (self.vectors_[found.indices] @ self.vectors_[item]))

    def arrays(self) -> Arrays:
        """Parameters, the scale and the items held."""
        check_is_fitted(self, "vectors_")
        scale = {"mean": self.mean_, "spread": self.spread_, "n_codes": self.n_codes_, "vectors": self.vectors_}
        return pack_params(self.get_params()) | scale

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
        restored.mean_, restored.spread_, restored.n_codes_ = (
            member(arrays, name, ndim=1) for name in ("mean", "spread", "n_codes")
        )
        restored.vectors_ = member(arrays, "vectors", ndim=2)
        width = len(restored.mean_) + int(restored.n_codes_.sum())
        if restored.vectors_.shape[1] != width or len(restored.spread_) != len(restored.mean_):
            raise damaged("vectors", f"it must have {width} columns, those of the scale")
        return restored


def _described(numeric: npt.ArrayLike, categories: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    number, code = np.asarray(numeric, dtype=np.float64), np.asarray(categories, dtype=np.int64)
    if number.ndim != 2 or code.ndim != 2 or len(number) != len(code):
        raise DataError(
            f"content neighbours: numbers {number.shape} and categories {code.shape} must both be items x columns"
        )
    if np.isinf(number).any() or (code < -1).any():
        raise DataError("content neighbours: numbers must be finite or NaN, and codes -1 or more")
    return number, code

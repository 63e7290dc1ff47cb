"""Items that are alike in what they are: for items just listed, and for "more like this one"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from features.errors import ConfigError, DataError
from ml.domain.arrays import FloatArray, IntArray
from ml.estimators.contract import SklearnEstimator, check_is_fitted
from ml.estimators.retrievers.interactions import Float32Array


@dataclass(kw_only=True, eq=False, repr=False)
class ContentNeighbours(SklearnEstimator):
    """Cosine between items described by standardised numbers and one-hot categories.

    `fit` learns the scale of the numbers and the categories there are; `vectors` describes other items on the same
    scale, without learning, as stock changes. Two items alike in everything known have a cosine of 1.

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
    >>> cosine = model.vectors_ @ model.vectors_[0]
    >>> bool(cosine[1] > 0.9 > 0 > cosine[2])
    True
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
        self.vectors_ = self.vectors(number, code)
        return self

    def vectors(self, numeric: npt.ArrayLike, categories: npt.ArrayLike) -> Float32Array:
        """Return the unit vectors of any items, described as in `fit`; codes that `fit` did not see count as missing.

        Raises
        ------
        DataError
            Other columns than in `fit`, infinite numbers, or codes below -1.
        """
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


def _described(numeric: npt.ArrayLike, categories: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    number, code = np.asarray(numeric, dtype=np.float64), np.asarray(categories, dtype=np.int64)
    if number.ndim != 2 or code.ndim != 2 or len(number) != len(code):
        raise DataError(
            f"content neighbours: numbers {number.shape} and categories {code.shape} must both be items x columns"
        )
    if np.isinf(number).any() or (code < -1).any():
        raise DataError("content neighbours: numbers must be finite or NaN, and codes -1 or more")
    return number, code

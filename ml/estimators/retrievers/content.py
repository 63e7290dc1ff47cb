"""Content-based similarity of items, for new items and for "similar vehicles"."""

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
    """Represent items as unit vectors of standardised numbers and one-hot categories; similarity is their dot product.

    `fit` estimates the scale; `vectors` transforms further items on that scale, as the stock changes.

    Parameters
    ----------
    category_weight : float, default 1
        Value of a one-hot entry, relative to a number one standard deviation from its mean; above 0.

    Attributes
    ----------
    mean_, spread_ : ndarray of shape (n_numeric,)
        Mean and standard deviation of each number. Constant numbers are ignored.
    n_codes_ : ndarray of shape (n_categorical,)
        Number of codes of each category.
    vectors_ : float32 ndarray of shape (n_items, n_numeric + sum(n_codes_))
        Unit vectors of the items of `fit`; zeros where all properties are missing.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.estimators.retrievers.content import ContentNeighbours
    >>> price, body = np.array([[10.0], [11.0], [30.0]]), np.array([[0], [0], [1]])
    >>> model = ContentNeighbours().fit(price, body)
    >>> cosine = model.vectors_ @ model.vectors_[0]
    >>> bool(cosine[1] > 0.9 > 0 > cosine[2])
    True
    """

    category_weight: float = 1.0

    def fit(self, numeric: npt.ArrayLike, categories: npt.ArrayLike) -> Self:
        """Fit the scale and store the vectors of these items.

        Parameters
        ----------
        numeric : array of shape (n_items, n_numeric)
            Finite numbers; NaN is missing and treated as the mean.
        categories : array of int, shape (n_items, n_categorical)
            Codes from 0; -1 is missing or unseen.

        Returns
        -------
        ContentNeighbours
            The fitted model.

        Raises
        ------
        ConfigError
            `category_weight` is not positive.
        DataError
            There are no items, the shapes differ, numbers are infinite, or codes are below -1.
        """
        if not 0 < self.category_weight < np.inf:
            raise ConfigError(f"content neighbours: category_weight must be more than 0, got {self.category_weight}")
        number, code = _check_items(numeric, categories)
        if not len(number):
            raise DataError("content neighbours: there are no items to fit")
        present = ~np.isnan(number)
        count = np.maximum(present.sum(axis=0), 1)
        self.mean_ = np.where(present, number, 0.0).sum(axis=0) / count
        self.spread_ = np.sqrt((np.where(present, number - self.mean_, 0.0) ** 2).sum(axis=0) / count)
        self.n_codes_ = code.max(axis=0, initial=-1) + 1
        self.vectors_ = self.vectors(number, code)
        return self

    def vectors(self, numeric: npt.ArrayLike, categories: npt.ArrayLike) -> Float32Array:
        """Return the unit vectors of items; codes that did not occur in `fit` are treated as missing.

        Parameters
        ----------
        numeric : array of shape (n_items, n_numeric)
            Finite numbers in the columns of `fit`; NaN is missing and treated as the mean.
        categories : array of int, shape (n_items, n_categorical)
            Codes in the columns of `fit`; -1 is missing or unseen.

        Returns
        -------
        float32 ndarray of shape (n_items, n_numeric + sum(n_codes_))

        Raises
        ------
        DataError
            The number of columns differs from `fit`, numbers are infinite, or codes are below -1.
        NotFittedError
            The model is not fitted.
        """
        check_is_fitted(self, "n_codes_")
        number, code = _check_items(numeric, categories)
        if number.shape[1] != len(self.mean_) or code.shape[1] != len(self.n_codes_):
            raise DataError(
                f"content neighbours: items must have {len(self.mean_)} numbers and {len(self.n_codes_)} categories, "
                f"got {number.shape[1]} and {code.shape[1]}"
            )
        # The standard deviation of a constant number is rounding noise, which must not be scaled up to 1.
        varies = self.spread_ > 1e-9 * np.maximum(np.abs(self.mean_), np.finfo(np.float64).tiny)
        scaled = np.where(varies, (number - self.mean_) / np.where(varies, self.spread_, 1.0), 0.0)
        one_hot = [self.category_weight * (code[:, [column]] == np.arange(n)) for column, n in enumerate(self.n_codes_)]
        joined = np.hstack([np.nan_to_num(scaled, nan=0.0), *one_hot])
        length = np.linalg.norm(joined, axis=1, keepdims=True)
        return np.asarray(joined / np.where(length > 0, length, 1.0), dtype=np.float32)


def _check_items(numeric: npt.ArrayLike, categories: npt.ArrayLike) -> tuple[FloatArray, IntArray]:
    number, code = np.asarray(numeric, dtype=np.float64), np.asarray(categories, dtype=np.int64)
    if number.ndim != 2 or code.ndim != 2 or len(number) != len(code):
        raise DataError(
            f"content neighbours: numbers {number.shape} and categories {code.shape} must both be items x columns"
        )
    if np.isinf(number).any() or (code < -1).any():
        raise DataError("content neighbours: numbers must be finite or NaN, and codes -1 or more")
    return number, code

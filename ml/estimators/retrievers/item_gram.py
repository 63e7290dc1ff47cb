"""Linear algebra of the item-item model: Gram matrix, in-place inverse, regression on nearest neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack, solve
from scipy.sparse import csc_matrix, csr_matrix, diags_array

from features.errors import ConfigError
from ml.domain.arrays import FloatArray
from ml.estimators.retrievers.interactions import Float32Array

BLOCK_CELLS = 16_000_000  # 64 MB of float32 for a block of Gram rows


def normalise(matrix: csr_matrix, *, user_exponent: float, item_exponent: float) -> tuple[csr_matrix, Float32Array]:
    """Return `Z = D_u^-a X D_i^-b` and the diagonal of `D_i^b`.

    Parameters
    ----------
    matrix : csr_matrix of shape (n_users, n_items)
        Weights X. `D_u` and `D_i` hold its row and column sums; sums of 0 are replaced by 1.
    user_exponent, item_exponent : float
        a and b.

    Returns
    -------
    z : csr_matrix of shape (n_users, n_items)
    item_scale : float32 ndarray of shape (n_items,)

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.item_gram import normalise
    >>> z, scale = normalise(csr_matrix([[4.0, 0.0], [5.0, 0.0]]), user_exponent=0.0, item_exponent=0.5)
    >>> z.toarray().round(3).tolist(), scale.tolist()
    ([[1.333, 0.0], [1.667, 0.0]], [3.0, 1.0])
    """
    users, items = (np.asarray(matrix.sum(axis=axis), dtype=np.float64).ravel() for axis in (1, 0))
    left, right = (np.where(total > 0, total, 1.0) for total in (users, items))
    z = diags_array((left**-user_exponent).astype(np.float32)) @ matrix
    z = z @ diags_array((right**-item_exponent).astype(np.float32))
    return csr_matrix(z), (right**item_exponent).astype(np.float32)


def dense_weights(z: csr_matrix, added: FloatArray, item_scale: Float32Array, *, relaxation: float) -> Float32Array:
    """Return the item-item weights from the inverse of the full Gram matrix.

    Memory: one items x items float32 matrix, inverted in place.

    Parameters
    ----------
    z : csr_matrix of shape (n_users, n_items)
        Normalised interactions, as returned by `normalise`.
    added : ndarray of shape (n_items,)
        Regularisation added to the diagonal of the Gram matrix (L of `ItemItem`).
    item_scale : float32 ndarray of shape (n_items,)
        Diagonal of `D_i^b`, as returned by `normalise`.
    relaxation : float
        Relaxation r of the zero-diagonal constraint, from 0 (none) to 1.

    Returns
    -------
    float32 ndarray of shape (n_items, n_items)

    Raises
    ------
    ConfigError
        The regularised Gram matrix is not positive definite in float32.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.item_gram import dense_weights, normalise
    >>> z, scale = normalise(csr_matrix([[1.0, 1.0], [1.0, 1.0]]), user_exponent=0.0, item_exponent=0.0)
    >>> [[round(float(w), 3) for w in row] for row in dense_weights(z, np.ones(2), scale, relaxation=0.0)]
    [[0.0, 0.667], [0.667, 0.0]]
    """
    inverse = _inverse(_gram(z, added))
    diagonal = inverse.diagonal().astype(np.float64)
    factor = -np.maximum(added, (1 - relaxation) / diagonal)
    inverse *= (factor * item_scale).astype(np.float32)
    inverse /= item_scale[:, None]
    np.fill_diagonal(inverse, 0.0)
    return inverse


def neighbour_weights(
    z: csr_matrix, added: FloatArray, item_scale: Float32Array, *, relaxation: float, neighbours: int
) -> csr_matrix:
    """Return sparse item-item weights: one ridge regression of each item on its nearest neighbours by cosine.

    The diagonal of the inverse follows from the Schur complement, `1 / P_jj = G_jj + L_jj - g'w`.

    Parameters
    ----------
    z : csr_matrix of shape (n_users, n_items)
        Normalised interactions, as returned by `normalise`.
    added : ndarray of shape (n_items,)
        Regularisation added to the diagonal of the Gram matrix (L of `ItemItem`).
    item_scale : float32 ndarray of shape (n_items,)
        Diagonal of `D_i^b`, as returned by `normalise`.
    relaxation : float
        Relaxation r of the zero-diagonal constraint, from 0 (none) to 1.
    neighbours : int
        Maximum number of neighbours of each item.

    Returns
    -------
    csr_matrix of shape (n_items, n_items)

    Raises
    ------
    ConfigError
        A regression is singular.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_matrix
    >>> from ml.estimators.retrievers.item_gram import neighbour_weights, normalise
    >>> z, scale = normalise(csr_matrix([[1.0, 1.0], [1.0, 1.0]]), user_exponent=0.0, item_exponent=0.0)
    >>> weights = neighbour_weights(z, np.ones(2), scale, relaxation=0.0, neighbours=1)
    >>> [[round(float(w), 3) for w in row] for row in weights.toarray()]
    [[0.0, 0.667], [0.667, 0.0]]
    """
    columns = csc_matrix(z)
    rows, cols, values = [], [], []
    for item, near in _nearest(columns, neighbours):
        block = columns[:, np.append(near, item)]
        gram = (block.T @ block).toarray().astype(np.float64)
        target, diagonal = gram[:-1, -1].copy(), gram[-1, -1] + added[item]
        ridge = gram[:-1, :-1]
        ridge[np.diag_indices(len(near))] += added[near]
        try:
            weight = solve(ridge, target, assume_a="pos", check_finite=False)
        except np.linalg.LinAlgError:
            raise _singular() from None
        weight *= max(1 - relaxation, added[item] / (diagonal - target @ weight))
        rows.append(near)
        cols.append(np.full(len(near), item))
        values.append((weight / item_scale[near] * item_scale[item]).astype(np.float32))
    n_items = z.shape[1]
    if not rows:
        return csr_matrix((n_items, n_items), dtype=np.float32)
    places = np.concatenate(rows), np.concatenate(cols)
    return csr_matrix((np.concatenate(values), places), shape=(n_items, n_items))


def _gram(z: csr_matrix, added: FloatArray) -> Float32Array:
    n_items = z.shape[1]
    gram = np.empty((n_items, n_items), dtype=np.float32, order="F")
    by_item = csr_matrix(z.T)
    step = _block_rows(n_items)
    for start in range(0, n_items, step):
        # The matrix is symmetric: a block of rows fills a block of columns, which is contiguous in memory.
        gram[:, start : start + step] = (by_item[start : start + step] @ z).toarray().T
    gram[np.diag_indices(n_items)] += added.astype(np.float32)
    return gram


def _inverse(gram: Float32Array) -> Float32Array:
    """Invert a positive definite matrix in Fortran order in place; the result is in C order."""
    factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1, clean=0)
    if failed:
        raise _singular()
    lower, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    step = _block_rows(len(lower))
    for start in range(0, len(lower), step):
        stop = start + step
        corner = lower[start:stop, start:stop]
        corner[...] = np.tril(corner) + np.tril(corner, -1).T
        lower[start:stop, stop:] = lower[stop:, start:stop].T
    return np.asarray(lower.T)


def _nearest(columns: csc_matrix, neighbours: int) -> list[tuple[int, npt.NDArray[np.intp]]]:
    """Return each item that shares a user with another, with its nearest items by cosine in ascending order."""
    n_items = columns.shape[1]
    length = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=0), dtype=np.float64).ravel())
    unit = csc_matrix(columns @ diags_array(1 / np.where(length > 0, length, 1.0)).astype(np.float32))
    by_item = csr_matrix(unit.T)
    count, step, pairs = min(neighbours, n_items), _block_rows(n_items), []
    for start in range(0, n_items, step):
        block = (by_item[start : start + step] @ unit).toarray()
        row_numbers = np.arange(len(block))
        block[row_numbers, start + row_numbers] = 0.0
        best = np.argpartition(-block, count - 1, axis=1)[:, :count]
        for row, near in enumerate(best):
            used = np.sort(near[block[row, near] > 0])
            if used.size:
                pairs.append((start + row, used))
    return pairs


def _block_rows(n_items: int) -> int:
    return max(1, BLOCK_CELLS // max(n_items, 1))


def _singular() -> ConfigError:
    return ConfigError("item-item model: the matrix cannot be inverted in float32; raise regularization")

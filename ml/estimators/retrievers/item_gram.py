"""The arithmetic of the item-item model: Gram matrix, inverse in place, and regression on neighbours alone."""

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
    """`D_u^-a X D_i^-b` with the sums of each user and each item in D, and `D_i^b`; sums of 0 count as 1.

    Examples
    --------
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
    """Weights from the inverse of the whole Gram matrix; one items x items float32 matrix at any time.

    Parameters
    ----------
    z : csr_matrix of shape (n_users, n_items)
        Normalised interactions.
    added : array of shape (n_items,)
        Added to the diagonal of the Gram matrix.
    item_scale : array of shape (n_items,)
        `D_i^b`.
    relaxation : float
        As in `ItemItem`.

    Raises
    ------
    ConfigError
        The matrix is not positive definite in float32.
    """
    inverse = _inverse(_gram(z, added))
    own = inverse.diagonal().astype(np.float64)
    kept = -np.maximum(added, (1 - relaxation) / own)
    inverse *= (kept * item_scale).astype(np.float32)
    inverse /= item_scale[:, None]
    np.fill_diagonal(inverse, 0.0)
    return inverse


def neighbour_weights(
    z: csr_matrix, added: FloatArray, item_scale: Float32Array, *, relaxation: float, neighbours: int
) -> csr_matrix:
    """Weights of each item from its nearest items (by cosine) alone, each a small ridge regression.

    Arguments as for `dense_weights`. The inverse's own diagonal follows from Schur's complement:
    `1 / P_jj = G_jj + L_jj - g'w`, so that the relaxation means the same in both models.

    Raises
    ------
    ConfigError
        A regression is singular.
    """
    columns = csc_matrix(z)
    rows, cols, values = [], [], []
    for item, near in _nearest(columns, neighbours):
        together = columns[:, np.append(near, item)]
        gram = (together.T @ together).toarray().astype(np.float64)
        target, own = gram[:-1, -1].copy(), gram[-1, -1] + added[item]
        ridge = gram[:-1, :-1]
        ridge[np.diag_indices(len(near))] += added[near]
        try:
            weight = solve(ridge, target, assume_a="pos", check_finite=False)
        except np.linalg.LinAlgError:
            raise _singular() from None
        weight *= max(1 - relaxation, added[item] / (own - target @ weight))
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
        # The matrix is symmetric, so a block of rows is as good as the block of columns that lies together in memory.
        gram[:, start : start + step] = (by_item[start : start + step] @ z).toarray().T
    gram[np.diag_indices(n_items)] += added.astype(np.float32)
    return gram


def _inverse(gram: Float32Array) -> Float32Array:
    """The inverse of a positive definite matrix in Fortran order, in its own memory; returned in C order."""
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
    """Each item that shares a user with another, and its nearest ones by cosine, in order of their numbers."""
    n_items = columns.shape[1]
    length = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=0), dtype=np.float64).ravel())
    unit = csc_matrix(columns @ diags_array(1 / np.where(length > 0, length, 1.0)).astype(np.float32))
    by_item = csr_matrix(unit.T)
    count, step, found = min(neighbours, n_items), _block_rows(n_items), []
    for start in range(0, n_items, step):
        block = (by_item[start : start + step] @ unit).toarray()
        own = np.arange(len(block))
        block[own, start + own] = 0.0
        best = np.argpartition(-block, count - 1, axis=1)[:, :count]
        for row, near in enumerate(best):
            used = np.sort(near[block[row, near] > 0])
            if used.size:
                found.append((start + row, used))
    return found


def _block_rows(n_items: int) -> int:
    return max(1, BLOCK_CELLS // max(n_items, 1))


def _singular() -> ConfigError:
    return ConfigError("item-item model: the matrix cannot be inverted in float32; raise regularization")

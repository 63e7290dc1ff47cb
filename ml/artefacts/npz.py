"""Learned arrays as one file: NumPy's npz without pickle, parameters as JSON in it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from features.errors import ModelNotFound
from ml.artefacts.json_files import damaged

PARAMS = "params"
Arrays = dict[str, npt.NDArray[np.generic]]


def to_npz(arrays: Mapping[str, npt.NDArray[np.generic]]) -> bytes:
    """The arrays as one uncompressed npz file; equal arrays give equal bytes.

    Examples
    --------
    >>> from_npz(to_npz({"a": np.arange(2)}), "model.npz")["a"].tolist()
    [0, 1]
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def from_npz(content: bytes, name: str) -> Arrays:
    """The arrays of an npz file; Python objects in it are refused.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Its name, for errors.

    Raises
    ------
    DataError
        Not an npz file, or one that holds Python objects.

    Examples
    --------
    >>> from_npz(b"", "model.npz")
    Traceback (most recent call last):
    ...
    features.errors.DataError: the artefact file 'model.npz' is damaged: ...
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (ValueError, OSError, EOFError, KeyError, AttributeError, TypeError, zipfile.BadZipFile) as e:
        raise damaged(name, f"it is not an npz file of plain arrays ({e})") from None


def pack_params(params: Mapping[str, Any]) -> Arrays:
    """Parameters as one array of text.

    >>> str(pack_params({"factors": 8})["params"])
    '{"factors": 8}'
    """
    return {PARAMS: np.array(json.dumps(params, allow_nan=False))}


def unpack_params(arrays: Mapping[str, npt.NDArray[np.generic]], *, keys: frozenset[str]) -> dict[str, Any]:
    """The parameters that `pack_params` packed.

    Raises
    ------
    ModelNotFound
        The arrays hold none.
    DataError
        They are not JSON or have other keys.

    Examples
    --------
    >>> unpack_params(pack_params({"factors": 8}), keys=frozenset({"factors"}))
    {'factors': 8}
    """
    try:
        params = json.loads(str(member(arrays, PARAMS)))
    except ValueError as e:
        raise damaged(PARAMS, f"it is not JSON ({e})") from None
    if not isinstance(params, dict) or set(params) != keys:
        raise damaged(PARAMS, f"it must hold the keys {sorted(keys)}")
    return params


def member(arrays: Mapping[str, npt.NDArray[np.generic]], name: str, *, ndim: int = 0) -> npt.NDArray[Any]:
    """One array, with so many dimensions and, if it holds numbers, finite.

    Raises
    ------
    ModelNotFound
        It is missing.
    DataError
        It has other dimensions or holds NaN or infinity.

    Examples
    --------
    >>> member({}, "factors")
    Traceback (most recent call last):
    ...
    features.errors.ModelNotFound: the artefact lacks the array 'factors', it has []: restore it or train again
    """
    if name not in arrays:
        raise ModelNotFound(
            f"the artefact lacks the array {name!r}, it has {sorted(arrays)}: restore it or train again"
        )
    array = np.asarray(arrays[name])
    if array.ndim != ndim:
        raise damaged(name, f"it must have {ndim} dimensions, got {array.ndim}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise damaged(name, "it holds numbers that are not finite")
    return array


def pack_sparse(matrix: csr_matrix, name: str) -> Arrays:
    """A sparse matrix as its four arrays.

    >>> sorted(pack_sparse(csr_matrix([[0.0, 2.0]]), "w"))
    ['w_data', 'w_indices', 'w_indptr', 'w_shape']
    """
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": np.array(matrix.shape)}
    return {f"{name}_{part}": array for part, array in parts.items()}


def unpack_sparse(arrays: Mapping[str, npt.NDArray[np.generic]], name: str) -> csr_matrix:
    """The matrix that `pack_sparse` packed, its indices checked.

    >>> unpack_sparse(pack_sparse(csr_matrix([[0.0, 2.0]]), "w"), "w").toarray().tolist()
    [[0.0, 2.0]]
    """
    data, indices, indptr, shape = (
        member(arrays, f"{name}_{p}", ndim=1) for p in ("data", "indices", "indptr", "shape")
    )
    try:
        matrix = csr_matrix((data, indices, indptr), shape=tuple(shape.tolist()))
        matrix.check_format(full_check=True)
    except (ValueError, TypeError) as e:
        raise damaged(name, f"it is not a sparse matrix ({e})") from None
    return matrix

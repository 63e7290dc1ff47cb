"""Arrays and parameters of fitted estimators in one npz file, without pickle."""

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
    """Return arrays, by name, as the bytes of an uncompressed npz file; equal arrays give equal bytes.

    Raises
    ------
    ValueError
        An array has Python objects.

    Examples
    --------
    >>> import numpy as np
    >>> from_npz(to_npz({"a": np.arange(2)}), "model.npz")["a"].tolist()
    [0, 1]
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def from_npz(content: bytes, name: str) -> Arrays:
    """Return the arrays of an npz file by name.

    Parameters
    ----------
    content : bytes
        Content of the file, as returned by `to_npz`.
    name : str
        Name of the file, for the error message.

    Returns
    -------
    dict of str to ndarray
        Arrays with the shape and type that they had.

    Raises
    ------
    DataError
        The content is not an npz file, or has Python objects.

    Examples
    --------
    >>> from_npz(b"", "model.npz")
    Traceback (most recent call last):
    ...
    features.errors.DataError: the model file 'model.npz' is damaged: ...
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (ValueError, OSError, EOFError, KeyError, AttributeError, TypeError, zipfile.BadZipFile) as e:
        raise damaged(name, f"it is not an npz file of plain arrays ({e})") from None


def pack_params(params: Mapping[str, Any]) -> Arrays:
    """Return parameters as one array with JSON text, under the key 'params', to be merged into the arrays of `to_npz`.

    Raises
    ------
    ValueError
        A number is NaN or infinite.
    TypeError
        A value is no JSON type, such as an ndarray.

    Examples
    --------
    >>> str(pack_params({"factors": 8})["params"])
    '{"factors": 8}'
    """
    return {PARAMS: np.array(json.dumps(params, allow_nan=False))}


def unpack_params(arrays: Mapping[str, npt.NDArray[np.generic]], *, keys: frozenset[str]) -> dict[str, Any]:
    """Return the parameters that `pack_params` packed, by name.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As returned by `from_npz`.
    keys : frozenset of str
        Names that the parameters must have, and no others.

    Raises
    ------
    ModelNotFound
        The arrays have no parameters.
    DataError
        The parameters are not JSON, or their names differ.

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
        raise damaged(PARAMS, f"it must have the keys {sorted(keys)}")
    return params


def member(arrays: Mapping[str, npt.NDArray[np.generic]], name: str, *, ndim: int = 0) -> npt.NDArray[Any]:
    """Return one array and check that it has `ndim` dimensions and only finite numbers.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As returned by `from_npz`.
    name : str
        Key of the array.
    ndim : int
        Required number of dimensions.

    Raises
    ------
    ModelNotFound
        The array is missing.
    DataError
        The number of dimensions differs, or a number is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> member({"bias": np.array([0.5, 1.0])}, "bias", ndim=1).tolist()
    [0.5, 1.0]
    >>> member({}, "factors")
    Traceback (most recent call last):
    ...
    features.errors.ModelNotFound: the model lacks the array 'factors'; its arrays are []: restore it or train again
    """
    if name not in arrays:
        raise ModelNotFound(
            f"the model lacks the array {name!r}; its arrays are {sorted(arrays)}: restore it or train again"
        )
    array = np.asarray(arrays[name])
    if array.ndim != ndim:
        raise damaged(name, f"its number of dimensions must be {ndim}, got {array.ndim}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise damaged(name, "it has NaN or infinite values")
    return array


def pack_sparse(matrix: csr_matrix, name: str) -> Arrays:
    """Return a sparse matrix as four arrays: `<name>_data`, `<name>_indices`, `<name>_indptr` and `<name>_shape`.

    `to_npz` writes them to a file, and `unpack_sparse` reads them.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> sorted(pack_sparse(csr_matrix([[0.0, 2.0]]), "w"))
    ['w_data', 'w_indices', 'w_indptr', 'w_shape']
    """
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "shape": np.array(matrix.shape)}
    return {f"{name}_{part}": array for part, array in parts.items()}


def unpack_sparse(arrays: Mapping[str, npt.NDArray[np.generic]], name: str) -> csr_matrix:
    """Return the sparse matrix that `pack_sparse` packed.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As returned by `from_npz` or `pack_sparse`.
    name : str
        The name that was passed to `pack_sparse`.

    Raises
    ------
    ModelNotFound
        An array is missing.
    DataError
        The arrays are not a valid sparse matrix.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
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

"""npz files of fitted estimators: round trip and damaged files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from features.errors import DataError, ModelNotFound
from ml.artefacts import npz


def test_arrays_parameters_and_sparse_matrices_are_read_as_written() -> None:
    weights = csr_matrix([[0.0, 2.0], [1.5, 0.0]])
    written = npz.to_npz({**npz.pack_params({"factors": 8}), **npz.pack_sparse(weights, "w")})
    arrays = npz.from_npz(written, "model.npz")
    assert npz.unpack_params(arrays, keys=frozenset({"factors"})) == {"factors": 8}
    assert (npz.unpack_sparse(arrays, "w") != weights).nnz == 0


def test_what_is_damaged_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"model\.npz"):
        npz.from_npz(b"PK", "model.npz")
    with pytest.raises(DataError, match="NaN or infinite"):
        npz.member({"w": np.array([np.nan])}, "w", ndim=1)
    with pytest.raises(DataError, match="dimensions must be 1, got 2"):
        npz.member({"w": np.zeros((1, 1))}, "w", ndim=1)
    with pytest.raises(ModelNotFound, match="lacks the array 'w_data'"):
        npz.unpack_sparse({}, "w")


def test_python_objects_are_never_loaded() -> None:
    with pytest.raises(ValueError, match=r"allow_pickle|Object arrays"):
        npz.to_npz({"a": np.array([{}], dtype=object)})

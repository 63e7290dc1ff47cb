"""Top-k selection with ties and masks; files of arrays."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.artefacts.npz import from_npz, to_npz
from ml.estimators.retrievers.top_k import top_k

SHAPE = st.tuples(st.integers(1, 6), st.integers(1, 9))


@given(
    scores=SHAPE.flatmap(lambda shape: arrays(np.float32, shape, elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0]))),
    seed=st.integers(0, 99),
    k=st.integers(1, 11),
)
def test_equals_sorting_the_whole_row(scores: np.ndarray, seed: int, k: int) -> None:
    mask = np.random.default_rng(seed).random(scores.shape) < 0.3
    lists = top_k(scores, k=k, mask=csr_matrix(mask))
    for row, hidden, listed in zip(scores, mask, lists, strict=True):
        order = sorted(np.flatnonzero(~hidden), key=lambda item: (-row[item], item))[:k]
        assert listed.tolist() == order + [-1] * (k - len(order))


def test_the_callers_scores_are_untouched() -> None:
    scores = np.array([[1.0, 2.0]])
    top_k(scores, k=1, mask=csr_matrix([[0, 1]]))
    assert scores.tolist() == [[1.0, 2.0]]


def test_items_at_minus_infinity_are_not_listed() -> None:
    assert top_k([[-np.inf, 1.0]], k=2).tolist() == [[1, -1]]


def test_no_rows_and_no_items() -> None:
    assert top_k(np.empty((0, 4)), k=2).shape == (0, 2)
    assert top_k(np.empty((2, 0)), k=2).tolist() == [[-1, -1]] * 2


def test_what_it_refuses() -> None:
    with pytest.raises(ConfigError, match="k must be at least 1, got 0"):
        top_k([[1.0]], k=0)
    for wrong in (np.nan, np.inf):
        with pytest.raises(DataError, match="NaN or infinity"):
            top_k([[1.0, wrong]], k=1)
    with pytest.raises(DataError, match="mask of the same shape"):
        top_k([[1.0]], k=1, mask=csr_matrix((1, 2)))


def test_files_with_python_objects_are_refused() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{"x": 1}], dtype=object))
    with pytest.raises(DataError, match=r"'m\.npz' is damaged"):
        from_npz(buffer.getvalue(), "m.npz")
    with pytest.raises(ValueError, match="Object arrays"):
        to_npz({"a": np.array([{"x": 1}], dtype=object)})
    content = to_npz({"a": np.arange(1_000)})
    with pytest.raises(DataError, match="damaged"):
        from_npz(content[:-100], "m.npz")
    with pytest.raises(DataError, match="damaged"):
        from_npz(content[:200] + b"\xff" * 50 + content[250:], "m.npz")
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    with pytest.raises(DataError, match="damaged"):
        from_npz(buffer.getvalue(), "m.npz")

"""Ranked lists: by hand, scikit-learn's NDCG, and bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.metrics import ndcg_score

from features.errors import DataError
from ml.metrics.ranked_lists import (
    coverage,
    hit_rate_at_k,
    mean_with_interval,
    ndcg_at_k,
    novelty,
    recall_at_k,
    reciprocal_rank,
)

LISTS = np.array([[3, 1, 0], [2, 0, 1], [0, 1, -1], [0, 1, 2]])
RELEVANT = csr_matrix(np.array([[1, 0, 0, 1], [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]]))
PER_PERSON = (recall_at_k, ndcg_at_k, hit_rate_at_k, reciprocal_rank)


def test_by_hand() -> None:
    assert recall_at_k(LISTS, RELEVANT)[:3].tolist() == [1, 0, 1]
    assert hit_rate_at_k(LISTS, RELEVANT)[:3].tolist() == [1, 0, 1]
    assert reciprocal_rank(LISTS, RELEVANT)[:3].tolist() == [1, 0, 0.5]
    # Person 0: hits at places 1 and 3 of at most 1 + 1 / log2(3); person 2: one hit at place 2.
    expected = [1.5 / (1 + 1 / np.log2(3)), 0, 1 / np.log2(3)]
    np.testing.assert_allclose(ndcg_at_k(LISTS, RELEVANT)[:3], expected)


def test_people_without_a_relevant_item_have_no_value() -> None:
    for metric in PER_PERSON:
        assert np.isnan(metric(LISTS, RELEVANT)).tolist() == [False, False, False, True]


def test_more_relevant_items_than_places() -> None:
    everything = csr_matrix(np.ones((1, 8)))
    lists = [[5, 2]]
    assert recall_at_k(lists, everything).tolist() == [0.25]
    assert ndcg_at_k(lists, everything).tolist() == [1.0]


@given(seed=st.integers(0, 10_000), k=st.integers(1, 7))
def test_ndcg_agrees_with_scikit_learn_and_all_lie_between_0_and_1(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.permuted(np.tile(np.arange(7.0), (5, 1)), axis=1)
    truth = rng.random((5, 7)) < 0.4
    truth[:, 0] = True
    lists = np.argsort(-scores, axis=1)[:, :k]
    assert ndcg_at_k(lists, csr_matrix(truth)).mean() == pytest.approx(ndcg_score(truth, scores, k=k))
    for metric in PER_PERSON:
        values = metric(lists, csr_matrix(truth))
        assert ((values >= 0) & (values <= 1)).all()


def test_stored_zeros_and_weights_do_not_count_as_more() -> None:
    stored = csr_matrix(([2.0, 0.0], ([0, 0], [0, 1])), shape=(1, 3))
    assert recall_at_k([[0]], stored).tolist() == [1.0]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [metric(LISTS, RELEVANT) for metric in PER_PERSON]
    monkeypatch.setattr("ml.metrics.ranked_lists.CHUNK_CELLS", 4)
    for metric, expected in zip(PER_PERSON, whole, strict=True):
        np.testing.assert_array_equal(metric(LISTS, RELEVANT), expected)


def test_coverage_and_novelty() -> None:
    assert coverage(LISTS, n_items=8) == 0.5
    bits = novelty([[0, 1], [1, -1], [-1, -1]], seen_by=[0, 3], n_users=7)
    assert bits[:2].tolist() == [2.0, 1.0]  # 3 bits for an item seen by nobody, 1 for an item seen by three of seven
    assert np.isnan(bits[2])


def test_the_interval_is_that_of_the_mean_and_leaves_out_people_without_a_value() -> None:
    values = np.random.default_rng(2).normal(0.3, 0.2, 4_000)
    interval = mean_with_interval(np.append(values, np.nan), n=400, seed=1)
    assert interval.value == pytest.approx(values.mean())
    half = 1.96 * values.std() / np.sqrt(4_000)
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.15)
    assert mean_with_interval(values, n=50, seed=3) == mean_with_interval(values, n=50, seed=3)


def test_invalid_input_raises() -> None:
    for metric in PER_PERSON:
        with pytest.raises(DataError, match="3 against 4"):
            metric(LISTS[:3], RELEVANT)
        with pytest.raises(DataError, match=r"from 0 to 3 or -1, got 0 to 4"):
            metric([[0, 4]] * 4, RELEVANT)
        with pytest.raises(DataError, match="row 0 holds item 2 twice"):
            metric([[2, 2]] * 4, RELEVANT)
        with pytest.raises(DataError, match="array of integers"):
            metric([[0.5]] * 4, RELEVANT)
    with pytest.raises(DataError, match="n_items"):
        coverage(np.empty((0, 2), dtype=np.int64), n_items=0)
    with pytest.raises(DataError, match="seen_by"):
        novelty([[0]], seen_by=[8], n_users=7)
    with pytest.raises(DataError, match="at least one value"):
        mean_with_interval([np.nan])

"""Resampling: counts add up, clusters are drawn whole, invalid arguments are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.domain.statistics.resampling import bootstrap_interval, resampled_counts


@given(n_rows=st.integers(1, 50), seed=st.integers(0, 1_000))
def test_every_resample_has_as_many_rows(n_rows: int, seed: int) -> None:
    assert [int(counts.sum()) for counts in resampled_counts(n_rows, n=3, seed=seed)] == [n_rows] * 3


@given(groups=st.lists(st.sampled_from("abcde"), min_size=1, max_size=40), seed=st.integers(0, 1_000))
def test_a_cluster_is_drawn_whole(groups: list[str], seed: int) -> None:
    for counts in resampled_counts(len(groups), n=3, seed=seed, groups=groups):
        drawn = {g: {c for c, other in zip(counts, groups, strict=True) if other == g} for g in groups}
        assert all(len(values) == 1 for values in drawn.values())
        assert sum(values.pop() for values in drawn.values()) == len(set(groups))


def test_requests_without_an_answer_are_refused() -> None:
    with pytest.raises(ValueError, match="n_rows=0"):
        next(resampled_counts(0, n=1, seed=0))
    with pytest.raises(ValueError, match="one entry for each of the 3 rows, got 2"):
        next(resampled_counts(3, n=1, seed=0, groups=["a", "b"]))
    with pytest.raises(ValueError, match="at least one draw"):
        bootstrap_interval(1.0, [])
    with pytest.raises(ValueError, match=r"level must be between 0 and 1, got 1\.0"):
        bootstrap_interval(1.0, np.ones(3), level=1.0)

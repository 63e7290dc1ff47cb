"""Splits and folds: in time order, or by a hash of the row."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from features.errors import DataError
from training.split import duplicate_groups, random_folds, split_at_random, split_by_time, time_folds

SHARES = (0.6, 0.2, 0.2)


def test_rows_of_one_instant_stay_together_and_parts_follow_each_other() -> None:
    as_of = np.repeat(np.arange(10), 10)
    parts = split_by_time(as_of, SHARES)
    assert [sorted(set(as_of[p].tolist())) for p in parts] == [[0, 1, 2, 3, 4, 5], [6, 7], [8, 9]]
    with pytest.raises(DataError, match="the split of 5 rows leaves 2 of 3 parts without rows"):
        split_by_time(np.zeros(5, dtype=np.int64), SHARES)


def test_the_part_of_a_row_does_not_depend_on_other_rows() -> None:
    groups = np.arange(2_000, dtype=np.uint64)
    whole, half = (split_at_random(g, SHARES, seed=3) for g in (groups, groups[::2]))
    for part, half_part in zip(whole, half, strict=True):
        assert set(groups[::2][half_part]) <= set(groups[part])
    assert len(whole[0]) / 2_000 == pytest.approx(0.6, abs=0.04)
    assert not np.array_equal(whole[0], split_at_random(groups, SHARES, seed=4)[0])


def test_equal_rows_share_a_group_in_any_table() -> None:
    frame = pl.DataFrame({"a": [1, 2, 1], "b": ["x", "x", "x"]})
    groups = duplicate_groups(frame)
    assert groups[0] == groups[2] != groups[1] and duplicate_groups(frame[2:])[0] == groups[2]


def test_folds_share_no_group_and_are_stratified() -> None:
    groups = np.repeat(np.arange(40, dtype=np.uint64), 2)
    label = (groups % 4 == 0).astype(float)
    folds = list(random_folds(groups, label, folds=5, seed=0))
    assert sorted(np.concatenate([test for _, test in folds]).tolist()) == list(range(80))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test]) and label[test].sum() == 4
    with pytest.raises(DataError, match="label 1 has 10 distinct rows, fewer than the 11 folds"):
        list(random_folds(groups, label, folds=11, seed=0))


def test_every_test_block_follows_its_training_rows() -> None:
    as_of = np.random.default_rng(0).permutation(12)
    folds = list(time_folds(as_of, folds=3))
    assert len(folds) == 3 and all(as_of[train].max() < as_of[test].min() for train, test in folds)

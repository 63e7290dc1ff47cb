"""The hash that draws a sample: fixed for all time, uniform, and independent for each seed."""

from __future__ import annotations

import zlib

import numpy as np
import polars as pl
import pytest

from features.sources.sampling import key_hash, sampled_rows
from features.sources.table_source import Sample


def finalised(h: int) -> int:
    """MurmurHash3's 32-bit finaliser with Python's integers."""
    h = ((h ^ h >> 16) * 0x85EBCA6B) % 2**32
    h = ((h ^ h >> 13) * 0xC2B2AE35) % 2**32
    return h ^ h >> 16


def test_the_hash_is_the_documented_one() -> None:
    assert zlib.crc32(b"123456789") == 0xCBF43926
    keys = ["123456789", "", "客户7", "C" * 100]
    for seed in (0, 1, 2**32 - 1):
        expected = [finalised((zlib.crc32(k.encode()) + seed) % 2**32) for k in keys]
        assert key_hash(pl.Series(keys), seed=seed).tolist() == expected


@pytest.mark.parametrize("pattern", ["{}", "C{:05d}", "2024-{:04d}", "LSVAA{:012d}"])
def test_consecutive_keys_are_spread_evenly(pattern: str) -> None:
    keys = [pattern.format(i) for i in range(20_000)]
    counts = np.bincount(key_hash(pl.Series(keys), seed=3) >> np.uint32(28), minlength=16)
    assert (((counts - 1_250) ** 2) / 1_250).sum() < 38  # chi-squared, 15 degrees of freedom: the 99.9 % quantile


def drawn(rows: pl.LazyFrame, sample: Sample) -> list[int]:
    positions, n_rows = sampled_rows(rows, sample, key=["id"], row="row")
    assert n_rows == rows.collect().height
    return positions.to_list()


def test_a_larger_share_contains_the_smaller_one_and_seeds_differ() -> None:
    rows = pl.LazyFrame({"row": range(5_000), "id": [f"K{i}" for i in range(5_000)]})
    small, large = (set(drawn(rows, Sample(share=s))) for s in (0.1, 0.3))
    assert small < large and 400 < len(small) < 600
    other = set(drawn(rows, Sample(share=0.1, seed=1)))
    assert len(small & other) < 100  # about 50 by chance


def test_rows_without_a_key_have_the_same_share() -> None:
    n = 5_000
    rows = pl.LazyFrame(
        {"row": range(n), "id": [f"K{i}" if i % 2 else None for i in range(n)], "customer": [None] * n},
        schema={"row": pl.Int64, "id": pl.String, "customer": pl.String},
    )
    positions = drawn(rows, Sample(share=0.2, by=("customer",)))
    assert 400 < sum(p % 2 for p in positions) < 600 and 400 < sum(1 - p % 2 for p in positions) < 600


def test_keys_of_several_columns_are_not_run_together() -> None:
    rows = pl.LazyFrame({"row": [0, 1], "a": ["1", "11"], "b": ["11", "1"], "id": ["x", "y"]})
    hashes = key_hash(pl.Series(["1\x1f11", "11\x1f1"]), seed=0)
    share = (int(hashes.min()) + 1) / 2**32
    assert len(drawn(rows, Sample(share=share, by=("a", "b")))) == 1

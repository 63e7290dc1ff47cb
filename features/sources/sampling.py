"""Samples of a table's rows by the hash of a key, equal in every run and with every version of Polars."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.sources.table_source import Sample

_SEPARATOR = "\x1f"  # the unit separator of ASCII, which texts of people do not contain


def key_hash(texts: pl.Series, *, seed: int) -> NDArray[np.uint32]:
    """Return a hash of each text: CRC-32 of its UTF-8 bytes, then the finaliser of MurmurHash3, which spreads the bits.

    Parameters
    ----------
    texts : pl.Series
        Keys (String), without null.
    seed : int
        Added to the CRC before the finaliser, modulo 2**32.

    Returns
    -------
    ndarray of uint32, shape (len(texts),)
        Uniform on 0 to 2**32 - 1.

    Examples
    --------
    >>> import polars as pl
    >>> key_hash(pl.Series(["C1", "C2"]), seed=0).tolist()
    [4172078792, 343866872]
    """
    h = np.fromiter(map(zlib.crc32, texts.cast(pl.Binary).to_list()), dtype=np.uint32, count=len(texts))
    with np.errstate(over="ignore"):
        h = h + np.uint32(seed % 2**32)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return np.asarray(h ^ (h >> np.uint32(16)), dtype=np.uint32)


def sampled_rows(rows: pl.LazyFrame, sample: Sample, *, key: Sequence[str], row: str) -> tuple[pl.Series, int]:
    """Return the positions of the rows that a sample draws, and the number of all rows.

    A row is drawn if the hash of its key, divided by 2**32, is below `share`. A row without a value in one of the
    columns `by` is drawn by its key, and without a key by its position, so that such rows have the same share in the
    sample.

    Parameters
    ----------
    rows : pl.LazyFrame
        Rows with `by`, `key` and `row`.
    sample : Sample
        The table's entry `sample` in sources.yaml.
    key : sequence of str
        Key of the table, used where `sample.by` is empty.
    row : str
        Column with the position of the row.

    Returns
    -------
    positions : pl.Series
        Values of `row` of the drawn rows.
    n_rows : int
        Number of all rows.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources.table_source import Sample
    >>> rows = pl.LazyFrame({"row": [0, 1, 2], "customer_id": ["C1", "C2", "C1"]})
    >>> positions, n_rows = sampled_rows(rows, Sample(share=0.5), key=["customer_id"], row="row")
    >>> positions.to_list(), n_rows
    ([1], 3)
    """
    keys = rows.select(row, _key_text(sample.by or key, key, row).alias("text")).collect(engine="streaming")
    texts = keys["text"].unique()
    drawn = texts.filter(pl.Series(key_hash(texts, seed=sample.seed) < sample.share * 2**32))
    return keys.filter(pl.col("text").is_in(drawn.implode()))[row], keys.height


def _key_text(by: Sequence[str], key: Sequence[str], row: str) -> pl.Expr:
    def joined(columns: Sequence[str]) -> pl.Expr:
        return pl.concat_str([pl.col(c).cast(pl.String) for c in columns], separator=_SEPARATOR)

    position = pl.concat_str([pl.lit("row"), pl.col(row).cast(pl.String)], separator=_SEPARATOR)
    return pl.coalesce(joined(by), joined(key), position)

"""Vectorised random draws, and conversion of arrays to table columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.domain.arrays import BoolArray, FloatArray, IntArray

Float32Array = npt.NDArray[np.float32]
Random = np.random.Generator

NEVER = 2**62  # later than every instant: comparisons need no special case, and tables show it as null


Rows = TypeVar("Rows")


def take(table: Rows, rows: IntArray | slice) -> Rows:
    """Return the selected rows of a dataclass of arrays, such as `Journeys` or `Units`, as the same class.

    Parameters
    ----------
    table : dataclass
        An instance whose fields are arrays with one entry per row, or dataclasses of such arrays, such as
        `world.units`.
    rows : ndarray of int64 or slice
        Positions of the rows, from 0.

    Returns
    -------
    dataclass
        Of the class of `table`.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from training.simulator.draws import take
    >>> @dataclass
    ... class Cars:
    ...     km: np.ndarray
    >>> take(Cars(np.array([10, 20, 30])), np.array([2, 0])).km.tolist()
    [30, 10]
    """

    def part(values: Any) -> Any:
        return take(values, rows) if is_dataclass(values) else values[rows]

    return type(table)(**{f.name: part(getattr(table, f.name)) for f in fields(table)})  # type: ignore[arg-type]


def concatenate(tables: Sequence[Rows]) -> Rows:
    """Return one dataclass of arrays with the rows of several of the same class, in order.

    Parameters
    ----------
    tables : sequence of dataclass
        Instances of one class, at least one; their fields are arrays, or dataclasses of arrays.

    Returns
    -------
    dataclass
        Of the class of `tables`.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from training.simulator.draws import concatenate
    >>> @dataclass
    ... class Cars:
    ...     km: np.ndarray
    >>> concatenate([Cars(np.array([10])), Cars(np.array([20, 30]))]).km.tolist()
    [10, 20, 30]
    """

    def joined(parts: Sequence[Any]) -> Any:
        return concatenate(parts) if is_dataclass(parts[0]) else np.concatenate(parts)

    names = [f.name for f in fields(tables[0])]  # type: ignore[arg-type]
    return type(tables[0])(**{name: joined([getattr(table, name) for table in tables]) for name in names})


def pick(rng: Random, weights: Sequence[float] | FloatArray, count: int) -> IntArray:
    """Draw `count` positions with probability proportional to `weights`, numbers not below 0.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `numpy.random.default_rng(0)`.
    weights : sequence of float
        Not below 0, with a sum above 0.
    count : int
        Number of draws.

    Returns
    -------
    ndarray of int64, shape (count,)
        Positions in `weights`.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.draws import pick
    >>> pick(np.random.default_rng(0), [0.0, 1.0], 3).tolist()
    [1, 1, 1]
    """
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = np.searchsorted(edges, rng.random(count) * edges[-1], side="right")
    return np.asarray(np.minimum(drawn, len(edges) - 1), dtype=np.int64)


def pick_rows(rng: Random, weights: FloatArray) -> IntArray:
    """Draw one column position per row with probability proportional to the row's weights, which are not below 0.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `numpy.random.default_rng(0)`.
    weights : ndarray of float64, shape (n_rows, n_columns)
        Not below 0, with a sum above 0 in each row.

    Returns
    -------
    ndarray of int64, shape (n_rows,)
        Column positions.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.draws import pick_rows
    >>> pick_rows(np.random.default_rng(0), np.array([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [1, 0]
    """
    edges = np.cumsum(weights, axis=1)
    target = rng.random(len(weights)) * edges[:, -1]
    return np.asarray(np.minimum((edges <= target[:, None]).sum(axis=1), weights.shape[1] - 1), dtype=np.int64)


def sigmoid(x: npt.ArrayLike) -> FloatArray:
    """Return the logistic function 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : float or array of float
        Log-odds.

    Returns
    -------
    ndarray of float64
        From 0 to 1, in the shape of `x`.

    Examples
    --------
    >>> from training.simulator.draws import sigmoid
    >>> float(sigmoid(0.0))
    0.5
    """
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(x, dtype=np.float64))), dtype=np.float64)


def rank_within(groups: IntArray) -> IntArray:
    """Return the number of earlier rows of the same group, for each entry of `groups`.

    Parameters
    ----------
    groups : ndarray of int64, shape (n,)
        Group of each row.

    Returns
    -------
    ndarray of int64, shape (n,)
        From 0.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.draws import rank_within
    >>> rank_within(np.array([5, 3, 5, 5, 3])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(groups) else np.zeros(0, dtype=np.int64)
    sizes = np.diff(np.r_[first, len(groups)])
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[order] = np.arange(len(groups)) - np.repeat(first, sizes)
    return ranks


def fen(yuan: FloatArray) -> IntArray:
    """Return amounts in yuan as integer fen, rounded half to even.

    Parameters
    ----------
    yuan : ndarray of float64
        Amounts in yuan.

    Returns
    -------
    ndarray of int64
        Amounts in fen.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.draws import fen
    >>> fen(np.array([12.345])).tolist()
    [1234]
    """
    return np.rint(yuan * 100).astype(np.int64)


def instants(values: IntArray, *, before: int) -> pl.Series:
    """Return instants as an Int64 column, null at or after `before`; all are microseconds since 1970 UTC (int64).

    Parameters
    ----------
    values : ndarray of int64
        Microseconds since 1970 UTC; `training.simulator.draws.NEVER` for none.
    before : int
        End of the data, microseconds since 1970 UTC, such as `world.window.end`.

    Returns
    -------
    polars.Series of Int64

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.draws import NEVER, instants
    >>> instants(np.array([5, NEVER]), before=10).to_list()
    [5, None]
    """
    return masked(values, values < before)


def masked(values: npt.NDArray[np.generic], present: BoolArray) -> pl.Series:
    """Return values as a column, null where `present` is false.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Any type.
    present : ndarray of bool, shape (n,)
        False for null.

    Returns
    -------
    polars.Series, length n

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.draws import masked
    >>> masked(np.array([1.0, 2.0]), np.array([True, False])).to_list()
    [1.0, None]
    """
    frame = pl.DataFrame({"value": values, "present": present})
    return frame.select(masked=pl.when("present").then("value"))["masked"]


def labels(names: Sequence[str], codes: IntArray) -> pl.Series:
    """Return the names of codes as a column; null for negative codes.

    Parameters
    ----------
    names : sequence of str
        Name of code 0, 1, ..., such as `features.tables.CHANNELS`.
    codes : ndarray of int64, shape (n,)
        Positions in `names`; negative for null.

    Returns
    -------
    polars.Series of String, length n

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.draws import labels
    >>> labels(["a", "b"], np.array([1, -1, 0])).to_list()
    ['b', None, 'a']
    """
    index = masked(codes, codes >= 0)
    return pl.Series(names, dtype=pl.String).gather(index)


def numbered(prefix: str, numbers: IntArray, *, width: int) -> pl.Series:
    """Return text identifiers: a prefix and numbers padded with zeros to `width`; null for negative numbers.

    Parameters
    ----------
    prefix : str
        Such as "C".
    numbers : ndarray of int64, shape (n,)
        Negative for null.
    width : int
        Smallest number of digits.

    Returns
    -------
    polars.Series of String, length n

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.draws import numbered
    >>> numbered("C", np.array([7, -1]), width=4).to_list()
    ['C0007', None]
    """
    text = pl.concat_str(pl.lit(prefix), pl.col("n").cast(pl.String).str.zfill(width))
    return pl.DataFrame({"n": numbers}).select(id=pl.when(pl.col("n") >= 0).then(text))["id"]

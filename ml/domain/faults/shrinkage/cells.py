"""Checks of counts and expected counts, and the error that they raise."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import BoolArray

Numbers = npt.NDArray[Any]


class ShrinkageError(ValueError):
    """Counts, expected counts or parameters are out of their range."""


def refuse_where(broken: BoolArray, values: Numbers, *, rule: str, remedy: str) -> None:
    """Raise an error that names the first cell that breaks a rule.

    Parameters
    ----------
    broken : ndarray of bool, shape (n_cells,)
        Cells that break the rule.
    values : ndarray of shape (n_cells,)
        Values of the cells.
    rule, remedy : str
        Parts of the message.

    Raises
    ------
    ShrinkageError
        `broken` has a true entry.

    Examples
    --------
    >>> refuse_where(np.array([False, True]), np.array([1, -2]), rule="must be >= 0", remedy="correct it")
    Traceback (most recent call last):
    ml.domain.faults.shrinkage.cells.ShrinkageError: must be >= 0, got -2 in cell 1 (1 of 2 cells): correct it
    """
    if broken.any():
        first = int(np.argmax(broken))
        share = f"{int(broken.sum()):,} of {broken.size:,} cells"
        raise ShrinkageError(f"{rule}, got {values[first]} in cell {first:,} ({share}): {remedy}")


def checked_counts(values: npt.ArrayLike, name: str) -> Numbers:
    """Return `values` as an array of whole numbers of at least 0, of unchanged type; `name` stands in messages.

    Raises
    ------
    ShrinkageError
        A value is missing, not finite, negative or not whole.

    Examples
    --------
    >>> checked_counts([3, 0], "count").tolist()
    [3, 0]
    """
    counts = np.asarray(values)
    if counts.dtype.kind not in "iuf":
        raise ShrinkageError(f"{name} must be numbers, got {counts.dtype}: convert it before shrinking")
    rule = f"{name} must be a whole number of at least 0"
    if counts.dtype.kind == "f":
        refuse_where(~np.isfinite(counts).ravel(), counts.ravel(), rule=rule, remedy="fill or drop the cell")
        refuse_where((counts != np.floor(counts)).ravel(), counts.ravel(), rule=rule, remedy="count events, not shares")
    refuse_where((counts < 0).ravel(), counts.ravel(), rule=rule, remedy="correct the cell")
    return counts


def checked_expected(values: npt.ArrayLike) -> Numbers:
    """Return `values`, expected counts, as an array of finite numbers above 0, of unchanged type.

    Raises
    ------
    ShrinkageError
        A value is missing, not finite, zero or negative.

    Examples
    --------
    >>> checked_expected([0.5, 2.0]).tolist()
    [0.5, 2.0]
    """
    expected = np.asarray(values)
    if expected.dtype.kind not in "iuf":
        raise ShrinkageError(f"expected must be numbers, got {expected.dtype}: convert it before shrinking")
    rule, flat = "expected must be a finite number above 0", expected.ravel()
    refuse_where(~np.isfinite(flat), flat, rule=rule, remedy="fill or drop the cell")
    refuse_where(flat <= 0, flat, rule=rule, remedy="drop cells without exposure: their rate ratio is undefined")
    return expected


def checked_cells(count: npt.ArrayLike, expected: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    """Return counts and expected counts broadcast to one shape, without a copy where possible.

    Parameters
    ----------
    count, expected : array
        Events and expected events; one of them may be a single number.

    Raises
    ------
    ShrinkageError
        The shapes do not fit, there is no cell, or a value breaks its rule.

    Examples
    --------
    >>> checked_cells([3, 0], 0.5)[1].tolist()
    [0.5, 0.5]
    """
    counts, expectations = checked_counts(count, "count"), checked_expected(expected)
    try:
        shape = np.broadcast_shapes(counts.shape, expectations.shape)
    except ValueError:
        received = f"{counts.shape} and {expectations.shape}"
        rule = "count and expected must have one shape"
        raise ShrinkageError(f"{rule}, got {received}: give one value per cell in each") from None
    if 0 in shape:
        raise ShrinkageError("count must have at least one cell, got none: check the filter that made the table")
    return np.broadcast_to(counts, shape), np.broadcast_to(expectations, shape)


def checked_probability(value: float, name: str) -> float:
    """Return `value` as a float strictly between 0 and 1; `name` stands in the message.

    Raises
    ------
    ShrinkageError
        `value` is outside.

    Examples
    --------
    >>> checked_probability(0.05, "lower")
    0.05
    """
    if not 0 < value < 1:
        raise ShrinkageError(f"{name} must be between 0 and 1, got {value}: give a probability such as 0.05")
    return float(value)

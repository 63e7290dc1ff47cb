"""A row's own arithmetic: declared operations on its columns, computed in NumPy.

The same declaration is read from YAML, runs over a million rows in training and over one row in a
request, and is stored with the model, so that nothing is re-implemented for serving.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from ml.domain.arrays import FloatArray

# The operations take columns and constants (float) and are called inside `undefined_is_missing`. Each adds and
# multiplies in a fixed order, so that a row alone gives the same bits as in a batch: NumPy's own reductions do not.


def _instalment(amount: FloatArray, months: FloatArray, annual_rate: FloatArray | float) -> FloatArray:
    rate = annual_rate / 12
    growth = rate / -np.expm1(-months * np.log1p(rate))
    if not isinstance(rate, float) or rate == 0:
        growth = np.where(rate == 0, 1 / months, growth)
    result = np.asarray(amount * growth)
    result[~(months > 0)] = np.nan
    return result


def _ratio(numerator: FloatArray | float, denominator: FloatArray | float) -> FloatArray:
    result = np.asarray(np.divide(numerator, denominator))
    result[denominator == 0] = np.nan
    return result


def _sum(*terms: FloatArray | float) -> FloatArray:
    return np.asarray(reduce(np.add, terms))


def _total(*terms: FloatArray | float) -> FloatArray:
    """Sum of the terms that are there; missing only where all are."""
    result = np.asarray(reduce(np.add, [np.where(np.isnan(t), 0.0, t) for t in terms]))
    result[reduce(np.logical_and, [np.isnan(t) for t in terms])] = np.nan
    return result


def _missing(x: FloatArray) -> FloatArray:
    return np.isnan(x).astype(np.float64)


OPERATIONS: dict[str, tuple[Callable[..., FloatArray], int | None]] = {
    "ratio": (_ratio, 2),
    "difference": (np.subtract, 2),
    "product": (np.multiply, 2),
    "sum": (_sum, None),
    "total": (_total, None),
    "instalment": (_instalment, 3),
    "missing": (_missing, 1),
}


def undefined_is_missing() -> np.errstate:
    """Inside this block 0/0 is NaN, as it must be, and a result too large for a float64 is a FloatingPointError.

    >>> with undefined_is_missing():
    ...     np.array([1e300]) * 1e300
    Traceback (most recent call last):
    FloatingPointError: overflow encountered in multiply
    """
    return np.errstate(divide="ignore", invalid="ignore", over="raise", under="ignore")


def check_derivations(declarations: Mapping[str, Mapping[str, Sequence[str | float]]]) -> None:
    """Refuse declarations, by name, that are not one operation each that `check_derivation` passes.

    Raises
    ------
    ValueError
        Names the column and its rule.
    """
    for name, declaration in declarations.items():
        if len(declaration) != 1:
            raise ValueError(f"derived feature '{name}': give exactly one operation, got {list(declaration)}")
        check_derivation(name, *next(iter(declaration.items())))


def check_derivation(name: str, operation: str, arguments: Sequence[str | float]) -> None:
    """Refuse an operation that does not exist or has the wrong number of arguments.

    Raises
    ------
    ValueError
        Says which derived feature, what is wrong with it and what is allowed.

    Examples
    --------
    >>> check_derivation("loan_to_value", "ratio", ["loan_amount", "vehicle_price"])
    >>> check_derivation("loan_to_value", "divide", ["loan_amount", "vehicle_price"])
    Traceback (most recent call last):
    ValueError: derived feature 'loan_to_value': operation 'divide' is unknown; use one of difference, ...
    """
    if operation not in OPERATIONS:
        allowed = ", ".join(sorted(OPERATIONS))
        raise ValueError(f"derived feature '{name}': operation '{operation}' is unknown; use one of {allowed}")
    arity = OPERATIONS[operation][1]
    if arity is not None and len(arguments) != arity:
        raise ValueError(
            f"derived feature '{name}': {operation} takes {arity} argument(s), got {len(arguments)}: {list(arguments)}"
        )
    if not any(isinstance(a, str) for a in arguments):
        raise ValueError(f"derived feature '{name}': at least one argument must be a column, got {list(arguments)}")

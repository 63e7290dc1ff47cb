"""Derived columns: operations on columns of the same row, declared in YAML and computed in NumPy.

A declaration maps the new column to one operation and its arguments, columns or constants:
`loan_to_value: {ratio: [loan_amount, vehicle_price]}`. It is stored with the model; training and serving run the same
code.

===========  ===========================  =========================================================================
operation    arguments                    value (NaN is missing)
===========  ===========================  =========================================================================
ratio        numerator, denominator       quotient; missing where the denominator is 0
difference   a, b                         a - b
product      a, b                         a * b
sum          one or more terms            sum; missing where any term is missing
total        one or more terms            sum of the terms that are not missing; missing where all are
instalment   amount, months, annual rate  monthly payment of an annuity loan; missing unless months > 0
missing      a                            1 where a is missing, else 0
===========  ===========================  =========================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from ml.domain.arrays import FloatArray

# The operations take columns and float constants and are called inside `undefined_is_missing`. They evaluate in a fixed
# order, so that a single row gets the same bits as in a batch, which NumPy's reductions do not guarantee.


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
    """Return a context in which 0/0 is NaN without a warning and float64 overflow raises FloatingPointError.

    >>> import numpy as np
    >>> from ml.domain.columns.derived_columns import undefined_is_missing
    >>> with undefined_is_missing():
    ...     np.array([1e300]) * 1e300
    Traceback (most recent call last):
    FloatingPointError: overflow encountered in multiply
    """
    return np.errstate(divide="ignore", invalid="ignore", over="raise", under="ignore")


def check_derivations(declarations: Mapping[str, Mapping[str, Sequence[str | float]]]) -> None:
    """Raise unless every declaration has exactly one valid operation.

    Parameters
    ----------
    declarations : mapping of str to {operation: arguments}
        Declaration by name of the derived column, as in YAML. The operations and their arguments are listed in the
        module's docstring.

    Raises
    ------
    ValueError
        A declaration has no or several operations, or `check_derivation` refuses it; names the column and the rule.

    Examples
    --------
    >>> from ml.domain.columns.derived_columns import check_derivations
    >>> check_derivations({"debt": {"sum": ["loan_amount", "other_debt"]}, "has_score": {"missing": ["score"]}})
    >>> check_derivations({"debt": {}})
    Traceback (most recent call last):
    ValueError: derived feature 'debt': give exactly one operation, got []
    """
    for name, declaration in declarations.items():
        if len(declaration) != 1:
            raise ValueError(f"derived feature '{name}': give exactly one operation, got {list(declaration)}")
        check_derivation(name, *next(iter(declaration.items())))


def check_derivation(name: str, operation: str, arguments: Sequence[str | float]) -> None:
    """Raise unless an operation exists and has valid arguments.

    Parameters
    ----------
    name : str
        Name of the derived column, for error messages.
    operation : str
        "ratio", "difference", "product", "sum", "total", "instalment" or "missing" (see the module's docstring).
    arguments : sequence of str or float
        Columns and constants, at least one column.

    Raises
    ------
    ValueError
        The operation is unknown, the number of arguments is wrong, or no argument is a column.

    Examples
    --------
    >>> from ml.domain.columns.derived_columns import check_derivation
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

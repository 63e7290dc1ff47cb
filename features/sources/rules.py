"""The contract's checks as Polars expressions, read from the pandera schema so that ranges live in one place."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from features.sources.conversion import Kind
from features.tables import Table

EPOCH = dt.datetime(1970, 1, 1)

NULL = "null"
FUTURE = "in the future"
DUPLICATE_KEY = "duplicate key"
EXACT_DUPLICATE = "exact duplicate"

Rule = tuple[str, pl.Expr]


def kind_of(table: Table, column: str) -> Kind:
    """What a contract column holds.

    Examples
    --------
    >>> from features.tables import APPLICATIONS
    >>> [kind_of(APPLICATIONS, c) for c in ("submitted_at", "loan_amount", "term_months", "housing")]
    ['instant', 'money', 'integer', 'text']
    """
    contract = table.schema.columns[column]
    unit = (contract.metadata or {}).get("unit")
    if contract.dtype.type == pl.Int64:
        if unit == "us":
            return "instant"
        return "money" if unit == "fen" else "integer"
    kinds: dict[Any, Kind] = {pl.String: "text", pl.Float64: "number", pl.Boolean: "flag"}
    return kinds[contract.dtype.type]


def contract_rules(table: Table, column: str) -> dict[str, pl.Expr]:
    """Rule to the rows that break it, for the converted values in `column`.

    A missing value breaks only the rule "null", and only where the contract asks for a value.

    Parameters
    ----------
    table : Table
        The contract.
    column : str
        One of its columns.

    Raises
    ------
    LookupError
        The contract uses a pandera check that has no expression here.

    Examples
    --------
    >>> from features.tables import APPLICATIONS
    >>> list(contract_rules(APPLICATIONS, "term_months")), list(contract_rules(APPLICATIONS, "application_id"))
    (['outside 1..120'], ['shorter than 1'])
    >>> list(contract_rules(APPLICATIONS, "decided_at"))
    ['outside 1970-01-01..2100-01-01']
    """
    value = pl.col(column)
    rules = dict(_rule(check, value) for check in table.schema.columns[column].checks)
    return {_dated(r): e for r, e in rules.items()} if kind_of(table, column) == "instant" else rules


def _dated(rule: str) -> str:
    """A rule about instants with its microseconds as dates (UTC)."""

    def day(microseconds: re.Match[str]) -> str:
        return str((EPOCH + dt.timedelta(microseconds=int(microseconds[0]))).date())

    return re.sub(r"-?\d+", day, rule)


def _rule(check: Any, value: pl.Expr) -> Rule:
    if check.name not in _CHECKS:
        raise LookupError(f"features/sources/rules.py has no expression for the pandera check `{check.name}`: add it")
    return _CHECKS[check.name](value, check.statistics)


def _in_range(value: pl.Expr, given: Mapping[str, Any]) -> Rule:
    low, high = given["min_value"], given["max_value"]
    closed = {(True, True): "both", (True, False): "left", (False, True): "right", (False, False): "none"}
    kind: Any = closed[given["include_min"], given["include_max"]]
    return f"outside {low}..{high}", ~value.is_between(low, high, closed=kind)


def _isin(value: pl.Expr, given: Mapping[str, Any]) -> Rule:
    allowed = list(given["allowed_values"])
    return f"not one of {', '.join(map(str, allowed))}", ~value.is_in(allowed)


def _str_length(value: pl.Expr, given: Mapping[str, Any]) -> Rule:
    low, high, exact = given["min_value"], given["max_value"], given.get("exact_value")
    length = value.str.len_chars()
    if exact is not None:
        return f"not {exact} characters", length != exact
    if high is None:
        return f"shorter than {low}", length < low
    return f"not {low or 0}..{high} characters", ~length.is_between(low or 0, high)


_CHECKS: dict[str, Callable[[pl.Expr, Mapping[str, Any]], Rule]] = {
    "in_range": _in_range,
    "isin": _isin,
    "str_length": _str_length,
}

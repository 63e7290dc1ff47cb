"""The contract's checks as Polars expressions, read from `features.tables` so that ranges live in one place."""

from __future__ import annotations

import datetime as dt
import re

import polars as pl

from features.sources.conversion import Kind
from features.tables import Table

EPOCH = dt.datetime(1970, 1, 1)

NULL = "null"
FUTURE = "in the future"
DUPLICATE_KEY = "duplicate key"
EXACT_DUPLICATE = "exact duplicate"


def kind_of(table: Table, column: str) -> Kind:
    """What a contract column holds.

    Examples
    --------
    >>> from features.tables import APPLICATIONS
    >>> [kind_of(APPLICATIONS, c) for c in ("submitted_at", "loan_amount", "term_months", "housing")]
    ['instant', 'money', 'integer', 'text']
    """
    contract = table.columns[column]
    if contract.dtype == pl.Int64:
        if contract.unit == "us":
            return "instant"
        return "money" if contract.unit == "fen" else "integer"
    kinds: dict[type[pl.DataType], Kind] = {pl.String: "text", pl.Float64: "number", pl.Boolean: "flag"}
    return kinds[contract.dtype]


def contract_rules(table: Table, column: str) -> dict[str, pl.Expr]:
    """Rule to the rows that break it, for the converted values in `column`.

    A missing value breaks only the rule "null", and only where the contract asks for a value.

    Parameters
    ----------
    table : Table
        The contract.
    column : str
        One of its columns.

    Examples
    --------
    >>> from features.tables import APPLICATIONS
    >>> list(contract_rules(APPLICATIONS, "term_months")), list(contract_rules(APPLICATIONS, "application_id"))
    (['outside 1..120'], ['shorter than 1'])
    >>> list(contract_rules(APPLICATIONS, "decided_at"))
    ['outside 1970-01-01..2100-01-01']
    """
    contract, value = table.columns[column], pl.col(column)
    rules: dict[str, pl.Expr] = {}
    if contract.low is not None and contract.high is not None:
        rules[f"outside {contract.low}..{contract.high}"] = ~value.is_between(contract.low, contract.high)
    if contract.values:
        rules[f"not one of {', '.join(contract.values)}"] = ~value.is_in(contract.values)
    if contract.min_length:
        rules[f"shorter than {contract.min_length}"] = value.str.len_chars() < contract.min_length
    return {_dated(r): e for r, e in rules.items()} if kind_of(table, column) == "instant" else rules


def _dated(rule: str) -> str:
    """A rule about instants with its microseconds as dates (UTC)."""

    def day(microseconds: re.Match[str]) -> str:
        return str((EPOCH + dt.timedelta(microseconds=int(microseconds[0]))).date())

    return re.sub(r"-?\d+", day, rule)

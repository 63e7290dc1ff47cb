"""The contract's rules as Polars expressions, derived from `features.tables`, the only place that defines ranges."""

from __future__ import annotations

import datetime as dt
import re

import polars as pl

from features.contracts import Table
from features.sources.conversion import Kind

EPOCH = dt.datetime(1970, 1, 1)

NULL = "missing value"
FUTURE = "in the future"
DUPLICATE_KEY = "duplicate key"
EXACT_DUPLICATE = "exact duplicate"


def kind_of(table: Table, column: str) -> Kind:
    """Return the kind of a contract column, which decides how source values are converted.

    Parameters
    ----------
    table : Table
        Contract of the table: a value of `features.tables.TABLES`.
    column : str
        Name of a contract column; KeyError for any other name.

    Returns
    -------
    {'text', 'boolean', 'integer', 'money', 'number', 'timestamp'}
        Money is in fen, a timestamp in microseconds since 1970 UTC (int64); number is Float64.

    Examples
    --------
    >>> from features.tables import APPLICATIONS
    >>> [kind_of(APPLICATIONS, c) for c in ("submitted_at", "loan_amount", "term_months", "housing")]
    ['timestamp', 'money', 'integer', 'text']
    """
    contract = table.columns[column]
    if contract.dtype == pl.Int64:
        if contract.unit == "us":
            return "timestamp"
        return "money" if contract.unit == "fen" else "integer"
    kinds: dict[type[pl.DataType], Kind] = {pl.String: "text", pl.Float64: "number", pl.Boolean: "boolean"}
    return kinds[contract.dtype]


def contract_rules(table: Table, column: str) -> dict[str, pl.Expr]:
    """Return the rules on the values of a contract column.

    A missing value breaks none of them: whether it is allowed is the separate rule "missing value".

    Parameters
    ----------
    table : Table
        Contract of the table: a value of `features.tables.TABLES`.
    column : str
        Name of a contract column; KeyError for any other name.

    Returns
    -------
    dict of str to pl.Expr
        By rule in words: a boolean expression over the converted column, true in the rows that break it. Empty for a
        column without range, categories or smallest length.

    Examples
    --------
    >>> from features.tables import APPLICATIONS
    >>> list(contract_rules(APPLICATIONS, "term_months")), list(contract_rules(APPLICATIONS, "application_id"))
    (['not between 1 and 120'], ['fewer than 1 characters'])
    >>> list(contract_rules(APPLICATIONS, "decided_at"))
    ['not between 1920-01-01 and 2100-01-01']
    """
    contract, value = table.columns[column], pl.col(column)
    rules: dict[str, pl.Expr] = {}
    if contract.low is not None and contract.high is not None:
        rules[f"not between {contract.low} and {contract.high}"] = ~value.is_between(contract.low, contract.high)
    if contract.values:
        rules[f"not one of {', '.join(contract.values)}"] = ~value.is_in(contract.values)
    if contract.min_length:
        rules[f"fewer than {contract.min_length} characters"] = value.str.len_chars() < contract.min_length
    return {_with_dates(r): e for r, e in rules.items()} if kind_of(table, column) == "timestamp" else rules


def _with_dates(rule: str) -> str:
    """Return a rule on timestamps with its microseconds as dates (UTC)."""

    def date(microseconds: re.Match[str]) -> str:
        return str((EPOCH + dt.timedelta(microseconds=int(microseconds[0]))).date())

    return re.sub(r"-?\d+", date, rule)

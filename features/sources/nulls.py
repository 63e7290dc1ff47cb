"""Values of `nulls` in the units of the contract, for the requests to a model."""

from __future__ import annotations

import polars as pl

from features.sources.column_source import ColumnSource, Scalar
from features.sources.conversion import NUMERIC, Kind, convert
from features.sources.values import instants_of


def nulls_in_contract_units(
    spec: ColumnSource, kind: Kind, *, timezone: str = "UTC"
) -> tuple[bool | int | float | str, ...]:
    """Return the contract values that mean "missing" in a column, because `nulls` or `map` make them null.

    A request with one of these values is treated as the training rows were: as if the value were missing. The request
    of a money column has yuan, these values are fen.

    Parameters
    ----------
    spec : ColumnSource
        The column's entry in sources.yaml; `nulls`, `map` and `factor` are used.
    kind : {'text', 'boolean', 'integer', 'money', 'number', 'timestamp'}
        Kind of the contract column, as returned by `features.sources.rules.kind_of`; an extra feature is a number or
        text.
    timezone : str
        IANA name of the time zone of timestamps without an offset.

    Returns
    -------
    tuple of scalar
        Without repetition, in the order of `nulls`, then of `map`: int for integers, money (fen) and timestamps
        (microseconds since 1970 UTC), float for numbers, str for text, bool for booleans. A value that the column's
        kind cannot hold, such as "unknown" in a column of numbers, is left out, and so is one that `map` also
        produces.

    Examples
    --------
    >>> from features.sources import ColumnSource
    >>> nulls_in_contract_units(ColumnSource(source="late", nulls=[96, "98.0", "unknown"]), "number")
    (96.0, 98.0)
    >>> nulls_in_contract_units(ColumnSource(source="price", nulls=[9999], factor=100), "money")
    (999900,)
    >>> nulls_in_contract_units(ColumnSource(source="closed", nulls=["1970-01-02"]), "timestamp")
    (86400000000,)
    """
    mapped = spec.map or {}
    produced = [v for v in mapped.values() if v is not None]
    sources: list[Scalar] = [v for v in spec.nulls if v is not None]
    sources += [k for k, v in mapped.items() if v is None]  # a request may have the code of the source
    if not sources:
        return ()
    if kind == "timestamp":
        return tuple(dict.fromkeys(instants_of(sources, timezone=timezone, formats=spec.format)))
    texts = [_text(v) for v in sources]
    if kind == "text":
        return tuple(t for t in dict.fromkeys(texts) if t not in map(_text, produced))
    plain = ColumnSource(source="nulls", factor=spec.factor if kind in NUMERIC else None)

    def contract_values(values: list[str]) -> list[bool | int | float]:
        series = pl.lit(pl.Series(values, dtype=pl.String))
        column = convert(series, pl.String(), kind, spec=plain, timezone=timezone, field="nulls")
        return pl.select(column.value).to_series().drop_nulls().to_list()

    valid = contract_values([str(v) for v in produced])
    return tuple(v for v in dict.fromkeys(contract_values(texts)) if v not in valid)


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

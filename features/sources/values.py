"""Comparison of source values with values of the YAML file: markers of missing values, filters and `map`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from features.errors import ConfigError
from features.sources.instants import to_microseconds
from features.sources.texts import as_text

_OFFSET = re.compile(r":\d{2}(\.\d+)?\s*(Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
_BOOLEANS = {"true": "true", "1": "true", "1.0": "true", "false": "false", "0": "false", "0.0": "false"}


def is_listed(raw: pl.Expr, dtype: pl.DataType, values: Sequence[Any], *, numeric: bool = False) -> pl.Expr:
    """Return whether each value is one of `values`, however the source and the YAML file write it.

    The number 96 equals the text "96", and the date 9999-12-31 equals the timestamp 9999-12-31 00:00:00. None equals a
    missing value.

    Parameters
    ----------
    raw : pl.Expr
        Source values.
    dtype : pl.DataType
        Their type. Timestamps are compared as read from a clock in their own time zone, or as instants where the YAML
        file gives an offset from UTC.
    values : sequence of scalar
        Values of the YAML file.
    numeric : bool
        Whether text stands for numbers, so that "98" in `values` equals the text "98.0" too.

    Returns
    -------
    pl.Expr
        Boolean, never null.

    Examples
    --------
    >>> import datetime as dt
    >>> import polars as pl
    >>> pl.select(is_listed(pl.lit(pl.Series(["96", " 5", None])), pl.String(), [96, 98])).to_series().to_list()
    [True, False, False]
    >>> day = pl.lit(dt.date(9999, 12, 31))
    >>> pl.select(is_listed(day, pl.Date(), ["9999-12-31 00:00:00"])).item()
    True
    """
    scalars = [v for v in values if v is not None]
    if dtype.is_numeric():
        listed = _equals_number(raw, dtype, [n for n in map(_number, scalars) if n is not None])
    elif dtype in (pl.Date, pl.Datetime):
        listed = _equals_instant(raw, dtype, scalars)
    else:
        listed = as_text(raw, dtype).is_in([t for v in scalars for t in _texts(v, dtype)]) if scalars else pl.lit(False)
        numbers = [n for v in scalars if numeric or not isinstance(v, str | bool) if (n := _number(v)) is not None]
        if numbers and dtype == pl.String:
            listed = listed | raw.str.strip_chars().cast(pl.Float64, strict=False).is_in(numbers)
    listed = listed.fill_null(False)
    return listed | raw.is_null() if None in values else listed


def instants_of(values: Sequence[Any], *, timezone: str, formats: tuple[str, ...] = ()) -> list[int]:
    """Return the instants among values of the YAML file: ISO 8601 text, or text in one of `formats`.

    Parameters
    ----------
    values : sequence of scalar
        Such as `nulls` of a column. Numbers and other texts are left out.
    timezone : str
        IANA name of the time zone of texts without an offset.
    formats : tuple of str
        strptime formats of the column, tried before ISO 8601.

    Returns
    -------
    list of int
        Microseconds since 1970 UTC.

    Examples
    --------
    >>> instants_of(["1970-01-02", "31.01.1970", "none", 7], timezone="UTC", formats=("%d.%m.%Y",))
    [86400000000, 2592000000000]
    """
    texts = [v.strip() for v in values if isinstance(v, str) and not v.strip().isdigit()]
    if not texts:
        return []
    series = pl.lit(pl.Series(texts, dtype=pl.String))
    instants = [
        to_microseconds(series, pl.String(), timezone=timezone, formats=tried, unit=None)
        for tried in dict.fromkeys([formats, ()])
    ]
    return pl.select(pl.coalesce(instants)).to_series().drop_nulls().to_list()


def map_values(raw: pl.Expr, dtype: pl.DataType, table: Mapping[Any, Any], *, field: str) -> pl.Expr:
    """Replace each value by its entry in `table`, as text; null where it has none.

    Parameters
    ----------
    raw : pl.Expr
        Source values.
    dtype : pl.DataType
        Their type.
    table : mapping
        New value (text, number or boolean) by source value, such as ``{"M": "male"}``: key `map` of a column in
        sources.yaml.
    field : str
        Place of `table` in the YAML file, for error messages.

    Returns
    -------
    pl.Expr
        String: the new values as text.

    Raises
    ------
    ConfigError
        The source column is numeric and a key of `table` is not a number.

    Examples
    --------
    >>> import polars as pl
    >>> defaulted = map_values(pl.lit(pl.Series([1, 2, 3])), pl.Int64(), {1: True, 2: False}, field="map")
    >>> pl.select(defaulted).to_series().to_list()
    ['true', 'false', None]
    """
    if not dtype.is_numeric():
        return _map_texts(raw, dtype, table)
    numbers = {_number(k): _new_value(v) for k, v in table.items()}
    if None in numbers:
        key = next(k for k in table if _number(k) is None)
        raise ConfigError(
            f"{field}: key `{key}` is no number, but the source column is {dtype}: use its numeric values"
        )
    return raw.cast(pl.Float64).replace_strict(
        list(numbers), list(numbers.values()), default=None, return_dtype=pl.String
    )


def _map_texts(raw: pl.Expr, dtype: pl.DataType, table: Mapping[Any, Any]) -> pl.Expr:
    """Replace values that are not numbers; a number of `table` also stands for its other spellings, such as "5.0"."""
    if dtype in (pl.Date, pl.Datetime):
        entries = [pl.when(_equals_instant(raw, dtype, [k])).then(pl.lit(_new_value(v))) for k, v in table.items()]
        return pl.coalesce([*entries, pl.lit(None, dtype=pl.String)])
    texts = {t: _new_value(v) for k, v in table.items() for t in _texts(k, dtype)}
    entry = as_text(raw, dtype).replace_strict(list(texts), list(texts.values()), default=None, return_dtype=pl.String)
    numbers = {
        float(k): _new_value(v) for k, v in table.items() if isinstance(k, int | float) and not isinstance(k, bool)
    }
    if dtype != pl.String or not numbers:
        return entry
    by_number = raw.cast(pl.Float64, strict=False).replace_strict(
        list(numbers), list(numbers.values()), default=None, return_dtype=pl.String
    )
    return pl.when(as_text(raw, dtype).is_in(list(texts))).then(entry).otherwise(by_number)


def _equals_number(raw: pl.Expr, dtype: pl.DataType, numbers: list[float]) -> pl.Expr:
    if not numbers:
        return pl.lit(False)
    if dtype == pl.Float32:  # 0.1 as Float32 is not 0.1 as Float64
        return raw.is_in(pl.Series(numbers, dtype=pl.Float64).cast(pl.Float32).implode())
    return raw.cast(pl.Float64).is_in(numbers)


def _equals_instant(raw: pl.Expr, dtype: pl.DataType, scalars: Sequence[Any]) -> pl.Expr:
    """Compare clock times with texts without an offset, and instants with the others."""
    with_offset = [v for v in scalars if isinstance(v, str) and _OFFSET.search(v.strip())]
    without_offset = [v for v in scalars if v not in with_offset]
    options: dict[str, Any] = {"timezone": "UTC", "formats": (), "unit": None}
    if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
        return to_microseconds(raw, dtype, **options).is_in(instants_of(without_offset, timezone="UTC"))
    clock = to_microseconds(raw.dt.replace_time_zone(None), pl.Datetime(dtype.time_unit), **options)
    instant = to_microseconds(raw, dtype, **options)
    return clock.is_in(instants_of(without_offset, timezone="UTC")) | instant.is_in(
        instants_of(with_offset, timezone="UTC")
    )


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _texts(value: Any, dtype: pl.DataType | None = None) -> tuple[str, ...]:
    if dtype == pl.Boolean:
        text = str(value).strip().lower()
        return (_BOOLEANS.get(text, text),)
    if isinstance(value, bool):
        return (str(value).lower(), str(value), str(value).upper())
    if isinstance(value, float) and value.is_integer():
        return (str(int(value)), str(value))
    return (str(value).strip(),)


def _new_value(value: Any) -> str | None:
    return None if value is None else _texts(value)[0]

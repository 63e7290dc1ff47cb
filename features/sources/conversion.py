"""Source values as the contract's types, and the rules a value can break on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import polars as pl

from features.sources.config import ColumnSource
from features.sources.instants import instant, looks_like_another_unit
from features.sources.values import as_text, is_listed, mapped

Kind: TypeAlias = Literal["text", "flag", "integer", "money", "number", "instant"]

TYPE = "type"
UNMAPPED = "unmapped value"
NOT_FINITE = "not finite"
NOT_WHOLE = "not a whole number"
OTHER_UNIT = "looks like seconds or milliseconds"

_TRUE = ("true", "1", "yes", "y", "t", "是")
_FALSE = ("false", "0", "no", "n", "f", "否")
_GROUPED = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
_LARGEST = 9_000_000_000_000_000_000


@dataclass(frozen=True)
class Converted:
    """A converted column.

    Attributes
    ----------
    value : pl.Expr
        The value in the contract's type; null where the source has none or a rule is broken.
    broken : dict
        Rule to the rows that break it.
    """

    value: pl.Expr
    broken: dict[str, pl.Expr]


def accepts(kind: Kind, dtype: pl.DataType) -> bool:
    """Whether a source type can hold such a column at all; text always may.

    Examples
    --------
    >>> accepts("money", pl.Decimal(12, 2)), accepts("money", pl.Date())
    (True, False)
    """
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return True
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return False
    if kind == "text":
        return True
    if kind == "instant":
        return dtype in (pl.Date, pl.Datetime) or dtype.is_numeric()
    return dtype.is_numeric() or dtype == pl.Boolean


def prepared(raw: pl.Expr, dtype: pl.DataType, kind: Kind, spec: ColumnSource) -> tuple[pl.Expr, pl.DataType]:
    """The source values with everything that stands for "missing" made null, and their type.

    NaN is missing, as are blank text and the values listed under `nulls`.
    """
    if dtype in (pl.Categorical, pl.Enum, pl.Null):
        raw, dtype = raw.cast(pl.String), pl.String()
    if dtype.is_float():
        raw = raw.fill_nan(None)
    if dtype == pl.String:
        raw = as_text(raw, dtype)
        if kind in ("integer", "money", "number"):
            raw = pl.when(raw.str.to_lowercase() != "nan").then(raw)
    return (pl.when(~is_listed(raw, dtype, spec.nulls)).then(raw) if spec.nulls else raw), dtype


def converted(
    raw: pl.Expr, dtype: pl.DataType, kind: Kind, *, spec: ColumnSource, timezone: str, field: str
) -> Converted:
    """Convert prepared source values to a kind of column.

    Parameters
    ----------
    raw, dtype : pl.Expr, pl.DataType
        As `prepared` returns them.
    kind : Kind
        What the contract wants. Integers: a value with a fraction breaks a rule, unless a `factor` is given, whose
        product is rounded half to even (199.99 yuan * 100 is 19999 fen, though it is 19998.999... in binary).
    spec : ColumnSource
        `map`, `factor`, `format`, `unit`.
    timezone : str
        Zone of timestamps that do not carry one.
    field : str
        How messages name the configuration field.

    Examples
    --------
    >>> yuan = pl.lit(pl.Series(["12,000", "1.005", "a lot"]))
    >>> fen = converted(yuan, pl.String(), "money", spec=ColumnSource(source="x", factor=100), timezone="UTC", field="")
    >>> pl.select(fen.value).to_series().to_list()
    [1200000, 100, None]
    >>> pl.select(fen.broken["type"]).to_series().to_list()
    [False, False, True]
    """
    if spec.map is None:
        return _of_kind(raw, dtype, kind, spec, timezone)
    entry = mapped(raw, dtype, spec.map, field=field)
    if spec.map_other == "keep":
        unlisted = ~is_listed(raw, dtype, tuple(spec.map))
        return _of_kind(pl.when(unlisted).then(as_text(raw, dtype)).otherwise(entry), pl.String(), kind, spec, timezone)
    result = _of_kind(entry, pl.String(), kind, spec, timezone)
    if spec.map_other == "null":
        return result
    unmapped = raw.is_not_null() & ~is_listed(raw, dtype, tuple(spec.map))
    return Converted(result.value, {**result.broken, UNMAPPED: unmapped})


def _of_kind(raw: pl.Expr, dtype: pl.DataType, kind: Kind, spec: ColumnSource, timezone: str) -> Converted:
    if kind == "text":
        return Converted(raw if dtype == pl.String else as_text(raw, dtype), {})
    if kind == "flag":
        value = _flag(raw, dtype)
        return Converted(value, {TYPE: raw.is_not_null() & value.is_null()})
    if kind == "instant":
        value = instant(raw, dtype, timezone=timezone, formats=spec.format, unit=spec.unit)
        broken = {TYPE: raw.is_not_null() & value.is_null()}
        if spec.unit is None and not spec.format and (dtype.is_numeric() or dtype == pl.String):
            broken[OTHER_UNIT] = looks_like_another_unit(raw, dtype, value)
        return Converted(value, broken)
    if kind == "number":
        number = _scaled(_number(raw, dtype), spec).cast(pl.Float64)
        return Converted(_finite(number, dtype), {**_not_number(raw, number), **_not_finite(number, dtype)})
    return _integer(raw, dtype, spec)


def _integer(raw: pl.Expr, dtype: pl.DataType, spec: ColumnSource) -> Converted:
    if (dtype.is_integer() or dtype == pl.Boolean) and spec.factor is None:
        value = raw.cast(pl.Int64, strict=False)
        return Converted(value, _not_number(raw, value))
    number = _scaled(_number(raw, dtype), spec).cast(pl.Float64)
    rounded = _finite(number, dtype).round(mode="half_to_even")
    whole = rounded if spec.factor is not None else pl.when(rounded == number).then(rounded)
    value = whole.clip(-_LARGEST, _LARGEST).cast(pl.Int64, strict=False)
    broken = {**_not_number(raw, number), **_not_finite(number, dtype)}
    if spec.factor is None:
        broken[NOT_WHOLE] = number.is_finite() & (rounded != number)
    return Converted(value, broken)


def _not_number(raw: pl.Expr, number: pl.Expr) -> dict[str, pl.Expr]:
    return {TYPE: raw.is_not_null() & number.is_null()}


def _finite(number: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Null for infinity, so that it breaks one rule and not also a range."""
    return pl.when(number.is_finite()).then(number) if _may_be_infinite(dtype) else number


def _not_finite(number: pl.Expr, dtype: pl.DataType) -> dict[str, pl.Expr]:
    return {NOT_FINITE: number.is_infinite()} if _may_be_infinite(dtype) else {}


def _may_be_infinite(dtype: pl.DataType) -> bool:
    return dtype.is_float() or dtype == pl.String


def _number(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return raw.cast(pl.Int64)
    if dtype != pl.String:
        return raw
    ungrouped = pl.when(raw.str.contains(_GROUPED)).then(raw.str.replace_all(",", "", literal=True)).otherwise(raw)
    return ungrouped.cast(pl.Float64, strict=False).fill_nan(None)


def _scaled(number: pl.Expr, spec: ColumnSource) -> pl.Expr:
    return number if spec.factor is None else number.cast(pl.Float64) * spec.factor


def _flag(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return raw
    if dtype == pl.String:
        return raw.str.to_lowercase().replace_strict(
            [*_TRUE, *_FALSE, "1.0", "0.0"],
            [True] * len(_TRUE) + [False] * len(_FALSE) + [True, False],
            default=None,
            return_dtype=pl.Boolean,
        )
    return pl.when(raw == 1).then(True).when(raw == 0).then(False)

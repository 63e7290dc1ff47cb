"""The schema of one column in `configs/sources.yaml`: its origin and the conversion of its values."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

import polars as pl
from pydantic import BeforeValidator, Field, StringConstraints, field_validator, model_validator

from features.sources.instants import to_microseconds
from features.yaml_config import Section

Scalar: TypeAlias = bool | int | float | str | None
Name: TypeAlias = Annotated[str, StringConstraints(min_length=1)]


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")
    return value


Number: TypeAlias = Annotated[float, BeforeValidator(_no_truth_value)]
Count: TypeAlias = Annotated[int, BeforeValidator(_no_truth_value), Field(ge=0)]
Share: TypeAlias = Annotated[Number, Field(ge=0, le=1)]
Mark: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1)]

_CONVERSIONS = ("factor", "map", "map_other", "format", "unit", "nulls", "decimal", "thousands", "strip")


class ColumnSource(Section):
    """Origin of one contract column: a source column with its conversion, a constant, or the row number.

    A value of `TableSource.columns`. A conversion applies `nulls`, then `map`, then `format` or `unit` (timestamps), or
    `strip`, `thousands`, `decimal` and then `factor` (numbers).

    Attributes
    ----------
    source : str
        Name of the source column (`from` in YAML).
    constant : scalar
        Value of every row.
    row_number : bool
        True numbers the rows 1, 2, 3, ... in the source's order: a key for a source without one.
    factor : float
        Multiplies numbers: 100 converts yuan to fen. Integer columns round the product half to even.
    map : dict
        Source value to contract value. A value that is not listed quarantines its row unless `map_other` is set.
    map_other : 'null' or 'keep'
        Make the values that `map` does not list null, or keep them as they are.
    format : str or tuple of str
        strptime formats of a timestamp in text or digits (20230101 and 20230101.0 by "%Y%m%d"), tried in this order.
    unit : 's', 'ms', 'us', 'ns' or 'excel'
        Unit of a timestamp that is a number: since 1970-01-01 UTC, or 'excel' for the serial number of a spreadsheet
        (days since 1899-12-30 in the table's time zone, to the nearest second).
    decimal : '.' or ','
        Decimal mark of numbers in text. Default: a comma if `thousands` has a point, otherwise a point.
    thousands : tuple of str
        Characters between groups of three digits of numbers in text, such as "." or " ", which is any kind of space.
        With `decimal` or `thousands`, exactly these marks are read; without both, the marks that the column proves.
    strip : tuple of str
        Texts that are removed from numbers in text, such as "USD" or "km". With `strip`, exactly these texts are
        removed; without it, a currency, the contract's unit, a percent sign, 万 and 亿 are recognised.
    nulls : tuple of scalar
        Source values that mean "missing".
    """

    source: Name | None = Field(None, alias="from")
    constant: bool | int | float | str | None = None
    row_number: bool = False
    factor: Annotated[float, Field(allow_inf_nan=False)] | None = None
    map: dict[bool | int | float | str, Scalar] | None = None
    map_other: Literal["null", "keep"] | None = None
    format: tuple[Name, ...] = ()
    unit: Literal["s", "ms", "us", "ns", "excel"] | None = None
    decimal: Literal[".", ","] | None = None
    thousands: tuple[Mark, ...] = ()
    strip: tuple[Name, ...] = ()
    nulls: tuple[Scalar, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"from": value}
        if not isinstance(value, dict | ColumnSource):
            raise ValueError("must be the name of a source column, or options such as {from: name, factor: 100}")
        return value

    @field_validator("format", "thousands", "strip", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("format")
    @classmethod
    def _complete_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for format in value:
            text = pl.lit(pl.Series(["-"]))
            try:
                pl.select(to_microseconds(text, pl.String(), timezone="UTC", formats=(format,), unit=None))
            except pl.exceptions.PolarsError:
                raise ValueError(
                    f"{format!r} is no complete strptime format; a clock needs hour and minute, such as %H:%M"
                ) from None
        return value

    @field_validator("map_other", mode="before")
    @classmethod
    def _bare_null(cls, value: Any) -> Any:
        return "null" if value is None else value  # YAML reads a bare null as nothing

    @field_validator("factor")
    @classmethod
    def _not_zero(cls, value: float | None) -> float | None:
        if value == 0:
            raise ValueError("must not be 0, which makes every value 0; give the conversion, for example 100")
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [self.source is not None, self.constant is not None, self.row_number]
        if sum(origins) != 1:
            raise ValueError("must have exactly one of `from`, `constant` and `row_number: true`; add or remove one")
        unusable = [n for n in _CONVERSIONS if n in self.model_fields_set and self.source is None]
        if unusable:
            raise ValueError(f"`{unusable[0]}` converts a source column; remove it, or give the column with `from`")
        if self.map_other is not None and self.map is None:
            raise ValueError("`map_other` has no effect without `map`; remove it, or add `map`")
        if self.format and self.unit:
            raise ValueError("`format` reads text and `unit` reads numbers; remove one of them")
        marks = [n for n in ("decimal", "thousands", "strip") if getattr(self, n)]
        if marks and self.map is not None:
            raise ValueError(f"`{marks[0]}` reads numbers, and `map` lists its own; remove one of them")
        if marks and (self.format or self.unit):
            option = "format" if self.format else "unit"
            raise ValueError(f"`{marks[0]}` reads numbers and `{option}` timestamps; remove one of them")
        return self

    @model_validator(mode="after")
    def _distinct_marks(self) -> Self:
        if self.decimal is not None and self.decimal in self.thousands:
            raise ValueError(f"`decimal` and `thousands` are both {self.decimal!r}; correct one of them")
        if {".", ","} <= set(self.thousands):
            raise ValueError("`thousands` has both . and ,: one of them must be the decimal mark; remove it")
        if wrong := [m for m in self.thousands if m.isalnum() or m in "+-()"]:
            raise ValueError(f"`thousands` has {wrong[0]!r}, which is part of the number; give marks such as , or .")
        if wrong := [t for t in self.strip if not t.strip() or any(c.isdigit() for c in t) or t.strip() in ".,+-()"]:
            raise ValueError(
                f"`strip` has {wrong[0]!r}, which may be part of the number; give texts such as $ or km, and marks "
                "with `decimal` and `thousands`"
            )
        return self

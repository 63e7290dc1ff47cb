"""Conversion of source values to the contract's types, with the rules that a source value may break."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import polars as pl

from features.sources.column_source import ColumnSource
from features.sources.instants import NumberDates, is_bare_number, to_microseconds
from features.sources.number_marks import configured_reading
from features.sources.numbers import AMBIGUOUS, CURRENCIES, MULTIPLE, PERCENT, read_number_texts
from features.sources.texts import as_text, is_text
from features.sources.values import instants_of, is_listed, map_values

Kind: TypeAlias = Literal["text", "boolean", "integer", "money", "number", "timestamp"]

NUMERIC = ("integer", "money", "number")
NUMBER_RULES = (AMBIGUOUS, CURRENCIES, PERCENT, MULTIPLE)

TYPE = "wrong type"
UNMAPPED = "value not in `map`"
NOT_FINITE = "infinite"
DIGITS_LOST = "digits lost to rounding"
NOT_WHOLE = "not a whole number"
UNKNOWN_UNIT = "number without a unit"

REWRITTEN_KEYS = "keys are read without the marks of another program: 1038.0, '1038 and 1.038E+03 as 1038"

ROUNDED = "amounts have a fraction of a fen, which is rounded"
REMARKS_OF_ONE = {
    REWRITTEN_KEYS: REWRITTEN_KEYS.replace("keys are", "key is", 1),
    ROUNDED: ROUNDED.replace("amounts have", "amount has", 1),
}

_ROUNDING_ERROR = 1e-3  # of a product with `factor` in binary: 199.99 * 100 is 19998.999999999996
_TRUE = ("true", "1", "yes", "y", "t", "是")
_FALSE = ("false", "0", "no", "n", "f", "否")
_GROUPED = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
_LARGEST = 9_000_000_000_000_000_000


@dataclass(frozen=True)
class ConvertedColumn:
    """Expressions of a converted column; returned by `convert`.

    Attributes
    ----------
    value : pl.Expr
        Value in the contract's type; null where the source value is missing or breaks a rule.
    broken : dict of str to pl.Expr
        By rule, such as "wrong type" or "infinite": a boolean expression, true in the rows that break it.
    remarks : dict of str to pl.Expr
        By the end of a sentence that begins with a number of values: a boolean expression, true in the rows that count.
    """

    value: pl.Expr
    broken: dict[str, pl.Expr]
    remarks: dict[str, pl.Expr] = field(default_factory=dict)


def can_convert(kind: Kind, dtype: pl.DataType) -> bool:
    """Return whether a source type can be converted to a kind of column; text and categories always can.

    Parameters
    ----------
    kind : {'text', 'boolean', 'integer', 'money', 'number', 'timestamp'}
        Kind of the contract column, as returned by `features.sources.rules.kind_of`.
    dtype : pl.DataType
        Type of the source column.

    Returns
    -------
    bool

    Examples
    --------
    >>> import polars as pl
    >>> can_convert("money", pl.Decimal(12, 2)), can_convert("money", pl.Date())
    (True, False)
    """
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return True
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        return False
    if kind == "text":
        return True
    if kind == "timestamp":
        return dtype in (pl.Date, pl.Datetime) or dtype.is_numeric()
    return dtype.is_numeric() or dtype == pl.Boolean


def with_nulls(raw: pl.Expr, dtype: pl.DataType, kind: Kind, spec: ColumnSource) -> tuple[pl.Expr, pl.DataType]:
    """Replace missing-value markers by null: NaN, blank text and the values of `nulls`.

    Parameters
    ----------
    raw, dtype : pl.Expr, pl.DataType
        Source values and their type.
    kind : {'text', 'boolean', 'integer', 'money', 'number', 'timestamp'}
        Kind of the contract column; for numbers, the text "nan" is missing too.
    spec : ColumnSource
        The column's entry in sources.yaml, such as ``features.sources.ColumnSource(source="code", nulls=["-"])``; only
        `nulls` is read.

    Returns
    -------
    raw, dtype : pl.Expr, pl.DataType
        The source values and their type; categories become text.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> codes, spec = pl.lit(pl.Series(["5", "-", " "])), ColumnSource(source="code", nulls=["-"])
    >>> raw, dtype = with_nulls(codes, pl.String(), "text", spec)
    >>> pl.select(raw).to_series().to_list()
    ['5', None, None]
    """
    if dtype in (pl.Categorical, pl.Enum, pl.Null):
        raw, dtype = raw.cast(pl.String), pl.String()
    if dtype.is_float():
        raw = raw.fill_nan(None)
    if dtype == pl.String:
        raw = as_text(raw, dtype)
        if kind in NUMERIC:
            raw = pl.when(raw.str.to_lowercase() != "nan").then(raw)
    if not spec.nulls:
        return raw, dtype
    return pl.when(~is_listed(raw, dtype, spec.nulls, numeric=kind in NUMERIC)).then(raw), dtype


def convert(
    raw: pl.Expr,
    dtype: pl.DataType,
    kind: Kind,
    *,
    spec: ColumnSource,
    timezone: str,
    field: str,
    numbers: NumberDates = "calendar",
    number: pl.Expr | None = None,
    is_plain: bool = False,
) -> ConvertedColumn:
    """Convert source values to a kind of column: `map`, then `format` or `unit`, then `factor`.

    Parameters
    ----------
    raw, dtype : pl.Expr, pl.DataType
        Source values and their type, as `with_nulls` returns them.
    kind : {'text', 'boolean', 'integer', 'money', 'number', 'timestamp'}
        Kind of the contract column. In an integer or money column, a fraction breaks a rule unless a `factor` is set;
        the product with `factor` is rounded half to even (199.99 yuan * 100 is 19999 fen, though it is 19998.999... in
        binary).
    spec : ColumnSource
        The column's entry in sources.yaml; `map`, `map_other`, `factor`, `format` and `unit` are used.
    timezone : str
        IANA name of the time zone of timestamps without an offset.
    field : str
        Place in the YAML file, for error messages.
    numbers : {'microseconds', 'calendar', 'none', 'absent'}
        Reading of the numbers of a timestamp column without `format` and `unit`, as in
        `features.sources.instants.to_microseconds`.
    number : pl.Expr, optional
        For numbers in text: `features.sources.numbers.read_number_texts` of `raw`. Without it, text is read as
        `decimal`, `thousands` and `strip` say, or with a decimal point and commas between thousands.
    is_plain : bool
        Whether numbers in text have no marks but a decimal point, so that a comma need not be looked for.

    Returns
    -------
    ConvertedColumn
        `value`: text as String, booleans as Boolean, numbers as Float64, all others as Int64 (timestamps in
        microseconds since 1970 UTC, money in fen). `broken`: a boolean expression for each rule.

    Raises
    ------
    ConfigError
        A key of `map` is text although the source column is numeric.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> yuan = pl.lit(pl.Series(["12,000", "1.005", "a lot"]))
    >>> fen = convert(yuan, pl.String(), "money", spec=ColumnSource(source="x", factor=100), timezone="UTC", field="")
    >>> pl.select(fen.value).to_series().to_list()
    [1200000, 100, None]
    >>> pl.select(fen.broken["wrong type"]).to_series().to_list()
    [False, False, True]
    """
    if spec.map is None and kind in NUMERIC and dtype == pl.String:
        return _to_number(raw, dtype, kind, spec, _read(raw, number, is_plain, spec))
    if spec.map is None:
        return _to_kind(raw, dtype, kind, spec, timezone, numbers)
    entry = map_values(raw, dtype, spec.map, field=field)
    if spec.map_other == "keep":
        unlisted = ~is_listed(raw, dtype, tuple(spec.map))
        values = pl.when(unlisted).then(as_text(raw, dtype)).otherwise(entry)
        return _to_kind(values, pl.String(), kind, spec, timezone)
    column = _to_kind(entry, pl.String(), kind, spec, timezone)
    if spec.map_other == "null":
        return column
    unmapped = raw.is_not_null() & ~is_listed(raw, dtype, tuple(spec.map))
    return ConvertedColumn(column.value, {**column.broken, UNMAPPED: unmapped})


def convert_key(raw: pl.Expr, dtype: pl.DataType, key: pl.Expr, spec: ColumnSource) -> ConvertedColumn:
    """Convert the values of a key or reference column.

    Parameters
    ----------
    raw, dtype : pl.Expr, pl.DataType
        Source values and their type, as `with_nulls` returns them.
    key : pl.Expr
        The same values as text: `features.sources.texts.as_key` of `raw`.
    spec : ColumnSource
        The column's entry in sources.yaml; `nulls` is used, which also lists values such as 0 for the text "0.0".

    Returns
    -------
    ConvertedColumn
        `value` (String), the rule on keys whose digits are lost, and the count of keys that another program rewrote.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.texts import as_key
    >>> raw = pl.lit(pl.Series(["5.0", "0.0", "1.2E+20"]))
    >>> column = convert_key(raw, pl.String(), as_key(raw, pl.String()), ColumnSource(source="id", nulls=["0"]))
    >>> pl.select(column.value).to_series().to_list()
    ['5', None, None]
    >>> pl.select(column.broken["digits lost to rounding"]).to_series().to_list()
    [False, False, True]
    """
    value = pl.when(~is_listed(key, pl.String(), spec.nulls)).then(key) if spec.nulls else key
    broken = {DIGITS_LOST: raw.is_not_null() & key.is_null()} if is_text(dtype) or dtype.is_float() else {}
    return ConvertedColumn(value, broken, {REWRITTEN_KEYS: key != raw} if dtype == pl.String else {})


def _to_kind(
    raw: pl.Expr,
    dtype: pl.DataType,
    kind: Kind,
    spec: ColumnSource,
    timezone: str,
    numbers: NumberDates = "calendar",
) -> ConvertedColumn:
    if kind == "text":
        return ConvertedColumn(raw if dtype == pl.String else as_text(raw, dtype), {})
    if kind == "boolean":
        value = _boolean(raw, dtype)
        return ConvertedColumn(value, {TYPE: raw.is_not_null() & value.is_null()})
    if kind == "timestamp":
        return _to_instant(raw, dtype, spec, timezone, numbers)
    number = _number(raw, dtype)
    return _to_number(raw, dtype, kind, spec, _ReadNumber(number, {TYPE: raw.is_not_null() & number.is_null()}))


def _to_instant(
    raw: pl.Expr, dtype: pl.DataType, spec: ColumnSource, timezone: str, numbers: NumberDates
) -> ConvertedColumn:
    value = to_microseconds(raw, dtype, timezone=timezone, formats=spec.format, unit=spec.unit, numbers=numbers)
    unread = raw.is_not_null() & value.is_null()
    broken = {TYPE: unread}
    if not (spec.unit or spec.format or numbers == "absent") and (dtype.is_numeric() or dtype == pl.String):
        number = is_bare_number(raw, dtype)
        broken = {TYPE: unread & ~number, UNKNOWN_UNIT: unread & number}
    # A timestamp of `nulls` is missing however the source writes it: 9999-12-31, 31.12.9999 or 2958465 days.
    nulls = instants_of(spec.nulls, timezone=timezone, formats=spec.format) if spec.map is None else []
    return ConvertedColumn(pl.when(~value.is_in(nulls)).then(value) if nulls else value, broken)


@dataclass(frozen=True)
class _ReadNumber:
    value: pl.Expr
    broken: dict[str, pl.Expr]


def _read(raw: pl.Expr, number: pl.Expr | None, is_plain: bool, spec: ColumnSource) -> _ReadNumber:
    """Read text as numbers; a number of `nulls` is missing however its text is written."""
    if number is None and (spec.decimal or spec.thousands or spec.strip):
        number = read_number_texts(raw, configured_reading(spec))
    if number is None:
        value = raw.cast(pl.Float64, strict=False).fill_nan(None) if is_plain else _number(raw, pl.String())
        broken = {TYPE: raw.is_not_null() & value.is_null()}
    else:
        value, rule = number.struct.field("value"), number.struct.field("rule")
        broken = {name: rule == name for name in (TYPE, *NUMBER_RULES)}
    return _ReadNumber(
        pl.when(~is_listed(value, pl.Float64(), spec.nulls)).then(value) if spec.nulls else value, broken
    )


def _to_number(raw: pl.Expr, dtype: pl.DataType, kind: Kind, spec: ColumnSource, read: _ReadNumber) -> ConvertedColumn:
    if kind != "number" and (dtype.is_integer() or dtype == pl.Boolean) and spec.factor is None:
        value = raw.cast(pl.Int64, strict=False)
        return ConvertedColumn(value, {TYPE: raw.is_not_null() & value.is_null()})
    number = _scaled(read.value, spec).cast(pl.Float64)
    finite, broken = _finite(number, dtype), {**read.broken, **_not_finite(number, dtype)}
    if kind == "number":
        return ConvertedColumn(finite, broken)
    rounded = finite.round(mode="half_to_even")
    whole = rounded if spec.factor is not None else pl.when(rounded == number).then(rounded)
    value = whole.clip(-_LARGEST, _LARGEST).cast(pl.Int64, strict=False)
    if spec.factor is None:
        return ConvertedColumn(value, {**broken, NOT_WHOLE: number.is_finite() & (rounded != number)})
    has_fraction = (finite - rounded).abs() > _ROUNDING_ERROR
    return ConvertedColumn(value, broken, {ROUNDED: has_fraction} if kind == "money" else {})


def _finite(number: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Replace infinities by null, so that such a value violates only the rule `infinite` and not also a range."""
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


def _boolean(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
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

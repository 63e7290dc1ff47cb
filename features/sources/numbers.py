"""Numbers in text: signs, decimal and thousands marks, currencies, percent signs and units."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from features.sources.currencies import CURRENCY

AMBIGUOUS = "ambiguous decimal or thousands mark"
CURRENCIES = "amount in one of several currencies"
PERCENT = "percent sign"
MULTIPLE = "written in a multiple such as 万"
UNREADABLE = "wrong type"
READ_TYPE = pl.Struct({"value": pl.Float64, "rule": pl.String})

# A single mark with three digits after it and one to three before it: 1.234 and 12,345 can be read in two ways.
AMBIGUOUS_POINT, AMBIGUOUS_COMMA = r"^[-+]?[1-9]\d{0,2}\.\d{3}$", r"^[-+]?[1-9]\d{0,2},\d{3}$"

_WIDE = {chr(0xFF10 + i): str(i) for i in range(10)}
_WIDE |= {"．": ".", "，": ",", "＋": "+", "（": "(", "）": ")", "％": "%", "＄": "$", "￥": "¥", "￡": "£", "＇": "'"}
_WIDE |= dict.fromkeys("－−–—", "-") | dict.fromkeys("’‘ʼ´`", "'")
_WIDE |= dict.fromkeys("\u00a0\u202f\u2009\u2007\u2002\u2003\u3000\t", " ")
_POWERS = {"%": -2, "千": 3, "万": 4, "萬": 4, "亿": 8, "億": 8}
_POWERS |= dict.fromkeys(("lakh", "lakhs", "Lakh", "Lakhs", "lac", "Lac"), 5)
_POWERS |= dict.fromkeys(("crore", "crores", "Crore", "Crores"), 7)
_MULTIPLES = "|".join(sorted(_POWERS, key=len, reverse=True))
_INFINITE = r"(?i)^[-+]?inf(inity)?$"


@dataclass(frozen=True)
class NumberMarks:
    """Decimal mark and thousands marks of numbers in text.

    Attributes
    ----------
    decimal : str
        "." or ",".
    thousands : tuple of str
        Marks between groups of three digits. A comma may also stand between the groups of India: 12,34,567. A space
        stands for every kind of space, and an apostrophe for every kind of apostrophe.
    """

    decimal: str
    thousands: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """Regular expression of a number with these marks."""
        decimal = re.escape(self.decimal)
        groups = [rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+" for mark in self.thousands]
        if "," in self.thousands:
            groups.append(r"[1-9]\d?(?:,\d{2})+,\d{3}")
        whole = "|".join([r"\d+", *groups])
        return rf"^[-+]?(?:(?:{whole})(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][-+]?\d+)?$"


ENGLISH = NumberMarks(".", (",", " ", "'"))
CONTINENTAL = NumberMarks(",", (".", " ", "'"))
_STRONG = {  # two different marks, or one mark more than once: read in one way only
    ENGLISH: r"^[-+]?[1-9]\d{0,2}(?:(?:,\d{3}){2,}|(?:,\d{3})+\.\d*|(?:[ ']\d{3})+\.\d*)$"
    r"|^[-+]?[1-9]\d?(?:,\d{2})+,\d{3}(?:\.\d*)?$",
    CONTINENTAL: r"^[-+]?[1-9]\d{0,2}(?:(?:\.\d{3}){2,}|(?:\.\d{3})+,\d*|(?:[ ']\d{3})+,\d*)$",
}
_NEUTRAL = r"^[-+]?(?:\d+|[1-9]\d{0,2}(?: \d{3})+|[1-9]\d{0,2}(?:'\d{3})+)$"
_SINGLE_MARK = {ENGLISH: r"^[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?$", CONTINENTAL: r"^[-+]?(?:\d+,\d*|,\d+)$"}


@dataclass(frozen=True)
class NumberReading:
    """How the texts of one column are read as numbers: from sources.yaml, or as its values prove.

    Attributes
    ----------
    marks : NumberMarks or None
        None for a column whose values contradict each other: only a value that proves its own marks is read.
    strip : tuple of str or None
        Texts to remove; None removes a currency and the units.
    units : tuple of str
        Spellings of the contract's unit.
    single_marks : bool
        Without `marks`: whether a single mark such as in 12,5 is a decimal mark.
    point_is_ambiguous, comma_is_ambiguous : bool
        Whether 1.234, and 12,345, are left unread.
    percent, multiples, currencies : bool
        Whether percent signs are hundredths, 万, lakh and others are multiples, and amounts with a currency are read.
    """

    marks: NumberMarks | None = ENGLISH
    strip: tuple[str, ...] | None = None
    units: tuple[str, ...] = field(default=())
    single_marks: bool = False
    point_is_ambiguous: bool = False
    comma_is_ambiguous: bool = False
    percent: bool = False
    multiples: bool = True
    currencies: bool = True


PLAIN = NumberReading()


def read_numbers(texts: pl.Series, reading: NumberReading = PLAIN) -> pl.Series:
    """Return the numbers of a column of text, and the rule that each other text breaks.

    A sign, parentheses and a minus at the end mark negative numbers. Full-width digits and marks are read as their
    narrow forms.

    Parameters
    ----------
    texts : pl.Series
        Texts without surrounding blanks; null is a missing value.
    reading : NumberReading
        Marks, and what else is read, as returned by `features.sources.number_marks.learn_reading`.

    Returns
    -------
    pl.Series
        Struct with `value` (Float64) and `rule` (String; null for a number and for a missing value).

    Examples
    --------
    >>> import polars as pl
    >>> read = read_numbers(pl.Series(["$24,995", "(500)", "12 000 €", "12,00,000", "3.5万元", "12%", "many"]))
    >>> read.struct.field("value").to_list()
    [24995.0, -500.0, 12000.0, 1200000.0, 35000.0, None, None]
    >>> read.struct.field("rule").to_list()[-2:]
    ['percent sign', 'wrong type']
    """
    numbers = texts.cast(pl.Float64, strict=False).fill_nan(None)
    if reading.marks is None or reading.marks.decimal != "." or reading.point_is_ambiguous:
        numbers = pl.select(pl.when(~pl.lit(texts).str.contains(".", literal=True)).then(numbers)).to_series()
    unread = numbers.is_null() & texts.is_not_null()
    if not unread.any():
        return _struct(numbers, pl.Series([None], dtype=pl.String).new_from_index(0, len(texts)))
    parts = split_numbers(texts.filter(unread), strip=reading.strip, units=reading.units)
    parsed = parts.select(_value(reading).alias("value"), _rule(reading).alias("rule"))
    parsed = parsed.with_columns(rule=pl.when(pl.col("value").is_null()).then("rule"))
    rows = unread.arg_true()
    values = numbers.scatter(rows, parsed["value"])
    rules = pl.Series([None], dtype=pl.String).new_from_index(0, len(texts)).scatter(rows, parsed["rule"])
    return _struct(values, rules)


def read_number_texts(raw: pl.Expr, reading: NumberReading) -> pl.Expr:
    """Return `read_numbers` as an expression.

    Parameters
    ----------
    raw : pl.Expr
        Texts without surrounding blanks.
    reading : NumberReading
        As for `read_numbers`.

    Returns
    -------
    pl.Expr
        Struct with `value` (Float64) and `rule` (String).

    Examples
    --------
    >>> import polars as pl
    >>> pl.select(read_number_texts(pl.lit(pl.Series(["1,500"])), PLAIN)).item()
    {'value': 1500.0, 'rule': None}
    """
    # A function, because most texts are plain numbers, and expressions would always compute the rest.
    function = partial(read_numbers, reading=reading)
    return raw.map_batches(function, return_dtype=READ_TYPE, is_elementwise=True)


def split_numbers(texts: pl.Series, *, strip: tuple[str, ...] | None, units: tuple[str, ...]) -> pl.DataFrame:
    """Split texts into the digits with their marks, and what stands around them.

    Parameters
    ----------
    texts : pl.Series
        Texts without a missing value.
    strip : tuple of str or None
        Texts to remove; None recognises a currency, percent sign, 万 and 亿, and one of `units`.
    units : tuple of str
        Units that may follow the number.

    Returns
    -------
    pl.DataFrame
        `body` (digits and marks with their sign), `power` (10 to this power multiplies the number: -2 for a percent
        sign) and `currency` (text or null).

    Examples
    --------
    >>> import polars as pl
    >>> split_numbers(pl.Series(["€ 1.234,56-", "12 %"]), strip=None, units=()).rows()
    [('-1.234,56', 0, '€'), ('12', -2, None)]
    """
    text = pl.col("text").str.replace_many(_WIDE).str.strip_prefix("'").str.strip_chars()  # Excel marks texts so
    currency: pl.Expr = pl.lit(None, dtype=pl.String)
    suffix: pl.Expr = pl.lit(None, dtype=pl.String)
    if strip is not None:
        for part in sorted((_narrow(p) for p in strip), key=len, reverse=True):
            text = text.str.replace_all(part, "", literal=True)
        text = text.str.strip_chars()
    is_negative = text.str.contains(r"^[^\d()]*\([^()]*\)[^\d()]*$")
    text = pl.when(is_negative).then(text.str.replace_all(r"[()]", "")).otherwise(text).str.strip_chars()
    text = text.str.replace(r"([.,])\s?--?$", "${1}00").str.strip_suffix("/-")  # 500,- and 500/- have no cents
    if strip is None:
        before, after = rf"^([-+]?)\s*({CURRENCY})\s*", rf"\s*({CURRENCY})\s*(-?)$"
        currency = pl.coalesce(text.str.extract(before, 2), text.str.extract(after, 1))
        text = text.str.replace(before, "$1").str.replace(after, "$2")
        if units:
            unit = "|".join(sorted(map(re.escape, units), key=len, reverse=True))
            text = text.str.replace(rf"(\d)(\s*(?:{_MULTIPLES}))?\s*(?:{unit})\s*(-?)$", "$1$2$3")
        ending = rf"(\d)\s*({_MULTIPLES})\s*(-?)$"
        suffix = text.str.extract(ending, 2)
        text = text.str.replace(ending, "$1$3")
    text = text.str.replace(r"^([^-+].*?)\s*-$", "-$1").str.replace(r"^([-+])\s+", "$1")
    is_signed = text.str.contains(r"^[-+]")
    body = pl.when(is_negative & ~is_signed).then(pl.concat_str([pl.lit("-"), text])).when(~is_negative).then(text)
    power = suffix.replace_strict(list(_POWERS), list(_POWERS.values()), default=0, return_dtype=pl.Int64)
    return pl.DataFrame({"text": texts}).select(
        body.alias("body"), power.fill_null(0).alias("power"), currency.alias("currency")
    )


def _struct(values: pl.Series, rules: pl.Series) -> pl.Series:
    return pl.DataFrame({"value": values, "rule": rules}).to_struct("number")


def _narrow(text: str) -> str:
    return "".join(_WIDE.get(c, c) for c in text).strip()


def _value(reading: NumberReading) -> pl.Expr:
    body = pl.col("body")
    if reading.marks is not None:
        canonical = _canonical(body, reading.marks, reading.marks.pattern)
    else:
        patterns = [_STRONG, _SINGLE_MARK] if reading.single_marks else [_STRONG]
        own = [_canonical(body, marks, pattern[marks]) for pattern in patterns for marks in (ENGLISH, CONTINENTAL)]
        canonical = pl.coalesce([*own, _canonical(body, ENGLISH, _NEUTRAL)])
        is_ambiguous = body.str.contains(AMBIGUOUS_POINT) | body.str.contains(AMBIGUOUS_COMMA)
        canonical = pl.when(~is_ambiguous).then(canonical)
    powers = pl.when(pl.col("power") != 0).then(pl.concat_str([pl.lit("e"), pl.col("power")])).otherwise(pl.lit(""))
    has_exponent = canonical.str.contains("(?i)e") & (pl.col("power") != 0)
    number = pl.when(~has_exponent).then(pl.concat_str([canonical, powers])).cast(pl.Float64, strict=False)
    infinite = pl.when(body.str.contains(_INFINITE)).then(body).cast(pl.Float64, strict=False)
    refused = [condition for condition, _ in _refusals(reading)]
    return pl.when(~pl.any_horizontal(pl.lit(False), *refused)).then(pl.coalesce(number, infinite))


def _rule(reading: NumberReading) -> pl.Expr:
    unread_marks = r"^[-+]?[\d., ']*\d[\d., ']*$" if reading.marks is None else r"[^\s\S]"
    is_ambiguous = pl.col("body").str.contains(unread_marks)
    rule: pl.Expr = pl.when(is_ambiguous).then(pl.lit(AMBIGUOUS)).otherwise(pl.lit(UNREADABLE))
    for condition, name in reversed(_refusals(reading)):
        rule = pl.when(condition.fill_null(False)).then(pl.lit(name)).otherwise(rule)
    return rule


def _refusals(reading: NumberReading) -> list[tuple[pl.Expr, str]]:
    """Return the conditions under which a number is left unread, and the rule that it breaks."""
    body, has_digit = pl.col("body"), pl.col("body").str.contains(r"\d")
    refusals = []
    if not reading.currencies:
        refusals.append((pl.col("currency").is_not_null() & has_digit, CURRENCIES))
    if not reading.percent:
        refusals.append(((pl.col("power") < 0) & has_digit, PERCENT))
    if not reading.multiples:
        refusals.append(((pl.col("power") > 0) & has_digit, MULTIPLE))
    if reading.point_is_ambiguous:
        refusals.append((body.str.contains(AMBIGUOUS_POINT), AMBIGUOUS))
    if reading.comma_is_ambiguous:
        refusals.append((body.str.contains(AMBIGUOUS_COMMA), AMBIGUOUS))
    return refusals


def _canonical(body: pl.Expr, marks: NumberMarks, pattern: str) -> pl.Expr:
    """Return numbers that match a pattern without thousands marks and with a decimal point."""
    digits: pl.Expr = pl.when(body.str.contains(pattern)).then(body)
    for mark in marks.thousands:
        digits = digits.str.replace_all(mark, "", literal=True)
    return digits.str.replace(marks.decimal, ".", literal=True)


def count_marks(bodies: pl.Series, rows: pl.Series | None = None) -> dict[str, int]:
    """Count the numbers that prove their marks, and those that can be read in two ways.

    Parameters
    ----------
    bodies : pl.Series
        `body` of `split_numbers`.
    rows : pl.Series, optional
        Number of rows of each body; 1 by default.

    Returns
    -------
    dict of str to int
        "english" and "continental": numbers that only these marks read; "groups": those with a thousands mark among
        them; "point" and "comma": numbers such as 1.234 and 12,345.

    Examples
    --------
    >>> import polars as pl
    >>> count_marks(pl.Series(["1,234,567", "12.5", "1.234,56", "12,345"]))
    {'english': 2, 'continental': 1, 'groups': 2, 'point': 0, 'comma': 1}
    """
    body = pl.col("body")

    def is_(pattern: str) -> pl.Expr:
        return body.str.contains(pattern)

    ambiguous = {"point": is_(AMBIGUOUS_POINT), "comma": is_(AMBIGUOUS_COMMA)}
    grouped = {m: is_(_STRONG[m]) & is_(r"\d[.,]\d{3}") for m in (ENGLISH, CONTINENTAL)}
    conditions = {
        "english": is_(_STRONG[ENGLISH]) | (is_(_SINGLE_MARK[ENGLISH]) & ~ambiguous["point"]),
        "continental": is_(_STRONG[CONTINENTAL]) | (is_(_SINGLE_MARK[CONTINENTAL]) & ~ambiguous["comma"]),
        "groups": grouped[ENGLISH] | grouped[CONTINENTAL],
        **ambiguous,
    }
    weights = pl.repeat(1, len(bodies), eager=True) if rows is None else rows
    frame = pl.DataFrame({"body": bodies, "rows": weights})
    counts = frame.select(pl.col("rows").filter(c).sum().alias(n) for n, c in conditions.items())
    return {name: int(count) for name, count in counts.row(0, named=True).items()}

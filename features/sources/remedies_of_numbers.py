"""Remedies of numbers: marks and texts around the digits, and units that put every value into the contract's range."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import polars as pl

from features.sources.column_values import BROKEN, VALUE, ColumnValues
from features.sources.currencies import CURRENCY
from features.sources.numbers import PERCENT
from features.sources.remedies_of_values import missing_markers
from features.sources.yaml_lines import column_line

MAX_STRIPPED = 6  # different texts around digits; more are no currency signs and units
FITS = "then every value fits"

# Factor and unit of the source by unit of the contract; "" is a fraction or a number without a unit.
_FACTORS: dict[str, tuple[tuple[float, str], ...]] = {
    "fen": ((100, "yuan"), (1_000_000, "万元 (ten thousand yuan)")),
    "per year": ((0.01, "percent"),),
    "": ((0.01, "percent"),),
    "km": ((0.001, "metres"), (1.609344, "miles"), (10_000, "万公里 (ten thousand km)")),
    "km per month": ((1 / 12, "km per year"), (1.609344, "miles")),
    "months": ((12, "years"), (1 / 30.436875, "days")),
    "days": ((1 / 24, "hours"),),
    "kW": ((0.73549875, "metric horsepower (PS)"), (0.001, "watts")),
    "s": ((0.001, "milliseconds"),),
    "h": ((1 / 60, "minutes"),),
}
# Words beside a number that change its value, in lower case: factor to the unit of the contract.
_MULTIPLES = {
    "k": 1_000,
    "tsd": 1_000,
    "tsd.": 1_000,
    "thousand": 1_000,
    "w": 10_000,
    "mio": 1e6,
    "mio.": 1e6,
    "million": 1e6,
}
_MILES = dict.fromkeys(("mi", "mi.", "mile", "miles", "mls", "英里"), 1.609344)
_UNIT_WORDS: dict[str, dict[str, float]] = {
    "km": _MILES,
    "km per month": _MILES,
    "months": dict.fromkeys(("y", "yr", "yrs", "year", "years", "年", "jahr", "jahre"), 12),
    "days": dict.fromkeys(("week", "weeks", "周"), 7),
    "kW": dict.fromkeys(("ps", "cv", "ch", "马力", "匹"), 0.73549875) | dict.fromkeys(("hp", "bhp"), 0.745699872),
    "h": dict.fromkeys(("min", "mins", "minutes", "分钟"), 1 / 60),
    "s": dict.fromkeys(("min", "mins", "minutes", "分钟"), 60) | {"ms": 0.001},
}
_MARKS: tuple[dict[str, Any], ...] = (
    {},
    {"decimal": ","},
    {"thousands": (",",)},
    {"decimal": ",", "thousands": (".",)},
    {"thousands": (" ",)},
    {"decimal": ",", "thousands": (" ",)},
    {"thousands": ("'",)},
    {"thousands": (".",)},
    {"thousands": (",", " ")},
    {"decimal": ",", "thousands": (".", " ")},
)


_TWO_WAYS = (r"^[-+]?[1-9]\d{0,2}[.,]\d{3}$", r"[%％]")  # a single mark before three digits, and a percent sign
_DIGIT = re.compile(r"\d")
_AROUND = re.compile(r"[^\d.,'’\s()+\-−]+(?:\s*[^\d.,'’\s()+\-−]+)*")
_CORRECT = "correct the values in the source, or map another source column"


def number_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for a column of numbers with other texts: `strip`, `decimal` and `thousands`, or `nulls`.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    hidden : bool
        Do not show values of the source.

    Returns
    -------
    str
        With an entry of sources.yaml only if every value of the column can then be read.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import LEADS
    >>> column = MappedColumn("price", "money", ColumnSource(source="p"), in_contract=True, required=False)
    >>> values = ColumnValues(LEADS, column, pl.LazyFrame({"p": ["a lot", "little", "7"]}), timezone="UTC")
    >>> number_remedy(values, False)
    'correct the values in the source, or map another source column'
    """
    column = values.column
    words = _words(values)
    factors = {_factor(values, w) for w in words} if _DIGIT.search("".join(map(str, values.broken()))) else set()
    if factors - {1} and (len(factors) > 1 or not _all_have_words(values, words)):
        changing = ", ".join(repr(w) for w in words if _factor(values, w) != 1)
        return f"some numbers are in another unit or a multiple ({changing}): write all in one unit in the source"
    for changes in _candidates(values):
        if values.fits(**changes):
            return _entries(values, changes, words)
    if (markers := missing_markers(values, hidden)) and not any(_DIGIT.search(str(v)) for v in values.broken()):
        return markers
    spoken = [
        c for c in _candidates(values) if (broken := values.checked(**c)) is not None and not broken["broken"].all()
    ]
    best = min(spoken, key=lambda c: len(values.broken(**c)), default=None)
    rest = [] if best is None else values.broken(**best)
    if best and len(rest) < min(values.distinct.height / 2, len(values.broken())):
        example = "" if hidden or not rest else f", such as {rest[0]!r}"
        line, counts = column_line(column.name, column.spec, **best), f"{len(rest):,} of {values.distinct.height:,}"
        return f"{line} reads all but {counts} different values{example}; correct those in the source"
    return _CORRECT


def _entries(values: ColumnValues, changes: dict[str, Any], words: tuple[str, ...]) -> str:
    """Return an entry that reads every value; both entries where a point may be a decimal or a thousands mark."""
    column = values.column
    text = f"{column_line(column.name, column.spec, **changes)}: {FITS}"
    if changes.get("thousands") == (".",):
        decimal = {k: v for k, v in changes.items() if k not in ("decimal", "thousands")} | {"decimal": "."}
        if values.fits(**decimal):
            line = column_line(column.name, column.spec, **decimal)
            text = f"if the point is a decimal mark, {line}; if it separates thousands, {text}"
    others = [w for w in words if _factor(values, w) == 1 and re.fullmatch(rf"(?:{CURRENCY})|%", w) is None]
    if not others:
        return text
    unit = values.contract.unit if values.contract else None
    own = f" and no unit but {unit}" if unit and column.kind != "money" else ""
    return f"{text}, if {' and '.join(map(repr, others))} {'is' if len(others) == 1 else 'are'} no multiple{own}"


def _words(values: ColumnValues) -> tuple[str, ...]:
    """Return the texts that stand around the digits of the values, long ones first."""
    texts = values.distinct[VALUE]
    if texts.dtype != pl.String:
        return ()
    around = {t.strip() for v in texts.head(10_000) if _DIGIT.search(v) for t in _AROUND.findall(v)}
    return tuple(sorted(around, key=lambda t: (-len(t), t)))


def _factor(values: ColumnValues, word: str) -> float:
    unit = (values.contract.unit if values.contract else None) or ""
    word = word.lower()
    return _UNIT_WORDS.get(unit, {}).get(word) or _MULTIPLES.get(word, 1)


def _all_have_words(values: ColumnValues, words: tuple[str, ...]) -> bool:
    return all(any(w in v for w in words) for v in values.distinct[VALUE] if _DIGIT.search(v))


def marks_remedy(rule: str, values: ColumnValues) -> str:
    """Return the remedies for numbers that can be read in two ways: 1.234, or 12%.

    Parameters
    ----------
    rule : str
        A rule of `features.sources.numbers`: AMBIGUOUS or PERCENT.
    values : ColumnValues
        Values of the column.

    Returns
    -------
    str
        Both entries, as far as every such value fits with them; otherwise the one that reads most values.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.sources.numbers import PERCENT
    >>> from features.tables import APPLICATIONS
    >>> column = MappedColumn("annual_rate", "number", ColumnSource(source="rate"), in_contract=True, required=False)
    >>> values = ColumnValues(APPLICATIONS, column, pl.LazyFrame({"rate": ["6%", "7.5%"]}), timezone="UTC")
    >>> print(marks_remedy(PERCENT, values))
    if 12% is 0.12, `annual_rate: {from: rate, factor: 0.01, strip: ["%"]}`
    """
    column, factor = values.column, values.column.spec.factor or 1
    choices: tuple[tuple[str, dict[str, Any]], ...] = ()
    for mark, other, name in ((".", ",", "point"), (",", ".", "comma")):
        if rule != PERCENT and any(mark in str(v) for v in values.broken()):
            thousands = {"decimal": other, "thousands": (mark,)}
            choices += (
                (f"the {name} is a decimal mark", {"decimal": mark}),
                (f"the {name} separates thousands", thousands),
            )
    if rule == PERCENT:
        choices = (
            ("12% is 0.12", {"factor": factor * 0.01, "strip": ("%",)}),
            ("12% is 12", {"strip": ("%",)}),
        )
    marked = values.distinct.filter(pl.col(VALUE).cast(pl.String).str.contains(_TWO_WAYS[rule == PERCENT]))
    lines = []
    for condition, changes in choices:
        checked = values.checked(marked, **changes)  # other values may break other rules
        if checked is not None and not checked[BROKEN].any():
            lines.append(f"if {condition}, {column_line(column.name, column.spec, **changes)}")
    return "; ".join(lines) or number_remedy(values, hidden=True)


def _candidates(values: ColumnValues) -> Iterator[dict[str, Any]]:
    """Yield changes of the column's entry to try, the simplest first; money in decimals is also tried as yuan."""
    column, texts = values.column, values.distinct[VALUE]
    if texts.dtype != pl.String:
        return
    strip = _words(values)
    if len(strip) > MAX_STRIPPED:
        return
    factor = next((f for w in strip if (f := _factor(values, w)) != 1), 1) * (column.spec.factor or 1)
    own = {} if factor == (column.spec.factor or 1) else {"factor": factor}
    scaled = [own, {"factor": 100 * factor}] if column.kind == "money" and column.spec.factor is None else [own]
    for scale in scaled:
        for marks in _MARKS:
            changes = {**({"strip": strip} if strip else {}), **marks, **scale}
            if changes:
                yield changes


def whole_number_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for fractions in a column of whole numbers: the unit of the source, by `factor`.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    hidden : bool
        Do not show values of the source.

    Returns
    -------
    str

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import LEADS
    >>> column = MappedColumn("price", "money", ColumnSource(source="p"), in_contract=True, required=False)
    >>> values = ColumnValues(LEADS, column, pl.LazyFrame({"p": [199_999.5, 150_000.0]}), timezone="UTC")
    >>> print(whole_number_remedy(values, False))
    amounts are whole numbers of fen: if the source has yuan, `price: {from: p, factor: 100}`; if 万元 (ten thousand \
yuan), `price: {from: p, factor: 1000000}`
    """
    column = values.column
    if column.kind == "money":
        choices = [(f, u) for f, u in _FACTORS["fen"] if values.fits(factor=f)]
        if choices:
            return f"amounts are whole numbers of fen: if the source has {_choices(values, choices)}"
        return "amounts are whole numbers of fen: correct the values, or map another source column"
    unit = (values.contract.unit if values.contract else None) or ""
    choices = [(f, u) for f, u in _FACTORS.get(unit, ()) if f > 1 and values.fits(factor=f)]
    rounding = f"{column_line(column.name, column.spec, factor=1)} rounds them"
    if choices:
        return f"if the source has {_choices(values, choices)}; else {rounding}"
    return rounding if values.fits(factor=1) else "correct the values, or map another source column"


def range_remedy(values: ColumnValues, hidden: bool) -> str:
    """Return the remedy for numbers outside the contract's range: a unit that makes all of them fit, or `nulls`.

    Parameters
    ----------
    values : ColumnValues
        Values of the column.
    hidden : bool
        Do not show values of the source.

    Returns
    -------
    str
        With an entry of sources.yaml only if every value is in the range with it.

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources import ColumnSource
    >>> from features.sources.column_mapping import MappedColumn
    >>> from features.tables import APPLICATIONS
    >>> column = MappedColumn("annual_rate", "number", ColumnSource(source="rate"), in_contract=True, required=False)
    >>> values = ColumnValues(APPLICATIONS, column, pl.LazyFrame({"rate": [6.5, 7.2, 0.0]}), timezone="UTC")
    >>> range_remedy(values, False)
    'if the source has percent, `annual_rate: {from: rate, factor: 0.01}`: then every value fits'
    >>> values = ColumnValues(APPLICATIONS, column, pl.LazyFrame({"rate": [6.5, -7.2, 0.0]}), timezone="UTC")
    >>> range_remedy(values, False)
    'correct the values in the source, or map another source column'
    """
    column, unit = values.column, (values.contract.unit if values.contract else None) or ""
    choices = [
        (f * (column.spec.factor or 1), u)
        for f, u in _FACTORS.get(unit, ())
        if values.fits(factor=f * (column.spec.factor or 1))
    ]
    if choices:
        return f"if the source has {_choices(values, choices)}: {FITS}"
    return missing_markers(values, hidden) or _CORRECT


def _choices(values: ColumnValues, choices: list[tuple[float, str]]) -> str:
    column = values.column
    return "; if ".join(f"{unit}, {column_line(column.name, column.spec, factor=factor)}" for factor, unit in choices)

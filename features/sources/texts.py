"""Source values as text: the same for equal values of different types, and the same key however a program wrote it."""

from __future__ import annotations

import polars as pl

_LARGEST_EXACT = 2**53  # a Float64 holds every smaller whole number
_MARKS = [".0", "'", "=", "E+", "e+"]
_WHOLE = r"^-?(0|[1-9]\d*)$"
_DECIMAL = r"^(-?(?:0|[1-9]\d*))\.00+$"
_SCIENTIFIC = r"^(-?[1-9])(?:\.(\d+))?[eE]\+(\d{1,3})$"


def is_text(dtype: pl.DataType) -> bool:
    """Return whether values of a Polars type are compared as text: neither numbers nor booleans.

    Parameters
    ----------
    dtype : pl.DataType
        Such as ``polars.String()``.

    Returns
    -------
    bool

    Examples
    --------
    >>> import polars as pl
    >>> is_text(pl.String()), is_text(pl.Int64())
    (True, False)
    """
    return not (dtype.is_numeric() or dtype == pl.Boolean)


def as_text(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Convert values to text that does not depend on the source's type: 5, 5.0 and "5 " become "5".

    Parameters
    ----------
    raw : pl.Expr
        Source values.
    dtype : pl.DataType
        Their type.

    Returns
    -------
    pl.Expr
        Text without surrounding blanks; null for blank text.

    Examples
    --------
    >>> import polars as pl
    >>> pl.select(as_text(pl.lit(pl.Series([5.0, 2.5])), pl.Float64())).to_series().to_list()
    ['5', '2.5']
    """
    if dtype.is_float():
        whole = raw.is_finite() & (raw == raw.round()) & (raw.abs() < 2**53)
        return pl.when(whole).then(raw.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(raw.cast(pl.String))
    if dtype.is_decimal():
        text = raw.cast(pl.String)
        return text.str.replace(r"\.?0+$", "") if getattr(dtype, "scale", 0) else text
    # Fixed-width database columns are padded, and a blank is no value.
    text = raw.cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text) if is_text(dtype) else text


def as_key(raw: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Convert the values of a key or reference column to text; null where digits of a key are lost.

    Programs write the same key in different ways: `1038.0` (pandas and Excel, where the column has missing values),
    `'1038` and `="1038"` (Excel, to keep the text) and `1.038E+03` are `1038`. Leading zeros stay. A number above 2^53
    that was stored as a float, or one written as `1.23457E+15`, has lost digits: which key it was cannot be known.

    Parameters
    ----------
    raw : pl.Expr
        Source values, as `features.sources.conversion.with_nulls` returns them: text without surrounding blanks.
    dtype : pl.DataType
        Their type.

    Returns
    -------
    pl.Expr
        String.

    Examples
    --------
    >>> import polars as pl
    >>> keys = pl.lit(pl.Series(["1038.0", "'1038", "1.038E+03", "007", "A1.0", "1.23457E+15"]))
    >>> pl.select(as_key(keys, pl.String())).to_series().to_list()
    ['1038', '1038', '1038', '007', 'A1.0', None]
    """
    if dtype.is_float():
        return pl.when(raw.is_null() | (raw.abs() < _LARGEST_EXACT)).then(as_text(raw, dtype))
    if is_text(dtype):
        # A function, because most columns need one comparison only, and expressions would always compute the rest.
        return raw.cast(pl.String).map_batches(_keys, return_dtype=pl.String, is_elementwise=True)
    return as_text(raw, dtype)


def _keys(texts: pl.Series) -> pl.Series:
    may_start_with_a_mark = (texts < "A").any()  # digits, apostrophe and = come before all letters
    if not may_start_with_a_mark:
        return texts
    is_marked = texts.str.contains_any(_MARKS)
    if not is_marked.any():
        return texts
    return pl.select(pl.when(is_marked).then(_unmarked(pl.lit(texts))).otherwise(texts)).to_series()


def _unmarked(texts: pl.Expr) -> pl.Expr:
    text = texts.str.replace(r'^="([^"]+)"$', "$1").str.replace(r"^'([^']+)$", "$1").str.strip_chars()
    whole = text.str.strip_suffix(".0")
    is_float = text.str.ends_with(".0") & whole.str.contains(_WHOLE)
    float_key = pl.when(whole.cast(pl.Int64, strict=False).abs() < _LARGEST_EXACT).then(whole)
    is_scientific = text.str.contains(_SCIENTIFIC)
    decimal_key = text.str.replace(_DECIMAL, "$1")
    return pl.when(is_float).then(float_key).when(is_scientific).then(_scientific_key(text)).otherwise(decimal_key)


def _scientific_key(text: pl.Expr) -> pl.Expr:
    """Return the whole number, null where digits are missing; a number with a fraction stays as it is written."""
    first, decimals, exponent = (text.str.extract(_SCIENTIFIC, i) for i in (1, 2, 3))
    power, decimals = exponent.cast(pl.Int64), decimals.fill_null("")
    is_complete = (decimals.str.len_chars() >= power) & (power <= 15)
    whole = pl.concat_str([first, decimals.str.slice(0, power)])
    has_fraction = decimals.str.slice(power).str.strip_chars("0") != ""
    return pl.when(is_complete & has_fraction).then(text).when(is_complete).then(whole)

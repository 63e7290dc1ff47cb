"""Dates as people write them, in Chinese and English."""

from __future__ import annotations

from datetime import date

import polars as pl

from ml.bilingual import Text

FORMATS = {"zh": "%Y年%-m月%-d日", "en": "%-d %B %Y"}


def date_text(day: date) -> Text:
    """Return a date in both languages.

    >>> from datetime import date
    >>> date_text(date(2024, 3, 5))
    Text(zh='2024年3月5日', en='5 March 2024')
    """
    column = pl.Series([day], dtype=pl.Date).dt
    return Text(zh=column.strftime(FORMATS["zh"])[0], en=column.strftime(FORMATS["en"])[0])


def date_column(column: str, language: str) -> pl.Expr:
    """Return a column of dates as texts, in the language `zh` or `en`; null where the date is null.

    >>> from datetime import date
    >>> pl.DataFrame({"day": [date(2024, 3, 5), None]}).select(date_column("day", "en")).to_series().to_list()
    ['5 March 2024', None]
    """
    return pl.col(column).dt.strftime(FORMATS[language])

"""What the calendar says of a period: its length, working days, public holidays, the moving Spring Festival."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, TypeAlias

import numpy as np
from pydantic import AfterValidator

from features.periods import Frequency, first_day
from ml.domain.arrays import FloatArray, IntArray

COLUMNS = (
    "days",
    "working_share",
    "holiday_share",
    "before_festival",
    "at_festival",
    "after_festival",
    "phase_sine",
    "phase_cosine",
    "month",
)
EPOCH = date(1970, 1, 1)
WINDOWS = ((-24, -4), (-3, 7), (8, 21))  # days from New Year's day: the rush before, the holidays, the lull after


def known_country(code: str) -> str:
    """The code, if the public holidays of that country are known.

    Raises
    ------
    ValueError
        They are not.

    Examples
    --------
    >>> known_country("CN")
    'CN'
    """
    import holidays

    try:
        holidays.country_holidays(code)
    except NotImplementedError:
        raise ValueError("no such country: give an ISO 3166 code such as CN, or null for no holidays") from None
    return code


Country: TypeAlias = Annotated[str, AfterValidator(known_country)]


def calendar(periods: IntArray, frequency: Frequency, *, country: str | None = "CN") -> FloatArray:
    """Describe periods.

    Parameters
    ----------
    periods : ndarray of int64
        Numbers of periods.
    country : str or None
        Whose public holidays count, as ISO 3166; the festival is that of the Chinese calendar. None for neither.

    Returns
    -------
    ndarray of shape (n_periods, 9)
        See `COLUMNS`: days, then shares of them, then where in the year the period lies, then its calendar month.

    Raises
    ------
    NotImplementedError
        No such country; see `known_country`.

    Examples
    --------
    In 2026 the Spring Festival is on 17 February: most of the rush before it falls into January.

    >>> found = calendar(np.array([672, 673]), "month")[:, 3:5]
    >>> found.round(2).tolist()
    [[0.26, 0.0], [0.46, 0.39]]
    """
    return np.array([_described(int(p), frequency, country) for p in periods]).reshape(len(periods), len(COLUMNS))


@lru_cache(maxsize=20_000)
def _described(period: int, frequency: Frequency, country: str | None) -> tuple[float, ...]:
    begin, end = (EPOCH + timedelta(days=int(d)) for d in first_day([period, period + 1], frequency))
    days = [begin + timedelta(days=d) for d in range((end - begin).days)]
    middle = days[len(days) // 2]
    angle = 2 * np.pi * (middle.timetuple().tm_yday - 1) / 365.25
    off: frozenset[date] = frozenset()
    festivals: tuple[date, ...] = ()
    if country is not None:
        years = {d.year for d in days}
        off = frozenset().union(*(_holidays(country, y) for y in years))
        festivals = tuple(f for y in range(begin.year - 1, end.year + 2) if (f := _festival(y)) is not None)
    n = len(days)
    working = sum(d.weekday() < 5 and d not in off for d in days) / n
    near = [min(((d - f).days for f in festivals), key=abs, default=200) for d in days]
    shares = [sum(low <= x <= high for x in near) / n for low, high in WINDOWS]
    return (
        float(n),
        working,
        sum(d in off for d in days) / n,
        *shares,
        float(np.sin(angle)),
        float(np.cos(angle)),
        float(middle.month),
    )


@lru_cache(maxsize=500)
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=year))


@lru_cache(maxsize=500)
def _festival(year: int) -> date | None:
    """First day of the Chinese year."""
    from holidays.calendars.chinese import _ChineseLunisolar

    return _ChineseLunisolar().lunar_new_year_date(year)[0]

"""Calendar features of a period: length, working days, public holidays, the moving Spring Festival."""

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
WINDOWS = ((-24, -4), (-3, 7), (8, 21))  # days from Chinese New Year: buying rush, holidays, slow weeks after


def valid_country(code: str) -> str:
    """Return the ISO 3166 country code, unchanged, if the `holidays` package has its public holidays.

    Raises
    ------
    ValueError
        The package has no such country.

    Examples
    --------
    >>> valid_country("CN")
    'CN'
    """
    import holidays

    try:
        holidays.country_holidays(code)
    except NotImplementedError:
        raise ValueError("no such country: give an ISO 3166 code such as CN, or null for no holidays") from None
    return code


Country: TypeAlias = Annotated[str, AfterValidator(valid_country)]


def calendar(periods: IntArray, frequency: Frequency, *, country: str | None = "CN") -> FloatArray:
    """Return the calendar features of periods.

    Parameters
    ----------
    periods : ndarray of int64, shape (n_periods,)
        Period numbers since 1970, as returned by `features.periods.period_of_day`.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    country : str or None
        ISO 3166 code of the country whose public holidays are used; None for no holidays and no Spring Festival.

    Returns
    -------
    ndarray of shape (n_periods, 9)
        One row per period, columns `COLUMNS`: days; shares of the days, 0 to 1, that are working days, public holidays,
        before, at and after the Spring Festival; sine and cosine of the position in the year; month (1 to 12).

    Raises
    ------
    NotImplementedError
        The `holidays` package has no such country.

    Examples
    --------
    In 2026 Chinese New Year is on 17 February: the days before it lie in January and in February.

    >>> import numpy as np
    >>> calendar(np.array([672, 673]), "month")[:, 3:5].round(2).tolist()
    [[0.26, 0.0], [0.46, 0.39]]
    """
    return np.array([_period_features(int(p), frequency, country) for p in periods]).reshape(len(periods), len(COLUMNS))


@lru_cache(maxsize=20_000)
def _period_features(period: int, frequency: Frequency, country: str | None) -> tuple[float, ...]:
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
    """Return Chinese New Year's day."""
    from holidays.calendars.chinese import _ChineseLunisolar

    return _ChineseLunisolar().lunar_new_year_date(year)[0]

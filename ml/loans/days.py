"""Days of a request: year-month-day in JSON."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

_LAST_YEAR = 2200  # of a disbursement in `ml.domain.loans.calendar`


def calendar_day(value: Any) -> date:
    """Return a day that is a date or a text such as "2026-09-01".

    Parameters
    ----------
    value : date or str
        A day up to the year 2200.

    Raises
    ------
    PydanticCustomError
        It is no day, or a later one. A number is none, although pydantic reads it as seconds since 1970.

    Examples
    --------
    >>> calendar_day("2026-09-01")
    datetime.date(2026, 9, 1)
    >>> calendar_day(20260901)
    Traceback (most recent call last):
    pydantic_core._pydantic_core.PydanticCustomError: must be a day as year-month-day, such as 2026-09-01
    """
    try:
        day = value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise PydanticCustomError("day", "must be a day as year-month-day, such as 2026-09-01") from None
    if day.year > _LAST_YEAR:
        raise PydanticCustomError("day", "must be in or before {year}: correct the year", {"year": _LAST_YEAR})
    return day


Day = Annotated[date, Field(strict=False), BeforeValidator(calendar_day)]
"""A day of a request, up to the year 2200."""

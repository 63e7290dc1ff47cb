"""Rules of `configs/sales_desk.yaml`: opening hours and capacity of the sales desk."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from features.errors import FeatureError
from features.yaml_config import Section, load_yaml
from ml.domain.leads.opening_hours import OpeningHours
from ml.signature import RequestPart

RULES = "sales_desk.yaml"
DEFAULT = "if left out, that of sales_desk.yaml"
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = r"(([01]\d|2[0-3]):[0-5]\d|24:00)"


def _clock_time(value: str) -> str:
    if re.fullmatch(CLOCK, value) is None:
        raise ValueError(f"must be a time from 00:00 to 24:00 with two digits each, such as 09:00, got '{value}'")
    return value


def _open_days(value: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
    if not value:
        raise ValueError(
            "must name at least one open day, such as mon, got none; to plan no calls, set calls_per_hour: 0"
        )
    return value


CLOCK_SCHEMA: dict[str, Any] = {"type": "string", "pattern": f"^{CLOCK}$", "examples": ["09:00"]}
Clock = Annotated[str, AfterValidator(_clock_time), WithJsonSchema(CLOCK_SCHEMA)]
Break = Annotated[tuple[Clock, Clock], Field(strict=False)]
Weekdays = Annotated[tuple[Weekday, ...], Field(strict=False), AfterValidator(_open_days)]
Holidays = Annotated[tuple[Annotated[date, Field(strict=False)], ...], Field(max_length=1_000, strict=False)]
CallsPerHour = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
CallsPerDay = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]


def _zone_name(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"must be the IANA name of a time zone, such as Asia/Shanghai, got '{value}'") from None
    return value


Zone = Annotated[str, AfterValidator(_zone_name)]


class DeskRules(Section):
    """Opening hours and capacity of the desk; ``DeskRules()`` has the defaults, `load_desk_rules` reads a file.

    Attributes
    ----------
    timezone : str
        IANA name of the time zone of all times.
    open, close : str
        Opening and closing, `HH:MM` from 00:00 to 24:00.
    lunch : tuple of (str, str) or None
        Begin and end of a break without calls, inside the opening hours.
    weekdays : tuple of str
        Open days of the week: mon, tue, wed, thu, fri, sat, sun.
    holidays : tuple of date
        Closed days.
    calls_per_hour : float
        Calls per hour of the whole desk, not below 0.
    capacity_per_day : float or None
        Most calls of a day, not below 0; None: `capacity_per_day` of the model's configuration, which its grades are
        sized to, or no limit if it has none.

    Examples
    --------
    >>> DeskRules(open="10:00").close
    '18:00'
    >>> DeskRules(open="19:00")
    Traceback (most recent call last):
        ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for DeskRules
      Value error, open must be before close, got 19:00 and 18:00; ...
    """

    timezone: Zone = "Asia/Shanghai"
    open: Clock = "09:00"
    close: Clock = "18:00"
    lunch: Break | None = None
    weekdays: Weekdays = WEEKDAYS
    holidays: Holidays = ()
    calls_per_hour: CallsPerHour = 6
    capacity_per_day: CallsPerDay | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        text = order_problem(self.open, self.close, self.lunch)
        if text:
            raise ValueError(text)
        return self

    @property
    def hours(self) -> OpeningHours:
        """Return the opening hours with times in minutes after midnight."""
        lunch = None if self.lunch is None else (_minute(self.lunch[0]), _minute(self.lunch[1]))
        return OpeningHours(
            open_minute=_minute(self.open),
            close_minute=_minute(self.close),
            lunch=lunch,
            weekdays=frozenset(WEEKDAYS.index(day) for day in self.weekdays),
            holidays=frozenset(self.holidays),
            zone=ZoneInfo(self.timezone),
        )

    def replaced(self, changes: DeskChanges) -> DeskRules:
        """Return the rules with the values of a request.

        Raises
        ------
        FeatureError
            The clock times are not in order.

        Examples
        --------
        >>> DeskRules().replaced(DeskChanges(calls_per_hour=12.0)).calls_per_hour
        12.0
        """
        values = {n: getattr(changes, n) for n in changes.model_fields_set if n in DeskRules.model_fields}
        rules = self.model_copy(update=values)
        text = order_problem(rules.open, rules.close, rules.lunch)
        if text:
            name, _, rule = text.partition(" ")
            raise FeatureError(name, rule)
        return rules


class DeskChanges(RequestPart):
    """Values of a request that replace those of `configs/sales_desk.yaml`; a key that is left out changes nothing.

    >>> DeskChanges(open="10:00").model_fields_set
    {'open'}
    """

    timezone: Zone = Field("Asia/Shanghai", description=f"IANA name of the time zone of the desk; {DEFAULT}")
    open: Clock = Field("09:00", description=f"opening, HH:MM; {DEFAULT}")
    close: Clock = Field("18:00", description=f"closing, HH:MM; {DEFAULT}")
    lunch: Break | None = Field(None, description=f"begin and end of a break without calls, or null; {DEFAULT}")
    weekdays: Weekdays = Field(WEEKDAYS, description=f"open days of the week; {DEFAULT}")
    holidays: Holidays = Field((), description=f"closed days; {DEFAULT}")
    calls_per_hour: CallsPerHour = Field(6, description=f"calls per hour of the whole desk; {DEFAULT}")
    capacity_per_day: CallsPerDay | None = Field(
        None, description=f"most calls of a day; null: capacity_per_day of the model's configuration; {DEFAULT}"
    )


def order_problem(open: str, close: str, lunch: tuple[str, str] | None) -> str:
    """Return what is wrong with the order of clock times, with a remedy; the empty text if they are in order.

    >>> order_problem("09:00", "18:00", ("12:00", "13:00"))
    ''
    >>> order_problem("09:00", "18:00", ("08:00", "13:00"))
    'lunch must be inside the opening hours 09:00 to 18:00 and end after it begins, got 08:00 to 13:00; correct lunch'
    """
    if _minute(open) >= _minute(close):
        return f"open must be before close, got {open} and {close}; a desk that works past midnight closes at 24:00"
    if lunch is not None and not _minute(open) < _minute(lunch[0]) < _minute(lunch[1]) < _minute(close):
        return (
            f"lunch must be inside the opening hours {open} to {close} and end after it begins, "
            f"got {lunch[0]} to {lunch[1]}; correct lunch"
        )
    return ""


def _minute(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def load_desk_rules(path: Path) -> DeskRules:
    """Return the rules of a YAML file such as `configs/sales_desk.yaml`; absent keys take the defaults.

    Raises
    ------
    ConfigError
        The file cannot be read, or a key or value is invalid; the message names file, key, rule and value.

    Examples
    --------
    >>> from pathlib import Path
    >>> load_desk_rules(Path("configs/sales_desk.yaml")).open
    '09:00'
    """
    return load_yaml(path, DeskRules)

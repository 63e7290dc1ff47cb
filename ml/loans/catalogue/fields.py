"""Field types of the lending files: amounts (yuan in YAML, fen in Python), shares, days, and dated rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from features.errors import DataError
from features.yaml_config import Section
from ml.domain.loans.rounding import MAX_AMOUNT, millionths


def _fen(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be an amount in yuan, got {value!r}")
    amount = Decimal(str(value))
    if not amount.is_finite() or amount * 100 != int(amount * 100):
        raise ValueError(f"must be an amount in yuan with at most two decimals, got {value}")
    fen = int(amount * 100)
    if not 0 <= fen <= MAX_AMOUNT:
        raise ValueError(f"must be from 0 to {MAX_AMOUNT // 100} yuan, got {value}")
    return fen


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a fraction from 0 to 1, got {value!r}")
    millionths(float(value), "the fraction")
    return float(value)


def _whole(value: Any) -> Any:
    if isinstance(value, bool):  # pydantic reads true as 1
        raise ValueError("must be a whole number")
    return value


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):  # pydantic reads a number as seconds since 1970
        raise ValueError("must be a day of the calendar as year-month-day; such as 2026-01-31") from None


def _distinct_terms(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    rates = handler(value)
    if len(rates) < len(value):  # YAML has 36 and "36" as two keys
        raise ValueError("a term has two rates, one of them in quotes; remove one")
    return rates


def _above_zero(value: float) -> float:
    if not value > 0:
        raise ValueError("must be above 0; enter a positive value")
    return value


def _limit_above_zero(value: int) -> int:
    if not value > 0:
        raise ValueError("must be above 0; enter a positive amount, or leave the key out for no limit")
    return value


def _below_one(value: float) -> float:
    if not value < 1:
        raise ValueError("must be below 1; a share of 0.01 is 1 %")
    return value


Yuan = Annotated[int, BeforeValidator(_fen)]
"""An amount: yuan in YAML, fen in Python."""

Money = Annotated[int, PlainSerializer(lambda fen: fen / 100, return_type=float, when_used="json")]
"""An amount: fen in Python, yuan in JSON."""

Share = Annotated[float, BeforeValidator(_share)]
"""A fraction from 0 to 1 with at most six decimals."""


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number; `true` is none."""

Day = Annotated[date, BeforeValidator(_day)]
"""A day as year-month-day, such as 2026-01-31."""

PositiveShare = Annotated[Share, AfterValidator(_above_zero)]
"""A fraction above 0, up to 1."""

ShareBelowOne = Annotated[Share, AfterValidator(_below_one)]
"""A fraction from 0 to below 1."""

PositiveYuan = Annotated[Yuan, AfterValidator(_above_zero)]
"""An amount above 0: yuan in YAML, fen in Python."""

YuanLimit = Annotated[Yuan, AfterValidator(_limit_above_zero)]
"""An upper limit above 0: yuan in YAML, fen in Python."""


RatesByTerm = Annotated[dict[Annotated[Whole, Field(ge=1, le=120)], Share], WrapValidator(_distinct_terms)]
"""Contract rate by term in months."""


class Dated(Section):
    """A rule with a period of validity.

    Attributes
    ----------
    valid_from : date
        First day.
    valid_until : date, optional
        Last day; by default the day before the next rule begins, or no end.
    """

    valid_from: Day
    valid_until: Day | None = None


Rule = TypeVar("Rule", bound=Dated)


def check_sequence(rules: Sequence[Rule]) -> Sequence[Rule]:
    """Return the rules unchanged if they are in order of `valid_from`, without gaps and overlaps.

    Parameters
    ----------
    rules : sequence of Dated
        Rules with `valid_from` and `valid_until` (dates, both in force; `valid_until` None for no end).

    Raises
    ------
    ValueError
        There is no rule, or two rules overlap or leave a gap; the message gives their positions.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.loans.catalogue.fields import Dated
    >>> check_sequence([Dated(valid_from=date(2018, 1, 1)), Dated(valid_from=date(2018, 1, 1))])
    Traceback (most recent call last):
    ValueError: [1].valid_from 2018-01-01 overlaps [0], valid from 2018-01-01: order the rules ...
    """
    if not rules:
        raise ValueError("there is no rule: add at least one")
    for i, rule in enumerate(rules):
        if rule.valid_until is not None and rule.valid_until < rule.valid_from:
            raise ValueError(f"[{i}].valid_until {rule.valid_until} is before its valid_from {rule.valid_from}")
    for i in range(1, len(rules)):
        before, after = rules[i - 1], rules[i]
        if after.valid_from <= before.valid_from:
            raise ValueError(
                f"[{i}].valid_from {after.valid_from} overlaps [{i - 1}], valid from {before.valid_from}: "
                "order the rules by valid_from"
            )
        if before.valid_until is None:
            continue
        if after.valid_from <= before.valid_until:
            raise ValueError(
                f"[{i}].valid_from {after.valid_from} overlaps [{i - 1}], valid until {before.valid_until}"
            )
        if after.valid_from > before.valid_until + timedelta(days=1):
            raise ValueError(
                f"gap between [{i - 1}].valid_until {before.valid_until} and [{i}].valid_from {after.valid_from}"
            )
    return rules


def rule_on(rules: Sequence[Rule], on: date) -> Rule | None:
    """Return the rule in force on a day, or None if there is none.

    Parameters
    ----------
    rules : sequence of Dated
        In order of `valid_from`, without gaps and overlaps, such as a field of `ml.loans.catalogue.rules.LendingRules`.
    on : date
        Day of the application.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.loans.catalogue.fields import Dated
    >>> rules = [Dated(valid_from=date(2018, 1, 1)), Dated(valid_from=date(2020, 1, 1))]
    >>> rule_on(rules, date(2019, 6, 1)).valid_from.year, rule_on(rules, date(2017, 6, 1))
    (2018, None)
    """
    return next(
        (r for r in reversed(rules) if r.valid_from <= on and (r.valid_until is None or on <= r.valid_until)), None
    )


def during(rules: Sequence[Rule], other: Dated) -> list[Rule]:
    """Return the rules that are in force on at least one day of another rule's validity.

    Parameters
    ----------
    rules : sequence of Dated
        In order of `valid_from`, without gaps and overlaps, such as a field of `ml.loans.catalogue.rules.LendingRules`.
    other : Dated
        Any rule with a period of validity.

    Returns
    -------
    list of Dated
        Elements of `rules`, in order of `valid_from`.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.loans.catalogue.fields import Dated
    >>> year = [Dated(valid_from=date(y, 1, 1)) for y in (2018, 2019, 2020)]
    >>> [r.valid_from.year for r in during(year, Dated(valid_from=date(2018, 5, 1), valid_until=date(2019, 1, 1)))]
    [2018, 2019]
    """
    ends = [r.valid_until or (n.valid_from - timedelta(days=1)) for r, n in pairwise(rules)]
    ends.append(rules[-1].valid_until or date.max)
    last = other.valid_until or date.max
    return [r for r, end in zip(rules, ends, strict=True) if r.valid_from <= last and end >= other.valid_from]


def days_of_change(span: Dated, *sequences: Sequence[Dated]) -> list[date]:
    """Return the first day of a period, and the days within it on which a rule begins or has ended.

    Between two neighbouring days no rule changes, so a check on these days covers the whole period.

    Parameters
    ----------
    span : Dated
        Any rule with a period of validity, such as a rate grid.
    *sequences : sequence of Dated
        Rules, each sequence in order of `valid_from`.

    Returns
    -------
    list of date
        Ascending, without repetition.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.loans.catalogue.fields import Dated
    >>> rules = [Dated(valid_from=date(2018, 1, 1)), Dated(valid_from=date(2020, 1, 1))]
    >>> [str(day) for day in days_of_change(Dated(valid_from=date(2019, 5, 1)), rules)]
    ['2019-05-01', '2020-01-01']
    """
    days = {span.valid_from}
    for rule in (rule for rules in sequences for rule in rules):
        days.add(rule.valid_from)
        if rule.valid_until is not None and rule.valid_until < date.max:
            days.add(rule.valid_until + timedelta(days=1))
    last = span.valid_until or date.max
    return sorted(day for day in days if span.valid_from <= day <= last)


def in_force(rules: Sequence[Rule], on: date, *, name: str) -> Rule:
    """Return the rule in force on a day.

    Parameters
    ----------
    rules : sequence of Dated
        In order of `valid_from`, without gaps and overlaps, such as a field of `ml.loans.catalogue.rules.LendingRules`.
    on : date
        Day of the application.
    name : str
        Name of the rules, for the error message.

    Returns
    -------
    Dated
        The element of `rules`, such as a `LoanToValue` or a `Risk` of `ml.loans.catalogue.limits`.

    Raises
    ------
    DataError
        The day is before the first rule or after the last rule. The message contains `name`.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.loans.catalogue.fields import Dated
    >>> in_force([Dated(valid_from=date(2018, 1, 1))], date(2017, 6, 1), name="loan_to_value")
    Traceback (most recent call last):
    features.errors.DataError: the date 2017-06-01 is before the first rule of loan_to_value, valid from 2018-01-01: ...
    """
    rule = rule_on(rules, on)
    if rule is not None:
        return rule
    if on < rules[0].valid_from:
        when = f"before the first rule of {name}, valid from {rules[0].valid_from}"
    else:
        when = f"after the last rule of {name}, valid until {rules[-1].valid_until}"
    raise DataError(f"the date {on} is {when}: correct the date, or add the rule to the lending files")

"""Notes on rules whose dates matter for an application: what has ended, ends soon or has not begun."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from ml.bilingual import Text
from ml.loans.catalogue.fields import rule_on
from ml.loans.catalogue.limits import StateSubsidy

NOTICE = timedelta(days=61)  # before the last subsidised due date


def subsidy_notes(programmes: Sequence[StateSubsidy], on: date) -> list[Text]:
    """Return notes on the state's interest subsidy for an application of a day; empty while it runs as usual.

    Parameters
    ----------
    programmes : sequence of StateSubsidy
        In order of `valid_from`, without gaps and overlaps; at least one.
    on : date
        Day of the application.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.loans.catalogue.limits import StateSubsidy
    >>> programme = StateSubsidy(
    ...     valid_from="2026-01-01", valid_until="2026-12-31", rate=0.01, share_of_rate=0.5, per_year=3000,
    ...     subsidy_until="2026-12-31",
    ... )
    >>> for day in (date(2025, 12, 1), date(2026, 9, 1), date(2026, 11, 30), date(2027, 1, 1)):
    ...     print(day, [note.en for note in subsidy_notes([programme], day)])
    2025-12-01 ["the state's interest subsidy begins on 2026-01-01; these amounts contain none"]
    2026-09-01 []
    2026-11-30 ["the state's interest subsidy covers instalments due until 2026-12-31; it does not cover later ones"]
    2027-01-01 ["the state's interest subsidy ended on 2026-12-31; these amounts contain none"]
    """
    programme = rule_on(programmes, on)
    if programme is not None:
        last = programme.subsidy_until
        if last - on > NOTICE:
            return []
        if (on.year, on.month) >= (last.year, last.month):  # first instalments are due in the month after
            zh = f"今日放款的贷款，首期还款在{_zh(last)}个人消费贷款财政贴息结束之后，各项金额均不含财政贴息"
            begin = f"the first instalment is due after {last}, when the state's interest subsidy ends"
            return [Text(zh=zh, en=f"{begin}; these amounts contain none")]
        zh = f"个人消费贷款财政贴息只覆盖{_zh(last)}及以前到期的各期，之后各期不再贴息"
        en = f"the state's interest subsidy covers instalments due until {last}; it does not cover later ones"
        return [Text(zh=zh, en=en)]
    first = programmes[0].valid_from
    if on < first:
        zh = f"个人消费贷款财政贴息自{_zh(first)}起实施，各项金额均不含财政贴息"
        return [Text(zh=zh, en=f"the state's interest subsidy begins on {first}; these amounts contain none")]
    end = programmes[-1].valid_until or on
    zh = f"个人消费贷款财政贴息已于{_zh(end)}结束，各项金额均不含财政贴息"
    return [Text(zh=zh, en=f"the state's interest subsidy ended on {end}; these amounts contain none")]


def _zh(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"

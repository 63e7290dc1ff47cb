"""Notes on the state's interest subsidy by the day of the application."""

from __future__ import annotations

from datetime import date

import pytest

from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.notes import subsidy_notes
from ml.loans.endpoints import EXAMPLE_LOAN
from ml.loans.schedule_endpoint import ScheduleRequest, answer_schedule


@pytest.mark.parametrize(
    ("on", "zh", "en"),
    [
        (date(2025, 8, 31), "自2025年9月1日起实施", "begins on 2025-09-01; these amounts contain none"),
        (date(2025, 9, 1), None, None),
        (date(2025, 12, 31), None, None),  # the first programme pays until 2026-08-31, and the next one follows
        (date(2026, 10, 30), None, None),  # 62 days before the last subsidised due date
        (date(2026, 10, 31), "只覆盖2026年12月31日及以前到期的各期", "covers instalments due until 2026-12-31"),
        (date(2026, 11, 30), "只覆盖2026年12月31日及以前到期的各期", "covers instalments due until 2026-12-31"),
        (date(2026, 12, 1), "各项金额均不含财政贴息", "the first instalment is due after 2026-12-31"),
        (date(2026, 12, 31), "各项金额均不含财政贴息", "the first instalment is due after 2026-12-31"),
        (date(2027, 1, 1), "已于2026年12月31日结束", "ended on 2026-12-31; these amounts contain none"),
    ],
)
def test_notes_by_day(lending: Lending, on: date, zh: str | None, en: str | None) -> None:
    notes = lending.rules.notes_on(on)
    assert notes == subsidy_notes(lending.rules.state_subsidy, on)
    assert [bool(zh) and zh in note.zh for note in notes] == ([True] if zh else [])
    assert [bool(en) and en in note.en for note in notes] == ([True] if en else [])


def test_a_schedule_of_2027_has_no_subsidy_and_says_so(lending: Lending) -> None:
    def answer(**changes: object) -> tuple[list[str], list[str]]:
        schedule = answer_schedule(lending, ScheduleRequest.model_validate({**EXAMPLE_LOAN, **changes}))
        return list(schedule.subsidies), [note.en for note in schedule.notes]

    assert answer() == (["state"], [])
    payers, notes = answer(on="2027-03-01")
    assert payers == [] and len(notes) == 1 and "ended on 2026-12-31" in notes[0]
    assert answer(on="2027-03-01", private_use=False) == ([], [])  # never had one

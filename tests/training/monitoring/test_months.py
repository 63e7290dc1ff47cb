"""Which months are complete and lie after the training."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from training.monitoring.months import month_begin, month_name, month_numbers, new_months


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def months(rows: list[str], trained: str, now: str) -> tuple[str, str, int]:
    result = new_months(np.array([at(r) for r in rows]), trained_until=at(trained), as_of=at(now), timezone="UTC")
    return month_name(result.first), month_name(result.last), len(result.notes)


DAILY = [f"2025-{m:02d}-{d:02d}" for m in (1, 2, 3) for d in range(1, 29)] * 10


@pytest.mark.parametrize(
    ("rows", "trained", "now", "expected"),
    [
        (DAILY, "2025-01-10", "2025-05-01", ("2025-02", "2025-02", 1)),  # March ends on day 28 of 31
        ([*DAILY, "2025-03-30"], "2025-01-10", "2025-05-01", ("2025-02", "2025-03", 0)),
        ([*DAILY, "2025-03-30"], "2025-01-10", "2025-03-31", ("2025-02", "2025-02", 0)),  # March is not over
        ([f"2025-{m:02d}-01" for m in range(1, 7)], "2025-02-01", "2025-07-01", ("2025-03", "2025-06", 0)),
        (["2025-01-20", "2025-03-05", "2025-05-20"], "2025-01-20", "2025-07-01", ("2025-02", "2025-05", 0)),  # rare
    ],
)
def test_complete_months(rows: list[str], trained: str, now: str, expected: tuple[str, str, int]) -> None:
    assert months(rows, trained, now) == expected


def test_months_are_local() -> None:
    instant = at("2025-01-31T18:00")
    assert [month_name(int(month_numbers([instant], timezone=z)[0])) for z in ("UTC", "Asia/Shanghai")] == [
        "2025-01",
        "2025-02",
    ]
    assert month_begin(int(month_numbers([instant], timezone="UTC")[0]), timezone="UTC") == at("2025-01-01")

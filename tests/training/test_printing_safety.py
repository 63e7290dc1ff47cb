"""What the terminal shows of dangerous reports."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from training.printing_safety import print_safety, print_safety_reports
from training.runs.safety import LISTED

ROW = {
    "id": 7, "state": "new", "kind": "fire", "words": "smoke", "reported_on": date(2024, 5, 6), "km": 12_345.6,
    "vehicle_id": "V1",
}  # fmt: skip


def run(*rows: dict[str, object]) -> SimpleNamespace:
    reports = pl.DataFrame(rows, schema=LISTED)
    return SimpleNamespace(
        reports=reports,
        new=1,
        since=date(2024, 5, 1),
        notes=(),
        file=Path("a.safety.csv"),
        document=Path("a.safety.md"),
    )


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.replace("┃", "│").split())


def test_the_latest_reports_and_how_many_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_safety(run(*[ROW] * 11, {**ROW, "reported_on": date(2024, 4, 30)}), {"fire": "fire or smoke"})
    text = shown(capsys)
    assert text.count("7 │ new │ fire or smoke │ smoke │ 2024-05-06 │ unknown │ unknown │ 12,346 │ │ V1") == 10
    assert (
        "12 reports of dangerous faults, the latest 10 above: 1 listed for the first time; 1 from before 2024-05-01 "
        "that nobody has reported or closed. They wait for no statistic" in text
    )


def test_no_report_says_since_when(capsys: pytest.CaptureFixture[str]) -> None:
    print_safety(run(), {})
    assert shown(capsys) == "no report of a dangerous fault since 2024-05-01, and none open"


def test_a_kind_without_a_title_is_printed_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    print_safety_reports(pl.DataFrame([ROW], schema=LISTED), {})
    assert "│ fire │ smoke" in shown(capsys)

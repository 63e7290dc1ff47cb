"""The list of services due on a terminal, and its check."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import polars as pl
import pytest
from rich.console import Console

from ml.fault_rate.service_check import ServiceCheck
from training.printing_services import check_text, print_service_due

ROW = {
    "place": 1, "vehicle_id": "V1", "model": "A", "last_service_on": None, "due_on": date(2024, 5, 6),
    "due_low": date(2024, 4, 6), "due_high": date(2024, 6, 6), "due_is_fixed": False, "due_by": "km",
    "visit_probability": 0.74, "visit_on": date(2024, 5, 20), "visit_low": date(2024, 5, 3),
    "visit_high": date(2024, 6, 9), "expected_revenue_yuan": 1_234.5, "reason_en": "Due about 6 May 2024.",
}  # fmt: skip


def printed(monkeypatch: pytest.MonkeyPatch, due: pl.DataFrame, **changes: object) -> str:
    console = Console(highlight=False, width=240, record=True)
    monkeypatch.setattr("training.printing_services.out", console)
    monkeypatch.setattr("training.printing.err", console)
    services = SimpleNamespace(vehicles=pl.DataFrame({"v": [1, 2, 3]}), notes=["no distances"], visit_days=28)
    run = {"due": due, "due_vehicles": due.height, "services": services, "check": None}
    print_service_due(SimpleNamespace(**run | {"at": datetime(2024, 5, 1, tzinfo=UTC)} | changes))
    return " ".join(console.export_text().split())


def test_the_list_with_its_places_and_probabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = {**ROW, "place": 2, "vehicle_id": "V2", "last_service_on": date(2023, 5, 6), "due_is_fixed": True}
    text = printed(monkeypatch, pl.DataFrame([ROW, fixed]))
    assert "1 │ V1 │ A │ no record │ 2024-05-06 │ km │ 74% │ 2024-05-20 │ 1,234" in text
    assert "2024-04-06 .. 2024-06-06" in text and "2024-05-03 .. 2024-06-09" in text
    assert "2 │ V2 │ A │ 2023-05-06 │ 2024-05-06" in text and "certain" in text
    assert "V1: Due about 6 May 2024." in text
    assert "2 of 3 vehicles in service on 1 May 2024 fall due or are overdue; 1 of them are expected to visit" in text
    assert text.endswith("within 28 days note: no distances")


def test_the_likeliest_alone_and_without_revenue(monkeypatch: pytest.MonkeyPatch) -> None:
    row = pl.DataFrame([ROW | {"expected_revenue_yuan": None}])
    checked = ServiceCheck(90, 28, 9.6, 11, 0, None, 0, None, None, None)
    text = printed(monkeypatch, row, due_vehicles=2, check=checked)
    assert "overdue, the 1 likeliest listed; 1 of them" in text and "revenue" not in text
    assert "checked as of 90 days before: 10 visits expected within 28 days, 11 came note:" in text
    assert "(yuan)" not in text and check_text(checked).endswith("11 came")

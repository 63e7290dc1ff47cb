"""Tables and lines printed on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from ml.customer_value import CustomerValue, HoldoutError
from tests.ml.report.small_report import small_report
from training import printing
from training.runs.customer_value import CustomerValuation

Printed = Callable[..., str]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Call a function of the module and return its output on both streams, with single spaces."""

    def call(function: Callable[..., None], *arguments: Any) -> str:
        console = Console(highlight=False, markup=printing.out._markup, width=140, record=True)
        monkeypatch.setattr(printing, "out", console)
        monkeypatch.setattr(printing, "err", console)
        function(*arguments)
        return " ".join(console.export_text().split())

    return call


def test_a_report_and_its_notes(printed: Printed) -> None:
    text = printed(printing.print_report, small_report())
    assert (
        text.startswith("credit_risk: in time order")
        and "curve (AUC) │ 0.7500 │ 0.7000 – 0.8000 │ 0.5000 │ higher is better" in text
    )
    assert text.endswith("note: prices are old")


def test_square_brackets_in_notes_names_and_values_are_no_markup(printed: Printed) -> None:
    assert printed(printing.print_notes, ["dealer [bold]A[/bold] [x] [/]"]) == "note: dealer [bold]A[/bold] [x] [/]"
    leak = {"column": "[red]", "verdict": "leak", "acknowledged": False, "evidence": [{"text": "as in [/x]"}]}
    assert "[red] │ leak │ as in [/x]" in printed(printing.print_leaks, [leak])
    assert printed(lambda: printing.out.print("written to /data/[a]/b")) == "written to /data/[a]/b"


def test_versions_side_by_side_mark_the_champion(printed: Printed) -> None:
    at = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
    row = {"version": 1, "created": at, "champion": False, "metrics": {"roc_auc": 0.7}}
    other = {
        **row,
        "version": 2,
        "champion": True,
        "estimator": "boosted",
        "data_fingerprint": "0123456789",
        "metrics": {},
    }
    text = printed(printing.print_versions, [row, other], ["roc_auc"])
    assert "1 │ 2024-05-06 07:08 │ │ │ 0.7000" in text
    assert "2 * │ 2024-05-06 07:08 │ boosted │ 01234567 │ nan" in text


def test_a_check_prints_tables_parts_features_and_leaks(printed: Printed) -> None:
    leak = {"column": "paid", "verdict": "leak", "acknowledged": False, "evidence": [{"text": "filled in late"}]}
    rule = {"rows": 200, "title": "price: not between 0 and 9", "example": "-1", "remedy": "correct it"}
    table = {"read": 1_200, "valid": 1_000, "quarantined": 200, "notes": ["taken by its name: price"]}
    content = {
        "tables": {"leads": table | {"rules": {"price: not between 0 and 9": rule}}},
        "key_matches": [
            {
                "table": "leads",
                "column": "customer_id",
                "other_table": "customers",
                "rows": 1_000,
                "unmatched_rows": 250,
                "unmatched_keys": 200,
                "quarantined_rows": 9,
                "filtered_rows": 8,
                "examples": ["C1", "[red]"],
            }
        ],
        "examples": {"train": {"rows": 600, "positive": 60}},
        "numeric": ["price", "age"],
        "categorical": ["city"],
        "leaks": [leak, {**leak, "column": "closed", "acknowledged": True}],
        "notes": ["few rows"],
    }
    text = printed(printing.print_checked, content)
    assert "leads │ 1,200 │ 1,000 │ 200 │" in text and "leads: taken by its name: price" in text
    assert "leads: price: not between 0 and 9 in 200 rows, for example -1; correct it" in text
    assert "leads.customer_id │ customers │ 750 │ 250 (25.0%) │ 200 │ 9 │ 8 │ C1, [red]" in text
    assert "train: 600 rows, 60 positive numeric features: price, age categorical features: city" in text
    assert "paid │ leak │ filled in late" in text and "closed │ leak (acknowledged) │" in text
    assert "training stops at a leak" in text and text.endswith("note: few rows")


def test_acknowledged_leaks_need_no_remedy(printed: Printed) -> None:
    leak = {"column": "paid", "verdict": "suspect", "acknowledged": True, "evidence": [{"text": "late"}]}
    assert "training stops" not in printed(printing.print_leaks, [leak])


def test_a_check_says_that_the_values_give_no_sign_of_a_leak_only_where_they_were_tested(printed: Printed) -> None:
    assert printed(printing.print_leaks, []).startswith("leak check: the values give no sign that a column leaks")
    assert printed(printing.print_leaks, None) == ""


def test_values_by_stream(printed: Printed) -> None:
    held_out = {"bg_nbd": HoldoutError(0.5, 0.98), "last rate": HoldoutError(0.75, 1.2)}
    customers = pl.DataFrame({"customer_id": ["C"]})
    stream = CustomerValue(customers, "bg_nbd", held_out, 1_500.4, 2_000_000.0, 1.025, 365.0)
    text = printed(printing.print_values, CustomerValuation(customers, {"sales": stream}, 0))
    assert "bg_nbd * │ 0.5000 │ 0.980" in text and "last rate │ 0.7500 │ 1.200" in text
    assert "sales: 1,500 purchases worth 2,000,000 yuan expected within 365 days" in text
    assert "(sum over customers, times a correction of 1.025 estimated on the hold-out)" in text


ALARM = {"model": "D", "component": "brakes", "detected_on": date(2024, 3, 4), "state": "new"}


def test_alarms_that_are_stored_and_how_one_moved(printed: Printed) -> None:
    stored_alarms = partial(printing.print_stored_alarms, timezone="Asia/Shanghai")
    at = int(datetime(2024, 5, 5, 23, 8, tzinfo=UTC).timestamp()) * 1_000_000  # the 6th in Shanghai
    stored = pl.DataFrame([{"id": 7, **{n: ALARM[n] for n in ("model", "component", "state", "detected_on")},
                          "opened_at": at, "rate_ratio": 3.0}])  # fmt: skip
    assert "7 │ D │ brakes │ new │ 2024-05-06 │ 2024-03-04 │ 3.00" in printed(stored_alarms, stored)
    assert "the alarm store is empty; fill it with: chehang alarms" in printed(stored_alarms, stored.clear())
    moves = [
        {"at": at, "by": None, "from_state": None, "to_state": "new", "note": None},
        {"at": at, "by": "after-sales", "from_state": "new", "to_state": "shut", "note": "repaired"},
    ]
    text = printed(partial(printing.print_alarm_history, timezone="Asia/Shanghai"), 7, pl.DataFrame(moves))
    assert "alarm 7" in text and "│ new │ shut │ repaired" in text and "2024-05-06 07:08" in text

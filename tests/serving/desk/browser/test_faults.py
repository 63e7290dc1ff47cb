"""Quality alarms in a browser: the report to the maker, the vehicles to inspect, safety reports, power, services."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import expect

from ml.fault_rate.alarm_store import AlarmStore
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.surveillance import ALARM

pytestmark = pytest.mark.browser
BOTH = pytest.mark.parametrize("language", ["zh", "en"])
WIDTHS = pytest.mark.parametrize("width", [390, 1440])


@pytest.fixture
def alarm_id(desk: Any) -> int:
    """Return the alarm of the brakes of the model with most vehicles; the small group has none of its own."""
    store, snapshot = AlarmStore(desk.home / "fault_alarms.db"), desk.home / "fault_snapshot.npz"
    existing = store.alarms(states=("open", "acknowledged", "campaign"), component="brakes")
    if existing.height:
        return int(existing["id"][0])
    vehicles = Snapshot.from_file(snapshot.read_bytes(), snapshot.name).vehicles
    assert vehicles is not None
    model = vehicles.frame["model"].value_counts(sort=True)["model"][0]
    row = {
        "model": model, "component": "brakes", "detected_on": date(2025, 3, 3), "count": 40, "expected": 14.2,
        "rate_ratio": 2.6, "low": 2.0, "high": 3.3, "probability_notable": 0.99, "log_evidence": 12.0,
        "alarm_threshold": 8.0, "own_ratio": 1.0, "ratio_shape": 40.0,
    }  # fmt: skip
    return store.record(pl.DataFrame([row], schema=ALARM), as_of=1_751_000_000_000_000).new[0]


@BOTH
def test_report_an_alarm_to_the_maker_and_export_the_vehicles_in_six_clicks(
    language: str, alarm_id: int, page_of: Callable[..., Any], check_page: Callable[..., None], tmp_path: Path
) -> None:
    """From the home page: quality, the alarm, report, send, Excel."""
    session = page_of("after_sales", language)
    page, clicks = session.page, 0
    page.goto("/desk")
    page.locator('nav a[href="/desk/faults"]').click()
    clicks += 1
    page.locator(f'main a.button[href="/desk/faults/{alarm_id}"]').click()
    clicks += 1
    page.locator(".acts details").first.locator("summary").click()
    clicks += 1
    page.locator("input[name=reference]").fill("Q-2025-7")
    page.locator('form[action$="/reports"] button').click()
    clicks += 1
    expect(page.locator("main .note.good")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Q-2025-7")
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel").click()
    clicks += 1
    download.value.save_as(tmp_path / "vehicles.xlsx")
    assert clicks <= 6 and (tmp_path / "vehicles.xlsx").read_bytes().startswith(b"PK")
    check_page(session, "faults.reported")


@BOTH
@WIDTHS
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/desk/faults", "list"), ("/desk/faults/{alarm}", "alarm"), ("/desk/faults/safety", "safety"),
        ("/desk/faults/power", "power"), ("/desk/faults/components", "components"),
        ("/desk/faults/services", "services"), ("/desk/faults/{alarm}/sheet", "sheet"),
        ("/desk/faults/{alarm}/letter", "letter"),
    ],
)  # fmt: skip
def test_every_page_holds_on_a_screen_and_on_a_phone(
    path: str, name: str, language: str, width: int, alarm_id: int, page_of: Callable[..., Any],
    check_page: Callable[..., None],
) -> None:  # fmt: skip
    """No overflow, no console error, no serious finding of axe."""
    session = page_of("after_sales", language, width)
    page = session.open(path.format(alarm=alarm_id))
    page.wait_for_selector("h1")
    if "/services" in path:  # they are computed on the first request; the page refreshes itself meanwhile
        expect(page.locator("#table-services")).to_be_visible(timeout=30_000)
        session.problems.clear()
    check_page(session, f"faults.{name}")


def test_capacity_is_changed_live_and_the_table_is_sorted_and_filtered(
    alarm_id: int, page_of: Callable[..., Any]
) -> None:
    """The plan is replaced without a new page; the address holds order and filter."""
    session = page_of("after_sales", "en")
    page = session.open(f"/desk/faults/{alarm_id}")
    page.locator("#plan details summary").click()
    page.locator("#capacity").fill("7")
    page.locator("#plan form button").first.click()
    expect(page.locator("#plan")).to_contain_text("weeks at 7 a week")
    page.locator("#table-vehicles th a", has_text="Distance").click()
    expect(page.locator("#table-vehicles th[aria-sort]")).to_contain_text("Distance")
    assert "sort=-km" in page.url
    page.locator("#table-vehicles-q").fill("V0000")
    page.locator("#table-vehicles-q").press("Enter")
    expect(page.locator("#table-vehicles tbody tr").first).to_contain_text("V0000")
    assert session.problems == []


def test_the_sale_is_stopped_taken_back_and_an_alarm_is_closed_only_with_a_reason(
    alarm_id: int, page_of: Callable[..., Any]
) -> None:
    """What is written says so; what was refused stays on the page."""
    session = page_of("after_sales", "en")
    page = session.open(f"/desk/faults/{alarm_id}")
    page.locator("summary", has_text="Stop").first.click()
    page.locator('form[action$="/sale_stops"] button').click()
    expect(page.locator("main .note.good")).to_contain_text("stop of sale is recorded")
    undo = page.locator("li", has_text="stopped, all stores").first.get_by_role("button", name="Undo")
    undo.click()
    expect(page.locator("main .note.good")).to_contain_text("Taken back")
    page.locator("summary", has_text="Change the state").click()
    page.locator("#move-to").select_option("closed")
    page.locator('form[action$="/moves"] button').click()
    expect(page.locator('main [role="alert"]')).to_contain_text("Give a reason")


def test_two_people_on_one_alarm(alarm_id: int, page_of: Callable[..., Any]) -> None:
    """The second reads what the first has done, and decides again."""
    first, second = page_of("after_sales", "en"), page_of("manager", "en")
    for session in (first, second):
        session.open(f"/desk/faults/{alarm_id}")
        session.page.locator("summary", has_text="Notify owners").click()
    for session in (first, second):
        session.page.locator("#vehicles").fill("5")
        session.page.locator('form[action$="/notices"] button').click()
    expect(first.page.locator("main .note.good")).to_contain_text("The notice is recorded")
    expect(second.page.locator('main [role="alert"]')).to_contain_text("Somebody else has just changed this record")


def test_vins_are_masked_until_somebody_asks(alarm_id: int, page_of: Callable[..., Any]) -> None:
    """A manager may not ask for them."""
    session = page_of("after_sales", "en")
    page = session.open(f"/desk/faults/{alarm_id}")
    expect(page.locator("#table-vehicles")).to_contain_text("···")
    page.get_by_role("button", name="Show VINs and owners of this page").click()
    expect(page.locator("main")).to_contain_text("This look is in the log")
    assert page.locator("tbody tr").count() == 10 and "···" not in page.locator("tbody").inner_text()
    manager = page_of("manager", "en")
    manager.open(f"/desk/faults/{alarm_id}")
    expect(manager.page.get_by_role("button", name="Show VINs")).to_have_count(0)


def test_a_safety_report_is_read(page_of: Callable[..., Any]) -> None:
    """The first unread report of the list."""
    session = page_of("after_sales", "en")
    page = session.open("/desk/faults/safety")
    page.locator("#table-reports tbody a").first.click()
    page.get_by_role("button", name="I have read it").click()
    expect(page.locator(".title .state")).to_have_text("read")


def test_owners_are_invited_to_a_service(page_of: Callable[..., Any]) -> None:
    """The invitation stands beside the vehicle afterwards."""
    session = page_of("after_sales", "en")
    page = session.open("/desk/faults/services")
    expect(page.locator("#table-services")).to_be_visible(timeout=30_000)
    page.locator("#table-services input[type=checkbox]").first.check()
    page.get_by_role("button", name="Record the invitations").click()
    expect(page.locator("main .note.good")).to_contain_text("The invitations are recorded")
    expect(page.locator("#table-services tbody tr").first).to_contain_text("赵卫国")

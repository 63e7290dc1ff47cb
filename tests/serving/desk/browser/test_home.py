"""Home, dashboard and search in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from tests.serving.desk.browser.home import PEOPLE

pytestmark = pytest.mark.browser
TILES = {"finance_officer": 1, "sales": 1, "planner": 1, "after_sales": 2, "manager": 4, "data_scientist": 4}


def wait_for_rows(page: Page) -> None:
    """Reload until the server has read the tables."""
    for _ in range(20):
        if page.locator(".tiles, table").count():
            return
        page.wait_for_timeout(1_000)
        page.reload()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("role", TILES)
def test_each_role_sees_what_waits_for_it(
    role: str, language: str, width: int, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """The heading says how many things; each tile has a figure and a link."""
    session = page_of(role, language, width)
    page = session.open("/desk")
    wait_for_rows(page)
    session.problems.clear()  # the 503 of a server that has just started
    expect(page.locator("h1")).to_contain_text("today" if language == "en" else "今日")
    assert page.locator(".tile").count() == TILES[role]
    assert page.locator(".tile a").count() >= TILES[role]
    check_page(session, f"home.{role}")


@pytest.mark.parametrize("width", [390, 1280, 1366, 1440, 1920])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_dashboard_at_every_width(
    language: str, width: int, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """Eight figures, the stores, channels, and two charts."""
    session = page_of("manager", language, width)
    page = session.open("/desk/dashboard")
    wait_for_rows(page)
    session.problems.clear()
    page.goto("/desk/dashboard?period=90d")
    assert page.locator(".tile").count() == 8
    assert page.locator("#loans .chart[role=img]").count() == 2
    check_page(session, "dashboard")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_stores_of_the_group_are_compared_in_four_clicks_from_home(
    language: str, page_of: Callable[..., Any], tmp_path: Path
) -> None:
    """Dashboard, 90 days, order by conversion, Excel."""
    session = page_of("manager", language)
    page = session.open("/desk")
    wait_for_rows(page)
    page.locator("a.button.main").click()
    expect(page).to_have_url(f"{page.url.partition('/desk')[0]}/desk/dashboard")
    page.locator("nav.pills a").nth(1).click()
    expect(page.locator("nav.pills a").nth(1)).to_have_attribute("aria-current", "true")
    stores = page.locator("#stores tbody tr")
    n = stores.count()
    assert n > 1
    page.locator("#stores thead th a").nth(4).click()
    expect(page.locator("#stores thead th").nth(4)).to_have_attribute("aria-sort", "descending")
    assert "period=90d" in page.url
    shares = [float(t.split("%")[0]) for t in page.locator("#stores tbody tr td:nth-child(5)").all_inner_texts()]
    assert shares == sorted(shares, reverse=True)
    with page.expect_download() as download:
        page.locator("#stores a[download]").nth(1).click()
    download.value.save_as(tmp_path / "stores.xlsx")
    assert pl.read_excel(tmp_path / "stores.xlsx").height == n
    assert session.problems == []


def test_a_definition_opens_by_the_keyboard(page_of: Callable[..., Any]) -> None:
    """Without script, and closes again."""
    page = page_of("manager", "en").open("/desk/dashboard")
    wait_for_rows(page)
    summary = page.locator(".tile summary").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("returns are subtracted")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("returns are subtracted")).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_vehicle_is_opened_by_the_end_of_its_vin(
    language: str, width: int, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """From the field on top of every page, on a phone from the page of areas."""
    session = page_of("planner", language, width)
    page = session.open("/desk" if width > 720 else "/desk/more")
    if width > 720:
        wait_for_rows(page)
    field = page.locator("header input[type=search]" if width > 720 else "main input[type=search]")
    field.fill("00000000000000000")
    field.press("Enter")
    expect(page.locator("h1")).to_have_text("0 results" if language == "en" else "0 条结果")
    check_page(session, "search.empty")
    page.locator("main input[name=q]").fill("12")
    page.locator("main button[type=submit]").click()
    expect(page.locator("#q-message")).to_be_visible()
    page.locator("main input[name=q]").fill("0001")
    page.locator("main button[type=submit]").click()
    check_page(session, "search")
    page.locator("main tbody a").first.click()
    expect(page.locator("dl.facts")).to_be_visible()
    assert "0001" not in page.url.partition("?")[2]
    check_page(session, "vehicle")


def test_a_key_sees_no_more_by_searching_than_its_role_allows(page_of: Callable[..., Any]) -> None:
    """A planner sees vehicles only; a person without the dashboard gets a page that says who may see it."""
    session = page_of("planner", "en")
    page = session.open("/desk/search")
    page.locator("main input[name=q]").fill("0001")
    page.locator("main button[type=submit]").click()
    assert all("vehicle" in text for text in page.locator("main section h2").all_inner_texts())
    page.goto("/desk/dashboard")
    expect(page.locator("main")).to_contain_text("Manager")


def test_everybody_has_a_key() -> None:
    """The roles of this test are those of the desk."""
    assert set(TILES) < set(PEOPLE)

"""Stock planning in a browser: every page, and a store's order confirmed and exported in a few clicks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
PAGES = {
    "stock": "/desk/stock",
    "stock-transfers": "/desk/stock/transfers",
    "stock-forecast": "/desk/stock/forecast?all=1",
    "stock-what-if": "/desk/stock/what-if",
    "stock-levels": "/desk/stock/levels",
    "stock-used-cars": "/desk/stock/used-cars",
}
WORDS = {"zh": ("下载 Excel", "撤销"), "en": ("Download Excel", "Undo")}


def most_waiting(page: Page) -> str:
    """Return the store whose orders are worth most, the first of the overview."""
    page.goto("/desk/stock")
    return page.locator("table.cards tbody a.plain").first.inner_text()


@pytest.mark.parametrize("width", [390, 1024, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_whole(
    language: str, width: int, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """No console error, no overflow, nothing serious for axe."""
    session = page_of("planner", language, width)
    for name, path in PAGES.items():
        session.open(path)
        check_page(session, name)
    store = most_waiting(session.page)
    session.open(f"/desk/stock/orders/{store}")
    check_page(session, "stock-orders")
    session.open(f"/desk/stock/forecast?store_id={store}")
    session.page.locator("table.cards tbody a.plain").first.click()
    expect(session.page).to_have_url(re.compile("model="))
    check_page(session, "stock-forecast-model")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_store_s_order_is_confirmed_and_exported_in_five_clicks(
    language: str, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """Home, stock, store, confirm, export, download; the second language takes the next store."""
    session = page_of("planner", language, 1440)
    page = session.page
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/desk")
    page.locator("nav a[href='/desk/stock']").first.click()
    page.locator("table.cards tbody a.plain").first.click()
    page.locator("#confirm-all").click()
    expect(page.locator(".toast")).to_contain_text(WORDS[language][1])
    check_page(session, "stock-confirmed")
    page.locator("#export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=WORDS[language][0]).click()
    assert re.fullmatch(r"(PO\d{6}|purchase-orders)-.*\.xlsx", download.value.suggested_filename)
    assert download.value.path().read_bytes()[:2] == b"PK"
    check_page(session, "stock-exported")
    expect(page.locator("#export")).to_have_count(0)


def test_an_order_is_changed_with_a_reason_and_taken_back(page_of: Callable[..., Any]) -> None:
    """Without the reason the form stays with what was typed."""
    session = page_of("planner", "en", 1440)
    page = session.page
    page.goto(f"/desk/stock/orders/{most_waiting(page)}")
    quantity, reason = page.locator("#quantity"), page.locator("#reason")
    more = str(int(quantity.input_value()) + 1)
    quantity.fill(more)
    page.locator("#line button[value=confirm]").click()
    expect(page.locator("#reason-message")).to_contain_text("Give a reason")
    expect(quantity).to_have_value(more)
    reason.fill("one is promised")
    page.locator("#line button[value=confirm]").click()
    expect(page.locator(".toast")).to_contain_text("confirmed")
    page.locator(".toast button").click()
    expect(page.locator("main .note").first).to_contain_text("Taken back")


def test_two_planners_do_not_decide_the_same_order(page_of: Callable[..., Any]) -> None:
    """The second one sees that somebody was faster."""
    first, second = (page_of(role, "en", 1440).page for role in ("planner", "manager"))
    store = most_waiting(first)
    for page in (first, second):
        page.goto(f"/desk/stock/orders/{store}")
    first.locator("#line button[value=confirm]").click()
    expect(first.locator(".toast")).to_contain_text("confirmed")
    second.locator("#line #reason").fill("no room")
    second.locator("#line button[value=reject]").click()
    expect(second.locator("h1")).to_have_text("Somebody has changed this meanwhile")
    first.locator(".toast button").click()
    expect(first.locator("main .note").first).to_contain_text("Taken back")


def test_other_prices_are_answered_while_typing(page_of: Callable[..., Any]) -> None:
    """The answer changes without a new page."""
    session = page_of("planner", "en", 1440)
    page = session.page
    page.goto("/desk/stock/what-if")
    answer = page.locator("#what-if")
    expect(answer).to_contain_text("does not change")
    price = page.locator("#price")
    price.fill(str(int(price.input_value()) * 8 // 10))
    expect(answer).to_contain_text("extrapolates")
    assert session.problems == [] and page.url.endswith("/desk/stock/what-if")


def test_a_data_scientist_reads_and_does_not_decide(page_of: Callable[..., Any]) -> None:
    """There is no button to confirm."""
    page = page_of("data_scientist", "en", 1440).page
    page.goto(f"/desk/stock/orders/{most_waiting(page)}")
    expect(page.locator("h1")).to_contain_text("wait")
    expect(page.locator("main form[method=post]")).to_have_count(0)

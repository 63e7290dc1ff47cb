"""Leads in a browser: every page, and twenty leads assigned, the first called and not reached in five clicks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PAGES = {
    "leads": "/desk/leads",
    "leads-later": "/desk/leads?filter=later",
    "leads-none": "/desk/leads?q=nobody",
    "leads-lost": "/desk/leads/lost",
    "leads-channels": "/desk/leads/channels",
    "leads-expected": "/desk/leads/expected",
    "leads-staff": "/desk/leads/staff",
}
WORDS = {
    "en": ("Assign…", "Assign evenly", "Call", "Not reached", "20 leads assigned"),
    "zh": ("分配…", "平均分配", "外呼", "未接通", "已分配 20 条线索"),
}


def open_when_scored(session: Any, path: str) -> None:
    """Open a page; while leads are being scored it answers 503, on a busy machine 504, and is opened again."""
    for _ in range(20):
        response = session.page.goto(path)
        if response.status < 500:
            break
        session.page.wait_for_timeout(1_000)
    session.problems.clear()  # of the start


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_whole(
    language: str, width: int, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """No console error, no overflow, nothing serious for axe; a row opens the page of its lead."""
    session = page_of("sales", language, width)
    for name, path in PAGES.items():
        open_when_scored(session, path)
        check_page(session, name)
    open_when_scored(session, "/desk/leads")
    session.page.locator("table.cards tbody th a").first.click()
    expect(session.page.locator(".log li").first).to_be_visible()
    check_page(session, "leads-lead")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_twenty_leads_are_assigned_and_the_first_is_called_and_not_reached(
    language: str, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """From the home page: leads, assign, evenly, call, not reached."""
    opens, evenly, call, not_reached, assigned = WORDS[language]
    session = page_of("sales", language, 1440)
    open_when_scored(session, "/desk/leads")
    page = session.open("/desk")
    page.locator("nav a[href='/desk/leads']").first.click()
    page.get_by_text(opens, exact=True).click()
    page.get_by_role("button", name=evenly).click()
    expect(page.locator(".toast")).to_contain_text(assigned)
    check_page(session, "leads-assigned")
    page.locator("#chosen").get_by_role("button", name=call, exact=True).click()
    expect(page.locator("a[href^='tel:']")).to_be_visible()
    check_page(session, "leads-called")
    page.get_by_role("button", name=not_reached, exact=True).click()
    expect(page.locator(".note.good")).to_contain_text(not_reached if language == "zh" else "Not reached")
    check_page(session, "leads-not-reached")


def test_an_assignment_is_taken_back_and_two_people_see_each_other(page_of: Callable[..., Any]) -> None:
    """The second outcome of a page that was read before is refused."""
    session = page_of("sales", "en", 1440)
    page = session.page
    open_when_scored(session, "/desk/leads?filter=unassigned")
    page.get_by_text("Assign…", exact=True).click()
    page.locator("#first").fill("3")
    page.get_by_role("button", name="Assign evenly").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".note.good")).to_contain_text("taken back")
    path = page.locator("table.cards tbody th a").last.get_attribute("href")
    other = page_of("manager", "en", 1440)
    session.open(path)
    other.open(path)
    page.get_by_role("button", name="Reached", exact=True).click()
    expect(page.locator(".note.good")).to_be_visible()
    other.page.get_by_role("button", name="Reached", exact=True).click()
    expect(other.page.locator("h1")).to_contain_text("Somebody has changed this meanwhile")

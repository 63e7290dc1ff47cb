"""The storefront preview in a browser: see why a car is recommended, pin another, and take it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
CheckPage = Callable[[Any, str], None]


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_of_the_storefront(language: str, width: int, page_of: Callable[..., Any], check_page: CheckPage) -> None:
    session = page_of("manager", language, width)
    page = session.open("/desk/storefront")
    check_page(session, "storefront.new")
    page.locator(".log a").first.click()  # the latest visitor, with what they looked at
    expect(page.locator(".offer")).to_have_count(12)
    check_page(session, "storefront.visitor")
    page.locator(".offer .pill").nth(3).click()  # pin the second car
    check_page(session, "storefront.draft")
    session.open("/desk/storefront/rules")
    check_page(session, "storefront.rules")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_car_is_pinned_within_six_clicks_from_home(
    language: str, page_of: Callable[..., Any], check_page: CheckPage
) -> None:
    """Open the preview, choose a visitor, read why, pin another, save: five clicks; then take it back."""
    words = {
        "zh": ("推荐预览", "置顶", "保存规则", "运营规则", "撤销"),
        "en": ("Preview", "Pin", "Save the rule", "Rules", "Undo"),
    }[language]
    session = page_of("manager", language)
    page = session.page
    page.get_by_role("navigation").get_by_role("link", name=words[0]).first.click()
    page.locator(".log a").first.click()
    cards = page.locator(".offer")
    assert cards.first.locator("li, p").all_inner_texts()  # why it is first
    name = cards.nth(4).locator("h3").inner_text()
    cards.nth(4).get_by_role("link", name=f"{words[1]} ").click()
    page.get_by_role("button", name=words[2]).click()
    expect(cards.first.locator("h3")).to_have_text(name)
    check_page(session, "storefront.pinned")
    page.get_by_role("link", name=words[3]).first.click()
    page.get_by_role("button", name=words[4]).first.click()
    session.open("/desk/storefront")
    expect(cards.first.locator(".state.accent")).to_have_count(0)


def test_those_without_the_right_see_no_pins(page_of: Callable[..., Any]) -> None:
    session = page_of("sales", "en")
    page = session.open("/desk/storefront")
    assert page.locator(".offer").count() > 0
    assert page.get_by_role("link", name="Pin").count() == 0

"""From the home page to the loan for a monthly payment and its forms, in at most six clicks."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.serving.desk.browser.conftest import Session

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize(("language", "width"), [("zh", 1440), ("en", 390)])
def test_the_loan_for_a_monthly_payment_and_its_forms(
    page_of: Callable[..., Session], check_page: Callable[[Session, str], None], language: str, width: int
) -> None:
    session = page_of("finance_officer", language, width)
    page = session.open("/desk")
    page.locator(".rail a[href='/desk/loans']").click()  # 1
    page.wait_for_url("**/desk/loans")
    numbers = page.locator("table a[href^='/desk/loans/']").evaluate_all("links => links.map(a => a.pathname)")
    number = next(path for path in numbers if _has_loans(page, path))
    page.goto("/desk/loans")
    page.locator(f"table a[href='{number}']").click()  # 2
    page.locator("#pay").fill("3000")
    page.locator("#plan button").last.click()  # 3
    loans = page.locator(".pills a[href*='product=']")
    loans.first.wait_for()
    check_page(session, "loan_for_payment")
    loans.first.click()  # 4
    page.locator("a[href*='/schedule?']").wait_for()
    for name in ("form", "schedule", "offers"):
        address = page.locator(f"li a[href*='/{name}?']").get_attribute("href")
        assert address is not None
        sheet = page.context.new_page()
        sheet.goto(address)
        if width > 720:
            pdf = sheet.pdf(prefer_css_page_size=True)
            assert 1 <= len(re.findall(rb"/Type\s*/Page[^s]", pdf)) <= 3
            assert re.search(rb"/MediaBox\s*\[0 0 59[45][.\d]* 84[12][.\d]*\]", pdf)  # A4 in points
        sheet.close()


def _has_loans(page: Page, path: str) -> bool:
    """Return whether an application has loans within the payment."""
    page.goto(f"{path}?pay=3000")
    return page.locator(".pills a[href*='product=']").count() > 0

"""The loan desk in a browser: queue, a new application, and a referral with a reason, whose form is printed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.serving.desk.browser.conftest import Session

pytestmark = [pytest.mark.browser, pytest.mark.slow]
CASES = [("zh", 1440), ("en", 390)]
VALUES = {
    "name": "欧阳明远",
    "age": "38",
    "vehicle_price": "158000",
    "down_payment": "79000",
    "term_months": "36",
    "monthly_income": "1.2",
}


@pytest.mark.parametrize(("language", "width"), CASES)
def test_an_application_is_entered_referred_with_a_reason_and_its_form_printed(
    page_of: Callable[..., Session], check_page: Callable[[Session, str], None], language: str, width: int
) -> None:
    """An income of 1.2 yuan is confirmed first; the referral and the form take five clicks from the home page."""
    session = page_of("finance_officer", language, width)
    page = session.open("/desk/loans")
    check_page(session, "loans")
    page.goto("/desk/loans/new")
    check_page(session, "loan_new")
    for name, value in VALUES.items():
        page.locator(f"#{name}").fill(value)
    for field in page.locator("main select").all():
        field.select_option(index=1)
    for field in page.locator("main input[type=text]").all():
        if not field.input_value() and field.get_attribute("name") in ("occupation", "dependents"):
            field.fill("1")
    page.locator("main form .sticky button.main").click()
    session.problems.clear()  # the answer with the warnings has status 422, which Chromium reports
    page.locator("input[name=confirmed]").first.check()
    page.locator("main form .sticky button.main").click()
    page.wait_for_url("**/desk/loans/A-*")
    session.problems.clear()
    number = page.url.partition("?")[0].rpartition("/")[2]

    page.goto("/desk")
    page.locator(".rail a[href='/desk/loans']").click()  # 1
    page.locator(f"table a[href='/desk/loans/{number}']").click()  # 2
    check_page(session, "loan_case")
    page.locator(".choices label", has=page.locator("input[name=outcome][value=refer]")).click()  # 3
    page.locator("select[name=reason_code]").select_option("DOCUMENTS_MISSING")
    page.locator("textarea[name=note]").fill("工资流水")
    page.locator("form[action$='/decision'] button:not(.main)").click()  # 4
    page.wait_for_url(f"**/desk/loans/{number}?notice=*")
    expect(page.locator("[role=status]").first).to_be_visible()
    with page.context.expect_page() as opened:
        page.locator("a[href*='/letter'], a[href*='/form?']").first.click()  # 5
    sheet = opened.value
    sheet.wait_for_load_state()
    assert sheet.locator("h1").count() == 1
    sheet.close()
    check_page(session, "loan_decided")


def test_what_an_officer_decides_against_the_model_waits_for_another_one(
    page_of: Callable[..., Session], check_page: Callable[[Session, str], None]
) -> None:
    """The first officer sees that a colleague has to confirm; the second confirms."""
    first = page_of("finance_officer", "en", 1440)
    page = first.open("/desk/loans")
    links = page.locator("table a[href^='/desk/loans/A']").evaluate_all("links => links.map(a => a.pathname)")
    for path in links:
        page.goto(path)
        form = page.locator("form[action$='/decision']")
        button = form.locator("button").last
        if form.count() and button.is_enabled():
            break
    band = page.locator("input[name=outcome]:checked").get_attribute("value")
    outcome, reason = ("decline", "DOCUMENTS_DIFFER") if band == "approve" else ("approve", "GUARANTOR")
    page.locator(".choices label", has=page.locator(f"input[name=outcome][value={outcome}]")).click()
    page.locator("select[name=reason_code]").select_option(reason)
    button.click()
    page.wait_for_url("**notice=loans.notice.second*")
    expect(page.get_by_text("Another colleague has to confirm")).to_be_visible()
    check_page(first, "loan_second_person")
    second = page_of("second_officer", "en", 1440)
    other = second.open(path)
    other.on("dialog", lambda dialog: dialog.accept())
    other.get_by_role("button", name="Agree").click()
    other.wait_for_url("**notice=loans.notice.confirmed*")
    check_page(second, "loan_confirmed")

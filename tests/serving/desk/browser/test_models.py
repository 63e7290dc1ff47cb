"""The models in a browser: see that a model has drifted, roll it back, and promote it again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.serving.desk.browser.home import run

pytestmark = pytest.mark.browser

ROLL_BACK = {"zh": "回退到第 1 版", "en": "Roll back to version 1"}
PROMOTE = {"zh": "升级为第 2 版", "en": "Promote version 2"}
AREA = {"zh": "模型", "en": "Models"}
TITLE = {"zh": "信贷风险", "en": "Credit risk"}


@pytest.fixture(scope="module")
def monitored(desk: Any) -> None:
    """Run the monitor once on the served home."""
    run(desk.home, "monitor", "credit_risk")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_drifted_model_is_rolled_back_in_at_most_six_clicks(
    language: str,
    width: int,
    monitored: None,
    page_of: Callable[..., Any],
    check_page: Callable[..., None],
) -> None:
    """From the home page; afterwards the version is promoted again, so that the next test begins as this one."""
    session = page_of("data_scientist", language, width)
    page: Page = session.open("/desk")
    clicks = 0

    def click(target: Any) -> None:
        nonlocal clicks
        target.click()
        clicks += 1

    if width < 720:
        click(page.locator('nav.rail a[href="/desk/more"]'))
        click(page.locator("main").get_by_role("link", name=AREA[language]))
    else:
        click(page.locator('nav.rail a[href="/desk/models"]'))
    check_page(session, "models.list")
    click(page.locator('main a[href="/desk/models/credit_risk"]').first)
    check_page(session, "models.model")
    expect(page.locator("h1")).to_contain_text(TITLE[language])
    click(page.get_by_role("link", name=ROLL_BACK[language]))
    check_page(session, "models.rollback")
    page.locator("textarea[name=reason]").fill("征信查询次数变化" if language == "zh" else "enquiries changed")
    click(page.get_by_role("button", name=ROLL_BACK[language]))
    expect(page.locator("p.note.good")).to_be_visible()
    expect(page.locator(".log").first).to_contain_text("Lin Yue")
    assert clicks <= 6
    page.get_by_role("link", name=PROMOTE[language]).click()
    check_page(session, "models.promotion")
    page.locator("textarea[name=reason]").fill("back to the newer version")
    page.locator("input[name=force]").check()
    page.get_by_role("button", name=PROMOTE[language]).click()
    expect(page.locator("p.note.good")).to_be_visible()
    check_page(session, "models.promoted")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ["credit_risk", "demand_forecast", "recommendation"])
def test_the_report_of_a_version_is_readable_on_every_screen(
    name: str, language: str, width: int, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """Charts of the sections, and the model card."""
    session = page_of("manager", language, width)
    page = session.open(f"/desk/models/{name}/versions/1")
    expect(page.locator("#card")).to_be_visible()
    assert page.locator("main svg.chart, main .plot svg").count() > 3
    check_page(session, f"models.version.{name}")


def test_the_series_of_a_run_are_filtered_and_saved(
    monitored: None, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """The address holds the filter, and the file has the rows that the page shows."""
    session = page_of("data_scientist", "en", 1440)
    page = session.open("/desk/models/credit_risk/drift")
    check_page(session, "models.drift")
    rows = page.locator("table tbody tr").count()
    page.locator("select[name=verdict]").select_option("alarm")
    expect(page).to_have_url(re.compile("verdict=alarm"))
    shown = page.locator("#table-series tbody tr").count()
    assert 0 < shown < rows
    with page.expect_download() as download:
        page.locator('a[download][href*="export=csv"]').click()
    content = download.value.path().read_text(encoding="utf-8-sig")
    assert len(content.strip().splitlines()) == shown + 1

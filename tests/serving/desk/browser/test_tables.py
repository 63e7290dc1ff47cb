"""A table in a browser: htmx replaces the table alone, the address follows, and the search field keeps its cursor."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_table_is_ordered_and_searched_without_a_new_page(page_of: Callable[..., Any]) -> None:
    session = page_of("data_scientist", "en")
    page = session.open("/desk/models")
    page.evaluate("window.isSameDocument = true")
    page.locator("#table-models th a").nth(1).click()
    expect(page).to_have_url(re.compile(r"sort="))
    expect(page.locator("#table-models th[aria-sort]")).to_have_count(1)
    page.locator("#table-models-q").fill("no such model")
    expect(page).to_have_url(re.compile(r"q=no"))
    expect(page.locator("#table-models .blank")).to_have_count(1)
    assert page.evaluate("window.isSameDocument && document.activeElement.id") == "table-models-q"
    assert page.locator(".rail").count() == 1
    page.go_back()
    expect(page.locator("#table-models tbody tr").first).to_be_visible()


def test_a_table_is_ordered_and_exported_without_scripts(page_of: Callable[..., Any]) -> None:
    session = page_of("data_scientist", "en")
    page = session.open("/desk/models")
    href = page.locator("#table-models th a").nth(1).get_attribute("href")
    assert href is not None
    assert session.open(href).locator("th[aria-sort]").count() == 1
    with page.expect_download() as download:
        page.locator("#table-models").get_by_role("link", name="Excel").click()
    assert download.value.suggested_filename.endswith(".xlsx")

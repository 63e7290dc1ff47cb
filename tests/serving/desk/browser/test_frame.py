"""The frame of the desk in a browser: log-in, language, log-out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.serving.desk.browser.home import PEOPLE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("role", PEOPLE)
def test_everybody_lands_on_a_home_page(
    role: str, language: str, width: int, page_of: Callable[..., Any], check_page: Callable[..., None]
) -> None:
    """Every role has a home page in both languages, on a screen and on a phone."""
    session = page_of(role, language, width)
    check_page(session, f"home.{role}")


def test_log_out_ends_the_session(page_of: Callable[..., Any]) -> None:
    """The browser's back button then shows the log-in page."""
    session = page_of("manager", "en")
    page = session.page
    page.goto("/desk")
    page.get_by_role("button", name="Log out").click()
    page.goto("/desk")
    assert "/desk/log-in" in page.url

"""The list of pages: each has a right, and each area of the navigation a page."""

from __future__ import annotations

from serving.desk.areas import more
from serving.desk.errors import BY_STATUS, CODES
from serving.desk.registry import AREAS, PAGES
from serving.doors.roles import SCOPES


def test_every_page_has_a_scope_and_a_path_of_its_own() -> None:
    """A page without a scope would be open to every role."""
    assert len({(page.method, page.path) for page in PAGES}) == len(PAGES)
    assert {page.scope for page in PAGES} <= set(SCOPES)
    assert set(more.PAGES) <= set(PAGES)


def test_every_area_of_the_navigation_has_its_page() -> None:
    """And at most four have a tab of the phone, besides the one of the others."""
    assert {area.path for area in AREAS} <= {page.path for page in PAGES}
    assert sum(area.is_tab for area in AREAS) == 4


def test_errors_of_a_status_have_a_page() -> None:
    """A code that no page knows falls back to that of its status."""
    assert set(BY_STATUS.values()) <= set(CODES)

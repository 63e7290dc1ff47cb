"""Search and the card of a vehicle."""

from __future__ import annotations

import pytest

from serving.desk.areas import search
from tests.serving.desk.areas.overview_desk import Pages, words


def test_a_search_shows_masked_records_as_links_and_its_text_is_in_no_address() -> None:
    """The form is sent by POST."""
    page = words(Pages().post("/desk/search", {"q": "王小明"}))
    assert "<h1>2 results" in page and 'href="/desk/leads/L1"' in page and "王**" in page
    assert "13812345678" not in page
    assert all(p.method == "POST" for p in search.PAGES if p.show is search.search)
    assert "小明" not in "".join(part.split('"')[0] for part in page.split('href="')[1:])


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("q", ["", "12", "nobody of this name", "<script>alert(1)</script>", "'\";--", "x" * 300])
def test_no_text_is_an_error(q: str, language: str) -> None:
    """And none is written as HTML."""
    response = Pages().post("/desk/search", {"q": q}, language)
    assert response.status_code == 200
    assert "<script>alert" not in response.text


def test_a_short_text_has_a_message_at_its_field() -> None:
    """Which a screen reader reads with the field."""
    page = words(Pages().post("/desk/search", {"q": "12"}))
    assert 'aria-describedby="q-message"' in page and 'id="q-message">This is too short' in page


def test_the_empty_form_and_a_vehicle_and_none() -> None:
    """A vehicle that does not exist is a page that says so."""
    pages = Pages()
    assert "<h1>Search for a customer" in words(pages.get("/desk/search"))
    assert "<h1>X5: sold" in words(pages.get("/desk/search/vehicles/V1"))
    assert "<h1>X5：在库" in words(pages.get("/desk/search/vehicles/V4", "zh"))
    assert pages.get("/desk/search/vehicles/V9").status_code == 404

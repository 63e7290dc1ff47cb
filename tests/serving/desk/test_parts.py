"""The macros of the parts, in both languages."""

from __future__ import annotations

import re

import pytest

from serving.desk.catalogue import Language
from tests.serving.desk.parts import parts_html


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_part_is_written(language: Language) -> None:
    html = parts_html(language, "desk.css")
    assert len(html) > 20_000
    assert "style=" not in html and "None" not in re.sub(r"<[^>]+>", "", html)


def test_a_table_has_headings_that_order_it_and_names_its_rows() -> None:
    html = parts_html("zh", "desk.css")
    table = html[html.index('id="table-stores"') : html.index('id="table-none"')]
    assert table.count('<th scope="row"') == 6
    assert re.findall(r'aria-sort="(\w+)"', table) == ["descending"]
    assert 'href="/desk/parts?sort=sold"' in table  # the other way
    assert 'href="/desk/parts?sort=-sold&amp;page=2"' in table
    assert 'href="/desk/parts?sort=-sold&amp;export=xlsx"' in table
    assert table.count('class="cut"') == 1 and table.count('tr class="on"') == 1
    assert re.search(r'href="/desk/stores/0">云川滨江店', table)


def test_labels_and_errors_belong_to_their_fields() -> None:
    html = parts_html("en", "desk.css")
    for name in re.findall(r'<label for="([^"]+)"', html):
        assert f'id="{name}"' in html
    message = re.findall(r'aria-invalid="true" aria-describedby="([^"]+)"', html)
    assert message == ["income-message"] and 'id="income-message"' in html


def test_an_empty_table_says_why_and_what_to_do() -> None:
    html = parts_html("en", "desk.css")
    assert "No records pass the filters" in html and 'href="/desk/parts">Clear the filters' in html

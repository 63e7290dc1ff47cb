"""Every part of the pages in a browser: nothing overflows, nothing overlaps, axe finds nothing serious."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from serving.desk import catalogue
from serving.desk.catalogue import Language
from tests.serving.desk.parts import parts_html

pytestmark = pytest.mark.browser
STYLESHEET = Path(catalogue.__file__).parent / "static" / "desk.css"
OVERLAPS = """() => {
  const overlaps = [];
  for (const chart of document.querySelectorAll(".chart")) {
    const texts = [...chart.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    const panel = chart.closest(".panel");
    const edge = panel === null ? null : panel.getBoundingClientRect();
    texts.forEach(([text, box], i) => {
      if (edge && (box.left < edge.left || box.right > edge.right)) overlaps.push(`${text} leaves its panel`);
      for (const [other, b] of texts.slice(i + 1))
        if (box.left < b.right - 1 && box.right > b.left + 1 && box.top < b.bottom - 4 && box.bottom > b.top + 4)
          overlaps.push(`${text} / ${other}`);
    });
  }
  return overlaps;
}"""


@pytest.fixture(params=[390, 1024, 1440])
def width(request: pytest.FixtureRequest) -> int:
    """Return the width of the screen."""
    return int(request.param)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_part_fits_and_is_accessible(browser: Browser, tmp_path: Path, language: Language, width: int) -> None:
    page = _page(browser, tmp_path, language, width)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{wide} px wider than the screen"
    assert page.evaluate(OVERLAPS) == []
    violations = [v for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in violations] == []


@pytest.mark.parametrize("width", [390, 1440])
def test_words_of_a_chart_keep_their_size(browser: Browser, tmp_path: Path, width: int) -> None:
    page = _page(browser, tmp_path, "zh", width)
    sizes = page.evaluate("[...document.querySelectorAll('.plot text')].map(t => t.getBoundingClientRect().height)")
    assert len(sizes) > 30
    assert max(sizes) < 22


def test_targets_of_a_phone_are_large_enough(browser: Browser, tmp_path: Path) -> None:
    page = _page(browser, tmp_path, "zh", 390)
    small = page.evaluate(
        "[...document.querySelectorAll('button, .button, .pill, .pages a, select, input:not([type=range])')]"
        ".filter(e => e.offsetParent && !e.matches('.link, [type=checkbox], [type=radio]'))"
        ".filter(e => e.getBoundingClientRect().height < 44).map(e => e.outerHTML.slice(0, 120))"
    )
    assert small == []


def test_a_definition_opens_with_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    page = _page(browser, tmp_path, "en", 1440)
    words = page.locator(".define > div").first
    assert not words.is_visible()
    page.locator(".define > summary").first.focus()
    page.keyboard.press("Enter")
    assert words.is_visible()


def test_a_printed_page_is_a4_and_has_no_buttons(browser: Browser, tmp_path: Path) -> None:
    page = _page(browser, tmp_path, "zh", 1440)
    content = page.pdf(prefer_css_page_size=True)
    assert content.startswith(b"%PDF")
    assert b"/MediaBox [0 0 594.95996 841.91998]" in content or b"/MediaBox [0 0 595" in content
    page.emulate_media(media="print")
    assert not page.locator("button").first.is_visible()


def _page(browser: Browser, folder: Path, language: Language, width: int) -> Page:
    shutil.copy(STYLESHEET, folder / "desk.css")
    path = folder / "parts.html"
    path.write_text(parts_html(language, "desk.css"), encoding="utf-8")
    context = browser.new_context(
        viewport={"width": width, "height": 900}, is_mobile=width < 720, has_touch=width < 720
    )
    page = context.new_page()
    page.goto(path.as_uri())
    return page

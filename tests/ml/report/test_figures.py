"""PNG files of reports: size, panels, texts and Chinese names."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure

from features.errors import ConfigError
from ml.report import figures, fonts
from ml.report.figures import DPI, HEAD, PANEL_HEIGHT, TABLE_HEIGHT, WIDTH, draw_report, draw_sections
from ml.report.fonts import chinese_fonts
from ml.report.style import BAD, INK, QUIET_INK, SERIES, SURFACE
from tests.ml.report.small_report import sections, small_report

FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Collect the figures instead of saving them."""
    saved: list[Figure] = []
    monkeypatch.setattr(figures, "_save", lambda figure, path: saved.append(figure))
    return saved


def test_it_is_a_png_of_fixed_size_written_whole(tmp_path: Path) -> None:
    draw_report(small_report(), tmp_path / "report.png")
    content = (tmp_path / "report.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n") and [p.name for p in tmp_path.iterdir()] == ["report.png"]
    size = (round(2 * WIDTH * DPI), round((3 * PANEL_HEIGHT + TABLE_HEIGHT + HEAD) * DPI))
    assert struct.unpack(">II", content[16:24]) == pytest.approx(size, abs=1)
    with pytest.raises(ConfigError, match="choose another place"):
        draw_report(small_report(), tmp_path / "none" / "report.png")


def test_each_chart_and_the_metrics_have_a_panel_with_titled_axes(drawn: list[Figure]) -> None:
    draw_report(small_report(), Path("report.png"))
    *panels, empty = drawn[0].axes
    assert [a.get_title(loc="left") for a in panels] == [
        "Metrics", "Calibration", "Bands", "Prices", "Drift by month", "Importance",
    ]  # fmt: skip
    assert [(a.get_xlabel(), a.get_ylabel()) for a in panels[1:]] == [
        ("share of rows", "share of rows"), ("share of rows", ""), ("price (yuan)", "share of rows"),
        ("month", "PSI"), ("contribution", ""),
    ]  # fmt: skip
    assert not empty.axison and panels[0].get_subplotspec().is_first_col() and panels[0].get_subplotspec().is_last_col()
    assert drawn[0].texts[0].get_text().startswith("Credit risk: area under the ROC curve (AUC) 0.7500")


def test_figures_are_those_of_the_sections(drawn: list[Figure]) -> None:
    draw_sections(sections()[2:8], Path("a.png"), title="t", columns=3)
    calibration, _, bands, _, months, importance = (a for a in drawn[0].axes)
    assert calibration.lines[0].get_ydata() == pytest.approx([0.2, 0.25])
    assert [p.get_width() for p in bands.patches] == [0.0125, 0.0]
    assert [t.get_text() for t in bands.texts] == [" 1.25%", " –"]
    assert months.lines[1].get_ydata() == [0.25, 0.25] and months.lines[1].get_color() == BAD
    assert [t.get_text() for t in importance.get_yticklabels()] == ["income", "price"]


def test_legends_lie_below_the_axes(drawn: list[Figure]) -> None:
    draw_sections([sections()[6]], Path("a.png"), title="t")
    panel = drawn[0].axes[0]
    drawn[0].canvas.draw()
    legend = panel.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y1 < panel.get_window_extent().y0


def test_fonts_are_found_on_the_disk_and_not_in_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: list[str] = []
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: files)
    assert chinese_fonts() == []
    files += [str(shutil.copy(FONT, tmp_path / n)) for n in ("NotoSansCJK-Regular.ttc", "Other.ttf", "wqy-zenhei.ttc")]
    (tmp_path / "simhei.ttf").write_bytes(b"no font")
    files.append(str(tmp_path / "simhei.ttf"))
    assert chinese_fonts() == ["DejaVu Sans"], "of the files with a Chinese name, each family once"


def test_without_a_font_one_line_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: [])
    draw_sections(sections()[:1], tmp_path / "a.png", title="credit_risk", language="en")
    assert capsys.readouterr().err == ""
    draw_sections(sections()[:1], tmp_path / "a.png", title="澄舟X5", language="zh")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and "fonts-noto-cjk" in lines[0] and str(tmp_path / "a.png") in lines[0]


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_words_and_marks_stand_out_and_series_differ_without_hue() -> None:
    assert min(_contrast(c, SURFACE) for c in (INK, QUIET_INK, BAD)) >= 4.5
    assert min(_contrast(c, SURFACE) for c in SERIES) >= 3
    assert min(_contrast(a, b) for a in SERIES for b in SERIES if a != b) >= 1.3

"""The picture of a report: a PNG of four panels, and which panels each kind of report has."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from features.errors import ConfigError
from tests.training.small_report import BANDS, PATHS, small_report
from training import plots
from training.plots import draw_report


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures drawn, which nobody has to paint."""
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "save_figure", lambda figure, path: drawn.append(figure))
    return drawn


def titles(figures: list[Figure], **parts: Any) -> list[str]:
    draw_report(small_report(**parts), Path("report.png"))
    return [axes.get_title() for axes in figures[-1].axes]


def test_it_is_a_png_of_eleven_by_eight_inches(tmp_path: Path) -> None:
    draw_report(small_report(), tmp_path / "report.png")
    content = (tmp_path / "report.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (11 * 110, 8 * 110)
    with pytest.raises(ConfigError, match="choose another place"):
        draw_report(small_report(), tmp_path / "none" / "report.png")


def test_a_report_of_credit_has_bands_and_drift(figures: list[Figure]) -> None:
    months = {"2024-01": {"psi": 0.05, "observed": 0.1}, "2024-02": {"psi": 0.3, "observed": 0.1}}
    error = {"expected_calibration_error": {"value": 0.0123, "low": 0, "high": 1, "naive": None}}
    assert titles(figures, decisions={"bands": BANDS}, by_month=months, metrics=error) == [
        "Calibration (error 0.0123)",
        "Bands on the test rows",
        "Drift by month (PSI against training)",
        "Mean contribution to the answer",
    ]
    bands = figures[0].axes[1]
    assert [p.get_height() for p in bands.patches] == [0.5, 0.5, 0.0]
    assert [t.get_text() for t in bands.texts] == ["50.0%\nbad 1.25%", "50.0%\nbad 20.00%", "0.0%\nbad none"]
    assert [p.get_height() for p in figures[0].axes[2].patches] == [0.05, 0.3]
    assert figures[0].get_suptitle() == "credit_risk: in time order"


def test_an_amount_is_shown_by_its_first_segment_and_demand_by_month(figures: list[Figure]) -> None:
    numbers = {"rows": 3, "predicted": 2.0, "observed": 1.0}
    months = {"2024-01": {"observed": 2.0, "predicted": 1.5}}
    segments = {"brand": {"small": numbers, "large": {**numbers, "rows": 9}}, "city": {}}
    assert titles(figures, segments=segments, by_month=months)[1:3] == ["Mean by brand", "Mean demand"]
    assert [t.get_text() for t in figures[0].axes[1].get_xticklabels()] == ["large", "small"]
    assert figures[0].axes[2].lines[0].get_ydata() == pytest.approx([1.5])


def test_a_ranking_is_shown_by_path_and_price(figures: list[Figure]) -> None:
    bands = [{"price": 120_000.0, "predicted": 0.4, "observed": 0.6, "rows": 3}]
    months = {"2024-01": {"ndcg_at_10": 0.3}}
    baselines = {"popularity alone": 0.125, "coverage": 0.5}
    assert titles(figures, segments=PATHS, calibration=bands, by_month=months, baselines=baselines) == [
        "Price bands: share shown and wanted",
        "NDCG@10: by what is known, and of each retriever alone",
        "NDCG@10 by month of the question",
        "Mean contribution to the answer",
    ]
    ways = figures[0].axes[1]
    assert [t.get_text() for t in ways.get_yticklabels()] == ["cold", "popularity"]
    assert [t.get_text() for t in ways.texts] == [" 0.250", " 0.125"]
    assert [t.get_text() for t in figures[0].axes[0].get_xticklabels()] == ["12"]


def test_what_a_report_lacks_is_said(figures: list[Figure]) -> None:
    assert titles(figures) == ["Calibration", "No segments", "By month", "Mean contribution to the answer"]
    assert [t.get_text() for t in figures[0].axes[2].texts] == ["the data has no time"]
    assert titles(figures, segments=PATHS, calibration=[])[0] == "Price bands"
    assert [t.get_text() for t in figures[1].axes[0].texts] == ["no prices"]


def test_the_twelve_strongest_features_are_shown_the_strongest_on_top(figures: list[Figure]) -> None:
    titles(figures, importance={f"f{i}": float(i) for i in range(20)})
    names = [t.get_text() for t in figures[0].axes[3].get_yticklabels()]
    assert names == [f"f{i}" for i in range(8, 20)]

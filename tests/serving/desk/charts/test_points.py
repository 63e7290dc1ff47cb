"""Funnel plots and calibration, by figures that can be computed in the head."""

from __future__ import annotations

import re

from serving.desk.charts.points import CalibrationChart, FunnelPlot, Point

POINTS = (Point(100, 250, "制动", "bad"), *(Point(e, e, f"c{e}") for e in (4, 25, 400)))


def test_the_band_narrows_with_the_root_of_the_count() -> None:
    html = FunnelPlot(POINTS, "one stands out", "expected", z=2.0).__html__()
    data = re.findall(r'class="band" d="M([^z]+)z', html)[0]
    points = [tuple(map(float, p.split())) for p in data.split("L")]
    upper, lower = points[: len(points) // 2], points[len(points) // 2 :][::-1]
    assert upper[0][1] < upper[-1][1] and lower[0][1] >= lower[-1][1]
    one = (upper[-1][1] + lower[-1][1]) / 2  # at the right end both limits are equally far from 1
    scale = 100 / 3  # ticks from 0 to 3
    assert abs(one - (100 - scale)) < 0.01


def test_what_stands_out_is_named_and_listed_first() -> None:
    chart = FunnelPlot(POINTS, "one stands out", "expected", ("component", "observed", "expected", "ratio"))
    assert chart.__html__().count('class="point"') == 3
    assert ">制动<" in chart.__html__()
    assert chart.figures().rows[0] == ("制动", "250", "100.0", "2.50")


def test_points_without_an_expectation_are_left_out() -> None:
    assert FunnelPlot((Point(0, 3),), "", "").__html__() == ""
    assert FunnelPlot((), "", "").__html__() == ""


def test_calibration_lies_on_the_diagonal_where_predictions_are_right() -> None:
    chart = CalibrationChart((0.1, 0.2), (0.1, 0.2), (0.05, 0.1), (0.15, 0.2), "right", ("predicted", "observed"), "=")
    html = chart.__html__()
    assert 'cx="50%" cy="117"' in html and 'cx="100%" cy="18"' in html
    assert html.count("whisker") == 2
    assert CalibrationChart((), (), None, None, "", ("", ""), "").__html__() == ""

"""Line charts: places, gaps, logarithms and labels that keep clear of each other."""

from __future__ import annotations

import re
from itertools import pairwise

from serving.desk.charts.drawing import NARROWEST, text_width
from serving.desk.charts.lines import Band, LabelPlaces, LineChart, Mark, Series, Threshold

MONTHS = tuple(f"{m}月" for m in range(1, 13))


def test_points_lie_at_their_shares() -> None:
    html = LineChart(("a", "b", "c"), (Series("n", (0.0, 50.0, 100.0)),), "rises").__html__()
    assert 'd="M0 100L50 50L100 0"' in html


def test_a_gap_breaks_the_line_and_the_band() -> None:
    band = Band((1.0, 1.0, None, 1.0, 1.0), (3.0, 3.0, None, 3.0, 3.0))
    html = LineChart(tuple("abcde"), (Series("n", (2.0, 2.0, None, 2.0, 2.0), band),), "gap").__html__()
    assert len(re.findall(r'class="line"', html)) == 2 == len(re.findall(r'class="band"', html))


def test_a_log_axis_has_equal_ratios_at_equal_distances_and_leaves_out_zero() -> None:
    html = LineChart(tuple("abcd"), (Series("odds", (0.0, 0.1, 1.0, 10.0)),), "odds", log=True).__html__()
    assert 'd="M33.33 100L66.67 50L100 0"' in html
    assert re.findall(r'text-anchor="end">([\d.,]+)<', html)[:3] == ["0.1", "1", "10"]


def test_a_chart_without_values_is_empty_and_one_value_is_a_dot() -> None:
    assert LineChart((), (), "").__html__() == ""
    assert LineChart(("a",), (Series("n", (None,)),), "").__html__() == ""
    assert LineChart(("a",), (Series("n", (3.0,)),), "3").__html__().count("<circle") == 1


def test_labels_at_the_ends_of_lines_do_not_overlap() -> None:
    lines = [Series(f"门店{i}", tuple(10.0 + i / 10 for _ in MONTHS)) for i in range(3)]
    html = LineChart(MONTHS, lines, "three lines", height=200).__html__()
    labels = [(float(y), t) for y, t in re.findall(r'<text x="100%" y="([\d.]+)"[^>]*class="label[^>]*>([^<]+)', html)]
    heights = sorted(y for y, _ in labels)
    assert len(labels) == 3
    assert all(b - a >= 14 for a, b in pairwise(heights))


def test_thresholds_marks_and_ends_are_written() -> None:
    chart = LineChart(
        MONTHS, (Series("可能性", tuple(i / 20 for i in range(12)), end="今日 55%"),), "rises", kind="percent",
        thresholds=(Threshold(0.3, "预警线"),), marks=(Mark(4, "试驾"),), x_title="月",
    )  # fmt: skip
    html = chart.__html__()
    assert all(f">{text}<" in html for text in ("今日 55%", "预警线", "试驾"))
    assert chart.figures().headings == ("月", "可能性") and chart.figures().rows[2] == ("3月", "10.0%")


def test_the_axis_has_the_width_of_its_words() -> None:
    html = LineChart(("a", "b"), (Series("n", (0.0, 1_000_000.0)),), "rises", kind="money").__html__()
    width = float(re.findall(r'<svg width="(\d+)"', html)[0])
    assert width == round(text_width("100 万元")) < NARROWEST


def test_a_label_avoids_a_line() -> None:
    blocked = [(x, 40.0) for x in range(0, 271, 5)]
    assert 'y="68"' in LabelPlaces(blocked, 200).write("word", 1.0, 50, "bad")  # above, at 40, there is a line

"""Charts of one line, by figures that can be computed in the head."""

from __future__ import annotations

import re

import pytest

from serving.desk.charts.small import IntervalBar, ReasonBar, ScoreScale, Segment, Sparkline

SEGMENTS = (Segment("预审拒绝", 505, "bad"), Segment("人工审核", 571, "wait"), Segment("预审通过", 750, "good"))


def test_a_sparkline_has_gaps_and_ends_at_its_last_value() -> None:
    html = Sparkline((0, 1, None, 1, None), "1 at last").__html__()
    assert html.count("<path") == 1  # a value alone is no line
    assert 'cx="64.5"' in html  # 3 + 3 * 82 / 4
    assert Sparkline((None,), "").__html__() == "" == Sparkline((), "").__html__()


def test_an_interval_bar_has_its_ends_at_their_shares_and_stays_within_its_width() -> None:
    html = IntervalBar(0.3, 0.2, 0.9, most=0.6, label="30%", reference=0.15).__html__()
    assert 'x="33.33%"' in html and 'width="66.67%"' in html  # 0.9 lies beyond the end
    assert 'class="axis" x1="25%"' in html
    assert "range" not in IntervalBar(0.3, None, None, most=0.6, label="30%").__html__()


@pytest.mark.parametrize(("value", "x", "width", "side"), [(10, 50, 50, "in-favour"), (-5, 25, 25, "against")])
def test_a_reason_goes_to_its_side(value: float, x: int, width: int, side: str) -> None:
    assert f'class="{side}" x="{x}%" y="1" width="{width}%"' in ReasonBar(value, 10).__html__()


def test_reasons_that_are_all_zero_are_drawn() -> None:
    assert 'width="0%"' in ReasonBar(0, 0).__html__()


def test_a_score_scale_has_both_cut_offs_apart() -> None:
    html = ScoreScale(548, 350, SEGMENTS, "548", "548").__html__()
    places = [float(x) for x in re.findall(r'<text x="([\d.]+)%" y="60"', html)]
    assert places == [38.75, 55.25]  # (505 - 350) / 400 and (571 - 350) / 400
    assert 'x1="49.5%"' in html
    close = ScoreScale(548, 350, (Segment("", 505, "bad"), Segment("", 510, "wait"), Segment("", 750, "good")), "", "")
    assert 'text-anchor="end">505' in close.__html__() and 'y="60">510' in close.__html__()


def test_a_scale_without_a_score_has_no_mark() -> None:
    assert "mark" not in ScoreScale(None, 350, SEGMENTS, "", "no score yet").__html__()

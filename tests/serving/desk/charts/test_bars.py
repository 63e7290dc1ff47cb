"""Bar charts, by figures that can be computed in the head."""

from __future__ import annotations

from serving.desk.charts.bars import BarChart, BarGroup


def test_bars_have_the_length_of_their_share() -> None:
    groups = (
        BarGroup("甲", 4.0, "4"),
        BarGroup("乙", 1.0, "1", low=0.5, high=2.0, compared=3.0),
        BarGroup("丙", None, "—"),
    )
    html = BarChart(groups, "甲 sells most", ("store", "sold")).__html__()
    assert 'width="78%"' in html and 'width="19.5%"' in html  # 78 * 1 / 4
    assert 'class="whisker" x1="9.75%" x2="39%"' in html and 'class="mark" x1="58.5%"' in html
    assert html.count('class="bar"') == 2
    assert BarChart((), "", ("", "")).__html__() == ""


def test_a_value_without_room_after_its_bar_stands_at_the_right_above_it() -> None:
    html = BarChart((BarGroup("甲", 4.0, "4,000,000 元，预期 3,900,000 元"),), "", ("", "")).__html__()
    assert '<text x="100%" y="13" text-anchor="end"' in html


def test_figures_are_those_that_are_written() -> None:
    assert BarChart((BarGroup("甲", 4.0, "4 辆"),), "", ("门店", "销量")).figures().rows == (("甲", "4 辆"),)

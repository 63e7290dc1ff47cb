"""The templates' environment: texts, filters, and what a template may leave out."""

from __future__ import annotations

from datetime import datetime

import pytest
from jinja2 import UndefinedError

from serving.desk.catalogue import Language
from serving.desk.environment import build_environment

NOW = datetime.fromisoformat("2025-06-30T10:30:00+08:00")


def render(source: str, language: Language = "en", **values: object) -> str:
    return build_environment(language, lambda: NOW).from_string(source).render(**values)


@pytest.mark.parametrize(
    ("source", "zh", "en"),
    [
        ("{{ 61200000|money_wan }}", "6,120 万元", "61.2 million yuan"),
        ("{{ 3|money(unit=true) }}", "3 元", "3 yuan"),
        ("{{ (0.012, 0.019)|interval }}", "1.2%～1.9%", "1.2–1.9%"),
        ("{{ '2025-06-30'|date(weekday=true) }}", "6 月 30 日，周一", "Monday, 30 June"),
        ("{{ '2025-06-30T10:12:00+08:00'|age }}", "18 分钟", "18 minutes"),
        ("{{ {'zh': '成本', 'en': 'cost'}|in_language }}", "成本", "cost"),
        ("{{ t('parts.table.range', first=1, last=50, total=1200) }}", "第 1～50 条，共 1,200 条", "1–50 of 1,200"),
        ("{{ 0.025|points }} {{ 38|months }}", "+2.5 个百分点 3 年 2 个月", "+2.5 points 3 years 2 months"),
    ],
)
def test_a_template_writes_its_language(source: str, zh: str, en: str) -> None:
    assert (render(source, "zh"), render(source, "en")) == (zh, en)


def test_macros_have_the_language_without_context() -> None:
    source = "{% from 'parts/table.html' import title %}{{ lang }}"
    assert render(source, "zh") == "zh"


def test_a_missing_field_is_false_and_a_missing_name_is_an_error() -> None:
    assert render("{% if row.href %}link{% else %}none{% endif %}", row={}) == "none"
    with pytest.raises(UndefinedError):
        render("{% if rwo %}{% endif %}", row={})
    with pytest.raises(UndefinedError):
        render("{{ row.href }}", row={})


def test_values_are_escaped_and_charts_are_not() -> None:
    html = render("{{ name }}{{ charts.ReasonBar(1, 2) }}", name="<b>")
    assert html.startswith("&lt;b&gt;<svg ")

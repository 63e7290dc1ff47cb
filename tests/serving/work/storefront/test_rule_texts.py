"""Rules in plain words, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from ml.recommendation.merchandising import Rule
from serving.work.storefront.rule_texts import rule_text, selector_text


@pytest.mark.parametrize(
    ("fields", "zh", "en"),
    [
        (
            {"action": "boost", "where": {"condition": ["used"]}, "places": 1},
            "把“二手车”上移 1 位",
            "Moves “used” up by 1 place",
        ),
        ({"action": "bury", "where": {"brand": ["甲", "乙"]}}, "把“甲 / 乙”排到最后", "Moves “甲 or 乙” to the end"),
        (
            {"action": "hide", "where": {"vehicle_id": ["V1"]}, "valid_until": "2026-11-11"},
            "不展示“车辆 V1”，至2026年11月11日止",
            "Does not show “vehicle V1”, until 11 November 2026",
        ),
        (
            {"action": "pin", "where": {"vehicle_id": ["V1"]}, "place": 3, "stores": ["S1", "S2"]},
            "把“车辆 V1”放在第 3 位，仅门店 S1、S2 的页面",
            "Puts “vehicle V1” at place 3, on pages of stores S1, S2 only",
        ),
    ],
)
def test_a_rule_is_one_sentence(fields: dict[str, Any], zh: str, en: str) -> None:
    text = rule_text(Rule.model_validate(fields))
    assert (text.zh, text.en) == (zh, en)


def test_codes_of_the_tables_are_not_shown() -> None:
    rule = Rule.model_validate({"action": "bury", "where": {"energy_type": ["battery_electric"], "body_type": ["suv"]}})
    assert "battery_electric" not in selector_text(rule).zh + selector_text(rule).en

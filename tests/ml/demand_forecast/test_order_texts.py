"""Sentences about orders: numbers add up, plurals agree, a verdict follows its interval."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from ml.bilingual import Text
from ml.demand_forecast.order_texts import affordability_text, line_text, practice_names, saving_text

LINE: dict[str, Any] = {
    "on_hand": 3, "on_order": 1, "demand_mean": 5.24, "demand_p10": 2.0, "demand_p90": 8.0, "order_up_to": 8,
    "transfer_in": 0, "transfer_out": 0, "order": 4, "lost_without_order": 2.44, "lost_with_order": 0.82,
    "saving_yuan": 9_535.4,
}  # fmt: skip


def test_a_line_says_why_and_what_happens_without_the_order() -> None:
    text = line_text(LINE, days=35)
    assert text.zh == (
        "库存 3 辆，在途 1 辆；到下次到货（35 天）预计需求 5.2 辆（80% 区间 2 至 8）。目标库存 8 辆，采购 4 辆。"
        "不采购预计失销 2.4 辆，采购后失销 0.8 辆：节省 9,535 元。"
    )
    moved = line_text(LINE | {"transfer_in": 1, "transfer_out": 2, "order": 1}, days=35)
    assert "; receives 1 vehicle; sends 2 vehicles. Order up to 8: 1 vehicle. Without" in moved.en
    assert line_text(LINE | {"order": 0}, days=35).en.endswith(
        "(80% interval 2 to 8). Order up to 8: nothing to order."
    )
    assert line_text(LINE | {"order": 0}, days=35).zh.endswith("目标库存 8 辆，无需采购。")


def test_few_lost_sales_have_more_digits_and_an_order_that_costs_more_says_so() -> None:
    text = line_text(LINE | {"lost_without_order": 0.1325, "lost_with_order": 0.0575, "saving_yuan": -39.8}, days=35)
    assert text.en.endswith(  # 0.1 in both cases with one decimal
        "Without the order 0.13 sales are lost, with it 0.06: it costs 40 yuan more than it saves until then."
    )
    assert text.zh.endswith("到下次到货前比节省的多花 40 元。")


@pytest.mark.parametrize(
    ("saving", "low", "high", "en", "zh"),
    [
        (
            1_200.0,
            300.0,
            2_000.0,
            "saves 1,200 yuan (80% interval 300 to 2,000), cheaper in 62% of the",
            "节省 1,200 元",
        ),
        (0.0, -5.0, 5.0, "saves 0 yuan (80% interval -5 to 5), cheaper", "80% 区间 -5 至 5"),
        (-800.0, -900.0, 5.0, "costs 800 yuan more (80% interval -5 to 900), cheaper in 62% of", "多花 800 元"),
    ],
)
def test_a_saving_has_its_interval_and_its_probability(
    saving: float, low: float, high: float, en: str, zh: str
) -> None:
    row = {"saving_yuan": saving, "saving_low": low, "saving_high": high, "cheaper_probability": 0.62}
    text = saving_text(row, Text(zh="不采购", en="no orders"))
    assert text.en.startswith(f"against no orders: {en}") and zh in text.zh and "在 62% 的模拟情形中更省" in text.zh


def test_names_of_the_practices() -> None:
    assert practice_names(1, "week")["last_sales"] == Text(zh="按上周销量采购", en="ordering last week's sales")
    assert practice_names(3, "month")["last_sales"].zh == "按最近 3 个月销量采购"


def test_within_the_budget() -> None:
    orders = pl.DataFrame({"order": [2], "priority": [1], "purchase_cost_yuan": [2e5], "running_cost_yuan": [2e5]})
    assert (
        affordability_text(orders, 2e5).en == "2 vehicles cost 200,000 yuan to buy, within the budget of 200,000 yuan"
    )
    assert affordability_text(orders, 1e5).zh.endswith("按优先级，1 行中有 0 行在预算内")


def test_equal_costs_are_called_the_same() -> None:
    row = {"saving_yuan": 0.0, "saving_low": 0.0, "saving_high": 0.0, "cheaper_probability": 0.5}
    text = saving_text(row, Text(zh="不采购", en="no orders"))
    assert (text.en, text.zh) == ("against no orders: the same cost", "与不采购相比：成本相同")

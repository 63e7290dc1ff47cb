"""Sentences about orders, in Chinese and English: why this number, what it saves, whether it is affordable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from features.periods import Frequency
from features.plurals import count_text
from ml.bilingual import Text

EQUAL = 0.5  # yuan; smaller differences are not shown
PERIODS = {"day": ("天", "day"), "week": ("周", "week"), "month": ("个月", "month")}


def practice_names(last_periods: int, frequency: Frequency) -> dict[str, Text]:
    """Return the names of the plan and of the practices that it is compared with.

    Parameters
    ----------
    last_periods : int
        Number of periods whose sales are ordered again, from `ml.demand_forecast.order_practices.practice_orders`.
    frequency : {'day', 'week', 'month'}
        Length of a period.

    Examples
    --------
    >>> practice_names(1, "month")["last_sales"].en, practice_names(2, "week")["last_sales"].zh
    ("ordering last month's sales", '按最近 2 周销量采购')
    """
    zh, en = PERIODS[frequency]
    last = (
        Text(zh=f"按上{zh.removeprefix('个')}销量采购", en=f"ordering last {en}'s sales")
        if last_periods == 1
        else Text(zh=f"按最近 {last_periods} {zh}销量采购", en=f"ordering the sales of the last {last_periods} {en}s")
    )
    return {
        "plan": Text(zh="按本计划采购", en="this plan"),
        "last_sales": last,
        "safety_stock": Text(zh="按均值加安全库存采购", en="ordering up to mean demand plus safety stock"),
        "no_orders": Text(zh="不采购", en="no orders"),
    }


def line_text(line: Mapping[str, Any], *, days: float) -> Text:
    """Return why a line orders its number, and what happens without the order.

    Parameters
    ----------
    line : mapping
        Row of `ml.demand_forecast.order_comparison.EvaluatedPlan.orders`.
    days : float
        Lead time plus review period.

    Returns
    -------
    Text
        One or two sentences.

    Examples
    --------
    >>> line = {"on_hand": 1, "on_order": 2, "demand_mean": 4.26, "demand_p10": 2.0, "demand_p90": 7.0,
    ...     "order_up_to": 6, "transfer_in": 0, "transfer_out": 0, "order": 3, "lost_without_order": 1.52,
    ...     "lost_with_order": 0.31, "saving_yuan": 4_812.0}
    >>> for sentence in line_text(line, days=35).en.removesuffix(".").split(". "):
    ...     print(sentence)
    1 in stock and 2 on order; expected demand until the next delivery (35 days) 4.3 (80% interval 2 to 7)
    Order up to 6: 3 vehicles
    Without the order 1.5 sales are lost, with it 0.3: it saves 4,812 yuan
    """
    demand, target = f"{line['demand_mean']:.1f}", line["order_up_to"]
    low, high = (f"{line[n]:.0f}" for n in ("demand_p10", "demand_p90"))
    zh = (
        f"库存 {line['on_hand']} 辆，在途 {line['on_order']} 辆；到下次到货（{days:g} 天）预计需求 {demand} 辆"
        f"（80% 区间 {low} 至 {high}）"
    )
    en = (
        f"{line['on_hand']} in stock and {line['on_order']} on order; expected demand until the next delivery "
        f"({days:g} days) {demand} (80% interval {low} to {high})"
    )
    for name, zh_move, en_move in (("transfer_in", "调入", "receives"), ("transfer_out", "调出", "sends")):
        if line[name]:
            zh, en = f"{zh}；{zh_move} {line[name]} 辆", f"{en}; {en_move} {count_text(line[name], 'vehicle')}"
    if not line["order"]:
        return Text(zh=f"{zh}。目标库存 {target} 辆，无需采购。", en=f"{en}. Order up to {target}: nothing to order.")
    lost = (line["lost_without_order"], line["lost_with_order"])
    # Few sales are lost: one decimal would show the same number twice.
    digits = 1 if f"{lost[0]:.1f}" != f"{lost[1]:.1f}" else 2
    without, after = (f"{n:.{digits}f}" for n in lost)
    saving = line["saving_yuan"]
    yuan = f"{abs(saving):,.0f}"
    effect = (
        Text(zh=f"节省 {yuan} 元", en=f"it saves {yuan} yuan")
        if saving >= 0
        else Text(zh=f"到下次到货前比节省的多花 {yuan} 元", en=f"it costs {yuan} yuan more than it saves until then")
    )
    vehicles = count_text(line["order"], "vehicle")
    return Text(
        zh=f"{zh}。目标库存 {target} 辆，采购 {line['order']} 辆。不采购预计失销 {without} 辆，采购后失销 {after} 辆："
        f"{effect.zh}。",
        en=f"{en}. Order up to {target}: {vehicles}. Without the order {without} sales are lost, with it {after}: "
        f"{effect.en}.",
    )


def saving_text(row: Mapping[str, Any], name: Text) -> Text:
    """Return what the plan saves against a practice, with its interval and the probability that it is cheaper.

    Parameters
    ----------
    row : mapping
        Row of `ml.demand_forecast.order_comparison.EvaluatedPlan.comparison` of a practice.
    name : Text
        Name of the practice, from `practice_names`.

    Examples
    --------
    >>> row = {"saving_yuan": 9_000.0, "saving_low": -300.0, "saving_high": 20_000.0, "cheaper_probability": 0.876}
    >>> print(saving_text(row, Text(zh="不采购", en="no orders")).en)
    against no orders: saves 9,000 yuan (80% interval -300 to 20,000), cheaper in 88% of the simulated outcomes
    """
    saving, low, high = (float(row[n]) for n in ("saving_yuan", "saving_low", "saving_high"))
    if max(abs(saving), abs(low), abs(high)) < EQUAL:
        return Text(zh=f"与{name.zh}相比：成本相同", en=f"against {name.en}: the same cost")
    zh_verb, en_verb, more = ("多花", "costs", " more") if saving < 0 else ("节省", "saves", "")
    low, high = (-high, -low) if saving < 0 else (low, high)
    share = f"{row['cheaper_probability']:.0%}"
    return Text(
        zh=f"与{name.zh}相比：{zh_verb} {abs(saving):,.0f} 元（80% 区间 {low:,.0f} 至 {high:,.0f}），"
        f"在 {share} 的模拟情形中更省",
        en=f"against {name.en}: {en_verb} {abs(saving):,.0f} yuan{more} (80% interval {low:,.0f} to {high:,.0f}), "
        f"cheaper in {share} of the simulated outcomes",
    )


def affordability_text(orders: pl.DataFrame, budget: float | None) -> Text:
    """Return the purchase cost of the orders, and which lines fit the budget.

    Parameters
    ----------
    orders : DataFrame
        `ml.demand_forecast.order_comparison.EvaluatedPlan.orders`.
    budget : float or None
        Purchase value that the orders may reach, yuan.

    Examples
    --------
    >>> orders = pl.DataFrame({"order": [2, 1, 0], "priority": [1, 2, None], "purchase_cost_yuan": [2e5, 1e5, 0.0],
    ...     "running_cost_yuan": [2e5, 3e5, None]})
    >>> print(affordability_text(orders, 250_000.0).en)
    3 vehicles cost 300,000 yuan to buy, 50,000 yuan above the budget of 250,000 yuan: 1 of 2 lines fits it, by priority
    >>> print(affordability_text(orders, None).en)
    3 vehicles cost 300,000 yuan to buy; no budget is configured
    """
    vehicles, cost = int(orders["order"].sum()), float(orders["purchase_cost_yuan"].sum())
    zh = f"采购 {vehicles:,} 辆，进货金额 {cost:,.0f} 元"
    en = f"{count_text(vehicles, 'vehicle costs', 'vehicles cost')} {cost:,.0f} yuan to buy"
    if budget is None:
        return Text(zh=f"{zh}；未设置预算", en=f"{en}; no budget is configured")
    if cost <= budget:
        return Text(zh=f"{zh}，在预算 {budget:,.0f} 元以内", en=f"{en}, within the budget of {budget:,.0f} yuan")
    lines = int((orders["order"] > 0).sum())
    fitting = int((orders["running_cost_yuan"] <= budget).sum())
    return Text(
        zh=f"{zh}，超出预算 {budget:,.0f} 元 {cost - budget:,.0f} 元：按优先级，{lines} 行中有 {fitting} 行在预算内",
        en=f"{en}, {cost - budget:,.0f} yuan above the budget of {budget:,.0f} yuan: {fitting} of {lines} lines "
        f"{'fits' if fitting == 1 else 'fit'} it, by priority",
    )

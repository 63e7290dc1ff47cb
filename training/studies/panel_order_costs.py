"""Simulated cost of ordering by the forecasts, compared with simpler policies and perfect foresight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri

from features.periods import first_day
from ml.bilingual import Text
from ml.demand_forecast.coherence import cumulative_quantiles
from ml.demand_forecast.estimator import ended_series
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.planning import CellCosts, PlanningRules, load_planning_rules
from ml.domain.arrays import FloatArray
from ml.domain.demand.newsvendor import order_up_to
from ml.domain.demand.order_simulation import (
    Policy,
    fixed_orders,
    order_up_to_policy,
    perfect_foresight,
    safety_stock_targets,
    simulate_orders,
)
from ml.domain.statistics.resampling import bootstrap_interval, resampled_counts
from ml.home import model_file
from ml.report.columns import Interval, column
from ml.report.sections import Paragraph, Section, Table
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import OriginForecasts
from training.studies.report_words import PANEL

RULES = "order_planning.yaml"
FORECASTS, LAST_SALES, SAFETY_STOCK = "order by forecasts", "order last period's sales", "mean + safety stock"
FEN = 100
UNIT_COSTS = (9.0, 1.0)  # underage and overage without prices: a critical ratio of 90 %
PERIODS = {"month": ("每月", "个月"), "week": ("每周", "周"), "day": ("每天", "天")}
RESAMPLES = 1_000
MULTIPLE = Text(zh="倍", en="times")
UNITS = Text(zh="持有件数（无价格数据：缺货 1 件按 9 件计）", en="units held (no prices: a lost unit counts as nine)")


def order_sections(study: PanelData, forecasts: OriginForecasts) -> list[Section]:
    """Return report sections with cost, fill rate and stock of each ordering policy on the held-out periods.

    Costs are per series and period, by `order_planning.yaml`. No sections if the horizon is shorter than lead time
    plus review period, or no series covers the held-out periods.

    Parameters
    ----------
    study : PanelData
        Panel and held-out origins: ``training.studies.panel_data.PanelData.read(load_config("demand_forecast"))``, with
        `load_config` of `training.config`.
    forecasts : OriginForecasts
        ``study.origin_forecasts(study.fit_forecaster())``, or of another fitted forecaster.

    Returns
    -------
    list of Section
        A table with one row per policy (cost in yuan, or in units without prices; cost as a multiple of ordering by
        forecasts; share of demand met; mean stock in vehicles), and paragraphs with the verdict and the assumptions.
        Columns of the table: `policy`, `cost`, `cost_ratio` with its 95 % interval `low` and `high`, `fill_rate` (0 to
        1) and `mean_stock`.

    Raises
    ------
    DataError, ConfigError
        `order_planning.yaml`, in the folder of `sources.yaml`, is invalid, or unit costs cannot be computed.

    Examples
    --------
    >>> from training.config import load_config
    >>> study = PanelData.read(load_config("demand_forecast"))  # doctest: +SKIP
    >>> sections = order_sections(study, study.origin_forecasts(study.fit_forecaster()))  # doctest: +SKIP
    """
    panel, first, forecaster = study.panel, study.origins[0], forecasts.forecaster
    rules, note = _rules(study)
    days = float(first_day([panel.first + 1], panel.frequency)[0] - first_day([panel.first], panel.frequency)[0])
    lead = round(rules.lead_days / days)
    periods = panel.periods - first
    if lead + 1 > study.params.horizon or periods <= lead:
        return []
    cells = np.flatnonzero((panel.begin < first) & ~ended_series(panel.until(first)) & np.isfinite(panel.sold[:, -1]))
    if len(cells) == 0:
        return []
    demand = (
        np.rint(forecaster.features(panel).demand[cells])
        if panel.is_count
        else forecaster.features(panel).demand[cells]
    )
    history, ahead = demand[:, :first], demand[:, first:]
    underage, overage, unit = _costs(panel, cells, rules, days)
    order_cost = rules.order_cost if unit != UNITS else 0.0
    ratio = CellCosts(underage, overage, np.zeros(len(cells))).critical_ratio(order_cost)
    targets = np.empty((len(cells), periods))
    for t in range(periods):
        forecast, _ = forecasts.at(first + t)
        sums = cumulative_quantiles(forecast, forecaster.dependence_, forecaster.codes(panel), lead + 1, GRID)
        targets[:, t] = order_up_to(GRID, sums[cells], ratio)
    window = min(panel.season, first)
    safety = safety_stock_targets(demand, periods, protection=lead + 1, factor=ndtri(ratio), window=window)
    policies: dict[str, Policy] = {
        FORECASTS: order_up_to_policy(targets),
        LAST_SALES: fixed_orders(demand[:, first - 1 : -1]),
        SAFETY_STOCK: order_up_to_policy(safety),
        "perfect foresight": order_up_to_policy(perfect_foresight(ahead, lead=lead)),
    }
    start = np.maximum(safety[:, 0] - history[:, -1] * 0.5, 0.0)
    results = {name: simulate_orders(ahead, start, policy, lead=lead) for name, policy in policies.items()}
    # A lost sale also saves the cost of its order, as in the plan.
    cost = {name: r.cost(underage - order_cost, overage, since=lead) / (periods - lead) for name, r in results.items()}
    rows = [
        {
            "policy": name, "cost": float(cost[name].mean()), **_cost_ratio(cost[name], cost[FORECASTS]),
            "fill_rate": result.fill_rate(since=lead), "mean_stock": float(result.left[:, lead:].mean()),
        }
        for name, result in results.items()
    ]  # fmt: skip
    span = f"{_count(periods - lead, panel.frequency)} from {panel.name(first + lead)}"
    zh_note = f"成本取自 {RULES}" if note.endswith(RULES) else "成本为默认值"
    each_zh, periods_zh = PERIODS[panel.frequency]
    assumptions = Text(
        zh=f"{zh_note}；到货期 {lead} {periods_zh}，{each_zh}采购一次；{len(cells):,} 个序列，自 "
        f"{panel.name(first + lead)} 起 {periods - lead} {periods_zh}；缺货即失单；区间按序列计算，不含整体市场变化",
        en=f"{note}; lead time {_count(lead, panel.frequency)}, one order a {panel.frequency}; {len(cells):,} series, "
        f"{span}; unmet demand is lost; intervals are over series and do not cover changes of the whole market",
    )
    columns = (
        column("policy", "采购方式", "ordering policy", words=PANEL),
        column("cost", "每序列每期成本", "cost per series and period", "amount", unit=unit),
        column(
            "cost_ratio", "成本相对按预测采购", "cost relative to ordering by forecasts", "number", unit=MULTIPLE,
            interval=Interval(),
        ),
        column("fill_rate", "需求满足率", "share of demand met", "share"),
        column("mean_stock", "平均库存", "mean stock", "number", unit=Text(zh="辆", en="vehicles")),
    )  # fmt: skip
    title = Text(zh="各采购方式的模拟成本", en="Simulated cost of ordering policies")
    compared = [row for row in rows if row["policy"] in (LAST_SALES, SAFETY_STOCK) and row["cost_ratio"] is not None]
    free = Text(
        zh="按预测采购的成本为 0，无法计算倍数。", en="Ordering by forecasts costs nothing: there is no ratio to it."
    )
    verdicts = [_verdict(row) for row in compared] or [free]
    verdict = Text(zh="".join(v.zh for v in verdicts), en=" ".join(v.en for v in verdicts))
    return [
        Table(name="orders", title=title, columns=columns, rows=tuple(rows)),
        Paragraph(
            name="order_verdict", title=Text(zh="采购方式比较", en="Which ordering policy is better"), text=verdict
        ),
        Paragraph(
            name="order_assumptions", title=Text(zh="模拟假设", en="Assumptions of the simulation"), text=assumptions
        ),
    ]


def _verdict(row: Mapping[str, Any]) -> Text:
    """Return whether ordering by forecasts cost less than another policy, with the interval."""
    low, high, name = row["low"], row["high"], PANEL[row["policy"]]
    zh = f"“{name.zh}”的成本是按预测采购的 {row['cost_ratio']:.2f} 倍"
    en = f"'{name.en}' costs {row['cost_ratio']:.2f} times as much as ordering by forecasts"
    if low is None or high is None:
        return Text(zh=f"{zh}（没有区间）。", en=f"{en} (no interval).")
    zh_result = "更省" if low > 1 else "更贵" if high < 1 else "没有明显差别"
    result = "is cheaper" if low > 1 else "is more expensive" if high < 1 else "shows no clear difference"
    return Text(
        zh=f"{zh}（95% 区间 {low:.2f}～{high:.2f}）：按预测采购{zh_result}。",
        en=f"{en} (95% interval {low:.2f} to {high:.2f}): ordering by forecasts {result}.",
    )


def _count(periods: int, frequency: str) -> str:
    return f"{periods} {frequency}{'' if periods == 1 else 's'}"


def _cost_ratio(cost: FloatArray, other: FloatArray) -> dict[str, float | None]:
    """Return the ratio of two total costs with its 95 % bootstrap interval over series.

    There is no ratio to a policy that costs nothing, and no interval of a policy compared with itself or of a single
    series.
    """
    total = float(other.sum())
    if total <= 0:
        return {"cost_ratio": None, "low": None, "high": None}
    ratio = float(cost.sum()) / total
    if cost is other:
        return {"cost_ratio": ratio, "low": None, "high": None}
    counts = np.stack(list(resampled_counts(len(cost), n=RESAMPLES, seed=0)))
    sums = counts @ other
    interval = bootstrap_interval(ratio, (counts @ cost)[sums > 0] / sums[sums > 0], bounds=(0.0, np.inf))
    low, high = (interval.low, interval.high) if interval.has_limits else (None, None)
    return {"cost_ratio": ratio, "low": low, "high": high}


def _rules(study: PanelData) -> tuple[PlanningRules, str]:
    path = model_file(study.config.sources.parent, RULES, study.config.name or "")
    if path.exists():
        return load_planning_rules(path), f"costs from {RULES}"
    return PlanningRules(), "default costs"


def _costs(panel: Panel, cells: Any, rules: PlanningRules, days: float) -> tuple[FloatArray, FloatArray, Text]:
    """Return underage and overage of each cell over one period, and their unit."""
    price = panel.drivers.get("price")
    if price is None or "model" not in panel.series.columns:
        n = len(cells)
        return np.full(n, UNIT_COSTS[0]), np.full(n, UNIT_COSTS[1]), UNITS
    prices = np.where(np.isfinite(price[cells]) & (price[cells] > 0), price[cells], np.nan)
    overall = float(np.nanmedian(prices)) if np.isfinite(prices).any() else 1.5e7
    has_price = np.isfinite(prices).any(axis=1)
    each = np.full(len(cells), overall)
    each[has_price] = np.nanmedian(prices[has_price], axis=1)
    model = panel.series["model"].to_list()
    brand = panel.series["brand"].to_list() if "brand" in panel.series.columns else [None] * len(model)
    costs = [rules.unit_costs(str(model[c]), brand[c], p / FEN) for c, p in zip(cells, each, strict=True)]
    return np.array([c.underage for c in costs]), np.array([c.overage(days) for c in costs]), Text(zh="元", en="yuan")

"""What the forecasts are worth: ordering by them on the held-out periods, beside simpler ways and perfect foresight."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from features.periods import first_day
from ml.bilingual import Text
from ml.demand_forecast.coherence import cumulative_quantiles
from ml.demand_forecast.estimator import ended
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.planning import PlanningRules, load_planning_rules
from ml.domain.arrays import FloatArray
from ml.domain.demand.newsvendor import order_up_to
from ml.domain.demand.order_simulation import Policy, as_many_as, foresight, play, safety_targets, up_to
from ml.domain.statistics.resampling import percentile_interval, resampled_counts
from ml.report.columns import Interval, column
from ml.report.sections import Paragraph, Section, Table
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import OriginForecasts

RULES = "order_planning.yaml"
FEN = 100
PLAIN = (9.0, 1.0)  # underage and overage where nothing is known of prices: one in ten may go without
RESAMPLES = 200
UNITS = Text(zh="持有件数（无价格：缺货一件计九）", en="units held (no prices: a lost unit counts nine)")


def order_sections(study: PanelData, forecasts: OriginForecasts) -> list[Section]:
    """Return cost, fill rate and stock of each way of ordering on the periods of the test, by the house's rules.

    Costs are of a series and period. Empty where the horizon is shorter than lead time plus review.
    """
    panel, first, forecaster = study.panel, study.origins[0], forecasts.forecaster
    rules, note = _rules(study)
    days = float(first_day([panel.first + 1], panel.frequency)[0] - first_day([panel.first], panel.frequency)[0])
    lead = round(rules.lead_days / days)
    periods = panel.periods - first
    if lead + 1 > study.params.horizon or periods <= lead:
        return []
    cells = np.flatnonzero((panel.begin < first) & ~ended(panel.until(first)) & np.isfinite(panel.sold[:, -1]))
    if len(cells) == 0:
        return []
    demand = np.rint(forecaster.past(panel).demand[cells]) if panel.whole else forecaster.past(panel).demand[cells]
    history, ahead = demand[:, :first], demand[:, first:]
    underage, overage, unit = _costs(panel, cells, rules, days)
    ratio = underage / (underage + overage)
    targets = np.empty((len(cells), periods))
    for t in range(periods):
        forecast, _ = forecasts.at(first + t)
        sums = cumulative_quantiles(forecast, forecaster.dependence_, forecaster.codes(panel), lead + 1, GRID)
        targets[:, t] = order_up_to(GRID, sums[cells], ratio)
    window = min(panel.season, first)
    safety = safety_targets(demand, periods, protection=lead + 1, factor=ndtri(ratio), window=window)
    ways: dict[str, Policy] = {
        "product": up_to(targets),
        "order last period's sales": as_many_as(demand[:, first - 1 : -1]),
        "mean + safety stock": up_to(safety),
        "perfect foresight": up_to(foresight(ahead, lead=lead)),
    }
    start = np.maximum(safety[:, 0] - history[:, -1] * 0.5, 0.0)
    played = {name: play(ahead, start, policy, lead=lead) for name, policy in ways.items()}
    cost = {name: p.cost(underage, overage, since=lead) / (periods - lead) for name, p in played.items()}
    rows = []
    for name, p in played.items():
        low, high = _ratio(cost[name], cost["product"])
        over_product = float(cost[name].sum() / max(cost["product"].sum(), 1e-9))
        rows.append(
            {
                "way": name, "cost": float(cost[name].mean()), "over_product": over_product, "low": low, "high": high,
                "fill_rate": p.fill_rate(since=lead), "mean_stock": float(p.left[:, lead:].mean()),
            }
        )  # fmt: skip
    unit_of_time = f"{panel.frequency}s"
    assumed = (
        f"{note}; orders arrive {lead} {unit_of_time} later; {len(cells):,} series, {periods - lead} {unit_of_time}"
    )
    columns = (
        column("way", "订车方式", "way of ordering"),
        column("cost", "每序列每期成本", "cost a series and period", "amount", unit=unit),
        column("over_product", "与产品之比", "cost over the product's", "number", interval=Interval()),
        column("fill_rate", "满足率", "demand met", "share"),
        column("mean_stock", "平均库存", "mean stock", "number", unit=Text(zh="辆", en="vehicles")),
    )
    title = Text(zh="按预测订车的成本", en="Cost of ordering by the forecasts")
    return [
        Table(name="orders", title=title, columns=columns, rows=tuple(rows)),
        Paragraph(name="order_assumptions", title=Text(zh="订车假设", en="Assumptions of ordering"), text=assumed),
    ]


def _ratio(cost: FloatArray, other: FloatArray) -> tuple[float, float]:
    """95 % interval, over series, of the total of one cost over that of another."""
    draws = [
        float((w * cost).sum() / max((w * other).sum(), 1e-9)) for w in resampled_counts(len(cost), n=RESAMPLES, seed=0)
    ]
    found = percentile_interval(float(np.median(draws)), draws, level=0.95)
    return found.low, found.high


def _rules(study: PanelData) -> tuple[PlanningRules, str]:
    path = study.config.sources.parent / RULES
    if path.exists():
        return load_planning_rules(path), f"costs of {RULES}"
    return PlanningRules(), "costs as shipped"


def _costs(panel: Panel, cells: Any, rules: PlanningRules, days: float) -> tuple[FloatArray, FloatArray, Text]:
    """Underage and overage of each cell until the next period."""
    price = panel.drivers.get("price")
    if price is None or "model" not in panel.series.columns:
        n = len(cells)
        return np.full(n, PLAIN[0]), np.full(n, PLAIN[1]), UNITS
    known = np.where(np.isfinite(price[cells]) & (price[cells] > 0), price[cells], np.nan)
    overall = float(np.nanmedian(known)) if np.isfinite(known).any() else 1.5e7
    there = np.isfinite(known).any(axis=1)
    each = np.full(len(cells), overall)
    each[there] = np.nanmedian(known[there], axis=1)
    model = panel.series["model"].to_list()
    brand = panel.series["brand"].to_list() if "brand" in panel.series.columns else [None] * len(model)
    costs = [rules.of(str(model[c]), brand[c], p / FEN) for c, p in zip(cells, each, strict=True)]
    return np.array([c.underage for c in costs]), np.array([c.overage(days) for c in costs]), Text(zh="元", en="yuan")

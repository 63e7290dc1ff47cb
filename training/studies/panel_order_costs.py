"""Simulated cost of ordering by the forecasts, compared with simpler policies and perfect foresight."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from features.periods import first_day
from ml.bilingual import Text
from ml.demand_forecast.coherence import cumulative_quantiles
from ml.demand_forecast.estimator import ended_series
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.planning import PlanningRules, load_planning_rules
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
from ml.domain.statistics.resampling import percentile_interval, resampled_counts
from ml.home import model_file
from ml.report.columns import Interval, column
from ml.report.sections import Paragraph, Section, Table
from training.studies.panel_data import PanelData
from training.studies.panel_forecasts import OriginForecasts

RULES = "order_planning.yaml"
FEN = 100
UNIT_COSTS = (9.0, 1.0)  # underage and overage without prices: a critical ratio of 90 %
RESAMPLES = 200
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
        A table with one row per policy (cost in yuan, or in units without prices; cost relative to the forecasts';
        share of demand met; mean stock in vehicles), and a paragraph with the assumptions. Columns of the table:
        `policy`, `cost`, `cost_ratio` with its 95 % interval `low` and `high`, `fill_rate` (0 to 1) and `mean_stock`.

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
    ratio = underage / (underage + overage)
    targets = np.empty((len(cells), periods))
    for t in range(periods):
        forecast, _ = forecasts.at(first + t)
        sums = cumulative_quantiles(forecast, forecaster.dependence_, forecaster.codes(panel), lead + 1, GRID)
        targets[:, t] = order_up_to(GRID, sums[cells], ratio)
    window = min(panel.season, first)
    safety = safety_stock_targets(demand, periods, protection=lead + 1, factor=ndtri(ratio), window=window)
    policies: dict[str, Policy] = {
        "order by forecasts": order_up_to_policy(targets),
        "order last period's sales": fixed_orders(demand[:, first - 1 : -1]),
        "mean + safety stock": order_up_to_policy(safety),
        "perfect foresight": order_up_to_policy(perfect_foresight(ahead, lead=lead)),
    }
    start = np.maximum(safety[:, 0] - history[:, -1] * 0.5, 0.0)
    results = {name: simulate_orders(ahead, start, policy, lead=lead) for name, policy in policies.items()}
    cost = {name: r.cost(underage, overage, since=lead) / (periods - lead) for name, r in results.items()}
    rows = []
    for name, result in results.items():
        low, high = _ratio_interval(cost[name], cost["order by forecasts"])
        cost_ratio = float(cost[name].sum() / max(cost["order by forecasts"].sum(), 1e-9))
        rows.append(
            {
                "policy": name, "cost": float(cost[name].mean()), "cost_ratio": cost_ratio, "low": low, "high": high,
                "fill_rate": result.fill_rate(since=lead), "mean_stock": float(result.left[:, lead:].mean()),
            }
        )  # fmt: skip
    assumptions = (
        f"{note}; lead time {_count(lead, panel.frequency)}; {len(cells):,} series, "
        f"{_count(periods - lead, panel.frequency)}"
    )
    columns = (
        column("policy", "采购方式", "ordering policy"),
        column("cost", "每序列每期成本", "cost per series and period", "amount", unit=unit),
        column(
            "cost_ratio", "与按预测采购的成本之比", "cost relative to the forecasts'", "number", interval=Interval()
        ),
        column("fill_rate", "需求满足率", "share of demand met", "share"),
        column("mean_stock", "平均库存", "mean stock", "number", unit=Text(zh="辆", en="vehicles")),
    )
    title = Text(zh="各采购方式的模拟成本", en="Simulated cost of ordering policies")
    return [
        Table(name="orders", title=title, columns=columns, rows=tuple(rows)),
        Paragraph(
            name="order_assumptions", title=Text(zh="模拟假设", en="Assumptions of the simulation"), text=assumptions
        ),
    ]


def _count(periods: int, frequency: str) -> str:
    return f"{periods} {frequency}{'' if periods == 1 else 's'}"


def _ratio_interval(cost: FloatArray, other: FloatArray) -> tuple[float, float]:
    """Return the 95 % bootstrap interval, over series, of the ratio of two total costs."""
    draws = [
        float((w * cost).sum() / max((w * other).sum(), 1e-9)) for w in resampled_counts(len(cost), n=RESAMPLES, seed=0)
    ]
    interval = percentile_interval(float(np.median(draws)), draws, level=0.95)
    return interval.low, interval.high


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

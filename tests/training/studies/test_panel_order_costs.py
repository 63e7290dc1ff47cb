"""Simulated ordering policies for constant demand, with costs computed by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.demand_forecast.panel import Panel
from ml.report.report import Report
from ml.report.sections import Paragraph, Table
from tests.reports import keyed
from tests.training.studies.steady_demand import MONTHS, steady_forecasts, steady_panel
from training.studies.panel_order_costs import RULES, _cost_ratio, _verdict, order_sections

FIRST = MONTHS - 7  # six test months and the month with higher demand


def study(panel: Panel, folder: Path, *, horizon: int = 2, first: int = FIRST) -> Any:
    return SimpleNamespace(
        panel=panel,
        origins=range(first, panel.periods),
        params=SimpleNamespace(horizon=horizon),
        config=SimpleNamespace(sources=folder / "sources.yaml", name=None),
    )


def costs(panel: Panel, folder: Path, **changes: Any) -> Report:
    sections = order_sections(study(panel, folder, **changes), steady_forecasts(panel))
    return Report(task="demand_forecast", protocol="", sections=tuple(sections))


def described(report: Report) -> tuple[str, str]:
    """Unit of the costs, and the assumptions."""
    orders, assumptions = report["orders"], report["order_assumptions"]
    assert isinstance(orders, Table) and isinstance(assumptions, Paragraph)
    unit = orders.columns[1].unit
    assert unit is not None
    return unit.en, assumptions.shown()


def test_without_prices_a_lost_unit_costs_nine_times_a_unit_held(tmp_path: Path) -> None:
    result = costs(steady_panel(), tmp_path)
    policies = keyed(result, "orders")
    assert list(policies) == [
        "order by forecasts",
        "order last period's sales",
        "mean + safety stock",
        "perfect foresight",
    ]
    assert described(result) == (
        "units held (no prices: a lost unit counts as nine)",
        "default costs; lead time 1 month, one order a month; 2 series, 6 months from 2022-01; unmet demand is lost; "
        "intervals are over series and do not cover changes of the whole market",
    )
    # Under perfect foresight no vehicle is left and none is lost.
    assert (policies["perfect foresight"]["cost"], policies["perfect foresight"]["cost_ratio"]) == (0.0, 0.0)
    assert (policies["perfect foresight"]["fill_rate"], policies["perfect foresight"]["mean_stock"]) == (1.0, 0.0)
    # Stock for two months is 8 and 4; the initial half month more stays under equal orders. In the last month demand
    # is two higher: lost without safety stock (18), met from it otherwise.
    last, safe = policies["order last period's sales"], policies["mean + safety stock"]
    assert last["cost"] == pytest.approx(((2 * 5 + 0) / 6 + 1) / 2)
    assert safe["cost"] == pytest.approx(2 * 9 / 6 / 2) and safe["fill_rate"] == pytest.approx(1 - 2 / 38)
    # The critical ratio is 0.9: the target for two months exceeds mean demand, and nothing is lost.
    assert policies["order by forecasts"]["fill_rate"] == 1.0 and policies["order by forecasts"]["cost_ratio"] == 1.0
    assert policies["order by forecasts"]["low"] is None and policies["order by forecasts"]["cost"] > 1
    verdict = result["order_verdict"]
    assert isinstance(verdict, Paragraph)
    own = policies["order by forecasts"]["cost"]
    for name in ("order last period's sales", "mean + safety stock"):
        row = policies[name]
        assert row["cost_ratio"] == pytest.approx(row["cost"] / own) and row["low"] <= row["cost_ratio"] <= row["high"]
        assert (
            f"'{name}' costs {row['cost_ratio']:.2f} times as much as ordering by forecasts (95% interval"
            in verdict.shown()
        )


def test_with_prices_costs_are_yuan_by_the_planning_rules(tmp_path: Path) -> None:
    (tmp_path / RULES).write_text(
        "costs: {margin_share: 0.1, lost_customer: 0, cost_share: 1.0, floor_plan_rate: 0.0, holding_per_day: 1}\n"
        "order_cost: 0\n"
    )
    result = costs(steady_panel(price=100_000_00.0), tmp_path)
    unit, assumptions = described(result)
    assert unit == "yuan" and assumptions.startswith(f"costs from {RULES}; ")
    policies = keyed(result, "orders")
    # A lost vehicle costs a tenth of 100,000, two in the last month; holding one costs 1 yuan a day; two series.
    assert policies["mean + safety stock"]["cost"] == pytest.approx(2 * 10_000 / 6 / 2)
    assert 0 < policies["order by forecasts"]["cost"] < 31 * 10


def test_a_lost_sale_saves_the_cost_of_its_order(tmp_path: Path) -> None:
    free = "costs: {margin: 10000, lost_customer: 0, cost_share: 1.0, floor_plan_rate: 0.0, holding_per_day: 1}\n"
    (tmp_path / RULES).write_text(f"{free}order_cost: 4000\n")
    safe = keyed(costs(steady_panel(price=100_000_00.0), tmp_path), "orders")["mean + safety stock"]
    assert safe["cost"] == pytest.approx(2 * 6_000 / 6 / 2)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(0, 100))
def test_the_interval_of_a_ratio_contains_it(costs: list[int], seed: int) -> None:
    other = np.random.default_rng(seed).gamma(0.3, 1e4, len(costs)) + 1
    row = _cost_ratio(np.array(costs, dtype=np.float64), other)
    ratio, low, high = row["cost_ratio"], row["low"], row["high"]
    assert ratio is not None
    if low is None or high is None:
        assert low is high is None and (len(costs) == 1 or not any(costs))
    else:
        assert low <= ratio <= high


def test_no_ratio_to_a_policy_that_costs_nothing() -> None:
    assert _cost_ratio(np.ones(3), np.zeros(3)) == {"cost_ratio": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(1.1, 1.3, "is cheaper"), (0.7, 0.9, "is more expensive"), (0.9, 1.2, "shows no clear difference")],
)
def test_the_verdict_follows_the_interval(low: float, high: float, verdict: str) -> None:
    text = _verdict({"policy": "mean + safety stock", "cost_ratio": (low + high) / 2, "low": low, "high": high})
    assert text.zh.startswith("“均值加安全库存”的成本是按预测采购的 ")
    assert text.en.endswith(f"(95% interval {low:.2f} to {high:.2f}): ordering by forecasts {verdict}.")


def test_without_an_order_arriving_in_time_nothing_is_simulated(tmp_path: Path) -> None:
    assert costs(steady_panel(), tmp_path, horizon=1).sections == ()
    assert costs(steady_panel(), tmp_path, first=MONTHS - 1).sections == ()


def test_without_a_series_over_all_test_periods_nothing_is_simulated(tmp_path: Path) -> None:
    panel = steady_panel()
    sold = panel.sold.copy()
    sold[:, -1] = np.nan
    ended = Panel(panel.series, panel.keys, panel.frequency, panel.first, sold, panel.available)
    assert costs(ended, tmp_path).sections == ()

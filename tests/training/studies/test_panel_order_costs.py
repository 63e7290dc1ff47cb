"""Ways of ordering for a demand that never changes, whose costs one can count."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ml.demand_forecast.panel import Panel
from ml.report.report import Report
from ml.report.sections import Paragraph, Table
from tests.reports import keyed
from tests.training.studies.steady_demand import MONTHS, steady_forecasts, steady_panel
from training.studies.panel_order_costs import RULES, order_sections

FIRST = MONTHS - 7  # six months of the test, and the month in which more was wanted


def study(panel: Panel, folder: Path, *, horizon: int = 2, first: int = FIRST) -> Any:
    return SimpleNamespace(
        panel=panel,
        origins=range(first, panel.periods),
        params=SimpleNamespace(horizon=horizon),
        config=SimpleNamespace(sources=folder / "sources.yaml"),
    )


def costs(panel: Panel, folder: Path, **changes: Any) -> Report:
    sections = order_sections(study(panel, folder, **changes), steady_forecasts(panel))
    return Report(task="demand_forecast", protocol="", sections=tuple(sections))


def described(report: Report) -> tuple[str, str]:
    """Unit of the costs, and what was assumed."""
    orders, assumptions = report["orders"], report["order_assumptions"]
    assert isinstance(orders, Table) and isinstance(assumptions, Paragraph)
    unit = orders.columns[1].unit
    assert unit is not None
    return unit.en, assumptions.text


def test_a_unit_short_costs_nine_times_a_unit_held_where_nothing_is_known_of_prices(tmp_path: Path) -> None:
    result = costs(steady_panel(), tmp_path)
    ways = keyed(result, "orders")
    assert list(ways) == ["product", "order last period's sales", "mean + safety stock", "perfect foresight"]
    assert described(result) == (
        "units held (no prices: a lost unit counts nine)",
        "costs as shipped; orders arrive 1 months later; 2 series, 6 months",
    )
    # Nothing is left and nothing is lost by who knows the demand.
    assert (ways["perfect foresight"]["cost"], ways["perfect foresight"]["over_product"]) == (0.0, 0.0)
    assert (ways["perfect foresight"]["fill_rate"], ways["perfect foresight"]["mean_stock"]) == (1.0, 0.0)
    # Eight and four are there for two months; half a month more was there at first, and stays under equal orders.
    # In the last month two cars are lost by who has none left: 18 for the one, and the other has the two.
    last, safe = ways["order last period's sales"], ways["mean + safety stock"]
    assert last["cost"] == pytest.approx(((2 * 5 + 0) / 6 + 1) / 2)
    assert safe["cost"] == pytest.approx(2 * 9 / 6 / 2) and safe["fill_rate"] == pytest.approx(1 - 2 / 38)
    # Nine in ten months are to be served: stock for two months is above their mean, so that nothing is lost.
    assert ways["product"]["fill_rate"] == 1.0 and ways["product"]["over_product"] == 1.0
    assert ways["product"]["low"] == ways["product"]["high"] == 1.0 and ways["product"]["cost"] > 1


def test_prices_make_costs_of_yuan_by_the_rules_of_the_house(tmp_path: Path) -> None:
    (tmp_path / RULES).write_text(
        "costs: {margin_share: 0.1, lost_customer: 0, cost_share: 1.0, floor_plan_rate: 0.0, holding_per_day: 1}\n"
        "order_cost: 0\n"
    )
    result = costs(steady_panel(price=100_000_00.0), tmp_path)
    unit, assumptions = described(result)
    assert unit == "yuan" and assumptions.startswith(f"costs of {RULES}; ")
    ways = keyed(result, "orders")
    # A lost car costs a tenth of 100,000, twice in the last month; a car held a yuan a day; means of two series.
    assert ways["mean + safety stock"]["cost"] == pytest.approx(2 * 10_000 / 6 / 2)
    assert 0 < ways["product"]["cost"] < 31 * 10


def test_nothing_is_played_where_an_order_arrives_too_late(tmp_path: Path) -> None:
    assert costs(steady_panel(), tmp_path, horizon=1).sections == ()
    assert costs(steady_panel(), tmp_path, first=MONTHS - 1).sections == ()


def test_nothing_is_played_without_a_series_that_lives_through_the_test(tmp_path: Path) -> None:
    panel = steady_panel()
    sold = panel.sold.copy()
    sold[:, -1] = np.nan
    gone = Panel(panel.series, panel.keys, panel.frequency, panel.first, sold, panel.available)
    assert costs(gone, tmp_path).sections == ()

"""Figure of an order plan: the series drawn, and their orders."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError
from ml.demand_forecast.coherence import aggregation_levels
from ml.demand_forecast.forecast import GRID, ForecastTable
from ml.demand_forecast.order_plan import OrderPlan
from ml.report.sections import Section
from tests.training.studies.steady_demand import MEAN, MONTHS, steady_panel
from training.runs.forecast_figure import MAX_HISTORY, draw_plan, plan_sections


def expected(mean: list[float]) -> ForecastTable:
    """Two months ahead, quantiles around the mean."""
    means = np.repeat(np.array(mean)[:, None], 2, axis=1)
    return ForecastTable(means, (means[..., None] * (0.5 + GRID)).astype(np.float32))


@pytest.fixture
def estimator() -> Any:
    panel = steady_panel()
    levels = aggregation_levels(panel, [("store_id",), ()])
    nodes = {(("store_id",), ("S1",)): (0, 0), (("store_id",), ("S2",)): (0, 1), ((), ()): (1, 0)}
    return SimpleNamespace(
        panel=panel, series_forecasts=expected(MEAN.tolist()), levels=levels, nodes=nodes,
        level_forecasts=[expected(MEAN.tolist()), expected([6.0])],
    )  # fmt: skip


@pytest.fixture
def plan() -> OrderPlan:
    orders = pl.DataFrame(
        {
            "store_id": ["S1", "S2"],
            "model": ["A", "A"],
            "order": [5, 2],
            "on_hand": [1, 0],
            "transfer_in": [0, 1],
            "transfer_out": [1, 0],
        }
    )
    return OrderPlan(orders, pl.DataFrame({"quantity": [1]}), pl.DataFrame(), ())


def titles(sections: list[Section]) -> list[str]:
    return [section.title.en for section in sections]


def test_the_figure_is_a_png(estimator: Any, plan: OrderPlan, tmp_path: Path) -> None:
    draw_plan(estimator, plan, tmp_path / "plan.png")
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ConfigError, match="choose another place"):
        draw_plan(estimator, plan, tmp_path / "none" / "plan.png")


def test_the_total_comes_first_then_the_largest_series_then_the_orders(estimator: Any, plan: OrderPlan) -> None:
    sections = plan_sections(estimator, plan)
    assert titles(sections) == [
        "everything", "S1, A: order 5", "S2, A: order 2", "Orders by model: 7 vehicles, 1 moved",
    ]  # fmt: skip
    total, orders = sections[0].table().rows, sections[-1].table().rows
    assert len(total) == min(MONTHS, MAX_HISTORY) + 2
    assert [row["sold"] for row in total[-4:]] == [6.0, 8.0, None, None]
    assert [row["expected"] for row in total[-3:]] == [None, 6.0, 6.0]
    last = total[-1]
    assert sections[0].table().columns[0].label() == "month"
    assert last["period"] == "2022-08" and last["low_0.9"] < last["low_0.8"] < last["low_0.5"]  # type: ignore[operator]
    assert last["low_0.8"] == pytest.approx(6 * 0.6) and last["high_0.8"] == pytest.approx(6 * 1.4)
    assert orders == ({"model": "A", "order": 7, "on_hand": 1},)


def test_one_store_alone(estimator: Any, plan: OrderPlan) -> None:
    assert titles(plan_sections(estimator, plan, store="S2")) == [
        "store S2, all models", "S2, A: order 2", "Orders by model: 2 vehicles, 1 received, 0 sent",
    ]  # fmt: skip


def test_without_orders_only_forecasts_are_drawn(estimator: Any) -> None:
    assert titles(plan_sections(estimator, None)) == ["everything", "S1, A", "S2, A"]

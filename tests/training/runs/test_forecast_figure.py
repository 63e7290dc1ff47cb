"""The picture of a plan: which series are drawn, and what is ordered of them."""

from __future__ import annotations

import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from features.errors import ConfigError
from ml.demand_forecast.coherence import levels_of
from ml.demand_forecast.estimator import Told
from ml.demand_forecast.forecast import GRID
from ml.demand_forecast.planning import OrderPlan
from tests.training.studies.steady_demand import MEAN, MONTHS, steady_panel
from training.runs import forecast_figure as plan_plots
from training.runs.forecast_figure import LONGEST, draw_plan


def expected(mean: list[float]) -> Told:
    """Two months ahead, quantiles around the mean."""
    means = np.repeat(np.array(mean)[:, None], 2, axis=1)
    return Told(means, (means[..., None] * (0.5 + GRID)).astype(np.float32))


@pytest.fixture
def estimator() -> Any:
    panel = steady_panel()
    levels = levels_of(panel, [("store_id",), ()])
    nodes = {(("store_id",), ("S1",)): (0, 0), (("store_id",), ("S2",)): (0, 1), ((), ()): (1, 0)}
    return SimpleNamespace(
        panel=panel, told=expected(MEAN.tolist()), levels=levels, nodes=nodes,
        of_levels=[expected(MEAN.tolist()), expected([6.0])],
    )  # fmt: skip


@pytest.fixture
def plan() -> OrderPlan:
    orders = pl.DataFrame(
        {"store_id": ["S1", "S2"], "model": ["A", "A"], "order": [5, 2], "on_hand": [1, 0], "transfer_in": [0, 1]}
    )
    return OrderPlan(orders, pl.DataFrame({"quantity": [1]}), 0.0)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures drawn, which nobody has to paint."""
    drawn: list[Figure] = []
    monkeypatch.setattr(plan_plots, "save_figure", lambda figure, path: drawn.append(figure))
    return drawn


def test_it_is_a_png_of_thirteen_by_eight_inches(estimator: Any, plan: OrderPlan, tmp_path: Path) -> None:
    draw_plan(estimator, plan, tmp_path / "plan.png")
    content = (tmp_path / "plan.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (13 * 110, 8 * 110)
    with pytest.raises(ConfigError, match="choose another place"):
        draw_plan(estimator, plan, tmp_path / "none" / "plan.png")


def test_the_total_comes_first_then_the_largest_series_then_the_orders(
    estimator: Any, plan: OrderPlan, figures: list[Figure]
) -> None:
    draw_plan(estimator, plan, Path("plan.png"))
    (figure,) = figures
    assert [a.get_title() for a in figure.axes] == [
        "everything",
        "S1, A",
        "S2, A",
        "",
        "",
        "Orders by model (7 cars; 1 moved)",
    ]
    assert [a.axison for a in figure.axes] == [True, True, True, False, False, True]
    assert figure.get_suptitle() == "demand_forecast: known until 2022-06"
    total, first = figure.axes[0], figure.axes[1]
    assert total.lines[0].get_ydata()[-2:] == pytest.approx([6.0, 8.0])
    assert len(total.lines[0].get_ydata()) == min(MONTHS, LONGEST)
    assert total.lines[1].get_xdata() == pytest.approx([MONTHS, MONTHS + 1])
    assert total.lines[1].get_ydata() == pytest.approx([6.0, 6.0])
    assert [t.get_text() for t in first.get_legend().get_texts()] == [
        "sold",
        "90%",
        "80%",
        "50%",
        "expected",
        "order 5",
    ]
    bars = [p.get_height() for p in figure.axes[5].patches]
    assert bars == [1, 7], "on hand, then ordered, of the one model"


def test_of_one_store(estimator: Any, plan: OrderPlan, figures: list[Figure]) -> None:
    draw_plan(estimator, plan, Path("plan.png"), store="S2")
    titles = [a.get_title() for a in figures[0].axes]
    assert titles == ["store S2, all models", "S2, A", "", "", "", "Orders by model (2 cars; 1 moved)"]
    assert figures[0].get_suptitle().endswith("known until 2022-06, store S2")


def test_without_orders_forecasts_alone_are_drawn(estimator: Any, figures: list[Figure]) -> None:
    draw_plan(estimator, None, Path("plan.png"))
    axes = figures[0].axes
    assert [a.get_title() for a in axes] == ["everything", "S1, A", "S2, A", "", "", ""]
    assert "order" not in "".join(t.get_text() for t in axes[1].get_legend().get_texts())

"""Key figures of the last thirty days, 2 to 31 March."""

from __future__ import annotations

from typing import Any

import pytest

from serving.work.overview.estimates import Figure
from serving.work.overview.key_figures import Scope, key_figures
from serving.work.overview.periods import period_named
from tests.serving.work.overview.dealership import context, records


def figures(tables: Any = None, stores: frozenset[str] | None = None) -> dict[str, Figure]:
    """Return the figures by name."""
    work = context(tables)
    return {f.name: f for f in key_figures(Scope(work, stores), period_named("30d", work.clock.local()))}


def test_every_figure_beside_the_period_before() -> None:
    """Two sales now and one before; four matured leads with two sales, which cost 600 yuan."""
    result = figures()
    assert result["sales"].now is not None and result["sales"].now.value == 2
    assert result["sales"].before is not None and result["sales"].before.value == 1
    assert result["sales"].change == "unclear"
    values = {name: f.now and f.now.value for name, f in result.items()}
    assert values["gross_margin"] == 5_000.0
    assert values["conversion"] == 0.5
    assert values["cost_per_sale"] == 300.0
    assert values["finance_penetration"] == 0.5
    assert values["recommendation_share"] == 0.5
    assert values["stock_factor"] == 0.5
    assert values["stock_age"] == 10.0
    assert result["service_level"].problem is not None and "promote" in result["service_level"].problem.en


def test_one_store_has_its_own_figures() -> None:
    """The other one sold nothing in March."""
    result = figures(stores=frozenset({"S2"}))
    assert result["sales"].now is not None and result["sales"].now.value == 0
    assert result["gross_margin"].now is None and result["gross_margin"].problem is not None


@pytest.mark.parametrize(
    ("missing", "names"),
    [
        ("sales", {"sales", "gross_margin", "finance_penetration", "recommendation_share", "stock_factor"}),
        ("leads", {"conversion", "cost_per_sale"}),
        ("vehicles", {"stock_factor", "stock_age"}),
        ("applications", {"finance_penetration"}),
        ("events", {"recommendation_share"}),
    ],
)
def test_a_missing_table_leaves_the_other_figures_and_names_the_remedy(missing: str, names: set[str]) -> None:
    """No figure is invented."""
    result = figures(records(missing))
    assert {n for n, f in result.items() if f.now is None} >= names
    assert all((f.now is None) == (f.problem is not None) for f in result.values())


def test_without_costs_there_is_no_cost_a_sale() -> None:
    """And conversion stands."""
    from tests.serving.work.overview.dealership import LEADS

    result = figures(records(leads=[{**row, "acquisition_cost": None} for row in LEADS]))
    assert result["cost_per_sale"].problem is not None and "acquisition_cost" in result["cost_per_sale"].problem.en
    assert result["conversion"].now is not None

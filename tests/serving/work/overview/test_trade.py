"""Sales, leads and stock as the dashboard counts them."""

from __future__ import annotations

from serving.work.overview import trade
from tests.serving.work.overview.dealership import context, records


def test_a_sale_counts_as_recommended_after_a_click_on_its_model_within_thirty_days() -> None:
    """K1 clicked nine days before; K2 clicked in January, and was shown one in March."""
    rows = {row["sale_id"]: row for row in trade.sales_rows(context()).to_dicts()}
    assert (rows["N1"]["is_clicked"], rows["N1"]["is_shown"]) == (True, False)
    assert (rows["N2"]["is_clicked"], rows["N2"]["is_shown"]) == (False, True)


def test_without_clicks_or_events_nothing_is_said_about_recommendations() -> None:
    """Null, and not false."""
    rows = trade.sales_rows(context(records("events", "exposures")))
    assert rows["is_clicked"].null_count() == rows.height


def test_a_sale_is_financed_if_a_granted_loan_has_its_vehicle() -> None:
    """Only N1."""
    rows = trade.sales_rows(context())
    assert rows.filter("is_financed")["sale_id"].to_list() == ["N1"]
    none = trade.sales_rows(context(records("applications")))
    assert none["is_financed"].null_count() == none.height


def test_a_sale_after_the_horizon_is_none_and_a_later_sale_does_not_exist_yet() -> None:
    """L2 bought after 37 days; N4 is sold this evening."""
    leads = trade.lead_rows(context())
    assert leads["is_sale"].to_list() == [True, False, True, False, False]
    assert trade.sales_rows(context()).height == 3


def test_only_new_vehicles_that_are_unsold_are_in_stock() -> None:
    """V4."""
    assert trade.in_stock(context()).height == 1


def test_every_store_of_any_table_has_a_region_or_none() -> None:
    """From the sales."""
    assert trade.store_regions(context()) == {"S1": "East", "S2": "North"}
    assert trade.store_regions(context(records("sales"))) == {"S1": None, "S2": None}


def test_results_hold_for_one_state_of_the_rows() -> None:
    """Other records have other results, under the same name."""
    cache, names = trade.DayCache(), iter("ab")
    one, other = context(), context()
    results = [cache.cached(work, "x", lambda: next(names)) for work in (one, one, other)]
    assert results == ["a", "a", "b"]

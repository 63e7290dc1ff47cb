"""Sales that the demand model expected, by store and month."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.work.overview.expected import NoExpectation, expectation, expected_and_sold
from tests.serving.work.overview.dealership import at, context, records
from tests.serving.work.overview.forecasts import champion, use_reports, write_holdout


@pytest.fixture(autouse=True)
def _reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_holdout(tmp_path)
    use_reports(monkeypatch, tmp_path)


def test_a_month_has_the_forecast_of_the_latest_origin_before_it_and_the_sales_of_that_month() -> None:
    """February from the holdout, March from the forecasts after the training; April is not over."""
    forecasts, rows = expected_and_sold(context(champions={"demand_forecast": champion()}))
    result = {(r["store_id"], r["start"]): (r["mean"], r["sold"]) for r in rows.to_dicts()}
    february, march = at("2026-02-01 00:00"), at("2026-03-01 00:00")
    assert result == {("S1", february): (3.0, 0.0), ("S1", march): (4.0, 2.0), ("S2", march): (2.0, 0.0)}
    assert (forecasts.version, forecasts.condition) == (5, "new")


def test_a_month_after_the_training_is_expected_for_its_time_with_stock() -> None:
    """Of March there was stock on half the days."""
    stock = [{"store_id": "S1", "model": "X5", "snapshot_at": at("2026-04-01 00:00"), "days_in_stock": 15.5}]
    _, rows = expected_and_sold(context(records(stock=stock), {"demand_forecast": champion()}))
    row = rows.filter(store_id="S1", start=at("2026-03-01 00:00")).row(0, named=True)
    assert (row["mean"], row["variance"], row["available"]) == (2.0, 2.0, 0.5)


def test_used_cars_are_not_compared_with_forecasts_of_new_ones() -> None:
    """V1 and V2 are sold in March; V1 is used here."""
    vehicles = [{"vehicle_id": "V1", "condition": "used"}]
    _, rows = expected_and_sold(context(records(vehicles=vehicles), {"demand_forecast": champion()}))
    assert rows.filter(store_id="S1", start=at("2026-03-01 00:00"))["sold"].to_list() == [1.0]


def test_without_champion_stores_or_reports_nothing_is_expected(tmp_path: Path) -> None:
    """Each has its reason."""
    with pytest.raises(NoExpectation, match="no_champion"):
        expectation(context())
    with pytest.raises(NoExpectation, match="no_stores"):
        expectation(context(champions={"demand_forecast": champion(keys=("model",))}))
    (tmp_path / "test_rows.parquet").unlink()
    with pytest.raises(NoExpectation, match="no_holdout"):
        expectation(context(champions={"demand_forecast": champion()}))

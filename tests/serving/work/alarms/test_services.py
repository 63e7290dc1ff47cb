"""Services due: the likeliest visits first, and invitations as entries."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from serving.work.alarms.services import MAX_ROWS, ServiceListing
from tests.serving.work.alarms.conftest import NOW, Work
from tests.small.fault_rate import DAY


@pytest.fixture
def serviced(make_work: Callable[..., Work]) -> Work:
    """Return an application whose vehicles have a service each year."""
    cars, visits = range(60), (1_100, 730, 365)
    rows = [(f"V{i}", NOW - (days - 5 * i % 90) * DAY) for i in cars for days in visits]
    records = pl.DataFrame(rows, schema={"vehicle_id": pl.String, "serviced_at": pl.Int64}, orient="row")
    records = records.with_columns(
        record_id=pl.format("R{}", pl.int_range(pl.len())), fault=pl.lit(value=False),
        component=pl.lit("oil_and_filter"), reported_at="serviced_at", cost=pl.lit(60_000),
    )  # fmt: skip
    return make_work(changes={"service_records": records})


def test_the_list_begins_with_the_likeliest_visit(serviced: Work) -> None:
    """Expected revenue is probability times 600 yuan."""
    answer = serviced.get("/v1/alarms/services?limit=5")
    chances = [row["visit_probability"] for row in answer["items"]]
    assert chances == sorted(chances, reverse=True) and len(chances) == 5 < answer["total"]
    first = answer["items"][0]
    assert answer["within_days"] == ServiceListing().within_days and answer["total"] < MAX_ROWS
    assert first["expected_revenue"] == pytest.approx(600 * first["visit_probability"], rel=0.02)
    assert [row["place"] for row in serviced.get("/v1/alarms/services?limit=2&offset=3")["items"]] == [4, 5]


def test_an_invitation_is_an_entry_beside_the_vehicle(serviced: Work) -> None:
    """A vehicle that is not listed cannot be invited."""
    serviced.log_in("after_sales")
    number = serviced.get("/v1/alarms/services")["items"][0]["vehicle_id"]
    answer = serviced.post("/v1/alarms/services/invitations", vehicle_ids=[number])
    first = serviced.get("/v1/alarms/services")["items"][0]
    assert first["sequence"] == answer["sequences"][0] and first["invited_by"] == "after_sales person"
    assert "not on the list" in serviced.post("/v1/alarms/services/invitations", 422, vehicle_ids=["X"])["message"]


def test_a_key_of_one_store_invites_its_own_customers(serviced: Work) -> None:
    """The other store's vehicles are not listed, and cannot be invited."""
    everything = serviced.get("/v1/alarms/services")["items"]
    other = next(row["vehicle_id"] for row in everything if row["store_id"] == "S2")
    serviced.log_in("after_sales", "S1")
    assert {row["store_id"] for row in serviced.get("/v1/alarms/services")["items"]} == {"S1"}
    assert serviced.post("/v1/alarms/services/invitations", 403, vehicle_ids=[other])["code"] == "wrong_store"

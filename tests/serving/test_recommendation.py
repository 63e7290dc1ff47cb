"""The storefront's page over HTTP, and stock that changes under it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.serving.running import Server, until

URL = "/v1/recommendation"


def test_a_page_its_example_and_a_batch(server: Server) -> None:
    client = server.client
    example = client.get(f"{URL}/example").json()
    answer = client.post(f"{URL}?explain=true", json=example).json()
    assert answer["model_version"] == 1 and len(answer["items"]) == example["n"]
    assert answer["path"] == "session" and all(card["reasons"] is not None for card in answer["items"])
    batch = client.post(f"{URL}/batch", json={"items": [example, {"customer_id": "C001"}]}).json()
    assert [page["path"] for page in batch["items"]] == ["session", "customer"]


def test_similar(server: Server) -> None:
    client = server.client
    similar = client.post(f"{URL}/similar", json={"vehicle_id": "N0", "n": 3})
    assert similar.status_code == 200 and len(similar.json()["items"]) == 3
    gone = client.post(f"{URL}/similar", json={"vehicle_id": "gone"})
    assert gone.status_code == 422 and "not in stock" in gone.text


@pytest.mark.parametrize("body", [{"n": 0}, {"n": 10_000}, {"nonsense": 1}, {"session": [{"at": "today"}]}])
def test_invalid_requests_are_422(server: Server, body: dict[str, object]) -> None:
    assert server.client.post(URL, json=body).status_code == 422


def test_stock_changes_are_served_within_seconds(server: Server, configs: Path) -> None:
    file = configs / "vehicles.parquet"
    cars = pl.read_parquet(file)

    def shown() -> set[str]:
        answer = server.client.post(URL, json={"n": 200}).json()
        return {card["vehicle_id"] for card in answer["items"]}

    assert shown() == set(cars["vehicle_id"])
    sold = cars.with_columns(
        sold_at=pl.when(pl.col("vehicle_id") == "U07").then(pl.col("listed_at") + 1).otherwise(None)
    )
    fresh = cars.filter(pl.col("vehicle_id") == "U08").with_columns(vehicle_id=pl.lit("FRESH"), model=pl.lit("unseen"))
    part = file.with_suffix(".part")
    pl.concat([sold, fresh]).write_parquet(part)
    part.replace(file)
    until(lambda: "U07" not in shown() and "FRESH" in shown(), seconds=10)


def test_unreadable_stock_leaves_the_last_one_in_use(server: Server, configs: Path) -> None:
    file = configs / "vehicles.parquet"
    whole = file.read_bytes()
    before = server.client.post(URL, json={"n": 200}).json()
    failures = server.metric("chehang_store_errors_total")
    file.write_bytes(whole[:100])
    until(lambda: server.metric("chehang_store_errors_total") > failures, seconds=10)
    after = server.client.post(URL, json={"n": 200}).json()
    assert after["available"] == before["available"] and after["stock_at"] == before["stock_at"]
    file.write_bytes(whole)
    until(lambda: server.client.post(URL, json={"n": 5}).json()["stock_at"] != before["stock_at"], seconds=10)

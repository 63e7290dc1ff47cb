"""The storefront's page over HTTP, and stock that changes under it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.serving.running import Server, serving, until

if TYPE_CHECKING:
    from tests.conftest import Trained

URL = "/v1/recommendation"


@pytest.fixture(scope="module")
def store(recommendation: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server beside its own stock table; everything in stock is listed and unsold."""
    folder = tmp_path_factory.mktemp("store")
    shutil.copytree(recommendation.home, folder / "home")
    configs = folder / "configs"
    configs.mkdir()
    for name in ("loan_products.yaml", "lending_rules.yaml"):
        shutil.copy(ROOT / "configs" / name, configs / name)
    shutil.copy(recommendation.config.parent / "sources.yaml", configs / "sources.yaml")
    cars = pl.read_parquet(recommendation.config.parent / "vehicles.parquet")
    cars.with_columns(sold_at=pl.lit(None, dtype=pl.Int64)).write_parquet(configs / "vehicles.parquet")
    with serving(folder / "home", folder / "server.log", CHEHANG_CONFIGS=str(configs)) as server:
        yield server, configs


def test_a_page_its_example_and_a_batch(store: tuple[Server, Path]) -> None:
    client = store[0].client
    example = client.get(f"{URL}/example").json()
    answer = client.post(f"{URL}?explain=true", json=example).json()
    assert answer["model_version"] == 1 and len(answer["items"]) == example["n"]
    assert answer["path"] == "session" and all(card["reasons"] is not None for card in answer["items"])
    batch = client.post(f"{URL}/batch", json={"items": [example, {"customer_id": "C001"}]}).json()
    assert [page["path"] for page in batch["items"]] == ["session", "customer"]


def test_similar(store: tuple[Server, Path]) -> None:
    client = store[0].client
    found = client.post(f"{URL}/similar", json={"vehicle_id": "N0", "n": 3})
    assert found.status_code == 200 and len(found.json()["items"]) == 3
    gone = client.post(f"{URL}/similar", json={"vehicle_id": "gone"})
    assert gone.status_code == 422 and "not in stock" in gone.text


@pytest.mark.parametrize("body", [{"n": 0}, {"n": 10_000}, {"nonsense": 1}, {"session": [{"at": "today"}]}])
def test_what_cannot_be_asked_is_422(store: tuple[Server, Path], body: dict[str, object]) -> None:
    assert store[0].client.post(URL, json=body).status_code == 422


def test_a_car_sold_a_moment_ago_is_gone_and_a_new_one_there(store: tuple[Server, Path]) -> None:
    server, configs = store
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


def test_stock_that_cannot_be_read_leaves_the_old(store: tuple[Server, Path]) -> None:
    server, configs = store
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

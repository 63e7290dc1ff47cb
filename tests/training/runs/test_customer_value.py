"""Purchases of several streams become one table of customers; what the sources lack is named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from features.errors import ConfigError, DataError
from ml.customer_value import CustomerValue, HoldoutError
from training.runs import customer_value
from training.runs.customer_value import ValueConfig, value

DAY = 86_400_000_000
STREAMS = {
    "cars": {"table": "sales", "amount": "price"},
    "workshop": {"table": "service_records", "amount": "cost", "owner_table": "fleet"},
}
TABLES = {
    "sales": pl.DataFrame(
        {"sale_id": ["1", "2", "3"], "sold_at": [9 * DAY, 9 * DAY + 1, 3 * DAY], "customer_id": ["A", "B", None],
         "price": [100_00, 300_00, 900_00]}
    ),
    "service_records": pl.DataFrame(
        {"record_id": ["1", "2", "3"], "serviced_at": [5 * DAY, 6 * DAY, 7 * DAY], "vehicle_id": ["V1", "V1", "V9"],
         "cost": [50_00, 25_00, 10_00]}
    ),
    "fleet": pl.DataFrame({"vehicle_id": ["V1"], "entered_service_at": [DAY], "customer_id": ["C"]}),
}  # fmt: skip


def write(folder: Path, tables: dict[str, pl.DataFrame] | None = None, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    sources: dict[str, Any] = {}
    for name, frame in (tables or TABLES).items():
        frame.write_parquet(folder / f"{name}.parquet")
        moments = {c: {"from": c, "unit": "us"} for c in frame.columns if c.endswith("_at")}
        sources[name] = {"parquet": f"{name}.parquet", "columns": moments}
    (folder / "sources.yaml").write_text(yaml.safe_dump({"tables": sources, "max_unmatched_share": 0.5}))
    (folder / "customer_value.yaml").write_text(yaml.safe_dump({"streams": STREAMS, **changes}))
    return folder / "customer_value.yaml"


@pytest.fixture(autouse=True)
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is valued: a customer's purchases are taken to come once more, for the same amount."""
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    valued: list[dict[str, Any]] = []

    def once_more(purchases: pl.DataFrame, *, until: int, horizon_days: float) -> CustomerValue:
        valued.append({"rows": sorted(purchases.rows()), "until": until, "horizon_days": horizon_days})
        customers = purchases.group_by("customer_id").agg(
            purchases=pl.len(), probability_active=pl.lit(0.5), expected_purchases=pl.len().cast(pl.Float64),
            expected_amount=pl.col("amount").mean(), value=pl.col("amount").sum(),
        )  # fmt: skip
        total = float(customers["value"].sum())
        return CustomerValue(
            customers, "bg_nbd", {"bg_nbd": HoldoutError(0.5, 1.0)}, purchases.height, total, 1.0, horizon_days
        )

    monkeypatch.setattr(customer_value, "customer_value", once_more)
    return valued


def test_each_stream_is_valued_and_customers_add_them_up(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    out = tmp_path / "value.parquet"
    done = value(ValueConfig.load(write(tmp_path / "data", horizon_days=30)), out=out)
    cars, workshop = calls
    assert cars["rows"] == [("A", 9 * DAY, 100.0), ("B", 9 * DAY + 1, 300.0)], "nobody's purchase is left out"
    assert workshop["rows"] == [("C", 5 * DAY, 50.0), ("C", 6 * DAY, 25.0)], "the fleet says whose the vehicle is"
    assert cars["horizon_days"] == 30 and cars["until"] == workshop["until"] == done.until == 10 * DAY + 1
    rows = pl.read_parquet(out)
    assert rows.select("customer_id", "value").rows() == [("B", 300.0), ("A", 100.0), ("C", 75.0)]
    assert rows.select("cars_value", "workshop_value", "workshop_purchases").rows()[2] == (None, 75.0, 2)
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert done.as_dict()["workshop"] == {
        "model": "bg_nbd", "holdout_errors": {"bg_nbd": {"mean_absolute_error": 0.5, "total_ratio": 1.0}},
        "customers": 1, "total_purchases": 2, "total_value": 75.0, "correction": 1.0, "horizon_days": 30.0,
        "rows_without_customer": 1,
    }  # fmt: skip


def test_the_history_may_end_earlier(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    moment = datetime(1970, 1, 8, tzinfo=UTC)
    value(ValueConfig.load(write(tmp_path / "data")), out=tmp_path / "value.csv", as_of=moment)
    assert [c["until"] for c in calls] == [7 * DAY, 7 * DAY]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"streams": {"cars": {"table": "cars", "amount": "price"}}},
            r"cars\.table: no such table, got .cars.; available: ",
        ),
        (
            {"streams": {"cars": {**STREAMS["workshop"], "owner_table": "owners"}}},
            r"cars\.owner_table: no such table, got",
        ),
        ({"streams": {}}, "streams"),
        ({"horizon_days": 0}, "horizon_days"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_configuration_that_cannot_be_names_the_key(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ValueConfig.load(write(tmp_path, **changes))


@pytest.mark.parametrize(
    ("table", "column", "message"),
    [
        ("sales", "price", r"streams\.cars: sales has no column 'price'; map it in the sources"),
        ("sales", "customer_id", r"streams\.cars: sales has no column 'customer_id'"),
        ("service_records", "vehicle_id", r"streams\.workshop: service_records has no column 'vehicle_id'"),
        ("fleet", "customer_id", r"streams\.workshop: fleet has no column 'customer_id'"),
    ],
)
def test_a_column_that_a_stream_needs_is_named(tmp_path: Path, table: str, column: str, message: str) -> None:
    config = ValueConfig.load(write(tmp_path / "data", {**TABLES, table: TABLES[table].drop(column)}))
    with pytest.raises(DataError, match=message):
        value(config, out=tmp_path / "value.csv")
    assert not (tmp_path / "value.csv").exists()


def test_purchases_of_nobody(tmp_path: Path) -> None:
    nobody = pl.lit(None, dtype=pl.String)
    tables = {
        name: f.with_columns(customer_id=nobody) if name != "service_records" else f for name, f in TABLES.items()
    }
    with pytest.raises(DataError, match="no purchase of cars, workshop has a customer_id; map customer_id"):
        value(ValueConfig.load(write(tmp_path / "data", tables)), out=tmp_path / "value.csv")


def test_what_cannot_be_valued_is_of_a_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def few(purchases: pl.DataFrame, **options: Any) -> CustomerValue:
        raise DataError("too few")

    monkeypatch.setattr(customer_value, "customer_value", few)
    with pytest.raises(DataError, match=r"streams\.cars: too few"):
        value(ValueConfig.load(write(tmp_path / "data")), out=tmp_path / "value.csv")

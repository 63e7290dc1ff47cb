"""Vehicles in stock, their prices and their sales, from the rows of the dealership's tables."""

from __future__ import annotations

import polars as pl

from serving.work.records import Records

FEN = 100


def latest_prices(records: Records) -> dict[str, float]:
    """Return the latest price of each model, yuan: of the stock snapshots, else of the sales.

    Parameters
    ----------
    records : Records
        Rows as of now.
    """
    return records.cached("inventory prices", lambda: _latest_prices(records))


def _latest_prices(records: Records) -> dict[str, float]:
    prices: dict[str, float] = {}
    for table, time in (("sales", "sold_at"), ("stock", "snapshot_at")):
        rows = records.table(table).filter(pl.col("price") > 0).sort(time)
        rows = rows.group_by("model", maintain_order=True).agg(pl.col("price").last())
        prices |= {model: price / FEN for model, price in rows.rows()}
    return prices


def units_on_lot(records: Records, condition: str) -> pl.DataFrame:
    """Return the physical vehicles for sale now, those that were listed first at the top.

    Parameters
    ----------
    records : Records
        Rows as of now.
    condition : {'new', 'used'}
        Of the vehicles.
    """
    return records.cached(f"inventory {condition} units", lambda: _units(records, condition))


def _units(records: Records, condition: str) -> pl.DataFrame:
    rows = records.table("vehicles").filter(
        pl.col("store_id").is_not_null(),
        pl.col("sold_at").is_null(),
        pl.col("withdrawn_at").is_null(),
        (pl.col("kind") == "unit").fill_null(True),
        (pl.col("condition") == condition).fill_null(False),
    )
    return rows.sort("listed_at", "vehicle_id")

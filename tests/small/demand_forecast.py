"""Tables of a small group of stores with simulated demand and stock-outs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from features.periods import period_start

FIRST = 600  # January 2020
DAY = 86_400_000_000
STORES = {"S1": "north", "S2": "north", "S3": "north", "S4": "south", "S5": "south", "S6": "south"}
MODELS = {"A": "Kai", "B": "Kai", "C": "Lan", "D": "Lan", "E": "Lan"}


def demand_forecast_tables(*, months: int = 36, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Sales day by day and stock month by month of new cars; model E is launched four months before the end."""
    rng = np.random.default_rng(seed)
    cells = [(s, m) for s in STORES for m in MODELS]
    level = np.array([(2 + 2 * i) * (1 + 0.5 * j) / 4 for i in range(len(STORES)) for j in range(len(MODELS))])
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(months) / 12)
    mean = level[:, None] * season[None, :] * rng.lognormal(0, 0.05, months)[None, :]
    new = np.array([m == "E" for _, m in cells])
    mean[new, : months - 4] = 0
    demand = rng.poisson(mean)
    days = np.where(rng.random(mean.shape) < 0.1, rng.integers(0, 25, mean.shape), 31)
    sold = rng.binomial(demand, np.minimum(days / 28, 1.0))
    start = period_start(np.arange(FIRST, FIRST + months + 1), "month", timezone="Asia/Shanghai")
    cell, month = np.nonzero(sold)
    index = np.repeat(np.arange(len(cell)), sold[cell, month])
    c, t = cell[index], month[index]
    at = start[t] + (rng.random(len(c)) * (start[t + 1] - start[t])).astype(np.int64)
    stores, models = (np.array([pair[k] for pair in cells]) for k in (0, 1))
    price = np.array([10_000_000 + 2_000_000 * list(MODELS).index(m) for m in models])
    sales = pl.DataFrame(
        {
            "sale_id": [f"X{i:06d}" for i in range(len(c))],
            "sold_at": at,
            "store_id": stores[c],
            "region": [STORES[s] for s in stores[c]],
            "brand": [MODELS[m] for m in models[c]],
            "model": models[c],
            "quantity": 1.0,
            "price": price[c],
        }
    )
    rows = np.flatnonzero(~np.repeat(new, months) | np.tile(np.arange(months) >= months - 4, len(cells)))
    cell, month = rows // months, rows % months
    length = (start[month + 1] - start[month]) / DAY
    stock = pl.DataFrame(
        {
            "store_id": stores[cell],
            "model": models[cell],
            "snapshot_at": start[month + 1],
            "quantity": np.where(days[cell, month] < 31, 0, 1 + demand[cell, month]).astype(np.float64),
            "days_in_stock": np.minimum(days[cell, month], length),
            "price": price[cell],
        }
    )
    return {"sales": sales.sort("sold_at"), "stock": stock}


def write_demand_forecast(folder: Path, tables: dict[str, pl.DataFrame], **changes: Any) -> Path:
    """Write tables, sources and configuration into a folder; returns the configuration's path."""
    folder.mkdir(parents=True, exist_ok=True)
    sources: dict[str, Any] = {"timezone": "Asia/Shanghai", "tables": {}}
    instants = {"sales": "sold_at", "stock": "snapshot_at"}
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
        at = {instants[name]: {"from": instants[name], "unit": "us"}}
        sources["tables"][name] = {"parquet": f"{name}.parquet", "columns": at}
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources))
    params = {
        "attributes": ["region", "brand"],
        "horizon": 3,
        "validation_origins": 4,
        "test_origins": 2,
        "candidates": ["croston"],
        "levels": [["region"], ["store_id"], ["model"], ["brand"]],
        "trees": {"n_estimators": 60, "learning_rate": 0.1, "bags": 1, "num_threads": 1, "min_data_in_leaf": 20},
    }
    config = {
        "task": "demand_forecast",
        "sources": "sources.yaml",
        "time": "sold_at",
        "bootstraps": 30,
        "segments": ["region"],
        "params": params | changes.pop("params", {}),
        **changes,
    }
    path = folder / "demand_forecast.yaml"
    path.write_text(yaml.safe_dump(config))
    return path

"""A small yard of used cars whose prices follow a known rule: enough to train on in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import yaml

START = 1_600_000_000_000_000
DAY = 86_400_000_000
NEW_PRICE = {"A": 100_000, "B": 150_000, "C": 250_000}


def used_cars(*, rows: int = 3_000, seed: int = 1) -> pl.DataFrame:
    """Cars listed over two years; each year takes 14 % of the value, each 10,000 km another 2 %, noise 8 %."""
    rng = np.random.default_rng(seed)
    model = rng.choice(list(NEW_PRICE), rows)
    age_days = rng.integers(200, 3_000, rows)
    mileage = np.round(age_days * rng.uniform(10, 70, rows))
    listed = START + np.sort(rng.integers(0, 730, rows)) * DAY
    new = np.array([NEW_PRICE[m] for m in model])
    value = new * 0.86 ** (age_days / 365.25) * 0.98 ** (mileage / 10_000) * np.exp(rng.normal(0, 0.08, rows))
    return pl.DataFrame(
        {
            "vehicle_id": [f"V{i:05d}" for i in range(rows)],
            "kind": "unit",
            "condition": "used",
            "brand": "Z",
            "model": model,
            "model_year": 1970 + (listed - age_days * DAY) // (365 * DAY + DAY // 4),
            "first_registered_at": listed - age_days * DAY,
            "mileage_km": mileage,
            "paint": rng.choice(["black", "white"], rows),
            "price": (value * 100).astype(np.int64),
            "cost": (value * 92).astype(np.int64),
            "listed_at": listed,
        }
    )


def write_residual_value(folder: Path, cars: pl.DataFrame, **changes: object) -> Path:
    """Write the table, sources and configuration into a folder; returns the configuration's path."""
    folder.mkdir(parents=True, exist_ok=True)
    cars.write_parquet(folder / "vehicles.parquet")
    instants = {n: {"from": n, "unit": "us"} for n in ("listed_at", "first_registered_at") if n in cars.columns}
    sources = {"timezone": "UTC", "tables": {"vehicles": {"parquet": "vehicles.parquet", "columns": instants}}}
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources))
    config = {
        "task": "residual_value",
        "sources": "sources.yaml",
        "time": "listed_at",
        "extra_features": {"categorical": ["paint"]},
        "bootstraps": 30,
        "params": {
            "quantile_trees": {
                "n_estimators": 60,
                "learning_rate": 0.15,
                "num_leaves": 15,
                "min_data_in_leaf": 20,
                "num_threads": 1,
            }
        },
        **changes,
    }
    path = folder / "residual_value.yaml"
    path.write_text(yaml.safe_dump(config))
    return path

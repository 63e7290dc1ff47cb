"""A fleet whose faults follow a known rule, and its tables on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

DAY = 86_400_000_000
START = 19_000 * DAY  # January 2022
DAYS = 3 * 364
COMPONENTS = {"brakes": 0.3, "battery": 0.4, "pump": 0.1}
MODELS = ("A", "B", "C", "D", "E", "F")


def fleet_and_records(*, ratio: float = 1.0, seed: int = 0, cars: int = 3_000) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cars of four years; battery faults come in winter, E has no pump, D's brakes fail if built in the second one."""
    rng = np.random.default_rng(seed)
    built = START - 730 * DAY + rng.integers(0, 1_460, cars) * DAY
    entered = built + rng.integers(5, 60, cars) * DAY
    left = np.where(rng.random(cars) < 0.2, entered + rng.integers(100, 900, cars) * DAY, START + 9_999 * DAY)
    model = rng.choice(MODELS, cars)
    fleet = pl.DataFrame(
        {
            "vehicle_id": [f"V{i}" for i in range(cars)],
            "model": model,
            "built_at": built,
            "entered_service_at": entered,
            "left_service_at": pl.Series(np.where(left < START + DAYS * DAY, left, -1)).replace(-1, None),
            "monthly_km": rng.gamma(5, 240, cars),
        }
    )
    own = {(m, c): rng.gamma(25, 1 / 25) for m in MODELS for c in COMPONENTS}
    parts = []
    for component, yearly in COMPONENTS.items():
        bad = (model == "D") & (built >= START - 365 * DAY) & (built < START) & (component == "brakes")
        rate = yearly * np.array([own[m, component] for m in model]) * np.where(bad, ratio, 1.0)
        rate *= np.where((model == "E") & (component == "pump"), 0.0, 1.0)
        n = rng.poisson(rate * 1.9 * DAYS / 365.25)
        car = np.repeat(np.arange(cars), n)
        at = START + rng.integers(0, DAYS * 24, len(car)) * (DAY // 24)
        month = at.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64) % 12
        high = np.isin(month, (11, 0, 1)) if component == "battery" else np.zeros(len(car), dtype=bool)
        accepted = (rng.random(len(car)) < np.where(high, 1.0, 1 / 1.9)) & (at > entered[car]) & (at < left[car])
        parts.append(pl.DataFrame({"car": car[accepted], "component": component, "serviced_at": at[accepted]}))
    rows = pl.concat(parts)
    reported = rows["serviced_at"].to_numpy() + (8 * rng.lognormal(0, 0.9, rows.height) * DAY).astype(np.int64)
    rows = rows.with_columns(
        vehicle_id=pl.Series([f"V{i}" for i in rows["car"]]), fault=pl.lit(value=True), reported_at=pl.Series(reported)
    )
    return fleet, rows.drop("car").sample(fraction=1.0, shuffle=True, seed=seed)


def write_fault_rate(folder: Path, fleet: pl.DataFrame, records: pl.DataFrame, **changes: Any) -> Path:
    """Write tables, sources and configuration into a folder; returns the configuration's path."""
    folder.mkdir(parents=True, exist_ok=True)
    records = records.with_row_index("record_id").with_columns(pl.col("record_id").cast(pl.String))
    sources: dict[str, Any] = {"timezone": "Asia/Shanghai", "tables": {}}
    for name, table in (("fleet", fleet), ("service_records", records)):
        table.write_parquet(folder / f"{name}.parquet")
        moments = {c: {"from": c, "unit": "us"} for c in table.columns if c.endswith("_at")}
        sources["tables"][name] = {"parquet": f"{name}.parquet", "columns": moments}
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources))
    (folder / "fault_alarms.yaml").write_text(yaml.safe_dump({"store": "alarms.db", "snapshot": "snapshot.npz"}))
    path = folder / "fault_rate.yaml"
    content = {"sources": "sources.yaml", "time": "serviced_at", "params": {"reference_weeks": 60, **changes}}
    path.write_text(yaml.safe_dump(content))
    return path

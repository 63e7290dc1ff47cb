"""A small dealership whose visitors keep to one body type: enough data to train on in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import yaml

START = 1_600_000_000_000_000
DAY = 86_400_000_000
MINUTE = 60_000_000
BODIES = ("suv", "sedan", "mpv")
STORES = ("S1", "S2")


def recommendation_tables(*, people: int = 400, days: int = 200, seed: int = 4) -> dict[str, pl.DataFrame]:
    """Return events, vehicles and customers; 90% of a person's choices have the person's body type."""
    rng = np.random.default_rng(seed)
    return {
        "vehicles": _vehicles(rng, days),
        "customers": _customers(rng, people),
        "events": _events(rng, people, days),
    }


def _vehicles(rng: np.random.Generator, days: int) -> pl.DataFrame:
    new = [(f"N{k}", "catalogue", "new", k, None, START - 30 * DAY, None) for k in range(12)]
    used = []
    for i in range(90):
        k, listed = int(rng.integers(12)), int(rng.integers(0, days))
        sold = None if i % 3 == 0 else START + (listed + int(rng.integers(5, 60))) * DAY
        used.append((f"U{i:02d}", "unit", "used", k, STORES[i % 2], START + listed * DAY, sold))
    schema = ["vehicle_id", "kind", "condition", "number", "store_id", "listed_at", "sold_at"]
    rows = pl.DataFrame(new + used, schema=schema, orient="row")
    number = rows["number"].to_numpy()
    price = (10_000_000 + 1_000_000 * number) * np.where(rows["condition"] == "new", 1.0, 0.6)
    return rows.drop("number").with_columns(
        brand=pl.Series([f"B{k % 4}" for k in number]),
        model=pl.Series([f"{BODIES[k // 4]}{k % 4}" for k in number]),
        body_type=pl.Series([BODIES[k // 4] for k in number]),
        energy_type=pl.Series(["combustion" if k % 2 else "battery_electric" for k in number]),
        price=pl.Series(price.astype(np.int64)),
        doors=pl.Series([4.0 + k % 2 for k in number]),
    )


def _customers(rng: np.random.Generator, people: int) -> pl.DataFrame:
    budget = rng.integers(10, 25, people) * 1_000_000
    return pl.DataFrame(
        {
            "customer_id": [f"C{p:03d}" for p in range(people)],
            "created_at": [START - DAY] * people,
            "phone": ["13800000000"] * people,
            "budget_low": budget - 2_000_000,
            "budget_high": budget,
            "preferred_body_type": [BODIES[p % 3] if p % 2 else None for p in range(people)],
        }
    )


def _events(rng: np.random.Generator, people: int, days: int) -> pl.DataFrame:
    rows = []
    for person in range(people):
        for visit, day in enumerate(sorted(rng.choice(days, 6, replace=False))):
            begin = START + int(day) * DAY + person * 1_000
            for look in range(3):
                own = rng.random() < 0.9
                k = int(4 * (person % 3 if own else rng.integers(3)) + rng.integers(4))
                kind = "view" if look < 2 else rng.choice(["compare", "test_drive", "view"])
                customer = f"C{person:03d}" if visit else None
                session = f"{person}-{visit}"
                rows.append(
                    (begin + look * MINUTE, kind, customer, f"W{person:03d}", session, f"N{k}", STORES[person % 2])
                )
    schema = ["event_at", "event_type", "customer_id", "visitor_id", "session_id", "vehicle_id", "store_id"]
    return pl.DataFrame(rows, schema=schema, orient="row").with_row_index("event_id").cast({"event_id": pl.String})


def write_recommendation(folder: Path, tables: dict[str, pl.DataFrame], **changes: object) -> Path:
    """Write tables, sources and configuration into a folder; return the path of the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    instants = {"events": ["event_at"], "vehicles": ["listed_at", "sold_at"], "customers": ["created_at"]}
    sources: dict[str, object] = {
        "timezone": "UTC",
        "tables": {
            n: {
                "parquet": f"{n}.parquet",
                "columns": {c: {"from": c, "unit": "us"} for c in instants[n] if c in tables[n].columns},
            }
            for n in tables
        },
    }
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources))
    config = {
        "task": "recommendation",
        "sources": "sources.yaml",
        "time": "event_at",
        "bootstraps": 30,
        "params": {
            "als": {"factors": 4, "regularization": 1.0, "iterations": 5, "num_threads": 1},
            "low_pass": {"rank": 4},
            "ranker": {"n_estimators": 40, "min_data_in_leaf": 20, "num_threads": 1},
            "max_queries": 2_000,
        },
        "gate": {"ndcg_at_10": {"at_least": 0.3}},
        "tune": {"folds": 2, "space": {"params.ranker.num_leaves": {"low": 7, "high": 31, "integer": True}}},
        **changes,
    }
    path = folder / "recommendation.yaml"
    path.write_text(yaml.safe_dump(config))
    return path

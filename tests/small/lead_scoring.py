"""A small dealership with known effects of events, channel, store and time of the first call on sales."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

START = 1_600_000_000_000_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
CHANNELS = ("website", "search_ad", "referral")
DECAY = {"website": 0.1, "search_ad": 0.2, "referral": 0.02}


def lead_scoring_tables(*, leads: int = 5_000, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Return two years of leads of six stores, with events and calls; purchases are within ten days of the call."""
    rng = np.random.default_rng(seed)
    created = START + np.sort(rng.integers(0, 730 * 24, leads)) * HOUR
    channel, store = rng.choice(CHANNELS, leads, p=[0.5, 0.3, 0.2]), rng.integers(0, 6, leads)
    views, lists = rng.poisson(3, leads), rng.random(leads) < 0.3
    hours = rng.lognormal(1.2, 1.3, leads) * (1 + 0.5 * (store % 2))
    decay = np.array([DECAY[c] for c in channel])
    chance = 1 / (
        1 + np.exp(-(-1.6 + 0.25 * views + 1.0 * lists + 0.8 * (channel == "referral") + 0.2 * (store - 2.5)))
    )
    chance *= 0.3 + 0.7 * np.exp(-decay * hours)
    bought = rng.random(leads) < chance
    converted = created + (hours * HOUR).astype(np.int64) + rng.integers(1, 240, leads) * HOUR
    end = START + 730 * DAY
    sold, called = bought & (converted < end), created + (hours * HOUR).astype(np.int64)
    margin = rng.normal(900_000, 200_000, leads)
    ids, customers = [f"L{i:05d}" for i in range(leads)], [f"C{i:05d}" for i in range(leads)]
    table = pl.DataFrame(
        {
            "lead_id": ids,
            "created_at": created,
            "customer_id": customers,
            "store_id": [f"S{s}" for s in store],
            "channel": channel,
            "model": rng.choice(["M1", "M2"], leads),
            "price": rng.integers(80, 200, leads) * 100_000,
            "budget": rng.integers(80, 200, leads) * 100_000,
            "distance_km": np.round(rng.gamma(2, 6, leads), 1),
            "acquisition_cost": np.where(channel == "search_ad", 9_000, 2_000) + rng.integers(0, 500, leads),
            "first_contact_at": pl.Series([int(c) if c < end else None for c in called], dtype=pl.Int64),
            "converted_at": pl.Series(
                [int(c) if s else None for c, s in zip(converted, sold, strict=True)], dtype=pl.Int64
            ),
            "gross_margin": pl.Series([int(v) if s else None for v, s in zip(margin, sold, strict=True)]),
            "wheelbase": rng.normal(0, 1, leads),
        }
    )  # fmt: skip
    rows = []
    for i in range(leads):
        moments = created[i] - rng.integers(1, 20 * 24, views[i] + int(lists[i])) * HOUR
        for k, at in enumerate(np.sort(moments)):
            kind = "price_list" if lists[i] and k == 0 else "view"
            rows.append(
                (f"E{i:05d}-{k}", int(at), kind, customers[i], f"V{k}", str(channel[i]), float(rng.integers(5, 90)))
            )
    names = ["event_id", "event_at", "event_type", "customer_id", "session_id", "channel", "dwell_seconds"]
    return {"leads": table, "events": pl.DataFrame(rows, schema=names, orient="row")}


def write_lead_scoring(folder: Path, tables: dict[str, pl.DataFrame], **changes: object) -> Path:
    """Write tables, sources and configuration into a folder; return the path of the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    instants = {
        "leads": ("created_at", "first_contact_at", "converted_at"), "events": ("event_at",), "sales": ("sold_at",),
    }  # fmt: skip
    sources: dict[str, object] = {}
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
        mapped = {c: {"from": c, "unit": "us"} for c in instants.get(name, ()) if c in table.columns}
        sources[name] = {"parquet": f"{name}.parquet", "columns": mapped}
    (folder / "sources.yaml").write_text(yaml.safe_dump({"timezone": "UTC", "tables": sources}))
    config = {
        "task": "lead_scoring",
        "sources": "sources.yaml",
        "time": "created_at",
        "extra_features": {"numeric": ["wheelbase"]},
        "segments": ["channel", "store_id"],
        "bootstraps": 30,
        "params": {
            "rescore_days": [3],
            "boosted_trees": {"n_estimators": 50, "learning_rate": 0.1, "num_leaves": 6, "num_threads": 1},
            "dealer_calibration_rows": 100,
        },
        "tune": {"folds": 2, "space": {"params.boosted_trees.num_leaves": {"low": 3, "high": 9, "integer": True}}},
        **changes,
    }
    path = folder / "lead_scoring.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def write_with_last_contact(folder: Path) -> Path:
    """Write the leads with a last contact: the first one, and for every third lead one four days later."""
    tables = lead_scoring_tables()
    further = pl.when(pl.int_range(pl.len()) % 3 == 0).then(4 * DAY).otherwise(0)
    tables["leads"] = tables["leads"].with_columns(last_contact_at=pl.col("first_contact_at") + further)
    path = write_lead_scoring(folder, tables)
    sources = path.with_name("sources.yaml")
    content = yaml.safe_load(sources.read_text())
    content["tables"]["leads"]["columns"]["last_contact_at"] = {"from": "last_contact_at", "unit": "us"}
    sources.write_text(yaml.safe_dump(content))
    return path


def lead_history(row: Mapping[str, Any], frames: Mapping[str, pl.LazyFrame]) -> dict[str, Any]:
    """Return the times and the history of a request for the lead and `as_of` of a training row."""
    until, customer = row["as_of"], row["customer_id"]
    events = frames["events"].filter((pl.col("customer_id") == customer) & (pl.col("event_at") < until)).collect()
    names = [n for n in ("event_type", "session_id", "channel", "dwell_seconds") if n in events.columns]
    content = [{n: e[n] for n in names} | {"event_at": _iso(e["event_at"])} for e in events.to_dicts()]
    lead = frames["leads"].filter(pl.col("lead_id") == row["lead_id"]).collect().to_dicts()[0]
    call = lead.get("first_contact_at")
    return {
        "as_of": _iso(until),
        "created_at": _iso(lead["created_at"]),
        "events": content,
        **({"first_contact_at": _iso(call)} if call is not None else {}),
    }


def _iso(us: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).isoformat()

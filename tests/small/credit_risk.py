"""A small lender whose loans default for known reasons: enough to train on in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import yaml

START = 1_600_000_000_000_000
DAY = 86_400_000_000


def credit_risk_tables(*, rows: int = 4_000, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Applications over two years and their outcomes; default depends on income, loan to value and late payments."""
    rng = np.random.default_rng(seed)
    price = rng.integers(8, 40, rows) * 1_000_000
    loan = (price * rng.uniform(0.3, 0.9, rows)).astype(np.int64)
    income = (rng.lognormal(13.6, 0.5, rows)).astype(np.int64)
    late = rng.poisson(0.4, rows)
    housing = rng.choice(["own", "rent", "family"], rows)
    risk = -4.2 + 2.5 * loan / price + 0.9 * late - 0.9 * (np.log(income) - 13.6) + 0.5 * (housing == "rent")
    bad = rng.random(rows) < 1 / (1 + np.exp(-risk))
    ids = [f"A{i:05d}" for i in range(rows)]
    applications = pl.DataFrame(
        {
            "application_id": ids,
            "submitted_at": START + np.sort(rng.integers(0, 730, rows)) * DAY,
            "vehicle_price": price,
            "down_payment": price - loan,
            "loan_amount": loan,
            "term_months": rng.choice([12, 24, 36, 60], rows),
            "monthly_income": income,
            "housing": housing,
            "bureau_delinquencies_24m": late,
            "gender": rng.choice(["female", "male"], rows),
            "showroom_visits": rng.integers(0, 9, rows),
            "decision": "approve",
        }
    )
    income_or_none = (
        pl.when(pl.col("application_id").hash(seed=seed) % 10 == 0).then(None).otherwise(pl.col("monthly_income"))
    )
    outcomes = pl.DataFrame({"application_id": ids, "defaulted": bad})
    return {"applications": applications.with_columns(monthly_income=income_or_none), "loan_outcomes": outcomes}


def write_credit_risk(folder: Path, tables: dict[str, pl.DataFrame], **changes: object) -> Path:
    """Write tables, sources and configuration into a folder; returns the configuration's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    sources = {"timezone": "UTC", "tables": {n: {"parquet": f"{n}.parquet"} for n in tables}}
    sources["tables"]["applications"]["columns"] = {"submitted_at": {"from": "submitted_at", "unit": "us"}}
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources))
    config = {
        "task": "credit_risk",
        "sources": "sources.yaml",
        "time": "submitted_at",
        "extra_features": {"numeric": ["showroom_visits"]},
        "segments": ["housing"],
        "bootstraps": 30,
        "params": {
            "boosted_trees": {"n_estimators": 40, "learning_rate": 0.1, "num_leaves": 6, "num_threads": 1},
            "target_bad_rate": 0.06,
        },
        "tune": {"folds": 2, "space": {"params.boosted_trees.num_leaves": {"low": 3, "high": 9, "integer": True}}},
        **changes,
    }
    path = folder / "credit_risk.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def write_eight_applications(folder: Path) -> Path:
    """A lender's eight applications as CSV files; returns the configuration's path."""
    ids = [f"A{i}" for i in range(8)]
    days = [1_600_000_000_000_000 + i * 86_400_000_000 for i in range(8)]
    pl.DataFrame({"application_id": ids, "submitted_at": days, "loan_amount": range(10_000, 10_008)}).write_csv(
        folder / "applications.csv"
    )
    pl.DataFrame({"application_id": ids, "defaulted": [True, False] * 4}).write_csv(folder / "loan_outcomes.csv")
    applications = {"csv": "applications.csv", "columns": {"submitted_at": {"from": "submitted_at", "unit": "us"}}}
    tables = {"applications": applications, "loan_outcomes": {"csv": "loan_outcomes.csv"}}
    (folder / "sources.yaml").write_text(yaml.safe_dump({"timezone": "UTC", "tables": tables}))
    path = folder / "credit_risk.yaml"
    path.write_text(yaml.safe_dump({"task": "credit_risk", "time": "submitted_at"}))
    return path

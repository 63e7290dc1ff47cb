"""Workload of `benchmarks.features`: random data, and the lead features by the product, DuckDB and pandas.

The data are independent draws: 50 events per customer over a year, sorted by time, in whole seconds so that times tie,
and leads that are scored up to 30 days after their creation. Each function reads the Parquet files and returns all
columns of `features.lead_scoring.build`. The SQL and the pandas code are written by hand in the idiom of the tool: one
pass over the joined rows for all windows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from features.aggregations import DAY, DAYS_PER_MICROSECOND
from features.lead_scoring import CONTACT, COUNTED, LOOKBACK_DAYS, WINDOWS
from features.tables import CHANNELS, EVENT_TYPES

START = 1_704_067_200_000_000  # 2024-01-01
SECOND = 1_000_000
SHARES = (0.40, 0.28, 0.10, 0.05, 0.05, 0.03, 0.03, 0.02, 0.02, 0.01, 0.01)
CHUNK = 1_000_000
KEY = ["lead_id", "as_of"]
DAYS = f"{DAYS_PER_MICROSECOND!r}::DOUBLE"


def generate(folder: Path, *, events: int, seed: int = 7) -> None:
    """Write spine, leads, sales and events as Parquet files, with 15 leads and 5 sales per 1,000 events.

    Parameters
    ----------
    folder : Path
        Existing folder for the files.
    events : int
        Number of events.
    seed : int
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    customers, leads, sales = max(events // 50, 1), max(events * 15 // 1000, 1), max(events // 200, 1)
    instants = START + np.sort(rng.integers(0, 365 * DAY // SECOND, events)) * SECOND
    writer: pq.ParquetWriter | None = None
    for first in range(0, events, CHUNK):
        table = _events(rng, instants[first : first + CHUNK], first, customers).to_arrow()
        writer = writer or pq.ParquetWriter(folder / "events.parquet", table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()
    created = START + rng.integers(30 * DAY // SECOND, 365 * DAY // SECOND, leads) * SECOND
    lead_rows = pl.DataFrame(
        {
            "lead_id": _names("l", np.arange(leads)),
            "created_at": created,
            "customer_id": _names("c", rng.integers(0, customers, leads)),
            "store_id": _names("s", rng.integers(0, 200, leads)),
            "channel": _choose(rng, CHANNELS, leads),
            "model": _names("m", rng.integers(0, 200, leads)),
            "price": rng.integers(6_000_000, 50_000_000, leads),
            "distance_km": np.round(rng.exponential(15.0, leads), 1),
        }
    )
    lead_rows.write_parquet(folder / "leads.parquet")
    later = rng.integers(0, 30 * DAY // SECOND, leads) * SECOND
    lead_rows.select("lead_id", as_of=pl.col("created_at") + later).write_parquet(folder / "spine.parquet")
    pl.DataFrame(
        {
            "sale_id": _names("o", np.arange(sales)),
            "sold_at": START + rng.integers(0, 365 * DAY // SECOND, sales) * SECOND,
            "customer_id": _names("c", rng.integers(0, customers, sales)),
            "price": rng.integers(6_000_000, 50_000_000, sales),
        }
    ).write_parquet(folder / "sales.parquet")


def _events(rng: np.random.Generator, instants: np.ndarray, first: int, customers: int) -> pl.DataFrame:
    n = len(instants)
    vehicle = rng.integers(0, 20_000, n)
    customer = rng.integers(0, customers, n)
    return pl.DataFrame(
        {
            "event_id": _names("e", np.arange(first, first + n)),
            "event_at": instants,
            "event_type": _choose(rng, EVENT_TYPES, n, SHARES),
            "customer_id": _names("c", customer),
            "session_id": _names("w", customer * 16 + rng.integers(0, 16, n)),
            "vehicle_id": _names("v", vehicle),
            "model": _names("m", vehicle // 100),
            "channel": _choose(rng, CHANNELS, n),
            "dwell_seconds": np.round(rng.exponential(40.0, n), 1),
        }
    )


def _names(letter: str, numbers: np.ndarray) -> pl.Series:
    return pl.select(pl.format("{}{}", pl.lit(letter), pl.Series(numbers).cast(pl.String).str.zfill(9))).to_series()


def _choose(
    rng: np.random.Generator, values: tuple[str, ...], n: int, shares: tuple[float, ...] | None = None
) -> pl.Series:
    return pl.Series(values).gather(rng.choice(len(values), n, p=shares))


def product(folder: Path) -> pl.DataFrame:
    """Compute the features with `features.lead_scoring.build` on Polars."""
    from features.engines import collect, scan_parquet
    from features.lead_scoring import build

    tables = {name: scan_parquet(folder / f"{name}.parquet") for name in ("leads", "events", "sales")}
    return collect(build(scan_parquet(folder / "spine.parquet"), tables))


def duckdb_sql(folder: Path) -> pl.DataFrame:
    """Compute the features in SQL: one join and one aggregation with FILTER per table."""
    import duckdb

    connection = duckdb.connect(config={"threads": 2})
    for name in ("spine", "leads", "events", "sales"):
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{folder / name}.parquet'")
    counts = []
    for days in WINDOWS:
        within = f"age <= {days * DAY}"
        counts.append(f"count(*) FILTER (WHERE {within}) AS events_{days}d")
        for name, (kind, *_) in COUNTED.items():
            counts.append(f"count(*) FILTER (WHERE {within} AND event_type = '{kind}') AS {name}_{days}d")
        counts.append(f"coalesce(sum(floor(dwell_seconds)) FILTER (WHERE {within}), 0.0) AS dwell_seconds_{days}d")
    for name, column in (("sessions", "session_id"), ("vehicles", "vehicle_id"), ("models", "model")):
        counts.append(f"count(DISTINCT {column}) FILTER (WHERE age <= {90 * DAY}) AS {name}_90d")
    zero = ", ".join(f"coalesce({c.split(' AS ')[1]}, 0) AS {c.split(' AS ')[1]}" for c in counts)
    return connection.sql(f"""
        WITH scored AS (
            SELECT spine.lead_id, spine.as_of, leads.* EXCLUDE (lead_id)
            FROM spine LEFT JOIN leads ON leads.lead_id = spine.lead_id AND leads.created_at <= spine.as_of
        ), visits AS (
            SELECT customer_id, as_of, {", ".join(counts)},
                min(age) * {DAYS} AS days_since_visit,
                min(age) FILTER (WHERE event_type IN {CONTACT}) * {DAYS} AS days_since_contact,
                arg_max({{kind: event_type, place: channel}}, (event_at, event_id)) AS latest
            FROM (
                SELECT events.*, as_of, as_of - event_at AS age
                FROM (SELECT DISTINCT customer_id, as_of FROM scored) JOIN events USING (customer_id)
                WHERE event_at < as_of AND event_at >= as_of - {LOOKBACK_DAYS * DAY}
            ) GROUP BY ALL
        ), others AS (
            SELECT a.lead_id, a.as_of, count(*) AS other_leads,
                count(*) FILTER (WHERE a.as_of - l.created_at <= {90 * DAY}) AS other_leads_90d,
                min(a.as_of - l.created_at) * {DAYS} AS days_since_other_lead
            FROM scored AS a JOIN leads AS l USING (customer_id)
            WHERE l.created_at < a.as_of AND l.lead_id <> a.lead_id
            GROUP BY ALL
        ), bought AS (
            SELECT customer_id, as_of, count(*) AS purchases, sum(price)::DOUBLE AS purchases_fen,
                min(as_of - sold_at) * {DAYS} AS days_since_purchase
            FROM (SELECT DISTINCT customer_id, as_of FROM scored) JOIN sales USING (customer_id)
            WHERE sold_at < as_of
            GROUP BY ALL
        )
        SELECT scored.*, {zero}, days_since_visit, days_since_contact,
            latest.kind AS last_event_type, latest.place AS last_event_channel,
            coalesce(other_leads, 0) AS other_leads, coalesce(other_leads_90d, 0) AS other_leads_90d,
            days_since_other_lead, coalesce(purchases, 0) AS purchases,
            coalesce(purchases_fen, 0) AS purchases_fen, days_since_purchase
        FROM scored
            LEFT JOIN visits USING (customer_id, as_of)
            LEFT JOIN others USING (lead_id, as_of)
            LEFT JOIN bought USING (customer_id, as_of)
    """).pl()


def pandas_code(folder: Path) -> pl.DataFrame:
    """Compute the features in pandas: one merge per table, rows grouped by an integer id of (customer, as_of)."""
    import pandas as pd

    leads = pd.read_parquet(folder / "leads.parquet")
    scored = pd.read_parquet(folder / "spine.parquet").merge(leads, on="lead_id", how="left")
    own = [c for c in leads.columns if c != "lead_id"]
    scored.loc[scored["created_at"] > scored["as_of"], own] = None
    moments = scored[["customer_id", "as_of"]].drop_duplicates().reset_index(drop=True)
    moments["moment"] = moments.index
    scored = scored.merge(moments, on=["customer_id", "as_of"], how="left")

    events = pd.read_parquet(folder / "events.parquet")
    events = events[events["customer_id"].isin(moments["customer_id"])]
    rows = moments.merge(events, on="customer_id").drop(columns="customer_id")
    del events
    rows = rows[(rows["event_at"] < rows["as_of"]) & (rows["event_at"] >= rows["as_of"] - LOOKBACK_DAYS * DAY)]
    rows["age"] = rows["as_of"] - rows["event_at"]
    flags, dwell = {}, np.floor(rows["dwell_seconds"])
    for days in WINDOWS:
        within = rows["age"] <= days * DAY
        flags[f"events_{days}d"] = within
        for name, (kind, *_) in COUNTED.items():
            flags[f"{name}_{days}d"] = within & (rows["event_type"] == kind)
        flags[f"dwell_seconds_{days}d"] = dwell.where(within, 0.0)
    sums = pd.DataFrame(flags).groupby(rows["moment"]).sum()
    recent = rows[rows["age"] <= 90 * DAY]
    for name, column in (("sessions", "session_id"), ("vehicles", "vehicle_id"), ("models", "model")):
        pairs = recent[["moment", column]].dropna().drop_duplicates()
        sums[f"{name}_90d"] = pairs.groupby("moment").size()
    by_moment = rows.groupby("moment")
    latest = rows[rows["age"] == by_moment["age"].transform("min")]
    latest = latest.sort_values("event_id").drop_duplicates("moment", keep="last").set_index("moment")
    result = scored.join(sums.fillna(0), on="moment")
    result[list(sums.columns)] = result[list(sums.columns)].fillna(0)
    result["days_since_visit"] = result["moment"].map(by_moment["age"].min() * DAYS_PER_MICROSECOND)
    contacts = rows[rows["event_type"].isin(CONTACT)]
    result["days_since_contact"] = result["moment"].map(contacts.groupby("moment")["age"].min() * DAYS_PER_MICROSECOND)
    result["last_event_type"] = result["moment"].map(latest["event_type"])
    result["last_event_channel"] = result["moment"].map(latest["channel"])

    other = scored[["lead_id", "as_of", "customer_id"]].merge(
        leads[["lead_id", "customer_id", "created_at"]], on="customer_id", suffixes=("", "_other")
    )
    other = other[(other["created_at"] < other["as_of"]) & (other["lead_id"] != other["lead_id_other"])]
    other["age"] = other["as_of"] - other["created_at"]
    other["recent"] = other["age"] <= 90 * DAY
    grouped = other.groupby(KEY).agg(
        other_leads=("age", "size"), other_leads_90d=("recent", "sum"), days_since_other_lead=("age", "min")
    )
    grouped["days_since_other_lead"] *= DAYS_PER_MICROSECOND
    result = result.join(grouped, on=KEY)

    sales = moments.merge(pd.read_parquet(folder / "sales.parquet"), on="customer_id")
    sales = sales[sales["sold_at"] < sales["as_of"]]
    sales["age"] = sales["as_of"] - sales["sold_at"]
    grouped = sales.groupby("moment").agg(
        purchases=("age", "size"), purchases_fen=("price", "sum"), days_since_purchase=("age", "min")
    )
    grouped["days_since_purchase"] *= DAYS_PER_MICROSECOND
    result = result.join(grouped, on="moment").drop(columns="moment")
    zero = ["other_leads", "other_leads_90d", "purchases", "purchases_fen"]
    result[zero] = result[zero].fillna(0)
    return pl.from_pandas(result)


CONTENDERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    "polars": product,
    "duckdb": duckdb_sql,
    "pandas": pandas_code,
}

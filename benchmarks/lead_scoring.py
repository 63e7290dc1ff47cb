"""Latency over HTTP, duration of a nightly batch, and gain of the call queue: `python -m benchmarks.lead_scoring`.

- HTTP: `python -m serving` with two workers; requests of one lead with 200 events, open loop at 50 requests per second.
- Nightly batch: `chehang score lead_scoring --as-of` for 100,000 open leads with 2 million events, features included.
- Call queue: expected margin of three orders of calls, by the simulator's true equation, on 60 evenings.

HTTP and batch use random data, the call queue the sample dealership. The run takes some minutes.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from benchmarks.recommendation import open_loop, server

START = 1_700_000_000_000_000
HOUR = 3_600_000_000
DAY = 24 * HOUR
LEADS, CUSTOMERS, EVENTS, OPEN = 140_000, 140_000, 2_000_000, 100_000
DAYS = 200
RATE, SECONDS, EVENTS_PER_REQUEST = 50, 20, 200
KINDS = ("view", "search", "compare", "favourite", "price_list", "chat")
CHANNELS = ("website", "app", "search_ad", "referral")
LIMITS = {
    "p99, 200 events, with reasons (ms)": 30.0,
    "p99, 200 events, without reasons (ms)": 30.0,
    "100,000 open leads re-scored (s)": 20.0,
}


def print_figure(quantity: str, value: float, *, unit: str = "") -> None:
    """Print one figure and its limit."""
    limit = f"   (limit {LIMITS[quantity]:g})" if quantity in LIMITS else ""
    print(f"{quantity:<58}{value:10.3f}{unit}{limit}", flush=True)


def main() -> None:
    """Run the three measurements."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home, config = dealership(folder)
        nightly_batch(home, config, folder / "answers.parquet")
        http_latency(home, config.parent)
    with tempfile.TemporaryDirectory() as name:
        call_queue(Path(name))


def chehang(home: Path, *arguments: str) -> str:
    """Run a `chehang` command in a new process and return its output."""
    command = [sys.executable, "-m", "chehang", *arguments]
    done = subprocess.run(
        command, env={**os.environ, "CHEHANG_HOME": str(home)}, check=True, capture_output=True, text=True
    )
    return done.stdout


def dealership(folder: Path) -> tuple[Path, Path]:
    """Write random data and promote a model trained on them; return home folder and configuration."""
    rng = np.random.default_rng(1)
    created = START + np.sort(rng.integers(0, DAYS * 24, LEADS)) * HOUR
    customer = rng.permutation(CUSTOMERS)
    events = pl.DataFrame(
        {
            "event_id": [f"E{i:07d}" for i in range(EVENTS)],
            "event_at": START + np.sort(rng.integers(0, DAYS * 24 * 60, EVENTS)) * (HOUR // 60),
            "event_type": rng.choice(KINDS, EVENTS, p=[0.6, 0.15, 0.1, 0.05, 0.05, 0.05]),
            "customer_id": [f"C{c}" for c in rng.integers(0, CUSTOMERS, EVENTS)],
            "session_id": [f"S{s}" for s in rng.integers(0, EVENTS // 4, EVENTS)],
            "vehicle_id": [f"V{v}" for v in rng.integers(0, 500, EVENTS)],
            "channel": rng.choice(CHANNELS, EVENTS),
            "dwell_seconds": rng.integers(1, 90, EVENTS).astype(float),
        }
    )
    is_closed = rng.permutation(LEADS) < LEADS - OPEN
    bought = is_closed & (rng.random(LEADS) < 0.2)
    closed_at = created + rng.integers(1, 20, LEADS) * DAY
    leads = pl.DataFrame(
        {
            "lead_id": [f"L{i:06d}" for i in range(LEADS)],
            "created_at": created,
            "customer_id": [f"C{c}" for c in customer],
            "store_id": [f"S{s}" for s in rng.integers(0, 200, LEADS)],
            "channel": rng.choice(CHANNELS, LEADS),
            "model": [f"M{m}" for m in rng.integers(0, 40, LEADS)],
            "price": rng.integers(80, 300, LEADS) * 100_000,
            "distance_km": np.round(rng.gamma(2, 6, LEADS), 1),
            "converted_at": pl.Series(closed_at).to_frame("x").select(pl.when(pl.Series(bought)).then("x"))["x"],
            "closed_at": pl.Series(closed_at).to_frame("x").select(pl.when(pl.Series(is_closed)).then("x"))["x"],
        }
    )
    instants = {"leads": ("created_at", "converted_at", "closed_at"), "events": ("event_at",)}
    configs = folder / "configs"
    configs.mkdir()
    sources: dict[str, Any] = {}
    for name, table in (("leads", leads), ("events", events)):
        table.write_parquet(configs / f"{name}.parquet")
        sources[name] = {
            "parquet": f"{name}.parquet",
            "columns": {c: {"from": c, "unit": "us"} for c in instants[name]},
        }
    (configs / "sources.yaml").write_text(yaml.safe_dump({"timezone": "UTC", "tables": sources}))
    config = configs / "lead_scoring.yaml"
    params = {"boosted_trees": {"n_estimators": 300, "num_leaves": 12}, "rescore_days": [7]}
    content = {"task": "lead_scoring", "time": "created_at", "bootstraps": 20, "params": params}
    config.write_text(yaml.safe_dump(content))
    home = folder / "home"
    chehang(home, "train", "lead_scoring", "--config", str(config))
    chehang(home, "promote", "lead_scoring", "--force", "--reason", "the labels are random: only time is measured")
    return home, config


def nightly_batch(home: Path, config: Path, out: Path) -> None:
    """Measure the time to score all open leads as of the last day."""
    as_of = datetime.fromtimestamp((START + DAYS * DAY) / 1e6, UTC).isoformat()
    started = time.perf_counter()
    chehang(home, "score", "lead_scoring", "-c", str(config), "--as-of", as_of, "--out", str(out))
    seconds = time.perf_counter() - started
    rows = pl.read_parquet(out).height
    assert rows >= OPEN, rows
    print_figure("100,000 open leads re-scored (s)", seconds)


def _bodies(n: int) -> list[bytes]:
    rng = np.random.default_rng(2)
    now = datetime(2024, 6, 1, 12, tzinfo=UTC)
    bodies = []
    for i in range(n):
        minutes = np.sort(rng.integers(1, 89 * 24 * 60, EVENTS_PER_REQUEST))
        events = [
            {
                "event_at": (now - timedelta(minutes=int(m))).isoformat(),
                "event_type": KINDS[int(m) % len(KINDS)],
                "session_id": f"s{m // 300}",
                "vehicle_id": f"V{m % 17}",
                "channel": CHANNELS[int(m) % 4],
                "dwell_seconds": float(m % 60),
            }
            for m in minutes
        ]
        lead = {"lead_id": f"L{i}", "store_id": f"S{i % 200}", "channel": CHANNELS[i % 4], "model": f"M{i % 40}"}
        moments = {"created_at": (now - timedelta(days=10)).isoformat(), "as_of": now.isoformat()}
        bodies.append(
            json.dumps({**lead, **moments, "price": 120_000.0, "distance_km": 5.0, "events": events}).encode()
        )
    return bodies


def http_latency(home: Path, configs: Path) -> None:
    """Measure the latency of requests at a constant rate."""
    bodies = _bodies(RATE * SECONDS)
    with server(home, configs) as url:
        for name, query in (("with", "?explain=true"), ("without", "?explain=false")):
            path = f"{url}/v1/lead_scoring{query}"
            asyncio.run(open_loop(path, bodies[:200], rate=RATE))
            seconds = asyncio.run(open_loop(path, bodies, rate=RATE))
            print_figure(f"p50, 200 events, {name} reasons (ms)", float(np.quantile(seconds, 0.5)) * 1e3)
            print_figure(f"p99, 200 events, {name} reasons (ms)", float(np.quantile(seconds, 0.99)) * 1e3)


def call_queue(home: Path) -> None:
    """Compare three orders of calls, six calls an hour for eight hours, by the true expected margin."""
    from ml import champions
    from ml.lead_scoring.endpoints import ENDPOINTS
    from ml.lead_scoring.request import request as lead_request
    from ml.lead_scoring.sales_desk import DeskRules

    os.environ["CHEHANG_HOME"] = str(home)
    chehang(home, "sample-data")
    chehang(home, "train", "lead_scoring")
    model = champions.load(champions.version("lead_scoring", None))
    serving = {"lead_scoring": model}
    endpoint: Any = next(e for e in ENDPOINTS if e.path == "queue")
    request_type = endpoint.request(serving)
    fields = set(lead_request(model.estimator.signature).model_fields)
    leads = pl.read_parquet(home / "sample" / "tables" / "leads.parquet")
    truth = pl.read_parquet(home / "sample" / "truth" / "leads.parquet")
    margin = (
        leads.filter(pl.col("gross_margin").is_not_null()).group_by("model").agg(pl.col("gross_margin").mean() / 100)
    )
    margins = dict(margin.iter_rows())
    leads = leads.join(truth, on="lead_id")
    totals = np.zeros(3)
    score_request = model.request()
    always_open = DeskRules(timezone="UTC", open="00:00", close="24:00", capacity_per_day=1_000)
    for now in (datetime(2025, 6, 1, 12, tzinfo=UTC) + timedelta(days=3 * k) for k in range(60)):
        window = leads.filter((pl.col("created_at") <= now) & (pl.col("created_at") > now - timedelta(days=2)))
        rows = window.to_dicts()
        bodies = [_lead(row, fields) for row in rows]
        content = {"as_of": now.isoformat(), "calls_per_hour": 6.0, "hours": 8.0, "leads": bodies}
        request = request_type.model_validate_json(json.dumps(content))
        answer: Any = endpoint.respond(always_open, serving, [request], False)[0]
        requests = [score_request.model_validate_json(json.dumps({**b, "as_of": now.isoformat()})) for b in bodies]
        score = [a.conversion_probability for a in model.answers(requests, explain=False)]
        orders = (
            [i.position for i in answer.items],
            sorted(range(len(rows)), key=lambda i: -rows[i]["created_at"].timestamp()),
            sorted(range(len(rows)), key=lambda i: -score[i]),
        )
        for k, order in enumerate(orders):
            totals[k] += sum(_gain(rows[i], now, place / 6.0, margins) for place, i in enumerate(order[:48]))
    print_figure("expected margin of the queue / newest first", totals[0] / totals[1])
    print_figure("expected margin of the queue / highest score first", totals[0] / totals[2])


def _lead(row: dict[str, Any], fields: set[str]) -> dict[str, Any]:
    money = ("price", "budget", "acquisition_cost")
    names = ("lead_id", "store_id", "channel", "campaign", "model", "distance_km", *money)
    body = {n: row[n] / 100 if n in money else row[n] for n in names if n in fields and row[n] is not None}
    return body | {"created_at": row["created_at"].isoformat()}


def _gain(row: dict[str, Any], now: datetime, hours: float, margins: dict[str, float]) -> float:
    """Return the true expected gain of a call over no call, by the simulator's equation."""
    waited = (now - row["created_at"]).total_seconds() / 3_600 + hours
    decayed = (1 - row["floor"]) * np.exp(-row["decay_per_hour"] * waited)
    return float(row["base_probability"] * decayed * margins.get(row["model"], 0.0))


if __name__ == "__main__":
    main()

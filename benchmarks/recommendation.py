"""Latency of recommendation pages and training time of the retrievers: `python -m benchmarks.recommendation`.

- In process: one page of 10 out of 20,000 vehicles in stock, compared with LightGBM scoring the same 200 rows alone.
- Over HTTP: `python -m serving` with two workers; latency under an open loop (requests leave on schedule, whether or
  not earlier ones have returned, and latency counts from the scheduled time), then capacity by wrk.
- `--training`: 5 million choices among 20,000 items: ALS compared with implicit and, if installed, with RecTools'
  wrapper of it; item-item with its peak memory.

The data are simulated: each customer prefers one body type, a used vehicle is one unit. Takes a few minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import psutil
import yaml
from scipy.sparse import csr_matrix

START = 1_600_000_000_000_000
DAY = 86_400_000_000
VEHICLES, MODELS, PEOPLE, EVENTS = 20_000, 600, 20_000, 400_000
BODIES = ("sedan", "suv", "mpv", "pickup")
ENERGY = ("combustion", "battery_electric", "plug_in_hybrid")
RATE, SECONDS = 50, 20
TARGETS = {
    "page of 10 out of 20,000, 200 candidates (ms)": 5.0,
    "p99 at 50 requests a second (ms)": 25.0,
    "requests a second at 32 connections": 150.0,
    "ALS, ours / implicit": 1.2,
    "training of retrievers (minutes)": 8.0,
}


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", action="store_true", help="only train the retrievers on 5 million choices")
    if parser.parse_args().training:
        return training()
    with tempfile.TemporaryDirectory() as folder:
        home, configs = make_dealership(Path(folder))
        in_process(home, configs)
        over_http(home, configs)


def print_figure(name: str, value: float, *, unit: str = "") -> None:
    """Print one figure and its target."""
    target = f"   (target {TARGETS[name]:g})" if name in TARGETS else ""
    print(f"{name:<58}{value:10.3f}{unit}{target}", flush=True)


def make_dealership(folder: Path) -> tuple[Path, Path]:
    """Train and promote a model on a simulated dealership; return its home and configuration folder."""
    rng = np.random.default_rng(1)
    model = rng.integers(MODELS, size=VEHICLES)
    price = np.exp(rng.normal(np.log(60_000 + 250 * model), 0.2))
    listed = START - rng.integers(0, 60, VEHICLES) * DAY
    vehicles = pl.DataFrame(
        {
            "vehicle_id": [f"V{i:05d}" for i in range(VEHICLES)],
            "kind": "unit",
            "condition": "used",
            "brand": [f"B{m % 40}" for m in model],
            "model": [f"M{m}" for m in model],
            "body_type": [BODIES[m % 4] for m in model],
            "energy_type": [ENERGY[m % 3] for m in model],
            "price": (price * 100).astype(np.int64),
            "store_id": [f"S{s:02d}" for s in rng.integers(20, size=VEHICLES)],
            "listed_at": listed,
        }
    )
    person = rng.integers(PEOPLE, size=EVENTS)
    prefers_own_body = rng.random(EVENTS) < 0.8
    body = np.where(prefers_own_body, person % 4, rng.integers(4, size=EVENTS))
    by_body = [np.flatnonzero(model % 4 == b) for b in range(4)]
    viewed = np.empty(EVENTS, dtype=np.int64)
    for b in range(4):
        rows = np.flatnonzero(body == b)
        viewed[rows] = by_body[b][(len(by_body[b]) * rng.power(0.4, len(rows))).astype(np.int64)]
    events = pl.DataFrame(
        {
            "event_id": np.arange(EVENTS).astype(str),
            "event_at": START + np.sort(rng.integers(0, 90 * DAY, EVENTS)),
            "event_type": "view",
            "customer_id": [f"C{p}" for p in person],
            "vehicle_id": vehicles["vehicle_id"].to_numpy()[viewed],
            "store_id": [f"S{p % 20:02d}" for p in person],
        }
    )
    configs, home = folder / "configs", folder / "home"
    shutil.copytree(Path(__file__).parents[1] / "configs", configs)
    vehicles.write_parquet(configs / "vehicles.parquet")
    events.write_parquet(configs / "events.parquet")
    us = {"unit": "us"}
    tables = {
        "events": {"parquet": "events.parquet", "columns": {"event_at": {"from": "event_at", **us}}},
        "vehicles": {"parquet": "vehicles.parquet", "columns": {"listed_at": {"from": "listed_at", **us}}},
    }
    (configs / "sources.yaml").write_text(yaml.safe_dump({"timezone": "UTC", "tables": tables}))
    environment = {**os.environ, "CHEHANG_HOME": str(home)}
    path = str(configs / "recommendation.yaml")
    for command in (
        ["train", "recommendation", "--config", path],
        ["promote", "recommendation", "--force", "--reason", "benchmark"],
    ):
        process = subprocess.run(
            [sys.executable, "-m", "chehang", *command],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if process.returncode:
            raise SystemExit(process.stderr)
    print(f"{VEHICLES:,} vehicles, {EVENTS:,} choices of {PEOPLE:,} people; system load {os.getloadavg()[0]:.1f}")
    return home, configs


def requests(n: int) -> list[dict[str, Any]]:
    """Return request bodies in equal parts: known customers, sessions, stated preferences, and cold start."""
    rng = np.random.default_rng(2)
    bodies = []
    for i in range(n):
        body: dict[str, Any] = {"n": 10, "store_id": f"S{rng.integers(20):02d}"}
        if i % 4 == 0:
            body["customer_id"] = f"C{rng.integers(PEOPLE)}"
        elif i % 4 == 1:
            body["session"] = [{"vehicle_id": f"V{v:05d}"} for v in rng.integers(VEHICLES, size=8)]
        elif i % 4 == 2:
            body["profile"] = {"budget_high": float(rng.integers(6, 30) * 10_000), "body_type": BODIES[i % 3]}
        if i % 2:
            body.pop("store_id")  # no store: all 20,000 vehicles
        bodies.append(body)
    return bodies


def in_process(home: Path, configs: Path) -> None:
    """Measure the latency of single pages and of LightGBM alone."""
    os.environ["CHEHANG_HOME"] = str(home)
    from ml import champions

    champion = champions.champion("recommendation")
    assert champion is not None
    model = champions.load(champion)
    started = time.perf_counter()
    model.task.refresh(configs)(model.estimator)
    print_figure("re-reading the stock (s)", time.perf_counter() - started)
    request_model = model.request()
    validated = [request_model.model_validate_json(json.dumps(body)) for body in requests(400)]
    latencies = []
    for request in validated:
        started = time.perf_counter()
        model.answers([request], explain=False)
        latencies.append(time.perf_counter() - started)
    print_figure("items", len(model.estimator.recommender.vocabularies.items))
    page = float(np.median(latencies)) * 1e3
    print_figure("page of 10 out of 20,000, 200 candidates (ms)", page)
    print_figure("  99th percentile (ms)", float(np.quantile(latencies, 0.99)) * 1e3)
    trees = model.estimator.recommender.trees
    rows = np.random.default_rng(0).normal(size=(200, trees.n_features_in_))
    floor = []
    for _ in range(200):
        started = time.perf_counter()
        trees.score_rows(rows)
        floor.append(time.perf_counter() - started)
    print_figure("  LightGBM alone on 200 rows (ms)", float(np.median(floor)) * 1e3)
    print_figure("  page / LightGBM alone", page / (float(np.median(floor)) * 1e3))


@contextmanager
def server(home: Path, configs: Path) -> Iterator[str]:
    """Run the service with two workers and yield its URL."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    environment = {**os.environ, "CHEHANG_HOME": str(home), "CHEHANG_CONFIGS": str(configs), "CHEHANG_DOORS": "false"}
    command = [sys.executable, "-m", "serving", "--port", str(port), "--workers", "2"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        time.sleep(3)  # until the second worker is ready
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def open_loop(url: str, bodies: list[bytes], *, rate: float) -> list[float]:
    """Send requests at a fixed rate per second; return latencies in seconds from the scheduled times."""
    latencies: list[float] = []
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=64), timeout=10) as client:
        first_due = time.perf_counter() + 0.1

        async def one(i: int, body: bytes) -> None:
            due = first_due + i / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            answer = await client.post(url, content=body, headers={"content-type": "application/json"})
            latencies.append(time.perf_counter() - due)
            assert answer.status_code == 200, answer.text

        await asyncio.gather(*(one(i, b) for i, b in enumerate(bodies)))
    return latencies


def over_http(home: Path, configs: Path) -> None:
    """Measure latency at a fixed rate, and capacity."""
    bodies = [json.dumps(body).encode() for body in requests(RATE * SECONDS)]
    with server(home, configs) as url:
        path = f"{url}/v1/recommendation"
        asyncio.run(open_loop(path, bodies[:200], rate=RATE))
        latencies = asyncio.run(open_loop(path, bodies, rate=RATE))
        print_figure("p50 at 50 requests a second (ms)", float(np.quantile(latencies, 0.5)) * 1e3)
        print_figure("p99 at 50 requests a second (ms)", float(np.quantile(latencies, 0.99)) * 1e3)
        if shutil.which("wrk") is None:
            return print("capacity: not measured, wrk is not installed")
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            lua_bodies = ",".join("[[" + b.decode() + "]]" for b in bodies[:200])
            script.write(
                f'local b = {{{lua_bodies}}}\nlocal i = 0\nwrk.method = "POST"\n'
                'wrk.headers["Content-Type"] = "application/json"\n'
                "function request()\n i = i % #b + 1\n return wrk.format(nil, nil, nil, b[i])\nend\n"
            )
            script.flush()
            command = ["wrk", "-t1", "-c32", "-d10s", "--latency", "-s", script.name, path]
            output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        match = re.search(r"Requests/sec:\s+([\d.]+)", output)
        assert match is not None and "Non-2xx" not in output, output
        print_figure("requests a second at 32 connections", float(match.group(1)))


def training() -> None:
    """Train the retrievers on 5 million choices among 20,000 items."""
    from ml.estimators.retrievers.als import ALS
    from ml.estimators.retrievers.interactions import Interactions
    from ml.estimators.retrievers.item_item import ItemItem

    rng = np.random.default_rng(0)
    people, items, n = 200_000, 20_000, 5_500_000
    rows, columns = rng.integers(people, size=n), (items * rng.power(0.35, n)).astype(np.int64)
    matrix = csr_matrix((np.ones(n, dtype=np.float32), (rows, columns)), shape=(people, items))
    print(f"{matrix.nnz:,} choices of {people:,} people among {items:,} items")
    total = time.perf_counter()
    started = time.perf_counter()
    ours = ALS(factors=64, num_threads=2).fit(Interactions(matrix))
    als = time.perf_counter() - started
    print_figure("ALS, ours (s)", als)
    started = time.perf_counter()
    ItemItem().fit(Interactions(matrix))
    print_figure("item-item (s)", time.perf_counter() - started)
    print_figure("  peak memory so far (GB)", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
    print_figure("training of retrievers (minutes)", (time.perf_counter() - total) / 60)
    from implicit.als import AlternatingLeastSquares

    settings = {"factors": 64, "regularization": ours.regularization, "iterations": ours.iterations}
    peer = AlternatingLeastSquares(**settings, num_threads=2, random_state=0)
    started = time.perf_counter()
    peer.fit(matrix * ours.alpha if hasattr(ours, "alpha") else matrix, show_progress=False)
    print_figure("ALS, implicit alone (s)", time.perf_counter() - started)
    print_figure("ALS, ours / implicit", als / (time.perf_counter() - started))
    if importlib.util.find_spec("rectools") is None:
        print("RecTools: not installed (it requires other versions of NumPy and SciPy than this project)")
        return
    rectools(matrix, als)


def rectools(matrix: csr_matrix, als: float) -> None:
    """Compare with RecTools' wrapper of implicit."""
    from implicit.als import AlternatingLeastSquares
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.models import ImplicitALSWrapperModel

    cells = matrix.tocoo()
    frame = pl.DataFrame({Columns.User: cells.row, Columns.Item: cells.col, Columns.Weight: cells.data}).to_pandas()
    frame[Columns.Datetime] = "2024-01-01"
    data = Dataset.construct(frame)
    started = time.perf_counter()
    ImplicitALSWrapperModel(AlternatingLeastSquares(factors=64, num_threads=2)).fit(data)
    print_figure("ALS, ours / RecTools", als / (time.perf_counter() - started))


if __name__ == "__main__":
    print(f"{psutil.cpu_count()} cores")
    main()

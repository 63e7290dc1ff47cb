"""Pages and their training against what else one could do: `python -m benchmarks.recommendation [--training]`.

- in process: one page of ten out of 20,000 vehicles in stock, beside the floor, LightGBM's bare predict of the same
  200 rows.
- over HTTP: `python -m serving` with two workers; open loop (requests leave on schedule whatever comes back, and the
  clock starts when they were due), then capacity by wrk.
- `--training`: 5 million choices among 20,000 items: our ALS beside implicit's own fit, the item-item model with its
  peak memory, and, where it is installed, RecTools' wrapper of implicit.

The showroom is made up: customers keep to a body type, a used car is one unit. It takes some minutes.
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
BARS = {
    "page of 10 out of 20,000, 200 candidates (ms)": 5.0,
    "p99 at 50 requests a second (ms)": 25.0,
    "requests a second at 32 connections": 150.0,
    "ALS, ours / implicit": 1.2,
    "training of retrievers (minutes)": 8.0,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--training", action="store_true", help="only the retrievers at 5 million choices")
    if parser.parse_args().training:
        return training()
    with tempfile.TemporaryDirectory() as folder:
        home, configs = showroom(Path(folder))
        in_process(home, configs)
        over_http(home, configs)


def say(what: str, value: float, *, unit: str = "") -> None:
    """Print one figure beside its bar."""
    bar = f"   (bar {BARS[what]:g})" if what in BARS else ""
    print(f"{what:<58}{value:10.3f}{unit}{bar}", flush=True)


def showroom(folder: Path) -> tuple[Path, Path]:
    """Train and promote a model on a made-up dealership; gives its home and the configuration folder."""
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
    own = rng.random(EVENTS) < 0.8
    body = np.where(own, person % 4, rng.integers(4, size=EVENTS))
    by_body = [np.flatnonzero(model % 4 == b) for b in range(4)]
    looked = np.empty(EVENTS, dtype=np.int64)
    for b in range(4):
        there = np.flatnonzero(body == b)
        looked[there] = by_body[b][(len(by_body[b]) * rng.power(0.4, len(there))).astype(np.int64)]
    events = pl.DataFrame(
        {
            "event_id": np.arange(EVENTS).astype(str),
            "event_at": START + np.sort(rng.integers(0, 90 * DAY, EVENTS)),
            "event_type": "view",
            "customer_id": [f"C{p}" for p in person],
            "vehicle_id": vehicles["vehicle_id"].to_numpy()[looked],
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
        done = subprocess.run(
            [sys.executable, "-m", "chehang", *command],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(done.stderr)
    print(
        f"{VEHICLES:,} vehicles, {EVENTS:,} choices of {PEOPLE:,} people; load of this machine {os.getloadavg()[0]:.1f}"
    )
    return home, configs


def requests(n: int) -> list[dict[str, Any]]:
    """What a storefront asks: known customers, visitors with a session, visitors with a wish, nobody."""
    rng = np.random.default_rng(2)
    found = []
    for i in range(n):
        body: dict[str, Any] = {"n": 10, "store_id": f"S{rng.integers(20):02d}"}
        if i % 4 == 0:
            body["customer_id"] = f"C{rng.integers(PEOPLE)}"
        elif i % 4 == 1:
            body["session"] = [{"vehicle_id": f"V{v:05d}"} for v in rng.integers(VEHICLES, size=8)]
        elif i % 4 == 2:
            body["profile"] = {"budget_high": float(rng.integers(6, 30) * 10_000), "body_type": BODIES[i % 3]}
        if i % 2:
            body.pop("store_id")  # all 20,000
        found.append(body)
    return found


def in_process(home: Path, configs: Path) -> None:
    """One page after another, and the floor."""
    os.environ["CHEHANG_HOME"] = str(home)
    from ml import champions

    champion = champions.champion("recommendation")
    assert champion is not None
    model = champions.load(champion)
    started = time.perf_counter()
    model.task.refresh(configs)(model.estimator)
    say("reading the stock again (s)", time.perf_counter() - started)
    ask = model.request()
    asked = [ask.model_validate_json(json.dumps(body)) for body in requests(400)]
    took = []
    for request in asked:
        started = time.perf_counter()
        model.answers([request], explain=False)
        took.append(time.perf_counter() - started)
    say("items", len(model.estimator.recommender.vocabularies.items))
    page = float(np.median(took)) * 1e3
    say("page of 10 out of 20,000, 200 candidates (ms)", page)
    say("  the slowest of a hundred (ms)", float(np.quantile(took, 0.99)) * 1e3)
    trees = model.estimator.recommender.trees
    rows = np.random.default_rng(0).normal(size=(200, trees.n_features_in_))
    floor = []
    for _ in range(200):
        started = time.perf_counter()
        trees.score_rows(rows)
        floor.append(time.perf_counter() - started)
    say("  floor: LightGBM on 200 rows alone (ms)", float(np.median(floor)) * 1e3)
    say("  page / floor", page / (float(np.median(floor)) * 1e3))


@contextmanager
def server(home: Path, configs: Path) -> Iterator[str]:
    """Two workers."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    environment = {**os.environ, "CHEHANG_HOME": str(home), "CHEHANG_CONFIGS": str(configs)}
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
        time.sleep(3)  # the other worker
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def open_loop(url: str, bodies: list[bytes], *, rate: float) -> list[float]:
    """Latencies counted from when each request was due."""
    took: list[float] = []
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=64), timeout=10) as client:
        began = time.perf_counter() + 0.1

        async def one(i: int, body: bytes) -> None:
            due = began + i / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            answer = await client.post(url, content=body, headers={"content-type": "application/json"})
            took.append(time.perf_counter() - due)
            assert answer.status_code == 200, answer.text

        await asyncio.gather(*(one(i, b) for i, b in enumerate(bodies)))
    return took


def over_http(home: Path, configs: Path) -> None:
    """A steady stream of pages, and as many as there can be."""
    bodies = [json.dumps(body).encode() for body in requests(RATE * SECONDS)]
    with server(home, configs) as url:
        path = f"{url}/v1/recommendation"
        asyncio.run(open_loop(path, bodies[:200], rate=RATE))
        took = asyncio.run(open_loop(path, bodies, rate=RATE))
        say("p50 at 50 requests a second (ms)", float(np.quantile(took, 0.5)) * 1e3)
        say("p99 at 50 requests a second (ms)", float(np.quantile(took, 0.99)) * 1e3)
        if shutil.which("wrk") is None:
            return print("capacity: install wrk")
        with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
            quoted = ",".join("[[" + b.decode() + "]]" for b in bodies[:200])
            script.write(
                f'local b = {{{quoted}}}\nlocal i = 0\nwrk.method = "POST"\n'
                'wrk.headers["Content-Type"] = "application/json"\n'
                "function request()\n i = i % #b + 1\n return wrk.format(nil, nil, nil, b[i])\nend\n"
            )
            script.flush()
            command = ["wrk", "-t1", "-c32", "-d10s", "--latency", "-s", script.name, path]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"Requests/sec:\s+([\d.]+)", told)
        assert found is not None and "Non-2xx" not in told, told
        say("requests a second at 32 connections", float(found.group(1)))


def training() -> None:
    """The retrievers at 5 million choices among 20,000 items."""
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
    say("ALS, ours (s)", als)
    started = time.perf_counter()
    ItemItem().fit(Interactions(matrix))
    say("item-item (s)", time.perf_counter() - started)
    say("  peak memory so far (GB)", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
    say("training of retrievers (minutes)", (time.perf_counter() - total) / 60)
    from implicit.als import AlternatingLeastSquares

    settings = {"factors": 64, "regularization": ours.regularization, "iterations": ours.iterations}
    peer = AlternatingLeastSquares(**settings, num_threads=2, random_state=0)
    started = time.perf_counter()
    peer.fit(matrix * ours.alpha if hasattr(ours, "alpha") else matrix, show_progress=False)
    say("ALS, implicit alone (s)", time.perf_counter() - started)
    say("ALS, ours / implicit", als / (time.perf_counter() - started))
    if importlib.util.find_spec("rectools") is None:
        print("RecTools: not installed here (it asks for other versions of NumPy and SciPy than this project)")
        return
    rectools(matrix, als)


def rectools(matrix: csr_matrix, als: float) -> None:
    """RecTools' wrapper of the same ALS."""
    from implicit.als import AlternatingLeastSquares
    from rectools import Columns
    from rectools.dataset import Dataset
    from rectools.models import ImplicitALSWrapperModel

    found = matrix.tocoo()
    frame = pl.DataFrame({Columns.User: found.row, Columns.Item: found.col, Columns.Weight: found.data}).to_pandas()
    frame[Columns.Datetime] = "2024-01-01"
    data = Dataset.construct(frame)
    started = time.perf_counter()
    ImplicitALSWrapperModel(AlternatingLeastSquares(factors=64, num_threads=2)).fit(data)
    say("ALS, ours / RecTools", als / (time.perf_counter() - started))


if __name__ == "__main__":
    print(f"{psutil.cpu_count()} cores")
    main()

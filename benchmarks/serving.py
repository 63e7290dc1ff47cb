"""Credit scoring over HTTP against what else one could do: `python -m benchmarks.serving`.

One worker each, the same model, the same application; load by wrk at 1, 8 and 32 connections.

- `chehang`: `python -m serving`, without reasons (`?explain=false`); `with reasons` is the same with them.
- `plain`: a typed FastAPI endpoint around the bare LightGBM boosters, on uvicorn with uvloop and httptools. It checks
  the same request model, but leaves derived columns empty and calibrates nothing: it does *less* than it should.
- `mlflow`: `mlflow models serve` of the same model version.
- in process: the same answers without HTTP, and the booster alone: the floor.

`--against CHECKOUT` compares two versions of the service instead: see `benchmarks.serving_against`.

Needs a promoted model in `CHEHANG_HOME` (one of the sample dealership is made where there is none) and wrk.
The servers are loaded in turn, in several rounds, and medians are shown: who else uses the machine then matters less.
Its load is printed all the same.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.serving_against import against
from benchmarks.serving_load import LUA, Run, Target, free_port, load, middle, server
from ml import champions
from ml.model import Model
from ml.signature import columns_of

TASK = "credit_risk"
CONNECTIONS = (1, 8, 32)
MODEL_FOLDER = "BENCHMARK_MODEL"
BARS = {
    "CPU per request, chehang / plain": 1.4,
    "p99 at 8 connections, chehang / plain": 2.0,
    "requests per second at 8 connections, chehang / mlflow": 15.0,
}


class PlainAnswer(BaseModel):
    """What the plain endpoint answers."""

    probability_of_default: float


def plain() -> FastAPI:
    """The application anybody would write: a typed endpoint, a row, the boosters' own `predict`."""
    model = Model.load(Path(os.environ[MODEL_FOLDER]))
    estimator, encoder = model.estimator, model.estimator.encoder_
    boosters = estimator.learner_.boosters_
    names = encoder.feature_names_out_
    codes = {n: {v: float(i) for i, v in enumerate(c)} for n, c in encoder.categories_.items()}
    numeric = set(encoder.numeric)
    app = FastAPI()

    async def score(request: BaseModel) -> PlainAnswer:
        row = np.full((1, len(names)), np.nan)
        for position, name in enumerate(names):
            value = getattr(request, name) if name in numeric or name in codes else None
            if value is not None:
                row[0, position] = codes[name].get(value, np.nan) if name in codes else value
        log_odds = sum(b.predict(row, raw_score=True, num_threads=1)[0] for b in boosters) / len(boosters)
        return PlainAnswer(probability_of_default=1 / (1 + math.exp(-log_odds)))

    score.__annotations__ = {"request": model.request(), "return": PlainAnswer}
    app.post("/score")(score)
    return app


def _champion(folder: Path) -> tuple[Model, int]:
    """The promoted model, saved once more where the plain server reads it."""
    if champions.champion(TASK) is None:
        for command in (["sample-data"], ["train", TASK], ["promote", TASK]):
            subprocess.run([sys.executable, "-m", "chehang", *command], check=True)
    version = champions.champion(TASK)
    if version is None:
        raise SystemExit(f"no champion: chehang promote {TASK}")
    model = champions.load(version)
    if model.estimator.params.estimator != "boosted_trees":
        raise SystemExit("the champion is no LightGBM model: promote one, there is no bare booster to compare with")
    model.save(folder)
    return model, version.number


def _start(stack: ExitStack, folder: Path, model: Model, version: int) -> list[Target]:
    example = model.card["example"]
    asked = model.request().model_validate_json(json.dumps(example))
    columns = columns_of([asked], model.estimator.signature)
    frame = {"columns": list(columns), "data": [[v[0] for v in columns.values()]]}
    bodies = {"request": example, "frame": {"dataframe_split": frame}}
    for name, content in bodies.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    python, host = sys.executable, "127.0.0.1"

    environment = {
        MODEL_FOLDER: str(folder / "model"),
        "MLFLOW_TRACKING_URI": champions.store_uri(),
        "PYTHONPATH": str(Path.cwd()),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # mlflow starts uvicorn by name
    }

    def start(command: list[str], port: int, path: str, body: str) -> psutil.Process:
        url, content = f"http://{host}:{port}{path}", (folder / f"{body}.json").read_bytes()
        return stack.enter_context(server([python, "-m", *command], url=url, body=content, **environment))

    own, plain_port, mlflow_port = free_port(), free_port(), free_port()
    path = f"/v1/{TASK}?explain="
    served = start(["serving", "--port", str(own), "--workers", "1"], own, path + "true", "request")
    options = ["--factory", "--host", host, "--port", str(plain_port), "--loop", "uvloop", "--http", "httptools"]
    uvicorn = ["uvicorn", "benchmarks.serving:plain", *options, "--no-access-log"]
    typed = start(uvicorn, plain_port, "/score", "request")
    serve = ["mlflow", "models", "serve", "-m", f"models:/{TASK}/{version}", "--env-manager", "local"]
    generic = start(
        [*serve, "--workers", "1", "-h", host, "-p", str(mlflow_port)], mlflow_port, "/invocations", "frame"
    )
    request, rows = folder / "request.json", folder / "frame.json"
    return [
        Target("chehang", f"http://{host}:{own}{path}false", request, served),
        Target("with reasons", f"http://{host}:{own}{path}true", request, served),
        Target("plain", f"http://{host}:{plain_port}/score", request, typed),
        Target("mlflow", f"http://{host}:{mlflow_port}/invocations", rows, generic),
    ]


def _microseconds(call: Callable[[], object], *, calls: int) -> float:
    """Median time of one call in process."""
    call()
    taken = []
    for _ in range(calls):
        started = time.perf_counter_ns()
        call()
        taken.append(time.perf_counter_ns() - started)
    return float(np.median(taken)) / 1e3


def floor(model: Model) -> dict[str, float]:
    """Median microseconds of one answer without HTTP, and of the booster alone."""
    estimator = model.estimator
    request = model.request()
    body = json.dumps(model.card["example"])
    asked = [request.model_validate_json(body)]
    matrix = estimator.encoder_.transform(columns_of(asked, estimator.signature))
    boosters = estimator.learner_.boosters_
    return {
        "check the request": _microseconds(lambda: request.model_validate_json(body), calls=2_000),
        "respond without reasons": _microseconds(lambda: model.answers(asked, explain=False), calls=2_000),
        "respond with reasons": _microseconds(lambda: model.answers(asked, explain=True), calls=300),
        "Booster.predict alone": _microseconds(
            lambda: [b.predict(matrix, num_threads=1) for b in boosters], calls=2_000
        ),
    }


def ratios(runs: list[Run]) -> dict[str, float]:
    """The three figures that have a bar; CPU is that of all connections together.

    Examples
    --------
    >>> runs = [Run(s, c, rate, 1.0, 2.0, cpu) for s, rate, cpu in (("chehang", 30.0, 60.0), ("plain", 30.0, 50.0),
    ...         ("mlflow", 1.0, 900.0)) for c in CONNECTIONS]
    >>> [round(v, 2) for v in ratios(runs).values()]
    [1.2, 1.0, 30.0]
    """
    at = {(r.server, r.connections): r for r in runs}

    def cpu(server: str) -> float:
        own = [r for r in runs if r.server == server]
        return sum(r.cpu * r.rate for r in own) / sum(r.rate for r in own)

    values = (
        cpu("chehang") / cpu("plain"),
        at["chehang", 8].p99 / at["plain", 8].p99,
        at["chehang", 8].rate / at["mlflow", 8].rate,
    )
    return dict(zip(BARS, values, strict=True))


def _print(runs: list[Run], inside: dict[str, float], model: Model, version: int) -> None:
    trees = sum(b.num_trees() for b in model.estimator.learner_.boosters_)
    print(f"\n{TASK} version {version}: {trees} trees, {len(model.estimator.encoder_.feature_names_out_)} features")
    print(f"machine: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    print(f"{'server':<14}{'connections':>12}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'CPU us/request':>16}")
    for r in runs:
        print(f"{r.server:<14}{r.connections:>12}{r.rate:>12,.0f}{r.p50:>10.2f}{r.p99:>10.2f}{r.cpu:>16,.0f}")
    print("\nin process, microseconds (median)")
    for name, value in inside.items():
        print(f"  {name:<26}{value:>10,.1f}")
    print("\nratios")
    for name, value in ratios(runs).items():
        least = "mlflow" in name
        kept = value >= BARS[name] if least else value <= BARS[name]
        bar = f"{'at least' if least else 'at most'} {BARS[name]:g}"
        print(f"  {name:<56}{value:>8.2f}   {bar:<14}{'kept' if kept else 'NOT KEPT'}")


def main() -> None:
    """Start the servers, load them in turn, print figures and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--seconds", type=float, default=3, help="of each load; 12 of them in each round")
    parser.add_argument("--rounds", type=int, default=3, help="all servers in turn, so often; medians are shown")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--against", type=Path, help="another checkout with its own .venv: compare with its service")
    parser.add_argument("--homes", type=Path, help="where --against keeps the homes of both; temporary by default")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: install it (Debian: apt-get install wrk)")
    if options.against is not None:
        return against(options)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        model, version = _champion(folder / "model")
        inside = floor(model)
        targets = _start(stack, folder, model, version)
        script = folder / "post.lua"
        script.write_text(LUA)
        runs = []
        for connections in CONNECTIONS:
            for target in targets:
                load(target, connections=connections, seconds=1, script=script)
            rounds = [
                [load(t, connections=connections, seconds=options.seconds, script=script) for t in targets]
                for _ in range(options.rounds)
            ]
            runs += [middle(parts) for parts in zip(*rounds, strict=True)]
    if options.json:
        print(json.dumps({"runs": [r.__dict__ for r in runs], "in_process_us": inside, "ratios": ratios(runs)}))
    else:
        _print(runs, inside, model, version)


if __name__ == "__main__":
    main()

"""Benchmark of credit scoring over HTTP against alternatives: `python -m benchmarks.serving`.

All servers have one worker and the same model, and receive the same application from wrk with 1, 8 and 32 connections.

- `chehang`: `python -m serving` without reasons (`?explain=false`); `with reasons`: the same with reasons.
- `plain`: a typed FastAPI endpoint around the bare LightGBM boosters, on uvicorn with uvloop and httptools. It checks
  the same request model, but leaves derived columns empty and does not calibrate, so it does *less* work.
- `mlflow`: `mlflow models serve` of the same model version.
- in process: the same answers without HTTP, and the booster alone, as lower bounds.

Doors are off, and previews are requested, which are not logged. `--steps` measures what doors and decision log cost:
see `benchmarks.serving_steps`. `--against CHECKOUT` compares two versions of the service instead: see
`benchmarks.serving_against`.

Needs wrk, and a promoted model in `CHEHANG_HOME`; without one, a model of the sample dealership is trained. The servers
are loaded in turn in several rounds, and medians are reported, which reduces the effect of other load on the machine.
The load average is printed as well.
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

from benchmarks import serving_steps
from benchmarks.serving_against import MIN_ROUNDS, compare_checkouts
from benchmarks.serving_load import LUA, Run, Target, free_port, load, median_run, server
from ml import champions
from ml.model import Model
from ml.requests import columns_of

TASK = "credit_risk"
CONNECTIONS = (1, 8, 32)
MODEL_FOLDER = "BENCHMARK_MODEL"
PLAIN_SERVER = [
    "uvicorn", "benchmarks.serving:plain", "--factory", "--host", "127.0.0.1", "--loop", "uvloop", "--http",
    "httptools", "--no-access-log",
]  # fmt: skip
LIMITS = {
    "CPU per request, chehang / plain": 1.4,
    "p99 at 8 connections, chehang / plain": 2.0,
    "requests per second at 8 connections, chehang / mlflow": 15.0,
}


class PlainAnswer(BaseModel):
    """Answer of the plain endpoint."""

    probability_of_default: float


def plain() -> FastAPI:
    """Return the simplest application: a typed endpoint, one row, and `Booster.predict`."""
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
    """Return the promoted model and its version, and save a copy for the plain server."""
    if champions.champion(TASK) is None:
        for command in (["sample-data"], ["train", TASK], ["promote", TASK]):
            subprocess.run([sys.executable, "-m", "chehang", *command], check=True)
    version = champions.champion(TASK)
    if version is None:
        raise SystemExit(f"{TASK} has no champion; promote a version with: chehang promote {TASK}")
    model = champions.load(version)
    if model.estimator.params.estimator != "boosted_trees":
        raise SystemExit("the champion is not a LightGBM model, which the plain server needs; promote one that is")
    model.save(folder)
    return model, version.number


def _start(stack: ExitStack, folder: Path, model: Model, version: int) -> list[Target]:
    example = model.card["example"]
    request = model.request().model_validate_json(json.dumps(example))
    columns = columns_of([request], model.estimator.signature)
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

    chehang_port, plain_port, mlflow_port = free_port(), free_port(), free_port()
    path = f"/v1/{TASK}?preview=true&explain="
    chehang = start(["serving", "--port", str(chehang_port), "--workers", "1"], chehang_port, path + "true", "request")
    uvicorn = [*PLAIN_SERVER, "--port", str(plain_port)]
    plain_server = start(uvicorn, plain_port, "/score", "request")
    serve = ["mlflow", "models", "serve", "-m", f"models:/{TASK}/{version}", "--env-manager", "local"]
    mlflow = start([*serve, "--workers", "1", "-h", host, "-p", str(mlflow_port)], mlflow_port, "/invocations", "frame")
    body, rows = folder / "request.json", folder / "frame.json"
    return [
        Target("chehang", f"http://{host}:{chehang_port}{path}false", body, chehang),
        Target("with reasons", f"http://{host}:{chehang_port}{path}true", body, chehang),
        Target("plain", f"http://{host}:{plain_port}/score", body, plain_server),
        Target("mlflow", f"http://{host}:{mlflow_port}/invocations", rows, mlflow),
    ]


def _steps(stack: ExitStack, folder: Path, model: Model, options: argparse.Namespace) -> None:
    os.environ[MODEL_FOLDER] = str(folder / "model")
    body, script, port = folder / "request.json", folder / "post.lua", free_port()
    body.write_text(json.dumps(model.card["example"]))
    script.write_text(LUA)
    uvicorn = [*PLAIN_SERVER, "--port", str(port)]
    targets = serving_steps.start(stack, folder, body, f"http://127.0.0.1:{port}/score", uvicorn)
    rounds = max(MIN_ROUNDS, options.rounds)
    serving_steps.show(serving_steps.measure(targets, rounds=rounds, seconds=options.seconds, script=script), options)


def _microseconds(call: Callable[[], object], *, calls: int) -> float:
    """Return the median time of a call in this process, in microseconds."""
    call()
    durations = []
    for _ in range(calls):
        started = time.perf_counter_ns()
        call()
        durations.append(time.perf_counter_ns() - started)
    return float(np.median(durations)) / 1e3


def in_process_times(model: Model) -> dict[str, float]:
    """Return the median microseconds of one answer without HTTP, and of the booster alone."""
    estimator = model.estimator
    request = model.request()
    body = json.dumps(model.card["example"])
    requests = [request.model_validate_json(body)]
    matrix = estimator.encoder_.transform(columns_of(requests, estimator.signature))
    boosters = estimator.learner_.boosters_
    return {
        "check the request": _microseconds(lambda: request.model_validate_json(body), calls=2_000),
        "respond without reasons": _microseconds(lambda: model.answers(requests, explain=False), calls=2_000),
        "respond with reasons": _microseconds(lambda: model.answers(requests, explain=True), calls=300),
        "Booster.predict alone": _microseconds(
            lambda: [b.predict(matrix, num_threads=1) for b in boosters], calls=2_000
        ),
    }


def ratios(runs: list[Run]) -> dict[str, float]:
    """Return the three ratios that have a limit; CPU is averaged over the requests of all connection counts.

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
    return dict(zip(LIMITS, values, strict=True))


def _print(runs: list[Run], in_process: dict[str, float], model: Model, version: int) -> None:
    trees = sum(b.num_trees() for b in model.estimator.learner_.boosters_)
    print(f"\n{TASK} version {version}: {trees} trees, {len(model.estimator.encoder_.feature_names_out_)} features")
    print(f"machine: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    print(f"{'server':<14}{'connections':>12}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'CPU us/request':>16}")
    for r in runs:
        print(f"{r.server:<14}{r.connections:>12}{r.rate:>12,.0f}{r.p50:>10.2f}{r.p99:>10.2f}{r.cpu:>16,.0f}")
    print("\nin process, microseconds (median)")
    for name, value in in_process.items():
        print(f"  {name:<26}{value:>10,.1f}")
    print("\nratios")
    for name, value in ratios(runs).items():
        is_minimum = "mlflow" in name
        is_met = value >= LIMITS[name] if is_minimum else value <= LIMITS[name]
        limit = f"{'at least' if is_minimum else 'at most'} {LIMITS[name]:g}"
        print(f"  {name:<56}{value:>8.2f}   {limit:<14}{'met' if is_met else 'NOT MET'}")


def main() -> None:
    """Start the servers, load them in turn, and print times and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--seconds", type=float, default=3, help="duration of each load; a round has 12 loads")
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds over all servers; medians are reported")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--steps", action="store_true", help="measure what doors and decision log cost instead")
    parser.add_argument("--against", type=Path, help="path of another checkout with its own .venv, to compare with")
    parser.add_argument("--homes", type=Path, help="folder of both CHEHANG_HOMEs for --against; temporary by default")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed; install it (Debian: apt-get install wrk)")
    if options.against is not None:
        return compare_checkouts(options)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        model, version = _champion(folder / "model")
        if options.steps:
            return _steps(stack, folder, model, options)
        in_process = in_process_times(model)
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
            runs += [median_run(parts) for parts in zip(*rounds, strict=True)]
    if options.json:
        print(json.dumps({"runs": [r.__dict__ for r in runs], "in_process_us": in_process, "ratios": ratios(runs)}))
    else:
        _print(runs, in_process, model, version)


if __name__ == "__main__":
    main()

"""Benchmark of demand forecasts against AutoETS and AutoARIMA: `python -m benchmarks.demand`.

Simulated monthly sales by store and model: counts with a level, a season, a trend and a common market factor. The
product is fitted on all but the last year and forecasts the deciles of each month of that year, in a separate process
so that peak memory is its own. AutoETS, AutoARIMA and the seasonal naive forecast a random sample of the series; their
time is extrapolated to all series, and losses are compared on the sample. The floor is a single LightGBM fit and
prediction on the same feature table, without validation, combination or calibration.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import polars as pl

from ml.demand_forecast.forecaster import Forecaster
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.params import DemandParams
from ml.metrics.demand import DECILES, weighted_quantile_loss

TASK = "demand_forecast"
HORIZON = 12
SEASON = 12
MAX_SECONDS, MAX_BYTES = 300.0, 4 * 2**30
MEMORY_UNIT = 1024 if sys.platform != "darwin" else 1
LEVELS = [20, 40, 60, 80]  # coverage in % of the intervals whose ends, with the median, are the deciles


def simulated(n_series: int, periods: int, *, seed: int = 0) -> Panel:
    """Return a panel of stores times models with level, season, trend and a common market factor."""
    rng = np.random.default_rng(seed)
    t = np.arange(periods)
    models = max(1, n_series // 300)
    model, store = np.arange(n_series) % models, np.arange(n_series) // models
    level = rng.gamma(0.8, 4, n_series) + 0.05
    season = rng.normal(0, 0.25, (models, SEASON))[model][:, t % SEASON]
    trend = rng.normal(0, 0.15, models)[model][:, None] * t / SEASON
    market = np.cumsum(rng.normal(0, 0.04, periods))
    mean = level[:, None] * np.exp(season + trend + market[None, :])
    sold = rng.negative_binomial(3, 3 / (3 + mean)).astype(np.float64)
    series = pl.DataFrame({"store_id": [f"S{s:04d}" for s in store], "model": [f"M{m:04d}" for m in model]})
    return Panel(series, ("store_id", "model"), "month", 600, sold, np.ones_like(sold))


def product(n_series: int, periods: int) -> tuple[dict[str, float], np.ndarray]:
    """Return seconds of training and prediction, peak memory in bytes, and the deciles of the last year."""
    panel = simulated(n_series, periods)
    cut = periods - HORIZON
    params = DemandParams(
        horizon=HORIZON, country=None, validation_origins=2, candidates=("exponential_smoothing", "croston"),
        trees={"num_threads": 2},
    )  # fmt: skip
    began = time.perf_counter()
    model = Forecaster(params).fit(panel, until=cut, progress=lambda text: print(f"  {text}", file=sys.stderr))
    trained = time.perf_counter()
    deciles = model.forecast(panel, origin=cut).quantiles(np.array(DECILES))
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MEMORY_UNIT
    return {"train_seconds": trained - began, "predict_seconds": done - trained, "peak_bytes": peak}, deciles


def floor(n_series: int, periods: int) -> float:
    """Return the seconds of one LightGBM fit and prediction on the feature table of the product's trees."""
    panel = simulated(n_series, periods)
    cut = periods - HORIZON
    params = DemandParams(horizon=HORIZON, country=None)
    features = Forecaster(params).features(panel.until(cut))
    rng = np.random.default_rng(0)
    rows = min(params.trees.max_rows, n_series * (cut - HORIZON))
    s, h = rng.integers(0, n_series, rows), rng.integers(1, HORIZON + 1, rows)
    t = rng.integers(HORIZON, cut - HORIZON + 1, rows)
    table, y = features.table(s, t, h), panel.sold[s, t + h - 1]
    ahead = features.table(np.arange(n_series), np.full(n_series, cut), np.ones(n_series, dtype=np.int64))
    began = time.perf_counter()
    booster = lgb.train(
        {"objective": "poisson", "num_threads": 2, "verbose": -1}, lgb.Dataset(table, y), params.trees.n_estimators
    )
    for _ in range(HORIZON):
        booster.predict(ahead, num_threads=2)
    return time.perf_counter() - began


def peers(n_series: int, periods: int, *, sample: int) -> dict[str, Any]:
    """Return seconds per series and deciles of AutoETS, AutoARIMA and SeasonalNaive on a random sample of series."""
    from statsforecast import StatsForecast
    from statsforecast.models import AutoARIMA, AutoETS, SeasonalNaive

    warnings.simplefilter("ignore")
    panel = simulated(n_series, periods)
    cut = periods - HORIZON
    rows = np.sort(np.random.default_rng(1).choice(n_series, min(sample, n_series), replace=False))
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(rows, cut),
            "ds": np.tile(np.arange(cut), len(rows)),
            "y": panel.sold[rows, :cut].ravel(),
        }
    )
    results: dict[str, Any] = {"rows": rows}
    for name, model in (
        ("AutoETS", AutoETS(season_length=SEASON)),
        ("AutoARIMA", AutoARIMA(season_length=SEASON)),
        ("SeasonalNaive", SeasonalNaive(season_length=SEASON)),
    ):
        # The first series compiles and loads code, which is not timed.
        StatsForecast([model], freq=1, n_jobs=1).forecast(df=frame[:cut], h=1)
        began = time.perf_counter()
        forecasts = StatsForecast([model], freq=1, n_jobs=2).forecast(df=frame, h=HORIZON, level=LEVELS)
        seconds = (time.perf_counter() - began) / len(rows)
        columns = [f"{name}-lo-{v}" for v in LEVELS[::-1]] + [name] + [f"{name}-hi-{v}" for v in LEVELS]
        deciles = np.maximum(forecasts[columns].to_numpy(), 0.0).reshape(len(rows), HORIZON, len(DECILES))
        results[name] = {"seconds_per_series": seconds, "deciles": deciles}
    return results


def loss(panel: Panel, rows: np.ndarray, deciles: np.ndarray) -> float:
    """Return the weighted quantile loss of the last year."""
    y = panel.sold[rows, -HORIZON:]
    return weighted_quantile_loss(y.ravel(), deciles.reshape(-1, len(DECILES)))


def served(seconds: float) -> None:
    """Print rate and latency of precomputed and recomputed answers over HTTP, and the time without HTTP."""
    from benchmarks.serving_load import LUA, Target, free_port, load, server
    from ml import champions

    if champions.champion(TASK) is None:
        for command in (["sample-data"], ["train", TASK], ["promote", TASK]):
            subprocess.run([sys.executable, "-m", "chehang", *command], check=True)
    version = champions.champion(TASK)
    if version is None:
        raise SystemExit(f"no champion: chehang promote {TASK}")
    model = champions.load(version)
    example = model.card["example"]
    bodies = {"precomputed": example, "what if": example | {"price": 100_000.0}}
    request_type = model.request()
    print(f"{TASK} version {version.number}, {len(model.estimator.series_forecasts.mean):,} series; one worker, wrk")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(LUA)
        port = free_port()
        url = f"http://127.0.0.1:{port}/v1/{TASK}"
        command = [sys.executable, "-m", "serving", "--port", str(port), "--workers", "1"]
        with server(command, url=url, body=json.dumps(example).encode()) as process:
            for name, body in bodies.items():
                request = request_type.model_validate_json(json.dumps(body))
                calls = 300 if name == "precomputed" else 20
                model.answers([request], explain=False)
                began = time.perf_counter()
                for _ in range(calls):
                    model.answers([request], explain=False)
                inside = (time.perf_counter() - began) / calls * 1e3
                place = Path(folder) / "body.json"
                place.write_text(json.dumps(body))
                for connections in (1, 8):
                    run = load(
                        Target(name, url, place, process), connections=connections, seconds=seconds, script=script
                    )
                    print(
                        f"{name:11s} {connections} connections: {run.rate:,.0f} requests/s, p50 {run.p50:.2f} ms, "
                        f"p99 {run.p99:.2f} ms ({inside:.3f} ms without HTTP)"
                    )


def main() -> None:
    """Print time, memory and loss of the product and of the other forecasts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=30_000)
    parser.add_argument("--periods", type=int, default=48 + HORIZON, help="months, including the held-out last year")
    parser.add_argument(
        "--peers", type=int, default=200, help="number of series that AutoETS, AutoARIMA and SeasonalNaive forecast"
    )
    parser.add_argument("--served", action="store_true", help="measure the champion over HTTP instead; needs wrk")
    parser.add_argument("--seconds", type=float, default=5, help="duration of each HTTP measurement")
    parser.add_argument("--product", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.product:
        figures, deciles = product(options.series, options.periods)
        np.save(options.product, deciles)
        print(json.dumps(figures))
        return
    if options.served:
        return served(options.seconds)
    sizes = ["--series", str(options.series), "--periods", str(options.periods)]
    with tempfile.TemporaryDirectory() as folder:
        place = f"{folder}/deciles.npy"
        command = [sys.executable, "-m", "benchmarks.demand", *sizes, "--product", place]
        figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        deciles = np.load(place)
    panel = simulated(options.series, options.periods)
    others = peers(options.series, options.periods, sample=options.peers)
    bare = floor(options.series, options.periods)
    seconds = figures["train_seconds"] + figures["predict_seconds"]
    print(f"{options.series:,} series, {options.periods - HORIZON} months, deciles {HORIZON} months ahead, 2 threads")
    print(
        f"product     train {figures['train_seconds']:.0f} s, predict {figures['predict_seconds']:.0f} s, peak "
        f"{figures['peak_bytes'] / 2**30:.2f} GiB, {seconds / bare:.1f} times the floor ({bare:.1f} s)"
    )
    own = loss(panel, others["rows"], deciles[others["rows"]])
    print(f"            loss {own:.4f} on the sample of {len(others['rows'])} series, "
          f"{loss(panel, np.arange(options.series), deciles):.4f} on all")  # fmt: skip
    for name in ("AutoETS", "AutoARIMA", "SeasonalNaive"):
        seconds_per_series = others[name]["seconds_per_series"]
        total = seconds_per_series * options.series
        sample_loss = loss(panel, others["rows"], others[name]["deciles"])
        print(
            f"{name:14s}{total:,.0f} s for all, extrapolated from {seconds_per_series * 1000:.1f} ms per series: "
            f"{total / seconds:.1f} times the product; loss {sample_loss:.4f}"
        )
    is_within = seconds <= MAX_SECONDS and figures["peak_bytes"] <= MAX_BYTES
    print(f"limits of {MAX_SECONDS:.0f} s and {MAX_BYTES / 2**30:.0f} GiB: {'met' if is_within else 'exceeded'}")


if __name__ == "__main__":
    main()

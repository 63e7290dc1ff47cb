"""Forecasts of many series against AutoETS and AutoARIMA: `python -m benchmarks.demand`.

Simulated sales of stores and models: counts with a level, a season, a trend and a market that moves all of them. The
product learns from everything but the last year and tells the deciles of each month of that year, in a process of its
own, so that peak memory is its own. The peers take far too long for all series: they do a random sample, their time is
multiplied up and says so, and losses are compared on that sample. The floor is LightGBM fitted once and asked once on
the same table, without choosing, combining or calibrating anything.
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
BAR_SECONDS, BAR_BYTES = 300.0, 4 * 2**30
MEMORY_UNIT = 1024 if sys.platform != "darwin" else 1
LEVELS = [20, 40, 60, 80]  # intervals whose ends and middle are the deciles


def simulated(n_series: int, periods: int, *, seed: int = 0) -> Panel:
    """Stores times models whose demand has a level, a season, a trend, and a market in common."""
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
    """Seconds and peak memory of learning and forecasting, and the deciles."""
    panel = simulated(n_series, periods)
    cut = periods - HORIZON
    params = DemandParams(
        horizon=HORIZON, country=None, validation_origins=2, candidates=("exponential_smoothing", "croston"),
        trees={"num_threads": 2},
    )  # fmt: skip
    began = time.perf_counter()
    model = Forecaster(params).fit(panel, until=cut, progress=lambda text: print(f"  {text}", file=sys.stderr))
    learnt = time.perf_counter()
    deciles = model.forecast(panel, origin=cut).quantiles(np.array(DECILES))
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MEMORY_UNIT
    return {"train_seconds": learnt - began, "predict_seconds": done - learnt, "peak_bytes": peak}, deciles


def floor(n_series: int, periods: int) -> float:
    """Seconds of one LightGBM fit and one prediction on the table that the product's trees read."""
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
    """Seconds a series and deciles of AutoETS, AutoARIMA and the seasonal naive on a random sample."""
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
    found: dict[str, Any] = {"rows": rows}
    for name, model in (
        ("AutoETS", AutoETS(season_length=SEASON)),
        ("AutoARIMA", AutoARIMA(season_length=SEASON)),
        ("SeasonalNaive", SeasonalNaive(season_length=SEASON)),
    ):
        # A first series in each process compiles and loads; it is not theirs to answer for.
        StatsForecast([model], freq=1, n_jobs=1).forecast(df=frame[:cut], h=1)
        began = time.perf_counter()
        told = StatsForecast([model], freq=1, n_jobs=2).forecast(df=frame, h=HORIZON, level=LEVELS)
        seconds = (time.perf_counter() - began) / len(rows)
        columns = [f"{name}-lo-{v}" for v in LEVELS[::-1]] + [name] + [f"{name}-hi-{v}" for v in LEVELS]
        deciles = np.maximum(told[columns].to_numpy(), 0.0).reshape(len(rows), HORIZON, len(DECILES))
        found[name] = {"seconds_a_series": seconds, "deciles": deciles}
    return found


def loss(panel: Panel, rows: np.ndarray, deciles: np.ndarray) -> float:
    """Mean weighted quantile loss on the last year."""
    y = panel.sold[rows, -HORIZON:]
    return weighted_quantile_loss(y.ravel(), deciles.reshape(-1, len(DECILES)))


def served(seconds: float) -> None:
    """Load the champion's answers over HTTP: read ahead, computed anew, and what of it is not HTTP."""
    from benchmarks.serving import LUA, Target, _free_port, _load, _server
    from ml import champions

    if champions.champion(TASK) is None:
        for command in (["sample-data"], ["train", TASK], ["promote", TASK]):
            subprocess.run([sys.executable, "-m", "chehang", *command], check=True)
    version = champions.champion(TASK)
    if version is None:
        raise SystemExit(f"no champion: chehang promote {TASK}")
    model = champions.load(version)
    example = model.card["example"]
    bodies = {"read": example, "what if": example | {"price": 100_000.0}}
    ask = model.request()
    print(f"{TASK} version {version.number}, {len(model.estimator.series_forecasts.mean):,} series; one worker, wrk")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(LUA)
        port = _free_port()
        url = f"http://127.0.0.1:{port}/v1/{TASK}"
        command = [sys.executable, "-m", "serving", "--port", str(port), "--workers", "1"]
        with _server(command, url=url, body=json.dumps(example).encode()) as process:
            for name, body in bodies.items():
                asked = ask.model_validate_json(json.dumps(body))
                calls = 300 if name == "read" else 20
                model.answers([asked], explain=False)
                began = time.perf_counter()
                for _ in range(calls):
                    model.answers([asked], explain=False)
                inside = (time.perf_counter() - began) / calls * 1e3
                place = Path(folder) / "body.json"
                place.write_text(json.dumps(body))
                for connections in (1, 8):
                    run = _load(
                        Target(name, url, place, process), connections=connections, seconds=seconds, script=script
                    )
                    print(
                        f"{name:8s} {connections} at once: {run.rate:,.0f} a second, p50 {run.p50:.2f} ms, p99 "
                        f"{run.p99:.2f} ms (the answer itself {inside:.3f} ms)"
                    )


def main() -> None:
    """Print time, memory and loss beside those of the peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=30_000)
    parser.add_argument("--periods", type=int, default=48 + HORIZON, help="months, the last year of them held out")
    parser.add_argument("--peers", type=int, default=200, help="series that the peers forecast")
    parser.add_argument("--served", action="store_true", help="load the champion over HTTP instead; needs wrk")
    parser.add_argument("--seconds", type=float, default=5, help="of each load")
    parser.add_argument("--product", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.product:
        figures, deciles = product(asked.series, asked.periods)
        np.save(asked.product, deciles)
        print(json.dumps(figures))
        return
    if asked.served:
        return served(asked.seconds)
    sizes = ["--series", str(asked.series), "--periods", str(asked.periods)]
    with tempfile.TemporaryDirectory() as folder:
        place = f"{folder}/deciles.npy"
        command = [sys.executable, "-m", "benchmarks.demand", *sizes, "--product", place]
        figures = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        deciles = np.load(place)
    panel = simulated(asked.series, asked.periods)
    others = peers(asked.series, asked.periods, sample=asked.peers)
    bare = floor(asked.series, asked.periods)
    seconds = figures["train_seconds"] + figures["predict_seconds"]
    print(f"{asked.series:,} series, {asked.periods - HORIZON} months, deciles of {HORIZON} months ahead, 2 threads")
    print(
        f"product     train {figures['train_seconds']:.0f} s, predict {figures['predict_seconds']:.0f} s, peak "
        f"{figures['peak_bytes'] / 2**30:.2f} GiB, {seconds / bare:.1f} times the floor ({bare:.1f} s)"
    )
    own = loss(panel, others["rows"], deciles[others["rows"]])
    print(f"            loss {own:.4f} on the peers' {len(others['rows'])} series, "
          f"{loss(panel, np.arange(asked.series), deciles):.4f} on all")  # fmt: skip
    for name in ("AutoETS", "AutoARIMA", "SeasonalNaive"):
        each = others[name]["seconds_a_series"]
        theirs = loss(panel, others["rows"], others[name]["deciles"])
        print(
            f"{name:14s}{each * asked.series:,.0f} s for all, multiplied up from {each * 1000:.1f} ms a series: "
            f"{each * asked.series / seconds:.1f} times the product; loss {theirs:.4f}"
        )
    kept = seconds <= BAR_SECONDS and figures["peak_bytes"] <= BAR_BYTES
    print(f"bar of {BAR_SECONDS:.0f} s and {BAR_BYTES / 2**30:.0f} GiB: {'kept' if kept else 'missed'}")


if __name__ == "__main__":
    main()

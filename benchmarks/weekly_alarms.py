"""Time and memory of the weekly run on the records of a large group: `python -m benchmarks.weekly_alarms`.

Writes 500,000 vehicles and 5 million lines of workshop records (routine work with an odometer, faults, labour lines;
brakes of some builds of one model fail three times as often), runs `chehang alarms` in its own process, and prints
wall time and peak memory. For comparison: reading and checking the same two tables alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import yaml

DAY = 86_400_000_000
START = 19_000 * DAY
DAYS = 3 * 364
MODELS, COMPONENTS = 60, 15


def tables(vehicles: int, records: int, seed: int = 0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a fleet and its workshop records."""
    rng = np.random.default_rng(seed)
    built = START - 1_460 * DAY + rng.integers(0, 2_400, vehicles) * DAY
    entered = np.minimum(built + rng.integers(5, 90, vehicles) * DAY, START + (DAYS - 30) * DAY)
    model = rng.choice(MODELS, vehicles, p=rng.dirichlet(np.full(MODELS, 3.0)))
    left = np.where(rng.random(vehicles) < 0.15, entered + rng.integers(200, 1_500, vehicles) * DAY, 2**62)
    monthly = rng.gamma(5, 240, vehicles)
    ids = np.char.add("V", np.arange(vehicles).astype(np.str_))
    fleet = pl.DataFrame(
        {
            "vehicle_id": ids,
            "model": np.char.add("model ", model.astype(np.str_)),
            "energy_type": np.where(model % 3 == 0, "battery_electric", "combustion"),
            "built_at": built,
            "entered_service_at": entered,
            "left_service_at": pl.Series(np.where(left < START + DAYS * DAY, left, -1)).replace(-1, None),
            "monthly_km": monthly,
        }
    )
    yearly = rng.uniform(0.01, 0.06, COMPONENTS)
    model_ratio = rng.gamma(25, 1 / 25, (MODELS, COMPONENTS))
    cars, parts = np.arange(vehicles), []
    for c in range(COMPONENTS):
        defective = (model == 7) & (built >= START - 300 * DAY) & (built < START + 200 * DAY) & (c == 0)
        rate = yearly[c] * model_ratio[model, c] * np.where(defective, 3.0, 1.0) * DAYS / 365.25
        car = np.repeat(cars, rng.poisson(rate))
        parts.append((car, np.full(len(car), c)))
    car, component = (np.concatenate([p[k] for p in parts]) for k in (0, 1))
    routine = rng.integers(0, vehicles, max(records - 2 * len(car), 0) // 2)
    car = np.concatenate([np.repeat(car, 2), np.repeat(routine, 2)])  # each visit has a labour line
    work = np.concatenate([np.repeat(component, 2), np.repeat(COMPONENTS + rng.integers(0, 5, len(routine)), 2)])
    at = np.repeat(START + rng.integers(0, DAYS * 24, len(car) // 2) * (DAY // 24), 2)
    labour = np.arange(len(car)) % 2 == 1
    in_service = (at > entered[car]) & (at < left[car])
    car, work, at, labour = car[in_service], work[in_service], at[in_service], labour[in_service]
    delay = (6 * rng.lognormal(0, 0.9, len(car)) * DAY).astype(np.int64)
    order = np.argsort(at, kind="stable")
    order = order[(at + delay)[order] < START + DAYS * DAY]  # reported before the end of the data
    car, work, at, labour, delay = car[order], work[order], at[order], labour[order], delay[order]
    names = np.array([*(f"part {c}" for c in range(COMPONENTS)), *(f"routine {c}" for c in range(5))])
    table = pl.DataFrame(
        {
            "record_id": np.char.add("R", np.arange(len(car)).astype(np.str_)),
            "serviced_at": at,
            "reported_at": at + delay,
            "vehicle_id": ids[car],
            "component": pl.Series(names[work]),
            "fault": (work < COMPONENTS) & ~labour,
            "line_text": pl.Series(np.where(labour, "labour", names[work])),
            "odometer_km": (monthly[car] * (at - entered[car]) / DAY / 30.44).round(),
            "cost": rng.integers(10_000, 200_000, len(car)),
        }
    ).with_columns(pl.when(pl.Series(~labour)).then("component"))
    return fleet, table


def write(folder: Path, fleet: pl.DataFrame, records: pl.DataFrame) -> Path:
    """Write tables, sources and configuration; return the path of fault_rate.yaml."""
    sources = {}
    for name, table in (("fleet", fleet), ("service_records", records)):
        table.write_parquet(folder / f"{name}.parquet")
        moments = {c: {"from": c, "unit": "us"} for c in table.columns if c.endswith("_at")}
        sources[name] = {"parquet": f"{name}.parquet", "columns": moments}
    (folder / "sources.yaml").write_text(yaml.safe_dump({"tables": sources}))
    (folder / "fault_alarms.yaml").write_text("{store: alarms.db, snapshot: snapshot.npz, goodwill: 1500}")
    path = folder / "fault_rate.yaml"
    path.write_text("{sources: sources.yaml, time: serviced_at, params: {reference_weeks: 52}}")
    return path


def run(code: list[str], home: Path) -> tuple[float, float, str]:
    """Return seconds, peak memory (GiB) and standard output of a Python process."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *code], stdout=subprocess.PIPE, text=True, env={**os.environ, "CHEHANG_HOME": str(home)}
    )
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(code)} failed")
    return time.monotonic() - started, usage.ru_maxrss / 2**20, text


READ = """
import sys; from pathlib import Path
from features.sources import load_sources, read_tables
raw = read_tables(load_sources(Path(sys.argv[1])), ["fleet", "service_records"], quarantine_folder=Path(sys.argv[2]))
print({n: f.collect().height for n, f in raw.frames.items()})
"""


def main() -> None:
    """Run the benchmark and print time and memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weekly_alarms", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--vehicles", type=int, default=500_000)
    parser.add_argument("--records", type=int, default=5_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fleet, records = tables(options.vehicles, int(options.records * 1.4))
        records = records.head(options.records)
        config = write(folder, fleet, records)
        print(f"{fleet.height:,} vehicles, {records.height:,} records, {int(records['fault'].sum()):,} faults")
        del fleet, records
        floor, peak, _ = run(["-c", READ, str(folder / "sources.yaml"), str(folder / "aside")], folder / "home")
        print(f"reading and checking both tables alone: {floor:.1f} s, {peak:.2f} GiB")
        command = [
            "-m",
            "chehang",
            "alarms",
            "--config",
            str(config),
            "--rules",
            str(folder / "fault_alarms.yaml"),
        ]
        seconds, peak, text = run([*command, "--out", str(folder / "alarms.parquet")], folder / "home")
        print(text)
        print(f"chehang alarms: {seconds:.1f} s ({seconds / floor:.1f} x reading alone), {peak:.2f} GiB")


if __name__ == "__main__":
    main()

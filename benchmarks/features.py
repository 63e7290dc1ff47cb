"""Benchmark of point-in-time features of leads with 20 million events: `python -m benchmarks.features`.

Compares `features.lead_scoring.build` on Polars with the same columns in hand-written DuckDB SQL and pandas
(`benchmarks.lead_history`). Each engine runs in its own process with two threads, from Parquet files to all columns in
memory. Rounds are interleaved and the fastest of each engine is reported. The run fails unless all columns of the three
engines are bit-identical.

On a shared machine CPU seconds are more reliable than wall time; the load average is printed. pandas needs about 8 GB.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from benchmarks.lead_history import CONTENDERS, KEY, generate

THREADS = 2
LIMITS = {"time, polars / duckdb": 1.3, "time, pandas / polars": 4.0}
MEMORY_UNIT = 1024 if sys.platform != "darwin" else 1


@dataclass(frozen=True)
class Run:
    """Measurement of one engine.

    Attributes
    ----------
    contender : str
        Name of the engine, a key of `benchmarks.lead_history.CONTENDERS`.
    seconds, cpu_seconds : float
        Wall and CPU time from the files to the result in memory, without imports.
    peak_bytes : int
        Peak resident memory of the process, including interpreter and libraries.
    """

    contender: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int


def measure(contender: str, folder: Path) -> Run:
    """Run one engine in this process, write `<contender>.parquet` to `folder`, and return the measurement."""
    importlib.import_module(contender)
    cpu, wall = time.process_time(), time.perf_counter()
    result = CONTENDERS[contender](folder)
    figures = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MEMORY_UNIT
    result.write_parquet(folder / f"{contender}.parquet")
    return Run(contender, *figures, peak)


def difference(one: pl.DataFrame, other: pl.DataFrame) -> str | None:
    """Return the name of a column in which two results differ, or None if they are equal.

    Values must be bit-identical; integer and floating-point columns may be compared with each other.

    Examples
    --------
    >>> one = pl.DataFrame({"lead_id": ["a", "b"], "as_of": [1, 1], "views": [0, 2]})
    >>> difference(one, one.reverse().with_columns(pl.col("views").cast(pl.Float64)))
    >>> difference(one, one.with_columns(views=pl.lit(2)))
    'views'
    """
    if set(one.columns) != set(other.columns) or one.height != other.height:
        return f"shape {one.shape} and {other.shape}, {sorted(set(one.columns) ^ set(other.columns))}"
    one, other = (_comparable(frame) for frame in (one, other))
    return next((name for name in one.columns if not one[name].equals(other[name], null_equal=True)), None)


def _comparable(frame: pl.DataFrame) -> pl.DataFrame:
    numbers = [n for n, t in frame.schema.items() if t.is_numeric() and n not in KEY]
    return frame.sort(KEY).with_columns(pl.col(numbers).cast(pl.Float64))


def _in_process(*arguments: str) -> str:
    """Run this module in a new interpreter, so that engines do not share memory, and return its output."""
    threads = {"POLARS_MAX_THREADS": str(THREADS), "OMP_NUM_THREADS": str(THREADS)}
    command = [sys.executable, "-m", "benchmarks.features", *arguments]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **threads}, check=False)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit status {process.returncode} (-9: out of memory)")
    return process.stdout


def compete(folder: Path, *, rounds: int) -> list[Run]:
    """Return the fastest run of each engine, after checking that all results are equal."""
    runs = []
    for number in range(rounds):
        for contender in CONTENDERS:
            runs.append(Run(**json.loads(_in_process("--measure", contender, "--folder", str(folder)))))
            print(f"round {number + 1}: {contender} {runs[-1].seconds:.1f} s", file=sys.stderr, flush=True)
    results = {name: pl.read_parquet(folder / f"{name}.parquet") for name in CONTENDERS}
    for name, result in results.items():
        if column := difference(results["polars"], result):
            raise SystemExit(f"{name} and polars differ in {column}")
    return [min((r for r in runs if r.contender == name), key=lambda r: r.seconds) for name in CONTENDERS]


def ratios(runs: list[Run]) -> dict[str, float]:
    """Return the time ratios that have a limit in LIMITS.

    Examples
    --------
    >>> ratios([Run("polars", 2.0, 4.0, 1), Run("duckdb", 4.0, 8.0, 1), Run("pandas", 20.0, 20.0, 1)])
    {'time, polars / duckdb': 0.5, 'time, pandas / polars': 10.0}
    """
    seconds = {r.contender: r.seconds for r in runs}
    values = seconds["polars"] / seconds["duckdb"], seconds["pandas"] / seconds["polars"]
    return dict(zip(LIMITS, values, strict=True))


def _print(runs: list[Run], events: int, shape: tuple[int, int]) -> None:
    rows, columns = shape
    print(f"\n{events:,} events, {rows:,} leads, {columns} columns, equal in all three engines")
    print(f"machine: {os.cpu_count()} cores, 1-minute load average {os.getloadavg()[0]:.1f}\n")
    print(f"{'engine':<12}{'seconds':>10}{'CPU s':>10}{'peak GB':>10}{'time / polars':>16}{'memory / polars':>18}")
    polars = runs[0]
    for r in runs:
        print(
            f"{r.contender:<12}{r.seconds:>10.2f}{r.cpu_seconds:>10.2f}{r.peak_bytes / 1e9:>10.2f}"
            f"{r.seconds / polars.seconds:>16.2f}{r.peak_bytes / polars.peak_bytes:>18.2f}"
        )
    print()
    for name, value in ratios(runs).items():
        is_minimum = "pandas" in name
        passed = value >= LIMITS[name] if is_minimum else value <= LIMITS[name]
        limit = f"{'at least' if is_minimum else 'at most'} {LIMITS[name]:g}"
        print(f"{name:<26}{value:>8.2f}   {limit:<14}{'passed' if passed else 'FAILED'}")


def main() -> None:
    """Generate the data, run the engines, print times and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--events", type=int, default=20_000_000, help="number of events to generate")
    parser.add_argument(
        "--rounds", type=int, default=3, help="number of rounds; the fastest of each engine is reported"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(asdict(measure(options.measure, options.folder))))
        return
    if options.folder:
        generate(options.folder, events=options.events)
        return
    with tempfile.TemporaryDirectory() as name:
        _in_process("--events", str(options.events), "--folder", name)
        runs = compete(Path(name), rounds=options.rounds)
        shape = pl.scan_parquet(Path(name) / "polars.parquet").collect().shape
    if options.json:
        print(json.dumps({"runs": [asdict(r) for r in runs], "ratios": ratios(runs)}))
    else:
        _print(runs, options.events, shape)


if __name__ == "__main__":
    main()

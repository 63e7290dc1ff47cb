"""Comparison of the services of two checkouts: `python -m benchmarks.serving --against CHECKOUT`.

Each checkout has its own `.venv` and CHEHANG_HOME. Both generate the same sample dealership and train with their own
code and the same small configuration, because a model of one version may not load in another. Both services run at the
same time with one worker each, and are loaded in turn; the order alternates between rounds. The benchmark measures the
CPU time (user and system) of the server's processes per request, and the median latency, for single requests without
reasons. Ratios are computed within each round, so that other load on the machine affects both services; their interval
is a bootstrap over the rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving_load import LUA, Run, Target, free_port, load, server
from ml.domain.arrays import FloatArray

TASKS = ("credit_risk", "lead_scoring", "recommendation")
SIZE = ("--stores", "8", "--customers", "12000", "--months", "30", "--seed", "7")
OVERLAYS = Path("tests") / "golden" / "overlays"  # small configurations, in both checkouts
CONNECTIONS = 4
MIN_ROUNDS = 7
MAX_CPU_RATIO = 1.03


def prepare(checkout: Path, home: Path) -> None:
    """Train and promote the tasks in `home` with the code of a checkout, unless an earlier run has done so."""
    marker = home / "prepared"
    if marker.exists():
        return
    python, environment = checkout / ".venv" / "bin" / "python", {**os.environ, "CHEHANG_HOME": str(home)}
    commands: list[tuple[str, ...]] = [("sample-data", *SIZE)]
    for task in TASKS:
        commands += [("train", task, "--with", str(OVERLAYS / f"{task}.yaml")), ("promote", task)]
    for command in commands:
        run = [str(python), "-m", "chehang", *command]
        subprocess.run(run, cwd=checkout, env=environment, check=True, stdout=subprocess.DEVNULL)
    marker.touch()


def start(stack: ExitStack, name: str, checkout: Path, home: Path, folder: Path) -> dict[str, Target]:
    """Serve `home` with the code of a checkout, and return a target for each task."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    python = checkout / ".venv" / "bin" / "python"
    environment = {"CHEHANG_HOME": str(home), "PYTHONPATH": str(checkout)}
    command = [str(python), "-m", "serving", "--port", str(port), "--workers", "1"]
    process = stack.enter_context(server(command, url=f"{url}/readyz", body=None, folder=checkout, **environment))
    targets = {}
    for task in TASKS:
        body = folder / f"{name}-{task}.json"
        body.write_bytes(urllib.request.urlopen(f"{url}/v1/{task}/example", timeout=30).read())
        targets[task] = Target(name, f"{url}/v1/{task}?explain=false", body, process)
    return targets


def ratio(new: FloatArray, old: FloatArray, *, draws: int = 10_000) -> tuple[float, float, float]:
    """Return the geometric mean of new / old over the rounds, and its 95% bootstrap interval.

    Parameters
    ----------
    new, old : ndarray of shape (n_rounds,)
        One measurement per round, in the same order.
    draws : int
        Number of bootstrap samples.

    Examples
    --------
    >>> [round(value, 3) for value in ratio(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))]
    [0.5, 0.5, 0.5]
    """
    logs = np.log(np.asarray(new) / np.asarray(old))
    means = logs[np.random.default_rng(0).integers(0, len(logs), (draws, len(logs)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(np.exp(logs.mean())), float(np.exp(low)), float(np.exp(high))


def measure(new: dict[str, Target], old: dict[str, Target], *, rounds: int, seconds: float, script: Path) -> list[Any]:
    """Load both services in turn, and return the measurements and ratios of each task."""
    rows = []
    for task in TASKS:
        targets = {"new": new[task], "old": old[task]}
        for target in targets.values():
            load(target, connections=CONNECTIONS, seconds=1, script=script)
        runs: dict[str, list[Run]] = {"new": [], "old": []}
        for number in range(rounds):
            for name in ("new", "old") if number % 2 else ("old", "new"):
                runs[name].append(load(targets[name], connections=CONNECTIONS, seconds=seconds, script=script))
        row: dict[str, Any] = {"task": task, "rounds": rounds}
        for field in ("cpu", "p50"):
            measurements = {name: np.array([getattr(run, field) for run in runs[name]]) for name in runs}
            row |= {f"{field}_{name}": float(np.median(values)) for name, values in measurements.items()}
            row[f"{field}_ratio"] = ratio(measurements["new"], measurements["old"])
        rows.append(row)
    return rows


def compare_checkouts(options: argparse.Namespace) -> None:
    """Compare this checkout with another one, and print measurements, ratios and intervals."""
    checkouts = {"new": Path.cwd(), "old": options.against.absolute()}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        homes = {n: (options.homes or folder).absolute() / n for n in checkouts}
        for n, checkout in checkouts.items():
            prepare(checkout, homes[n])
        new, old = (start(stack, n, checkouts[n], homes[n], folder) for n in ("new", "old"))
        script = folder / "post.lua"
        script.write_text(LUA)
        rounds = max(MIN_ROUNDS, options.rounds)
        rows = measure(new, old, rounds=rounds, seconds=options.seconds, script=script)
    if options.json:
        return print(json.dumps({"load": os.getloadavg()[0], "tasks": rows}))
    print(f"machine: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; {rounds} rounds")
    for row in rows:
        for field, unit in (("cpu", "us of CPU per request"), ("p50", "ms, median latency")):
            mean, low, high = row[f"{field}_ratio"]
            is_met = "met" if high <= MAX_CPU_RATIO else "NOT MET"
            limit = "" if field == "p50" else f"   at most {MAX_CPU_RATIO}: {is_met}"
            figures = f"{row[f'{field}_new']:,.2f} against {row[f'{field}_old']:,.2f} {unit}"
            print(f"{row['task']:<16}{figures:<56}ratio {mean:.3f} [{low:.3f}, {high:.3f}]{limit}")

"""Price of doors and decision log: `python -m benchmarks.serving --steps`.

Two services of the same model, one worker each, the first without doors and the second with a key, and plain FastAPI
are loaded in turn; the order alternates between rounds. `?preview=true` leaves the decision log out. The benchmark
measures the CPU time (user and system) of the server's processes per request. Ratios are computed within each round, so
that other load on the machine affects all alike; their interval is a bootstrap over the rounds. The log and its
encryption keys are made for the run, so that the home of the model does not change.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.serving_against import ratio
from benchmarks.serving_load import Run, Target, free_port, load, server
from ml.domain.arrays import FloatArray

TASK = "credit_risk"
STORES = ("key", "decision", "feedback")
STEPS = ("neither", "log", "doors", "both", "plain")
CONNECTIONS = 8
MAX_CPU_RATIO = 1.15
LIMITED = ("both", "neither")


def start(stack: ExitStack, folder: Path, body: Path, plain_url: str, plain: list[str]) -> list[Target]:
    """Start the three servers, and return a target for each step and for plain FastAPI."""
    key = f"chk_{secrets.token_urlsafe(32)}"
    os.environ["BENCHMARK_KEY"] = key
    log_key = base64.b64encode(secrets.token_bytes(32)).decode()
    urls, processes = {}, {}
    for name, doors in (("off", "false"), ("on", "true")):
        (folder / name).mkdir()
        port = free_port()
        urls[name] = f"http://127.0.0.1:{port}/v1/{TASK}?explain=false"
        environment = {
            "CHEHANG_DOORS": doors,
            "CHEHANG_LOG_KEYS": f"benchmark:{log_key}",
            "CHEHANG_KEY_RATE": "1000000",
            "CHEHANG_KEY_BURST": "1000000",
            "PYTHONPATH": str(Path.cwd()),
            **{
                f"CHEHANG_{s.upper()}_STORE": f"sqlite:///{folder / name / s}.db"
                for s in ("key", "decision", "feedback")
            },
        }
        environment |= {"CHEHANG_DEVELOPMENT_KEY": key} if doors == "true" else {}
        command = [sys.executable, "-m", "serving", "--port", str(port), "--workers", "1"]
        url = f"http://127.0.0.1:{port}/readyz"
        processes[name] = stack.enter_context(server(command, url=url, body=None, **environment))
    plain_process = stack.enter_context(
        server([sys.executable, "-m", *plain], url=plain_url, body=body.read_bytes(), PYTHONPATH=str(Path.cwd()))
    )
    return [
        Target("neither", f"{urls['off']}&preview=true", body, processes["off"]),
        Target("log", urls["off"], body, processes["off"]),
        Target("doors", f"{urls['on']}&preview=true", body, processes["on"]),
        Target("both", urls["on"], body, processes["on"]),
        Target("plain", plain_url, body, plain_process),
    ]


def measure(targets: list[Target], *, rounds: int, seconds: float, script: Path) -> list[list[Run]]:
    """Load all servers in turn, forwards and backwards, and return the measurements of each round by target."""
    for target in targets:
        load(target, connections=CONNECTIONS, seconds=1, script=script)
    rows: list[list[Run]] = []
    for number in range(rounds):
        order = targets if number % 2 else targets[::-1]
        runs = {t.name: load(t, connections=CONNECTIONS, seconds=seconds, script=script) for t in order}
        rows.append([runs[t.name] for t in targets])
    return rows


def ratios(rows: list[list[Run]]) -> dict[str, tuple[float, float, float]]:
    """Return the CPU time of each step against that without doors and log, and that of both against plain FastAPI.

    Parameters
    ----------
    rows : list of list of Run
        Measurements of each round, in the order of `STEPS`.

    Examples
    --------
    >>> cpu = (100.0, 120.0, 104.0, 125.0, 250.0)
    >>> rounds = [[Run(s, 8, 1.0, 1.0, 1.0, c * n) for s, c in zip(STEPS, cpu)] for n in (1, 2, 3)]
    >>> {name: round(values[0], 2) for name, values in ratios(rounds).items()}
    {'log / neither': 1.2, 'doors / neither': 1.04, 'both / neither': 1.25, 'both / plain': 0.5}
    """
    cpu: dict[str, FloatArray] = {n: np.array([row[i].cpu for row in rows]) for i, n in enumerate(STEPS)}
    pairs = [("log", "neither"), ("doors", "neither"), LIMITED, ("both", "plain")]
    return {f"{a} / {b}": ratio(cpu[a], cpu[b]) for a, b in pairs}


def show(rows: list[list[Run]], options: argparse.Namespace) -> None:
    """Print medians of the measurements, and the ratios with their intervals and the limit."""
    medians = [
        {field: float(np.median([getattr(row[i], field) for row in rows])) for field in ("rate", "p50", "p99", "cpu")}
        for i in range(len(STEPS))
    ]
    values = ratios(rows)
    if options.json:
        content = {"load": os.getloadavg()[0], "rounds": len(rows), "ratios": values}
        return print(json.dumps({**content, "medians": dict(zip(STEPS, medians, strict=True))}))
    print(f"machine: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; {len(rows)} rounds")
    print(f"{'server':<10}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'CPU us/request':>16}")
    for name, row in zip(STEPS, medians, strict=True):
        print(f"{name:<10}{row['rate']:>12,.0f}{row['p50']:>10.2f}{row['p99']:>10.2f}{row['cpu']:>16,.0f}")
    for name, (mean, low, high) in values.items():
        limit = ""
        if name == " / ".join(LIMITED):
            limit = f"   at most {MAX_CPU_RATIO}: {'met' if mean <= MAX_CPU_RATIO else 'NOT MET'}"
        print(f"CPU, {name:<20}{mean:>7.3f} [{low:.3f}, {high:.3f}]{limit}")

"""Benchmark of the pages of the desk: `python -m benchmarks.desk`.

Prints for every page the time of the server with one worker (p50 and p95 of requests one after another, on one
connection), its CPU time a request and the size of the HTML, and the CPU time as a multiple of an empty page of the
same frame: other load on the machine hardly changes it. The pages are those that links lead to from the home page, at
most two of each kind, as a person sees them who has all rights; doors are off, and nothing is written.

The limits are 150 ms (p95) and 100 KB a page; the drawings of charts do not count.

`--home FOLDER` measures a dealership that exists. Without it the default sample dealership (36 months) is simulated and
all six tasks are trained, which takes half an hour.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import psutil

from benchmarks.serving_load import cpu_seconds, free_port, server
from ml.registry import TASKS
from serving.desk.registry import PAGES

FLOOR = "/desk/more"  # the frame around a short list
START = "/desk"
LIMIT_MS, LIMIT_BYTES = 150.0, 100_000
PER_KIND = 2
READY_SECONDS = 180.0
_LINK = re.compile(r'href="(/desk[^"#]*)')
_CHART = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_NOT_MEASURED = re.compile(r"/desk/static|[?&](export|lang|notice)=|/file$|\.(csv|xlsx|json)$")


class Measurement(NamedTuple):
    """Times in ms, CPU time of the server in ms, and bytes of HTML with and without the drawings of charts."""

    path: str
    p50: float
    p95: float
    cpu: float
    size: int
    size_without_charts: int


def kind_of(path: str, patterns: Sequence[str]) -> str | None:
    """Return the pattern of the pages that a path matches, the longest text first; None for none.

    >>> kind_of("/desk/leads/L1?x=2", ["/desk/leads/{lead_id}", "/desk/leads"]), kind_of("/desk/none", ["/desk"])
    ('/desk/leads/{lead_id}', None)
    """
    plain = path.partition("?")[0]
    if plain in patterns:
        return plain
    for pattern in sorted(patterns, key=lambda p: (p.count("{"), -len(p))):
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(pattern)), plain):
            return pattern
    return None


def links(html: str) -> list[str]:
    """Return the addresses of pages to which a page leads, each once.

    >>> links('<a href="/desk/leads?a=1&amp;b=2"></a><a href="/desk/static/desk.css"></a><a href="/docs"></a>')
    ['/desk/leads?a=1&b=2']
    """
    addresses = dict.fromkeys(unescape(address) for address in _LINK.findall(html))
    return [address for address in addresses if not _NOT_MEASURED.search(address)]


def crawl(client: httpx.Client) -> list[str]:
    """Return the addresses to measure: at most two of each kind, in the order in which links lead to them."""
    patterns = [page.path for page in PAGES if page.method == "GET"]
    waiting, counts, addresses = [FLOOR, START], dict.fromkeys(patterns, 0), []
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address, patterns)
        if address in addresses or kind is None or counts[kind] >= PER_KIND:
            continue
        response = client.get(address)
        if response.status_code != 200 or "html" not in response.headers["content-type"]:
            print(f"{address}: status {response.status_code}, not measured")
            counts[kind] += 1
            continue
        counts[kind] += 1
        addresses.append(address)
        waiting += links(response.text)
    missing = [kind for kind, n in counts.items() if n == 0]
    if missing:
        print(f"no link leads to: {', '.join(missing)}")
    return addresses


def measure(client: httpx.Client, process: psutil.Process, path: str, rounds: int) -> Measurement:
    """Return the times of a page after one request that is not counted."""
    html = client.get(path).text
    times, before = [], cpu_seconds(process)
    for _ in range(rounds):
        start = time.perf_counter()
        client.get(path).raise_for_status()
        times.append((time.perf_counter() - start) * 1e3)
    cpu = (cpu_seconds(process) - before) * 1e3 / rounds
    p50, p95 = np.quantile(times, (0.5, 0.95))
    return Measurement(path, float(p50), float(p95), cpu, len(html.encode()), len(_CHART.sub("", html).encode()))


@contextmanager
def desk(home: Path) -> Iterator[tuple[httpx.Client, psutil.Process]]:
    """Serve the desk of a dealership with one worker, and yield a client and its process once the tables are read."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "serving", "--port", str(port)]
    with (
        server(command, url=f"{url}/readyz", body=None, CHEHANG_HOME=str(home), CHEHANG_WORKERS="1") as process,
        httpx.Client(base_url=url, timeout=60, headers={"accept-language": "zh"}) as client,
    ):
        deadline = time.monotonic() + READY_SECONDS
        while client.get(START).status_code == 503:
            if time.monotonic() > deadline:
                raise SystemExit(f"error: the tables of {home} were not read within {READY_SECONDS:.0f} s")
            time.sleep(1)
        yield client, process


def make_home(home: Path) -> None:
    """Simulate the default dealership, and train and promote all tasks."""
    environment = {**os.environ, "CHEHANG_HOME": str(home)}
    commands = [["sample-data"], *([action, task] for task in TASKS for action in ("train", "promote"))]
    for command in commands:
        subprocess.run([sys.executable, "-m", "chehang", *command], check=True, env=environment)


def main() -> None:
    """Measure the pages and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="CHEHANG_HOME of a dealership with champions")
    parser.add_argument("--rounds", type=int, default=30, help="requests of each page")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        if options.home is None:
            make_home(home)
        with desk(home.absolute()) as (client, process):
            print(
                f"load average {os.getloadavg()[0]:.2f}; {options.rounds} requests a page, one worker, one connection"
            )
            rows = [measure(client, process, path, options.rounds) for path in crawl(client)]
    _print(rows)


def _print(rows: Sequence[Measurement]) -> None:
    floor = next(row for row in rows if row.path == FLOOR)
    print(f"floor: {FLOOR}, p50 {floor.p50:.1f} ms, CPU {floor.cpu:.1f} ms, {floor.size / 1e3:.1f} KB")
    print(f"{'page':<64}{'p50 ms':>8}{'p95 ms':>8}{'CPU ms':>8}{'/ floor':>9}{'KB':>8}{'no charts':>11}  limits")
    for row in sorted(rows, key=lambda row: -row.p95):
        is_met = row.p95 <= LIMIT_MS and row.size_without_charts <= LIMIT_BYTES
        times = f"{row.p50:>8.1f}{row.p95:>8.1f}{row.cpu:>8.1f}{row.cpu / max(floor.cpu, 0.1):>9.1f}"
        sizes = f"{row.size / 1e3:>8.1f}{row.size_without_charts / 1e3:>11.1f}"
        print(f"{row.path[:63]:<64}{times}{sizes}  {'met' if is_met else 'NOT MET'}")
    slow, large = sum(r.p95 > LIMIT_MS for r in rows), sum(r.size_without_charts > LIMIT_BYTES for r in rows)
    limits = f"{slow} above {LIMIT_MS:.0f} ms (p95), {large} above {LIMIT_BYTES / 1e3:.0f} KB without charts"
    print(f"{len(rows)} pages: {limits}")


if __name__ == "__main__":
    main()

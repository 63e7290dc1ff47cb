"""Benchmark of the service's limits: `python -m benchmarks.serving_limits`.

Three questions, on a server of its own with the champions in `CHEHANG_HOME` (all six tasks; `chehang alarms` as well):

- How long is `/healthz` delayed while the same worker receives, parses, refuses or computes the largest bodies? One
  and two workers; a process of its own asks all workers without a pause.
- How long does an answer take at every maximum that `/openapi.json` documents? Half the time limit is the limit, in CPU
  seconds of the server, because other load on the machine lengthens the time on the clock.
- How much CPU does the server use after an answer 504, and after a client has gone, from 2 s on?

It ends with status 1 if a limit is not met, or if a maximum could not be measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np
import psutil

from benchmarks.documented_maxima import Maximum, documented_maxima
from benchmarks.serving_load import cpu_seconds, free_port, server

HEALTHZ_LIMIT = 0.1  # seconds
IDLE_AFTER = 2.0  # seconds
TASK = "/v1/credit_risk"
MAXIMA_LINE = "{path} {field} = {size:,g} of {limit:,g}: {status}, {ms:,.0f} ms, CPU {cpu_ms:,.0f} ms {problem}"
IDLE_LINE = "{path} {end}: status {status}, {cpu_share:.1%} of a core from 2 s on"
PLACES_OF_STORES = (("/v1/recommendation", "filters."), ("/v1/recommendation/batch", "items.0.filters."))
PROBE = """
import http.client, json, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(count)]
print("ready", flush=True)
delays = []
deadline = time.perf_counter() + float(sys.stdin.readline())
while time.perf_counter() < deadline:
    for connection in connections:
        started = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        delays.append(time.perf_counter() - started)
    time.sleep(0.001)
print(json.dumps(delays))
"""


def hostile_bodies(row: Mapping[str, Any]) -> dict[str, tuple[str, bytes]]:
    """Return path and body of requests that are expensive to parse or to refuse, by name."""
    keys = b",".join(b'"a%d":1' % i for i in range(600_000))
    plain = json.dumps(row).encode()
    long_row = json.dumps({**row, **{f"a{i}": 1 for i in range(9_900)}}).encode()
    items = b'{"items":[%b]}'
    batch = f"{TASK}/batch"
    return {
        "600,000 keys": (TASK, b"{%b}" % keys),
        "600,000 keys, batch": (batch, b"{%b}" % keys),
        "600,000 keys in an item": (batch, items % b"{%b}" % keys),
        "1 MB of keys": (TASK, b"{%b}" % keys[:999_990].rpartition(b",")[0]),
        "9,999 unknown keys": (TASK, b"{%b}" % b",".join(b'"a%d":1' % i for i in range(9_999))),
        "items of 9,900 unknown keys": (batch, items % b",".join([long_row] * 60)),
        "9,999 lists": (TASK, b'{"a":[%b]}' % b",".join([b"[]"] * 4_990)),
        "deep objects": (TASK, b'{"a":' * 190_000),
        "deep lists, batch": (batch, items % (b"[" * 4_000_000 + b"]" * 3_999_000)),
        "a number of 1 MB": (TASK, b'{"loan_amount":%b}' % (b"1" * 999_000)),
        "a text of 1 MB": (TASK, b'{"application_id":"%b"}' % (b"x" * 999_000)),
        "a text of 8 MB, batch": (batch, items % b'{"application_id":"%b"}' % (b"x" * 7_900_000)),
        "8 MB of escapes, batch": (batch, items % b'{"application_id":"%b"}' % (b"\\u0041" * 1_310_000)),
        "8 MB of empty lists, batch": (batch, items % b",".join([b"[]"] * 2_600_000)),
        "499,000 values, batch": (batch, items % b",".join([b"[1,1,1,1,1,1,1,1]"] * 55_000)),
        "8 MB of blanks, batch": (batch, b" " * 7_999_000 + b"{}"),
        "1,000 rows with reasons": (f"{batch}?explain=true", items % b",".join([plain] * 1_000)),
        "1,000 rows": (f"{batch}?explain=false", items % b",".join([plain] * 1_000)),
        "1,000 rows, 8 MB": (batch, items % b",".join([_padded(row, 7_900)] * 1_000)),
    }


def _padded(row: Mapping[str, Any], size: int) -> bytes:
    """Return a request with blanks between its fields, of some size in bytes."""
    text = json.dumps(row).encode()
    return text.replace(b", ", b"," + b" " * ((size - len(text)) // max(text.count(b", "), 1)))


class Client:
    """Sends requests to a server and measures time and CPU."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self.port = port
        self.process = process

    def send(self, path: str, body: bytes | None = None, *, timeout: float = 60) -> tuple[int, float, bytes]:
        """Return status, seconds and content of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        started = time.perf_counter()
        connection.request("GET" if body is None else "POST", path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        seconds = time.perf_counter() - started
        connection.close()
        return answer.status, seconds, content

    def json(self, path: str) -> Any:
        """Return a document."""
        return json.loads(self.send(path)[2])

    def examples(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return a valid body for each path with an example, and for its batch."""
        bodies: dict[str, Any] = {}
        for path, operations in document["paths"].items():
            content = operations.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json", {})
            if "example" in content:
                bodies[path] = content["example"]
        for path in document["paths"]:
            if path.endswith("/example"):
                single = path.removesuffix("/example")
                bodies[single] = self.json(path)
                if f"{single}/batch" in document["paths"]:
                    bodies[f"{single}/batch"] = {"items": [bodies[single]]}
        return bodies


@contextmanager
def running(workers: int, **settings: str) -> Iterator[Client]:
    """Start a server and wait until its champions answer."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/readyz"
    environment = {"CHEHANG_DOORS": "false", "CHEHANG_WORKERS": str(workers), **settings}
    command = [sys.executable, "-m", "serving", "--port", str(port)]
    with server(command, url=url, body=None, **environment) as process:
        time.sleep(2)  # the other workers load their champions as well
        yield Client(port, process)


def healthz_delays(client: Client, workers: int, send: Callable[[], Any], *, seconds: float) -> np.ndarray:
    """Return the seconds of each answer of `/healthz` while requests are sent, over connections to all workers."""
    command = [sys.executable, "-c", PROBE, str(client.port), str(1 if workers == 1 else 8)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as probe:
        assert probe.stdin is not None and probe.stdout is not None
        probe.stdout.readline()
        probe.stdin.write(f"{seconds}\n")
        probe.stdin.flush()
        deadline = time.perf_counter() + seconds - 0.3
        time.sleep(0.1)
        while time.perf_counter() < deadline:
            send()
        return np.array(json.loads(probe.stdout.readline()))


def _send(client: Client, path: str, body: bytes, answers: list[tuple[int | str, float]]) -> None:
    if not path:
        return time.sleep(0.1)
    try:
        status, seconds, _ = client.send(path, body)
        answers.append((status, seconds))
    except (ConnectionError, http.client.HTTPException):
        answers.append(("closed", 0.0))


def measure_healthz(workers: int, *, seconds: float) -> list[dict[str, Any]]:
    """Measure `/healthz` beside each of the hostile bodies, which one client sends one after another."""
    rows = []
    with running(workers) as client:
        cases = hostile_bodies(client.json(f"{TASK}/example"))
        for name, (path, body) in {"nothing": ("", b""), **cases}.items():
            answers: list[tuple[int | str, float]] = []
            send = partial(_send, client, path, body, answers)
            delays = healthz_delays(client, workers, send, seconds=seconds)
            rows.append(
                {
                    "workers": workers,
                    "body": name,
                    "bytes": len(body),
                    "status": ", ".join(sorted({str(status) for status, _ in answers})),
                    "answer_ms": 1e3 * float(np.median([seconds for _, seconds in answers])) if answers else 0.0,
                    "healthz_p50_ms": 1e3 * float(np.median(delays)),
                    "healthz_p99_ms": 1e3 * float(np.quantile(delays, 0.99)),
                    "healthz_max_ms": 1e3 * float(delays.max()),
                }
            )
            print(
                "{workers} {body:<30} {bytes:>9,} {status:>8} {answer_ms:>8.0f} ms  healthz {healthz_p50_ms:6.1f} "
                "{healthz_p99_ms:6.1f} {healthz_max_ms:6.1f} ms".format(**rows[-1]),
                flush=True,
            )
    return rows


def measure_maxima(*, only: str = "") -> list[dict[str, Any]]:
    """Measure a request at each documented maximum; of paths with reasons, with them."""
    rows = []
    with running(1, CHEHANG_TIMEOUT_SECONDS="60") as client:
        document = client.json("/openapi.json")
        examples = client.examples(document)
        missing = [p for p, operations in document["paths"].items() if "post" in operations and p not in examples]
        rows += [{"path": p, "field": "*", "status": "-", "problem": "no example to start from"} for p in missing]
        for maximum in documented_maxima(document, examples, own_values(client, examples)):
            if only not in f"{maximum.path} {maximum.field}":
                continue
            rows.append(_measure(client, document, maximum))
            print(
                MAXIMA_LINE.format(**rows[-1]),
                flush=True,
            )
    return rows


def _measure(client: Client, document: Mapping[str, Any], maximum: Maximum) -> dict[str, Any]:
    parameters = document["paths"][maximum.path]["post"].get("parameters", ())
    path = maximum.path + ("?explain=true" if any(p["name"] == "explain" for p in parameters) else "")
    body = json.dumps(maximum.body).encode()
    before = cpu_seconds(client.process)
    status, seconds, content = client.send(path, body, timeout=90)
    cpu = cpu_seconds(client.process) - before
    # A list of this length must be answered; a number may be refused, because fields limit each other.
    is_valid = status == 200 or (maximum.kind == "number" and status == 422)
    return {
        "path": maximum.path,
        "field": maximum.field,
        "limit": maximum.limit,
        "size": maximum.size,
        "status": status,
        "bytes": len(body),
        "ms": 1e3 * seconds,
        "cpu_ms": 1e3 * cpu,
        "problem": "" if is_valid else content[:200].decode(errors="replace"),
    }


def own_values(client: Client, examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return values at maxima that a schema alone does not give: names that the champions have."""
    orders = json.loads(client.send("/v1/demand_forecast/orders", b"{}", timeout=90)[2])["orders"]
    pairs = [{"store_id": o["store_id"], "model": o["model"], "on_hand": 1} for o in orders]
    stores = sorted({o["store_id"] for o in orders})
    offers = json.dumps(examples["/v1/loans/offers"]).encode()
    car = examples["/v1/loans/offers"]["vehicle"]
    products = sorted({o["product"] for o in json.loads(client.send("/v1/loans/offers", offers)[2])["offers"]})
    months = list(range(1, 61))
    residual = "/v1/residual_value"

    def later(body: dict[str, Any]) -> dict[str, Any]:
        rows = body.get("items", [body])
        rows[0].update(km_per_month=1_000, after_months=months)
        return body

    return {
        "/v1/demand_forecast/orders stock": pairs,
        "/v1/demand_forecast/orders stores": stores,
        "/v1/loans/offers products": products,
        "/v1/loans/offers stock": [{**car, "vehicle_id": f"V{i}"} for i in range(50)],
        "/v1/loans/offers grid.down_payments": lambda body: {
            **body,
            "grid": {"product": products[0], "down_payments": [30_000 + 1_000 * i for i in range(20)]},
        },
        "/v1/lead_scoring/queue lunch": ["12:00", "13:00"],
        f"{residual} after_months": later,
        f"{residual}/batch items.0.after_months": later,
        **{f"{path} {place}store_id": stores for path, place in PLACES_OF_STORES},
    }


def measure_idle() -> list[dict[str, Any]]:
    """Measure the CPU of the server from 2 to 4 s after a 504, and after a client has gone, beside heavy requests."""
    rows = []
    with running(1, CHEHANG_TIMEOUT_SECONDS="1", CHEHANG_MAX_COMPUTATIONS="1") as client:
        examples = client.examples(client.json("/openapi.json"))
        for path, body in heavy_requests(examples).items():
            content = json.dumps(body).encode()
            for end, timeout in (("504", 30.0), ("client gone", 0.5)):
                status: int | str = end
                with suppress(TimeoutError):
                    status = client.send(path, content, timeout=timeout)[0]
                time.sleep(IDLE_AFTER)
                before = cpu_seconds(client.process)
                time.sleep(2)
                used = cpu_seconds(client.process) - before
                rows.append({"path": path, "end": end, "status": status, "cpu_share": used / 2})
                print(
                    IDLE_LINE.format(**rows[-1]),
                    flush=True,
                )
    return rows


def heavy_requests(examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return bodies by path whose answers take longer than a second."""
    batches = {path: {"items": body["items"] * 1_000} for path, body in examples.items() if path.endswith("/batch")}
    return {
        **{f"{path}?explain=true": body for path, body in batches.items()},
        "/v1/demand_forecast/orders": {"lead_days": 60, "review_days": 60},
    }


def main() -> None:
    """Measure, print tables, and end with status 1 if a limit is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving_limits", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--seconds", type=float, default=3, help="duration of the load with each body")
    parser.add_argument("--part", choices=["healthz", "maxima", "idle"], help="measure this part alone")
    parser.add_argument("--only", default="", help="maxima: those whose path and field contain this text")
    parser.add_argument("--json", action="store_true", help="print one JSON document at the end")
    options = parser.parse_args()
    results: dict[str, list[dict[str, Any]]] = {"healthz": [], "maxima": [], "idle": []}
    if options.part in (None, "healthz"):
        results["healthz"] = [row for workers in (1, 2) for row in measure_healthz(workers, seconds=options.seconds)]
    if options.part in (None, "maxima"):
        results["maxima"] = measure_maxima(only=options.only)
    if options.part in (None, "idle"):
        results["idle"] = measure_idle()
    if options.json:
        print(json.dumps(results))
    failures = list(_failures(results))
    print(f"machine: {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}; {len(failures)} limits not met")
    for failure in failures:
        print(f"  NOT MET {failure}")
    sys.exit(bool(failures))


def _failures(results: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    from serving.settings import Settings

    limit = Settings().timeout_seconds / 2
    for row in results["healthz"]:
        if row["healthz_max_ms"] > 1e3 * HEALTHZ_LIMIT:
            yield "{workers} workers, {body}: /healthz took {healthz_max_ms:.0f} ms".format(**row)
    for row in results["maxima"]:
        if row["problem"]:
            yield "{path} {field}: not measured, status {status}: {problem}".format(**row)
        elif row["cpu_ms"] > 1e3 * limit:
            yield "{path} {field} = {limit:g}: {cpu_ms:,.0f} ms".format(**row)
    for row in results["idle"]:
        if row["cpu_share"] > 0.1:
            yield "{path}, {end}: {cpu_share:.0%} of a core".format(**row)


if __name__ == "__main__":
    main()

"""`make demo`: the main job from raw tables to an answered applicant, through the ordinary commands."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

out = Console(highlight=False, width=110)
HOME = Path("var/demo").absolute()
READY_WITHIN_SECONDS = 90
COLOURS = {"approve": "green", "refer": "yellow", "decline": "red"}
CHINESE = {"approve": "批准", "refer": "人工复核", "decline": "拒绝"}

APPLICANTS: dict[str, dict[str, Any]] = {
    "Settled, half paid down": {
        "vehicle_price": 180_000.0,
        "down_payment": 90_000.0,
        "loan_amount": 90_000.0,
        "term_months": 24,
        "monthly_income": 24_000.0,
        "monthly_debt_payment": 1_500.0,
        "employment_months": 120,
        "bureau_score": 780.0,
        "bureau_delinquencies_24m": 0,
        "bureau_worst_days_past_due": 0,
        "bureau_enquiries_6m": 0,
    },
    "Middling": {},
    "Stretched, late before": {
        "vehicle_price": 260_000.0,
        "down_payment": 30_000.0,
        "loan_amount": 230_000.0,
        "term_months": 60,
        "monthly_income": 7_500.0,
        "monthly_debt_payment": 3_500.0,
        "employment_months": 4,
        "bureau_score": 520.0,
        "bureau_delinquencies_24m": 4,
        "bureau_worst_days_past_due": 75,
        "bureau_enquiries_6m": 9,
    },
}


def chehang(*arguments: str) -> None:
    """Run one command as a person would, and say which."""
    out.print(f"\n[bold cyan]$ chehang {' '.join(arguments)}[/bold cyan]")
    subprocess.run([sys.executable, "-m", "training.cli", *arguments], check=True, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "CHEHANG_HOME": str(HOME)}


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"{}")


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"error: the server ended with exit status {server.returncode} before it was ready")
        try:
            _ask(f"{url}/readyz")
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.3)
    raise SystemExit(f"error: the server was not ready within {READY_WITHIN_SECONDS} s")


def _show(name: str, body: dict[str, Any], answer: dict[str, Any]) -> None:
    colour = COLOURS[answer["band"]]
    head = (
        f"score [bold]{answer['score']}[/bold]   probability of default {answer['probability_of_default']:.2%}   "
        f"[bold {colour}]{answer['band'].upper()} {CHINESE[answer['band']]}[/bold {colour}]   "
        f"(approve up to {answer['approve_at_most']:.2%}, decline above {answer['decline_above']:.2%})"
    )
    table = Table("reason", "原因", "points", box=None, pad_edge=False)
    for reason in answer["reasons"]:
        table.add_row(reason["en"], reason["zh"], f"{reason['points']:+.0f}")
    out.print(Panel(head, title=name, title_align="left"))
    if answer["reasons"]:
        out.print(table)
    else:
        out.print("nothing weighs against this application")


def main() -> None:
    """Make the sample dealership, train, promote, serve, ask three applicants, stop."""
    started = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    chehang("sample-data")
    chehang("train", "credit_risk")
    chehang("promote", "credit_risk")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    out.print(f"\n[bold cyan]$ chehang serve --port {port}[/bold cyan]")
    server = subprocess.Popen([sys.executable, "-m", "serving", "--port", str(port)], env=_environment())
    try:
        _wait(url, server)
        example = _ask(f"{url}/v1/credit_risk/example")
        for name, fields in APPLICANTS.items():
            body = {**example, **fields}
            out.print(f"\n[bold cyan]$ curl {url}/v1/credit_risk -d '...'[/bold cyan]")
            _show(name, body, _ask(f"{url}/v1/credit_risk", body))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    out.print(f"\ndone in {time.monotonic() - started:.0f} s; everything lies in {HOME.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()

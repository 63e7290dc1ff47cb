"""Benchmark of the start-up time of commands: `python -m benchmarks.startup`.

Prints the CPU seconds of short commands, and of long commands until their first line of output, after which they are
stopped; commands run in a folder without data. Each is compared with the minimum of any command: an interpreter that
imports typer and rich. The fastest of several rounds is reported.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BASELINE = ("-c", "import typer, rich")
SHORT_COMMANDS = {
    "chehang --help": ("-m", "chehang", "--help"),
    "chehang tasks": ("-m", "chehang", "tasks"),
    "chehang check, 8 rows": ("-m", "chehang", "check", "credit_risk", "-c", "credit_risk.yaml"),
    "python -m serving --help": ("-m", "serving", "--help"),
}
LONG_COMMANDS = (
    "check credit_risk", "train credit_risk", "tune credit_risk", "evaluate credit_risk", "compare credit_risk",
    "promote credit_risk", "rollback credit_risk", "history credit_risk", "score credit_risk --out a.csv",
    "value --out a.csv", "forecast --out a.csv", "alarms --out a.csv", "alarm", "service-due --out a.csv",
    "tasks --champions", "sample-data",
)  # fmt: skip
APPLICATIONS = "application_id,submitted_at,loan_amount\n" + "".join(
    f"A{i},2024-01-{i + 1:02d},{10_000 + i}\n" for i in range(8)
)
OUTCOMES = "application_id,defaulted\n" + "".join(f"A{i},{i % 2 == 0}\n" for i in range(8))
SOURCES = "timezone: UTC\ntables: {applications: {csv: applications.csv}, loan_outcomes: {csv: loan_outcomes.csv}}\n"


def main() -> None:
    """Measure the commands and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds; the fastest is reported")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder)
        baseline = min(cpu(BASELINE, folder) for _ in range(rounds))
        bare = min(cpu(("-c", "pass"), folder) for _ in range(rounds))
        print(f"baseline (import typer, rich): {baseline:.2f} s of CPU; bare interpreter: {bare:.2f} s")
        print("complete commands, CPU seconds:")
        for title, command in SHORT_COMMANDS.items():
            _print(title, min(cpu(command, folder) for _ in range(rounds)), baseline)
        print("until the first line of output, CPU seconds:")
        for text in LONG_COMMANDS:
            command = ("-m", "chehang", *text.split())
            _print(f"chehang {text}", min(cpu(command, folder, first_line=True) for _ in range(rounds)), baseline)


def _write(folder: Path) -> None:
    (folder / "applications.csv").write_text(APPLICATIONS)
    (folder / "loan_outcomes.csv").write_text(OUTCOMES)
    (folder / "sources.yaml").write_text(SOURCES)
    (folder / "credit_risk.yaml").write_text("task: credit_risk\ntime: submitted_at\n")


def _print(title: str, seconds: float, baseline: float) -> None:
    print(f"{title:<42} {seconds:6.2f} s {seconds / baseline:6.1f} x the baseline")


def cpu(command: tuple[str, ...], folder: Path, *, first_line: bool = False) -> float:
    """Return the CPU seconds of a Python process until its end or, with `first_line`, its first line of output."""
    path = f"{Path.cwd()}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    environment = {**os.environ, "CHEHANG_HOME": str(folder / "home"), "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    process = subprocess.Popen(
        [sys.executable, *command], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    with process.stdout as lines:
        if first_line:
            if not lines.readline():
                sys.exit(f"{' '.join(command)}: ended without output")
            process.kill()
        else:
            text = lines.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if not first_line and process.returncode:
        sys.exit(f"{' '.join(command)} failed: {text.decode()}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()

"""Commands whose output is a golden file, in the order in which they run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.commands import chehang

OVERLAYS = Path("tests") / "golden" / "overlays"
TASKS = ("credit_risk", "lead_scoring", "residual_value", "recommendation", "demand_forecast", "fault_rate")
SIZE = ("--stores", "8", "--customers", "12000", "--months", "30", "--seed", "7")  # large enough for a quality alarm
SCORED = {
    "recommendation": "customers.parquet",
    "residual_value": "used.parquet",
}  # rows to score in place of the whole table
SERVED = "serve"  # never ends; its responses are recorded in this process instead
# Their outputs are random keys, times and checksums of a running service: tests/serving has their tests.
WITHOUT_GOLDEN = {SERVED, "audit", "backup", "decisions", "feedback", "keys", "restore"}


@dataclass(frozen=True)
class Call:
    """One run of the command line.

    Attributes
    ----------
    golden : str
        Name of the file of its output, without `.json`.
    arguments : tuple of str
        `OUT/` at the beginning of an argument is replaced by a folder of the run.
    tables : tuple of str
        Files in that folder whose digests are recorded.
    same_as : str or None
        An earlier golden file; only differences from it are recorded.
    """

    golden: str
    arguments: tuple[str, ...]
    tables: tuple[str, ...] = ()
    same_as: str | None = None


def _of_task(task: str) -> list[Call]:
    config = (task, "--with", str(OVERLAYS / f"{task}.yaml"))
    rows = ("--data", f"OUT/{SCORED[task]}") if task in SCORED else ()
    return [
        Call(f"{task}/check", ("check", *config)),
        Call(f"{task}/train", ("train", *config)),
        Call(f"{task}/evaluate", ("evaluate", *config, "--version", "1"), same_as=f"{task}/train"),
        Call(f"{task}/promote", ("promote", task)),
        Call(f"{task}/compare", ("compare", task)),
        Call(f"{task}/history", ("history", task)),
        Call(f"{task}/score", ("score", *config, *rows, "--out", f"OUT/{task}.csv"), tables=(f"{task}.csv",)),
    ]


def calls() -> list[Call]:
    """Return all calls; each runs with `--json`."""
    quick, config = "residual_value", ("residual_value", "--with", str(OVERLAYS / "residual_value.yaml"))
    other = ("--set", "params.quantile_trees.num_leaves=5")
    credit = ("credit_risk", "--with", str(OVERLAYS / "credit_risk.yaml"))
    sales = ("lead_scoring", "--with", str(OVERLAYS / "lead_scoring.yaml"))
    plan = ("--with", str(OVERLAYS / "demand_forecast.yaml"))
    return [
        Call("sample-data", ("sample-data", *SIZE)),
        Call("tasks", ("tasks",)),
        *(call for task in TASKS for call in _of_task(task)),
        Call("tasks.champions", ("tasks", "--champions")),
        Call(f"{quick}/evaluate.folds", ("evaluate", *config, "--folds", "2")),
        Call(f"{quick}/tune", ("tune", *config, "--trials", "2", "--out", "OUT/tuned.yaml")),
        Call(f"{quick}/train.second", ("train", *config, "--with", "OUT/tuned.yaml", *other), same_as=f"{quick}/train"),
        Call(f"{quick}/promote.refused", ("promote", quick)),
        Call(f"{quick}/promote.forced", ("promote", quick, "--force", "--reason", "to be rolled back")),
        Call(f"{quick}/compare.second", ("compare", quick)),
        Call(f"{quick}/rollback", ("rollback", quick, "--reason", "only a trial")),
        Call(f"{quick}/history.rolled_back", ("history", quick)),
        Call(
            "lead_scoring/score.as_of",
            ("score", *sales, "--as-of", "2025-06-15T09:00+08:00", "--out", "OUT/open.parquet"),
            tables=("open.parquet",),
        ),
        Call("credit_risk/monitor", ("monitor", *credit, "--no-history")),
        Call("lead_scoring/reactivation", ("reactivation", "--out", "OUT/again.parquet"), tables=("again.parquet",)),
        Call(
            "demand_forecast/forecast",
            ("forecast", *plan, "--out", "OUT/plan.parquet"),
            tables=("plan.parquet", "plan.orders.parquet"),
        ),
        Call(
            "recommendation/evaluate.logged",
            (
                "evaluate",
                "recommendation",
                "--with",
                str(OVERLAYS / "recommendation.yaml"),
                "--version",
                "1",
                "--logged",
                "--exposures",
                "OUT/../sample/tables/exposures.parquet",
            ),
        ),
        Call("value", ("value", "--out", "OUT/value.parquet"), tables=("value.parquet",)),
        Call(
            "fault_rate/alarms",
            ("alarms", "--out", "OUT/alarms.parquet"),
            tables=("alarms.parquet", "alarms.vehicles.parquet"),
        ),
        Call("fault_rate/alarm", ("alarm",)),
        Call("fault_rate/safety", ("safety",)),
        Call(
            "fault_rate/alarm.moved", ("alarm", "1", "acknowledged", "--by", "after-sales", "--note", "parts ordered")
        ),
        Call("fault_rate/alarm.history", ("alarm", "1")),
        Call("signals", ("signals", "OUT/pairs.parquet", "--out", "OUT/signals.parquet"), tables=("signals.parquet",)),
        Call("openapi", ("openapi",)),
        Call("fault_rate/service-due", ("service-due", "--out", "OUT/due.parquet"), tables=("due.parquet",)),
    ]


def commands(home: Path) -> set[str]:
    """Return the names of all commands from the output of `chehang --help`."""
    help_text = chehang("--help", home=home, COLUMNS="300", TERM="dumb", NO_COLOR="1").stdout
    return set(re.findall(r"^\W ([a-z][a-z-]*)  ", help_text, flags=re.MULTILINE))


def without_golden(home: Path) -> set[str]:
    """Return the commands that should have a golden file and have none."""
    return commands(home) - {call.arguments[0] for call in calls()} - WITHOUT_GOLDEN

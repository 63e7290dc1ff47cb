"""Run all commands and record their output, in an empty home folder."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl

from tests.commands import chehang
from tests.golden.calls import Call, calls, without_golden
from tests.golden.digest import table_digest
from tests.golden.mask import Mask
from tests.golden.render import rounded
from tests.golden.service import exchanges

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {"CHEHANG_USER": "golden", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
CUSTOMERS = 300  # customers to recommend vehicles to; all customers of the sample would take half a minute


def record(home: Path, *, progress: Callable[[str], None]) -> dict[str, Any]:
    """Return the content of every golden file by name, masked and rounded.

    Parameters
    ----------
    home : Path
        Empty folder for CHEHANG_HOME.
    progress : callable
        Called with one line of text for each step.
    """
    mask, steps, golden = Mask(home=home, root=ROOT), calls(), {}
    for number, call in enumerate(steps, start=1):
        begin = time.process_time()
        golden[call.golden] = _called(call, home)
        seconds = time.process_time() - begin
        status = f", exit status {s}" if (s := golden[call.golden].get("exit_status")) else ""
        progress(f"[{number}/{len(steps) + 1}] chehang {' '.join(call.arguments)}  {seconds:.1f} s{status}")
        if call.arguments[0] == "sample-data":
            _write_some_rows(home)
    golden["sample-data"]["tables"] = {
        f"{p.parent.name}/{p.stem}": table_digest(p) for p in sorted((home / "sample").glob("*/*.parquet"))
    }
    begin = time.process_time()
    with mock.patch.dict(os.environ, CHEHANG_HOME=str(home)):
        golden |= exchanges(golden["openapi"].get("output"))
    progress(f"[{len(steps) + 1}/{len(steps) + 1}] the service  {time.process_time() - begin:.1f} s")
    if missing := without_golden(home):
        raise SystemExit(f"no golden file for the output of: {', '.join(sorted(missing))}; add the command to calls.py")
    for call in steps:
        if call.same_as and "output" in golden[call.golden]:
            golden[call.golden]["output"] = _differences(golden, call)
    return {name: rounded(mask(content)) for name, content in golden.items()}


def _write_some_rows(home: Path) -> None:
    """Write the files that `chehang score --data` and `chehang signals` read."""
    tables, out = home / "sample" / "tables", home / "out"
    out.mkdir(exist_ok=True)
    pl.read_parquet(tables / "customers.parquet").head(CUSTOMERS).write_parquet(out / "customers.parquet")
    vehicles = pl.read_parquet(tables / "vehicles.parquet")
    vehicles.filter(pl.col("condition") == "used", pl.col("use").is_not_null()).write_parquet(out / "used.parquet")
    faults = pl.read_parquet(tables / "service_records.parquet").filter("fault").drop_nulls(["model", "component"])
    faults.group_by("model", "component").agg(count=pl.len()).sort("model", "component").write_parquet(
        out / "pairs.parquet"
    )


def _called(call: Call, home: Path) -> dict[str, Any]:
    out = home / "out"
    arguments = [a.replace("OUT/", f"{out}/", 1) if a.startswith("OUT/") else a for a in call.arguments]
    process = chehang(*arguments, "--json", home=home, check=False, **ENVIRONMENT)
    content: dict[str, Any] = {"command": f"chehang {' '.join(arguments)} --json"}
    if process.returncode:
        return content | {"exit_status": process.returncode, "error": process.stderr.splitlines()}
    content["output"] = json.loads(process.stdout)
    if call.tables:
        content["files"] = {name: table_digest(out / name) for name in call.tables}
    return content


def _differences(golden: dict[str, Any], call: Call) -> dict[str, Any]:
    """Return the keys whose values differ from an earlier output."""
    before, after = golden[str(call.same_as)]["output"], golden[call.golden]["output"]
    same = sorted(k for k in after if k in before and after[k] == before[k])
    absent = sorted(before.keys() - after.keys())
    return {k: v for k, v in after.items() if k not in same} | {"same_as_train": same, "absent": absent}

"""`chehang tasks`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from ml import champions as registry
from ml.entry import TaskEntry
from ml.registry import ENTRIES, TASKS
from ml.terminal import AsJson, out, print_json, progress_printer


def tasks(
    champions: Annotated[
        bool, typer.Option("--champions", help="Also show the champion version of each task.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the tasks with the question that each answers and the tables that it reads, and the models with a name."""
    rows = [_row(entry) for entry in ENTRIES.values()]
    # Reading the registry takes seconds, so without the option only a home that has named models is read.
    if champions or registry.has_named_folders():
        progress_printer(as_json)("reading the model registry")
        rows += [_row(TASKS[name].entry) for name in registry.named_models()]
        rows = [{**row, "versions": _numbers(row["task"])} for row in rows]
    if champions:
        for row in rows:
            row["champion"] = registry.champion_number(row["task"])
    if as_json:
        return print_json(rows)
    has_names = any("versions" in row for row in rows)
    optional = (*(("versions",) if has_names else ()), *(("champion",) if champions else ()))
    table = Table("task", "question", "问题", "tables", "optional tables", *optional)
    for row in rows:
        cells = (row["task"], row["en"], row["zh"], ", ".join(row["tables"]), ", ".join(row["optional_tables"]))
        numbers = (", ".join(map(str, row.get("versions", ()))),) if has_names else ()
        table.add_row(*cells, *numbers, *((str(row["champion"] or "none"),) if champions else ()))
    out.print(table)


def _row(entry: TaskEntry) -> dict[str, Any]:
    tables = {"tables": list(entry.tables), "optional_tables": list(entry.optional_tables)}
    return {"task": entry.name, **entry.summary, **tables}


def _numbers(name: str) -> list[int]:
    return [version.number for version in registry.versions(name)]

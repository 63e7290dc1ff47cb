"""`chehang tasks`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from ml import champions as registry
from ml.registry import ENTRIES
from training.options import AsJson, print_json, progress_printer
from training.printing import out


def tasks(
    champions: Annotated[
        bool, typer.Option("--champions", help="Also show the champion version of each task.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the tasks with the question that each answers and the tables that it reads."""
    rows: list[dict[str, Any]] = [
        {"task": e.name, **e.summary, "tables": list(e.tables), "optional_tables": list(e.optional_tables)}
        for e in ENTRIES.values()
    ]
    if champions:
        progress_printer(as_json)("reading the model registry")
        for row in rows:
            row["champion"] = registry.champion_number(row["task"])
    if as_json:
        return print_json(rows)
    table = Table("task", "question", "问题", "tables", "optional tables", *(("champion",) if champions else ()))
    for row in rows:
        cells = (row["task"], row["en"], row["zh"], ", ".join(row["tables"]), ", ".join(row["optional_tables"]))
        table.add_row(*cells, *((str(row["champion"] or "none"),) if champions else ()))
    out.print(table)

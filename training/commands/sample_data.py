"""`chehang sample-data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from training.options import AsJson, print_json, progress_printer
from training.printing import out


def sample_data(
    out_folder: Annotated[Path | None, typer.Option("--out", help="Folder; CHEHANG_HOME/sample if not given.")] = None,
    stores: Annotated[int, typer.Option(help="Stores of the group.")] = 20,
    customers: Annotated[int, typer.Option(help="Customers.")] = 60_000,
    months: Annotated[int, typer.Option(help="Months of history.")] = 36,
    seed: Annotated[int, typer.Option(help="The same seed makes the same dealership.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Make the sample dealership: eleven coherent raw tables, and apart from them the truth they were drawn from."""
    progress = progress_printer(as_json)
    progress("drawing the group, its customers and its stock")
    from ml.home import home
    from training.simulator import Size, generate

    folder = out_folder or home() / "sample"
    size = Size(stores=stores, customers=customers, months=months, seed=seed)
    rows = generate(size, folder, progress=progress)
    if as_json:
        return print_json({"folder": str(folder), "rows": rows})
    table = Table("table", "rows", title=f"sample dealership in {folder}")
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    out.print(table)

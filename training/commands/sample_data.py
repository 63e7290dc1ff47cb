"""`chehang sample-data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ml.terminal import AsJson, out, print_json, progress_printer


def sample_data(
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Output folder; default: CHEHANG_HOME/sample.")
    ] = None,
    stores: Annotated[int, typer.Option(help="Number of stores.")] = 20,
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 60_000,
    months: Annotated[int, typer.Option(help="Number of months of data.")] = 36,
    seed: Annotated[int, typer.Option(help="Random seed; equal seeds give equal data.")] = 7,
    start: Annotated[str, typer.Option(help="First day of the data, YYYY-MM-01.")] = "2023-01-01",
    bureau_repair: Annotated[
        bool,
        typer.Option(help="Hide small repaid overdue debts in credit files from January 2026, as the bureau does."),
    ] = False,
    population_shift: Annotated[
        bool, typer.Option(help="Change loan applicants in the middle of the period, and vary their risk.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Generate a sample dealership: eleven consistent raw tables in tables/, and their ground truth in truth/."""
    progress = progress_printer(as_json)
    progress("simulating the group, its customers and its stock")
    from ml.home import home
    from training.simulator import Changes, Size, generate

    folder = out_folder or home() / "sample"
    size = Size(stores=stores, customers=customers, months=months, seed=seed, start=start)
    changes = Changes(population_shift=population_shift, bureau_repair=bureau_repair)
    rows = generate(size, folder, changes=changes, progress=progress)
    if as_json:
        return print_json({"folder": str(folder), "rows": rows})
    table = Table("table", "rows", title=f"sample dealership in {folder}")
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    out.print(table)

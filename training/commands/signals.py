"""`chehang signals`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from training.options import AsJson, print_json, progress_printer
from training.printing import out, print_notes

SIGNAL = 2.0  # EB05 from which a pair is called a signal, as the US Food and Drug Administration does


def signals(
    data: Annotated[Path, typer.Argument(metavar="FILE", help="Pairs with counts: .parquet or .csv.")],
    row: Annotated[str, typer.Option(help="Column of the first part of a pair.")] = "model",
    column: Annotated[str, typer.Option(help="Column of the second part.")] = "component",
    count: Annotated[str, typer.Option(help="Column of the counts; rows of the same pair add up.")] = "count",
    report: Annotated[
        str | None, typer.Option(help="Column that identifies a report: count reports, not --count.")
    ] = None,
    stratum: Annotated[
        str | None, typer.Option(help="Column whose values are compared only within themselves.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--out", help="All pairs, ranked: .parquet or .csv.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Pairs that are printed.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Rank pairs by how far their counts exceed independence: EBGM, PRR and ROR for counts without exposure."""
    progress_printer(as_json)(f"reading {data}")
    from training.runs.signals import FIGURES, PairColumns
    from training.runs.signals import signals as run

    result = run(data, columns=PairColumns(row, column, count, report, stratum), out=to)
    strong = int((result.table["eb05"] >= SIGNAL).sum())
    if as_json:
        content = {"pairs": result.table.height, "total": result.total, "signals": strong, "notes": result.notes}
        prior = dict(zip(("alpha1", "beta1", "alpha2", "beta2", "share1"), result.fit.prior.theta, strict=True))
        return print_json({**content, "prior": prior, "ranked": result.table.head(limit).to_dicts()})
    table = Table(row, column, *FIGURES)
    for line in result.table.head(limit).to_dicts():
        figures = ("" if line[n] is None else f"{line[n]:.2f}" for n in FIGURES[1:])
        table.add_row(line[row], line[column], f"{line['count']:,}", *figures)
    out.print(table)
    print_notes(result.notes)
    counted = f"{result.total:,} {'reports' if report is not None else 'events'}"
    written = f"; written to {to}" if to is not None else ""
    out.print(f"{strong:,} of {result.table.height:,} pairs with EB05 of at least {SIGNAL:g}, {counted}{written}")

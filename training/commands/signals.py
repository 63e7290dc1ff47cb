"""`chehang signals`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from training.options import AsJson, print_json, progress_printer
from training.printing import out, print_notes

SIGNAL = 2.0  # EB05 at which a pair counts as a signal, the limit of the US Food and Drug Administration


def signals(
    data: Annotated[Path, typer.Argument(metavar="FILE", help="Pairs with counts: .parquet or .csv.")],
    row: Annotated[str, typer.Option(help="Column of the first label of a pair.")] = "model",
    column: Annotated[str, typer.Option(help="Column of the second label of a pair.")] = "component",
    count: Annotated[str, typer.Option(help="Column of the counts; lines of the same pair are summed.")] = "count",
    report: Annotated[
        str | None, typer.Option(help="Column of the report id: counts reports instead of reading --count.")
    ] = None,
    stratum: Annotated[
        str | None, typer.Option(help="Column of strata: expected counts are computed within each.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--out", help="All pairs, ranked: .parquet or .csv.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of pairs to print.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Rank pairs by how far their counts exceed those under independence: EBGM, PRR and ROR, without exposure."""
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
    out.print(f"{strong:,} of {result.table.height:,} pairs have an EB05 of at least {SIGNAL:g}; {counted}{written}")

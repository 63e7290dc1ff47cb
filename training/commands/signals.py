"""`chehang signals`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from features.errors import ConfigError
from ml.terminal import AsJson, out, print_json, progress_printer
from training.options import ConfigPath, Overlays, Settings, loaded_config
from training.printing import print_notes


def signals(
    data: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Pairs with counts: .parquet or .csv; or give --config.")
    ] = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    row: Annotated[str, typer.Option(help="Column of the first label of a pair.")] = "model",
    column: Annotated[str, typer.Option(help="Column of the second label of a pair.")] = "component",
    count: Annotated[str, typer.Option(help="Column of the counts; lines of the same pair are summed.")] = "count",
    report: Annotated[
        str | None, typer.Option(help="Column of the report id: counts reports instead of reading --count.")
    ] = None,
    stratum: Annotated[
        str | None, typer.Option(help="Column of strata: expected counts are computed within each.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="All pairs, ranked: .parquet or .csv; a figure beside it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of pairs to print.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Rank pairs by how far their counts exceed those under independence: EBGM, PRR and ROR, without exposure.

    Reads a file of pairs, or the records of a configuration of fault_rate (--config), whose dates are not needed where
    it has `time: none`.
    """
    if (data is None) == (config is None):
        got = "neither" if data is None else "both"
        raise ConfigError(f"FILE, --config: give a file of pairs or a configuration of fault_rate, got {got}")
    progress = progress_printer(as_json)
    from training.runs.signal_report import SIGNAL, pair_table
    from training.runs.signals import FIGURES, PairColumns, signals_of_records
    from training.runs.signals import signals as run

    if data is not None:
        progress(f"reading {data}")
        if overlay or setting:
            raise ConfigError("--with, --set: change a configuration; give --config, or leave them out")
        result = run(data, columns=PairColumns(row, column, count, report, stratum), out=to)
    else:
        if (row, column, count, report) != ("model", "component", "count", None):
            raise ConfigError("--row, --column, --count, --report: name columns of FILE; map them in sources.yaml")
        configured = loaded_config("fault_rate", config, overlay, setting, progress=progress)
        result = signals_of_records(configured, stratum=stratum, out=to, progress=progress)
    strong = int((result.table["eb05"] >= SIGNAL).sum())
    section = pair_table(result.table, limit=limit)
    if as_json:
        titles = {c.name: {"zh": c.label("zh"), "en": c.label("en")} for c in section.columns}
        content = {"pairs": result.table.height, "total": result.total, "signals": strong, "notes": result.notes}
        prior = dict(zip(("alpha1", "beta1", "alpha2", "beta2", "share1"), result.fit.prior.theta, strict=True))
        ranked = result.table.head(limit).to_dicts()
        files = [str(f) for f in result.files]
        return print_json({**content, "prior": prior, "columns": titles, "ranked": ranked, "files": files})
    table = Table(*result.table.columns[:2], *FIGURES)
    for line in result.table.head(limit).to_dicts():
        figures = ("" if line[n] is None else f"{line[n]:.2f}" for n in FIGURES[1:])
        table.add_row(*(str(line[n]) for n in result.table.columns[:2]), f"{line['count']:,}", *figures)
    out.print(table)
    print_notes(result.notes)
    counted = f"{result.total:,} {'reports' if report is not None else 'events'}"
    written = f"; written to {', '.join(map(str, result.files))}" if result.files else ""
    summary = section.summary.en if section.summary else ""
    out.print(f"{summary}; {counted}{written}")

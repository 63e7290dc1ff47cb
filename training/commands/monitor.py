"""`chehang monitor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ml import champions
from ml.terminal import AsJson, out, print_json, progress_printer
from training.model_name import config_path
from training.options import (
    ConfigPath,
    Overlays,
    RulesPath,
    Settings,
    TaskName,
    VersionOrChampion,
    loaded_config,
    parsed_instant,
)
from training.printing import print_notes

if TYPE_CHECKING:
    from training.monitoring.series import MonitorResult


def monitor(
    task: TaskName = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    rules: RulesPath = None,
    version: VersionOrChampion = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", help="Look at the data as of this instant, such as 2026-02-01T00:00+08:00; default: now."
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Folder to also write monitor.json and the report into.")] = None,
    history: Annotated[
        bool, typer.Option(help="Keep the run and its report in the home folder, and log it to MLflow.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Compare the last complete month with the training period of the champion, and outcomes with its predictions.

    Exit codes: 0 quiet, 3 drift, 4 predictions are worse, 1 error.
    """
    at = parsed_instant(as_of)
    progress = progress_printer(as_json)
    path = config_path(task, config)
    configured = loaded_config(task, config, overlay, setting, progress=progress)
    chosen = champions.version_or_champion(configured.task, version)
    configured = loaded_config(configured.task, config, overlay, setting, version=chosen, progress=lambda text: None)
    from training.monitoring import run
    from training.monitoring.report import STATUS, write_files
    from training.monitoring.rules import MonitorRules

    limits = MonitorRules.load(configured.task, beside=path, path=rules)
    result = run.monitor(configured, limits, version=chosen, as_of=at, progress=progress)
    folder = None
    if history:
        result, folder = run.keep(result)
    if report is not None:
        write_files(result, report)
    if as_json:
        print_json(result.as_dict() | {"report": None if folder is None else str(folder)})
    else:
        _print(result, STATUS[result.status].en, folder)
    raise typer.Exit(result.exit_code)


def _print(result: MonitorResult, status: str, folder: Path | None) -> None:
    period, tested = result.findings.period, sum(s.is_tested for s in result.findings.series)
    out.print(
        f"{result.task} version {result.version}, {period.month}: {status}. {tested} series tested on "
        f"{period.rows:,} rows against {period.reference_first} to {period.reference_last} "
        f"({period.reference_rows:,} rows); {result.false_alarms_a_month:g} false alarms a month are expected.",
        soft_wrap=True,
    )
    if result.alarms:
        table = Table("series", "change", "effect", "since")
        for series in result.alarms:
            detail = "" if series.detail is None else series.detail.en
            effect = f"{series.months[-1].effect:+.2f}{' sd' if series.group == 'drift' else ''}"
            table.add_row(escape(series.axis.title.en), escape(detail), effect, series.since)
        out.print(table)
    for text in result.advice:
        out.print(text.en, markup=False, soft_wrap=True)
    for text in result.findings.not_computed:
        out.print(f"not computed: {text.en}", markup=False, soft_wrap=True)
    print_notes(map(escape, result.findings.notes))
    if folder is not None:
        out.print(f"report: {folder / 'report.html'}", soft_wrap=True)

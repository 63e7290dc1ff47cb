"""`chehang reactivation`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.errors import ConfigError
from features.plurals import count_text
from ml import champions
from ml.terminal import AsJson, out, print_json, progress_printer
from training.options import ConfigPath, Overlays, Settings, VersionOrChampion, loaded_config, parsed_instant


def reactivation(
    to: Annotated[Path, typer.Option("--out", help="Output file with the leads to take up again: .parquet or .csv.")],
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: VersionOrChampion = None,
    silent_days: Annotated[
        float, typer.Option("--silent-days", help="List open leads without a contact for at least so many days.")
    ] = 7,
    within_days: Annotated[
        float, typer.Option("--within-days", help="List leads created within so many days before --as-of.")
    ] = 60,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Use earlier records only; default: all records of the leads.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List leads that nobody works on any more although they still have grade A, with what such leads did before."""
    progress = progress_printer(as_json)
    loaded = loaded_config(None if config is not None else "lead_scoring", config, overlay, setting, progress=progress)
    if loaded.definition.base_name != "lead_scoring":
        raise ConfigError(f"--config: is of the task {loaded.task}; pass the configuration of a lead_scoring model")
    progress("reading the model registry")
    from training.runs.reactivation import STATES, version_report
    from training.runs.reactivation import reactivation as run

    chosen = champions.version_or_champion(loaded.task, version)
    result = run(
        champions.load(chosen), loaded, out=to, as_of=parsed_instant(as_of), silent_days=silent_days,
        within_days=within_days, report=version_report(chosen), progress=progress,
    )  # fmt: skip
    states = {name: result.leads.filter(state=name).height for name in STATES}
    if as_json:
        return print_json(
            {
                "task": loaded.task, "version": chosen.number, "out": str(to), "as_of": result.at.isoformat(),
                "leads": result.leads.height, **states, "expected_sales": round(result.expected_sales, 2),
                "contacted_later": result.contacted_later,
                "evidence": None if result.evidence is None else result.evidence.model_dump(),
            }
        )  # fmt: skip
    counts = ", ".join(f"{n:,} {STATES[name].en}" for name, n in states.items())
    out.print(
        f"{count_text(result.leads.height, 'lead')} to take up again ({counts}); those that are not closed are "
        f"expected to bring {result.expected_sales:.1f} sales in {loaded.params.horizon_days:g} days; "  # type: ignore[attr-defined]
        f"written to {to}",
        soft_wrap=True,
    )
    if result.contacted_later:
        out.print(
            f"left out: {count_text(result.contacted_later, 'lead')} with a last contact that is not before --as-of, "
            "because earlier contacts are overwritten",
            soft_wrap=True,
        )
    if result.evidence is not None:
        out.print(f"what such leads did in the test period: {result.evidence.en}", soft_wrap=True)

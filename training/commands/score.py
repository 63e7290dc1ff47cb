"""`chehang score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ml import champions
from ml.home import missing_rules, rules_file
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
    no_rules_file,
    parsed_instant,
)


def score(
    task: TaskName = None,
    *,
    to: Annotated[Path, typer.Option("--out", help="Output file with the predictions: .parquet or .csv.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", help="File to read in place of the configured source of the table; same columns and format."
        ),
    ] = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: VersionOrChampion = None,
    rules: RulesPath = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", help="Predict as of this instant, such as 2026-01-31T09:00+08:00, from earlier records only."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the predictions of a version for every row, customer, series or cell to a file."""
    progress = progress_printer(as_json)
    loaded = loaded_config(task, config, overlay, setting, progress=progress)
    progress("reading the model registry")
    from training.score import RULES
    from training.score import score as run

    left_out = []
    name = RULES.get(loaded.definition.base_name)
    if name is None:
        no_rules_file(rules, f"the predictions of {loaded.definition.base_name} depend on no rules")
    else:
        for beside in (config_path(task, config), loaded.sources):
            rules = rules_file(name, beside=beside, path=rules, data_set=loaded.name or "")
        left_out = [] if rules else [f"the lists follow no merchandising rules: {missing_rules(name)}"]
    chosen = champions.version_or_champion(loaded.task, version)
    model, instant = champions.load(chosen), parsed_instant(as_of)
    rows = run(model, loaded, data=data, out=to, as_of=instant, rules=rules, progress=progress)
    if as_json:
        content = {"task": loaded.task, "rows": rows, "out": str(to), "version": chosen.number}
        return print_json({**content, "rules": None if rules is None else str(rules), "notes": left_out})
    out.print(f"predictions of version {chosen.number} for {rows:,} rows written to {to}")
    for sentence in left_out:
        out.print(sentence, soft_wrap=True)

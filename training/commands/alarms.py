"""`chehang alarms`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from features.errors import ChehangError
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
    VersionParameters,
    loaded_config,
    parsed_instant,
    task_or,
)

RULES = "fault_alarms.yaml"
WITHOUT_RULES = "no alarm was stored, the service has no new snapshot, and campaigns have default costs"


def alarms(
    to: Annotated[
        Path, typer.Option("--out", help="Alarms: .parquet or .csv; vehicles to inspect and a picture beside it.")
    ],
    task: TaskName = None,
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    version: VersionParameters = None,
    rules: RulesPath = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Leave out records reported later, such as 2026-01-31T09:00+08:00.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Test every component of every model for an elevated fault rate, and rank the vehicles to inspect; run weekly.

    Costs and the location of the alarm store are the rules, a file like configs/fault_alarms.yaml. Baseline rates are
    always estimated from the current records; a version only sets the parameters, such as params.false_alarm_rate.
    """
    progress = progress_printer(as_json)
    task = task_or("fault_rate", task)
    configured = loaded_config(task, config, overlay, setting, progress=progress)
    if version is not None:
        progress("reading the model registry")
        chosen = champions.version(configured.task, version)
        configured = loaded_config(task, config, overlay, setting, version=chosen, progress=progress)
    data_set = configured.name or ""
    rules = rules_file(RULES, beside=config_path(task, config), path=rules, data_set=data_set)
    from ml.fault_rate.rules import AlarmRules, load_alarm_rules
    from training.printing_safety import print_safety
    from training.runs.alarm_tables import print_alarms
    from training.runs.alarms import alarms as run
    from training.runs.safety import safety
    from training.studies.task_tables import read_task_tables

    alarm_rules = None if rules is None else load_alarm_rules(rules, data_set=data_set)
    at = parsed_instant(as_of)
    raw = read_task_tables(configured, extra={}, progress=progress)
    # Before the surveillance, which may have too few weeks: dangerous faults wait for no figure.
    urgent = safety(raw, out=to, rules=alarm_rules, as_of=at)
    if not as_json:
        print_safety(urgent, {kind.name: kind.en for kind in (alarm_rules or AlarmRules()).safety.kinds})
    try:
        report = run(configured, out=to, rules=alarm_rules, as_of=at, raw=raw, progress=progress)
    except ChehangError:
        if as_json:
            print_json({"task": configured.task, "safety": urgent.reports.to_dicts(), "files": [str(urgent.file)]})
        raise
    files = [str(file) for file in (urgent.file, urgent.document, *report.files)]
    left_out = [] if rules else [f"{WITHOUT_RULES}: {missing_rules(RULES)}"]
    if as_json:
        content = {
            "task": configured.task, "version": version, "rules": None if rules is None else str(rules),
            "until": report.until, "basis": report.surveillance.exposure.basis, "notes": [*report.notes, *left_out],
            "safety": urgent.reports.to_dicts(), "alarms": report.alarms.to_dicts(),
            "raised": report.surveillance.raised.to_dicts(),
        }  # fmt: skip
        return print_json({**content, "files": files})
    print_alarms(report)
    out.print(
        f"reports until {report.until}; written to "
        + ", ".join(str(f) for f in (urgent.file, urgent.document, *report.files))
    )
    for sentence in left_out:
        out.print(sentence, soft_wrap=True)

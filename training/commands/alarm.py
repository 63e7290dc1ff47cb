"""`chehang alarm`."""

from __future__ import annotations

from typing import Annotated

import typer

from features.errors import ConfigError
from ml.entry import split_name
from ml.home import missing_rules, rules_file
from ml.terminal import AsJson, print_json, progress_printer
from training.model_name import config_path, model_name
from training.options import ConfigPath, RulesPath
from training.printing import print_alarm_history, print_stored_alarms

RULES = "fault_alarms.yaml"


def alarm(
    number: Annotated[
        int | None, typer.Argument(metavar="[ALARM]", help="Id of an alarm; lists all alarms by default.")
    ] = None,
    to: Annotated[
        str | None, typer.Argument(metavar="[STATE]", help="New state: acknowledged, campaign or closed.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Name of the person who moves the alarm; stored with the move.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Reason or finding; stored with the move.")] = None,
    config: ConfigPath = None,
    rules: RulesPath = None,
    as_json: AsJson = False,
) -> None:
    """List the quality alarms, show the history of one, or move it on: open, acknowledged, campaign, closed."""
    beside = config_path("fault_rate", config)
    data_set = split_name(model_name("fault_rate", config)).data_set
    path = rules_file(RULES, beside=beside, path=rules, data_set=data_set)
    if path is None:
        raise ConfigError(missing_rules(RULES))
    progress_printer(as_json)(f"reading {path}")
    from features.sources import load_sources
    from ml.fault_rate.alarm_store import AlarmStore
    from ml.fault_rate.rules import load_alarm_rules
    from training.config import load_config

    timezone = load_sources(load_config("fault_rate", beside).sources).timezone_of("service_records")
    store = AlarmStore(load_alarm_rules(path, data_set=data_set).store)
    if number is None:
        alarms = store.alarms()
        return print_json(alarms.to_dicts()) if as_json else print_stored_alarms(alarms, timezone=timezone)
    if to is not None:
        if not by:
            raise ConfigError("--by: is needed to move an alarm; give the name of the person who moves it")
        store.move(number, to, by=by, note=note)
    history = store.history(number)
    return print_json(history.to_dicts()) if as_json else print_alarm_history(number, history, timezone=timezone)

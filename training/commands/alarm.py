"""`chehang alarm`."""

from __future__ import annotations

from typing import Annotated

import typer

from features.errors import ConfigError
from ml.home import config_file
from training.options import AlarmRulesPath, AsJson, print_json, progress_printer
from training.printing import print_alarm_history, print_stored_alarms


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
    rules: AlarmRulesPath = None,
    as_json: AsJson = False,
) -> None:
    """List the quality alarms, show the history of one, or move it on: open, acknowledged, campaign, closed."""
    path = config_file("fault_alarms.yaml", rules)
    progress_printer(as_json)(f"reading {path}")
    from ml.fault_rate.alarm_store import AlarmStore
    from ml.fault_rate.rules import load_alarm_rules

    store = AlarmStore(load_alarm_rules(path).store)
    if number is None:
        alarms = store.alarms()
        return print_json(alarms.to_dicts()) if as_json else print_stored_alarms(alarms)
    if to is not None:
        if not by:
            raise ConfigError("--by: is needed to move an alarm; give the name of the person who moves it")
        store.move(number, to, by=by, note=note)
    history = store.history(number)
    return print_json(history.to_dicts()) if as_json else print_alarm_history(number, history)

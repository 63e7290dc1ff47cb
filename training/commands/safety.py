"""`chehang safety`."""

from __future__ import annotations

from typing import Annotated

import typer

from features.errors import ConfigError
from ml.entry import split_name
from ml.home import missing_rules, rules_file
from ml.terminal import AsJson, print_json, progress_printer
from training.model_name import config_path, model_name
from training.options import ConfigPath, RulesPath

RULES = "fault_alarms.yaml"


def safety(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REPORT]... [STATE]",
            help="Numbers of reports, then their new state: acknowledged, reported or closed; lists all by default.",
        ),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Name of the person who moves the reports; stored with it.")] = None,
    note: Annotated[
        str | None, typer.Option(help="Reason or finding; needed to close a report that the maker was not told of.")
    ] = None,
    config: ConfigPath = None,
    rules: RulesPath = None,
    as_json: AsJson = False,
) -> None:
    """List the reports of dangerous faults, show the history of one, or move some: new, acknowledged, reported, closed.

    `chehang alarms` finds them. Reported means: to the maker and the regulator.
    """
    beside = config_path("fault_rate", config)
    data_set = split_name(model_name("fault_rate", config)).data_set
    path = rules_file(RULES, beside=beside, path=rules, data_set=data_set)
    if path is None:
        raise ConfigError(missing_rules(RULES))
    progress_printer(as_json)(f"reading {path}")
    from features.sources import load_sources
    from ml.fault_rate.rules import load_alarm_rules
    from ml.fault_rate.safety_store import SafetyStore
    from ml.terminal import out
    from training.config import load_config
    from training.printing import print_alarm_history
    from training.printing_safety import print_safety_reports

    alarm_rules = load_alarm_rules(path, data_set=data_set)
    store = SafetyStore(alarm_rules.store)
    reports, state = _arguments(numbers or [])
    if not reports:
        stored = store.reports()
        if as_json:
            return print_json(stored.to_dicts())
        print_safety_reports(stored, {kind.name: kind.en for kind in alarm_rules.safety.kinds})
        return out.print(f"{stored.height:,} in {alarm_rules.store}")
    if state is not None:
        if not by:
            raise ConfigError("--by: is needed to move a report; give the name of the person who moves it")
        store.move(reports, state, by=by, note=note)
    histories = {number: store.history(number) for number in reports}
    if as_json:
        return print_json({number: history.to_dicts() for number, history in histories.items()})
    timezone = load_sources(load_config("fault_rate", beside).sources).timezone_of("service_records")
    for number, history in histories.items():
        print_alarm_history(number, history, timezone=timezone, what="report")


def _arguments(texts: list[str]) -> tuple[list[int], str | None]:
    """Return the numbers of reports, and the state after them.

    >>> _arguments(["1", "2", "closed"])
    ([1, 2], 'closed')
    """
    state = texts[-1] if texts and not texts[-1].isdecimal() else None
    numbers = texts[:-1] if state is not None else texts
    if wrong := [text for text in numbers if not text.isdecimal()]:
        raise ConfigError(f"'{wrong[0]}' is not the number of a report; give numbers, then one state")
    if state is not None and not numbers:
        raise ConfigError(f"'{state}' is given without a report; give the numbers of reports before the state")
    return [int(text) for text in numbers], state

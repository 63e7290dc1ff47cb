"""Commands of the regular runs, by night or by week: `chehang value`, `forecast` and `alarms`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.options import AsJson, ConfigPath, Overlays, Settings, loaded_config, parsed_instant, print_json, say
from training.printing import out, print_alarms, print_plan, print_values


def value(
    to: Annotated[Path, typer.Option("--out", help="Customers: .parquet or .csv; a picture is drawn beside it.")],
    config: Annotated[Path, typer.Option("--config", "-c", help="Configuration.")] = Path(
        "configs/customer_value.yaml"
    ),
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="End of the history; the last purchase if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what every customer will still bring: purchases and workshop visits to come, and their worth."""
    from training.customer_value import load_value_config
    from training.customer_value import value as run

    found = run(load_value_config(config), out=to, as_of=parsed_instant(as_of), progress=say(as_json))
    if as_json:
        return print_json({"out": str(to), **found.as_dict()})
    print_values(found)
    out.print(f"{found.customers.height:,} customers written to {to}")


def forecast(
    to: Annotated[Path, typer.Option("--out", help="Forecasts: .parquet or .csv; orders and a picture lie beside it.")],
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    rules: Annotated[Path, typer.Option(help="Costs and times of ordering.")] = Path("configs/order_planning.yaml"),
    store: Annotated[str | None, typer.Option(help="Draw this store; the largest series of all if not given.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="Model version; the champion if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Forecast demand from the end of the data, and plan transfers and orders: the nightly run."""
    from training import tracking
    from training.forecast import forecast as run

    task = "demand_forecast"
    loaded = loaded_config(task, config, overlay, setting)
    found = tracking.find(task, version) if version is not None else tracking.champion(task)
    if found is None:
        from features.errors import ModelNotFound

        raise ModelNotFound(f"{task} has no champion; make one with: chehang promote {task}")
    done = run(tracking.load(found), loaded, out=to, rules=rules, store=store, progress=say(as_json))
    if as_json:
        return print_json(
            {
                "version": found.number,
                "rows": done.forecasts.height,
                "orders": None if done.orders is None else int(done.orders.orders["order"].sum()),
                "without_orders": done.without_orders,
                "files": [str(f) for f in done.files],
            }
        )
    print_plan(done)
    out.print(f"written by version {found.number}: " + ", ".join(str(f) for f in done.files))


def alarms(
    to: Annotated[
        Path, typer.Option("--out", help="Alarms: .parquet or .csv; vehicles to call in and a picture lie beside it.")
    ],
    config: ConfigPath = None,
    overlay: Overlays = None,
    setting: Settings = None,
    rules: Annotated[Path, typer.Option(help="What an alarm leads to, and where alarms are kept.")] = Path(
        "configs/fault_alarms.yaml"
    ),
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Nothing reported later is known, as 2026-01-31T09:00+08:00.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which component of which model fails more than it should, since when, and whom to call in: weekly."""
    from ml.fault_rate.rules import load_alarm_rules
    from training.fault_alarms import alarms as run

    found = run(
        loaded_config("fault_rate", config, overlay, setting),
        out=to,
        rules=load_alarm_rules(rules),
        as_of=parsed_instant(as_of),
        progress=say(as_json),
    )
    if as_json:
        content = {
            "until": found.until, "basis": found.watch.field.basis, "notes": found.notes,
            "alarms": found.alarms.to_dicts(),
        }  # fmt: skip
        return print_json({**content, "files": [str(f) for f in found.files]})
    print_alarms(found)
    out.print(f"known until {found.until}; written to " + ", ".join(str(f) for f in found.files))


def alarm(
    number: Annotated[
        int | None, typer.Argument(metavar="[ALARM]", help="Number of an alarm; all if not given.")
    ] = None,
    to: Annotated[
        str | None, typer.Argument(metavar="[STATE]", help="Move it to: acknowledged, campaign or closed.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who moves it; kept with the alarm.")] = None,
    note: Annotated[str | None, typer.Option(help="Why, or what was found.")] = None,
    rules: Annotated[Path, typer.Option(help="What an alarm leads to, and where alarms are kept.")] = Path(
        "configs/fault_alarms.yaml"
    ),
    as_json: AsJson = False,
) -> None:
    """List the alarms, show one with its history, or move it on: open, acknowledged, campaign, closed."""
    from features.errors import ConfigError
    from ml.fault_rate.alarm_store import AlarmStore
    from ml.fault_rate.rules import load_alarm_rules
    from training.printing import print_alarm_history, print_kept_alarms

    store = AlarmStore(load_alarm_rules(rules).store)
    if number is None:
        kept = store.alarms()
        return print_json(kept.to_dicts()) if as_json else print_kept_alarms(kept)
    if to is not None:
        if not by:
            raise ConfigError("--by: is needed to move an alarm; say who moves it")
        store.move(number, to, by=by, note=note)
    history = store.history(number)
    return print_json(history.to_dicts()) if as_json else print_alarm_history(number, history)


def service_due(
    to: Annotated[Path, typer.Option("--out", help="Vehicles: .parquet or .csv; a picture is drawn beside it.")],
    config: Annotated[Path, typer.Option("--config", "-c", help="Configuration.")] = Path("configs/service_due.yaml"),
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Nothing later is known; the last record if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the vehicles whose next service falls due, by date or by distance, with an interval."""
    from training.printing import print_service_due
    from training.service_due import load_service_due_config
    from training.service_due import service_due as run

    found = run(load_service_due_config(config), out=to, as_of=parsed_instant(as_of), progress=say(as_json))
    if as_json:
        return print_json(
            {"vehicles": found.due.height, "notes": found.all.notes, "files": [str(f) for f in found.files]}
        )
    print_service_due(found)
    out.print("written to " + ", ".join(str(f) for f in found.files))

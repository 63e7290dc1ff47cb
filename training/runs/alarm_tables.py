"""Alarms and their inspection plans as tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from rich.table import Table
from rich.text import Text

from features.plurals import count_text
from ml.fault_rate.campaign import InspectionPlan
from ml.fault_rate.campaign_text import verdict_text
from ml.fault_rate.vehicle_reasons import with_reasons
from ml.fault_rate.wording import horizon, months, yuan
from ml.terminal import out
from training.printing import print_notes

FIRST_VEHICLES = 5
OPTIONS = {
    "call_in_now": "call all in now",
    "with_next_service": "all with their next service",
    "each_at_its_best": "each at the better moment",
}


def print_alarms(run: Any) -> None:
    """Print the alarms, strongest first, the plan of each, and the number of cells tested.

    Parameters
    ----------
    run : AlarmRun
        As returned by ``training.runs.alarms.alarms(training.config.load_config("fault_rate"),
        out=Path("alarms.csv"))``.
    """
    cells = run.surveillance.cells.height
    if run.alarms.is_empty():
        out.print(f"no alarm in {count_text(cells, 'cell')} (model, component)")
        return print_notes(run.notes)
    table = Table(
        "alarm", "state", "model", "component", "detected on", "built", "faults", "expected", "rate ratio",
        "90% interval",
    )  # fmt: skip
    rows = run.alarms.to_dicts()
    for row in rows:
        built = "all dates" if row["built_from"] is None else f"{row['built_from']} .. {row['built_until']}"
        if row["model_year_from"] is not None:
            years = sorted({row["model_year_from"], row["model_year_until"]})
            built = f"model year{'s' if len(years) > 1 else ''} {' .. '.join(map(str, years))}"
        ratio, limits = f"{row['rate_ratio']:.2f}", f"{row['low']:.2f} .. {row['high']:.2f}"
        numbers = (f"{row['count']:,}", f"{row['expected']:,.1f}", ratio, limits)
        names = (row["model"], run.rules.component_name(row["component"]).en)
        table.add_row(str(row["alarm_id"] or ""), row["state"] or "", *names, str(row["detected_on"]), built, *numbers)
    out.print(table)
    for row, plan in zip(rows, run.plans, strict=True):
        if plan is not None:
            _print_plan(f"{row['model']}, {run.rules.component_name(row['component']).en}", plan)
            if row["inspection_weeks"] is not None:
                _print_safety(row, run)
    out.print(f"{count_text(run.alarms.height, 'alarm')} in {count_text(cells, 'cell')} (model, component)")
    print_notes(run.notes)


def _print_plan(cell: str, plan: InspectionPlan) -> None:
    """Print the verdict, the options with their costs, and the first vehicles with their reasons."""
    out.print(Text.assemble("\n", (cell, "bold"), f": {verdict_text(plan).en}"), soft_wrap=True)
    if plan.vehicles.is_empty():
        return
    if plan.best.net is not None:
        out.print(_options(plan))
    first = with_reasons(plan.vehicles.head(FIRST_VEHICLES), plan)
    for place, row in enumerate(first.to_dicts(), 1):
        risk = f"{row['faults_to_come']:.2f} faults expected over {horizon(plan.rules.repair_years).en}"
        out.print(f"  {place}. {row['vehicle_id']}: {risk}; {row['reason_en']}", soft_wrap=True)
    out.print(f"parts to stock for the first {plan.rules.campaign_weeks} weeks: {plan.parts_to_stock:,}")


def _print_safety(row: Mapping[str, Any], run: Any) -> None:
    """Print how long the inspection of all vehicles takes, and the stock whose sale stops."""
    capacity = run.rules.safety.capacity_per_week
    weeks = count_text(row["inspection_weeks"], "week")
    out.print(
        f"all have an appointment within {weeks} at {capacity:,} vehicles a week, the riskiest first; the week of each "
        "is inspection_week in the file of the vehicles",
        soft_wrap=True,
    )
    stock = run.stock.filter(model=row["model"], component=row["component"])
    number = int(stock["quantity"].sum())
    stores = ", ".join(f"{store} {n:,.0f}" for store, n in _by_store(stock))
    cars = f"{count_text(number, 'car')} in stock of the affected builds: {stores}"
    out.print(f"stop of sale: {cars if number else 'no car of the affected builds is in stock'}", soft_wrap=True)


def _by_store(stock: pl.DataFrame) -> list[tuple[str, float]]:
    sums = stock.group_by(pl.col("store_id").fill_null("unknown store")).agg(pl.col("quantity").sum())
    return sums.sort("store_id").rows()


def _options(plan: InspectionPlan) -> Table:
    """Return the options on the same vehicles; the mixed one only where it is neither of the other two."""
    number = plan.inspected or plan.vehicles.height
    table = Table(
        "option", "inspections", "faults avoided", "cost (yuan)", "saving (yuan)", "net (yuan)", "90% interval",
        "pays after", title=f"{count_text(number, 'vehicle')}, over {horizon(plan.rules.repair_years).en}",
    )  # fmt: skip
    *single, mixed = plan.options
    for option in plan.options if all(o.net != mixed.net for o in single) else single:
        amounts = (option.cost, option.benefit, option.net, option.net_low, option.net_high)
        cost, saving, net, low, high = (yuan(v or 0.0).en.removesuffix(" yuan") for v in amounts)
        after = "never" if option.break_even_months is None else months(option.break_even_months).en
        figures = (f"{option.visits:,.0f}", f"{option.avoided:,.1f}", cost, saving, net, f"{low} .. {high}", after)
        table.add_row(OPTIONS[option.name], *figures)
    return table

"""Print the services that fall due as a table on a terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from features.plurals import count_text
from ml.dates import date_text
from ml.fault_rate.service_check import ServiceCheck
from ml.terminal import out
from training.printing import print_notes

LINES = 10  # vehicles printed; the file has all


def print_service_due(run: Any) -> None:
    """Print the first vehicles of the list, its expected visits, and the check against an earlier list.

    Parameters
    ----------
    run : ServiceReminders
        As returned by ``training.runs.service_due.service_due(config, out=Path("due.csv"))``.
    """
    days = run.services.visit_days
    revenue = run.due["expected_revenue_yuan"].null_count() < run.due.height
    columns = ["place", "vehicle", "model", "last service", "due, 80% interval", "due by", f"visits within {days} days"]
    columns += ["likely visit, 80% interval", *(["expected revenue (yuan)"] if revenue else [])]
    table = Table(*columns)
    for row in run.due.head(LINES).to_dicts():
        last = "no record" if row["last_service_on"] is None else str(row["last_service_on"])
        due = "certain" if row["due_is_fixed"] else f"{row['due_low']} .. {row['due_high']}"
        table.add_row(
            str(row["place"]), row["vehicle_id"], row["model"], last, f"{row['due_on']}\n{due}", row["due_by"],
            f"{row['visit_probability']:.0%}", f"{row['visit_on']}\n{row['visit_low']} .. {row['visit_high']}",
            *([f"{row['expected_revenue_yuan'] or 0:,.0f}"] if revenue else []),
        )  # fmt: skip
    out.print(table)
    for row in run.due.head(1).to_dicts():
        out.print(f"{row['vehicle_id']}: {row['reason_en']}", soft_wrap=True)
    fleet, due = run.services.vehicles.height, run.due_vehicles
    listed = "" if run.due.height == due else f", the {run.due.height:,} likeliest listed"
    out.print(
        f"{due:,} of {count_text(fleet, 'vehicle')} in service on {date_text(run.at.date()).en} "
        f"{'falls' if due == 1 else 'fall'} due or {'is' if due == 1 else 'are'} overdue{listed}; "
        f"{run.due['visit_probability'].sum():,.0f} of them are expected to visit within {days} days"
    )
    if run.check is not None:
        out.print(check_text(run.check), soft_wrap=True)
    print_notes(run.services.notes)


def check_text(check: ServiceCheck) -> str:
    """Return how an earlier list compares with the visits that followed.

    Parameters
    ----------
    check : ServiceCheck
        As returned by `ml.fault_rate.service_check.check_services`.

    Examples
    --------
    >>> check = ServiceCheck(90, 28, 1_650.2, 1_691, 4_820, 0.799, 500, 0.75, 0.65, 0.63)
    >>> for sentence in check_text(check).split("; "):
    ...     print(sentence)
    checked as of 90 days before: 1,650 visits expected within 28 days, 1,691 came
    80% interval: 79.9% of 4,820 visits within it
    of the first 500 vehicles of the list 65.0% came (75.0% expected), of the 500 nearest to their due date 63.0%
    """
    parts = [
        f"checked as of {check.days_before} days before: {check.expected:,.0f} visits expected within "
        f"{check.visit_days} days, {check.visits:,} came"
    ]
    if check.coverage is not None:
        parts.append(f"80% interval: {check.coverage:.1%} of {check.interval_visits:,} visits within it")
    if check.first_share is not None:
        parts.append(
            f"of the first {count_text(check.first, 'vehicle')} of the list {check.first_share:.1%} came "
            f"({check.first_expected:.1%} expected), of the {check.first:,} nearest to their due date "
            f"{check.nearest_due_share:.1%}"
        )
    return "; ".join(parts)

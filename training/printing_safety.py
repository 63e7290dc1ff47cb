"""Print reports of dangerous faults on a terminal."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from features.plurals import count_text
from ml.terminal import out
from training.printing import print_notes

SHOWN = 10


def print_safety(run: Any, titles: dict[str, str]) -> None:
    """Print the latest reports of dangerous faults, how many there are, and what to do with them.

    Parameters
    ----------
    run : SafetyRun
        As returned by `training.runs.safety.safety`.
    titles : dict of str to str
        Name of each kind for people.
    """
    reports = run.reports
    if reports.is_empty():
        out.print(f"no report of a dangerous fault since {run.since}, and none open")
        return print_notes(run.notes)
    print_safety_reports(reports.head(SHOWN), titles)
    older = int((reports["reported_on"] < run.since).sum())
    more = f", the latest {SHOWN} above" if reports.height > SHOWN else ""
    open_before = f"; {older:,} from before {run.since} that nobody has reported or closed" if older else ""
    out.print(
        f"{count_text(reports.height, 'report')} of dangerous faults{more}: {run.new:,} listed for the first time"
        f"{open_before}. They wait for no statistic: look at each today, and report it to the maker and the regulator. "
        f"All: {run.file}; prepared report: {run.document}",
        soft_wrap=True,
    )
    print_notes(run.notes)


def print_safety_reports(reports: Any, titles: dict[str, str]) -> None:
    """Print reports of dangerous faults as a table.

    Parameters
    ----------
    reports : DataFrame
        Such as the attribute `reports` of `training.runs.safety.SafetyRun`.
    titles : dict of str to str
        Name of each kind for people; a kind without one is printed as it is.
    """
    table = Table("report", "state", "danger", "words", "reported on", "model", "built", "km", "store", "vehicle")
    for row in reports.to_dicts():
        km = "" if row["km"] is None else f"{row['km']:,.0f}"
        table.add_row(
            str(row["id"] or ""), row["state"] or "", titles.get(row["kind"], row["kind"]), row["words"],
            str(row["reported_on"]), row["model"] or "unknown", str(row["built_on"] or "unknown"), km,
            row["store_id"] or "", row["vehicle_id"] or "unknown",
        )  # fmt: skip
    out.print(table)

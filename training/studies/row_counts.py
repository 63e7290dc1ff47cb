"""Counts of the rows that have no label and are left out of training, by reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import polars as pl

from features.plurals import count_text

Frames = Mapping[str, pl.LazyFrame]


def label_notes(table: str, frames: Frames) -> list[str]:
    """Return sentences on the rows of a task's first table that have a label, and on those left out, by reason.

    Parameters
    ----------
    table : str
        Name of the task's first table: 'applications', 'leads' or 'vehicles'; other tables have no notes.
    frames : mapping of str to LazyFrame
        Valid rows by table, as in `features.sources.RawTables.frames`.

    Returns
    -------
    list of str
        One sentence, or none if no row is left out.

    Examples
    --------
    >>> import polars as pl
    >>> cars = {"vehicle_id": ["a", "b", "c"], "price": [900, None, 700], "condition": ["used", "used", "new"]}
    >>> label_notes("vehicles", {"vehicles": pl.LazyFrame(cars)})
    ['vehicles: 1 of 3 rows are used vehicles with a price; left out: 1 new vehicle, 1 without a price']
    """
    count = _COUNTS.get(table)
    if count is None:
        return []
    counted, what, rows, reasons = count(frames)
    left_out = {reason: n for reason, n in reasons.items() if n}
    if not left_out:
        return []
    texts = ", ".join(count_text(n, _OF_ONE.get(reason, reason), reason) for reason, n in left_out.items())
    return [f"{counted}: {rows - sum(left_out.values()):,} of {rows:,} rows {what}; left out: {texts}"]


def interaction_notes(events: pl.LazyFrame, grades: Collection[str]) -> list[str]:
    """Return sentences on the events that are interactions of a person with a vehicle, and on the others, by reason.

    Parameters
    ----------
    events : LazyFrame
        Valid rows of the raw table `events`.
    grades : collection of str
        Event types that count as an interaction: keys of `params.grades`.

    Returns
    -------
    list of str

    Examples
    --------
    >>> import polars as pl
    >>> events = {"event_type": ["view", "search", "view"], "vehicle_id": ["v", None, None], "customer_id": ["c"] * 3}
    >>> interaction_notes(pl.LazyFrame(events), ["view"])
    ['events: 1 of 3 rows are interactions; left out: 1 whose event_type has no grade, 1 without vehicle_id']
    """
    names = events.collect_schema().names()
    who = [n for n in ("customer_id", "visitor_id") if n in names]
    conditions = {}
    if "event_type" in names:
        conditions["without event_type"] = pl.col("event_type").is_null()
        conditions["whose event_type has no grade"] = ~pl.col("event_type").is_in(list(grades))
    if "vehicle_id" in names:
        conditions["without vehicle_id"] = pl.col("vehicle_id").is_null()
    if who:
        conditions[f"without {' and '.join(who)}"] = pl.all_horizontal(pl.col(who).is_null())
    n, reasons = _first_reasons(events, conditions)
    left_out = [f"{count:,} {reason}" for reason, count in reasons.items() if count]
    if not left_out:
        return []
    return [f"events: {n - sum(reasons.values()):,} of {n:,} rows are interactions; left out: {', '.join(left_out)}"]


def _first_reasons(rows: pl.LazyFrame, conditions: Mapping[str, pl.Expr]) -> tuple[int, dict[str, int]]:
    """Return the number of rows, and of those that meet each condition and none of the conditions before it."""
    earlier, sums = pl.lit(value=False), {}
    for reason, condition in conditions.items():
        applies = condition.fill_null(value=False)
        sums[reason] = (applies & ~earlier).sum()
        earlier = earlier | applies
    n, *counts = rows.select(pl.len(), *(e.alias(r) for r, e in sums.items())).collect(engine="streaming").row(0)
    return n, dict(zip(sums, counts, strict=True))


_OF_ONE = {"catalogue entries": "catalogue entry", "new vehicles": "new vehicle"}
_Counts = tuple[str, str, int, dict[str, int]]  # table, what its rows are, their number, and those left out


def _applications(frames: Frames) -> _Counts:
    outcomes = frames["loan_outcomes"]
    n, still_open = outcomes.select(pl.len(), pl.col("defaulted").null_count()).collect().row(0)
    return "loan_outcomes", "have a known outcome", n, {"whose `defaulted` is not known yet": still_open}


def _vehicles(frames: Frames) -> _Counts:
    """Count each vehicle once, by the first reason that applies to it."""
    vehicles = frames["vehicles"]
    names = vehicles.collect_schema().names()
    conditions = {
        "catalogue entries": ("kind", pl.col("kind") == "catalogue"),
        "new vehicles": ("condition", pl.col("condition") == "new"),
        "without a price": ("price", pl.col("price").is_null() | (pl.col("price") <= 0)),
        "without `listed_at`": ("listed_at", pl.col("listed_at").is_null()),
    }
    present = {reason: condition for reason, (name, condition) in conditions.items() if name in names}
    return "vehicles", "are used vehicles with a price", *_first_reasons(vehicles, present)


def _leads(frames: Frames) -> _Counts:
    leads = frames["leads"]
    if not {"created_at", "converted_at"} <= set(leads.collect_schema().names()):
        return "leads", "", 0, {}
    n, early = leads.select(pl.len(), (pl.col("converted_at") < pl.col("created_at")).sum()).collect().row(0)
    return "leads", "can be labelled", n, {"whose `converted_at` is before `created_at`": early}


_COUNTS: Mapping[str, Callable[[Frames], _Counts]] = {
    "applications": _applications,
    "leads": _leads,
    "vehicles": _vehicles,
}

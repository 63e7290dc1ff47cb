"""`chehang feedback`: remove old events, or those of one person, from the feedback store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from features.errors import ConfigError
from features.plurals import count_text
from ml.terminal import AsJson, command_group, out, print_json
from serving.audit.periods import TIMEZONE, parse_age, parse_period
from serving.feedback.purge import purge_events
from serving.settings import load_settings
from serving.stores import open_store, store_errors


def purge(
    older_than: Annotated[str | None, typer.Option(help="Age such as 730d or 2y, or a day such as 2024-01-01.")] = None,
    person: Annotated[
        str | None,
        typer.Option(help="customer_id, visitor_id, or number of an application or lead, whose data are removed."),
    ] = None,
    outcomes: Annotated[
        bool, typer.Option("--outcomes", help="Remove old leads and outcomes of leads and loans as well.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the rows, and remove nothing.")] = False,
    timezone: Annotated[str, typer.Option(help="IANA time zone of a day.")] = TIMEZONE,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Default: configs/serving.yaml.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove old events, exposures and personal fields of work entries, or those of one person, from the store."""
    if (older_than is None) == (person is None):
        raise ConfigError("--older-than and --person: pass one of them")
    if outcomes and person is not None:
        raise ConfigError("--outcomes: applies to --older-than only; leads of a person are found by their lead_id")
    zone = parse_period(None, None, timezone).zone
    before = None if older_than is None else parse_age(older_than, zone, now=datetime.now(UTC))
    engine = open_store(load_settings(config).feedback_store, "feedback")
    with store_errors(engine, "feedback"):
        counts = purge_events(engine, before=before, person=person, outcomes=outcomes, dry_run=dry_run)
    if as_json:
        return print_json({"dry_run": dry_run, "before": before, "rows": counts})
    rows = ", ".join(f"{count_text(n, 'row')} of {name}" for name, n in counts.items())
    out.print(f"{rows} {'would be removed' if dry_run else 'removed'}", soft_wrap=True)
    if any(counts.values()) and not dry_run:
        out.print("older backups still have them: remove those by the same rule")


feedback = command_group("Remove events of visitors from the feedback store.", {"purge": purge})

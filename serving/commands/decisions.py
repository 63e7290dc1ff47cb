"""`chehang decisions`: verify the decision log, and remove old personal parts."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.markup import escape
from sqlalchemy.engine import make_url

from features.errors import ConfigError
from features.plurals import count_text
from ml.terminal import AsJson, command_group, err, out, print_json, progress_printer, user
from serving.audit.periods import TIMEZONE, Period, parse_age, parse_period
from serving.decisions.entries import Head
from serving.decisions.log_keys import VARIABLE, log_keys
from serving.decisions.purge import count_old_parts, purge_personal_parts
from serving.decisions.verification import Progress, Verification, verify_log
from serving.settings import load_settings
from serving.stores import open_store

BROKEN = 3  # exit status of a log with a fault
PROGRESS_SECONDS = 2.0
_HEAD = re.compile(r"([1-9]\d{0,17}):([0-9a-f]{64})")

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Default: configs/serving.yaml.")]
Timezone = Annotated[str, typer.Option(help="IANA time zone of days and of the times that are shown.")]
Who = Annotated[str | None, typer.Option(help="Person who does it; default: CHEHANG_USER or the login name.")]
Why = Annotated[str, typer.Option(help="Reason; recorded in the log.")]
Expect = Annotated[
    str | None, typer.Option(metavar="SEQUENCE:HASH", help="An entry as noted at an earlier verification.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count what would be removed, and remove nothing.")]


def verify(
    expect: Expect = None, timezone: Timezone = TIMEZONE, config: Config = None, as_json: AsJson = False
) -> None:
    """Recompute the hash chain, the head and, with CHEHANG_LOG_KEYS, the digests of the personal parts."""
    period = parse_period(None, None, timezone)
    noted = None if expect is None else parse_head(expect)
    keys = log_keys()
    engine = open_log(config)
    verification = verify_log(engine, keys=keys, expect=noted, progress=_progress(as_json))
    if as_json:
        print_json(verification.as_dict())
    else:
        print_verification(verification, period, has_keys=keys is not None)
    if not verification.is_whole:
        raise typer.Exit(BROKEN)


def purge(
    older_than: Annotated[str, typer.Option(help="Age such as 730d or 5y, or a day such as 2021-01-01.")],
    why: Why = "retention",
    who: Who = None,
    dry_run: DryRun = False,
    timezone: Timezone = TIMEZONE,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Remove the personal parts of old entries from the log and its files; the chain stays valid and records it."""
    period = parse_period(None, None, timezone)
    before = parse_age(older_than, period.zone, now=datetime.now(UTC))
    engine = open_log(config)
    progress = progress_printer(as_json)
    if dry_run:
        result = count_old_parts(engine, before=before)
    else:
        progress("removing personal parts; decisions wait while the file is rewritten at the end")
        result = purge_personal_parts(
            engine, before=before, who=who or user(), why=why, progress=lambda n: progress(f"{n:,} removed")
        )
    if as_json:
        return print_json({"dry_run": dry_run, "before": before, **result._asdict()})
    verb = "would be removed" if dry_run else "removed"
    span = "" if result.first is None else f" (entries {result.first:,} to {result.last:,})"
    out.print(f"{count_text(result.parts, 'personal part')} from before {period.shown(before)} {verb}{span}")
    if result.parts and not dry_run:
        out.print("older backups still have them: remove those by the same rule")


def parse_head(text: str) -> Head:
    """Return the entry of the option `--expect`.

    Raises
    ------
    ConfigError
        The text is not of the form SEQUENCE:HASH.

    Examples
    --------
    >>> parse_head("12:" + "ab" * 32).sequence
    12
    """
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        rule = "must be SEQUENCE:HASH with 64 hexadecimal digits, as the verification prints it"
        raise ConfigError(f"--expect: {rule}, got '{text}'")
    return Head(int(match[1]), match[2])


def open_log(config: Path | None) -> sa.Engine:
    """Return the decision store of the settings, which must exist: a reading command does not make an empty log.

    Parameters
    ----------
    config : Path or None
        File of the settings; None for `configs/serving.yaml`.

    Raises
    ------
    ConfigError
        The settings are invalid, or there is no log yet.
    StoreUnavailable
        The store cannot be opened.
    """
    url = load_settings(config).decision_store
    if url.startswith("sqlite"):
        path = Path(str(make_url(url).database))
        if not path.exists():
            text = "the service makes it at its first start; is CHEHANG_HOME or decision_store another one?"
            raise ConfigError(f"{path}: there is no decision log; {text}")
    return open_store(url, "decisions")


def print_verification(verification: Verification, period: Period, *, has_keys: bool) -> None:
    """Print what was verified, and each fault; the first one is the first place that is wrong.

    Parameters
    ----------
    verification : Verification
        As returned by `verify_log`.
    period : Period
        Its time zone is that of the times.
    has_keys : bool
        Whether personal parts could be checked.
    """
    v = verification
    span = (
        "" if v.first_at is None or v.last_at is None else f", {period.shown(v.first_at)} – {period.shown(v.last_at)}"
    )
    out.print(f"{count_text(v.entries, 'entry', 'entries')}{span}")
    checked = f"{v.verified_parts:,} checked" if has_keys else f"none checked: {VARIABLE} is not set"
    out.print(f"personal parts: {v.parts:,} stored, {checked}, {v.purged_parts:,} removed by purges")
    for name, count in v.unread_parts.items():
        out.print(f"personal parts of the key '{escape(name)}': {count:,} not checked, add the key to {VARIABLE}")
    if v.is_whole:
        out.print("[green]the log is whole[/green]")
        if v.last is not None:
            out.print(f"note the last entry outside this machine: --expect {v.last}", soft_wrap=True)
        return
    first = v.faults[0]
    out.print(f"[red]the log is broken, first at entry {first.sequence:,} ({first.kind}): {first.message}[/red]")
    for fault in v.faults[1:]:
        out.print(f"  entry {fault.sequence:,} ({fault.kind}): {fault.message}", soft_wrap=True)
    if v.fault_count > len(v.faults):
        out.print(f"  and {v.fault_count - len(v.faults):,} more")


def _progress(quiet: bool) -> Progress:
    """Return a function that prints the progress of a verification every two seconds."""
    printed = time.monotonic()

    def show(sequence: int, end: int) -> None:
        nonlocal printed
        if not quiet and time.monotonic() - printed >= PROGRESS_SECONDS:
            printed = time.monotonic()
            err.print(f"[dim]· {sequence:,} of {end:,} entries[/dim]")

    return show


decisions = command_group("Verify the decision log, and remove old personal parts.", {"verify": verify, "purge": purge})

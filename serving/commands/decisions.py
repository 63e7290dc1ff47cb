"""`chehang decisions`: verify, list, show and export the decision log; purge or rekey personal parts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from features.errors import ConfigError
from features.plurals import count_text
from ml.terminal import AsJson, command_group, err, out, print_json, progress_printer, user
from serving.audit.entry_texts import KINDS, entry_texts, person
from serving.audit.export import ExportedEntry, check_format, export_entries, write_manifest
from serving.audit.logged_entries import LoggedEntry, Selection, entries_of, entry_dict, log_end, logged_entries
from serving.audit.opening import BROKEN, open_log
from serving.audit.periods import TIMEZONE, Period, parse_age, parse_period
from serving.audit.personal import check_reader, record_access, with_personal
from serving.decisions.entries import Head
from serving.decisions.log_keys import VARIABLE, log_keys
from serving.decisions.purge import count_old_parts, purge_personal_parts
from serving.decisions.rekeying import rekey_parts
from serving.decisions.verification import Progress, Verification, verify_log

PROGRESS_SECONDS = 2.0
_HEAD = re.compile(r"([1-9]\d{0,17}):([0-9a-f]{64})")

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Default: configs/serving.yaml.")]
Timezone = Annotated[str, typer.Option(help="IANA time zone of days and of the times that are shown.")]
Who = Annotated[str | None, typer.Option(help="Person who does it; default: CHEHANG_USER or the login name.")]
Why = Annotated[str, typer.Option(help="Reason; recorded in the log.")]
Expect = Annotated[
    str | None, typer.Option(metavar="SEQUENCE:HASH", help="An entry as noted at an earlier verification.")
]
First = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, such as 2026-01-01.")]
Last = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, such as 2026-12-31.")]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", help=f"One of {', '.join(KINDS)}; can be repeated. Default: all.")
]
Stores = Annotated[list[str] | None, typer.Option("--store", help="Store; can be repeated. Default: all.")]
Outcomes = Annotated[
    list[str] | None, typer.Option("--outcome", help="Such as approve, refer or decline; can be repeated.")
]
PersonWho = Annotated[str | None, typer.Option("--who", help="Person who reads personal fields.")]
PersonWhy = Annotated[str | None, typer.Option("--why", help="Why personal fields are read.")]
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


def list_entries(
    first: First = None,
    last: Last = None,
    kind: Kinds = None,
    store: Stores = None,
    outcome: Outcomes = None,
    limit: Annotated[int, typer.Option(help="Most entries.", min=1, max=100_000)] = 20,
    timezone: Timezone = TIMEZONE,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List entries of the log without personal fields, the newest first."""
    selection = _selection(first, last, timezone, kind=kind, store=store, outcome=outcome)
    engine = open_log(config)
    matches = logged_entries(engine, selection, end=log_end(engine).sequence, newest_first=True)
    entries = list(islice(matches, limit))
    if as_json:
        return print_json([entry_dict(logged) for logged in entries])
    table = Table("entry", "when", "kind", "decision", "store", "outcome", "models", "by")
    for logged in entries:
        entry, content = logged.entry, logged.content
        cells = (entry.decision_id, content.get("store_id"), logged.band, ", ".join(logged.models), person(content))
        table.add_row(
            f"{entry.sequence:,}", selection.period.shown(entry.at), entry.kind, *(str(c or "") for c in cells)
        )
    out.print(table)


def show(
    decision: Annotated[str, typer.Argument(metavar="ID", help="Decision id, or the number of an entry.")],
    personal: Annotated[bool, typer.Option("--personal", help="Personal fields too; the log records it.")] = False,
    who: PersonWho = None,
    why: PersonWhy = None,
    timezone: Timezone = TIMEZONE,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show a decision with its overrides and the reads of its personal fields, in Chinese and English."""
    period = parse_period(None, None, timezone)
    reader = check_reader(log_keys(), who, why) if personal else None
    engine = open_log(config)
    entries = entries_of(engine, decision)
    fields: dict[int, Any] = {}
    if reader is not None:
        keys, person_name, reason = reader
        content = {"who": person_name, "why": reason, "channel": "command line", "fields": "all"}
        record_access(engine, entries[0].entry.decision_id, content)
        fields = {logged.entry.sequence: value for logged, value in with_personal(engine, keys, entries)}
        entries = entries_of(engine, decision)
    if as_json:
        return print_json([entry_dict(e) | _personal_dict(e, fields, personal) for e in entries])
    for logged in entries:
        for text in entry_texts(logged, period):
            out.print(f"{text.zh}\n{text.en}", soft_wrap=True)
        if fields.get(logged.entry.sequence) is not None:
            out.print_json(data=fields[logged.entry.sequence], ensure_ascii=False)


def export(
    path: Annotated[Path, typer.Option("--out", "-o", help="File to write: .csv, .xlsx or .jsonl.")],
    first: First = None,
    last: Last = None,
    kind: Kinds = None,
    store: Stores = None,
    outcome: Outcomes = None,
    personal: Annotated[bool, typer.Option("--personal", help="Personal fields too; the log records it.")] = False,
    who: PersonWho = None,
    why: PersonWhy = None,
    timezone: Timezone = TIMEZONE,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write entries to a CSV, Excel or JSON-lines file, and a manifest with its first and last hash beside it."""
    check_format(path)
    selection = _selection(first, last, timezone, kind=kind, store=store, outcome=outcome)
    reader = check_reader(log_keys(), who, why) if personal else None
    engine = open_log(config)
    end = log_end(engine)
    entries = logged_entries(engine, selection, end=end.sequence)
    progress_printer(as_json)(f"reading {end.sequence:,} entries")
    if reader is None:
        items: Iterable[ExportedEntry] = map(ExportedEntry, entries)
    else:
        keys, person_name, reason = reader
        read = {"channel": "command line", "fields": "all", "until": end.sequence, **selection.as_dict()}
        record_access(engine, None, {"who": person_name, "why": reason, **read})
        items = (ExportedEntry(*pair) for pair in with_personal(engine, keys, entries))
    file = export_entries(path, items, selection.period, personal=personal)
    manifest = path.with_name(f"{path.name}.manifest.json")
    content = {
        **{"file": path.name, "rows": file.rows, "bytes": file.size, "sha256": file.sha256},
        **{"first": file.first, "last": file.last, "log_end": end, "selection": selection.as_dict()},
        **{"personal": personal, "written_at": datetime.now(UTC).isoformat(), "written_by": who or user()},
    }
    write_manifest(manifest, content)
    if as_json:
        return print_json({**content, "file": str(path), "manifest": str(manifest)} | _heads(content))
    out.print(f"{count_text(file.rows, 'entry', 'entries')} written to {path}; manifest: {manifest}", soft_wrap=True)
    out.print(f"the log ended with entry {end}", soft_wrap=True)


def _heads(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value._asdict() for name, value in content.items() if isinstance(value, Head)}


def _personal_dict(logged: LoggedEntry, fields: Mapping[int, Any], personal: bool) -> dict[str, Any]:
    return {"personal": fields.get(logged.entry.sequence)} if personal else {}


def _selection(first: str | None, last: str | None, timezone: str, **options: list[str] | None) -> Selection:
    kinds = options["kind"] or ()
    if unknown := set(kinds) - set(KINDS):
        raise ConfigError(f"--kind: must be one of {', '.join(KINDS)}, got '{min(unknown)}'")
    return Selection(parse_period(first, last, timezone), kinds, options["store"] or (), options["outcome"] or ())


def rekey(config: Config = None, as_json: AsJson = False) -> None:
    """Encrypt the personal parts of older keys by the first key of CHEHANG_LOG_KEYS; can be run again after a kill."""
    keys = log_keys()
    if keys is None:
        raise ConfigError(f"{VARIABLE}: is not set; put the new key before the older ones: new:base64,older:base64")
    engine = open_log(config)
    progress = progress_printer(as_json)
    progress(f"encrypting by the key '{keys.names[0]}'; decisions wait while the file is rewritten at the end")
    result = rekey_parts(engine, keys, progress=lambda n: progress(f"{n:,} encrypted"))
    if as_json:
        return print_json({"key": keys.names[0], **result._asdict()})
    out.print(f"{count_text(result.parts, 'personal part')} encrypted by the key '{keys.names[0]}'")
    if result.unreadable:
        out.print(f"{result.unreadable:,} stay as they are: their key is not in {VARIABLE}, or they were altered")
    else:
        out.print(f"no part needs another key: the others can leave {VARIABLE}, except for backups")


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
        out.print(f"personal parts of the key '{name}': {count:,} not checked, add the key to {VARIABLE}")
    if v.is_whole:
        out.print("the log is whole", style="green")
        if v.last is not None:
            out.print(f"note the last entry outside this machine: --expect {v.last}", soft_wrap=True)
        return
    first = v.faults[0]
    out.print(f"the log is broken, first at entry {first.sequence:,} ({first.kind}): {first.message}", style="red")
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
            err.print(f"· {sequence:,} of {end:,} entries", style="dim")

    return show


decisions = command_group(
    "Verify, list, show and export the decision log; purge or rekey personal parts.",
    {"verify": verify, "list": list_entries, "show": show, "export": export, "purge": purge, "rekey": rekey},
)

"""Write entries of the decision log to a CSV, Excel or JSON-lines file, with a manifest that says what it has."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from features.errors import ConfigError
from ml.home import write_atomically
from serving.audit.entry_texts import cause
from serving.audit.logged_entries import LoggedEntry, entry_dict
from serving.audit.periods import Period
from serving.audit.workbook import write_workbook
from serving.decisions.entries import Head

FORMATS = (".csv", ".xlsx", ".jsonl")
COLUMNS = (
    "sequence",
    "at",
    "kind",
    "decision_id",
    "request_id",
    "endpoint",
    "row",
    "key_id",
    "store_id",
    "models",
    "outcome",
    "band",
    "probability_of_default",
    "score",
    "approve_at_most",
    "decline_above",
    "propensity",
    "reasons",
    "offers",
    "who",
    "why",
    "personal_part",
    "personal_digest",
    "previous",
    "hash",
)
PERSONAL = "personal"  # column of the decrypted fields, as JSON
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CHUNK = 1 << 20


class ExportedFile(NamedTuple):
    """A file that was written: its path, number of rows, size in bytes and SHA-256, and first and last entry."""

    path: Path
    rows: int
    size: int
    sha256: str
    first: Head | None
    last: Head | None


class ExportedEntry(NamedTuple):
    """An entry and its personal fields; None if they are not exported or were removed."""

    logged: LoggedEntry
    personal: Mapping[str, Any] | None = None


def check_format(path: Path) -> None:
    """Check that the name of a file ends in .csv, .xlsx or .jsonl.

    Raises
    ------
    ConfigError
        The name has another ending.

    Examples
    --------
    >>> from pathlib import Path
    >>> check_format(Path("decisions.csv"))
    """
    if path.suffix not in FORMATS:
        raise ConfigError(f"--out {path}: must end in .csv, .xlsx or .jsonl, got '{path.suffix}'")


def export_entries(path: Path, entries: Iterable[ExportedEntry], period: Period, *, personal: bool) -> ExportedFile:
    """Write entries to a file, whole or not at all.

    CSV is in UTF-8 with a byte order mark, so that Excel shows Chinese texts. There, a text that begins like a formula
    has an apostrophe before it; Excel files and JSON lines have texts as they are. JSON lines have every column of an
    entry and its whole content.

    Parameters
    ----------
    path : Path
        Ends in .csv, .xlsx or .jsonl; missing folders are created, an existing file is replaced.
    entries : iterable of ExportedEntry
        In the order of the file.
    period : Period
        Its time zone is that of the column `at` in CSV and Excel files.
    personal : bool
        Whether there is a column with the personal fields.

    Returns
    -------
    ExportedFile

    Raises
    ------
    ConfigError
        The file cannot be written. An existing file is unchanged.
    """
    watched = _Watched(entries)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _WRITERS[path.suffix](part, watched, period, personal)
        size, digest = part.stat().st_size, file_digest(part)
        part.replace(path)
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror}; free space there or choose another place") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return ExportedFile(path, watched.count, size, digest, watched.first, watched.last)


def write_manifest(path: Path, content: Mapping[str, Any]) -> None:
    """Write a manifest as JSON; a `Head` in it becomes an object with `sequence` and `hash`.

    Raises
    ------
    ConfigError
        The file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_manifest(Path(folder, "manifest.json"), {"last": Head(3, "ab")})
    ...     json.loads(Path(folder, "manifest.json").read_text())
    {'last': {'sequence': 3, 'hash': 'ab'}}
    """
    plain = {name: value._asdict() if isinstance(value, Head) else value for name, value in content.items()}
    write_atomically(path, json.dumps(plain, ensure_ascii=False, indent=1, default=str).encode() + b"\n")


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, as `sha256sum` prints it."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def guarded(value: Any) -> Any:
    """Return a cell of a CSV file: a text that a spreadsheet would take for a formula gets an apostrophe before it.

    >>> guarded("=1+1"), guarded("fine"), guarded(-1)
    ("'=1+1", 'fine', -1)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class _Watched:
    """Passes entries on, and keeps their number and the first and the last of them."""

    def __init__(self, entries: Iterable[ExportedEntry]) -> None:
        self.entries = entries
        self.count = 0
        self.first: Head | None = None
        self.last: Head | None = None

    def __iter__(self) -> Iterator[ExportedEntry]:
        for item in self.entries:
            self.last = Head(item.logged.entry.sequence, item.logged.entry.hash)
            self.first = self.first or self.last
            self.count += 1
            yield item


def _cells(item: ExportedEntry, period: Period, personal: bool) -> list[Any]:
    entry, content = item.logged.entry, item.logged.content
    reasons = [str(r["code"]) for r in content.get("reasons") or () if isinstance(r, Mapping) and "code" in r]
    offers = [str(o["offer_id"]) for o in content.get("offers") or () if isinstance(o, Mapping) and "offer_id" in o]
    own = {
        **content,
        **entry._asdict(),
        "at": period.shown(entry.at),
        "models": ", ".join(item.logged.models),
        "reasons": ", ".join(reasons),
        "offers": ", ".join(offers),
        "why": cause(content),
        "personal_part": item.logged.personal_state,
    }
    cells = [_scalar(own.get(name)) for name in COLUMNS]
    return [*cells, None if item.personal is None else _json(item.personal)] if personal else cells


def _scalar(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _header(personal: bool) -> Sequence[str]:
    return (*COLUMNS, PERSONAL) if personal else COLUMNS


def _write_csv(path: Path, entries: Iterable[ExportedEntry], period: Period, personal: bool) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_header(personal))
        writer.writerows([guarded(cell) for cell in _cells(item, period, personal)] for item in entries)


def _write_workbook(path: Path, entries: Iterable[ExportedEntry], period: Period, personal: bool) -> None:
    rows = (_cells(item, period, personal) for item in entries)
    write_workbook(path, title="decisions", header=_header(personal), rows=rows)


def _write_lines(path: Path, entries: Iterable[ExportedEntry], period: Period, personal: bool) -> None:
    with path.open("w", encoding="utf-8") as file:
        for item in entries:
            further = {PERSONAL: item.personal} if personal else {}
            file.write(_json(entry_dict(item.logged) | further) + "\n")


_WRITERS: Mapping[str, Callable[[Path, Iterable[ExportedEntry], Period, bool], None]] = {
    ".csv": _write_csv,
    ".xlsx": _write_workbook,
    ".jsonl": _write_lines,
}

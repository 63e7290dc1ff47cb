"""The pack for an auditor: report in both languages, each table as CSV, a manifest with the SHA-256 of every file."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from features.errors import ConfigError
from ml.home import write_atomically
from ml.report.html import html_page
from ml.report.report import Report
from ml.report.sections import Paragraph, Section
from serving.audit.export import file_digest, guarded, write_manifest

MANIFEST = "manifest.json"


def check_pack_path(path: Path) -> None:
    """Check that nothing is in the place of a new pack.

    Raises
    ------
    ConfigError
        The path exists: packs are evidence, and none is overwritten.

    Examples
    --------
    >>> from pathlib import Path
    >>> check_pack_path(Path("no such folder/audit.zip"))
    """
    if path.exists():
        raise ConfigError(f"--out {path}: exists; a pack is never overwritten, choose another name")


def write_pack(path: Path, report: Report, content: Mapping[str, Any]) -> list[str]:
    """Write a pack, whole or not at all, and return the names of its files.

    Parameters
    ----------
    path : Path
        A new folder, or a zip file if the name ends in .zip.
    report : Report
        Becomes `report.en.html`, `report.zh.html`, `report.json`, and `tables/<section>.csv` for each table.
    content : mapping
        Further content of `manifest.json`, such as the period and the last entry of the log.

    Raises
    ------
    ConfigError
        The path exists, or cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     report = Report(task="decision_audit", protocol="2026", sections=())
    ...     write_pack(Path(folder, "audit"), report, {"period": "2026"})
    ['manifest.json', 'report.en.html', 'report.json', 'report.zh.html']
    """
    check_pack_path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    packed = part.with_name(f"{part.name}.zip")
    try:
        _write_files(part, report, content)
        names = sorted(file.relative_to(part).as_posix() for file in part.rglob("*") if file.is_file())
        if path.suffix == ".zip":
            with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
                for name in names:
                    archive.write(part / name, f"{path.stem}/{name}")
            packed.replace(path)
        else:
            part.replace(path)
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror}; free space there or choose another place") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
        with suppress(OSError):
            packed.unlink(missing_ok=True)
    return names


def _write_files(folder: Path, report: Report, content: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True)
    write_atomically(folder / "report.en.html", html_page(report, "en").encode())
    write_atomically(folder / "report.zh.html", html_page(report, "zh").encode())
    write_atomically(folder / "report.json", json.dumps(report.as_dict(), ensure_ascii=False, indent=1).encode())
    for section in report.sections:
        if not isinstance(section, Paragraph):
            _write_table(folder / "tables" / f"{section.name}.csv", section)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    entries = [
        {"name": f.relative_to(folder).as_posix(), "bytes": f.stat().st_size, "sha256": file_digest(f)} for f in files
    ]
    write_manifest(folder / MANIFEST, {**content, "files": entries})


def _write_table(path: Path, section: Section) -> None:
    """Write the figures of a section with full precision; columns have the names that they have in `report.json`."""
    table = section.table()
    names = [name for c in table.columns for name in (c.name, *(end for i in c.intervals for end in (i.low, i.high)))]
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([guarded(row[name]) for name in names] for row in table.rows)

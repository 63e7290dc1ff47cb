"""Every example of the guide to sources runs and prints what the page shows, and the page names every key."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from pydantic import BaseModel

from features.errors import ChehangError
from features.sources import SourcesConfig, TableSource, load_sources, read_tables
from features.sources.column_source import ColumnSource
from features.sources.table_source import JoinedFile, Sample, Unpivot
from features.tables import TABLES
from tests.conftest import ROOT
from tests.features.sources.workbooks import write_workbook

GUIDE = ROOT / "docs" / "sources.md"
FENCE = re.compile(r"^```(\w+)(?: (\S+))?(?: encoding=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Example:
    """Files of one example, by name, and the text that reading its tables prints."""

    title: str
    files: dict[str, bytes] = field(default_factory=dict)
    output: str = ""


def _examples() -> Iterator[Example]:
    """Yield the examples: files in fenced blocks with a name, closed by a block `text`."""
    for section in re.split(r"^#{2,3} ", GUIDE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title = section.splitlines()[0]
        example = Example(title)
        for kind, name, encoding, content in FENCE.findall(section):
            if kind == "text":
                example.output = content
                yield example
                example = Example(title)
            elif name:
                example.files[name] = content.encode(encoding or "utf-8")


def _write(example: Example, folder: Path) -> None:
    for name, content in example.files.items():
        path = folder / name
        if name.endswith(".xlsx"):
            lines = [line.split(",") for line in content.decode().splitlines()]
            write_workbook(path, {"Sheet1": [[_cell(text) for text in line] for line in lines]})
        elif name.endswith(".parquet"):
            pl.read_csv(content).write_parquet(path)
        else:
            path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


def _cell(text: str) -> str | float | date:
    """Return the value of a workbook's cell: a number, a date or a text."""
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text


def _printed(folder: Path) -> str:
    """Return the valid rows of every table, its broken rules and its notes, as the guide shows them."""
    config = load_sources(folder / "sources.yaml")
    try:
        tables = read_tables(config, list(config.tables), quarantine_folder=folder / "quarantine")
    except ChehangError as error:
        return f"error: {error}\n".replace(f"{folder}/", "")
    lines = []
    for name, frame in tables.frames.items():
        zone = ZoneInfo(config.timezone_of(name))
        rows = frame.collect()
        lines.append(f"{name}: {', '.join(rows.columns)}")
        lines += [
            "  " + ", ".join(_shown(name, column, value, zone) for column, value in row.items())
            for row in rows.iter_rows(named=True)
        ]
        report = tables.reports[name]
        lines += [f"{rule}: {count} rows" for rule, count in report.rules.items()]
        lines += [f"note: {note}" for note in report.notes]
    return "\n".join(lines).replace(f"{folder}/", "") + "\n"


def _shown(table: str, column: str, value: object, zone: ZoneInfo) -> str:
    if value is None:
        return "null"
    contract = TABLES[table].columns.get(column)
    if contract is not None and contract.unit == "us" and isinstance(value, int):
        return f"{(EPOCH + timedelta(microseconds=value)).astimezone(zone):%Y-%m-%d %H:%M}"
    return str(value)


EXAMPLES = list(_examples())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.title)
def test_every_example_prints_what_the_guide_shows(example: Example, tmp_path: Path) -> None:
    _write(example, tmp_path)
    assert _printed(tmp_path) == example.output


@pytest.mark.parametrize("model", [SourcesConfig, TableSource, ColumnSource, JoinedFile, Unpivot, Sample])
def test_the_guide_names_every_key(model: type[BaseModel]) -> None:
    page = GUIDE.read_text(encoding="utf-8")
    keys = [info.alias or name for name, info in model.model_fields.items()]
    assert [key for key in keys if f"| `{key}`" not in page] == []

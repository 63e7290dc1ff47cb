"""Lines of reports, runs and answers, from the golden files."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml.report.cells import text_table
from ml.report.report import Report
from ml.report.sections import Paragraph

EXPECTED = Path(__file__).parents[1] / "golden" / "expected"
SIZE = 30
FIELDS = set(Report.model_fields)


def draw(rng: random.Random) -> list[str]:
    """Return thirty lines, each with the command or route that prints it; of equal lines, one."""
    return rng.sample(sorted(set(_lines(rng))), SIZE)


def _lines(rng: random.Random) -> Iterator[str]:
    for path in sorted(EXPECTED.rglob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        source = content.get("command") or content.get("path")
        if source and path.name != "openapi.json":
            texts = _texts(content.get("answer", content.get("output")), rng)
            yield from (f"{source.split(' --with ')[0]}\n{text}" for text in texts)


def _texts(content: Any, rng: random.Random) -> Iterator[str]:
    """Yield the lines of a report, and elsewhere the English texts: strings of several words."""
    if isinstance(content, dict) and {"protocol", "sections"} <= set(content):
        yield from _of_report(Report.model_validate({k: content[k] for k in FIELDS & set(content)}), rng)
    elif isinstance(content, dict) and {"name", "detail"} <= set(content):
        yield f"{content['name']}: {content['detail']}"
    elif isinstance(content, dict) and "same_as_train" not in content:
        for key, value in content.items():
            if key not in ("zh", "type", "command"):
                yield from _texts(value, rng)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value, rng)
    elif isinstance(content, str) and content.count(" ") > 2:
        yield content


def _of_report(report: Report, rng: random.Random) -> Iterator[str]:
    """Yield the protocol, each note, and each section's title with its text, or with its heading and a row."""
    yield report.protocol
    yield from report.notes
    for section in report.sections:
        text = section.shown() if isinstance(section, Paragraph) else section.summary and section.summary.en
        table = None if text else text_table(section, "en")
        if table and table.rows:
            text = f"\n  {' | '.join(table.header)}\n  {' | '.join(rng.choice(table.rows))}"
        if text:
            yield f"{section.title.en}:{text}" if table else f"{section.title.en}: {text}"

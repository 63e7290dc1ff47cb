"""Access to single figures of a report, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.report.report import Report


def keyed(report: Report, section: str) -> dict[Any, Mapping[str, Any]]:
    """Return the rows of a section by the value of its first column, without that column."""
    table = report[section].table()
    key = table.columns[0].name
    return {row[key]: {k: v for k, v in row.items() if k != key} for row in table.rows}


def trained_report(content: dict[str, Any]) -> Report:
    """Return the report in the output of `chehang train --json`."""
    return Report.model_validate({k: v for k, v in content.items() if k not in ("version", "report_folder")})

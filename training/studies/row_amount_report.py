"""The report of an amount of money: errors, calibration, and what was observed by segment and month."""

from __future__ import annotations

from ml.bilingual import Text
from ml.problem import RowEstimator
from ml.report.columns import Axis
from ml.report.report import Report
from training.studies.report_sections import importance_section, parts_section
from training.studies.row_sections import (
    HoldoutAnswers,
    calibration_section,
    month_sections,
    protocol,
    segment_sections,
)

AMOUNT = Axis(title=Text(zh="均值", en="mean"), unit=Text(zh="元", en="yuan"), format="amount")


def amount_report(test: HoldoutAnswers, estimator: RowEstimator) -> Report:
    """Return the report of a task whose label is an amount in yuan."""
    examples = test.examples
    parts = {name: {"rows": len(rows)} for name, rows in (*examples.parts.items(), ("test", test.positions))}
    return Report(
        task=examples.config.task,
        protocol=protocol(examples),
        sections=(
            test.metrics(),
            parts_section(parts),
            calibration_section(test, AMOUNT),
            *month_sections(test, AMOUNT),
            *segment_sections(test, AMOUNT),
            importance_section(estimator.importance(test.X[:5_000])),
        ),
        notes=(*examples.notes, *estimator.notes),
    )

"""The file monitor.yaml: defaults, values for one task, errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from training.monitoring.rules import MonitorRules


def load(folder: Path, text: str, task: str = "credit_risk") -> MonitorRules:
    (folder / "monitor.yaml").write_text(text)
    return MonitorRules.load(task, beside=folder / "credit_risk.yaml")


def test_values_for_one_task_override_the_others(tmp_path: Path) -> None:
    text = "minimum_rows: 80\ntasks: {credit_risk: {outcome_months: 12}}\n"
    rules = load(tmp_path, text)
    assert (rules.minimum_rows, rules.outcome_months) == (80, 12)
    assert load(tmp_path, text, "lead_scoring").outcome_months == 6


def test_the_file_of_a_data_set_comes_first(tmp_path: Path) -> None:
    (tmp_path / "monitor.north.yaml").write_text("months: 3\n")
    assert load(tmp_path, "months: 2\n", "credit_risk.north").months == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("month: 2", "month"),
        ("months: 0", "greater than or equal to 1"),
        ("false_alarms_a_month: 0", "greater than 0"),
        ("false_alarms_a_month: 2", "less than or equal to 1"),
        ("tasks: {credit: {months: 2}}", "'credit' is no task; the tasks are recommendation"),
        ("tasks: [credit_risk]", "must map tasks to their rules"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text)

"""`chehang tasks`, `chehang check` and `chehang sample-data`: output and errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.errors import ConfigError
from features.tables import TABLES
from ml.registry import ENTRIES, TASKS
from tests.commands import chehang
from tests.conftest import Trained
from tests.small.credit_risk import write_eight_applications
from training.commands.check import check
from training.commands.sample_data import sample_data
from training.commands.tasks import tasks


def test_tasks_are_listed_with_the_tables_they_read(capsys: pytest.CaptureFixture[str]) -> None:
    tasks(as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert [row["task"] for row in rows] == list(TASKS)
    assert [set(row) for row in rows] == [{"task", "zh", "en", "tables", "optional_tables"}] * len(ENTRIES)
    tables = {row["task"]: (row["tables"], row["optional_tables"]) for row in rows}
    assert tables["credit_risk"] == (["applications", "loan_outcomes"], [])
    assert tables["demand_forecast"] == (["sales"], ["stock", "vehicles"])


def test_tasks_are_printed_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    tasks()
    shown = capsys.readouterr().out
    assert all(name in shown for name in TASKS) and "champion" not in shown


def test_the_option_champions_shows_them(credit_risk: Trained) -> None:
    done = chehang("tasks", "--champions", "--json", home=credit_risk.home)
    champions = {row["task"]: row["champion"] for row in json.loads(done.stdout)}
    assert champions == dict.fromkeys(TASKS) | {"credit_risk": 1}
    assert done.stderr == ""


def test_a_check_counts_rows_read_kept_and_quarantined(tmp_path: Path) -> None:
    config = write_eight_applications(tmp_path)
    done = chehang("check", "credit_risk", "-c", str(config), "--json", home=tmp_path / "home")
    content = json.loads(done.stdout)
    assert content["task"] == "credit_risk"
    applications = content["tables"]["applications"]
    assert (applications["read"], applications["valid"], applications["quarantined"]) == (8, 8, 0)
    assert "loan_amount" in content["numeric"]
    assert sum(part["rows"] for part in content["examples"].values()) <= 8
    assert done.stderr == ""


def test_a_check_prints_progress_and_tables(tmp_path: Path) -> None:
    config = write_eight_applications(tmp_path)
    done = chehang("check", "credit_risk", "-c", str(config), home=tmp_path / "home")
    assert done.stderr.startswith("· reading ")
    assert "applications" in done.stdout and "numeric features: " in done.stdout


def test_a_check_of_no_task_and_of_no_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="task 'loans' is unknown; the tasks are: recommendation, "):
        check("loans")
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        check("credit_risk", config=tmp_path / "none.yaml")


def test_sample_data_lie_in_the_home_if_no_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    sample_data(stores=1, customers=100, months=3, as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert content["folder"] == str(tmp_path / "sample")
    # The fleet of the sample is complete: it needs no denominators.
    assert content["rows"].keys() == TABLES.keys() - {"denominators"} and content["rows"]["customers"] == 100
    assert (tmp_path / "sample" / "tables" / "leads.parquet").exists()


def test_sample_data_of_a_bad_size_are_one_line_and_write_nothing(tmp_path: Path) -> None:
    done = chehang("sample-data", "--out", str(tmp_path / "out"), "--months", "2", home=tmp_path, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: months: must be a whole number from 3 to 120, got 2; give another size"
    )
    assert not (tmp_path / "out").exists()
    worded = chehang("sample-data", "--months", "two", home=tmp_path, check=False)
    assert worded.returncode == 2 and "'--months'" in worded.stderr

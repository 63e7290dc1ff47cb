"""`chehang alarms` shows dangerous reports first, also where the surveillance fails; `chehang safety` moves them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError, DataError
from ml.fault_rate.safety_reports import REPORT
from ml.fault_rate.safety_store import SafetyStore
from tests.commands import chehang
from tests.small.fault_rate import DAY, START, fleet_and_records, write_fault_rate
from training.commands.safety import safety


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Three weeks of records with one dangerous report."""
    fleet, _ = fleet_and_records(cars=10)
    fleet = fleet.with_columns(
        entered_service_at=pl.lit(START - 100 * DAY), left_service_at=pl.lit(None, dtype=pl.Int64)
    )
    times = [START, START + 20 * DAY]
    lines = {"vehicle_id": ["V0", "V1"], "component": "brakes", "fault": True, "line_text": ["制动失灵", "制动异响"],
             "serviced_at": times, "reported_at": times}  # fmt: skip
    return write_fault_rate(tmp_path / "data", fleet, pl.DataFrame(lines))


def test_a_dangerous_report_is_listed_where_the_surveillance_has_too_few_weeks(config: Path, tmp_path: Path) -> None:
    out, rules = tmp_path / "alarms.csv", ("--rules", str(config.with_name("fault_alarms.yaml")))
    done = chehang("alarms", "--config", str(config), *rules, "--out", str(out), home=tmp_path / "home", check=False)
    assert done.returncode == 1 and "error: " in done.stderr.splitlines()[-1] and "weeks" in done.stderr
    assert (
        "loss of braking" in done.stdout and "制动失灵" in done.stdout and "1 report of dangerous faults" in done.stdout
    )
    assert pl.read_csv(tmp_path / "alarms.safety.csv")["vehicle_id"].to_list() == ["V0"] and not out.exists()
    again = chehang(
        "alarms", "--config", str(config), *rules, "--out", str(out), "--json", home=tmp_path / "home", check=False
    )
    (row,) = json.loads(again.stdout)["safety"]
    assert again.returncode == 1 and (row["kind"], row["state"], row["words"]) == ("loss_of_braking", "new", "制动失灵")


def test_the_answer_with_alarms_has_the_reports_too(tmp_path: Path) -> None:
    fleet, records = fleet_and_records(ratio=3.0)
    records = records.with_columns(line_text=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("起火")))
    config = write_fault_rate(tmp_path / "data", fleet, records)
    out, rules = tmp_path / "alarms.csv", ("--rules", str(config.with_name("fault_alarms.yaml")))
    done = chehang("alarms", "--config", str(config), *rules, "--out", str(out), "--json", home=tmp_path / "home")
    answer = json.loads(done.stdout)
    assert [row["kind"] for row in answer["safety"]] == ["fire"] and len(answer["alarms"]) == 1
    assert answer["files"][0] == str(tmp_path / "alarms.safety.csv")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Rules whose store has two new reports."""
    path = tmp_path / "fault_alarms.yaml"
    path.write_text("store: alarms.db\n")
    rows = [{"record_id": name, "kind": "fire", "words": "smoke"} for name in ("R2", "R1")]
    SafetyStore(tmp_path / "alarms.db").record(pl.DataFrame(rows, schema=REPORT), as_of=10**15)
    return path


def test_reports_are_listed(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    safety(rules=rules, as_json=True)
    assert [row["record_id"] for row in json.loads(capsys.readouterr().out)] == ["R2", "R1"]
    safety(rules=rules)
    shown = capsys.readouterr().out
    assert "fire or smoke" in shown and f"2 in {rules.with_name('alarms.db')}" in shown


def test_reports_are_moved_together_and_their_histories_shown(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    safety(["1", "2", "reported"], by="Li", note="sent to the maker", rules=rules, as_json=True)
    histories = json.loads(capsys.readouterr().out)
    assert [history[-1]["to_state"] for history in histories.values()] == ["reported", "reported"]
    safety(["2"], rules=rules)
    shown = capsys.readouterr().out
    assert "report 2" in shown and "sent to the maker" in shown


@pytest.mark.parametrize(
    ("numbers", "by", "match"),
    [
        (["1", "reported"], None, "--by: is needed to move a report; give the name of the person who moves it"),
        (["one", "reported"], "Li", "'one' is not the number of a report; give numbers, then one state"),
        (["reported"], "Li", "'reported' is given without a report"),
        (["3", "reported"], "Li", "the store has no safety report 3"),
        (["1", "closed"], "Li", "to close it, say why in the note"),
    ],
)
def test_a_refused_move_is_one_clear_error(rules: Path, numbers: list[str], by: str | None, match: str) -> None:
    with pytest.raises((ConfigError, DataError), match=match):
        safety(numbers, by=by, rules=rules)
    assert SafetyStore(rules.with_name("alarms.db")).reports()["state"].to_list() == ["new", "new"]

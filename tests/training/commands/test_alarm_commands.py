"""`chehang alarms` raises alarms, `chehang alarm` lists them and moves them on."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from features.errors import ConfigError, DataError
from ml.fault_rate.alarm_store import AlarmStore
from ml.fault_rate.surveillance import ALARM
from tests.commands import chehang
from tests.small.fault_rate import fleet_and_records, write_fault_rate
from training.commands.alarm import alarm
from training.commands.alarms import alarms


def test_the_command_detects_the_fault_and_draws_the_evidence(tmp_path: Path) -> None:
    path = write_fault_rate(tmp_path / "data", *fleet_and_records(ratio=3.0))
    out = tmp_path / "alarms.parquet"
    rules = ("--rules", str(path.with_name("fault_alarms.yaml")))
    done = chehang("alarms", "--config", str(path), *rules, "--out", str(out), "--json", home=tmp_path / "home")
    rows = json.loads(done.stdout)["alarms"]
    assert [(a["model"], a["component"]) for a in rows] == [("D", "brakes")]
    assert pl.read_parquet(out).height == 1 and (tmp_path / "alarms.png").stat().st_size > 10_000
    shown = chehang(
        "alarms", "--config", str(path), *rules, "--out", str(tmp_path / "alarms.csv"), home=tmp_path / "home"
    )
    assert "brakes" in shown.stdout and "1 alarm in 18 cells" in shown.stdout


def test_bad_arguments_are_refused_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))
    config, out = write_fault_rate(tmp_path / "data", *fleet_and_records(cars=10)), tmp_path / "alarms.csv"
    rules = config.with_name("fault_alarms.yaml")
    with pytest.raises(ConfigError, match="--as-of: must be a date and time with a UTC offset"):
        alarms(out, config=config, rules=rules, as_of="2026-01-31")
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        alarms(out, config=config, rules=tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"\.parquet"):
        alarms(tmp_path / "alarms.xlsx", config=config, rules=rules)
    assert not out.exists()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Rules whose store has one open alarm."""
    path = tmp_path / "fault_alarms.yaml"
    path.write_text("store: alarms.db\n")
    row = {"model": "A", "component": "brakes", "detected_on": date(2024, 1, 1), "rate_ratio": 2.0}
    AlarmStore(tmp_path / "alarms.db").record(pl.DataFrame([row], schema=ALARM), as_of=10**15)
    return path


def test_alarms_are_listed(rules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alarm(rules=rules, as_json=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["id"], row["model"], row["component"], row["state"]) == (1, "A", "brakes", "open")
    alarm(rules=rules)
    assert "brakes" in capsys.readouterr().out


def test_an_alarm_is_moved_by_a_named_person_and_its_history_shown(
    rules: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alarm(1, "acknowledged", by="Li", note="pads of one maker", rules=rules, as_json=True)
    moves = json.loads(capsys.readouterr().out)
    assert [(m["from_state"], m["to_state"], m["by"], m["note"]) for m in moves] == [
        (None, "open", None, None),
        ("open", "acknowledged", "Li", "pads of one maker"),
    ]
    alarm(1, rules=rules)
    assert "pads of one maker" in capsys.readouterr().out


def test_a_move_needs_a_name_an_allowed_state_and_an_alarm(rules: Path) -> None:
    with pytest.raises(ConfigError, match="--by: is needed to move an alarm"):
        alarm(1, "acknowledged", rules=rules)
    with pytest.raises(DataError, match="state: 'solved' is unknown"):
        alarm(1, "solved", by="Li", rules=rules)
    with pytest.raises(DataError, match="campaign"):
        alarm(1, "campaign", by="Li", rules=rules)
    with pytest.raises(DataError, match="2"):
        alarm(2, rules=rules)


def test_a_refusal_is_one_line(rules: Path, tmp_path: Path) -> None:
    done = chehang("alarm", "1", "closed", "--rules", str(rules), home=tmp_path / "home", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr.splitlines()[-1]
        == "error: --by: is needed to move an alarm; give the name of the person who moves it"
    )
    not_an_id = chehang("alarm", "first", "--rules", str(rules), home=tmp_path / "home", check=False)
    assert not_an_id.returncode == 2 and "'[ALARM]': Input should be a valid integer" in not_an_id.stderr

"""A home with champions of two data sets: every command takes the name of the model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from ml.registry import TASKS
from tests.commands import chehang
from tests.conftest import Trained

NORTH = "credit_risk.north"


def test_a_named_model_has_versions_files_and_champion_of_its_own(
    credit_risk_north: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, config = credit_risk_north.home, str(credit_risk_north.config)
    shown = {
        command: json.loads(chehang(command, NORTH, "--json", home=home).stdout) for command in ("compare", "history")
    }
    assert [(row["version"], row["champion"]) for row in shown["compare"]] == [(1, True)]
    assert [(move["version"], move["action"]) for move in shown["history"]] == [(1, "promote")]
    assert shown["history"] == json.loads(chehang("history", "-c", config, "--json", home=home).stdout)
    unnamed = json.loads(chehang("compare", "credit_risk", "--json", home=home).stdout)
    assert [row["created"] for row in unnamed] != [row["created"] for row in shown["compare"]]
    assert unnamed[0]["data_fingerprint"] != shown["compare"][0]["data_fingerprint"]
    assert (home / "artifacts" / NORTH).is_dir() and (home / "quarantine" / NORTH).is_dir()
    assert (home / "locks" / f"champion-{NORTH}.lock").exists()

    monkeypatch.setenv("CHEHANG_HOME", str(home))
    from ml import champions

    assert champions.named_models() == [NORTH]
    model = champions.load(champions.version_or_champion(NORTH))
    assert (model.task.name, model.card["task"], model.card["config"]["name"]) == (NORTH, NORTH, "north")
    request = model.request().model_validate_json(json.dumps(model.card["example"]))
    assert 0 < model.answers([request], explain=True)[0].probability_of_default < 1


@pytest.mark.parametrize("by", ["name", "config"])
def test_each_model_scores_with_its_own_champion(credit_risk_north: Trained, tmp_path: Path, by: str) -> None:
    home, config = credit_risk_north.home, str(credit_risk_north.config)
    some = tmp_path / "some.parquet"
    pl.read_parquet(credit_risk_north.config.parent / "applications.parquet").tail(5).write_parquet(some)
    options = ["--data", str(some), "-c", config]
    out = tmp_path / "north.parquet"
    chehang("score", *([NORTH] if by == "name" else []), "--out", str(out), *options, home=home)
    answers = {NORTH: pl.read_parquet(out)["probability_of_default"].to_list()}
    chehang("score", "--out", str(out), *options, "--set", "name=null", home=home)
    answers["credit_risk"] = pl.read_parquet(out)["probability_of_default"].to_list()
    assert answers[NORTH] != answers["credit_risk"]


def test_a_name_without_a_model_says_how_to_make_it_and_which_names_exist(credit_risk_north: Trained) -> None:
    done = chehang("promote", "credit_risk.nort", home=credit_risk_north.home, check=False)
    assert done.stderr.splitlines()[-1] == (
        "error: credit_risk.nort has no model version yet; make one with: chehang train credit_risk.nort -c FILE, "
        "where FILE has `name: nort` (default: configs/credit_risk.nort.yaml); models of credit_risk: credit_risk, "
        "credit_risk.north"
    )
    first = chehang("rollback", NORTH, home=credit_risk_north.home, check=False)
    assert "credit_risk.north has no earlier champion to go back to; see: chehang history credit_risk.north" in (
        first.stderr
    )
    again = chehang("promote", "-c", str(credit_risk_north.config), home=credit_risk_north.home, check=False)
    assert "credit_risk.north version 1 is the champion already; train another" in again.stderr


def test_the_list_of_tasks_has_the_named_models_with_their_versions(credit_risk_north: Trained) -> None:
    rows = json.loads(chehang("tasks", "--json", home=credit_risk_north.home).stdout)
    assert [row["task"] for row in rows] == [*TASKS, NORTH]
    assert rows[-1]["versions"] == [1] and rows[-1]["tables"] == ["applications", "loan_outcomes"]
    rows = json.loads(chehang("tasks", "--champions", "--json", home=credit_risk_north.home).stdout)
    assert {row["task"]: row["champion"] for row in rows if row["champion"]} == {"credit_risk": 1, NORTH: 1}
    shown = chehang("tasks", home=credit_risk_north.home).stdout
    assert "credit_risk.no" in shown and "versions" in shown


def test_the_other_commands_take_the_name(credit_risk_north: Trained, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(credit_risk_north.home, home)
    options = [NORTH, "-c", str(credit_risk_north.config)]
    assert json.loads(chehang("check", *options, "--json", home=home).stdout)["task"] == NORTH
    assert json.loads(chehang("evaluate", *options, "--json", home=home).stdout)["task"] == NORTH
    shown = chehang("tune", *options, "--trials", "1", home=home).stdout
    overlay = home / "tuned" / f"{NORTH}.yaml"
    assert overlay.exists() and [path.name[:18] for path in (home / "tuning").glob("*.journal")] == [f"{NORTH}-"]
    command = f"chehang train {NORTH} -c {credit_risk_north.config} --with {overlay}"
    assert shown.splitlines()[-1].endswith(f"use it with: {command}")

    chehang("train", *options, "--with", str(overlay), home=home)
    chehang("promote", NORTH, "--force", "--reason", "a test", home=home)
    moves = json.loads(chehang("history", NORTH, "--json", home=home).stdout)
    assert [move["version"] for move in moves] == [1, 2]
    chehang("rollback", "-c", str(credit_risk_north.config), home=home)
    rows = json.loads(chehang("tasks", "--champions", "--json", home=home).stdout)
    assert {row["task"]: row["champion"] for row in rows if row["champion"]} == {"credit_risk": 1, NORTH: 1}
    assert rows[-1]["versions"] == [1, 2]

"""A kind of study that no product module imports runs through every command of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from ml.registry import ENTRIES
from tests.commands import chehang
from tests.contract.toy import ENTRY, STUDY, ToyProblem
from training.study import STUDIES

NUMBERS = [4.0, 6.0, 5.0, 5.0, 4.0, 6.0, 8.0, 8.0]  # mean of the first six is 5, the last two are 8


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the configuration of the toy task, which is registered during the test."""
    monkeypatch.setitem(ENTRIES, "toy", ENTRY)  # type: ignore[arg-type]
    monkeypatch.setitem(STUDIES, ToyProblem, STUDY)  # type: ignore[arg-type]
    (tmp_path / "numbers.json").write_text(json.dumps(NUMBERS))
    space = {"params.shift": {"low": -2.0, "high": 2.0}}
    content = {"task": "toy", "time": "none", "tune": {"space": space, "trials": 3}}
    (tmp_path / "sources.yaml").write_text("tables: {}")
    (tmp_path / "toy.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "toy.yaml"


def run(config: Path, command: str, *options: str, check: bool = True) -> Any:
    process = chehang(command, "toy", *options, "--json", home=config.parent / "home", check=check)
    return json.loads(process.stdout) if process.returncode == 0 else process.stderr


def test_every_command_of_training_takes_a_fifth_kind_of_study(config: Path) -> None:
    options = ("--config", str(config))
    assert run(config, "check", *options)["examples"] == {"train": {"rows": 6}}
    assert run(config, "train", *options)["version"] == 1
    assert "error" in run(config, "compare")[0]["metrics"]
    promotion = run(config, "promote")
    assert promotion["checks"] == [{"name": "error is lower", "passed": True, "detail": "3.00 against 8.00"}]

    better = run(config, "train", *options, "--set", "params.shift=1.0")
    assert better["version"] == 2
    assert run(config, "promote")["checks"][0]["detail"] == "2.00 against 3.00"
    assert [row["champion"] for row in run(config, "compare")].count(True) == 1

    report = run(config, "evaluate", *options)
    assert report["sections"][0]["rows"][0]["value"] == 2.0
    (config.parent / "logged.json").write_text(json.dumps([6.0] * 8))
    logged = run(config, "evaluate", *options, "--logged", "--exposures", str(config.parent / "logged.json"))
    assert logged["sections"][0]["rows"][0]["value"] == 0.0

    out = config.parent / "answers.csv"
    assert run(config, "score", *options, "--out", str(out))["version"] == 2
    answers = pl.read_csv(out)
    assert answers["number"].to_list() == NUMBERS and answers["mean"].unique().to_list() == [6.0]

    search = run(config, "tune", *options)
    assert search["trials"] == 3 and -2 <= search["params"]["params.shift"] <= 2


def test_an_option_that_the_study_lacks_is_one_error(config: Path) -> None:
    message = run(config, "evaluate", "--config", str(config), "--folds", "3", check=False)
    assert "--folds: not available for toy, which has holdout, logged; omit --folds" in message
    message = run(config, "train", "--config", str(config), "--set", "time=created_at", check=False)
    assert "time: numbers have none; set time: none" in message

"""The command line end to end, and its error messages."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from ml.report.report import Report
from tests.commands import chehang, chehang_apart
from tests.conftest import Trained
from tests.reports import keyed, trained_report
from tests.small.credit_risk import credit_risk_tables, write_credit_risk


def _json(*arguments: str, home: Path) -> Any:
    return json.loads(chehang(*arguments, "--json", home=home).stdout)


def test_training_ranks_the_true_causes_of_default_first(credit_risk: Trained) -> None:
    content = _json("evaluate", "credit_risk", "-c", str(credit_risk.config), home=credit_risk.home)
    report = Report.model_validate(content)
    auc = report.metrics["roc_auc"]
    assert auc.low is not None and auc.baseline is not None and auc.low > 0.65 > auc.baseline
    assert "in time order" in report.protocol
    assert set(keyed(report, "by_housing")) == {"own", "rent", "family"}
    assert set(keyed(report, "fairness")) == {"gender"}
    assert report.rows("by_month")
    true_causes = (
        "loan_to_value",
        "bureau_delinquencies_24m",
        "monthly_income",
        "payment_to_income",
        "loan_to_monthly_income",
    )
    assert report.rows("importance")[0]["name"] in true_causes


def test_promote_gate_rollback_history(tmp_path: Path) -> None:
    home, config = tmp_path / "home", write_credit_risk(tmp_path / "data", credit_risk_tables())
    train = ("train", "credit_risk", "-c", str(config))
    weak = ("--set", "exclude_features=[bureau_delinquencies_24m, monthly_income, housing]")
    chehang(*train, *weak, home=home)
    assert _json("promote", "credit_risk", home=home)["promotion"]["version"] == 1
    chehang(*train, home=home)
    second = _json("promote", "credit_risk", home=home)["promotion"]
    assert (second["previous"], second["version"], second["forced"]) == (1, 2, False)
    chehang(*train, *weak, home=home)
    refused = chehang("promote", "credit_risk", home=home, check=False)
    assert refused.returncode == 1 and "was not promoted" in refused.stderr and "version 2" in refused.stderr
    assert "--reason" in chehang("promote", "credit_risk", "--force", home=home, check=False).stderr
    forced = _json("promote", "credit_risk", "--force", "--reason", "trial", home=home)["promotion"]
    assert forced["forced"] and forced["why"] == "trial"
    assert _json("rollback", "credit_risk", home=home)["version"] == 2
    assert _json("rollback", "credit_risk", home=home)["version"] == 1
    assert "no earlier champion" in chehang("rollback", "credit_risk", home=home, check=False).stderr
    moves = [(m["action"], m["version"]) for m in _json("history", "credit_risk", home=home)]
    assert moves == [("promote", 1), ("promote", 2), ("promote", 3), ("rollback", 2), ("rollback", 1)]
    assert [v["champion"] for v in _json("compare", "credit_risk", home=home)] == [True, False, False]


def test_scorecard_is_the_same_task(tmp_path: Path, credit_risk: Trained) -> None:
    done = _json(
        "train", "credit_risk", "-c", str(credit_risk.config), "--set", "params.estimator=woe_scorecard", home=tmp_path
    )
    auc = trained_report(done).metrics["roc_auc"]
    assert auc.low is not None and auc.baseline is not None and auc.low > auc.baseline + 0.1


def test_score_a_file(tmp_path: Path, credit_risk: Trained) -> None:
    out = tmp_path / "answers.csv"
    chehang("score", "credit_risk", "-c", str(credit_risk.config), "--out", str(out), home=credit_risk.home)
    answers = pl.read_csv(out)
    assert answers.columns == ["application_id", "probability_of_default", "score", "band"]
    assert answers.height == 4_000 and answers["probability_of_default"].is_between(0, 1).all()
    bad = chehang(
        "score", "credit_risk", "-c", str(credit_risk.config), "--out", "x.txt", home=credit_risk.home, check=False
    )
    assert ".parquet or .csv" in bad.stderr and "Traceback" not in bad.stderr


def test_tune_writes_an_overlay_and_resumes(tmp_path: Path, credit_risk: Trained) -> None:
    out = tmp_path / "tuned.yaml"
    tune = ("tune", "credit_risk", "-c", str(credit_risk.config), "--out", str(out), "--trials")
    assert _json(*tune, "2", home=tmp_path)["trials"] == 2
    assert _json(*tune, "3", home=tmp_path)["trials"] == 3
    assert 3 <= yaml.safe_load(out.read_text())["params"]["boosted_trees"]["num_leaves"] <= 9
    chehang("train", "credit_risk", "-c", str(credit_risk.config), "--with", str(out), home=tmp_path)


def test_cross_validation_needs_no_time(tmp_path: Path) -> None:
    tables = credit_risk_tables(rows=1_500)
    tables["applications"] = tables["applications"].drop("submitted_at")
    config = write_credit_risk(tmp_path / "data", tables, time="none")
    sources = yaml.safe_load((tmp_path / "data" / "sources.yaml").read_text())
    del sources["tables"]["applications"]["columns"]
    (tmp_path / "data" / "sources.yaml").write_text(yaml.safe_dump(sources))
    content = _json("evaluate", "credit_risk", "-c", str(config), "--folds", "3", home=tmp_path)
    report = Report.model_validate(content)
    assert "1,500 test rows" in report.protocol and keyed(report, "folds")["roc_auc"]["mean"] > 0.6
    output = chehang("train", "credit_risk", "-c", str(config), home=tmp_path).stdout
    assert "the data has no time" in output


@pytest.mark.slow
def test_two_trainings_at_once_both_register(tmp_path: Path, credit_risk: Trained) -> None:
    train = ("train", "credit_risk", "-c", str(credit_risk.config))
    with ThreadPoolExecutor(2) as pool:
        for training in [pool.submit(chehang_apart, *train, home=tmp_path) for _ in range(2)]:
            training.result()
    assert [v["version"] for v in _json("compare", "credit_risk", home=tmp_path)] == [1, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("params.estimater=woe", "params.estimater: unknown key; did you mean `estimator`"),
        ("params.target_bad_rate=2", "params.target_bad_rate: input should be less than 1, got 2"),
        ("time=created_at", "time: must be 'submitted_at', or 'none'"),
        ("segments=[colour]", "segments: 'colour' is not a column"),
        ("params.monotone={colour: 1}", "params.monotone.colour: not a numeric feature"),
        ("params.derived={x: {divide: [a, b]}}", "operation 'divide' is unknown"),
        ("split={train: 0.9}", "must add up to 1"),
        ("nonsense", "must be dotted.name=value"),
        ("sources=missing.yaml", "missing.yaml"),
    ],
)
def test_a_wrong_configuration_is_one_error_line(
    tmp_path: Path, credit_risk: Trained, change: str, message: str
) -> None:
    done = chehang("train", "credit_risk", "-c", str(credit_risk.config), "--set", change, home=tmp_path, check=False)
    assert done.returncode == 1
    assert message in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")


def _broken(name: str) -> dict[str, pl.DataFrame]:
    tables = credit_risk_tables(rows=1_200)
    applications, outcomes = tables["applications"], tables["loan_outcomes"]
    twice = pl.concat([applications, applications.with_columns(dependents=pl.lit(2))], how="diagonal_relaxed")
    changed = {
        "empty": {"applications": applications[:0]},
        "one row": {"applications": applications[:1], "loan_outcomes": outcomes[:1]},
        "one class": {"loan_outcomes": outcomes.with_columns(defaulted=pl.lit(False))},
        "duplicate keys": {"applications": twice},
        "future": {"applications": applications.with_columns(submitted_at=pl.col("submitted_at") + 10**16)},
        "no key": {"applications": applications.drop("application_id")},
        "no outcome": {"loan_outcomes": outcomes.with_columns(application_id="X" + pl.col("application_id"))},
    }
    return {**tables, **changed[name]}


@pytest.mark.parametrize("name", ["empty", "one row", "one class", "duplicate keys", "future", "no key", "no outcome"])
def test_unusable_data_is_one_error_line_and_registers_nothing(tmp_path: Path, name: str) -> None:
    config = write_credit_risk(tmp_path / "data", _broken(name))
    done = chehang("train", "credit_risk", "-c", str(config), home=tmp_path / "home", check=False)
    assert done.returncode == 1, done.stdout
    assert done.stderr.strip().splitlines()[-1].startswith("error: ") and "Traceback" not in done.stderr
    assert not (tmp_path / "home" / "mlflow.db").exists()


def test_useless_columns_do_no_harm(tmp_path: Path) -> None:
    tables = credit_risk_tables(rows=1_200)
    tables["applications"] = tables["applications"].with_columns(
        bureau_score=pl.lit(None, dtype=pl.Float64), dependents=pl.lit(2)
    )
    config = write_credit_risk(tmp_path / "data", tables)
    messages = chehang("train", "credit_risk", "-c", str(config), home=tmp_path / "home").stderr
    assert "column 'bureau_score' left out: every value is missing" in messages


def test_an_unwritable_store_is_one_error_line(tmp_path: Path, credit_risk: Trained) -> None:
    (tmp_path / "file").write_text("")
    done = chehang("train", "credit_risk", "-c", str(credit_risk.config), home=tmp_path / "file", check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "CHEHANG_HOME" in done.stderr

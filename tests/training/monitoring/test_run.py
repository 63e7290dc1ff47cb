"""The monitor on the small tasks of the tests: quiet, drift, worse predictions, hostile data."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.commands import chehang
from tests.conftest import Trained
from tests.small.credit_risk import DAY
from tests.training.monitoring.lender import END, later_lender
from training.monitoring import advice, drift, outcomes, row_monitor, rows
from training.monitoring.months import month_name, month_numbers

MODULES = (advice, drift, outcomes, row_monitor, rows)  # what these tests run


def run(trained: Trained, config: Path, *options: str, task: str = "credit_risk") -> tuple[int, dict[str, Any]]:
    done = chehang(
        "monitor", task, "-c", str(config), "--no-history", "--json", *options, home=trained.home, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def names(result: dict[str, Any]) -> list[str]:
    return [alarm["name"] for alarm in result["alarms"]]


def test_the_same_lender_later_is_quiet(credit_risk: Trained, tmp_path: Path) -> None:
    code, result = run(credit_risk, later_lender(tmp_path))
    assert (code, result["status"], result["alarms"]) == (0, "quiet", [])
    tested = {s["name"] for s in result["series"] if s["is_tested"]}
    assert {"score", "feature.housing", "calibration", "metric.roc_auc", "calibration.housing=rent"} <= tested
    months = [f["month"] for s in result["series"] if s["name"] == "score" for f in s["months"]]
    assert result["period"]["reference_last"] < months[0]  # no month of the training is compared with it
    assert result["period"]["month"] == months[-1] == "2023-06"


def test_fewer_late_payments_are_reported_with_their_size_and_since_when(credit_risk: Trained, tmp_path: Path) -> None:
    since = int(datetime(2023, 4, 1, tzinfo=UTC).timestamp()) * 1_000_000
    late = pl.col("bureau_delinquencies_24m")
    config = later_lender(
        tmp_path,
        change=lambda a: a.with_columns(pl.when(pl.col("submitted_at") >= since).then(late * 0).otherwise(late)),
        outcomes=False,
    )
    code, result = run(credit_risk, config)
    assert (code, result["status"]) == (3, "drift")
    alarm = next(a for a in result["alarms"] if a["name"] == "feature.bureau_delinquencies_24m")
    assert alarm["since"] == "2023-04" and alarm["effect"] < -0.4
    assert alarm["before"] == pytest.approx(0.4, abs=0.03) and alarm["after"] == 0
    assert "late payments" in alarm["title"]["en"] and "mean 0.38 → 0.00" in alarm["detail"]["en"]
    assert "Check the source first: late payments" in result["advice"][0]["en"]


def test_default_that_doubles_is_worse_than_predicted(credit_risk: Trained, tmp_path: Path) -> None:
    config = later_lender(tmp_path)
    path = tmp_path / "loan_outcomes.parquet"
    later = pl.col("application_id").str.starts_with("L")
    every_fourth = pl.col("application_id").str.tail(2).cast(pl.Int64, strict=False) % 4 == 0
    pl.read_parquet(path).with_columns(defaulted=pl.col("defaulted") | (later & every_fourth)).write_parquet(path)
    code, result = run(credit_risk, config)
    assert (code, result["status"]) == (4, "performance")
    assert names(result)[0].startswith(("calibration", "metric")) and "calibration" in names(result)
    assert "train again" in result["advice"][-1]["en"]
    values = {s["name"]: s["months"][-1]["value"] for s in result["series"]}
    assert values["calibration"] > 2


def test_outcomes_whose_window_is_open_do_not_count(credit_risk: Trained, tmp_path: Path) -> None:
    config = later_lender(tmp_path)
    months = ["--set", "params.outcome_window_months=12"]
    _, result = run(credit_risk, config, *months, "--as-of", "2023-08-01T00:00+00:00")
    assert not [s for s in result["series"] if s["group"] == "performance"]
    assert "no row after the hold-out rows has a ripe outcome yet" in result["not_computed"][0]["en"]
    _, result = run(credit_risk, config, *months, "--as-of", "2024-02-01T00:00+00:00")
    last = {s["months"][-1]["month"] for s in result["series"] if s["name"] == "calibration"}
    assert last == {"2023-01"}


def test_nothing_of_later_rows_counts(credit_risk: Trained, tmp_path: Path) -> None:
    as_of = ["--as-of", "2023-04-01T00:00+00:00"]
    instant = int(datetime(2023, 4, 1, tzinfo=UTC).timestamp()) * 1_000_000
    before = run(credit_risk, later_lender(tmp_path / "a"), *as_of)
    path = tmp_path / "a" / "applications.parquet"
    changed = pl.when(pl.col("submitted_at") >= instant).then(999).otherwise("showroom_visits").alias("showroom_visits")
    pl.read_parquet(path).with_columns(changed).write_parquet(path)
    after = run(credit_risk, tmp_path / "a" / "credit_risk.yaml", *as_of)
    notes = [r[1].pop("notes") for r in (before, after)]
    assert before == after and notes


def test_dates_by_month_new_categories_and_constant_columns(credit_risk: Trained, tmp_path: Path) -> None:
    def change(applications: pl.DataFrame) -> pl.DataFrame:
        month = pl.from_epoch("submitted_at", time_unit="us").dt.truncate("1mo").dt.epoch("us")
        new = pl.when(pl.int_range(pl.len()) % 5 == 0).then(pl.lit("employer")).otherwise("housing").alias("housing")
        return applications.with_columns(
            month.alias("submitted_at"), new, pl.lit(3, dtype=pl.Int64).alias("showroom_visits")
        ).filter(pl.col("submitted_at") >= END)

    code, result = run(credit_risk, later_lender(tmp_path, change=change))
    assert code in (3, 4)
    alarms = {a["name"]: a for a in result["alarms"]}
    assert {"feature.housing", "feature.showroom_visits"} <= set(alarms)
    assert "employer" in alarms["feature.housing"]["detail"]["en"] or alarms["feature.housing"]["after"] > 0.1


def test_few_rows_are_pooled_or_not_tested(credit_risk: Trained, tmp_path: Path) -> None:
    code, result = run(credit_risk, later_lender(tmp_path / "few", rows=100))
    score = next(s for s in result["series"] if s["name"] == "score")
    assert code == 0 and score["is_tested"] and score["months"][-1]["rows"] < 50  # six months together
    code, result = run(credit_risk, later_lender(tmp_path / "fewer", rows=30))
    assert (code, result["series_tested"]) == (0, 0)
    assert result["status"] == "not tested" and "minimum_rows" in result["advice"][0]["en"]


def test_months_without_rows_are_named(credit_risk: Trained, tmp_path: Path) -> None:
    def change(applications: pl.DataFrame) -> pl.DataFrame:
        return applications.filter(~pl.col("submitted_at").is_between(END + 80 * DAY, END + 145 * DAY))

    code, result = run(credit_risk, later_lender(tmp_path, change=change))
    assert code == 0 and any(note.startswith("no rows in 2022-12") or "2023-01" in note for note in result["notes"])


def test_a_last_month_without_rows_is_an_alarm_of_the_source(
    credit_risk: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, result = run(credit_risk, later_lender(tmp_path), "--as-of", "2023-09-10T00:00+00:00")
    assert code == 3 and "no row in 2023-08" in result["source_alarm"]["en"]


def test_a_source_without_the_training_period_is_refused(credit_risk: Trained, tmp_path: Path) -> None:
    config = later_lender(tmp_path)
    path = tmp_path / "applications.parquet"
    pl.read_parquet(path).filter(pl.col("submitted_at") > END).write_parquet(path)
    path = tmp_path / "loan_outcomes.parquet"
    pl.read_parquet(path).filter(pl.col("application_id").str.starts_with("L")).write_parquet(path)
    done = chehang("monitor", "credit_risk", "-c", str(config), home=credit_risk.home, check=False)
    assert done.returncode == 1 and "no row of the training period of version 1 is left" in done.stderr


def test_data_without_time_or_new_months_are_refused(credit_risk: Trained, tmp_path: Path) -> None:
    config = later_lender(tmp_path)
    for options, message in (
        (["--set", "time=none"], "has no time, so there are no months to compare"),
        (["--as-of", "2022-03-01T00:00+00:00"], "no complete month follows the training period"),
    ):
        done = chehang("monitor", "credit_risk", "-c", str(config), *options, home=credit_risk.home, check=False)
        assert done.returncode == 1 and message in done.stderr


def test_a_run_is_kept_with_its_report_and_logged(credit_risk: Trained, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(credit_risk.home, home)
    config = later_lender(
        tmp_path / "data", change=lambda a: a.with_columns(term_months=pl.col("term_months") * 0 + 60)
    )
    done = [chehang("monitor", "-c", str(config), "--json", home=home, check=False) for _ in range(2)]
    first, again = (json.loads(d.stdout) for d in done)
    assert first["exit_code"] == 3 and again["alarms"] == first["alarms"]
    folder = home / "monitoring" / "credit_risk" / "2023-06"
    assert sorted(p.name for p in folder.iterdir()) == [
        "monitor.json", "report.html", "report.json", "report.png", "report.zh.html",
    ]  # fmt: skip
    assert "term of the loan" in (folder / "report.html").read_text()
    assert "贷款期限" in (folder / "report.zh.html").read_text()
    assert json.loads((folder / "monitor.json").read_text())["status"] == "drift"
    assert len(json.loads((folder.parent / "runs.json").read_text())) == 1
    shown = chehang("monitor", "-c", str(config), home=home, check=False)
    assert shown.returncode == 3 and "term of the loan" in shown.stdout and "report.html" in shown.stdout

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    experiments = [e.experiment_id for e in client.search_experiments()]
    runs = client.search_runs(experiments, "tags.`chehang.kind` = 'monitor'")
    assert runs[0].data.metrics["alarms"] >= 1 and runs[0].info.run_name == "monitor 2023-06"


def test_month_of_the_end() -> None:
    assert month_name(int(month_numbers([END], timezone="UTC")[0])) == "2022-09"

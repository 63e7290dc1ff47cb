"""`chehang train`, `tune`, `evaluate`, `score` and `forecast`: options, errors and output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from features.errors import ConfigError, ModelNotFound
from ml.bilingual import Text
from ml.report.report import Report
from ml.report.sections import Metric, Metrics
from tests.commands import chehang
from tests.conftest import ROOT, Trained
from tests.reports import trained_report
from tests.small.credit_risk import write_eight_applications
from training.commands.evaluate import evaluate
from training.commands.forecast import forecast
from training.commands.score import score
from training.commands.train import train
from training.commands.tune import tune
from training.config import TaskConfig
from training.progress import Progress
from training.tune import TuningResult


@pytest.fixture
def registry(credit_risk: Trained, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Return the registry of the small lender, which these tests only read."""
    monkeypatch.setenv("CHEHANG_HOME", str(credit_risk.home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return credit_risk


@pytest.mark.parametrize(
    ("command", "options"),
    [(train, {}), (tune, {}), (evaluate, {}), (score, {"to": Path("answers.csv")})],
    ids=["train", "tune", "evaluate", "score"],
)
def test_a_name_that_is_no_task_is_refused(command: Callable[..., None], options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="task 'loans' is unknown"):
        command("loans", **options)


def test_a_training_prints_the_registered_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = _report()
    calls: list[tuple[int, str]] = []

    def run(config: TaskConfig, *, engine: str, progress: Progress) -> SimpleNamespace:
        calls.append((config.split.seed, engine))
        return SimpleNamespace(version=SimpleNamespace(number=3, run_id="4711"), report=report)

    monkeypatch.setattr("training.train.train", run)
    folders = iter([None, Path("/home/[x]/report"), None])
    monkeypatch.setattr("training.commands.train.report_folder", lambda version: next(folders))
    config = write_eight_applications(tmp_path)
    train("credit_risk", config=config, setting=["split.seed=5"], as_json=True)
    content = json.loads(capsys.readouterr().out)
    assert (content["task"], content["version"]) == ("credit_risk", 3)
    assert trained_report(content) == report
    train("credit_risk", config=config)
    shown = capsys.readouterr().out
    assert "0.7500" in shown and "registered credit_risk version 3; promote it with: chehang promote" in shown
    assert "report: /home/[x]/report/report.html\n" in shown
    train("credit_risk", config=config)
    assert "copy it with: mlflow artifacts download --run-id 4711 --artifact-path report" in capsys.readouterr().out
    assert calls == [(5, "polars"), (7, "polars"), (7, "polars")] and content["report_folder"] is None


def test_an_unknown_engine_is_one_error_line(tmp_path: Path) -> None:
    config = write_eight_applications(tmp_path)
    done = chehang("train", "credit_risk", "-c", str(config), "--engine", "abacus", home=tmp_path / "home", check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: engine: must be one of polars, spark, got 'abacus'"


def test_a_search_without_a_space_is_refused(tmp_path: Path) -> None:
    config = write_eight_applications(tmp_path)
    with pytest.raises(ConfigError, match=r"tune\.space: is empty; add a search range"):
        tune("credit_risk", config=config, setting=["tune.space={}"])
    done = chehang("tune", "credit_risk", "-c", str(config), "--trials", "0", home=tmp_path, check=False)
    assert done.returncode == 2 and "'--trials'" in done.stderr


def test_a_search_prints_its_gain_and_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(
        config: TaskConfig,
        *,
        load: dict[str, Any],
        out: Path,
        trials: int,
        workers: int,
        timeout: float,
        progress: Progress,
    ) -> TuningResult:
        assert load["task"] == "credit_risk" and load["settings"] == ["split.seed=5"] and load["overlays"] == ()
        assert (workers, timeout) == (2, 9.0)
        return TuningResult("roc_auc", 0.81, 0.8, {"params.x": 4}, trials, 1, out)

    monkeypatch.setattr("training.tune.tune", run)
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path))
    options = {"config": write_eight_applications(tmp_path), "setting": ["split.seed=5"]}
    options |= {"trials": 6, "workers": 2, "timeout": 9.0}
    tune("credit_risk", **options, as_json=True)
    path = tmp_path / "tuned" / "credit_risk.yaml"
    assert json.loads(capsys.readouterr().out) == {
        "metric": "roc_auc", "value": 0.81, "default": 0.8, "params": {"params.x": 4}, "trials": 6, "pruned": 1,
        "path": str(path),
    }  # fmt: skip
    tune("credit_risk", **options, to=tmp_path / "other.yaml")
    shown = capsys.readouterr().out
    assert "roc_auc 0.81000 (configured values: 0.80000); 6 trials, 1 of them pruned" in shown
    assert "params.x: 4" in shown and "other.yaml" in shown


def test_folds_are_refused_for_tasks_without_labels(tmp_path: Path) -> None:
    config = ROOT / "configs" / "recommendation.yaml"
    with pytest.raises(ConfigError, match=r"--folds: not available for recommendation, which has .*; omit --folds"):
        evaluate("recommendation", config=config, folds=3)
    done = chehang("evaluate", "credit_risk", "--folds", "1", home=tmp_path, check=False)
    assert done.returncode == 2 and "'--folds'" in done.stderr


def test_a_version_is_evaluated_and_its_report_written(
    registry: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate("credit_risk", config=registry.config, version=1, report=tmp_path / "report", as_json=True)
    content = json.loads(capsys.readouterr().out)
    written = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert content == written
    assert content["task"] == "credit_risk"
    assert 0.5 < Report.model_validate(content).metrics["roc_auc"].value < 1  # type: ignore[operator]
    assert (tmp_path / "report" / "report.png").stat().st_size > 5_000
    assert (tmp_path / "report" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_champion_scores_rows(registry: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    some, out = tmp_path / "some.parquet", tmp_path / "answers.parquet"
    pl.read_parquet(registry.config.parent / "applications.parquet").head(5).write_parquet(some)
    score("credit_risk", to=out, data=some, config=registry.config, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "task": "credit_risk", "rows": 5, "out": str(out), "version": 1, "rules": None, "notes": [],
    }  # fmt: skip
    assert pl.read_parquet(out)["probability_of_default"].is_between(0, 1).all()
    score("credit_risk", to=out, data=some, config=registry.config, version=1)
    assert "predictions of version 1 for 5 rows written to" in capsys.readouterr().out


def test_an_invalid_request_is_refused_and_nothing_is_written(registry: Trained, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    with pytest.raises(ModelNotFound, match="has no version 9"):
        score("credit_risk", to=out, config=registry.config, version=9)
    with pytest.raises(ModelNotFound, match="lead_scoring has no model version yet; make one with: chehang train lead"):
        score("lead_scoring", to=out, config=ROOT / "configs" / "lead_scoring.yaml")
    with pytest.raises(ConfigError, match="--as-of: must be a date and time with a UTC offset"):
        score("credit_risk", to=out, config=registry.config, as_of="yesterday")
    with pytest.raises(ConfigError, match="--as-of: the predictions of credit_risk do not depend on time"):
        score("credit_risk", to=out, config=registry.config, as_of="2026-01-31T09:00+08:00")
    assert not out.exists()


def test_nothing_is_forecast_without_a_champion(registry: Trained, tmp_path: Path) -> None:
    config = ROOT / "configs" / "demand_forecast.yaml"
    with pytest.raises(ModelNotFound, match="demand_forecast has no model version yet; make one with: chehang train d"):
        forecast(tmp_path / "plan.csv", config=config)
    with pytest.raises(ModelNotFound, match="demand_forecast has no model version yet"):
        forecast(tmp_path / "plan.csv", config=config, version=2)
    missing = chehang("forecast", home=registry.home, check=False)
    assert missing.returncode == 2 and "'--out'" in missing.stderr


def test_a_forecast_prints_the_number_of_cars_to_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = SimpleNamespace(
        forecasts=pl.DataFrame(
            {"level": ["everything"], "period": ["2026-01"], "mean": [7.5], "p10": [3], "p90": [12]}
        ),
        orders=SimpleNamespace(
            orders=pl.DataFrame({"order": [2, 3]}),
            comparison=pl.DataFrame({"policy": ["plan"], "cost_yuan": [7.0]}),
            summary=(Text(zh="省", en="saves"),),
        ),
        without_orders=None,
        files=[tmp_path / "plan.csv"],
    )
    monkeypatch.setattr("ml.champions.version_or_champion", lambda task, number: SimpleNamespace(number=4))
    monkeypatch.setattr("ml.champions.load", lambda version: version)
    monkeypatch.setattr("training.runs.forecast.forecast", lambda model, config, **options: plan)
    monkeypatch.setattr("training.runs.order_evidence.held_out_verdict", lambda version: "it was cheaper")
    config = ROOT / "configs" / "demand_forecast.yaml"
    forecast(tmp_path / "plan.csv", config=config, as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "task": "demand_forecast", "version": 4, "rules": str(ROOT / "configs" / "order_planning.yaml"), "rows": 1,
        "orders": 5, "without_orders": None, "files": [str(tmp_path / "plan.csv")],
        "comparison": [{"policy": "plan", "cost_yuan": 7.0}], "summary": [{"zh": "省", "en": "saves"}],
        "held_out": "it was cheaper",
    }  # fmt: skip
    plan.orders, plan.without_orders = None, "the data has no stock"
    forecast(tmp_path / "plan.csv", config=config)
    shown = capsys.readouterr().out
    assert "3 .. 12" in shown and "written by version 4" in shown
    assert shown.splitlines()[-1] == "no orders and transfers were planned: the data has no stock"


def _report() -> Report:
    """Return a report with one metric."""
    metrics = (Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5),)
    section = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=metrics)
    return Report(task="credit_risk", protocol="in time order", sections=(section,))

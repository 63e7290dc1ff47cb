"""Ranking studies by configuration: fewer tables, split columns, and unusable data."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from features.errors import ChehangError, ConfigError, DataError
from tests.small.recommendation import recommendation_tables, write_recommendation
from training.config import load_config
from training.studies.by_problem import RankingStudy
from training.studies.fitted import Evaluation
from training.studies.ranking import RankingStudyData
from training.studies.ranking_data import RankingData
from training.tune import with_params

PLAIN = ("event_id", "event_at", "customer_id", "vehicle_id")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))


def study(folder: Path, tables: dict[str, pl.DataFrame], **changes: Any) -> RankingStudyData:
    settings = changes.pop("settings", [])
    return RankingStudyData.read(
        load_config("recommendation", write_recommendation(folder, tables, **changes), settings=settings)
    )


def plain() -> pl.DataFrame:
    events = recommendation_tables(people=150)["events"]
    return events.with_columns(customer_id=pl.col("visitor_id")).select(PLAIN)


def test_users_items_and_times_are_enough(tmp_path: Path) -> None:
    data = study(tmp_path, {"events": plain()})
    assert isinstance(data, RankingData)
    report = data.evaluate(data.fit().evaluated)
    assert report.metrics["ndcg_at_10"].value > report.metrics["ndcg_at_10"].baseline  # type: ignore[operator]
    assert "by_path" in report and report.protocol.startswith("in time order")


def test_without_repeat_chosen_items_are_not_listed(tmp_path: Path) -> None:
    data = study(tmp_path, {"events": plain()}, settings=["params.repeat=false"])
    estimator = data.fit().served
    _, inputs = data.training_part
    lists = estimator.recommender.lists(inputs.queries.visitors, inputs.vehicles, k=10)
    history = inputs.queries.visitors.history
    rows = [row for row in range(0, len(lists), 50) if history[row].nnz and (lists[row] >= 0).any()]
    assert rows
    for row in rows:
        viewed = set(history[row].indices.tolist())
        assert not viewed & {int(inputs.vehicles.item[v]) for v in lists[row] if v >= 0}


def test_a_split_column_needs_all_three_parts(tmp_path: Path) -> None:
    events = plain().drop("event_at").with_columns(split=pl.Series(["train", "train", "valid"] * 900)[: plain().height])
    with pytest.raises(DataError, match=r"no row of part 'test', that is, none with the value 'test'"):
        study(tmp_path, {"events": events}, time="none", split={"column": "split"})


def test_without_time_a_hash_splits_and_a_note_warns(tmp_path: Path) -> None:
    data = study(tmp_path, {"events": plain().drop("event_at")}, time="none", settings=["params.repeat=false"])
    estimator = data.fit().served
    report = data.evaluate(estimator)
    assert "the split is random" in report.notes[0] and estimator.recommender.weights
    assert report.metrics["ndcg_at_10"].value > 0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: {"events": t["events"].drop("vehicle_id")}, "vehicle_id"),
        (lambda t: {"events": t["events"].drop("customer_id", "visitor_id")}, "customer_id"),
        (lambda t: {"events": t["events"].with_columns(event_type=pl.lit("search"))}, "events has no interaction"),
        (lambda t: {"events": t["events"].head(0)}, "no rows"),
        (
            lambda t: {"events": t["events"].with_columns(vehicle_id=pl.lit(None, dtype=pl.String))},
            "interaction|vehicle_id",
        ),
        (
            lambda t: {"events": t["events"].with_columns(event_at=pl.lit(1_600_000_000_000_000))},
            "no choice precedes the training cut-off",
        ),
        (lambda t: {"events": t["events"].head(3)}, "choice|query|queries|interaction"),
    ],
)
def test_unusable_data_raises(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(ChehangError, match=message):
        data = study(tmp_path, change(recommendation_tables(people=60)))
        data.evaluate(data.fit().evaluated)


def test_invalid_configurations_raise(tmp_path: Path) -> None:
    tables = {"events": plain()}
    with pytest.raises(ConfigError, match="one single vehicle, which sells once"):
        study(tmp_path / "b", recommendation_tables(people=60), settings=["params.item=[vehicle_id]"]).fit()
    with pytest.raises(ConfigError, match="values must name train, calibrate and test differently"):
        study(tmp_path / "c", tables, split={"values": {"train": "a", "calibrate": "a", "test": "b"}})
    with pytest.raises(ConfigError, match="price_bands must be positive and ascending"):
        study(tmp_path / "d", tables, settings=["params.price_bands=[10, 5]"])


def test_extra_columns_reach_the_ranker(tmp_path: Path) -> None:
    tables = recommendation_tables(people=200)
    data = study(tmp_path, tables, extra_features={"numeric": ["doors"], "categorical": []})
    estimator = data.fit().served
    assert "doors" in estimator.recommender.columns
    assert len(estimator.stock) > 0


def test_validation_ignores_the_test_part(tmp_path: Path) -> None:
    data = study(tmp_path, recommendation_tables(people=200))
    values = [next(iter(with_params(data, {"params.ranker.num_leaves": n}).validation_scores())) for n in (7, 15)]
    assert all(0 < v < 1 for v in values)
    later = pl.col("event_at") >= data.cutoff
    events = data.tables["events"].with_columns(vehicle_id=pl.when(later).then(pl.lit("N0")).otherwise("vehicle_id"))
    altered = RankingStudyData(data.config, data.raw, {**data.tables, "events": events}, data.cutoff, (), "")
    assert next(iter(with_params(altered, {"params.ranker.num_leaves": 7}).validation_scores())) == values[0]


def test_logged_exposures_replace_the_holdout(monkeypatch: pytest.MonkeyPatch) -> None:
    data: Any = SimpleNamespace(evaluate=lambda estimator: ("holdout", estimator))
    monkeypatch.setattr(RankingStudy, "load", lambda self, config, progress: data)
    monkeypatch.setattr(
        "training.studies.ranking_logged.evaluate_logged", lambda data, estimator, source: (estimator, source)
    )
    estimator: Any = "version 1"
    study, config, log = RankingStudy(), cast("Any", None), Path("log.parquet")
    results = [
        study.evaluate(config, Evaluation(by, lambda: estimator, exposures=source))
        for by, source in (("holdout", None), ("logged", log))
    ]
    assert results == [("holdout", estimator), (estimator, log)]

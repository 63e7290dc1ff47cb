"""What a task that ranks owes beside what every task does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml.model import Model
from ml.recommendation.estimator import RecommendationEstimator
from tests.conftest import Trained
from training import tracking
from training.config import load_config
from training.held_out_lists import Judged
from training.promotion import NotPromoted, promote
from training.rankings import Rankings, load_rankings
from training.run import train
from training.score import score

AT = "2021-06-01T00:00:00+00:00"


@pytest.fixture
def model(recommendation: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(recommendation.home))
    champion = tracking.champion("recommendation")
    assert champion is not None
    return tracking.load(champion)


@pytest.fixture
def study(recommendation: Trained, model: Model) -> Rankings:
    return load_rankings(load_config("recommendation", recommendation.config))


def test_one_request_equals_the_batch(model: Model) -> None:
    ask = model.task.request(model.estimator.signature)
    bodies = [{"at": AT, "customer_id": f"C{i:03d}", "store_id": "S1"} for i in range(40)] + [{"at": AT}]
    asked = [ask.model_validate_json(json.dumps(b)) for b in bodies]
    batch = model.task.respond(model.estimator, asked, explain=True)
    assert batch == [model.task.respond(model.estimator, [a], explain=True)[0] for a in asked]


def test_nothing_after_the_cut_moves_what_was_learnt(study: Rankings) -> None:
    """Everything at or after the cut is altered: the fitted model must not move."""
    later = pl.col("event_at") >= study.until
    events = study.tables["events"].with_columns(vehicle_id=pl.when(later).then(pl.lit("N0")).otherwise("vehicle_id"))
    sold = pl.when(pl.col("sold_at") < study.until).then("sold_at").otherwise(None)
    vehicles = study.tables["vehicles"].with_columns(sold_at=sold)
    altered = Rankings(
        study.config, study.raw, {**study.tables, "events": events, "vehicles": vehicles}, study.until, (), ""
    )
    assert study.fit().to_files() == altered.fit().to_files()


def test_a_question_is_answered_from_what_lay_before_it(study: Rankings) -> None:
    """Each question's history stays as it is when its own and all later choices are altered."""
    facts = study.facts()
    middle = int(facts.asked["as_of"].median())  # type: ignore[arg-type]
    later = pl.col("event_at") >= middle
    events = study.tables["events"].with_columns(vehicle_id=pl.when(later).then(pl.lit("N0")).otherwise("vehicle_id"))
    altered = Rankings(study.config, study.raw, {**study.tables, "events": events}, study.until, (), "").facts()

    def before(history: pl.DataFrame) -> pl.DataFrame:
        return history.filter(pl.col("as_of") <= middle).sort(history.columns)

    assert before(facts.history).equals(before(altered.history))


def test_artefact_answers_alike_in_a_fresh_process(model: Model, tmp_path: Path) -> None:
    sha256 = model.save(tmp_path / "model")
    rows = pl.DataFrame({"customer_id": [f"C{i:03d}" for i in range(20)], "store_id": ["S1"] * 20})
    rows.write_parquet(tmp_path / "rows.parquet")
    code = (
        "import sys, json, polars as pl; from pathlib import Path; from ml.model import Model; "
        "m = Model.load(Path(sys.argv[1]), sha256=sys.argv[3]); "
        "print(json.dumps(m.estimator.predict(pl.read_parquet(sys.argv[2])).rows()))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model"), str(tmp_path / "rows.parquet"), sha256]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    here = [list(row) for row in model.estimator.predict(rows).rows()]
    assert [path for path, _ in told] == [path for path, _ in here]
    assert {p.suffix for p in (tmp_path / "model").iterdir()} <= {".json", ".txt", ".npz"}


def test_the_artefact_names_nobody(model: Model) -> None:
    for name, content in model.estimator.to_files().items():
        assert b"C001" not in content and b"W001" not in content and b"13800000000" not in content, name


def test_the_page_ranks_as_the_evaluation_does(model: Model, study: Rankings) -> None:
    """What is served is what was measured: the ranker sees the same columns for the same visitor."""
    estimator: RecommendationEstimator = model.estimator
    judged = Judged.of(study.held, estimator)
    vehicles = judged.material.vehicles
    from ml.recommendation.answer import rank
    from ml.recommendation.asked import Asked

    visitors = judged.material.questions.visitors
    estimator.stock = estimator.stock_of(judged.facts.offered.with_columns(sold_at=None), read_at=0)
    for i in range(0, len(visitors), 37):
        now, store = int(visitors.as_of[i]), int(visitors.store[i])
        rows = [estimator.stock.rows[vehicles.ids[r]] for r in vehicles.on_offer(at=now, store=store)]
        asked = Asked(visitors.take(np.array([i])), "customer", True, 0, np.empty(0, dtype=np.int64))
        ranked, _, _ = rank(estimator, asked, np.array(rows, dtype=np.int64))
        served = [str(estimator.stock.vehicles.ids[r]) for r in ranked[:10]]
        measured = [str(vehicles.ids[r]) for r in judged.lists[i] if r >= 0]
        assert served == measured


def test_every_customer_gets_a_list(recommendation: Trained, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "lists.parquet"
    assert (
        score(model, load_config("recommendation", recommendation.config), data=None, out=out)
        == pl.read_parquet(out).height
    )
    lists = pl.read_parquet(out)
    assert lists["customer_id"].n_unique() == 400
    assert lists.group_by("customer_id").agg(pl.col("place").sort())["place"].list.max().max() == 10
    assert lists.select("customer_id", "vehicle_id").is_duplicated().sum() == 0


def test_a_worse_candidate_is_not_promoted_and_a_tuned_one_is_compared(recommendation: Trained, model: Model) -> None:
    blind = load_config(
        "recommendation",
        recommendation.config,
        settings=["params.lookback_days=1", "params.ranker.n_estimators=1", "params.item=[condition]"],
    )
    worse = train(blind)
    with pytest.raises(NotPromoted, match="ndcg_at_10 beats the champion"):
        promote("recommendation", worse.version.number)


@pytest.mark.spark
def test_spark_and_polars_agree(study: Rankings, spark: object) -> None:
    other = load_rankings(study.config, engine="spark")
    one, two = study.facts(), other.facts()
    for name in ("chosen", "asked", "wanted", "history"):
        a, b = getattr(one, name), getattr(two, name)
        assert b.select(a.columns).sort(a.columns).equals(a.sort(a.columns)), name

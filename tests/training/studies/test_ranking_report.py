"""Report on lists for three visitors and three vehicles, by hand.

K1 chose B before and wants B, K2 is new and wants A, and what K3 wants came on the market after training. By popularity
A comes before B before the used car; a known visitor is shown first what they chose before.
"""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from features.errors import DataError
from ml.labels import Labels
from ml.recommendation.catalogue import Vehicles, Vocabularies
from ml.recommendation.queries import Queries
from ml.recommendation.recommender import TrainingData
from ml.recommendation.visitors import Visitors, encode_visitors
from ml.registry import TASKS
from ml.report.report import Report
from tests.reports import keyed
from training.studies.ranking_holdout import LIST_LENGTH, EvaluatedLists
from training.studies.ranking_report import evaluate_ranking

SECOND = 1 / math.log2(3)  # NDCG of a list with its one relevant item at place 2
NOW = 10 * DAY
CARS = pl.DataFrame(
    {
        "vehicle_id": ["C1", "C2", "U1"],
        "item_id": ["new|A", "new|B", "used|A"],
        "condition": ["new", "new", "used"],
        "price": [10_000_000, 20_000_000, 5_000_000],
        "listed_at": [0, 0, 8 * DAY],
        "sold_at": pl.Series([None] * 3, dtype=pl.Int64),
        "store_id": [None, None, "S1"],
    }
)
VOCABULARIES = Vocabularies.from_tables(CARS, pl.Series(["new|A"]), pl.Series(["S1"]))
VEHICLES = Vehicles.encode(CARS, VOCABULARIES)
PLACE = {name: VOCABULARIES.items.names.index(name) for name in ("new|A", "new|B", "used|A")}
SHARE = np.zeros(3)
SHARE[[PLACE["new|A"], PLACE["new|B"], PLACE["used|A"]]] = (0.5, 0.3, 0.2)
QUERIES = pl.DataFrame(
    {"person_id": ["K1", "K2", "K3"], "as_of": [NOW] * 3, "store_id": ["S1"] * 3, "midway": [True, False, False]}
)
RELEVANT = pl.DataFrame(
    {"person_id": ["K1", "K2", "K3"], "as_of": [NOW] * 3, "item_id": ["new|B", "new|A", "new|Z"], "grade": [1.0] * 3}
)


def visitors() -> Visitors:
    before = pl.DataFrame({"person_id": ["K1"], "as_of": [NOW], "item_id": ["new|B"], "grade": [4.0], "age_us": [DAY]})
    return encode_visitors(QUERIES, before, None, VOCABULARIES, half_life_days=1.0)


class Shop:
    """Lists chosen items first, then popular ones."""

    params: Any = SimpleNamespace()
    trees = None
    vocabularies = VOCABULARIES

    def __init__(self) -> None:
        self.retrieval = SimpleNamespace(
            scores=lambda visitors: {"popularity": np.tile(np.append(SHARE, 0.0), (len(visitors), 1))},
            popularity=SimpleNamespace(overall_=SHARE),
        )

    def lists(self, visitors: Visitors, vehicles: Vehicles, *, k: int) -> np.ndarray:
        score = SHARE + visitors.history.toarray()
        by_vehicle = np.argsort(-score[:, vehicles.item], axis=1, kind="stable")
        return np.pad(by_vehicle, ((0, 0), (0, k - len(vehicles))), constant_values=-1)


def evaluated(wishes: pl.DataFrame = RELEVANT) -> EvaluatedLists:
    everybody = visitors()
    queries = Queries.encode(QUERIES, wishes, everybody, VOCABULARIES)
    choices: Any = SimpleNamespace(at=np.array([1, 2, NOW]))
    tables: Any = SimpleNamespace(
        visitors=lambda names, params, *, within: everybody.without_history(), relevant=wishes
    )  # the current visit has no history
    unused: Any = None
    lists = Shop().lists(everybody, VEHICLES, k=LIST_LENGTH)
    return EvaluatedLists(unused, tables, TrainingData(VOCABULARIES, VEHICLES, choices, queries), lists)


def report(
    monkeypatch: pytest.MonkeyPatch, answers: EvaluatedLists, *, repeat: bool = True, timed: bool = True
) -> Report:
    monkeypatch.setattr(EvaluatedLists, "of", lambda queries, estimator: answers)
    study: Any = SimpleNamespace(
        config=SimpleNamespace(
            task="recommendation", definition=TASKS["recommendation"], bootstraps=20, labels=Labels()
        ),
        params=SimpleNamespace(repeat=repeat, horizon_days=7),
        training_part=(None, answers.inputs), cutoff=NOW, timed=timed, timezone="UTC", notes=("a small shop",),
        build_holdout=lambda: None, problem=TASKS["recommendation"].problem,
    )  # fmt: skip
    estimator: Any = SimpleNamespace(recommender=Shop(), importance=lambda: {"history": 1.0}, notes=["no wishes"])
    return evaluate_ranking(study, estimator)


def test_metrics_are_compared_with_popularity(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated())
    assert result.metrics["ndcg_at_10"].value == pytest.approx(1.0)
    assert result.metrics["ndcg_at_10"].baseline == pytest.approx((SECOND + 1) / 2)
    assert result.metrics["reciprocal_rank"].baseline == pytest.approx((1 / 2 + 1) / 2)
    assert keyed(result, "retrievers")["popularity"]["ndcg_at_10"] == pytest.approx((SECOND + 1) / 2)
    (gain,) = result.rows("gain_over_best_retriever")
    assert gain["baseline"] == "popularity" and gain["gain"] == pytest.approx((1 - SECOND) / 2)
    assert keyed(result, "rows") == {"train": {"rows": 2, "people": None}, "test": {"rows": 2, "people": 2}}
    assert result.protocol == (
        "in time order: training before 11 January 1970, 3 held-out queries from then on, 2 of them followed by a "
        "choice within 7 days; metrics are means over people"
    )


def test_metric_by_path_and_by_place_in_the_visit(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated())
    paths = {name: (v["rows"], v["ndcg_at_10"]) for name, v in keyed(result, "by_path").items()}
    assert paths == {
        "customer": (2, pytest.approx(1.0)),
        "session": (1, pytest.approx(SECOND)),  # K1, the query at the second choice
        "cold": (2, pytest.approx((SECOND + 1) / 2)),
    }, "nobody said what they wish"
    assert {name: v["rows"] for name, v in keyed(result, "by_visit").items()} == {"start": 1, "midway": 1}


def test_breadth_price_bands_and_unknown_items(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated())
    breadth = keyed(result, "breadth")
    assert breadth["coverage"] == {"value": 1.0, "popularity": 1.0}
    assert breadth["share of new stock"]["value"] == pytest.approx(1 / 3), "the used car came two days ago"
    # Chosen: 100,000 and 200,000. Shown twice each: both, and the used vehicle below the lowest band.
    bands = result.rows("price_bands")
    assert (bands[0]["shown"], bands[0]["chosen"]) == (pytest.approx(2 / 3), 0.5)
    assert (bands[-1]["shown"], bands[-1]["chosen"]) == (pytest.approx(1 / 3), 0.5)
    assert keyed(result, "by_month") == {"1970-01": {"rows": 2, "ndcg_at_10": pytest.approx(1.0)}}
    assert result.tracked_figures()["ndcg_at_10/1970-01"] == pytest.approx(1.0)
    assert result.notes == (
        "a small shop",
        "no wishes",
        "33.3% of the relevant items do not occur in training; they are not counted",
    )


def test_without_repeat_baselines_leave_out_chosen_items(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated(), repeat=False)
    assert keyed(result, "retrievers")["popularity"]["ndcg_at_10"] == pytest.approx((0 + 1) / 2)


def test_without_time_there_is_no_monthly_section(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated(), timed=False)
    assert "by_month" not in result
    assert result.protocol == "a small shop; one query for each of 2 people, lists of 10 out of all items"


def test_no_price_bands_without_different_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    same = RELEVANT.with_columns(item_id=pl.lit("new|A"))
    assert "price_bands" not in report(monkeypatch, evaluated(same))
    priceless = replace(VEHICLES, log_price=np.full(3, np.nan))
    answers = evaluated()
    answers = replace(answers, inputs=replace(answers.inputs, vehicles=priceless))
    assert "price_bands" not in report(monkeypatch, answers)


def test_no_relevant_item_in_the_vocabulary_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="none of the 3 held-out queries has a relevant item in the model's vocabulary"):
        report(monkeypatch, evaluated(RELEVANT.with_columns(item_id=pl.lit("new|Z"))))

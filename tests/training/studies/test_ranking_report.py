"""Figures of a report on lists for three visitors of a shop with three vehicles, by hand.

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
from ml.recommendation.catalogue import Vehicles, Vocabularies
from ml.recommendation.questions import Questions
from ml.recommendation.recommender import TrainingData
from ml.recommendation.visitors import Visitors, read_visitors
from ml.registry import TASKS
from ml.report.report import Report
from tests.reports import keyed
from training.studies.ranking_holdout import LENGTH, EvaluatedLists
from training.studies.ranking_report import evaluate_ranking

SECOND = 1 / math.log2(3)  # NDCG of a list whose second place holds the one vehicle wanted
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
KNOWN = Vocabularies.learn(CARS, pl.Series(["new|A"]), pl.Series(["S1"]))
VEHICLES = Vehicles.encode(CARS, KNOWN)
PLACE = {name: KNOWN.items.names.index(name) for name in ("new|A", "new|B", "used|A")}
SHARE = np.zeros(3)
SHARE[[PLACE["new|A"], PLACE["new|B"], PLACE["used|A"]]] = (0.5, 0.3, 0.2)
ASKED = pl.DataFrame(
    {"person_id": ["K1", "K2", "K3"], "as_of": [NOW] * 3, "store_id": ["S1"] * 3, "midway": [True, False, False]}
)
WANTED = pl.DataFrame(
    {"person_id": ["K1", "K2", "K3"], "as_of": [NOW] * 3, "item_id": ["new|B", "new|A", "new|Z"], "grade": [1.0] * 3}
)


def visitors() -> Visitors:
    before = pl.DataFrame({"person_id": ["K1"], "as_of": [NOW], "item_id": ["new|B"], "grade": [4.0], "age_us": [DAY]})
    return read_visitors(ASKED, before, None, KNOWN, half_life=1.0)


class Shop:
    """Shows what was chosen before, then what is popular."""

    params: Any = SimpleNamespace()
    known = KNOWN

    def __init__(self) -> None:
        self.retrieval = SimpleNamespace(
            scores=lambda visitors: {"popularity": np.tile(np.append(SHARE, 0.0), (len(visitors), 1))},
            popularity=SimpleNamespace(overall_=SHARE),
        )

    def lists(self, visitors: Visitors, vehicles: Vehicles, *, k: int) -> np.ndarray:
        score = SHARE + visitors.history.toarray()
        by_vehicle = np.argsort(-score[:, vehicles.item], axis=1, kind="stable")
        return np.pad(by_vehicle, ((0, 0), (0, k - len(vehicles))), constant_values=-1)


def evaluated(wishes: pl.DataFrame = WANTED) -> EvaluatedLists:
    everybody = visitors()
    questions = Questions.read(ASKED, wishes, everybody, KNOWN)
    choices: Any = SimpleNamespace(at=np.array([1, 2, NOW]))
    facts: Any = SimpleNamespace(
        visitors=lambda names, params, *, within: everybody.without_history(), wanted=wishes
    )  # this visit alone says nothing
    unused: Any = None
    lists = Shop().lists(everybody, VEHICLES, k=LENGTH)
    return EvaluatedLists(unused, facts, TrainingData(KNOWN, VEHICLES, choices, questions), lists)


def report(
    monkeypatch: pytest.MonkeyPatch, answers: EvaluatedLists, *, repeat: bool = True, timed: bool = True
) -> Report:
    monkeypatch.setattr(EvaluatedLists, "of", lambda questions, estimator: answers)
    study: Any = SimpleNamespace(
        config=SimpleNamespace(task="recommendation", definition=TASKS["recommendation"], bootstraps=20),
        params=SimpleNamespace(repeat=repeat, horizon_days=7),
        learnt=(None, answers.material), until=NOW, timed=timed, notes=("a small shop",), test=lambda: None,
        problem=TASKS["recommendation"].problem,
    )  # fmt: skip
    estimator: Any = SimpleNamespace(recommender=Shop(), importance=lambda: {"history": 1.0}, notes=["no wishes"])
    return evaluate_ranking(study, estimator)


def test_lists_stand_beside_popularity(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated())
    assert result.metrics["ndcg_at_10"].value == pytest.approx(1.0)
    assert result.metrics["ndcg_at_10"].baseline == pytest.approx((SECOND + 1) / 2)
    assert result.metrics["reciprocal_rank"].baseline == pytest.approx((1 / 2 + 1) / 2)
    assert keyed(result, "retrievers")["popularity"]["ndcg_at_10"] == pytest.approx((SECOND + 1) / 2)
    (gain,) = result.rows("gain_over_best_retriever")
    assert gain["baseline"] == "popularity" and gain["gain"] == pytest.approx((1 - SECOND) / 2)
    assert keyed(result, "rows") == {"train": {"rows": 2, "people": None}, "test": {"rows": 2, "people": 2}}
    assert result.protocol == (
        "in time order: learnt before 1970-01-11, 3 questions asked later, 2 of them answered by a choice within "
        "7 days; means over people"
    )


def test_what_is_known_of_who_asks_is_taken_away_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated())
    paths = {name: (v["rows"], v["ndcg_at_10"]) for name, v in keyed(result, "by_path").items()}
    assert paths == {
        "customer": (2, pytest.approx(1.0)),
        "session": (1, pytest.approx(SECOND)),  # of K1, whose visit had got going
        "cold": (2, pytest.approx((SECOND + 1) / 2)),
    }, "nobody said what they wish"
    assert {name: v["rows"] for name, v in keyed(result, "by_visit").items()} == {"begin": 1, "midway": 1}


def test_breadth_prices_and_what_came_later(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated())
    breadth = keyed(result, "breadth")
    assert breadth["coverage"] == {"value": 1.0, "popularity": 1.0}
    assert breadth["share of new stock"]["value"] == pytest.approx(1 / 3), "the used car came two days ago"
    # Wanted were 100,000 and 200,000; shown twice were both, and the used car below the lowest band.
    bands = result.rows("price_bands")
    assert (bands[0]["shown"], bands[0]["wanted"]) == (pytest.approx(2 / 3), 0.5)
    assert (bands[-1]["shown"], bands[-1]["wanted"]) == (pytest.approx(1 / 3), 0.5)
    assert keyed(result, "by_month") == {"1970-01": {"rows": 2, "ndcg_at_10": pytest.approx(1.0)}}
    assert result.tracked_figures()["ndcg_at_10/1970-01"] == pytest.approx(1.0)
    assert result.notes == (
        "a small shop",
        "no wishes",
        "33.3% of what was wanted came on the market after training and is not counted",
    )


def test_what_was_chosen_before_is_no_answer_where_nothing_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated(), repeat=False)
    assert keyed(result, "retrievers")["popularity"]["ndcg_at_10"] == pytest.approx((0 + 1) / 2)


def test_without_time_there_are_no_months(monkeypatch: pytest.MonkeyPatch) -> None:
    result = report(monkeypatch, evaluated(), timed=False)
    assert "by_month" not in result
    assert result.protocol == "a small shop; 2 people asked, lists of 10 out of everything"


def test_prices_of_one_kind_make_no_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    same = WANTED.with_columns(item_id=pl.lit("new|A"))
    assert "price_bands" not in report(monkeypatch, evaluated(same))
    priceless = replace(VEHICLES, log_price=np.full(3, np.nan))
    answers = evaluated()
    answers = replace(answers, material=replace(answers.material, vehicles=priceless))
    assert "price_bands" not in report(monkeypatch, answers)


def test_nothing_wanted_that_is_known_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="nothing that the model knows was wanted in the test part; give more data"):
        report(monkeypatch, evaluated(WANTED.with_columns(item_id=pl.lit("new|Z"))))

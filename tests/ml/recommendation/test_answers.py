"""Contract of ranking tasks beyond the contract of all tasks."""

from __future__ import annotations

import numpy as np
import pytest

from ml import champions
from ml.model import Model
from ml.recommendation.estimator import RecommendationEstimator
from tests.conftest import Trained
from training.config import load_config
from training.studies.ranking import RankingStudyData
from training.studies.ranking_holdout import EvaluatedLists


@pytest.fixture
def model(recommendation: Trained, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("CHEHANG_HOME", str(recommendation.home))
    champion = champions.champion("recommendation")
    assert champion is not None
    return champions.load(champion)


@pytest.fixture
def study(recommendation: Trained, model: Model) -> RankingStudyData:
    return RankingStudyData.read(load_config("recommendation", recommendation.config))


def test_the_artefact_contains_no_identity(model: Model) -> None:
    for name, content in model.estimator.to_files().items():
        assert b"C001" not in content and b"W001" not in content and b"13800000000" not in content, name


def test_serving_ranks_as_the_evaluation_does(model: Model, study: RankingStudyData) -> None:
    """A served page ranks as the evaluation does: the ranker reads the same columns for the same visitor."""
    estimator: RecommendationEstimator = model.estimator
    evaluated = EvaluatedLists.of(study.holdout, estimator)
    vehicles = evaluated.inputs.vehicles
    from ml.recommendation.answer import rank
    from ml.recommendation.request_context import RequestContext

    visitors = evaluated.inputs.queries.visitors
    estimator.stock = estimator.stock_of(evaluated.tables.listings.with_columns(sold_at=None), read_at=0)
    for i in range(0, len(visitors), 37):
        now, store = int(visitors.as_of[i]), int(visitors.store[i])
        rows = [estimator.stock.rows[vehicles.ids[r]] for r in vehicles.on_offer(at=now, store=store)]
        context = RequestContext(visitors.take(np.array([i])), "customer", True, 0, np.empty(0, dtype=np.int64))
        ranked, _, _ = rank(estimator, context, np.array(rows, dtype=np.int64))
        served = [str(estimator.stock.vehicles.ids[r]) for r in ranked[:10]]
        measured = [str(vehicles.ids[r]) for r in evaluated.lists[i] if r >= 0]
        assert served == measured

"""Ranking studies: training data, queries held out in time order, and evaluation of the ranked lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import BaseModel

from features.aggregations import DAY
from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.metrics.ranked_lists import ndcg_at_k
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.questions import Questions
from ml.recommendation.recommender import TrainingData
from ml.report.report import Report
from training.progress import Progress
from training.studies.fitted import DataSummary, Fitted
from training.studies.ranking_data import RankingData
from training.studies.ranking_holdout import LENGTH
from training.studies.ranking_report import evaluate_ranking


@dataclass(frozen=True)
class RankingStudyData(RankingData):
    """Events, vehicles and customers that train and test."""

    def fit(self, *, progress: Progress | None = None) -> Fitted[RecommendationEstimator]:
        """Fit on everything before the cut."""
        estimator = self._fit_until(self.until, progress=progress)
        return Fitted(estimator, estimator)

    def _fit_until(self, until: int, *, progress: Progress | None = None) -> RecommendationEstimator:
        facts, material = self.learnt
        say = progress or (lambda text: None)
        return RecommendationEstimator.fit(facts, material, self.params, until=until, timed=self.timed, say=say)

    def validation_scores(self) -> Iterator[float]:
        """Yield the primary metric of the last quarter of the training part, after fitting on the part before."""
        if not self.timed:
            estimator = self._fit_until(self.until)
            _, material = self.learnt
            lists = estimator.recommender.lists(material.questions.visitors, material.vehicles, k=LENGTH)
            yield float(np.nanmean(_ndcg(estimator, material, material.questions, lists)))
            return
        _, material = self.learnt
        at = material.choices.at
        cut = int(np.quantile(at[at < self.until], 0.75))
        estimator = self._fit_until(cut)
        end = self.until - int(self.params.horizon_days * DAY)  # what answers a question must lie before the cut too
        asked = material.questions.between(cut, end).sample(5_000, seed=0)
        if len(asked) == 0:
            raise DataError("recommendation: too short a history to tune on; give more, or a shorter horizon_days")
        lists = estimator.recommender.lists(asked.visitors, material.vehicles, k=LENGTH)
        yield float(np.nanmean(_ndcg(estimator, material, asked, lists)))

    def with_params(self, params: BaseModel) -> Self:
        """Return the same data under other parameters."""
        return replace(self, config=self.config.model_copy(update={"params": params}))

    def evaluate(self, estimator: RecommendationEstimator) -> Report:
        """Measure the lists that answer the test part."""
        return evaluate_ranking(self, estimator, holdout=self.holdout)

    def save_holdout(self, folder: Path, fitted: Fitted[RecommendationEstimator]) -> None:
        """Write the held-out queries and the tables that they read."""
        self.holdout.write(folder)

    def feature_names(self, estimator: RecommendationEstimator) -> list[str]:
        """What the ranker reads."""
        return list(estimator.recommender.columns)

    def example(self, estimator: RecommendationEstimator) -> dict[str, Any]:
        """A request that the model answers: nobody's own."""
        stock = estimator.stock
        session = [{"vehicle_id": str(stock.vehicles.ids[0])}] if len(stock) else []
        stores = estimator.recommender.known.stores.names
        asked: dict[str, Any] = {"n": LENGTH, "session": session}
        asked |= {"store_id": stores[0]} if stores else {}
        if np.isfinite(estimator.people.budget).any():
            asked["profile"] = {"budget_high": 200_000.0}
        return asked

    def describe(self) -> DataSummary:
        """What a training would see, for `chehang check`."""
        _, material = self.learnt
        at, asked = material.choices.at, material.questions.visitors.as_of
        return {
            "examples": {
                "train": {"choices": int((at < self.until).sum()), "questions": int((asked < self.until).sum())},
                "test": {"questions": int((asked >= self.until).sum())},
                "known": {"items": len(material.known.items), "stores": len(material.known.stores)},
            },
            "numeric": list(self.extra[0]),
            "categorical": list(material.known.categories),
            "leaks": (),
        }


def _ndcg(estimator: RecommendationEstimator, material: TrainingData, asked: Questions, lists: Any) -> FloatArray:
    item = np.append(material.vehicles.item, -1)[lists]
    return np.asarray(ndcg_at_k(np.where(item < asked.wanted.shape[1], item, -1), asked.wanted))

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
from ml.recommendation.queries import Queries
from ml.recommendation.recommender import TrainingData
from ml.report.report import Report
from training.progress import Progress
from training.studies.fitted import DataSummary, Fitted
from training.studies.ranking_data import RankingData
from training.studies.ranking_holdout import LIST_LENGTH
from training.studies.ranking_report import evaluate_ranking


@dataclass(frozen=True)
class RankingStudyData(RankingData):
    """Data of a ranking study, with fitting, tuning and evaluation."""

    def fit(self, *, progress: Progress | None = None) -> Fitted[RecommendationEstimator]:
        """Fit on the data before the cut-off; the same estimator is served and evaluated."""
        estimator = self._fit_before(self.cutoff, progress=progress)
        return Fitted(estimator, estimator)

    def _fit_before(self, cutoff: int, *, progress: Progress | None = None) -> RecommendationEstimator:
        tables, training_data = self.training_part
        report = progress or (lambda text: None)
        return RecommendationEstimator.fit(
            tables, training_data, self.params, cutoff=cutoff, timed=self.timed, progress=report
        )

    def validation_scores(self) -> Iterator[float]:
        """Yield the mean NDCG@10 on validation queries inside the training part.

        The validation queries follow the first three quarters of the training choices, which the estimator is fitted
        on. Without time they are those of the calibrate part.

        Raises
        ------
        DataError
            The training part has no validation query.
        """
        _, training_data = self.training_part
        if not self.timed:
            estimator = self._fit_before(self.cutoff)
            queries = training_data.queries
        else:
            at = training_data.choices.at
            validation_start = int(np.quantile(at[at < self.cutoff], 0.75))
            estimator = self._fit_before(validation_start)
            end = self.cutoff - int(self.params.horizon_days * DAY)  # relevant items must precede the cut-off too
            queries = training_data.queries.between(validation_start, end).sample(5_000, seed=0)
        if self.timed and len(queries) == 0:
            raise DataError(
                "recommendation: the training part has no query to validate on; provide a longer history or lower "
                f"params.horizon_days, now {self.params.horizon_days:g}"
            )
        lists = estimator.recommender.lists(queries.visitors, training_data.vehicles, k=LIST_LENGTH)
        yield float(np.nanmean(_ndcg(training_data, queries, lists)))

    def with_params(self, params: BaseModel) -> Self:
        """Return the same data with other parameters."""
        return replace(self, config=self.config.model_copy(update={"params": params}))

    def evaluate(self, estimator: RecommendationEstimator) -> Report:
        """Evaluate the lists for the held-out queries."""
        return evaluate_ranking(self, estimator, holdout=self.holdout)

    def save_holdout(self, folder: Path, fitted: Fitted[RecommendationEstimator]) -> None:
        """Write the held-out queries and the tables that they read."""
        self.holdout.write(folder)

    def feature_names(self, estimator: RecommendationEstimator) -> list[str]:
        """Return the columns of the ranker."""
        return list(estimator.recommender.columns)

    def example(self, estimator: RecommendationEstimator) -> dict[str, Any]:
        """Return an example request that names no person of the data."""
        stock = estimator.stock
        session = [{"vehicle_id": str(stock.vehicles.ids[0])}] if len(stock) else []
        stores = estimator.recommender.vocabularies.stores.names
        request: dict[str, Any] = {"n": LIST_LENGTH, "session": session}
        request |= {"store_id": stores[0]} if stores else {}
        if np.isfinite(estimator.profiles.budget).any():
            request["profile"] = {"budget_high": 200_000.0}
        return request

    def describe(self) -> DataSummary:
        """Return the numbers of choices, queries, items and stores, for `chehang check`."""
        _, training_data = self.training_part
        at, as_of = training_data.choices.at, training_data.queries.visitors.as_of
        vocabularies = training_data.vocabularies
        return {
            "examples": {
                "train": {"choices": int((at < self.cutoff).sum()), "queries": int((as_of < self.cutoff).sum())},
                "test": {"queries": int((as_of >= self.cutoff).sum())},
                "vocabulary": {"items": len(vocabularies.items), "stores": len(vocabularies.stores)},
            },
            "numeric": list(self.extra[0]),
            "categorical": list(vocabularies.categories),
            "leaks": (),
        }


def _ndcg(training_data: TrainingData, queries: Queries, lists: Any) -> FloatArray:
    item = np.append(training_data.vehicles.item, -1)[lists]
    return np.asarray(ndcg_at_k(np.where(item < queries.relevant.shape[1], item, -1), queries.relevant))

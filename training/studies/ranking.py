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
    """Data of a ranking study, with fitting, tuning and evaluation.

    Make one with ``RankingStudyData.read(load_config("recommendation"))``, after the imports of the example. `tables`
    has the source tables by name, `cutoff` the training cut-off (int, microseconds since 1970 UTC), `holdout` the
    held-out queries.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.ranking import RankingStudyData
    >>> study = RankingStudyData.read(load_config("recommendation"))  # doctest: +SKIP
    >>> fitted = study.fit()  # doctest: +SKIP
    >>> study.evaluate(fitted.evaluated).metrics["ndcg_at_10"].value  # doctest: +SKIP
    """

    def fit(self, *, progress: Progress | None = None) -> Fitted[RecommendationEstimator]:
        """Fit on the data before the cut-off; the same estimator is served and evaluated.

        Parameters
        ----------
        progress : callable, optional
            Called with one line of text for each step, such as `print`.

        Returns
        -------
        Fitted
            `served` and `evaluated`: one `ml.recommendation.estimator.RecommendationEstimator`.

        Raises
        ------
        DataError, ConfigError
            There are no choices, all lie at one instant, no query has a relevant item among its candidates, or a
            parameter is out of range.
        """
        estimator = self._fit_before(self.cutoff, progress=progress)
        return Fitted(estimator, estimator)

    def _fit_before(self, cutoff: int, *, progress: Progress | None = None) -> RecommendationEstimator:
        tables, training_data = self.training_part
        report = progress or (lambda text: None)
        return RecommendationEstimator.fit(
            tables, training_data, self.params, cutoff=cutoff, timed=self.timed, progress=report
        )

    def validation_scores(self) -> Iterator[float]:
        """Yield one number, the mean NDCG@10 (0 to 1) on validation queries inside the training part.

        The validation queries follow the first three quarters of the training choices, which the estimator is fitted
        on. Without time they are those of the calibrate part.

        Yields
        ------
        float
            Without unit, 0 to 1; higher is better.

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
        """Return the same data with other parameters.

        Parameters
        ----------
        params : ml.recommendation.params.RecommendationParams
            Such as ``study.params.model_copy(update={"candidates": 100})``, with `study` this object.

        Returns
        -------
        RankingStudyData
            Copy with the new `params`; the tables are not read again.
        """
        return replace(self, config=self.config.model_copy(update={"params": params}))

    def evaluate(self, estimator: RecommendationEstimator) -> Report:
        """Evaluate the lists of ten for the held-out queries.

        Parameters
        ----------
        estimator : RecommendationEstimator
            Fitted: ``study.fit().evaluated``, with `study` this object, or
            ``ml.champions.load(ml.champions.champion("recommendation")).estimator``.

        Returns
        -------
        ml.report.report.Report
            `metrics` by name (`value`, 95% interval `low` and `high`, `baseline`), `sections` with breakdowns (each has
            `name`, `title` and `rows`), and `notes`.
        """
        return evaluate_ranking(self, estimator, holdout=self.holdout)

    def save_holdout(self, folder: Path, fitted: Fitted[RecommendationEstimator]) -> None:
        """Write the held-out queries and the tables that they read as Parquet files.

        `training.studies.ranking_holdout.HoldoutSet.read` reads the folder.

        Parameters
        ----------
        folder : Path
            Existing folder; it gets `test_events.parquet`, `test_queries.parquet`, `test_extra.parquet` and a file for
            each other table.
        fitted : Fitted
            Not read: the queries do not depend on the model; None will do.
        """
        self.holdout.write(folder)

    def feature_names(self, estimator: RecommendationEstimator) -> list[str]:
        """Return the names of the columns of the ranker, in order; empty without a ranker.

        Parameters
        ----------
        estimator : RecommendationEstimator
            Fitted: ``study.fit().served``, with `study` this object, or
            ``ml.champions.load(ml.champions.champion("recommendation")).estimator``.
        """
        return list(estimator.recommender.columns)

    def example(self, estimator: RecommendationEstimator) -> dict[str, Any]:
        """Return the body of an example request to the route `recommendation` that names no person of the data.

        Parameters
        ----------
        estimator : RecommendationEstimator
            Fitted: ``study.fit().served``, with `study` this object, or
            ``ml.champions.load(ml.champions.champion("recommendation")).estimator``.

        Returns
        -------
        dict
            JSON values by field: `n` (10), `session` (one vehicle), and, if the data has them, `store_id` and `profile`
            (`budget_high` in yuan).
        """
        stock = estimator.stock
        session = [{"vehicle_id": str(stock.vehicles.ids[0])}] if len(stock) else []
        stores = estimator.recommender.vocabularies.stores.names
        request: dict[str, Any] = {"n": LIST_LENGTH, "session": session}
        request |= {"store_id": stores[0]} if stores else {}
        if np.isfinite(estimator.profiles.budget).any():
            request["profile"] = {"budget_high": 200_000.0}
        return request

    def describe(self) -> DataSummary:
        """Return the summary that `chehang check` prints.

        Returns
        -------
        dict
            `examples`: numbers of choices and queries by part, and of items and stores; `numeric` and `categorical`:
            names of columns; `leaks`: None.
        """
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
            "leaks": None,
        }


def _ndcg(training_data: TrainingData, queries: Queries, lists: Any) -> FloatArray:
    item = np.append(training_data.vehicles.item, -1)[lists]
    return np.asarray(ndcg_at_k(np.where(item < queries.relevant.shape[1], item, -1), queries.relevant))

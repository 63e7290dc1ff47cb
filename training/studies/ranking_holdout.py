"""Held-out queries, stored without identities, and the lists that models return for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from features.as_of import AS_OF
from features.engines import to_engine
from features.recommendation import PERSON
from ml.domain.arrays import FloatArray, IntArray
from ml.metrics import Interval
from ml.metrics.ranked_lists import mean_with_interval
from ml.recommendation.estimator import RecommendationEstimator
from ml.recommendation.params import RecommendationParams
from ml.recommendation.recommender import TrainingData
from ml.recommendation.training_tables import TrainingTables

LIST_LENGTH = 10


@dataclass(frozen=True)
class HoldoutSet:
    """Held-out queries with the source tables that any version needs to answer them; persons are numbered, not named.

    Make one with ``RankingData.read(load_config("recommendation")).build_holdout()``, after
    ``from training.config import load_config`` and ``from training.studies.ranking_data import RankingData``; `build`
    and `read` of this class return one too.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        `events` of the persons of the queries, and `vehicles` and `customers` if available.
    queries : DataFrame
        `person_id`, `as_of` (int64, microseconds since 1970 UTC), `midway` (bool: at the second choice of a visit) and
        further columns of the queries, sorted by person and time.
    extra : tuple of (sequence of str, sequence of str)
        Extra numeric and categorical columns of `vehicles`.
    """

    tables: Mapping[str, pl.DataFrame]
    queries: pl.DataFrame
    extra: tuple[Sequence[str], Sequence[str]]

    @classmethod
    def build(
        cls, tables: Mapping[str, pl.DataFrame], queries: pl.DataFrame, extra: tuple[Sequence[str], Sequence[str]]
    ) -> HoldoutSet:
        """Select the rows that the queries need and replace identities by numbers.

        Parameters
        ----------
        tables : mapping of str to DataFrame
            Source tables `events`, and `vehicles` and `customers` if available, in the columns of `features.tables`.
        queries : DataFrame
            `person_id`, `as_of` (int64, microseconds since 1970 UTC) and `midway` (bool), such as the attribute
            `queries` of `ml.recommendation.training_tables.TrainingTables`.
        extra : tuple of (sequence of str, sequence of str)
            Extra numeric and categorical columns of `vehicles`.

        Returns
        -------
        HoldoutSet
            `tables` has the events of these persons only, with the number of the person ('p0', ...) as `customer_id`.

        Examples
        --------
        >>> import polars as pl
        >>> from training.studies.ranking_holdout import HoldoutSet
        >>> events = {"event_at": [1, 2], "customer_id": ["Ann", "Bob"], "vehicle_id": ["v1", "v2"]}
        >>> queries = {"person_id": ["Bob"], "as_of": [2], "midway": [False]}
        >>> holdout = HoldoutSet.build({"events": pl.DataFrame(events)}, pl.DataFrame(queries), ((), ()))
        >>> holdout.tables["events"].rows(), holdout.queries["person_id"].to_list()
        ([('p0', 2, 'v2')], ['p0'])
        """
        events = tables["events"]
        names = queries[PERSON].unique().sort()
        alias = pl.DataFrame({PERSON: names, "alias": [f"p{i}" for i in range(len(names))]})
        who = [n for n in ("customer_id", "visitor_id") if n in events.columns]
        if len(who) == 2:
            registered = (
                events.drop_nulls(who).group_by("visitor_id").agg(pl.col("customer_id").min().alias("registered_as"))
            )
            events = events.join(registered, on="visitor_id", how="left", maintain_order="left")
            person = pl.coalesce("customer_id", "registered_as", "visitor_id")
        else:
            person = pl.col(who[0])
        event_columns = ("event_id", "event_at", "event_type", "vehicle_id", "session_id", "store_id")
        events = events.with_columns(person.alias(PERSON)).join(alias, on=PERSON, how="inner")
        events = events.select(pl.col("alias").alias("customer_id"), *(n for n in event_columns if n in events.columns))
        selected = {"events": events}
        if "vehicles" in tables:
            selected["vehicles"] = tables["vehicles"].drop("vin", "cost", strict=False)
        if "customers" in tables:
            preferences = ("created_at", "budget_low", "budget_high", "preferred_energy_type", "preferred_body_type")
            rows = tables["customers"].join(alias, left_on="customer_id", right_on=PERSON, how="inner")
            selected["customers"] = rows.select(
                pl.col("alias").alias("customer_id"), *(n for n in preferences if n in rows.columns)
            )
        queries = queries.join(alias, on=PERSON, how="inner").drop(PERSON).rename({"alias": PERSON})
        return cls(selected, queries.sort(PERSON, AS_OF), extra)

    def write(self, folder: Path) -> None:
        """Write the tables as `test_<name>.parquet`.

        Parameters
        ----------
        folder : Path
            Existing folder to write into.
        """
        for name, frame in (*self.tables.items(), ("queries", self.queries)):
            frame.write_parquet(folder / f"test_{name}.parquet")
        pl.DataFrame(
            {"extra": [list(self.extra[0]), list(self.extra[1])]}, schema={"extra": pl.List(pl.String)}
        ).write_parquet(folder / "test_extra.parquet")

    @classmethod
    def read(cls, folder: Path) -> HoldoutSet:
        """Return the set whose method `write` wrote the files in `folder`.

        Parameters
        ----------
        folder : Path
            Such as `folder` of ``with ml.champions.report_files(version) as folder:``.

        Returns
        -------
        HoldoutSet
            `tables` (DataFrames by name), `queries` (DataFrame) and `extra`.

        Raises
        ------
        KeyError
            The folder does not have the files.
        """
        tables = {p.stem.removeprefix("test_"): pl.read_parquet(p) for p in sorted(folder.glob("test_*.parquet"))}
        numeric, categorical = tables.pop("extra")["extra"].to_list()
        queries = tables.pop("queries")
        return cls(tables, queries, (numeric, categorical))

    def training_tables(self, params: RecommendationParams) -> TrainingTables:
        """Compute history and relevant items of the queries with the parameters of a version.

        Parameters
        ----------
        params : ml.recommendation.params.RecommendationParams
            Such as ``ml.champions.load(version).estimator.recommender.params``.

        Returns
        -------
        ml.recommendation.training_tables.TrainingTables
            DataFrames: `queries` are those of the set, `relevant` the items chosen after each (with grades), `history`
            those before it.
        """
        frames = to_engine({n: f.lazy() for n, f in self.tables.items()}, "polars")
        return TrainingTables.gather(frames, params, queries=self.queries, extra=self.extra)


@dataclass(frozen=True)
class EvaluatedLists:
    """Lists of one model for the held-out queries; returned by `EvaluatedLists.of`.

    Make one with ``EvaluatedLists.of(study.holdout, study.fit().evaluated)``, where
    ``study = RankingStudyData.read(load_config("recommendation"))``, after ``from training.config import load_config``,
    ``from training.studies.ranking import RankingStudyData`` and
    ``from training.studies.ranking_holdout import EvaluatedLists``.

    Attributes
    ----------
    holdout : HoldoutSet
        Held-out queries: `queries` and `tables`.
    tables : TrainingTables
        As returned by `holdout.training_tables` with the model's parameters.
    inputs : TrainingData
        The same, encoded with the model's vocabularies.
    lists : ndarray of int64, shape (n_queries, 10)
        Row numbers of `inputs.vehicles`, best first; -1 after the end of a list.
    """

    holdout: HoldoutSet
    tables: TrainingTables
    inputs: TrainingData
    lists: IntArray

    @classmethod
    def of(cls, holdout: HoldoutSet, estimator: RecommendationEstimator) -> EvaluatedLists:
        """Let a model answer the held-out queries.

        Parameters
        ----------
        holdout : HoldoutSet
            As returned by `training.studies.ranking_holdout.HoldoutSet.read`, or the attribute `holdout` of a
            `training.studies.ranking.RankingStudyData`.
        estimator : ml.recommendation.estimator.RecommendationEstimator
            Fitted: ``study.fit().evaluated``, with `study` of
            ``training.studies.ranking.RankingStudyData.read(config)``, or
            ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator``.

        Returns
        -------
        EvaluatedLists
            `lists`: row numbers of `inputs.vehicles`, shape (n_queries, 10), best first, -1 after the end of a list.
        """
        recommender = estimator.recommender
        tables = holdout.training_tables(recommender.params)
        inputs = tables.encode(recommender.vocabularies, recommender.params)
        lists = recommender.lists(inputs.queries.visitors, inputs.vehicles, k=LIST_LENGTH)
        return cls(holdout, tables, inputs, lists)

    def items(self, lists: IntArray | None = None) -> IntArray:
        """Return the item codes of the listed vehicles; -1 for an empty place, an unknown item or a repeated one.

        Parameters
        ----------
        lists : ndarray of int64, shape (n_queries, n_places), optional
            Row numbers of `inputs.vehicles`, -1 for an empty place; by default the attribute `lists`.

        Returns
        -------
        ndarray of int64, same shape
            Column numbers of the attribute `relevant`.
        """
        item = np.append(self.inputs.vehicles.item, -1)[self.lists if lists is None else lists]
        return _drop_repeats(np.where(item < len(self.inputs.vocabularies.items), item, -1))

    def translated(self, other: EvaluatedLists) -> IntArray:
        """Return the lists of another model for the same holdout as item codes of this one, matched by `vehicle_id`.

        Parameters
        ----------
        other : EvaluatedLists
            ``EvaluatedLists.of(holdout, other_estimator)``.

        Returns
        -------
        ndarray of int64, shape (n_queries, 10)
            Column numbers of `relevant`; -1 for an empty place, an unknown item or a repeated one.
        """
        place = {name: i for i, name in enumerate(self.inputs.vehicles.ids)}
        rows = np.array([place.get(name, -1) for name in other.inputs.vehicles.ids] + [-1], dtype=np.int64)
        return self.items(rows[other.lists])

    @property
    def relevant(self) -> sparse.csr_matrix:
        """Grades of the relevant items, csr_matrix of float64, shape (n_queries, n_items)."""
        return self.inputs.queries.relevant

    @property
    def rows(self) -> NDArray[np.intp]:
        """Row numbers of the queries with at least one relevant item in the model's vocabulary."""
        return np.flatnonzero(np.diff(self.relevant.indptr) > 0)


def _drop_repeats(items: IntArray) -> IntArray:
    """Set repeated items of a list to -1; vehicles of two items of another model may belong to one item of this model.

    >>> _drop_repeats(np.array([[3, 1, 3, -1]])).tolist()
    [[3, 1, -1, -1]]
    """
    order = np.argsort(items, axis=1, kind="stable")
    ordered = np.take_along_axis(items, order, axis=1)
    is_repeat = np.zeros(items.shape, dtype=bool)
    is_repeat[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    unique = items.copy()
    np.put_along_axis(unique, order, np.where(is_repeat, -1, ordered), axis=1)
    return unique


def by_person(values: FloatArray, person: NDArray[np.uint64]) -> FloatArray:
    """Average a metric per person; intervals resample people, because visits of one person are dependent.

    Parameters
    ----------
    values : ndarray of float64, shape (n_queries,)
        Metric of each query; NaN values are left out.
    person : ndarray of uint64, shape (n_queries,)
        Person number of each query, such as `EvaluatedLists.inputs.queries.person`.

    Returns
    -------
    ndarray of float64, shape (n_people,)
        Means, by ascending person number; persons without a finite value are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from training.studies.ranking_holdout import by_person
    >>> by_person(np.array([0.0, 1.0, 0.4, np.nan]), np.array([7, 7, 3, 9], dtype=np.uint64)).tolist()
    [0.4, 0.5]
    """
    finite = np.isfinite(values)
    _, code = np.unique(person[finite], return_inverse=True)
    return np.bincount(code, weights=values[finite]) / np.bincount(code)


def gain_over_champion(
    holdout: HoldoutSet, candidate: RecommendationEstimator, champion: RecommendationEstimator, *, metric: Any, n: int
) -> Interval:
    """Return the gain of a candidate over the champion on the held-out queries, with a bootstrap interval over people.

    Both are measured on the item vocabulary of the candidate.

    Parameters
    ----------
    holdout : HoldoutSet
        Held-out queries of the candidate, as returned by `training.studies.ranking_holdout.HoldoutSet.read`.
    candidate, champion : ml.recommendation.estimator.RecommendationEstimator
        Fitted: ``ml.champions.load(ml.champions.version("recommendation", 2)).estimator``, for example.
    metric : callable
        ``(lists, relevant) -> array of shape (n_queries,)``, such as `ml.metrics.ranked_lists.ndcg_at_k`.
    n : int
        Number of bootstrap resamples, at least 1.

    Returns
    -------
    ml.metrics.Interval
        `value`, `low` and `high` of the mean difference candidate minus champion, in the unit of the metric.
    """
    own, other = EvaluatedLists.of(holdout, candidate), EvaluatedLists.of(holdout, champion)
    rows, person = own.rows, own.inputs.queries.person
    candidate_values = np.asarray(metric(own.items()[rows], own.relevant[rows]))
    champion_values = np.asarray(metric(own.translated(other)[rows], own.relevant[rows]))
    return mean_with_interval(by_person(candidate_values - champion_values, person[rows]), n=n)

"""Questions held out, kept without names, and what models list in answer to them."""

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

LENGTH = 10


@dataclass(frozen=True)
class HoldoutSet:
    """Questions held out, with raw tables from which any model can build what it reads; nobody is named in them.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        Events of those who ask, under other names, all vehicles, and what the customers said.
    asked : DataFrame
        The questions.
    """

    tables: Mapping[str, pl.DataFrame]
    asked: pl.DataFrame
    extra: tuple[Sequence[str], Sequence[str]]

    @classmethod
    def keep(
        cls, tables: Mapping[str, pl.DataFrame], asked: pl.DataFrame, extra: tuple[Sequence[str], Sequence[str]]
    ) -> HoldoutSet:
        """Keep what the questions need."""
        events = tables["events"]
        names = asked[PERSON].unique().sort()
        alias = pl.DataFrame({PERSON: names, "alias": [f"p{i}" for i in range(len(names))]})
        who = [n for n in ("customer_id", "visitor_id") if n in events.columns]
        if len(who) == 2:
            known = events.drop_nulls(who).group_by("visitor_id").agg(pl.col("customer_id").min().alias("known_as"))
            events = events.join(known, on="visitor_id", how="left", maintain_order="left")
            person = pl.coalesce("customer_id", "known_as", "visitor_id")
        else:
            person = pl.col(who[0])
        kept = ("event_id", "event_at", "event_type", "vehicle_id", "session_id", "store_id")
        events = events.with_columns(person.alias(PERSON)).join(alias, on=PERSON, how="inner")
        events = events.select(pl.col("alias").alias("customer_id"), *(n for n in kept if n in events.columns))
        found = {"events": events}
        if "vehicles" in tables:
            found["vehicles"] = tables["vehicles"].drop("vin", "cost", strict=False)
        if "customers" in tables:
            said = ("created_at", "budget_low", "budget_high", "preferred_energy_type", "preferred_body_type")
            rows = tables["customers"].join(alias, left_on="customer_id", right_on=PERSON, how="inner")
            found["customers"] = rows.select(
                pl.col("alias").alias("customer_id"), *(n for n in said if n in rows.columns)
            )
        asked = asked.join(alias, on=PERSON, how="inner").drop(PERSON).rename({"alias": PERSON})
        return cls(found, asked.sort(PERSON, AS_OF), extra)

    def write(self, folder: Path) -> None:
        """Write as Parquet files."""
        for name, frame in (*self.tables.items(), ("asked", self.asked)):
            frame.write_parquet(folder / f"test_{name}.parquet")
        pl.DataFrame(
            {"extra": [list(self.extra[0]), list(self.extra[1])]}, schema={"extra": pl.List(pl.String)}
        ).write_parquet(folder / "test_extra.parquet")

    @classmethod
    def read(cls, folder: Path) -> HoldoutSet:
        """Restore what `write` wrote."""
        found = {p.stem.removeprefix("test_"): pl.read_parquet(p) for p in sorted(folder.glob("test_*.parquet"))}
        numeric, categorical = found.pop("extra")["extra"].to_list()
        return cls({n: f for n, f in found.items() if n != "asked"}, found["asked"], (numeric, categorical))

    def facts(self, params: RecommendationParams) -> TrainingTables:
        """As a model with these parameters reads it."""
        frames = to_engine({n: f.lazy() for n, f in self.tables.items()}, "polars")
        return TrainingTables.gather(frames, params, asked=self.asked, extra=self.extra)


@dataclass(frozen=True)
class EvaluatedLists:
    """Answers of one model to held-out questions that were answered by somebody.

    Attributes
    ----------
    facts, material
        As the model reads them.
    rows : ndarray of int64
        Questions of which something was wanted that the model could know.
    lists : ndarray of int64, shape (n_questions, 10)
        Vehicles, as rows of the material's.
    """

    holdout: HoldoutSet
    facts: TrainingTables
    material: TrainingData
    lists: IntArray

    @classmethod
    def of(cls, holdout: HoldoutSet, estimator: RecommendationEstimator) -> EvaluatedLists:
        """Let a model answer."""
        recommender = estimator.recommender
        facts = holdout.facts(recommender.params)
        material = facts.material(recommender.known, recommender.params)
        return cls(
            holdout, facts, material, recommender.lists(material.questions.visitors, material.vehicles, k=LENGTH)
        )

    def items(self, lists: IntArray | None = None) -> IntArray:
        """The items that the listed vehicles stand for; -1 for none."""
        item = np.append(self.material.vehicles.item, -1)[self.lists if lists is None else lists]
        return _once(np.where(item < len(self.material.known.items), item, -1))

    def translated(self, other: EvaluatedLists) -> IntArray:
        """The items, as this model knows them, that stand for the vehicles another model listed."""
        place = {name: i for i, name in enumerate(self.material.vehicles.ids)}
        rows = np.array([place.get(name, -1) for name in other.material.vehicles.ids] + [-1], dtype=np.int64)
        return self.items(rows[other.lists])

    @property
    def wanted(self) -> sparse.csr_matrix:
        """What was wanted."""
        return self.material.questions.wanted

    @property
    def rows(self) -> NDArray[np.intp]:
        """Questions of which something was wanted."""
        return np.flatnonzero(np.diff(self.wanted.indptr) > 0)


def _once(items: IntArray) -> IntArray:
    """Lists in which what stands a second time is empty: a model that knows finer items may list one of ours twice.

    >>> _once(np.array([[3, 1, 3, -1]])).tolist()
    [[3, 1, -1, -1]]
    """
    order = np.argsort(items, axis=1, kind="stable")
    ordered = np.take_along_axis(items, order, axis=1)
    again = np.zeros(items.shape, dtype=bool)
    again[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    found = items.copy()
    np.put_along_axis(found, order, np.where(again, -1, ordered), axis=1)
    return found


def by_person(values: FloatArray, person: NDArray[np.uint64]) -> FloatArray:
    """Mean of each person's questions: people, not visits, are what intervals are drawn over."""
    there = np.isfinite(values)
    _, code = np.unique(person[there], return_inverse=True)
    return np.bincount(code, weights=values[there]) / np.bincount(code)


def beats(
    holdout: HoldoutSet, candidate: RecommendationEstimator, champion: RecommendationEstimator, *, metric: Any, n: int
) -> Interval:
    """Gain of a candidate over a champion on the same questions, in terms of what the candidate knows."""
    mine, other = EvaluatedLists.of(holdout, candidate), EvaluatedLists.of(holdout, champion)
    rows, person = mine.rows, mine.material.questions.person
    own = np.asarray(metric(mine.items()[rows], mine.wanted[rows]))
    theirs = np.asarray(metric(mine.translated(other)[rows], mine.wanted[rows]))
    return mean_with_interval(by_person(own - theirs, person[rows]), n=n)

"""Two stages learnt as they will be used: retrievers from the past, the ranker from what came after it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from features.aggregations import DAY
from features.errors import DataError
from ml.artefacts.json_files import content_of
from ml.artefacts.npz import from_npz, to_npz
from ml.domain.arrays import FloatArray, IntArray
from ml.estimators.ranking_trees import RankingTrees
from ml.estimators.retrievers.blend import blend_scores, choose_weights
from ml.recommendation.catalogue import Items, Vehicles, Vocabularies
from ml.recommendation.choices import Choices
from ml.recommendation.params import RecommendationParams
from ml.recommendation.questions import Offered, Questions, offered
from ml.recommendation.ranking_features import Tastes, pair_columns
from ml.recommendation.retrieval import Retrieval
from ml.recommendation.visitors import Visitors

Say = Callable[[str], None]
STATE, ITEMS = "recommender.json", "items.npz"
# The ranker learns from the last part of the training span; retrievers must not have seen what it is asked there.
RANKER_SHARE = 0.4
BLEND_QUESTIONS = 8_000  # on which the weights of a blend are chosen
CHUNK = 4_000  # visitors whose scores of every item are held at once


@dataclass(frozen=True)
class TrainingData:
    """What there is to learn from.

    Attributes
    ----------
    known : Vocabularies
        Items, categories and stores, learnt from the training span.
    vehicles : Vehicles
        Everything that was on offer at some time.
    choices : Choices
    questions : Questions
    """

    known: Vocabularies
    vehicles: Vehicles
    choices: Choices
    questions: Questions


@dataclass(frozen=True)
class Recommender:
    """Retrievers and ranker, fitted.

    Attributes
    ----------
    trees : RankingTrees or None
        None where the data has no time, so that no past can teach what comes next: then the retrievers' scores are
        added up by `weights`.
    columns : tuple of str
        What the ranker reads, in order (see `ml.recommendation.ranking_features`).
    weights : mapping of str to float
        Of each retriever, where there is no ranker.
    """

    params: RecommendationParams
    known: Vocabularies
    items: Items
    retrieval: Retrieval
    trees: RankingTrees | None
    columns: tuple[str, ...]
    weights: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def fit(cls, material: TrainingData, params: RecommendationParams, *, until: int, say: Say) -> Self:
        """Learn from everything before an instant.

        Parameters
        ----------
        material : TrainingData
            May reach beyond `until`; nothing of that is used.
        params : RecommendationParams
        until : int
            us.
        say : callable
            Told one line per step.

        Raises
        ------
        DataError
            There is too little to learn from.
        ConfigError
            A parameter that cannot be used.
        """
        known, choices, vehicles = material.known, material.choices.before(until), material.vehicles
        listed = np.flatnonzero(vehicles.listed_at < until)
        items = Items.of(vehicles.take(listed), known)
        middle = _middle(choices, until)
        sizes = {"n_items": len(known.items), "n_stores": len(known.stores)}
        earlier = Retrieval.fit(choices.before(middle), params, as_of=middle, say=say, **sizes)
        asked = material.questions.between(middle, until - int(params.horizon_days * DAY))
        asked = asked.take(np.flatnonzero(np.diff(asked.wanted.indptr) > 0)).sample(params.questions, seed=0)
        if len(asked) == 0:
            raise DataError(
                f"recommendation: no question between the middle of the training span and {params.horizon_days:g} days "
                "before its end was answered; give more history, or a shorter params.horizon_days"
            )
        say(f"fitting the ranker on {len(asked):,} questions")
        learner = cls(params, known, items, earlier, None, ())
        matrix, pairs, columns = learner.candidates(asked.visitors, vehicles)
        grades = _cells(asked.wanted, pairs.visitor, vehicles.item[pairs.vehicle])
        told = np.bincount(pairs.visitor, weights=grades, minlength=len(asked)) > 0
        if not told.any():
            raise DataError("recommendation: nothing that was wanted was ever a candidate; raise params.candidates")
        kept = told[pairs.visitor]
        # What a retriever thinks more of is never ranked lower for that: few questions teach a small catalogue enough.
        rising = {i: 1 for i, name in enumerate(columns) if name.endswith("_score")}
        trees = RankingTrees(**params.ranker.model_dump(), monotone=rising)
        trees.fit(matrix[kept], grades[kept], pairs.sizes[told])
        final = Retrieval.fit(choices, params, as_of=until, say=say, **sizes)
        return cls(params, known, items, final, trees, columns)

    @classmethod
    def fit_blend(cls, material: TrainingData, params: RecommendationParams, *, until: int, say: Say) -> Self:
        """Learn where the data has no time: retrievers from before `until`, their weights from the questions at it.

        Raises
        ------
        DataError, ConfigError
            As for `fit`.
        """
        known, choices = material.known, material.choices.before(until)
        sizes = {"n_items": len(known.items), "n_stores": len(known.stores)}
        retrieval = Retrieval.fit(choices, params, as_of=until, say=say, **sizes)
        asked = material.questions.take(np.flatnonzero(np.diff(material.questions.wanted.indptr) > 0))
        asked = asked.sample(BLEND_QUESTIONS, seed=0)
        say(f"choosing the weights of {len(retrieval.by_taste) + 1} retrievers on {len(asked):,} questions")
        scores = {n: t[:, :-1].astype(np.float32) for n, t in retrieval.scores(asked.visitors).items()}
        scores.pop("store_popularity")
        mask = sparse.csr_matrix(asked.wanted.shape) if params.repeat else asked.visitors.history
        weights = choose_weights(scores, asked.wanted, mask=mask)
        return cls(params, known, Items.of(material.vehicles, known), retrieval, None, (), weights)

    def candidates(self, visitors: Visitors, vehicles: Vehicles) -> tuple[FloatArray, Offered, tuple[str, ...]]:
        """The vehicles worth ranking for each visitor, and the ranker's matrix of them.

        Of what is on offer, the best by each retriever. The ranker learns from these alone: what was wanted but is no
        candidate would teach it that what all retrievers think little of is wanted.
        """
        found = offered(visitors, vehicles)
        parts: list[dict[str, FloatArray]] = []
        kept: list[NDArray[np.intp]] = []
        ends = np.cumsum(found.sizes)
        for begin in range(0, len(visitors), CHUNK):
            rows = np.arange(begin, min(begin + CHUNK, len(visitors)))
            some = visitors.take(rows)
            low, high = int(ends[begin - 1]) if begin else 0, int(ends[rows[-1]])
            visitor, vehicle = found.visitor[low:high] - begin, found.vehicle[low:high]
            scores = self.retrieval.scores(some)
            item = vehicles.item[vehicle]
            keep = _best_of_each(visitor, {n: t[visitor, item] for n, t in scores.items()}, most=self.params.candidates)
            if not self.params.repeat:
                keep &= _cells(some.history, visitor, item) == 0
            place = np.flatnonzero(keep)
            tastes = Tastes.of(some, self.items, {n: len(v) for n, v in self.known.categories.items()})
            pair = {"visitor": visitor[place], "vehicle": vehicle[place]}
            parts.append(
                pair_columns(
                    some, vehicles, tastes, self.items, scores=scores | self.retrieval.visit_scores(some), **pair
                )
            )
            kept.append(place + low)
        rows_kept = np.concatenate(kept) if kept else np.empty(0, dtype=np.intp)
        names = self.columns or (tuple(parts[0]) if parts else ())  # once fitted, what it was fitted on
        matrix = (
            np.column_stack([np.concatenate([p[n] for p in parts]) for n in names])
            if parts
            else np.empty((0, len(names)))
        )
        sizes = np.bincount(found.visitor[rows_kept], minlength=len(visitors))
        return np.ascontiguousarray(matrix), Offered(found.visitor[rows_kept], found.vehicle[rows_kept], sizes), names

    def rank(self, visitors: Visitors, vehicles: Vehicles) -> tuple[Offered, FloatArray]:
        """Candidates of each visitor and their scores; only the order within one visitor has a meaning."""
        if self.trees is None:
            return self._blended(visitors, vehicles)
        matrix, pairs, _ = self.candidates(visitors, vehicles)
        return pairs, self.trees.score_rows(matrix) if len(matrix) else np.empty(0)

    def _blended(self, visitors: Visitors, vehicles: Vehicles) -> tuple[Offered, FloatArray]:
        found = offered(visitors, vehicles)
        ends = np.cumsum(found.sizes)
        scores = np.empty(len(found.visitor))
        for begin in range(0, len(visitors), CHUNK):
            rows = np.arange(begin, min(begin + CHUNK, len(visitors)))
            low, high = int(ends[begin - 1]) if begin else 0, int(ends[rows[-1]])
            table = self.blended(visitors.take(rows))
            scores[low:high] = table[found.visitor[low:high] - begin, vehicles.item[found.vehicle[low:high]]]
        if self.params.repeat:
            return found, scores
        kept = np.flatnonzero(_cells(visitors.history, found.visitor, vehicles.item[found.vehicle]) == 0)
        sizes = np.bincount(found.visitor[kept], minlength=len(visitors))
        return Offered(found.visitor[kept], found.vehicle[kept], sizes), scores[kept]

    def blended(self, visitors: Visitors) -> FloatArray:
        """The retrievers' weighted scores of every item, shape (n_visitors, n_items + 1); the last column is worst."""
        tables = self.retrieval.scores(visitors)
        total = blend_scores({n: tables[n][:, :-1].astype(np.float32) for n in self.weights}, self.weights)
        return np.column_stack([total, np.full(len(total), -np.inf)]).astype(np.float64)

    def lists(self, visitors: Visitors, vehicles: Vehicles, *, k: int) -> IntArray:
        """The k best vehicles of each visitor as rows of `vehicles`, best first; -1 where there are fewer."""
        return best_of_each(*self.rank(visitors, vehicles), k=k, n=len(visitors))

    def to_files(self) -> dict[str, bytes]:
        """Write what was learned as native files."""
        state = {
            "params": self.params.model_dump(mode="json"),
            "known": self.known.to_json(),
            "columns": list(self.columns),
            "weights": dict(self.weights),
        }
        arrays = {"log_price": self.items.log_price, "first_at": self.items.first_at}
        arrays |= {f"code_{n}": codes for n, codes in self.items.codes.items()}
        files = {STATE: json.dumps(state, ensure_ascii=False).encode(), ITEMS: to_npz(arrays)}
        return files | self.retrieval.to_files() | (self.trees.to_files() if self.trees else {})

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        state: dict[str, Any] = json.loads(content_of(files, STATE))
        arrays: dict[str, Any] = dict(from_npz(content_of(files, ITEMS), ITEMS))
        codes = {n.removeprefix("code_"): a for n, a in arrays.items() if n.startswith("code_")}
        return cls(
            RecommendationParams.model_validate(state["params"]),
            Vocabularies.from_json(state["known"]),
            Items(codes, arrays["log_price"], arrays["first_at"]),
            Retrieval.from_files(files),
            None if state["weights"] else RankingTrees.from_files(files),
            tuple(state["columns"]),
            state["weights"],
        )


def best_of_each(pairs: Offered, scores: FloatArray, *, k: int, n: int) -> IntArray:
    """The k best vehicles of each of n visitors, best first; -1 where there are fewer.

    >>> pairs = Offered(np.array([0, 0, 1]), np.array([5, 6, 7]), np.array([2, 1]))
    >>> best_of_each(pairs, np.array([0.1, 0.2, 0.3]), k=2, n=2).tolist()
    [[6, 5], [7, -1]]
    """
    order = np.lexsort((-scores, pairs.visitor))
    starts = np.cumsum(pairs.sizes) - pairs.sizes
    visitor = pairs.visitor[order]
    place = np.arange(len(order)) - starts[visitor]
    first = np.flatnonzero(place < k)
    found = np.full((n, k), -1, dtype=np.int64)
    found[visitor[first], place[first]] = pairs.vehicle[order[first]]
    return found


def _middle(choices: Choices, until: int) -> int:
    """The instant from which the ranker learns: the last part of the choices lies after it."""
    if len(choices) == 0:
        raise DataError("recommendation: nothing was chosen in the training span; check events and params.grades")
    middle = int(np.quantile(choices.at, 1 - RANKER_SHARE))
    if not choices.at.min() < middle < until:
        raise DataError("recommendation: all choices lie at one instant, so there is no past to learn from")
    return middle


def _cells(matrix: sparse.csr_matrix, row: IntArray, item: IntArray) -> FloatArray:
    """Values of cells; 0 for items beyond the matrix."""
    found = np.zeros(len(row))
    inside = np.flatnonzero(item < matrix.shape[1])
    if len(inside):
        found[inside] = np.asarray(matrix[row[inside], item[inside]]).ravel()
    return found


def _best_of_each(visitor: IntArray, scores: Mapping[str, FloatArray], *, most: int) -> NDArray[np.bool_]:
    """Pairs that are among the best of their visitor by some retriever, so many by each that `most` are not exceeded.

    >>> _best_of_each(np.array([0, 0, 0]), {"a": np.array([3.0, 2, 1]), "b": np.array([1.0, 2, 3])}, most=2).tolist()
    [True, False, True]
    """
    counts = np.bincount(visitor) if len(visitor) else np.zeros(0, dtype=np.int64)
    keep = np.zeros(len(visitor), dtype=bool)
    if len(counts) == 0 or counts.max() <= most:
        return ~keep
    starts = np.cumsum(counts) - counts
    for score in scores.values():
        order = np.lexsort((-score, visitor))
        rank = np.arange(len(order)) - starts[visitor[order]]
        keep[order[rank < max(1, most // len(scores))]] = True
    return keep

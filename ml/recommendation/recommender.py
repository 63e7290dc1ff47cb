"""Two stages learnt as they will be used: retrievers from the past, the ranker from what came after it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from features.as_of import DAY
from features.errors import DataError
from ml.estimators.artefact import content_of
from ml.estimators.ranking_trees import RankingTrees
from ml.estimators.retrievers.npz import from_npz, to_npz
from ml.recommendation.catalogue import Floats, Ints, Items, Vehicles, Vocabularies
from ml.recommendation.choices import Choices
from ml.recommendation.pairs import Tastes, pair_columns
from ml.recommendation.params import RecommendationParams
from ml.recommendation.questions import Offered, Questions, offered
from ml.recommendation.retrieval import Retrieval
from ml.recommendation.visitors import Visitors

Say = Callable[[str], None]
STATE, ITEMS = "recommender.json", "items.npz"
# The ranker learns from the last part of the training span; retrievers must not have seen what it is asked there.
RANKER_SHARE = 0.4
CHUNK = 4_000  # visitors whose scores of every item are held at once


@dataclass(frozen=True)
class Material:
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
    columns : tuple of str
        What the ranker reads, in order (see `ml.recommendation.pairs`).
    """

    params: RecommendationParams
    known: Vocabularies
    items: Items
    retrieval: Retrieval
    trees: RankingTrees
    columns: tuple[str, ...]

    @classmethod
    def fit(cls, material: Material, params: RecommendationParams, *, until: int, say: Say) -> Self:
        """Learn from everything before an instant.

        Parameters
        ----------
        material : Material
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
        learner = cls(params, known, items, earlier, RankingTrees(**params.ranker.model_dump()), ())
        matrix, pairs, columns = learner.candidates(asked.visitors, vehicles, wanted=asked.wanted)
        grades = _cells(asked.wanted, pairs.visitor, vehicles.item[pairs.vehicle])
        learner.trees.fit(matrix, grades, pairs.sizes)
        final = Retrieval.fit(choices, params, as_of=until, say=say, **sizes)
        return cls(params, known, items, final, learner.trees, columns)

    def candidates(
        self, visitors: Visitors, vehicles: Vehicles, *, wanted: sparse.csr_matrix | None = None
    ) -> tuple[Floats, Offered, tuple[str, ...]]:
        """The vehicles worth ranking for each visitor, and the ranker's matrix of them.

        Of what is on offer, the best by each retriever; where the ranker learns, also what was wanted.
        """
        found = offered(visitors, vehicles)
        parts: list[dict[str, Floats]] = []
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
            if wanted is not None:
                keep |= _cells(wanted[rows], visitor, item) > 0
            place = np.flatnonzero(keep)
            tastes = Tastes.of(some, self.items, {n: len(v) for n, v in self.known.categories.items()})
            pair = {"visitor": visitor[place], "vehicle": vehicle[place]}
            parts.append(pair_columns(some, vehicles, tastes, self.items, scores=scores, **pair))
            kept.append(place + low)
        rows_kept = np.concatenate(kept) if kept else np.empty(0, dtype=np.intp)
        names = tuple(parts[0]) if parts else self.columns
        matrix = (
            np.column_stack([np.concatenate([p[n] for p in parts]) for n in names])
            if parts
            else np.empty((0, len(names)))
        )
        sizes = np.bincount(found.visitor[rows_kept], minlength=len(visitors))
        return np.ascontiguousarray(matrix), Offered(found.visitor[rows_kept], found.vehicle[rows_kept], sizes), names

    def rank(self, visitors: Visitors, vehicles: Vehicles) -> tuple[Offered, Floats]:
        """Candidates of each visitor and their scores; only the order within one visitor has a meaning."""
        matrix, pairs, _ = self.candidates(visitors, vehicles)
        return pairs, self.trees.score_rows(matrix) if len(matrix) else np.empty(0)

    def item_scores(self, visitors: Visitors, vehicles: Vehicles) -> Floats:
        """Score of every item for each visitor; minus infinity for what is no candidate. For evaluation."""
        pairs, scores = self.rank(visitors, vehicles)
        table = np.full((len(visitors), len(self.known.items) + 1), -np.inf)
        np.maximum.at(table, (pairs.visitor, vehicles.item[pairs.vehicle]), scores)
        return table[:, :-1]

    def to_files(self) -> dict[str, bytes]:
        """Write what was learned as native files."""
        state = {
            "params": self.params.model_dump(mode="json"),
            "known": self.known.to_json(),
            "columns": list(self.columns),
        }
        arrays = {"log_price": self.items.log_price, "first_at": self.items.first_at}
        arrays |= {f"code_{n}": codes for n, codes in self.items.codes.items()}
        files = {STATE: json.dumps(state, ensure_ascii=False).encode(), ITEMS: to_npz(arrays)}
        return files | self.retrieval.to_files() | self.trees.to_files()

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
            RankingTrees.from_files(files),
            tuple(state["columns"]),
        )


def _middle(choices: Choices, until: int) -> int:
    """The instant from which the ranker learns: the last part of the choices lies after it."""
    if len(choices) == 0:
        raise DataError("recommendation: nothing was chosen in the training span; check events and params.grades")
    middle = int(np.quantile(choices.at, 1 - RANKER_SHARE))
    if not choices.at.min() < middle < until:
        raise DataError("recommendation: all choices lie at one instant, so there is no past to learn from")
    return middle


def _cells(matrix: sparse.csr_matrix, row: Ints, item: Ints) -> Floats:
    """Values of cells; 0 for items beyond the matrix."""
    found = np.zeros(len(row))
    inside = np.flatnonzero(item < matrix.shape[1])
    if len(inside):
        found[inside] = np.asarray(matrix[row[inside], item[inside]]).ravel()
    return found


def _best_of_each(visitor: Ints, scores: Mapping[str, Floats], *, most: int) -> NDArray[np.bool_]:
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

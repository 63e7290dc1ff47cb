"""Two-stage recommender: retrievers select candidates, a LambdaRank model orders them.

The ranker is fitted on queries that are later than every interaction its retrievers were fitted on; otherwise their
scores would contain the outcome. The retrievers are then refitted on the whole training span.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from ml.recommendation.queries import CandidatePairs, Queries, candidate_pairs
from ml.recommendation.ranking_features import Tastes, pair_columns
from ml.recommendation.retrieval import Progress, Retrieval
from ml.recommendation.visitors import Visitors

STATE, ITEMS = "recommender.json", "items.npz"
RANKER_SHARE = 0.4  # share of the choices, latest first, whose queries train the ranker
BLEND_QUERIES = 8_000  # a larger sample hardly changes the weights of the blend
CHUNK = 4_000  # visitors scored at once; bounds memory


@dataclass(frozen=True)
class TrainingData:
    """Encoded tables, as returned by `ml.recommendation.training_tables.TrainingTables.encode`.

    Attributes
    ----------
    vocabularies : Vocabularies
        Items, categories and stores of the training span.
    vehicles : Vehicles
        All vehicles that were on offer at any time.
    choices : Choices
        All interactions.
    queries : Queries
        All queries, with their relevant items.
    """

    vocabularies: Vocabularies
    vehicles: Vehicles
    choices: Choices
    queries: Queries


@dataclass(frozen=True)
class Recommender:
    """Fitted retrievers and ranker; returned by `Recommender.fit` and `Recommender.fit_blend`.

    ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator.recommender`` is one.

    Attributes
    ----------
    params : RecommendationParams
        Parameters it was fitted with.
    vocabularies : Vocabularies
        Items, categories and stores of the training span.
    items, retrieval : Items, Retrieval
        Attributes of each item; fitted retrievers.
    trees : RankingTrees or None
        Fitted ranker; None for data without time, where `weights` blend the retrievers' scores instead.
    columns : tuple of str
        Columns of the ranker, in order, as named by `ml.recommendation.ranking_features.pair_columns`.
    weights : mapping of str to float
        Blend weight of each retriever; empty if there is a ranker.
    """

    params: RecommendationParams
    vocabularies: Vocabularies
    items: Items
    retrieval: Retrieval
    trees: RankingTrees | None
    columns: tuple[str, ...]
    weights: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def fit(cls, training_data: TrainingData, params: RecommendationParams, *, cutoff: int, progress: Progress) -> Self:
        """Fit retrievers and ranker on the data before a cut-off.

        Parameters
        ----------
        training_data : TrainingData
            As returned by `ml.recommendation.training_tables.TrainingTables.encode`; rows at or after `cutoff` are
            ignored.
        params : RecommendationParams
            `ml.recommendation.params.RecommendationParams`, the section `params` of `configs/recommendation.yaml`.
        cutoff : int
            Training cut-off (microseconds since 1970 UTC).
        progress : callable
            Called with one line of text per step, such as `print`.

        Raises
        ------
        DataError
            No choices, choices at one instant only, or no query with a relevant item among its candidates.
        ConfigError
            A parameter is out of range.
        """
        vocabularies, vehicles = training_data.vocabularies, training_data.vehicles
        choices = training_data.choices.before(cutoff)
        listed = np.flatnonzero(vehicles.listed_at < cutoff)
        items = Items.of(vehicles.take(listed), vocabularies)
        ranker_start = _ranker_start(choices, cutoff)
        sizes = {"n_items": len(vocabularies.items), "n_stores": len(vocabularies.stores)}
        earlier = Retrieval.fit(choices.before(ranker_start), params, as_of=ranker_start, progress=progress, **sizes)
        queries = training_data.queries.between(ranker_start, cutoff - int(params.horizon_days * DAY))
        queries = queries.take(np.flatnonzero(np.diff(queries.relevant.indptr) > 0))
        queries = queries.sample(params.max_queries, seed=0)
        if len(queries) == 0:
            raise DataError(
                f"recommendation: none of the queries in the last {RANKER_SHARE:.0%} of the training choices, up to "
                f"{params.horizon_days:g} days before the cut-off, is followed by a choice; provide a longer history "
                "or lower params.horizon_days"
            )
        progress(f"fitting the ranker on {len(queries):,} queries")
        untrained = cls(params, vocabularies, items, earlier, None, ())
        matrix, pairs, columns = untrained.candidates(queries.visitors, vehicles)
        grades = _cell_values(queries.relevant, pairs.visitor, vehicles.item[pairs.vehicle])
        has_relevant = np.bincount(pairs.visitor, weights=grades, minlength=len(queries)) > 0
        if not has_relevant.any():
            raise DataError(
                "recommendation: no relevant item is among the candidates of its query; raise params.candidates, now "
                f"{params.candidates}"
            )
        rows = has_relevant[pairs.visitor]
        # Monotone in every retriever's score: a small catalogue has too few queries to learn this from.
        rising = {i: 1 for i, name in enumerate(columns) if name.endswith("_score")}
        trees = RankingTrees(**params.ranker.model_dump(), monotone=rising)
        trees.fit(matrix[rows], grades[rows], pairs.sizes[has_relevant])
        final = Retrieval.fit(choices, params, as_of=cutoff, progress=progress, **sizes)
        return cls(params, vocabularies, items, final, trees, columns)

    @classmethod
    def fit_blend(
        cls, training_data: TrainingData, params: RecommendationParams, *, cutoff: int, progress: Progress
    ) -> Self:
        """Fit for data without time: retrievers on the choices before `cutoff`, blend weights on the queries at it.

        Parameters
        ----------
        training_data : TrainingData
            As returned by `ml.recommendation.training_tables.TrainingTables.encode`; all queries are at `cutoff`.
        params : RecommendationParams
            An `ml.recommendation.params.RecommendationParams`.
        cutoff : int
            Training cut-off (microseconds since 1970 UTC).
        progress : callable
            Called with one line of text per step, such as `print`.

        Raises
        ------
        DataError, ConfigError
            No choice precedes `cutoff`; a parameter is out of range.
        """
        vocabularies, choices = training_data.vocabularies, training_data.choices.before(cutoff)
        sizes = {"n_items": len(vocabularies.items), "n_stores": len(vocabularies.stores)}
        retrieval = Retrieval.fit(choices, params, as_of=cutoff, progress=progress, **sizes)
        queries = training_data.queries.take(np.flatnonzero(np.diff(training_data.queries.relevant.indptr) > 0))
        queries = queries.sample(BLEND_QUERIES, seed=0)
        progress(f"choosing the weights of {len(retrieval.collaborative) + 1} retrievers on {len(queries):,} queries")
        scores = {n: t[:, :-1].astype(np.float32) for n, t in retrieval.scores(queries.visitors).items()}
        scores.pop("store_popularity")
        mask = sparse.csr_matrix(queries.relevant.shape) if params.repeat else queries.visitors.history
        weights = choose_weights(scores, queries.relevant, mask=mask)
        return cls(params, vocabularies, Items.of(training_data.vehicles, vocabularies), retrieval, None, (), weights)

    def candidates(self, visitors: Visitors, vehicles: Vehicles) -> tuple[FloatArray, CandidatePairs, tuple[str, ...]]:
        """Select the candidates of each visitor and compute the ranker's columns.

        A candidate is a vehicle on offer that is among the best of at least one retriever. The ranker is fitted on
        candidates only: a relevant item that every retriever scores low would teach it to prefer low scores.

        Parameters
        ----------
        visitors, vehicles : Visitors, Vehicles
            As returned by `ml.recommendation.visitors.encode_visitors` and by
            `ml.recommendation.catalogue.Vehicles.encode`, both with the attribute `vocabularies`.

        Returns
        -------
        matrix : ndarray of float64, shape (n_pairs, n_columns)
            Scores, shares of the history, log prices (yuan), days and flags, by `columns`; NaN where missing.
        pairs : CandidatePairs
            Row numbers `visitor` and `vehicle` of each row of `matrix`; `sizes`, the number of rows of each visitor.
        columns : tuple of str
            Names of the columns of `matrix`.
        """
        offers = candidate_pairs(visitors, vehicles)
        parts: list[dict[str, FloatArray]] = []
        selected: list[NDArray[np.intp]] = []
        ends = np.cumsum(offers.sizes)
        for begin in range(0, len(visitors), CHUNK):
            rows = np.arange(begin, min(begin + CHUNK, len(visitors)))
            some = visitors.take(rows)
            low, high = int(ends[begin - 1]) if begin else 0, int(ends[rows[-1]])
            visitor, vehicle = offers.visitor[low:high] - begin, offers.vehicle[low:high]
            scores = self.retrieval.scores(some)
            item = vehicles.item[vehicle]
            keep = _top_per_retriever(
                visitor, {n: t[visitor, item] for n, t in scores.items()}, limit=self.params.candidates
            )
            if not self.params.repeat:
                keep &= _cell_values(some.history, visitor, item) == 0
            place = np.flatnonzero(keep)
            tastes = Tastes.of(some, self.items, {n: len(v) for n, v in self.vocabularies.categories.items()})
            pair = {"visitor": visitor[place], "vehicle": vehicle[place]}
            parts.append(
                pair_columns(
                    some, vehicles, tastes, self.items, scores=scores | self.retrieval.visit_scores(some), **pair
                )
            )
            selected.append(place + low)
        pair_rows = np.concatenate(selected) if selected else np.empty(0, dtype=np.intp)
        names = self.columns or (tuple(parts[0]) if parts else ())  # a fitted ranker fixes the columns and their order
        matrix = (
            np.column_stack([np.concatenate([p[n] for p in parts]) for n in names])
            if parts
            else np.empty((0, len(names)))
        )
        sizes = np.bincount(offers.visitor[pair_rows], minlength=len(visitors))
        pairs = CandidatePairs(offers.visitor[pair_rows], offers.vehicle[pair_rows], sizes)
        return np.ascontiguousarray(matrix), pairs, names

    def rank(self, visitors: Visitors, vehicles: Vehicles) -> tuple[CandidatePairs, FloatArray]:
        """Return the candidates of each visitor, and their scores.

        Parameters
        ----------
        visitors, vehicles : Visitors, Vehicles
            As returned by `ml.recommendation.visitors.encode_visitors` and by
            `ml.recommendation.catalogue.Vehicles.encode`, both with the attribute `vocabularies`.

        Returns
        -------
        pairs : CandidatePairs
            Row numbers `visitor` and `vehicle` of each pair; `sizes`, the number of pairs of each visitor.
        scores : ndarray of float64, shape (n_pairs,)
            Higher is better; comparable within a visitor only.
        """
        if self.trees is None:
            return self._rank_by_blend(visitors, vehicles)
        matrix, pairs, _ = self.candidates(visitors, vehicles)
        return pairs, self.trees.score_rows(matrix) if len(matrix) else np.empty(0)

    def _rank_by_blend(self, visitors: Visitors, vehicles: Vehicles) -> tuple[CandidatePairs, FloatArray]:
        pairs = candidate_pairs(visitors, vehicles)
        ends = np.cumsum(pairs.sizes)
        scores = np.empty(len(pairs.visitor))
        for begin in range(0, len(visitors), CHUNK):
            rows = np.arange(begin, min(begin + CHUNK, len(visitors)))
            low, high = int(ends[begin - 1]) if begin else 0, int(ends[rows[-1]])
            table = self.blended_scores(visitors.take(rows))
            scores[low:high] = table[pairs.visitor[low:high] - begin, vehicles.item[pairs.vehicle[low:high]]]
        if self.params.repeat:
            return pairs, scores
        new = np.flatnonzero(_cell_values(visitors.history, pairs.visitor, vehicles.item[pairs.vehicle]) == 0)
        sizes = np.bincount(pairs.visitor[new], minlength=len(visitors))
        return CandidatePairs(pairs.visitor[new], pairs.vehicle[new], sizes), scores[new]

    def blended_scores(self, visitors: Visitors) -> FloatArray:
        """Return the weighted sum of the retrievers' scores, shape (n_visitors, n_items + 1), for a fit by `fit_blend`.

        The last column stands for items outside the vocabulary and is -inf.

        Parameters
        ----------
        visitors : Visitors
            As returned by `ml.recommendation.visitors.encode_visitors` with the attribute `vocabularies`.
        """
        tables = self.retrieval.scores(visitors)
        total = blend_scores({n: tables[n][:, :-1].astype(np.float32) for n in self.weights}, self.weights)
        return np.column_stack([total, np.full(len(total), -np.inf)]).astype(np.float64)

    def lists(self, visitors: Visitors, vehicles: Vehicles, *, k: int) -> IntArray:
        """Return the k best vehicles of each visitor, as row numbers of `vehicles`.

        Parameters
        ----------
        visitors : Visitors
            As returned by `ml.recommendation.visitors.encode_visitors` with the attribute `vocabularies`.
        vehicles : Vehicles
            As returned by `ml.recommendation.catalogue.Vehicles.encode` with the attribute `vocabularies`.
        k : int
            Length of the lists.

        Returns
        -------
        ndarray of int64, shape (n_visitors, k)
            Best first; -1 after the last candidate.

        Examples
        --------
        >>> import polars as pl
        >>> from features.engines import to_engine
        >>> from ml.recommendation.params import RecommendationParams
        >>> from ml.recommendation.training_tables import TrainingTables
        >>> cars = pl.LazyFrame({"vehicle_id": ["v1", "v2"], "model": ["A", "B"], "price": [9_000_000, 15_000_000]})
        >>> events = pl.LazyFrame(
        ...     {"event_at": [1, 2, 3, 5], "customer_id": [*"cdec"], "vehicle_id": ["v1", "v2", "v2", "v2"]})
        >>> queries = pl.DataFrame({"person_id": ["c"], "as_of": [4], "midway": [False]})
        >>> params, sources = RecommendationParams(), to_engine({"vehicles": cars, "events": events})
        >>> tables = TrainingTables.gather(sources, params, queries=queries)
        >>> data = tables.encode(tables.vocabularies(4), params)
        >>> recommender = Recommender.fit_blend(data, params, cutoff=4, progress=lambda text: None)
        >>> recommender.lists(data.queries.visitors, data.vehicles, k=2).tolist()  # rows of data.vehicles: v2, v1
        [[1, 0]]
        """
        return top_k_per_visitor(*self.rank(visitors, vehicles), k=k, n=len(visitors))

    def to_files(self) -> dict[str, bytes]:
        """Return the fitted recommender as JSON, npz and LightGBM text files, by file name."""
        state = {
            "params": self.params.model_dump(mode="json"),
            "vocabularies": self.vocabularies.to_json(),
            "columns": list(self.columns),
            "weights": dict(self.weights),
        }
        arrays = {"log_price": self.items.log_price, "first_at": self.items.first_at}
        arrays |= {f"code_{n}": codes for n, codes in self.items.codes.items()}
        files = {STATE: json.dumps(state, ensure_ascii=False).encode(), ITEMS: to_npz(arrays)}
        return files | self.retrieval.to_files() | (self.trees.to_files() if self.trees else {})

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore a recommender from the files returned by `to_files`."""
        state: dict[str, Any] = json.loads(content_of(files, STATE))
        arrays: dict[str, Any] = dict(from_npz(content_of(files, ITEMS), ITEMS))
        codes = {n.removeprefix("code_"): a for n, a in arrays.items() if n.startswith("code_")}
        return cls(
            RecommendationParams.model_validate(state["params"]),
            Vocabularies.from_json(state["vocabularies"]),
            Items(codes, arrays["log_price"], arrays["first_at"]),
            Retrieval.from_files(files),
            None if state["weights"] else RankingTrees.from_files(files),
            tuple(state["columns"]),
            state["weights"],
        )


def top_k_per_visitor(pairs: CandidatePairs, scores: FloatArray, *, k: int, n: int) -> IntArray:
    """Return the k best vehicles of each of `n` visitors, best first, shape (n, k); -1 after the last candidate.

    `pairs` and `scores` are as returned by `Recommender.rank`; the elements are row numbers of vehicles.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.recommendation.queries import CandidatePairs
    >>> pairs = CandidatePairs(np.array([0, 0, 1]), np.array([5, 6, 7]), np.array([2, 1]))
    >>> top_k_per_visitor(pairs, np.array([0.1, 0.2, 0.3]), k=2, n=2).tolist()
    [[6, 5], [7, -1]]
    """
    order = np.lexsort((-scores, pairs.visitor))
    starts = np.cumsum(pairs.sizes) - pairs.sizes
    visitor = pairs.visitor[order]
    place = np.arange(len(order)) - starts[visitor]
    first = np.flatnonzero(place < k)
    lists = np.full((n, k), -1, dtype=np.int64)
    lists[visitor[first], place[first]] = pairs.vehicle[order[first]]
    return lists


def _ranker_start(choices: Choices, cutoff: int) -> int:
    """Return the instant (microseconds since 1970 UTC) after which the last `RANKER_SHARE` of the choices lies."""
    if len(choices) == 0:
        raise DataError(
            "recommendation: no choice precedes the training cut-off; check the mapping of events.event_at and "
            "event_type, and params.grades"
        )
    start = int(np.quantile(choices.at, 1 - RANKER_SHARE))
    if not choices.at.min() < start < cutoff:
        raise DataError(
            "recommendation: the choices of the training span have no spread in time, so no history precedes the "
            "ranker's queries; check the mapping of events.event_at"
        )
    return start


def _cell_values(matrix: sparse.csr_matrix, row: IntArray, item: IntArray) -> FloatArray:
    """Return the values of matrix cells; 0 for items beyond the last column."""
    values = np.zeros(len(row))
    inside = np.flatnonzero(item < matrix.shape[1])
    if len(inside):
        values[inside] = np.asarray(matrix[row[inside], item[inside]]).ravel()
    return values


def _top_per_retriever(visitor: IntArray, scores: Mapping[str, FloatArray], *, limit: int) -> NDArray[np.bool_]:
    """Return a mask of the pairs that are among a visitor's best by any retriever, `limit` per visitor in all.

    >>> scores = {"a": np.array([3.0, 2, 1]), "b": np.array([1.0, 2, 3])}
    >>> _top_per_retriever(np.array([0, 0, 0]), scores, limit=2).tolist()
    [True, False, True]
    """
    counts = np.bincount(visitor) if len(visitor) else np.zeros(0, dtype=np.int64)
    mask = np.zeros(len(visitor), dtype=bool)
    if len(counts) == 0 or counts.max() <= limit:
        return ~mask
    starts = np.cumsum(counts) - counts
    for score in scores.values():
        order = np.lexsort((-score, visitor))
        rank = np.arange(len(order)) - starts[visitor[order]]
        mask[order[rank < max(1, limit // len(scores))]] = True
    return mask

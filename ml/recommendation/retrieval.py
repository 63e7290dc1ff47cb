"""Retrievers of the first stage: popularity, and collaborative filtering from the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ml.artefacts.json_files import content_of
from ml.artefacts.npz import from_npz, to_npz
from ml.domain.arrays import FloatArray
from ml.estimators.retrievers.als import ALS
from ml.estimators.retrievers.interactions import Interactions, Retriever
from ml.estimators.retrievers.item_item import ItemItem
from ml.estimators.retrievers.low_pass import LowPass
from ml.estimators.retrievers.popularity import Popularity
from ml.recommendation.choices import Choices, damped
from ml.recommendation.params import RecommendationParams
from ml.recommendation.visitors import Visitors

Progress = Callable[[str], None]  # called with one line of text per step
MIN_SHARE = 1e-9
MIN_LOG_SHARE = float(np.log(MIN_SHARE))


COLLABORATIVE: Mapping[str, type[Any]] = {"item_item": ItemItem, "low_pass": LowPass, "als": ALS}


@dataclass(frozen=True)
class Retrieval:
    """Fitted retrievers of the first stage, which score every item for every visitor.

    ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator.recommender`` has a fitted one as
    `retrieval`, and the vocabularies of its fit as `vocabularies`; `fit` fits another, with an example.

    Attributes
    ----------
    popularity : Popularity
        Popularity of items by store, shrunk towards all stores.
    collaborative : mapping of str to Retriever
        Collaborative-filtering retrievers by name (`item_item`, `low_pass`, `als`), as far as configured.
    """

    popularity: Popularity
    collaborative: Mapping[str, Retriever]

    @classmethod
    def fit(
        cls,
        choices: Choices,
        params: RecommendationParams,
        *,
        as_of: int,
        n_items: int,
        n_stores: int,
        progress: Progress,
    ) -> Self:
        """Fit the retrievers on interactions before an instant.

        Parameters
        ----------
        choices : Choices
            As returned by `ml.recommendation.choices.Choices.encode`; all strictly before `as_of`.
        params : RecommendationParams
            Parameters and half-lives of the retrievers, an `ml.recommendation.params.RecommendationParams`.
        as_of : int
            Instant from which interactions are decayed backwards (microseconds since 1970 UTC).
        n_items, n_stores : int
            Sizes of the item and store vocabularies.
        progress : callable
            Called with one line of text per step, such as `print`.

        Raises
        ------
        DataError
            `choices` is empty.
        ConfigError
            A parameter is out of range, or the item-item matrix exceeds its memory limit.

        Examples
        --------
        >>> import polars as pl
        >>> from features.engines import to_engine
        >>> from ml.recommendation.params import RecommendationParams
        >>> from ml.recommendation.training_tables import TrainingTables
        >>> cars = pl.LazyFrame({"vehicle_id": ["v1", "v2"], "model": ["A", "B"], "price": [9_000_000, 15_000_000]})
        >>> events = pl.LazyFrame({"event_at": [1, 2], "customer_id": ["c", "c"], "vehicle_id": ["v1", "v2"]})
        >>> params = RecommendationParams()
        >>> tables = TrainingTables.gather(to_engine({"vehicles": cars, "events": events}), params)
        >>> inputs = tables.encode(tables.vocabularies(3), params)
        >>> quiet = lambda text: None
        >>> retrieval = Retrieval.fit(inputs.choices, params, as_of=3, n_items=2, n_stores=0, progress=quiet)
        >>> scores = retrieval.scores(inputs.queries.visitors)
        >>> list(scores), scores["popularity"].shape
        (['popularity', 'store_popularity', 'item_item', 'low_pass', 'als'], (2, 3))
        """

        def weights(half_life_days: float) -> Interactions:
            return choices.interactions(as_of=as_of, half_life_days=half_life_days, n_items=n_items, n_stores=n_stores)

        popularity = Popularity().fit(weights(params.popularity_half_life_days))
        interactions = weights(params.taste_half_life_days)
        collaborative = {}
        for name, kind in COLLABORATIVE.items():
            kind_params = getattr(params, name)
            if kind_params is not None:
                progress(f"fitting {name} on {interactions.matrix.shape[0]:,} people x {n_items:,} items")
                collaborative[name] = kind(**kind_params.model_dump()).fit(interactions)
        return cls(popularity, collaborative)

    def scores(self, visitors: Visitors) -> dict[str, FloatArray]:
        """Score every item for every visitor, by retriever.

        Parameters
        ----------
        visitors : Visitors
            As returned by `ml.recommendation.visitors.encode_visitors`: ``encode_visitors(queries, history, customers,
            recommender.vocabularies, half_life_days=recommender.params.half_life_days)``, with the `recommender` whose
            `retrieval` this is; `fit` shows an example.

        Returns
        -------
        dict of str to ndarray of float64, shape (n_visitors, n_items + 1)
            By retriever: `popularity` and `store_popularity` are natural logarithms of shares; `item_item`, `low_pass`
            and `als`, as far as configured, are scores without a unit. Column k is the item
            ``vocabularies.items.names[k]``; the last column stands for items outside the vocabulary:
            `ml.recommendation.retrieval.MIN_LOG_SHARE` (-20.7) in log shares, 0 in scores.
        """
        store = np.where(visitors.store < len(self.popularity.by_group_), visitors.store, -1)
        shares = self.popularity.score_groups(store)
        everywhere = np.broadcast_to(self.popularity.overall_, shares.shape)
        tables = {
            "popularity": _padded(_log(everywhere), MIN_LOG_SHARE),
            "store_popularity": _padded(_log(shares), MIN_LOG_SHARE),
        }
        history = damped(visitors.history)
        return tables | {name: _padded(kind.score(history), 0.0) for name, kind in self.collaborative.items()}

    def visit_scores(self, visitors: Visitors) -> dict[str, FloatArray]:
        """Score every item by the current visit alone.

        Parameters
        ----------
        visitors : Visitors
            As returned by `ml.recommendation.visitors.encode_visitors` with the `vocabularies` of the recommender whose
            `retrieval` this is; only interactions of the last six hours before the query count.

        Returns
        -------
        dict of str to ndarray of float64, shape (n_visitors, n_items + 1)
            `visit_item_item`, `visit_low_pass` and `visit_als`, as far as configured: scores without a unit.
            Column k is the item ``vocabularies.items.names[k]``; the last column is 0.
        """
        visit = damped(visitors.visit)
        return {f"visit_{name}": _padded(kind.score(visit), 0.0) for name, kind in self.collaborative.items()}

    def to_files(self) -> dict[str, bytes]:
        """Return the fitted retrievers as npz files, by file name."""
        parts = {"popularity": self.popularity, **self.collaborative}
        return {f"{name}.npz": to_npz(part.arrays()) for name, part in parts.items()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore retrievers from the files returned by `to_files`."""
        popularity = from_npz(content_of(files, "popularity.npz"), "popularity.npz")
        collaborative = {
            name: kind.from_arrays(from_npz(files[f"{name}.npz"], f"{name}.npz"))
            for name, kind in COLLABORATIVE.items()
            if f"{name}.npz" in files
        }
        return cls(Popularity.from_arrays(popularity), collaborative)


def _padded(table: npt.NDArray[np.floating[Any]], last: float) -> FloatArray:
    return np.column_stack([table, np.full(len(table), last)]).astype(np.float64)


def _log(shares: npt.NDArray[np.floating[Any]]) -> FloatArray:
    return np.log(np.maximum(np.asarray(shares, dtype=np.float64), MIN_SHARE))

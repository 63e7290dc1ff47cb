"""The retrievers together: what each thinks of every item, for whoever asks."""

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

Say = Callable[[str], None]
LEAST_SHARE = 1e-9
LEAST = float(np.log(LEAST_SHARE))


# Answers from what was chosen before, by name.
BY_TASTE: Mapping[str, type[Any]] = {"item_item": ItemItem, "low_pass": LowPass, "als": ALS}


@dataclass(frozen=True)
class Retrieval:
    """Fitted retrievers.

    Attributes
    ----------
    popularity : Popularity
        By store, shrunk towards all stores.
    by_taste : mapping of str to Retriever
        What goes with what was chosen before; those that the configuration leaves out are not there.
    """

    popularity: Popularity
    by_taste: Mapping[str, Retriever]

    @classmethod
    def fit(
        cls, choices: Choices, params: RecommendationParams, *, as_of: int, n_items: int, n_stores: int, say: Say
    ) -> Self:
        """Learn from everything chosen before an instant.

        Parameters
        ----------
        choices : Choices
            All strictly before `as_of`.
        params : RecommendationParams
            Which retrievers, and how.
        as_of : int
            The instant (us) that weights are for.
        n_items, n_stores : int
            Numbers of known ones.
        say : callable
            Told one line per step.

        Raises
        ------
        DataError
            Nothing was chosen.
        ConfigError
            A parameter out of range, or more items than memory allows.
        """

        def weights(half_life_days: float) -> Interactions:
            return choices.interactions(as_of=as_of, half_life_days=half_life_days, n_items=n_items, n_stores=n_stores)

        popularity = Popularity().fit(weights(params.popularity_half_life_days))
        lasting = weights(params.taste_half_life_days)
        by_taste = {}
        for name, kind in BY_TASTE.items():
            given = getattr(params, name)
            if given is not None:
                say(f"fitting {name} on {lasting.matrix.shape[0]:,} people x {n_items:,} items")
                by_taste[name] = kind(**given.model_dump()).fit(lasting)
        return cls(popularity, by_taste)

    def scores(self, visitors: Visitors) -> dict[str, FloatArray]:
        """What each retriever thinks of each item, shape (n_visitors, n_items + 1).

        The last column stands for items that training never saw: worth nothing to popularity and to the others.
        """
        store = np.where(visitors.store < len(self.popularity.by_group_), visitors.store, -1)
        shares = self.popularity.score_groups(store)
        everywhere = np.broadcast_to(self.popularity.overall_, shares.shape)
        tables = {"popularity": _padded(_log(everywhere), LEAST), "store_popularity": _padded(_log(shares), LEAST)}
        history = damped(visitors.history)
        return tables | {name: _padded(taste.score(history), 0.0) for name, taste in self.by_taste.items()}

    def visit_scores(self, visitors: Visitors) -> dict[str, FloatArray]:
        """The same by what was chosen in this visit alone, of those who answer from what was chosen."""
        visit = damped(visitors.visit)
        return {f"visit_{name}": _padded(taste.score(visit), 0.0) for name, taste in self.by_taste.items()}

    def to_files(self) -> dict[str, bytes]:
        """Write what was learned as npz files."""
        parts = {"popularity": self.popularity, **self.by_taste}
        return {f"{name}.npz": to_npz(part.arrays()) for name, part in parts.items()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Restore what `to_files` wrote."""
        popularity = from_npz(content_of(files, "popularity.npz"), "popularity.npz")
        by_taste = {
            name: kind.from_arrays(from_npz(files[f"{name}.npz"], f"{name}.npz"))
            for name, kind in BY_TASTE.items()
            if f"{name}.npz" in files
        }
        return cls(Popularity.from_arrays(popularity), by_taste)


def _padded(table: npt.NDArray[np.floating[Any]], unseen: float) -> FloatArray:
    return np.column_stack([table, np.full(len(table), unseen)]).astype(np.float64)


def _log(shares: npt.NDArray[np.floating[Any]]) -> FloatArray:
    return np.log(np.maximum(np.asarray(shares, dtype=np.float64), LEAST_SHARE))

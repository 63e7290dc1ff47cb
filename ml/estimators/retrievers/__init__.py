"""Retrievers: models that score every item for a history of interactions, all under one interface.

`Interactions` is what they learn from and `Retriever` what they owe (`ml.estimators.retrievers.interactions`):
`fit(interactions)`, `score(histories)` for any histories, those of people never seen in training too, and `arrays()`
with `from_arrays(arrays)` for artefacts without pickle. Models that can say what each past interaction added to a score
also have `explain(history, item)`. Items and people are row numbers here: nothing knows what an item is.
"""

from __future__ import annotations

from ml.artefacts.npz import from_npz, to_npz
from ml.estimators.retrievers.als import ALS
from ml.estimators.retrievers.blend import blend_scores, choose_weights
from ml.estimators.retrievers.content import ContentNeighbours
from ml.estimators.retrievers.interactions import Explains, Interactions, Retriever, decay_weights
from ml.estimators.retrievers.item_item import ItemItem
from ml.estimators.retrievers.low_pass import LowPass
from ml.estimators.retrievers.popularity import Popularity
from ml.estimators.retrievers.top_k import top_k

__all__ = [
    "ALS",
    "ContentNeighbours",
    "Explains",
    "Interactions",
    "ItemItem",
    "LowPass",
    "Popularity",
    "Retriever",
    "blend_scores",
    "choose_weights",
    "decay_weights",
    "from_npz",
    "to_npz",
    "top_k",
]

"""Retrievers: models that score every item for a history of interactions, all under one interface.

`Interactions` is what they learn from and `Retriever` what they owe (`ml.estimators.retrievers.interactions`):
`fit(interactions)`, `score(histories)` for any histories, those of people never seen in training too, and `arrays()`
with `from_arrays(arrays)` for artefacts without pickle. Models that can say what each past interaction added to a score
also have `explain(history, item)`. Items and people are row numbers here: nothing knows what an item is.
"""

"""Retrievers: recommenders that score every item for a history of interactions, with one interface.

They are fitted on `Interactions` and implement `Retriever` (both in `ml.estimators.retrievers.interactions`):
`fit(interactions)`, `score(histories)` for any histories, including those of users outside the training data, and
`arrays()` with `from_arrays(arrays)` for storage without pickle. Linear models also implement `explain(history, item)`,
the contribution of each interaction to a score. Users and items are row and column numbers; their identifiers and
properties are not needed.
"""

"""Several retrievers as one: their scores on one scale, weighted as validation likes it best."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from features.errors import ConfigError, DataError
from ml.artefacts.json_files import damaged
from ml.artefacts.npz import Arrays, member
from ml.estimators.retrievers.interactions import Explains, Float32Array, Interactions, Retriever
from ml.estimators.retrievers.top_k import top_k
from ml.metrics.ranked_lists import ndcg_at_k

WEIGHTS, SEPARATOR = "blend_weights", "/"


class Blend:
    """Weighted sum of the standardised scores of several retrievers.

    Parameters
    ----------
    retrievers : mapping of str to Retriever
        At least one, by name.
    weights : mapping of str to float, optional
        Weight of each, not negative and not all 0; equal weights when not given.

    Raises
    ------
    ConfigError
        No retrievers, names that do not match, or weights out of range.

    Examples
    --------
    >>> from ml.estimators.retrievers import ItemItem, Popularity
    >>> seen = Interactions.from_rows([0, 0, 1, 1, 2], [0, 1, 0, 1, 2], shape=(3, 3))
    >>> blend = Blend({"near": ItemItem(), "popular": Popularity()}, weights={"near": 0.8, "popular": 0.2}).fit(seen)
    >>> int(blend.score(csr_matrix([[1.0, 0.0, 0.0]])).argmax())
    1
    """

    def __init__(self, retrievers: Mapping[str, Retriever], *, weights: Mapping[str, float] | None = None) -> None:
        if not retrievers or any(SEPARATOR in name for name in retrievers):
            raise ConfigError(f"a blend needs at least one retriever, names without '/'; got {sorted(retrievers)}")
        self.retrievers = dict(retrievers)
        self.weights = _checked(dict.fromkeys(retrievers, 1.0) if weights is None else weights, self.retrievers)

    def fit(self, interactions: Interactions) -> Self:
        """Fit every retriever; errors as theirs."""
        for retriever in self.retrievers.values():
            retriever.fit(interactions)
        return self

    def choose(self, histories: csr_matrix, relevant: csr_matrix, *, k: int = 10, steps: int = 10) -> Self:
        """Set the weights by `choose_weights` on validation rows; a sample of some thousand is enough.

        Parameters
        ----------
        histories, relevant : csr_matrix of shape (n_rows, n_items)
            What was known of each person, and what they turned to afterwards; no row of it may be test data.
        k, steps : int
            As in `choose_weights`.

        Raises
        ------
        DataError, ConfigError
            As `choose_weights` and the retrievers raise them.
        """
        scores = {name: retriever.score(histories) for name, retriever in self.retrievers.items()}
        self.weights = choose_weights(scores, relevant, mask=histories, k=k, steps=steps)
        return self

    def score(self, histories: csr_matrix) -> Float32Array:
        """Blended scores; retrievers of weight 0 are not asked.

        Parameters
        ----------
        histories : csr_matrix of shape (n_rows, n_items)
            Weights as in training.

        Returns
        -------
        array of shape (n_rows, n_items)

        Raises
        ------
        DataError
            As the retrievers raise it.
        """
        used = {name: weight for name, weight in self.weights.items() if weight > 0}
        return blend_scores({name: self.retrievers[name].score(histories) for name in used}, used)

    def explain(self, history: csr_matrix, item: int) -> Float32Array:
        """What each interaction adds to the blended score of an item, before each row's mean is taken off.

        Retrievers that cannot explain (popularity) add nothing here.

        Raises
        ------
        DataError
            As the retrievers raise it.
        """
        total = np.zeros(csr_matrix(history).nnz, dtype=np.float32)
        for name, weight in self.weights.items():
            retriever = self.retrievers[name]
            if weight > 0 and isinstance(retriever, Explains):
                spread = retriever.score(history).std(axis=1, dtype=np.float64)[0]
                if spread > 0:
                    total += (weight / spread * retriever.explain(history, item)).astype(np.float32)
        return total

    def arrays(self) -> Arrays:
        """The weights, and the arrays of each retriever behind its name."""
        weights: Arrays = {WEIGHTS: np.array(json.dumps(self.weights))}
        return weights | {
            f"{name}{SEPARATOR}{key}": array
            for name, retriever in self.retrievers.items()
            for key, array in retriever.arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]], kinds: Mapping[str, type[Retriever]]) -> Self:
        """Restore what `arrays` returned.

        Parameters
        ----------
        arrays : mapping of str to array
            As returned by `arrays`.
        kinds : mapping of str to type
            Class of each retriever, so that an artefact never says what code to run.

        Raises
        ------
        ModelNotFound
            An array is missing.
        DataError
            An array is damaged.
        """
        try:
            weights = json.loads(str(member(arrays, WEIGHTS)))
        except ValueError as e:
            raise damaged(WEIGHTS, f"it is not JSON ({e})") from None
        parts = {
            name: {
                key.removeprefix(name + SEPARATOR): a for key, a in arrays.items() if key.startswith(name + SEPARATOR)
            }
            for name in kinds
        }
        return cls({name: kind.from_arrays(parts[name]) for name, kind in kinds.items()}, weights=weights)


def standardised(scores: Float32Array) -> Float32Array:
    """Scores of each row with mean 0 and standard deviation 1; a row of equal scores becomes zeros.

    Examples
    --------
    >>> standardised(np.array([[1.0, 3.0], [2.0, 2.0]], dtype=np.float32)).tolist()
    [[-1.0, 1.0], [0.0, 0.0]]
    """
    # float64 sums: the mean of a row of equal float32 scores must be that score.
    centred = scores - scores.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    spread = centred.std(axis=1, keepdims=True, dtype=np.float64)
    centred /= np.where(spread > 0, spread, 1.0).astype(np.float32)
    return np.asarray(centred, dtype=np.float32)


def blend_scores(scores: Mapping[str, Float32Array], weights: Mapping[str, float]) -> Float32Array:
    """Weighted sum of standardised scores.

    Parameters
    ----------
    scores : mapping of str to array of shape (n_rows, n_items)
        Scores of each retriever.
    weights : mapping of str to float
        Weight of each.

    Raises
    ------
    ConfigError
        Names that do not match, or weights that are negative or all 0.

    Examples
    --------
    >>> a, b = np.array([[1.0, 3.0]], dtype=np.float32), np.array([[9.0, 5.0]], dtype=np.float32)
    >>> blend_scores({"a": a, "b": b}, {"a": 3.0, "b": 1.0}).tolist()
    [[-2.0, 2.0]]
    """
    checked = _checked(weights, scores)
    first, *others = checked
    total = standardised(scores[first]) * np.float32(checked[first])
    for name in others:
        if checked[name] > 0:
            total += standardised(scores[name]) * np.float32(checked[name])
    return total


def choose_weights(
    scores: Mapping[str, Float32Array], relevant: csr_matrix, *, mask: csr_matrix, k: int = 10, steps: int = 10
) -> dict[str, float]:
    """Weights with the highest mean NDCG@k on validation rows, among all that are multiples of `1 / steps`.

    Every combination is tried, so two runs agree; of equal ones the first wins, which leans on the retriever named
    first. Takes `comb(steps + n - 1, n - 1)` rankings for n retrievers: 11 for two, 66 for three, 286 for four.

    Parameters
    ----------
    scores : mapping of str to array of shape (n_rows, n_items)
        Scores of each retriever on validation rows.
    relevant : csr_matrix of shape (n_rows, n_items)
        What each row turned to; rows without any are left out.
    mask : csr_matrix of shape (n_rows, n_items)
        What must not be listed (the history).
    k : int
        Length of the lists.
    steps : int
        Fineness of the grid, at least 1.

    Raises
    ------
    ConfigError
        `steps` or `k` below 1, or no retrievers.
    DataError
        Shapes that differ, or no row with a relevant item.

    Examples
    --------
    >>> right, wrong = np.array([[1.0, 0.0]], dtype=np.float32), np.array([[0.0, 9.0]], dtype=np.float32)
    >>> choose_weights({"right": right, "wrong": wrong}, csr_matrix([[1, 0]]), mask=csr_matrix((1, 2)), k=1, steps=4)
    {'right': 1.0, 'wrong': 0.0}
    """
    if steps < 1 or not scores:
        raise ConfigError(f"choose_weights needs steps of at least 1 and a retriever, got {steps} and {sorted(scores)}")
    rows = np.flatnonzero(np.diff(csr_matrix(relevant).indptr))
    if not rows.size:
        raise DataError(f"choose_weights: none of the {relevant.shape[0]} validation rows has a relevant item")
    ready = {name: standardised(found[rows]) for name, found in scores.items()}
    wanted, hidden = relevant[rows], mask[rows]
    best, chosen = -np.inf, dict.fromkeys(ready, 0.0)
    for weights in _simplex(list(ready), steps):
        total = sum((ready[name] * np.float32(w) for name, w in weights.items() if w > 0), np.float32(0))
        value = float(ndcg_at_k(top_k(total, k=k, mask=hidden), wanted).mean())
        if value > best:
            best, chosen = value, weights
    return chosen


def _simplex(names: list[str], steps: int) -> Iterator[dict[str, float]]:
    """Every way to share `steps` among the names, the first name's largest shares first."""
    n = len(names)
    for bars in reversed(list(combinations(range(steps + n - 1), n - 1))):
        ends = np.array([-1, *bars, steps + n - 1])
        yield dict(zip(names, ((np.diff(ends) - 1) / steps).tolist(), strict=True))


def _checked(weights: Mapping[str, float], names: Mapping[str, object]) -> dict[str, float]:
    if set(weights) != set(names):
        raise ConfigError(f"blend weights must be given for {sorted(names)}, got {sorted(weights)}")
    if not all(0 <= w < np.inf for w in weights.values()) or not any(weights.values()):
        raise ConfigError(f"blend weights must be 0 or more and not all 0, got {dict(weights)}")
    return {name: float(weights[name]) for name in names}

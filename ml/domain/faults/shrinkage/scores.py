"""EBGM, its limits and other answers for millions of cells, in chunks.

Source: W. DuMouchel, "Bayesian Data Mining in Large Frequency Tables, with an Application to the FDA Spontaneous
Reporting System", *The American Statistician* 53 (1999), section 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.cells import ShrinkageError, checked_cells, checked_probability
from ml.domain.faults.shrinkage.priors import Posterior, Prior, posterior

CELLS_AT_ONCE = 16_384
"""Cells worked on together: few enough that what is in between fits in a processor's cache."""


@dataclass(frozen=True)
class Scores:
    """EBGM and its limits, each of the shape of the cells.

    Attributes
    ----------
    ebgm : array
        Geometric mean of the posterior ratio.
    lower, upper : array
        Posterior quantiles: EB05 and EB95 unless others were asked for.
    """

    ebgm: FloatArray
    lower: FloatArray
    upper: FloatArray


def scores(
    prior: Prior,
    count: npt.ArrayLike,
    expected: npt.ArrayLike,
    *,
    lower: float = 0.05,
    upper: float = 0.95,
    at_once: int = CELLS_AT_ONCE,
) -> Scores:
    """EBGM with its credible limits.

    Parameters
    ----------
    prior : Prior
    count, expected : array
        Events and expected events of each cell.
    lower, upper : float
        Probabilities of the limits.
    at_once : int
        Cells worked on together. Memory beyond the cells and the answer does not grow with their number.

    Raises
    ------
    ShrinkageError
        A cell breaks its rule, or probabilities are not in order between 0 and 1.

    Examples
    --------
    >>> from ml.domain.faults.shrinkage.priors import two_gammas
    >>> found = scores(two_gammas(3.25379, 0.399889, 2.02613, 1.90808, 0.0653456), [16], [0.4064362])
    >>> [round(float(x[0]), 2) for x in (found.lower, found.ebgm, found.upper)]
    [15.69, 23.26, 33.48]
    """
    if checked_probability(lower, "lower") >= checked_probability(upper, "upper"):
        raise ShrinkageError(f"lower must be below upper, got {lower} and {upper}: swap them")
    columns = (Posterior.geometric_mean, lambda p: p.quantile(lower), lambda p: p.quantile(upper))
    return Scores(*_in_chunks(prior, count, expected, columns, at_once))


def posterior_mean(
    prior: Prior, count: npt.ArrayLike, expected: npt.ArrayLike, *, at_once: int = CELLS_AT_ONCE
) -> FloatArray:
    """Posterior mean of the ratio of each cell; arguments and errors as in `scores`.

    Examples
    --------
    >>> from ml.domain.faults.shrinkage.priors import one_gamma
    >>> posterior_mean(one_gamma(2.0, 2.0), [4, 0], 1.0).round(4).tolist()
    [2.0, 0.6667]
    """
    return _in_chunks(prior, count, expected, (Posterior.mean,), at_once)[0]


def posterior_quantile(
    prior: Prior,
    count: npt.ArrayLike,
    expected: npt.ArrayLike,
    *,
    probability: float,
    at_once: int = CELLS_AT_ONCE,
) -> FloatArray:
    """Posterior quantile of the ratio of each cell; other arguments and errors as in `scores`.

    Examples
    --------
    >>> from ml.domain.faults.shrinkage.priors import one_gamma
    >>> posterior_quantile(one_gamma(1.0, 1.0), [0], [1.0], probability=0.5).round(4).tolist()
    [0.3466]
    """
    checked_probability(probability, "probability")
    return _in_chunks(prior, count, expected, (lambda p: p.quantile(probability),), at_once)[0]


def probability_above(
    prior: Prior, count: npt.ArrayLike, expected: npt.ArrayLike, *, ratio: float, at_once: int = CELLS_AT_ONCE
) -> FloatArray:
    """Posterior probability that a cell's ratio exceeds `ratio`; other arguments and errors as in `scores`.

    Examples
    --------
    >>> from ml.domain.faults.shrinkage.priors import one_gamma
    >>> probability_above(one_gamma(1.0, 1.0), [0], [1.0], ratio=1.0).round(4).tolist()
    [0.1353]
    """
    if not (math.isfinite(ratio) and ratio > 0):
        raise ShrinkageError(f"ratio must be a finite number above 0, got {ratio}: 1.5 means half as much again")
    return _in_chunks(prior, count, expected, (lambda p: p.probability_above(ratio),), at_once)[0]


def _in_chunks(
    prior: Prior,
    count: npt.ArrayLike,
    expected: npt.ArrayLike,
    columns: tuple[Callable[[Posterior], FloatArray], ...],
    at_once: int,
) -> list[FloatArray]:
    if at_once < 1:
        raise ShrinkageError(f"at_once must be at least 1 cell, got {at_once}: leave it out for a good one")
    counts, expectations = checked_cells(count, expected)
    shape, flat_counts, flat_expectations = counts.shape, counts.ravel(), expectations.ravel()
    answers = [np.empty(flat_counts.size) for _ in columns]
    for first in range(0, flat_counts.size, at_once):
        cells = slice(first, first + at_once)
        after = posterior(
            prior,
            flat_counts[cells].astype(np.float64, copy=False),
            flat_expectations[cells].astype(np.float64, copy=False),
        )
        for answer, column in zip(answers, columns, strict=True):
            answer[cells] = column(after)
    return [answer.reshape(shape) for answer in answers]

"""EBGM, its credible limits and other posterior summaries for millions of cells, in chunks.

Source: W. DuMouchel, "Bayesian Data Mining in Large Frequency Tables, with an Application to the FDA Spontaneous
Reporting System", *The American Statistician* 53 (1999), section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.cells import ShrinkageError, checked_cells, checked_probability
from ml.domain.faults.shrinkage.priors import Posterior, Prior, posterior

CELLS_AT_ONCE = 16_384
"""Cells per chunk: few enough that intermediate arrays fit in a processor's cache."""


@dataclass(frozen=True)
class Scores:
    """EBGM and its credible limits, each in the shape of the cells; returned by `scores`.

    Attributes
    ----------
    ebgm : array
        Geometric mean of the posterior ratio.
    lower, upper : array
        Posterior quantiles, EB05 and EB95 by default; never above and never below `ebgm`.
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
    """Return EBGM with its credible limits.

    Where the posterior has two humps, one of them close to 0, the geometric mean can lie outside the central 90%: the
    logarithm of a ratio near 0 weighs heavily. The limit on that side is then EBGM itself. The interval holds its
    value, and a ratio still lies below the lower limit with a probability of at most `lower`, and above the upper one
    with at most ``1 - upper``.

    Parameters
    ----------
    prior : Prior
        As returned by `one_gamma` or `two_gammas` of `ml.domain.faults.shrinkage.priors`, or by
        `ml.domain.faults.shrinkage.fitting.fit_mixture(...).prior`.
    count : array
        Events of each cell, whole numbers of at least 0.
    expected : array
        Expected events of each cell, finite and above 0: drop cells without exposure. `count` or `expected` may be a
        single number.
    lower, upper : float
        Probabilities of the limits.
    at_once : int
        Cells per chunk. Memory beyond cells and result does not grow with the number of cells.

    Returns
    -------
    Scores
        `ebgm` (ratio, 1 for as many events as expected) with its limits `lower` and `upper`, in the shape of the cells.

    Raises
    ------
    ShrinkageError
        A count is negative or not whole, an expected count is not above 0, there is no cell, or not
        ``0 < lower < upper < 1``.

    Examples
    --------
    >>> from ml.domain.faults.shrinkage.priors import two_gammas
    >>> from ml.domain.faults.shrinkage.scores import scores
    >>> prior = two_gammas(3.25379, 0.399889, 2.02613, 1.90808, 0.0653456)
    >>> result = scores(prior, count=[16], expected=[0.4064362])
    >>> [round(float(x[0]), 2) for x in (result.lower, result.ebgm, result.upper)]
    [15.69, 23.26, 33.48]
    """
    if checked_probability(lower, "lower") >= checked_probability(upper, "upper"):
        raise ShrinkageError(f"lower must be below upper, got {lower} and {upper}: swap them")
    columns = (Posterior.geometric_mean, lambda p: p.quantile(lower), lambda p: p.quantile(upper))
    ebgm, low, high = _in_chunks(prior, count, expected, columns, at_once)
    return Scores(ebgm, np.minimum(low, ebgm), np.maximum(high, ebgm))


def _in_chunks(
    prior: Prior,
    count: npt.ArrayLike,
    expected: npt.ArrayLike,
    columns: tuple[Callable[[Posterior], FloatArray], ...],
    at_once: int,
) -> list[FloatArray]:
    if at_once < 1:
        raise ShrinkageError(f"at_once must be at least 1 cell, got {at_once}: leave it out for the default")
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

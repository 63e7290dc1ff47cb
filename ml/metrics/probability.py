"""How far probabilities are from what came true."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.metrics.inputs import check_inputs, score_sums

SMALLEST = 1e-15  # keeps the log loss of a certain answer that was wrong finite


def brier(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Brier score: the mean squared difference between probability and outcome.

    Parameters
    ----------
    y : array of shape (n_rows,)
        0 or 1.
    p : array of shape (n_rows,)
        Probabilities of 1.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.

    Raises
    ------
    DataError
        Values out of range.

    References
    ----------
    G. W. Brier (1950), Monthly Weather Review 78, 1-3.

    Examples
    --------
    >>> brier([1, 0], [0.5, 0.1])
    0.13
    """
    outcome, probability, weight = check_inputs("brier", y, p, sample_weight, probability=True)
    return float(weight @ (probability - outcome) ** 2 / weight.sum())


def log_loss(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Mean negative log-likelihood in nats; probabilities are kept 1e-15 away from 0 and 1.

    Arguments and errors as for `brier`.

    >>> round(log_loss([1, 0], [0.5, 0.5]), 4)
    0.6931
    """
    outcome, probability, weight = check_inputs("log_loss", y, p, sample_weight, probability=True)
    of_outcome = np.clip(np.where(outcome == 1, probability, 1 - probability), SMALLEST, 1.0)
    return float(-(weight @ np.log(of_outcome)) / weight.sum())


def expected_calibration_error(
    y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None, n_bins: int = 10
) -> float:
    """Mean gap between probability and observed rate over bins of equal weight.

    Rows of equal probability stay together, in the bin that holds the middle of their weight, so the order of rows
    does not matter. Noise alone makes it positive: a perfect model on `n` rows of rate `r` scores about
    `0.8 * sqrt(r * (1 - r) * n_bins / n)`, and its bootstrap interval lies above its value for the same reason.

    Parameters
    ----------
    y, p, sample_weight : arrays of shape (n_rows,)
        As for `brier`.
    n_bins : int
        Number of bins, at least 1.

    Raises
    ------
    DataError
        Values out of range, or one class only.

    References
    ----------
    M. P. Naeini, G. F. Cooper, M. Hauskrecht (2015), AAAI 29. Equal-weight bins as in K. Nguyen and B. O'Connor (2015),
    EMNLP, 1587-1598.

    Examples
    --------
    >>> round(expected_calibration_error([0, 0, 0, 1], [0.1, 0.1, 0.5, 0.5], n_bins=2), 4)
    0.05
    """
    if n_bins < 1:
        raise DataError(f"expected_calibration_error: n_bins must be at least 1, got {n_bins}")
    sums = score_sums("expected_calibration_error", y, p, sample_weight, probability=True)
    mass = sums.positive + sums.negative
    total = mass.sum()
    middle = (np.cumsum(mass) - mass / 2) / total
    place = np.minimum((middle * n_bins).astype(np.intp), n_bins - 1)
    gap = np.bincount(place, weights=sums.score * mass - sums.positive, minlength=n_bins)
    return float(np.abs(gap).sum() / total)

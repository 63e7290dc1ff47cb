"""Metrics of predicted probabilities: Brier score, log loss, calibration error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.errors import DataError
from ml.metrics.inputs import check_inputs, score_sums

MIN_PROBABILITY = 1e-15  # keeps the log loss finite where the outcome had probability 0


def brier(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the Brier score: the mean squared difference between probability and outcome.

    Parameters
    ----------
    y : array of shape (n_rows,)
        0 or 1.
    p : array of shape (n_rows,)
        Probabilities of 1.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows, at least 0.

    Returns
    -------
    float
        Between 0 (perfect) and 1.

    Raises
    ------
    DataError
        A value is out of range, or the lengths differ.

    References
    ----------
    G. W. Brier (1950), Verification of forecasts expressed in terms of probability, Monthly Weather Review 78, 1-3.

    Examples
    --------
    >>> from ml.metrics import brier
    >>> brier([1, 0], [0.5, 0.1])
    0.13
    """
    outcome, probability, weight = check_inputs("brier", y, p, sample_weight, probability=True)
    return float(weight @ (probability - outcome) ** 2 / weight.sum())


def log_loss(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the log loss: the mean negative log-likelihood in nats.

    The probability of the outcome is clipped to at least 1e-15.

    Parameters
    ----------
    y : array of shape (n_rows,)
        0 or 1.
    p : array of shape (n_rows,)
        Probabilities of 1.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows, at least 0.

    Returns
    -------
    float
        At least 0; lower is better.

    Raises
    ------
    DataError
        A value is out of range, or the lengths differ.

    Examples
    --------
    >>> from ml.metrics import log_loss
    >>> round(log_loss([1, 0], [0.5, 0.5]), 4)
    0.6931
    """
    outcome, probability, weight = check_inputs("log_loss", y, p, sample_weight, probability=True)
    of_outcome = np.clip(np.where(outcome == 1, probability, 1 - probability), MIN_PROBABILITY, 1.0)
    return float(-(weight @ np.log(of_outcome)) / weight.sum())


def expected_calibration_error(
    y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None, n_bins: int = 10
) -> float:
    """Return the expected calibration error over bins of equal weight.

    Parameters
    ----------
    y : array of shape (n_rows,)
        0 or 1, both present.
    p : array of shape (n_rows,)
        Probabilities of 1.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows, at least 0.
    n_bins : int, default 10
        Number of bins, at least 1.

    Returns
    -------
    float
        Weighted mean of |mean probability - observed rate| over the bins, between 0 and 1; lower is better.

    Raises
    ------
    DataError
        A value is out of range, the lengths differ, or `y` holds one class only.

    Notes
    -----
    Rows of equal probability share a bin, the one at the midpoint of their weight, so that the order of rows does not
    matter. The estimate is biased upwards: for a perfectly calibrated model on n rows with rate r it is about
    `0.8 * sqrt(r * (1 - r) * n_bins / n)`. For the same reason its bootstrap interval lies above its value.

    References
    ----------
    M. P. Naeini, G. F. Cooper, M. Hauskrecht (2015), Obtaining well calibrated probabilities using Bayesian binning,
    AAAI 29. Bins of equal weight: K. Nguyen, B. O'Connor (2015), Posterior calibration and exploratory analysis for
    natural language processing models, EMNLP, 1587-1598.

    Examples
    --------
    >>> from ml.metrics import expected_calibration_error
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

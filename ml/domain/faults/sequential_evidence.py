"""Counts watched week by week: evidence of a raised rate that may be looked at as often as one likes.

A cell's evidence is an e-process: the likelihood of its counts if its rate were raised, averaged over how much, over
their likelihood at the expected rate. Where nothing is wrong its mean is at most 1 at any time one stops, so the chance
that it ever reaches ``1 / alpha`` is at most alpha (J. Ville, 1939; A. Ramdas, P. Grünwald, V. Vovk and G. Shafer
(2023), Game-theoretic statistics and safe anytime-valid inference, Statistical Science 38). Counts of a week are
negative binomial where they are spread wider than Poisson's, with a dispersion that is known beforehand.

Many cells share what may go wrong: a cell whose evidence reaches ``1 / (alpha * weight)`` raises an alarm, with weights
that add up to 1, so that any false alarm at all, in any cell at any time, has a chance of at most alpha.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from ml.domain.arrays import FloatArray

RATIOS = np.array([1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0])
POISSON = 1e-6  # dispersions below this are taken for Poisson


@dataclass(frozen=True)
class Evidence:
    """What weeks have told of each cell.

    Attributes
    ----------
    log_ratio : ndarray of shape (n_cells, n_ratios)
        Logarithm of the likelihood ratio of each raised rate.
    prior : ndarray of shape (n_ratios,)
        Weight of each raised rate; adds up to 1.
    """

    log_ratio: FloatArray
    prior: FloatArray

    @property
    def log_e(self) -> FloatArray:
        """Logarithm of the evidence of each cell."""
        return np.asarray(logsumexp(self.log_ratio + np.log(self.prior)[None, :], axis=1))

    @property
    def ratio(self) -> FloatArray:
        """Raised rate that the evidence points to: its mean, weighed by how well each explains the counts."""
        weight = np.exp(self.log_ratio + np.log(self.prior)[None, :] - self.log_e[:, None])
        return np.asarray(weight @ RATIOS[: len(self.prior)] / weight.sum(axis=1))


def no_evidence(n_cells: int, *, prior: npt.ArrayLike | None = None) -> Evidence:
    """No evidence yet.

    Parameters
    ----------
    n_cells : int
        Cells to watch.
    prior : array of shape (9,), optional
        How likely each of `RATIOS` is if something is wrong; all alike if not given.

    Examples
    --------
    >>> no_evidence(2).log_e.round(9).tolist()
    [0.0, 0.0]
    """
    given = np.ones(len(RATIOS)) if prior is None else np.asarray(prior, dtype=np.float64)
    if given.shape != RATIOS.shape or not (given > 0).all() or not np.isfinite(given).all():
        raise ValueError(f"prior must hold {len(RATIOS)} finite numbers above 0, got {given.tolist()}")
    return Evidence(np.zeros((n_cells, len(RATIOS))), given / given.sum())


def update_evidence(
    evidence: Evidence, count: npt.ArrayLike, expected: npt.ArrayLike, dispersion: npt.ArrayLike = 0.0
) -> Evidence:
    """Evidence after one more week.

    Parameters
    ----------
    count, expected : array of shape (n_cells,)
        Events of the week, and how many were to be expected; a cell without exposure has 0 of both.
    dispersion : float or array of shape (n_cells,)
        Variance of a week's count is ``expected + dispersion * expected ** 2``.

    Raises
    ------
    ValueError
        A count is not whole, or anything is below 0, or events came where none can.

    Examples
    --------
    Twice as many as expected, week after week:

    >>> found = no_evidence(1)
    >>> for _ in range(10):
    ...     found = update_evidence(found, [8], [4.0])
    >>> float(found.log_e[0].round(1)), float(found.ratio[0].round(1))
    (13.8, 1.9)
    """
    n, e = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    d = np.broadcast_to(np.asarray(dispersion, dtype=np.float64), e.shape)
    cells = len(evidence.log_ratio)
    if n.shape != (cells,) or e.shape != (cells,):
        raise ValueError(f"count {n.shape} and expected {e.shape} must have one number for each of {cells} cells")
    if not (np.isfinite(n) & (n >= 0) & (n == np.floor(n))).all():
        raise ValueError("count must be whole and not below 0")
    if not (np.isfinite(e) & (e >= 0)).all() or not (np.isfinite(d) & (d >= 0)).all():
        raise ValueError("expected and dispersion must be finite and not below 0")
    if ((n > 0) & (e == 0)).any():
        raise ValueError("a cell has events and expects none: give its exposure, or leave it out")
    theta = RATIOS[None, :]
    poisson = n[:, None] * np.log(theta) - (theta - 1) * e[:, None]
    size = 1 / np.maximum(d, POISSON)[:, None]
    spread = n[:, None] * np.log(theta) - (n[:, None] + size) * np.log(
        (size + theta * e[:, None]) / (size + e[:, None])
    )
    step = np.where(d[:, None] < POISSON, poisson, spread)
    return Evidence(evidence.log_ratio + step, evidence.prior)


def cumulative_evidence(
    count: npt.ArrayLike, expected: npt.ArrayLike, between_model_variance: npt.ArrayLike = 0.0
) -> Evidence:
    """Return the evidence of cumulative counts when rates differ between cells that have no fault.

    A cell's rate is ``expected * p``, where p is drawn once from a gamma of mean 1 and variance
    `between_model_variance`. Given p, weekly counts are Poisson and their sum is sufficient for p, so that the ratio of
    the two mixtures depends on the sums alone. The ratio is a martingale in time: it may be tested every week, like
    that of `update_evidence`.

    Parameters
    ----------
    count, expected : array of shape (n_cells,)
        Sums since the begin.
    between_model_variance : float or array of shape (n_cells,)
        Variance between cells, known beforehand.

    Examples
    --------
    >>> surprising = cumulative_evidence([150], [100.0]).log_e[0]
    >>> usual = cumulative_evidence([150], [100.0], between_model_variance=0.09).log_e[0]
    >>> float(surprising.round(1)), float(usual.round(1))
    (9.0, 0.3)
    """
    n = np.asarray(count, dtype=np.float64)
    return update_evidence(no_evidence(len(n)), n, expected, between_model_variance)


def build_range_evidence(count: npt.ArrayLike, expected: npt.ArrayLike, between_model_variance: float) -> FloatArray:
    """Return the evidence that an unknown range of consecutive build periods of a cell has a raised rate.

    As `cumulative_evidence`, but the rate is raised in a range of build periods; the other builds of the same model
    inform about its own rate. The range of all builds has half the prior weight, the other half is spread evenly over
    all ranges. A mean of e-processes is an e-process.

    Parameters
    ----------
    count, expected : array of shape (n_cells, n_builds)
        Sums since the begin, by build period in their order.
    between_model_variance : float
        Variance between cells, known beforehand; above 0.

    Returns
    -------
    ndarray of shape (n_cells,)
        Logarithm of the evidence.

    Examples
    --------
    >>> some = build_range_evidence([[10, 10, 30, 30, 10, 10]], [[10.0] * 6], 0.04)
    >>> all_ = cumulative_evidence([100], [60.0], 0.04).log_e
    >>> float(some[0].round(1)), float(all_[0].round(1))
    (12.5, 2.0)
    """
    n, e = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if n.ndim != 2 or n.shape != e.shape:
        raise ValueError(f"count {n.shape} and expected {e.shape} must have a row for each cell, a column a build")
    if not (np.isfinite(n) & (n >= 0)).all() or not (np.isfinite(e) & (e >= 0)).all():
        raise ValueError("count and expected must be finite and not below 0")
    if not (np.isfinite(between_model_variance) and between_model_variance > 0):
        raise ValueError(f"between_model_variance must be finite and above 0, got {between_model_variance}")
    first, last = np.triu_indices(n.shape[1])
    sums, due = (np.concatenate([np.zeros((len(n), 1)), v.cumsum(axis=1)], axis=1) for v in (n, e))
    within, within_due = sums[:, last + 1] - sums[:, first], np.maximum(due[:, last + 1] - due[:, first], 0.0)
    size = 1 / between_model_variance
    total, total_due = size + sums[:, -1:], size + due[:, -1:]
    whole = (first == 0) & (last == n.shape[1] - 1)
    weight = np.log(0.5 * whole + 0.5 / len(first)) - np.log(len(RATIOS))
    found = np.full(len(n), -np.inf)
    for theta in RATIOS:
        of_range = within * np.log(theta) - total * np.log1p((theta - 1) * within_due / total_due)
        found = np.logaddexp(found, logsumexp(of_range + weight[None, :], axis=1))
    return np.asarray(found)

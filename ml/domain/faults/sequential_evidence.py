"""Sequential test of weekly counts: evidence of a raised rate that stays valid however often it is tested.

A cell's evidence is an e-process: the likelihood of its counts under raised rates, averaged over the rate ratios, over
their likelihood at the expected rate. Without a fault its mean is at most 1 at any stopping time, so that the
probability that it ever reaches ``1 / alpha`` is at most alpha (J. Ville, 1939; A. Ramdas, P. Grünwald, V. Vovk and
G. Shafer (2023), Game-theoretic statistics and safe anytime-valid inference, Statistical Science 38). Overdispersed
weekly counts are negative binomial with a known dispersion.

The cells share the family-wise false-alarm rate alpha: a cell raises an alarm when its evidence reaches
``1 / (alpha * weight)``. The weights sum to 1, so that the probability of one or more false alarms, in any cell at any
time, is at most alpha.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from ml.domain.arrays import FloatArray

RATIOS = np.array([1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0])
POISSON = 1e-6  # smaller dispersions count as Poisson


@dataclass(frozen=True)
class Evidence:
    """Evidence of each cell after some weeks, as returned by `update_evidence` and `cumulative_evidence`.

    Attributes
    ----------
    log_ratio : ndarray of shape (n_cells, n_ratios)
        Log likelihood ratio of each rate ratio in `RATIOS`.
    prior : ndarray of shape (n_ratios,)
        Weight of each rate ratio; sums to 1.
    """

    log_ratio: FloatArray
    prior: FloatArray

    @property
    def log_e(self) -> FloatArray:
        """Natural logarithm of the e-value of each cell, shape (n_cells,)."""
        return np.asarray(logsumexp(self.log_ratio + np.log(self.prior)[None, :], axis=1))

    @property
    def ratio(self) -> FloatArray:
        """Posterior mean of the rate ratio of each cell, shape (n_cells,), if its rate is raised.

        The prior contains raised rates only (`RATIOS`, 1.15 to 6), so that the mean is above 1 for every cell: 2.58
        without data and with equal weights. Whether the rate is raised at all is measured by `log_e`.
        """
        weight = np.exp(self.log_ratio + np.log(self.prior)[None, :] - self.log_e[:, None])
        return np.asarray(weight @ RATIOS[: len(self.prior)] / weight.sum(axis=1))


def no_evidence(n_cells: int, *, prior: npt.ArrayLike | None = None) -> Evidence:
    """Return the evidence of cells before the first week: log e-values of 0.

    Parameters
    ----------
    n_cells : int
        Number of cells.
    prior : array of shape (9,), optional
        Prior weight under a fault of the rate ratios 1.15, 1.3, 1.5, 1.75, 2, 2.5, 3, 4 and 6, above 0; scaled to sum
        1. Equal weights by default.

    Returns
    -------
    Evidence
        To pass to `update_evidence`; `log_e` is the log e-value of each cell.

    Raises
    ------
    ValueError
        `prior` does not hold nine finite numbers above 0.

    Examples
    --------
    >>> from ml.domain.faults.sequential_evidence import no_evidence
    >>> no_evidence(2).log_e.round(9).tolist()
    [0.0, 0.0]
    """
    weights = np.ones(len(RATIOS)) if prior is None else np.asarray(prior, dtype=np.float64)
    if weights.shape != RATIOS.shape or not (weights > 0).all() or not np.isfinite(weights).all():
        raise ValueError(f"prior must hold {len(RATIOS)} finite numbers above 0, got {weights.tolist()}")
    return Evidence(np.zeros((n_cells, len(RATIOS))), weights / weights.sum())


def update_evidence(
    evidence: Evidence, count: npt.ArrayLike, expected: npt.ArrayLike, dispersion: npt.ArrayLike = 0.0
) -> Evidence:
    """Return the evidence after one more week.

    The likelihood ratio of each rate ratio (1.15, 1.3, 1.5, 1.75, 2, 2.5, 3, 4 and 6 times the expected rate) is
    multiplied by that of the week's counts. The prior weights the nine ratios: equally, or as set in `no_evidence`.

    Parameters
    ----------
    evidence : Evidence
        Before the week: ``no_evidence(n_cells)`` for the first week, then the result of this function.
    count, expected : array of shape (n_cells,)
        Events of the week and their expected value; both are 0 for a cell without exposure.
    dispersion : float or array of shape (n_cells,)
        Variance of a week's count is ``expected + dispersion * expected ** 2``; 0 for Poisson counts.

    Returns
    -------
    Evidence
        `log_e`: log e-value of each cell, 0 without data; `ratio`: posterior mean of its rate ratio if the rate is
        raised, which is always above 1: a cell without data has the prior mean, 2.58 with equal weights.

    Raises
    ------
    ValueError
        A count is not a whole number, a number is negative, a cell with an expected count of 0 has events, or `count`
        or `expected` does not have one number per cell.

    Examples
    --------
    Ten weeks of two cells: one with twice as many events as expected, one without exposure.

    >>> from ml.domain.faults.sequential_evidence import no_evidence, update_evidence
    >>> evidence = no_evidence(2)
    >>> for _ in range(10):
    ...     evidence = update_evidence(evidence, count=[8, 0], expected=[4.0, 0.0])
    >>> evidence.log_e.round(1).tolist(), evidence.ratio.round(2).tolist()
    ([13.8, 0.0], [1.94, 2.58])
    """
    n, e = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    d = np.broadcast_to(np.asarray(dispersion, dtype=np.float64), e.shape)
    cells = len(evidence.log_ratio)
    if n.shape != (cells,) or e.shape != (cells,):
        raise ValueError(f"count {n.shape} and expected {e.shape} must have one number for each of {cells} cells")
    if not (np.isfinite(n) & (n >= 0) & (n == np.floor(n))).all():
        raise ValueError("count must hold whole numbers not below 0")
    if not (np.isfinite(e) & (e >= 0)).all() or not (np.isfinite(d) & (d >= 0)).all():
        raise ValueError("expected and dispersion must be finite and not below 0")
    if ((n > 0) & (e == 0)).any():
        raise ValueError("a cell has events but an expected count of 0: correct its exposure, or leave the cell out")
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
        Cumulative events and their expected value.
    between_model_variance : float or array of shape (n_cells,)
        Variance of the rate ratios between cells, estimated beforehand; 0 where all cells have the same rate.

    Returns
    -------
    Evidence
        `log_e`: log e-value of each cell; `ratio`: posterior mean of its rate ratio if the rate is raised, above 1.

    Raises
    ------
    ValueError
        A count is not a whole number, a number is negative, or a cell with an expected count of 0 has events.

    Examples
    --------
    >>> from ml.domain.faults.sequential_evidence import cumulative_evidence
    >>> poisson = cumulative_evidence(count=[150], expected=[100.0]).log_e[0]
    >>> gamma_poisson = cumulative_evidence([150], [100.0], between_model_variance=0.09).log_e[0]
    >>> float(poisson.round(1)), float(gamma_poisson.round(1))
    (9.0, 0.3)
    """
    n = np.asarray(count, dtype=np.float64)
    return update_evidence(no_evidence(len(n)), n, expected, between_model_variance)

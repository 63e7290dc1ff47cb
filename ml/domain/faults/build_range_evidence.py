"""Evidence that an unknown range of builds of one cell has a raised rate, given the cell's reference weeks.

A cell (one component of one model) has its own rate: the expected rate times p, with p from a gamma distribution of
mean 1 and the variance of the rates between cells. Its reference weeks, R events with ER expected, turn this prior into
the posterior ``gamma(1 / v + R, 1 / v + ER)``, and the test weeks of a cell without a fault follow the predictive
distribution of this posterior (gamma-Poisson conjugacy: A. Gelman et al. (2013), Bayesian Data Analysis, section 2.6).
Rates of the test weeks may differ from those of the reference weeks for reasons that are no fault (vehicles older than
any before, a mild winter, other habits of recording): a drift of mean 1 and a stated variance multiplies p. Relative
variances add, so that the shape of the predictive distribution is ``1 / (1 / shape + drift ** 2)``.

The evidence is the mean of predictive likelihood ratios of the test weeks given the reference weeks, over alternatives:
a range of consecutive build periods whose rate is raised by one of `RATIOS`, either from the first test week on, or in
all weeks. A fault that was partly present in the reference weeks has raised the cell's own rate; the alternatives in
all weeks divide it into a normal rate of all builds and a raised rate of some. Weights are fixed at the start of the
test weeks as functions of the reference weeks, and p is integrated out under both hypotheses, so that the mean of the
evidence without a fault is 1, whatever the reference weeks were: an e-process. The probability that it ever reaches
``1 / alpha`` is at most alpha, however often it is looked at (J. Ville, 1939; A. Ramdas, P. Grünwald, V. Vovk and
G. Shafer (2023), Game-theoretic statistics and safe anytime-valid inference, Statistical Science 38). The cells share
the family-wise false-alarm rate alpha: a cell raises an alarm when its evidence reaches ``1 / (alpha * weight)``, and
the weights sum to 1.

- From the first test week on: half of the weight. The reference weeks say nothing about these alternatives.
- In all weeks: the other half, divided by the posterior weights given the reference weeks. The halves are fixed, so
  that a fault in the reference weeks cannot take the weight from a later one.

Within both, the range of all builds has half of the prior weight, the other half is spread evenly over all ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from ml.domain.arrays import FloatArray

RATIOS = np.array([1.15, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0])
ALL_BUILDS = 0.5  # prior weight of a fault in all builds
FROM_START = 0.5  # weight of the faults that begin with the test weeks


@dataclass(frozen=True)
class CellReference:
    """Reference weeks of one cell, and the evidence of its later weeks given them.

    Attributes
    ----------
    count, expected : ndarray of shape (n_builds,)
        Events of the reference weeks and their expected value by build period, in order; 0 where the period was not in
        service.
    variance : float
        Variance of the rate ratios between cells without a fault, above 0.
    drift : float
        Standard deviation of the rate of the test weeks over that of the reference weeks, without a fault; 0 for none.

    Raises
    ------
    ValueError
        Lengths differ, a number is negative or not finite, or `variance` is not above 0.

    Examples
    --------
    Sixty events where 40 were expected: the cell has a higher rate of its own, and 90 events in the next 60 are no
    surprise; of a cell with 40 they would be.

    >>> own = CellReference(np.array([60.0]), np.array([40.0]), 0.04)
    >>> own.shape, own.rate, round(own.mean, 2)
    (85.0, 65.0, 1.31)
    >>> own.log_e([[90.0]], [[60.0]]).round(1).tolist()
    [-0.1]
    >>> CellReference(np.array([40.0]), np.array([40.0]), 0.04).log_e([[90.0]], [[60.0]]).round(1).tolist()
    [1.7]
    """

    count: FloatArray
    expected: FloatArray
    variance: float
    drift: float = 0.0

    def __post_init__(self) -> None:
        if self.count.ndim != 1 or self.count.shape != self.expected.shape or not len(self.count):
            raise ValueError(
                f"count {self.count.shape} and expected {self.expected.shape} must have one number for each build "
                "period, and at least one"
            )
        _check(self.count, self.expected)
        if not (np.isfinite(self.variance) and self.variance > 0):
            raise ValueError(f"variance must be finite and above 0, got {self.variance}")
        if not (np.isfinite(self.drift) and self.drift >= 0):
            raise ValueError(f"drift must be finite and not below 0, got {self.drift}")

    @property
    def shape(self) -> float:
        """Shape of the gamma posterior of the cell's own rate ratio; its inverse is the relative variance."""
        return float(1 / self.variance + self.count.sum())

    @property
    def rate(self) -> float:
        """Rate of the gamma posterior of the cell's own rate ratio."""
        return float(1 / self.variance + self.expected.sum())

    @property
    def mean(self) -> float:
        """Posterior mean of the cell's own rate ratio."""
        return self.shape / self.rate

    @property
    def test_shape(self) -> float:
        """Shape of the gamma distribution of the own rate ratio in the test weeks: posterior and drift."""
        return 1 / (1 / self.shape + self.drift**2)

    @cached_property
    def _ranges(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        return np.triu_indices(len(self.count))

    @cached_property
    def _prior(self) -> FloatArray:
        """Return the log weight of each range and ratio, shape (n_ratios, n_ranges)."""
        first, last = self._ranges
        whole = (first == 0) & (last == len(self.count) - 1)
        weight = ALL_BUILDS * whole + (1 - ALL_BUILDS) / len(first)
        return np.asarray(np.log(weight)[None, :] - np.log(len(RATIOS)) + np.zeros((len(RATIOS), 1)))

    @cached_property
    def _rates(self) -> FloatArray:
        """Return the rate of the posterior of p if a range is raised in all weeks, shape (n_ratios, n_ranges)."""
        within = _within(self.expected[None, :], self._ranges)
        return np.asarray(self.rate + (RATIOS[:, None] - 1) * within)

    @cached_property
    def _reference_weight(self) -> FloatArray:
        """Return the log weight of each range and ratio in all weeks, times their likelihood in the reference weeks."""
        within = _within(self.count[None, :], self._ranges)
        return np.asarray(self._prior + within * np.log(RATIOS)[:, None] - self.shape * np.log(self._rates / self.rate))

    def log_e(self, count: npt.ArrayLike, expected: npt.ArrayLike) -> FloatArray:
        """Return the log evidence of cumulative counts of the test weeks.

        Parameters
        ----------
        count, expected : array of shape (n, n_builds)
            Cumulative events of the test weeks and their expected value, without the cell's own rate ratio, by build
            period in order. Each row is evaluated alone, such as one row for each week.

        Returns
        -------
        ndarray of shape (n,)
            Natural logarithm of the e-value; 0 where nothing is expected.

        Raises
        ------
        ValueError
            A number is negative or not finite, or a shape differs.
        """
        later, always = self._halves(count, expected)
        total = logsumexp(self._reference_weight)
        log_e = np.logaddexp(later + np.log(FROM_START), always - total + np.log(1 - FROM_START))
        return np.asarray(np.where(np.asarray(expected, dtype=np.float64).sum(axis=1) > 0, log_e, 0.0))

    def log_odds_always(self, count: npt.ArrayLike, expected: npt.ArrayLike) -> float:
        """Return the log odds that a raised rate was raised in all weeks, against from the first test week on.

        Reference weeks and test weeks count; both have the same odds beforehand.

        Parameters
        ----------
        count, expected : array of shape (n_builds,)
            As a row of `log_e`.

        Returns
        -------
        float
            Above 0 where the reference weeks had the fault already.

        Examples
        --------
        Two of four builds have three times as many faults as the others, in the reference weeks too, or in the test
        weeks alone:

        >>> expected, test = np.full(4, 20.0), np.array([20.0, 60.0, 60.0, 20.0])
        >>> CellReference(test, expected, 0.04).log_odds_always(test, expected) > 3
        True
        >>> CellReference(expected, expected, 0.04).log_odds_always(test, expected) < -3
        True
        """
        later, always = self._halves(np.asarray(count)[None, :], np.asarray(expected)[None, :])
        return float(always[0] - later[0])

    def _halves(self, count: npt.ArrayLike, expected: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return the log likelihood ratios from the first test week on, and in all weeks with the reference weeks'."""
        n, e = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
        if n.ndim != 2 or n.shape != e.shape or n.shape[1] != len(self.count):
            raise ValueError(
                f"count {n.shape} and expected {e.shape} must have a column for each of {len(self.count)} build periods"
            )
        _check(n, e)
        within, expected_within = (_within(v, self._ranges)[:, None, :] for v in (n, e))
        shape = self.test_shape
        rate, rates = shape / self.mean, shape * self._rates / self.shape
        total = shape + n.sum(axis=1)[:, None, None]
        expected_total = e.sum(axis=1)[:, None, None]
        gain = within * np.log(RATIOS)[:, None]
        excess = (RATIOS[:, None] - 1) * expected_within
        null = shape * np.log(rate) - total * np.log(rate + expected_total)
        later = gain - total * np.log(rate + expected_total + excess) + shape * np.log(rate)
        always = gain - total * np.log(rates + expected_total + excess) + shape * np.log(rates)
        return (
            _log_sum(later + self._prior) - null[:, 0, 0],
            _log_sum(always + self._reference_weight) - null[:, 0, 0],
        )


def _within(values: FloatArray, ranges: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]) -> FloatArray:
    """Return the sums of each range, shape (n, n_ranges)."""
    sums = np.concatenate([np.zeros((len(values), 1)), values.cumsum(axis=1)], axis=1)
    return np.asarray(np.maximum(sums[:, ranges[1] + 1] - sums[:, ranges[0]], 0.0))


def _log_sum(values: FloatArray) -> FloatArray:
    """Return the logarithm of the sum of the exponentials over all axes but the first; faster than scipy's."""
    highest = values.max(axis=(1, 2))
    return np.asarray(highest + np.log(np.exp(values - highest[:, None, None]).sum(axis=(1, 2))))


def _check(count: FloatArray, expected: FloatArray) -> None:
    if not (np.isfinite(count) & (count >= 0)).all() or not (np.isfinite(expected) & (expected >= 0)).all():
        raise ValueError("count and expected must be finite and not below 0")

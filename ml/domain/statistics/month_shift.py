"""Comparison of a new month with reference months that differ from each other by more than chance.

Months are groups with a random effect: the mean of month k is ``mu + b_k + e_k`` with ``Var(b_k) = tau^2`` and
``Var(e_k) = sigma^2 / n_k``. The variance tau^2 between months is estimated by the method of moments [1]_; serial
correlation of the month effects makes the reference months worth fewer independent ones [2]_; the new mean is compared
by the prediction interval of a random-effects model [3]_, with the degrees of freedom of Satterthwaite [4]_.

References
----------
.. [1] R. DerSimonian, N. Laird (1986), Meta-analysis in clinical trials, Controlled Clinical Trials 7, 177-188.
.. [2] G. V. Bayley, J. M. Hammersley (1946), The "effective" number of independent observations in an autocorrelated
   time series, Supplement to the Journal of the Royal Statistical Society 8, 184-197; the bias of the correlation:
   M. G. Kendall (1954), Note on bias in the estimation of autocorrelation, Biometrika 41, 403-404.
.. [3] J. P. T. Higgins, S. G. Thompson, D. J. Spiegelhalter (2009), A re-evaluation of random-effects meta-analysis,
   Journal of the Royal Statistical Society A 172, 137-159.
.. [4] F. E. Satterthwaite (1946), An approximate distribution of estimates of variance components, Biometrics 2,
   110-114.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ml.domain.arrays import FloatArray

MIN_MONTHS = 6  # fewer months do not show how much months differ
MIN_CORRELATED = 12  # and fewer than these not whether successive months are alike
HIGHEST_CORRELATION = 0.9
SMALLEST_VARIANCE = 1e-100  # less than rounding leaves of any quantity; its inverse squared is no number


@dataclass(frozen=True)
class MonthMeans:
    """Means of a quantity in reference months, as returned by `month_means`.

    Attributes
    ----------
    means, counts : ndarray of shape (n_months,)
        Mean and number of values of each month, in time order.
    variance : float
        Variance of the values within months, in the squared unit of the means.
    """

    means: FloatArray
    counts: FloatArray
    variance: float

    @property
    def mean(self) -> float:
        """Return the mean of all values."""
        return float(np.average(self.means, weights=self.counts))


@dataclass(frozen=True)
class MonthShift:
    """Difference between a new month and the reference months, as returned by `month_shift`.

    Attributes
    ----------
    difference : float
        New mean less the mean of the reference.
    effect : float
        `difference` in standard deviations of single values.
    standard_error : float
        Of `difference`, with the variance between months.
    between : float
        Standard deviation of the month effects; 0 if months do not differ by more than chance, or if there are fewer
        than 6 of them.
    degrees_of_freedom : float
        Of the t distribution; infinite with fewer than 6 reference months.
    p_value : float
        Probability of a difference at least as large, either way, without a shift.
    """

    difference: float
    effect: float
    standard_error: float
    between: float
    degrees_of_freedom: float
    p_value: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the interval of the difference; `level` is between 0 and 1.

        >>> low, high = MonthShift(1.0, 0.5, 0.5, 0.0, math.inf, 0.05).interval()
        >>> round(low, 2), round(high, 2)
        (0.02, 1.98)
        """
        reach = float(stats.t.isf((1 - level) / 2, self.degrees_of_freedom)) * self.standard_error
        return self.difference - reach, self.difference + reach


def month_means(values: npt.ArrayLike, months: npt.ArrayLike) -> MonthMeans:
    """Return the mean of each month and the variance within months.

    Parameters
    ----------
    values : array of shape (n_values,)
        Finite numbers in any unit.
    months : array of int, shape (n_values,)
        Number of the month of each value.

    Returns
    -------
    MonthMeans
        The months in ascending order.

    Raises
    ------
    ValueError
        There is no value.

    Examples
    --------
    >>> reference = month_means([1.0, 3.0, 5.0, 7.0], [0, 0, 1, 1])
    >>> reference.means.tolist(), reference.counts.tolist(), reference.variance
    ([2.0, 6.0], [2.0, 2.0], 2.0)
    """
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        raise ValueError("month_means: there is no value; pass at least one")
    _, member = np.unique(np.asarray(months), return_inverse=True)
    counts = np.bincount(member).astype(np.float64)
    means = np.bincount(member, weights=array) / counts
    squares = float(np.sum((array - means[member]) ** 2))
    return MonthMeans(means, counts, squares / max(len(array) - len(counts), 1))


def share_means(hits: npt.ArrayLike, counts: npt.ArrayLike) -> MonthMeans:
    """Return the share of hits in each month, as means of values 0 and 1.

    Parameters
    ----------
    hits, counts : array of shape (n_months,)
        Hits, and values above 0, of each month.

    Returns
    -------
    MonthMeans
        `variance` is that of a hit: share * (1 - share).

    Examples
    --------
    >>> share_means([1, 3], [10, 10]).variance
    0.16000000000000003
    """
    n = np.asarray(counts, dtype=np.float64)
    means = np.asarray(hits, dtype=np.float64) / n
    share = float(np.average(means, weights=n))
    return MonthMeans(means, n, share * (1 - share))


def between_months(reference: MonthMeans) -> tuple[float, float]:
    """Return the variance of the month effects, and the number of independent months that the months are worth.

    Parameters
    ----------
    reference : MonthMeans
        As returned by `month_means`.

    Returns
    -------
    variance : float
        In the squared unit of the means; 0 if months do not differ by more than chance, or with fewer than 6 of them.
    months : float
        2 to the number of months.

    Examples
    --------
    >>> same = MonthMeans(np.array([1.0, 1.1] * 4), np.full(8, 100.0), variance=1.0)
    >>> between_months(same)
    (0.0, 8.0)
    >>> apart = MonthMeans(np.array([0.0, 1.0] * 4), np.full(8, 100.0), variance=1.0)
    >>> round(between_months(apart)[0], 2)  # fewer than 12 months: taken as independent
    0.28
    """
    months = len(reference.means)
    if months < MIN_MONTHS or reference.variance < SMALLEST_VARIANCE:
        return 0.0, float(months)
    weights = reference.counts / reference.variance
    total = weights.sum()
    residuals = reference.means - np.average(reference.means, weights=weights)
    excess = float(np.sum(weights * residuals**2)) - (months - 1)
    variance = max(excess / float(total - np.sum(weights**2) / total), 0.0)
    if variance == 0:
        return 0.0, float(months)
    noise = float(np.mean(reference.variance / reference.counts))
    if months < MIN_CORRELATED:
        return variance, float(months)
    correlation = float(np.sum(residuals[1:] * residuals[:-1]) / np.sum(residuals**2))
    correlation = (correlation + (1 + 3 * correlation) / months) * (variance + noise) / variance
    correlation = min(max(correlation, 0.0), HIGHEST_CORRELATION)
    independent = max(months * (1 - correlation) / (1 + correlation), 2.0)
    return variance * (1 - 1 / months) / (1 - 1 / independent), independent


def month_shift(
    reference: MonthMeans, mean: float, count: float, *, variance: float | None = None, months: int = 1
) -> MonthShift:
    """Test whether the mean of a new month, or of several successive ones, belongs to the reference months.

    Parameters
    ----------
    reference : MonthMeans
        As returned by `month_means` or `share_means`.
    mean : float
        Mean of the new month.
    count : float
        Number of its values, above 0.
    variance : float, optional
        Variance of the values of the new month; default: that within the reference months.
    months : int
        Number of successive new months that `mean` is over, at least 1.

    Returns
    -------
    MonthShift
        Without variance in either, `p_value` is 1 for equal means and 0 for others.

    Examples
    --------
    A month whose mean is 0.3 standard deviations higher is a surprise after months that hardly differ, and none after
    months that differ as much themselves:

    >>> steady = MonthMeans(np.array([0.0, 0.01] * 6), np.full(12, 400.0), variance=1.0)
    >>> round(month_shift(steady, 0.305, 400).p_value, 5)
    0.00013
    >>> seasonal = MonthMeans(np.array([-0.3, 0.3] * 6), np.full(12, 400.0), variance=1.0)
    >>> round(month_shift(seasonal, 0.3, 400).p_value, 2)
    0.38
    """
    own = reference.variance if variance is None else variance
    difference = float(mean - reference.mean)
    between, independent = between_months(reference)
    worth = max(months * independent / len(reference.means), 1.0)  # independent months that the new months are worth
    from_months = between * (1 / worth + 1 / independent)
    from_rows = own / count + reference.variance / float(reference.counts.sum())
    error = math.sqrt(from_months + from_rows)
    scale = math.sqrt(reference.variance or own)
    reference_months = len(reference.means)
    if reference_months < MIN_MONTHS:
        freedom = math.inf
    else:
        # An estimate of 0 from a dozen months or more is trusted like any variance of so many; fewer say little.
        of_rows = from_rows**2 / (reference_months - 1) if reference_months >= MIN_CORRELATED else 0.0
        parts = from_months**2 / (independent - 1) + of_rows
        freedom = (from_months + from_rows) ** 2 / parts if parts else math.inf
    if error == 0:
        p_value = 1.0 if difference == 0 else 0.0
    else:
        p_value = float(2 * stats.t.sf(abs(difference) / error, freedom))
    effect = difference / scale if scale else 0.0 if difference == 0 else math.copysign(math.inf, difference)
    return MonthShift(difference, effect, error, math.sqrt(between), freedom, p_value)

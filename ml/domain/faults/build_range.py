"""Scan statistic for affected builds: the range of build periods whose faults exceed their expected value most.

Source: M. Kulldorff (1997), A spatial scan statistic, Communications in Statistics 26, here on a line instead of a map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class BuildRange:
    """Range of build periods with an elevated fault rate, as returned by `scan_builds`.

    Attributes
    ----------
    first, last : int
        Positions of the first and last affected build period.
    count, expected : float
        Faults within the range, and their expected value.
    ratio : float
        Rate within over the rate outside; infinite if nothing failed outside, NaN if nothing lies outside.
    p_value : float
        Share of samples under one common rate, conditional on the total count, with a likelihood ratio as large.
    """

    first: int
    last: int
    count: float
    expected: float
    ratio: float
    p_value: float


def scan_builds(
    count: npt.ArrayLike, expected: npt.ArrayLike, *, samples: int = 999, seed: int = 0
) -> BuildRange | None:
    """Return the range of consecutive build periods with the highest likelihood ratio of an elevated rate.

    Parameters
    ----------
    count, expected : array of shape (n_builds,)
        Faults of each build period and their expected value at the baseline rate, in order of build.
    samples : int
        Monte Carlo samples for the p-value; its smallest value is ``1 / (samples + 1)``.
    seed : int
        Seed of the samples.

    Returns
    -------
    BuildRange or None
        Positions of the first and last build period, faults and expected faults between them, rate ratio and p-value.
        None without faults, with fewer than two periods, or where no range exceeds its share.

    Raises
    ------
    ValueError
        A count or expected count is negative, or a period with an expected count of 0 has faults.

    Examples
    --------
    >>> builds = scan_builds([5, 4, 16, 21, 18, 5, 4], [5.0] * 7)
    >>> builds.first, builds.last, round(builds.ratio, 1), builds.p_value < 0.01
    (2, 4, 4.1, True)
    """
    n, e = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if n.ndim != 1 or n.shape != e.shape:
        raise ValueError(f"count {n.shape} and expected {e.shape} must be 1-dimensional and of equal length")
    if not (np.isfinite(n) & (n >= 0)).all() or not (np.isfinite(e) & (e >= 0)).all():
        raise ValueError("count and expected must be finite and not below 0")
    if ((n > 0) & (e == 0)).any():
        raise ValueError(
            "a build period has faults but an expected count of 0: correct its exposure, or leave the period out"
        )
    if len(n) < 2 or n.sum() == 0:
        return None
    table = _table(n[None, :], e)[0]
    best = table.max()
    if best <= 0:
        return None
    first, last = (int(i) for i in np.unravel_index(int(table.argmax()), table.shape))
    within, expected_within = n[first : last + 1].sum(), e[first : last + 1].sum()
    outside, expected_outside = n.sum() - within, e.sum() - expected_within
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.float64(within / expected_within) / np.float64(outside / expected_outside)
    rng = np.random.default_rng(seed)
    samples_of_counts = rng.multinomial(int(n.sum()), e / e.sum(), size=samples).astype(np.float64)
    exceeding = sum(
        int((_table(part, e).max(axis=(1, 2)) >= best).sum()) for part in np.array_split(samples_of_counts, 10)
    )
    return BuildRange(
        first=first,
        last=last,
        count=float(within),
        expected=float(expected_within),
        ratio=float(ratio),
        p_value=(1 + exceeding) / (samples + 1),
    )


def _table(count: FloatArray, expected: FloatArray) -> FloatArray:
    """Return the log likelihood ratios, shape (n, n_builds, n_builds): first period in rows, last in columns."""
    sums = np.concatenate([np.zeros((len(count), 1)), count.cumsum(axis=1)], axis=1)
    cumulative = np.r_[0.0, expected.cumsum()]
    within = sums[:, None, 1:] - sums[:, :-1, None]
    share = np.maximum(cumulative[None, 1:] - cumulative[:-1, None], 0.0) / cumulative[-1]
    total = sums[:, -1][:, None, None]
    outside, rest = total - within, np.maximum(1 - share, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = xlogy(within, within / (total * share)) + xlogy(outside, outside / (total * rest))
    elevated = (
        (within > total * share) & (share > 0) & (share < 1 - 1e-12) & np.triu(np.ones(share.shape, dtype=np.bool_))
    )
    return np.where(elevated, ratio, 0.0)

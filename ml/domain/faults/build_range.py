"""Which builds are affected: the range of build dates with more faults than elsewhere, by a scan of all ranges.

Source: M. Kulldorff (1997), A spatial scan statistic, Communications in Statistics 26, on a line instead of a map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from ml.domain.arrays import FloatArray


@dataclass(frozen=True)
class BuildRange:
    """Builds that fail more often than the others.

    Attributes
    ----------
    first, last : int
        Positions of the first and last affected build period.
    count, expected : float
        Within.
    ratio : float
        Rate within, over the rate outside; infinite if nothing failed outside, nan if nothing lies outside.
    p_value : float
        Share of samples of one rate for all, given how many faults there are, with a range as striking.
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
    """Find the range of consecutive build periods whose faults exceed what is expected the most.

    Parameters
    ----------
    count, expected : array of shape (n_builds,)
        Faults of each build period, and how many were to be expected at the usual rate; in order of build.
    samples : int
        For the p-value; its smallest is ``1 / (samples + 1)``.

    Returns
    -------
    BuildRange or None
        None where no range has more than its share, as without faults or with one period.

    Raises
    ------
    ValueError
        A count is negative, or came where nothing is expected.

    Examples
    --------
    >>> found = scan_builds([5, 4, 16, 21, 18, 5, 4], [5.0] * 7)
    >>> found.first, found.last, round(found.ratio, 1), found.p_value < 0.01
    (2, 4, 4.1, True)
    """
    n, e = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if n.ndim != 1 or n.shape != e.shape:
        raise ValueError(f"count {n.shape} and expected {e.shape} must be two columns of one length")
    if not (np.isfinite(n) & (n >= 0)).all() or not (np.isfinite(e) & (e >= 0)).all():
        raise ValueError("count and expected must be finite and not below 0")
    if ((n > 0) & (e == 0)).any():
        raise ValueError("a build period has faults and expects none: give its exposure, or leave it out")
    if len(n) < 2 or n.sum() == 0:
        return None
    table = _table(n[None, :], e)[0]
    best = table.max()
    if best <= 0:
        return None
    first, last = (int(i) for i in np.unravel_index(int(table.argmax()), table.shape))
    within, due = n[first : last + 1].sum(), e[first : last + 1].sum()
    outside, due_outside = n.sum() - within, e.sum() - due
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.float64(within / due) / np.float64(outside / due_outside)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(int(n.sum()), e / e.sum(), size=samples).astype(np.float64)
    as_striking = sum(int((_table(part, e).max(axis=(1, 2)) >= best).sum()) for part in np.array_split(drawn, 10))
    return BuildRange(
        first=first,
        last=last,
        count=float(within),
        expected=float(due),
        ratio=float(ratio),
        p_value=(1 + as_striking) / (samples + 1),
    )


def _table(count: FloatArray, expected: FloatArray) -> FloatArray:
    """Log likelihood ratio of each range, shape (n, n_builds, n_builds): its start in rows, its end in columns."""
    sums = np.concatenate([np.zeros((len(count), 1)), count.cumsum(axis=1)], axis=1)
    due = np.r_[0.0, expected.cumsum()]
    within, share = sums[:, None, 1:] - sums[:, :-1, None], np.maximum(due[None, 1:] - due[:-1, None], 0.0) / due[-1]
    total = sums[:, -1][:, None, None]
    outside, rest = total - within, np.maximum(1 - share, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = xlogy(within, within / (total * share)) + xlogy(outside, outside / (total * rest))
    more = (within > total * share) & (share > 0) & (share < 1 - 1e-12) & np.triu(np.ones(share.shape, dtype=np.bool_))
    return np.where(more, ratio, 0.0)

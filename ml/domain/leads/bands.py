"""Bands of leads by score: the first has a given number of leads, the others a third of the rest each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def band_limits(score: npt.ArrayLike, weight: npt.ArrayLike, *, first: float) -> tuple[float, float, float]:
    """Return the lowest scores of the first three of four bands.

    Parameters
    ----------
    score : array of shape (n_leads,)
        Higher is better.
    weight : array of shape (n_leads,)
        Number of leads that each stands for, above 0.
    first : float
        Number of leads in the first band, not below 0. The lead at its edge is in the band that has most of it.

    Returns
    -------
    (float, float, float)
        Falling or equal. The first is above every score if the first band is empty; all are the lowest score if the
        first band has every lead.

    Raises
    ------
    ValueError
        There is no lead, a weight is not above 0, or `first` is negative.

    Examples
    --------
    Two of eight leads, then two, two and two.

    >>> band_limits([8, 7, 6, 5, 4, 3, 2, 1], [1] * 8, first=2)
    (7.0, 5.0, 3.0)
    >>> band_limits([3, 2, 1], [1] * 3, first=10)
    (1.0, 1.0, 1.0)
    """
    s, w = np.asarray(score, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    if not len(s) == len(w) > 0 or not (w > 0).all() or not first >= 0:
        raise ValueError(
            f"band_limits needs leads, weights above 0 and a size not below 0, got {len(s)} leads and size {first}"
        )
    order = np.argsort(-s, kind="stable")
    ordered, middle = s[order], np.cumsum(w[order]) - w[order] / 2  # each lead counts where its middle lies
    total = float(w.sum())
    rest = max(total - first, 0.0)
    limits = []
    for size in (first, first + rest / 3, first + 2 * rest / 3):
        inside = int(np.searchsorted(middle, size, side="left"))
        limits.append(float(ordered[inside - 1]) if inside else float(np.nextafter(ordered[0], np.inf)))
    return limits[0], limits[1], limits[2]

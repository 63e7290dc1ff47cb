"""How well scores order the rows: only their order matters, except that ties count half."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.metrics.inputs import score_sums


def roc_auc(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Area under the receiver operating characteristic: the chance that a 1 scores above a 0, ties counting half.

    Parameters
    ----------
    y : array of shape (n_rows,)
        0 or 1.
    p : array of shape (n_rows,)
        Scores of 1, any finite scale.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.

    Raises
    ------
    DataError
        One class only, or values out of range.

    References
    ----------
    J. A. Hanley and B. J. McNeil (1982), Radiology 143, 29-36.

    Examples
    --------
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    sums = score_sums("roc_auc", y, p, sample_weight)
    below = np.cumsum(sums.negative) - sums.negative / 2
    return float(sums.positive @ below / (sums.positive.sum() * sums.negative.sum()))


def gini(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Gini coefficient (accuracy ratio), `2 * roc_auc - 1`; arguments and errors as for `roc_auc`.

    >>> gini([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    return 2 * roc_auc(y, p, sample_weight=sample_weight) - 1


def ks(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Kolmogorov-Smirnov statistic: the largest gap between the score distributions of the two classes.

    Arguments and errors as for `roc_auc`.

    >>> ks([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    sums = score_sums("ks", y, p, sample_weight)
    positive, negative = np.cumsum(sums.positive), np.cumsum(sums.negative)
    return float(np.abs(positive / positive[-1] - negative / negative[-1]).max())


def pr_auc(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Area under the precision-recall curve as a sum of steps (average precision), without interpolation.

    Arguments and errors as for `roc_auc`.

    >>> round(pr_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    sums = score_sums("pr_auc", y, p, sample_weight)
    positive, negative = sums.positive[::-1], sums.negative[::-1]
    caught, flagged = np.cumsum(positive), np.cumsum(positive + negative)
    precision = np.divide(caught, flagged, out=np.zeros_like(caught), where=flagged > 0)
    return float(positive @ precision / caught[-1])


def lift(
    y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None, share: float = 0.1
) -> float:
    """Rate of 1 among the highest-scored share of the rows over the rate among all; rows of equal score are cut evenly.

    Parameters
    ----------
    y, p, sample_weight : arrays of shape (n_rows,)
        As for `roc_auc`.
    share : float
        Of the weight of the rows, above 0 and at most 1.

    Raises
    ------
    DataError
        As for `roc_auc`.

    Examples
    --------
    >>> lift([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], np.arange(10.0)[::-1], share=0.2)
    5.0
    """
    sums = score_sums("lift", y, p, sample_weight)
    positive, mass = sums.positive[::-1], (sums.positive + sums.negative)[::-1]
    wanted = share * mass.sum()
    before = np.cumsum(mass) - mass
    taken = np.clip(np.divide(wanted - before, mass, out=np.zeros_like(mass), where=mass > 0), 0.0, 1.0)
    return float((taken @ positive / wanted) / (positive.sum() / mass.sum()))

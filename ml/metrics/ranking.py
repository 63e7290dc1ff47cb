"""Metrics of scores that depend on their order only: ROC AUC, Gini, KS, average precision and lift."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.metrics.inputs import score_sums


def roc_auc(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the area under the ROC curve: the probability that a positive row scores above a negative one.

    Ties count half.

    Parameters
    ----------
    y : array of shape (n_rows,)
        Labels, 0 or 1.
    p : array of shape (n_rows,)
        Scores on any finite scale, higher for 1.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.

    Returns
    -------
    float
        Between 0 and 1 (perfect); 0.5 for random scores.

    Raises
    ------
    DataError
        Only one class occurs, a label is neither 0 nor 1, a score is not finite, or lengths differ.

    References
    ----------
    J. A. Hanley and B. J. McNeil (1982), Radiology 143, 29-36.

    Examples
    --------
    >>> from ml.metrics.ranking import roc_auc
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    sums = score_sums("roc_auc", y, p, sample_weight)
    below = np.cumsum(sums.negative) - sums.negative / 2
    return float(sums.positive @ below / (sums.positive.sum() * sums.negative.sum()))


def gini(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the Gini coefficient (accuracy ratio), ``2 * roc_auc - 1``, between -1 and 1 (perfect).

    Parameters
    ----------
    y : array of shape (n_rows,)
        Labels, 0 or 1.
    p : array of shape (n_rows,)
        Scores on any finite scale, higher for 1.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.

    Raises
    ------
    DataError
        Only one class occurs, a label is neither 0 nor 1, a score is not finite, or lengths differ.

    Examples
    --------
    >>> from ml.metrics.ranking import gini
    >>> gini([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    return 2 * roc_auc(y, p, sample_weight=sample_weight) - 1


def ks(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the Kolmogorov-Smirnov statistic, 0 to 1: the largest distance between the classes' score distributions.

    Parameters
    ----------
    y : array of shape (n_rows,)
        Labels, 0 or 1.
    p : array of shape (n_rows,)
        Scores on any finite scale, higher for 1.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.

    Raises
    ------
    DataError
        Only one class occurs, a label is neither 0 nor 1, a score is not finite, or lengths differ.

    Examples
    --------
    >>> from ml.metrics.ranking import ks
    >>> ks([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    sums = score_sums("ks", y, p, sample_weight)
    positive, negative = np.cumsum(sums.positive), np.cumsum(sums.negative)
    return float(np.abs(positive / positive[-1] - negative / negative[-1]).max())


def pr_auc(y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None) -> float:
    """Return the average precision, 0 to 1: the area under the precision-recall curve as a sum of steps.

    Parameters
    ----------
    y : array of shape (n_rows,)
        Labels, 0 or 1.
    p : array of shape (n_rows,)
        Scores on any finite scale, higher for 1.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.

    Raises
    ------
    DataError
        Only one class occurs, a label is neither 0 nor 1, a score is not finite, or lengths differ.

    Examples
    --------
    >>> from ml.metrics.ranking import pr_auc
    >>> round(pr_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 4)
    0.8333
    """
    sums = score_sums("pr_auc", y, p, sample_weight)
    positive, negative = sums.positive[::-1], sums.negative[::-1]
    true_positives, flagged = np.cumsum(positive), np.cumsum(positive + negative)
    precision = np.divide(true_positives, flagged, out=np.zeros_like(true_positives), where=flagged > 0)
    return float(positive @ precision / true_positives[-1])


def lift(
    y: npt.ArrayLike, p: npt.ArrayLike, *, sample_weight: npt.ArrayLike | None = None, share: float = 0.1
) -> float:
    """Return the lift: the rate of 1 among the highest-scored rows, divided by the rate among all rows.

    Rows with equal scores at the cut-off count in part.

    Parameters
    ----------
    y : array of shape (n_rows,)
        Labels, 0 or 1.
    p : array of shape (n_rows,)
        Scores on any finite scale, higher for 1.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.
    share : float, default 0.1
        Fraction of the total weight that counts as highest-scored, above 0 and at most 1.

    Raises
    ------
    DataError
        Only one class occurs, a label is neither 0 nor 1, a score is not finite, or lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.metrics.ranking import lift
    >>> lift([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], np.arange(10.0)[::-1], share=0.2)
    5.0
    """
    sums = score_sums("lift", y, p, sample_weight)
    positive, mass = sums.positive[::-1], (sums.positive + sums.negative)[::-1]
    top_mass = share * mass.sum()
    before = np.cumsum(mass) - mass
    included = np.clip(np.divide(top_mass - before, mass, out=np.zeros_like(mass), where=mass > 0), 0.0, 1.0)
    return float((included @ positive / top_mass) / (positive.sum() / mass.sum()))

"""Whom to call in which order: leads to call slots, so that the expected margin is as large as it can be.

A lead called in a later slot is worth less, each at its own pace. Which lead takes which slot is an assignment
problem, solved exactly (R. Jonker, A. Volgenant (1987), Computing 38, 325-340, as in SciPy).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from ml.domain.arrays import FloatArray, IndexArray


def call_order(gain: npt.ArrayLike) -> IndexArray:
    """The lead of each slot, in order of the slots; slots that nobody gains from stay at the end, unused.

    Parameters
    ----------
    gain : array of shape (n_leads, n_slots)
        Expected margin of calling a lead in a slot, less that of not calling it at all.

    Returns
    -------
    ndarray of shape (at most n_slots,)
        Positions of leads.

    Examples
    --------
    The second lead is worth a little less but fades: it goes first.

    >>> call_order([[10.0, 9.9], [9.0, 1.0]]).tolist()
    [1, 0]
    >>> call_order(np.zeros((0, 3))).tolist()
    []
    """
    value = np.asarray(gain, dtype=np.float64)
    if value.ndim != 2 or not np.isfinite(value).all():
        raise ValueError(f"gain must be a finite matrix of leads by slots, got shape {value.shape}")
    lead, slot = linear_sum_assignment(value, maximize=True)
    return np.asarray(lead[np.argsort(slot, kind="stable")])


def slot_hours(calls_per_hour: float, slots: int) -> FloatArray:
    """Hours from now until each slot begins.

    >>> slot_hours(4, 3).tolist()
    [0.0, 0.25, 0.5]
    """
    if not calls_per_hour > 0 or slots < 0:
        raise ValueError(f"calls_per_hour must be above 0 and slots not below 0, got {calls_per_hour} and {slots}")
    return np.arange(slots) / calls_per_hour

"""Order of calls: assignment of leads to call slots that maximises the expected gain.

The gain of a call falls with time, at a different rate for each lead. The linear assignment problem is solved exactly
(R. Jonker, A. Volgenant (1987), Computing 38, 325-340, as implemented in SciPy).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from ml.domain.arrays import IndexArray


def call_order(gain: npt.ArrayLike) -> IndexArray:
    """Return the leads in the order in which to call them.

    Parameters
    ----------
    gain : array of shape (n_leads, n_slots)
        Expected gain of calling a lead in a slot over not calling it, such as yuan; a column for each
        call.

    Returns
    -------
    ndarray of int, shape (min(n_leads, n_slots),)
        Row positions of the leads, in the order of their slots.

    Raises
    ------
    ValueError
        `gain` is not a matrix of finite numbers.

    Examples
    --------
    The second lead is called first, because its gain falls faster.

    >>> import numpy as np
    >>> from ml.domain.leads.call_queue import call_order
    >>> call_order([[10.0, 9.9], [9.0, 1.0]]).tolist()
    [1, 0]
    >>> call_order(np.zeros((0, 3))).tolist()
    []
    """
    matrix = np.asarray(gain, dtype=np.float64)
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise ValueError(f"gain must be a finite matrix of leads by slots, got shape {matrix.shape}")
    lead, slot = linear_sum_assignment(matrix, maximize=True)
    return np.asarray(lead[np.argsort(slot, kind="stable")])

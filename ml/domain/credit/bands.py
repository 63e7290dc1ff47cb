"""Three bands of risk: approve at or below one cut-off, decline above the other, refer between."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BANDS = np.array(["approve", "refer", "decline"])


def bands(probability: npt.ArrayLike, *, approve: float, decline: float) -> npt.NDArray[np.str_]:
    """The band of each applicant.

    Parameters
    ----------
    probability : array of shape (n_rows,)
        Calibrated probability of default.
    approve, decline : float
        Cut-offs; a decline cut-off below the approval cut-off declines nobody who is approved.

    Examples
    --------
    >>> bands([0.02, 0.021, 0.08, 0.081], approve=0.02, decline=0.08).tolist()
    ['approve', 'refer', 'refer', 'decline']
    """
    given = np.asarray(probability, dtype=np.float64)
    return np.asarray(BANDS[(given > approve).astype(int) + (given > max(approve, decline))])

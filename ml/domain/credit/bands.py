"""Decision bands: approve up to the first cut-off, decline above the second, refer in between."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BANDS = np.array(["approve", "refer", "decline"])


def bands(probability: npt.ArrayLike, *, approve: float, decline: float) -> npt.NDArray[np.str_]:
    """Return the decision band of each applicant.

    Parameters
    ----------
    probability : array of shape (n_rows,)
        Calibrated probability of default, 0 to 1.
    approve, decline : float
        Cut-offs on the probability, such as `CutOffs.approve.value` of `ml.domain.credit.cutoffs.derive_cutoffs`: up to
        `approve` is approved, above `decline` is declined, in between is referred. An approval takes precedence if
        `decline` is below `approve`.

    Returns
    -------
    array of str, shape (n_rows,)
        "approve", "refer" or "decline".

    Raises
    ------
    ValueError
        A probability is not from 0 to 1.

    Examples
    --------
    >>> from ml.domain.credit.bands import bands
    >>> bands([0.02, 0.021, 0.08, 0.081], approve=0.02, decline=0.08).tolist()
    ['approve', 'refer', 'refer', 'decline']
    """
    pd = np.asarray(probability, dtype=np.float64)
    valid = (pd >= 0) & (pd <= 1)
    if not valid.all():
        raise ValueError(f"probability must be from 0 to 1, got {pd[~valid][0]}")
    return np.asarray(BANDS[np.add(pd > approve, pd > max(approve, decline), dtype=np.intp)])

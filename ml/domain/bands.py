"""Three bands of risk: approve at or below one cut-off, decline above the other, refer between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from ml.domain.outcomes import sorted_outcomes

BANDS = ("approve", "refer", "decline")


@dataclass(frozen=True)
class BandRates:
    """What one band holds: its share of the weight, its bad rate (None when empty) and its rows."""

    share: float
    bad_rate: float | None
    n_rows: int


def band(probability: float, *, approve: float, decline: float) -> str:
    """The band of one applicant.

    >>> [band(pd, approve=0.02, decline=0.08) for pd in (0.02, 0.021, 0.08, 0.081)]
    ['approve', 'refer', 'refer', 'decline']
    """
    if probability <= approve:
        return "approve"
    return "decline" if probability > decline else "refer"


def band_rates(
    probability: npt.ArrayLike,
    defaulted: npt.ArrayLike,
    *,
    approve: float,
    decline: float,
    sample_weight: npt.ArrayLike | None = None,
) -> dict[str, BandRates]:
    """Share and bad rate of each band, to check cut-offs on rows that did not set them.

    Parameters
    ----------
    probability, defaulted : array of shape (n_rows,)
        Calibrated probability of default and outcome (0 or 1).
    approve, decline : float
        Cut-offs.
    sample_weight : array of shape (n_rows,), optional
        Weights of the rows.

    Raises
    ------
    ValueError
        As for `sorted_outcomes`.

    Examples
    --------
    >>> rates = band_rates([0.01, 0.01, 0.05, 0.2], [0, 1, 0, 1], approve=0.02, decline=0.1)
    >>> rates["approve"], rates["decline"].bad_rate
    (BandRates(share=0.5, bad_rate=0.5, n_rows=2), 1.0)
    """
    rows = sorted_outcomes(probability, defaulted, sample_weight)
    place = (rows.probability > approve).astype(int) + ((rows.probability > approve) & (rows.probability > decline))
    rates = {}
    for i, name in enumerate(BANDS):
        inside = place == i
        mass = float(rows.weight[inside].sum())
        bad_rate = float(rows.weight[inside] @ rows.bad[inside]) / mass if mass > 0 else None
        rates[name] = BandRates(mass / float(rows.weight.sum()), bad_rate, int(inside.sum()))
    return rates

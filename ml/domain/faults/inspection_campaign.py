"""Effect of an inspection campaign: faults avoided, visits and parts within a planning horizon.

A vehicle has faults at ``ratio`` times its baseline rate. An invited vehicle visits the workshop with probability
`visit_probability`, after a delay; from then on its rate is the baseline rate times
``1 + (1 - repair_effectiveness) * (ratio - 1)``. Faults are a Poisson process, so expectations add up. The ratio is
uncertain: it is drawn from its gamma posterior (gamma-Poisson model).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DRAWS = 20_000
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True)
class Campaign:
    """Expected faults, visits and parts of an inspection campaign, as returned by `plan_campaign`.

    Attributes
    ----------
    faults : float
        Expected faults without a campaign.
    avoided : float
        Expected faults that the campaign avoids.
    avoided_interval : tuple of float
        5% and 95% quantile of the avoided faults.
    expected_visits : float
        Expected vehicles that visit the workshop.
    parts : float
        Expected parts for the visits and the remaining faults, one each.
    parts_to_stock : int
        Parts that suffice with probability `parts_service_level`.
    """

    faults: float
    avoided: float
    avoided_interval: tuple[float, float]
    expected_visits: float
    parts: float
    parts_to_stock: int


def plan_campaign(
    baseline_faults: npt.ArrayLike,
    *,
    posterior: tuple[float, float],
    visit_probability: float,
    repair_effectiveness: float,
    delay: float,
    parts_service_level: float,
    seed: int = 0,
) -> Campaign:
    """Return the effect of inspecting some vehicles.

    Parameters
    ----------
    baseline_faults : array of shape (n_vehicles,)
        Expected faults of each vehicle within the horizon at the baseline rate.
    posterior : tuple of float
        Shape and rate of the gamma posterior of the rate ratio; its mean is shape over rate.
    visit_probability : float
        Probability that an invited vehicle visits the workshop.
    repair_effectiveness : float
        Share of the excess faults that a visit removes, 0 to 1.
    delay : float
        Mean time from invitation to visit, as a share of the horizon, 0 to 1.
    parts_service_level : float
        Probability that the parts in stock suffice.
    seed : int
        Seed of the 20,000 draws.

    Returns
    -------
    Campaign
        Expected faults, avoided faults with their 90% interval, visits and parts within the horizon.

    Raises
    ------
    ValueError
        A number is negative, not finite or not a share.

    Examples
    --------
    >>> campaign = plan_campaign(
    ...     [0.1] * 100, posterior=(400.0, 100.0), visit_probability=0.5, repair_effectiveness=1.0, delay=0.0,
    ...     parts_service_level=0.95,
    ... )
    >>> round(campaign.faults), round(campaign.avoided), round(campaign.expected_visits), round(campaign.parts)
    (40, 15, 50, 75)
    """
    baseline = np.asarray(baseline_faults, dtype=np.float64)
    if baseline.ndim != 1 or not (np.isfinite(baseline) & (baseline >= 0)).all():
        raise ValueError("baseline_faults must hold one finite number not below 0 for each vehicle")
    shape, rate = posterior
    if not (np.isfinite([shape, rate]).all() and min(shape, rate) > 0):
        raise ValueError(f"posterior must be two finite numbers above 0, got {posterior}")
    shares = {
        "visit_probability": visit_probability, "repair_effectiveness": repair_effectiveness, "delay": delay,
        "parts_service_level": parts_service_level,
    }  # fmt: skip
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    rng = np.random.default_rng(seed)
    ratio = rng.gamma(shape, 1 / rate, DRAWS)
    total = float(baseline.sum())
    faults = total * ratio
    removed = visit_probability * repair_effectiveness * (1 - delay)
    # A ratio below 1 has no excess faults.
    avoided = total * removed * np.maximum(ratio - 1, 0.0)
    visits = rng.binomial(len(baseline), visit_probability, DRAWS)
    parts = visits + rng.poisson(faults - avoided)
    low, high = (float(v) for v in np.quantile(avoided, INTERVAL))
    return Campaign(
        faults=total * shape / rate,
        avoided=float(avoided.mean()),
        avoided_interval=(low, high),
        expected_visits=len(baseline) * visit_probability,
        parts=float(len(baseline) * visit_probability + (faults - avoided).mean()),
        parts_to_stock=int(np.quantile(parts, parts_service_level, method="inverted_cdf")),
    )

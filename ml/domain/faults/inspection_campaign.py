"""What calling vehicles in brings: faults avoided, parts needed and what it costs, over the days to come.

A vehicle has faults at ``ratio`` times its usual rate. Called in, it comes with a chance, some days later; from then on
its rate is the usual one times ``1 + (1 - repair_effectiveness) * (ratio - 1)``. Faults come as a Poisson process, so
expectations add up; what is not known of the ratio is drawn from its posterior (a gamma distribution, as in the
gamma-Poisson model).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DRAWS = 20_000
INTERVAL = (0.05, 0.95)


@dataclass(frozen=True)
class Campaign:
    """Expected faults, visits and parts of a campaign.

    Attributes
    ----------
    faults : float
        If nothing is done.
    avoided : float
        Of those, by calling in.
    avoided_interval : tuple of float
        5 and 95 % quantiles.
    expected_visits : float
        Vehicles that come.
    parts : float
        Needed for those that come and for the faults that are left.
    parts_to_stock : int
        Enough with the chance asked for.
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
    """Weigh up a campaign.

    Parameters
    ----------
    baseline_faults : array of shape (n_vehicles,)
        Faults of each vehicle over the days to come at the usual rate.
    posterior : tuple of float
        Shape and rate of the gamma distribution of the ratio.
    visit_probability : float
        Probability that a vehicle comes when it is called.
    repair_effectiveness : float
        Share of the excess faults that a visit removes.
    delay : float
        Part of the days to come that passes before it comes, on the mean.
    parts_service_level : float
        Probability that the parts in stock suffice.

    Raises
    ------
    ValueError
        A number is out of its range.

    Examples
    --------
    >>> campaign = plan_campaign(
    ...     [0.1] * 100, posterior=(400.0, 100.0), visit_probability=0.5, repair_effectiveness=1.0, delay=0.0,
    ...     parts_service_level=0.95,
    ... )
    >>> round(campaign.faults), round(campaign.avoided), round(campaign.expected_visits), round(campaign.parts)
    (40, 15, 50, 75)
    """
    due = np.asarray(baseline_faults, dtype=np.float64)
    if due.ndim != 1 or not (np.isfinite(due) & (due >= 0)).all():
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
    at_usual = float(due.sum())
    faults = at_usual * ratio
    removed = visit_probability * repair_effectiveness * (1 - delay)
    # A ratio below 1 leaves nothing to take away.
    avoided = at_usual * removed * np.maximum(ratio - 1, 0.0)
    coming = rng.binomial(len(due), visit_probability, DRAWS)
    parts = coming + rng.poisson(faults - avoided)
    low, high = (float(v) for v in np.quantile(avoided, INTERVAL))
    return Campaign(
        faults=at_usual * shape / rate,
        avoided=float(avoided.mean()),
        avoided_interval=(low, high),
        expected_visits=len(due) * visit_probability,
        parts=float(len(due) * visit_probability + (faults - avoided).mean()),
        parts_to_stock=int(np.quantile(parts, parts_service_level, method="inverted_cdf")),
    )

"""Components whose faults rise in most models at once: the cause may not lie in one model."""

from __future__ import annotations

import numpy as np

from ml.fault_rate.model_effects import INTERVAL, rate_ratio_posterior
from ml.fault_rate.surveillance import SurveillanceResult

NOTABLE_RISE = 1.25  # lower 90% limit of the rate ratio of the other models above which the rise is named
MIN_EXPECTED = 1.0  # models with fewer expected faults are not counted as raised or not


def shared_rises(surveillance: SurveillanceResult) -> tuple[str, ...]:
    """Return a sentence for each component with an alarm whose other models have a raised rate as well.

    A change of recording, a shared part or a season raises a component in many models at once. The alarms stay. The
    other models are all but that with the strongest evidence; most of them must be above their expected faults.

    Parameters
    ----------
    surveillance : SurveillanceResult
        As returned by `ml.fault_rate.surveillance.run_surveillance`.

    Examples
    --------
    The faults of A rise to ten times as many after 20 weeks, those of B to four times as many:

    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.fault_rate.reports import build_report_exposure
    >>> from ml.fault_rate.surveillance import run_surveillance
    >>> microseconds, day = 24 * 3_600 * 1_000_000, np.arange(280)
    >>> models = [pl.DataFrame({"model": [name] * 280, "serviced_at": day * microseconds,
    ...     "fault": np.where(day < 140, day % 20 == 0, day % step == 0)}) for name, step in [("A", 2), ("B", 5)]]
    >>> records = pl.concat(models).with_columns(component=pl.lit("brakes"))
    >>> exposure = build_report_exposure(records, as_of=280 * microseconds, since=0)
    >>> sentences = shared_rises(run_surveillance(exposure, start=20, alpha=0.05, longest_delay=60))
    >>> sentences[0].startswith("brakes: other models"), "(4.0 times" in sentences[0]
    (True, True)
    """
    alarmed = surveillance.detection_week >= 0
    count, expected = surveillance.count[:, -1], surveillance.expected[:, -1]
    excess = surveillance.log_e.max(axis=1) - surveillance.alarm_threshold
    components = surveillance.cells["component"].to_numpy()
    sentences = []
    for component in np.unique(components[alarmed]):
        cells = np.flatnonzero(components == component)
        others = np.setdiff1d(cells, cells[excess[cells].argmax()])
        others = others[expected[others] >= MIN_EXPECTED]
        raised = int((count[others] > expected[others]).sum())
        if 2 * raised <= len(others):
            continue
        n, e = float(count[others].sum()), float(expected[others].sum())
        # Their rates in the reference weeks are estimated from the faults of these weeks, and drift.
        reference = float(surveillance.counts.reference_count[others].sum())
        ratio = rate_ratio_posterior(
            n, e, prior_shape=1 / surveillance.population.upper,
            normal_variance=1 / max(reference, 1.0) + surveillance.references[0].drift ** 2,
        )  # fmt: skip
        if float(ratio.quantile(INTERVAL[0])[0]) > NOTABLE_RISE:
            sentences.append(
                f"{component}: other models have more faults than expected too, together {n:,.0f} where {e:,.0f} are "
                f"expected ({n / e:.1f} times; {raised} of {len(others)} models are above theirs): look for a change "
                "of recording, a shared part or a season before you look for a fault of one model"
            )
    return tuple(sentences)

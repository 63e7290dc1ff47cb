"""Rate ratios of the cells of a snapshot: the normal rate of a model, and its present rate over the normal one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ml.domain.arrays import FloatArray
from ml.domain.faults.shrinkage.priors import Posterior
from ml.fault_rate.model_effects import INTERVAL, rate_ratio_posterior
from ml.fault_rate.snapshot import Snapshot


def alarm_of(snapshot: Snapshot, model: str, component: str) -> Mapping[str, Any] | None:
    """Return the alarm of a cell.

    Parameters
    ----------
    snapshot : Snapshot
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``, or as returned by
        `ml.fault_rate.snapshot.Snapshot.of`.
    model, component : str
        Model and component of the cell, a row of `snapshot.cells`.

    Returns
    -------
    dict or None
        Row of `snapshot.alarms` by column, such as `detected_on` and `rate_ratio`; None where the cell has no alarm.
    """
    rows = snapshot.alarms.filter(pl.col("model") == model, pl.col("component") == component)
    return rows.row(0, named=True) if rows.height else None


def cell_posterior(snapshot: Snapshot, model: str, component: str) -> tuple[float, float]:
    """Return shape and rate of the gamma posterior of a cell's rate over its own normal rate.

    Where the cell has an alarm, the rate is that of the affected builds. Times `normal_ratio` it is the rate over the
    baseline rate of the component.

    Parameters
    ----------
    snapshot : Snapshot
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``, or as returned by
        `ml.fault_rate.snapshot.Snapshot.of`.
    model, component : str
        Model and component of the cell, a row of `snapshot.cells`.

    Returns
    -------
    tuple of (float, float)
        Shape and rate; the posterior mean of the rate ratio is shape over rate.

    Raises
    ------
    DataError
        The model or component is not tested.
    """
    alarm = alarm_of(snapshot, model, component)
    if alarm is not None:
        return float(alarm["ratio_shape"]), float(alarm["ratio_shape"] / alarm["rate_ratio"])
    row = snapshot.row(model, component)
    ratio = _posterior(snapshot, [row], snapshot.count[[row], -1], snapshot.expected[[row], -1])
    return float(ratio.shape[0, 0]), float(ratio.rate[0, 0])


def normal_ratio(snapshot: Snapshot, model: str, component: str) -> float:
    """Return the normal rate of a cell over the baseline rate of its component.

    It multiplies the expected faults of vehicles at the baseline rate (and `snapshot.scale`). Where the cell has an
    alarm, the builds that are not affected show the normal rate; otherwise the reference weeks do.

    Parameters
    ----------
    snapshot : Snapshot
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``, or as returned by
        `ml.fault_rate.snapshot.Snapshot.of`.
    model, component : str
        Model and component of the cell, a row of `snapshot.cells`.

    Returns
    -------
    float
        1.2 for a model that fails 20% more often than the others, without a fault.

    Raises
    ------
    DataError
        The model or component is not tested.
    """
    alarm = alarm_of(snapshot, model, component)
    if alarm is not None:
        return float(alarm["own_ratio"])
    row = snapshot.row(model, component)
    return float(snapshot.own_shape[row] / snapshot.own_rate[row])


def rate_ratio_interval(
    snapshot: Snapshot, rows: npt.ArrayLike, count: npt.ArrayLike, expected: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return posterior mean and 90% credible limits of the rate of a cell over its own normal rate.

    Parameters
    ----------
    snapshot : Snapshot
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``, or as returned by
        `ml.fault_rate.snapshot.Snapshot.of`.
    rows : array of int, shape (n,)
        Rows of `snapshot.cells`.
    count, expected : array of shape (n,)
        Observed faults, and faults expected at the cell's own rate.

    Returns
    -------
    tuple of ndarray, shape (n,)
        Mean, 5% and 95% quantile; those of the prior where `expected` is 0.
    """
    ratio = _posterior(snapshot, rows, count, expected)
    low, high = (ratio.quantile(p) for p in INTERVAL)
    return ratio.mean(), low, high


def _posterior(snapshot: Snapshot, rows: npt.ArrayLike, count: npt.ArrayLike, expected: npt.ArrayLike) -> Posterior:
    """Return the posterior of the rate of a cell without an alarm over its own normal rate.

    Its prior is that of cells without a fault: it differs from 1 as much as models differ from each other.
    """
    n, e = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    return rate_ratio_posterior(
        np.where(e > 0, n, 0.0), e, prior_shape=1 / snapshot.between_model_variance,
        normal_variance=1 / snapshot.test_shape[np.asarray(rows)],
    )  # fmt: skip

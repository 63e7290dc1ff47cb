"""How long used cars stand: days until the sale of cars that have stood as long, and the pace of each store."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from serving.work.clock import DAY
from serving.work.inventory.used_car_models import StorePace

YEAR = 365
ROUNDING = 1e-9
MIN_SOLD = 10  # sales from which the pace of a store is compared


class DaysOnLot:
    """Kaplan-Meier estimate of the days until a used car is sold; cars still for sale are censored.

    Parameters
    ----------
    days : ndarray of shape (n,)
        Days on the lot, until the sale or until now.
    is_sold : ndarray of bool, shape (n,)
        Whether the car was sold.

    Examples
    --------
    Four cars sold after 10, 20, 30 and 40 days: of those that have stood 20 days, half are sold 10 days later.

    >>> lot = DaysOnLot(np.array([10, 20, 30, 40]), np.ones(4, dtype=bool))
    >>> lot.remaining(0.0), lot.remaining(20.0), lot.remaining(40.0) is None
    (20.0, 10.0, True)
    """

    def __init__(self, days: NDArray[np.float64], is_sold: NDArray[np.bool_]) -> None:
        self._times, events = np.unique(days[is_sold], return_counts=True)
        at_risk = len(days) - np.searchsorted(np.sort(days), self._times, side="left")
        self._survival = np.cumprod(1 - events / at_risk)

    def remaining(self, days: float) -> float | None:
        """Return the median days until the sale of a car that has stood some days; None if it is not reached.

        Parameters
        ----------
        days : float
            Days on the lot so far.
        """
        if not len(self._times):
            return None
        place = int(np.searchsorted(self._times, days, side="right"))
        now = 1.0 if place == 0 else float(self._survival[place - 1])
        later = np.flatnonzero(self._survival[place:] <= now / 2 + ROUNDING)
        return None if now <= 0 or not len(later) else float(self._times[place + later[0]] - days)


def days_on_lot(vehicles: pl.DataFrame, now: int) -> tuple[DaysOnLot, list[StorePace], int | None]:
    """Return the estimate, the pace of each store, and the longest time on the lot of a car sold within a year.

    Parameters
    ----------
    vehicles : DataFrame
        Rows of the table `vehicles` as of now.
    now : int
        Microseconds since 1970 UTC.
    """
    used = vehicles.filter(
        (pl.col("condition") == "used").fill_null(False),
        (pl.col("kind") == "unit").fill_null(True),
        pl.col("store_id").is_not_null(),
        pl.col("listed_at").is_not_null(),
        pl.col("sold_at").is_not_null() | pl.col("withdrawn_at").is_null(),
    ).with_columns(days=(pl.coalesce("sold_at", pl.lit(now)) - pl.col("listed_at")) / DAY)
    used = used.filter(pl.col("days") >= 0)
    lot = DaysOnLot(used["days"].to_numpy(), used["sold_at"].is_not_null().to_numpy())
    recent = used.filter(pl.col("sold_at") > now - YEAR * DAY)
    rows = recent.group_by("store_id").agg(pl.len().alias("sold"), pl.col("days").median()).sort("days", "store_id")
    paces = [StorePace(store_id=s, sold=n, median_days=round(d, 1)) for s, n, d in rows.rows()]
    longest = recent["days"].max()
    return lot, paces, None if longest is None else int(float(longest))  # type: ignore[arg-type]

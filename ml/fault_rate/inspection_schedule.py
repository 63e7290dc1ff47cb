"""Weeks in which the vehicles of safety alarms are inspected: the riskiest first, within the workshops' capacity."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def inspection_weeks(lists: Sequence[pl.DataFrame], capacity: int) -> list[pl.Series]:
    """Return the week of each vehicle, of one schedule for all lists.

    The vehicles are inspected in the order of their expected faults, equals in the order of their lists, `capacity` of
    them a week; none is left out. A vehicle on several lists comes once, with the sum of its faults.

    Parameters
    ----------
    lists : sequence of DataFrame
        Affected vehicles of each alarm: `vehicle_id` and `faults` (expected faults), such as
        `ml.fault_rate.campaign.InspectionPlan.vehicles`.
    capacity : int
        Vehicles that all workshops together inspect in a week.

    Returns
    -------
    list of Series of Int64
        Weeks from 1, in the order of the rows of each list.

    Examples
    --------
    >>> import polars as pl
    >>> brakes = pl.DataFrame({"vehicle_id": ["V1", "V2", "V3"], "faults": [0.1, 0.3, 0.2]})
    >>> steering = pl.DataFrame({"vehicle_id": ["V1"], "faults": [0.15]})
    >>> [weeks.to_list() for weeks in inspection_weeks([brakes, steering], capacity=2)]
    [[1, 1, 2], [1]]
    """
    if not lists:
        return []
    pooled = pl.concat([vehicles.select("vehicle_id", "faults").with_row_index("place") for vehicles in lists])
    order = pooled.group_by("vehicle_id").agg(pl.col("faults").sum(), pl.col("place").min())
    order = order.sort(["faults", "place", "vehicle_id"], descending=[True, False, False])
    weeks = order.select("vehicle_id", week=pl.int_range(pl.len(), dtype=pl.Int64) // capacity + 1)
    return [
        vehicles.select("vehicle_id").join(weeks, on="vehicle_id", how="left", maintain_order="left")["week"]
        for vehicles in lists
    ]

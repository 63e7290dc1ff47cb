"""Standard deviation of the sum of correlated forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl


class FactorModel(NamedTuple):
    """Correlation between forecast errors: the factor model of `ml.demand_forecast.coherence.Dependence`.

    Attributes
    ----------
    shares : tuple of float
        Share of a series' variance that each factor explains.
    persistence : tuple of float
        Share of each factor that is common to all periods; last, of the series' own noise.
    """

    shares: tuple[float, ...]
    persistence: tuple[float, ...]


def group_columns(model: FactorModel) -> list[str]:
    """Return the names of the columns with the group of each row, one for each factor.

    >>> group_columns(FactorModel((0.1, 0.2), (0.5, 0.5, 0.1)))
    ['group_0', 'group_1']
    """
    return [f"group_{i}" for i in range(len(model.shares))]


def total_variances(rows: pl.DataFrame, model: FactorModel, by: str = "store_id") -> dict[str, float]:
    """Return the variance of the sum of the forecasts of each store.

    Each forecast has the standard deviation ``sqrt(variance)``; two of them correlate by the shares of the factors of
    which both are in one group, in another period only by the part that persists.

    Parameters
    ----------
    rows : DataFrame
        `variance`, `start` (of the period), `series`, the column `by`, and those of `group_columns`.
    model : FactorModel
        Correlation.
    by : str
        Column over whose values the forecasts are summed.

    Examples
    --------
    Two independent forecasts, and two whose errors are the same:

    >>> rows = pl.DataFrame({"store_id": "S1", "start": 0, "series": [0, 1], "variance": 4.0, "group_0": 0})
    >>> total_variances(rows, FactorModel((0.0,), (0.0, 0.0))), total_variances(rows, FactorModel((1.0,), (0.0, 0.0)))
    ({'S1': 8.0}, {'S1': 16.0})
    """
    rows = rows.with_columns(deviation=pl.col("variance").sqrt())
    rest = max(1.0 - sum(model.shares), 0.0)
    parts = [(rest, model.persistence[-1], "series")]
    parts += list(zip(model.shares, model.persistence, group_columns(model), strict=False))
    totals = dict.fromkeys(rows[by].unique().to_list(), 0.0)
    for share, persistent, column in parts:
        for weight, columns in ((1 - persistent, [by, column, "start"]), (persistent, [by, column])):
            for name, value in _squared_sums(rows, by, columns):
                totals[name] += share * weight * value
    return totals


def _squared_sums(rows: pl.DataFrame, by: str, columns: Sequence[str]) -> list[tuple[str, float]]:
    """Return by store the sum over groups of the squared sum of the deviations in a group."""
    groups = rows.group_by(columns).agg(pl.col("deviation").sum())
    return list(groups.group_by(by).agg((pl.col("deviation") ** 2).sum()).iter_rows())

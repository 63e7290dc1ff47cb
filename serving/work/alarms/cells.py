"""Components of models in the words of the desk: odds, figures that agree to the digit, names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from serving.work.alarms.answers import AlarmRow, Builds, Figures

if TYPE_CHECKING:
    from ml.domain.arrays import FloatArray
    from ml.fault_rate.rules import AlarmRules
    from ml.fault_rate.snapshot import Snapshot

MAX_LOG_ODDS = float(np.log(1e9))


def odds_of(log_evidence: Any, alarm_threshold: Any, alpha: float) -> Any:
    """Return the odds of a raised fault rate: 1 / alpha to 1 where the evidence reaches its alarm threshold.

    The evidence of a cell is weighed by its share of the family-wise false-alarm rate, so that the odds of all cells
    have the same threshold.

    Parameters
    ----------
    log_evidence, alarm_threshold : float or ndarray
        Natural logarithms, as in `ml.fault_rate.snapshot.Snapshot`.
    alpha : float
        Family-wise false-alarm rate.

    Examples
    --------
    >>> round(float(odds_of(8.0, 8.0, 0.05)), 6)
    20.0
    """
    return np.exp(np.minimum(np.asarray(log_evidence) - alarm_threshold - np.log(alpha), MAX_LOG_ODDS))


def figures_of(count: float, expected: float, shrunk: float, low: float, high: float) -> Figures:
    """Return figures with one decimal, whose ratio is that of the rounded numbers.

    >>> figures_of(87, 28.0467, 3.0296, 2.319, 3.8185).ratio
    3.1
    """
    rounded = round(float(expected), 1)
    ratio = round(int(count) / rounded, 1) if rounded > 0 else 0.0
    limits = {"shrunk": shrunk, "low": low, "high": high}
    return Figures(
        count=int(count), expected=rounded, ratio=ratio, **{n: round(float(v), 1) for n, v in limits.items()}
    )


def builds_of(row: Mapping[str, Any]) -> Builds:
    """Return the affected builds of an alarm; its end, which is not included, becomes the last day."""
    start, end = _day(row.get("built_from")), _day(row.get("built_until"))
    last = None if end is None else end - timedelta(days=1)
    return Builds(
        built_from=None if start is None else str(start),
        built_until=None if last is None else str(last),
        model_year_from=row.get("model_year_from"),
        model_year_until=row.get("model_year_until"),
    )


def _day(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value


def last_odds(snapshot: Snapshot) -> FloatArray:
    """Return the present odds of each cell, float64 (n_cells,)."""
    return np.asarray(odds_of(snapshot.log_e[:, -1], snapshot.alarm_threshold, snapshot.alpha))


def cell_row(snapshot: Snapshot, rules: AlarmRules, row: int) -> AlarmRow:
    """Return a cell without an alarm as a row of the list, with the figures of all builds since the first tested week.

    Parameters
    ----------
    snapshot : Snapshot
        Of the champion.
    rules : AlarmRules
        Names and safety components.
    row : int
        Row of `snapshot.cells`.
    """
    from ml.fault_rate.rate_ratios import rate_ratio_interval

    model, component = snapshot.cells.row(row)
    count, expected = float(snapshot.count[row, -1]), float(snapshot.expected[row, -1])
    ratio, low, high = (float(v[0]) for v in rate_ratio_interval(snapshot, [row], [count], [expected]))
    return AlarmRow(
        id=None,
        model=model,
        component=component,
        component_name=rules.component_name(component),
        is_safety=rules.safety.is_safety(component),
        state=None,
        figures=figures_of(count, expected, ratio, low, high),
        odds=float(last_odds(snapshot)[row]),
        detected_on=None,
        moved_at=None,
        moved_by=None,
    )

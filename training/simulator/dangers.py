"""Dangerous faults in the workshop's texts: a small share of the faults of components on which lives depend.

A fault of such a component is dangerous with the probability of its component, four times as often among the cars with
the injected defect; another small share has a text that denies the danger. All from a random stream of its own.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.domain.arrays import IntArray
from training.simulator.draws import Random, labels, numbered
from training.simulator.faults import COMPONENTS, DEFECT_COMPONENT, Hazard
from training.simulator.workshop import Lines

DEFECT_FACTOR = 4.0
DENIED_SHARE = 0.03
# component: kind of danger, share of its faults, texts of the line, text that denies the danger
DANGERS = {
    "brakes": (
        "loss_of_braking", 0.02, ("行驶中制动失灵，更换制动总泵", "刹车踏板踩到底，车辆刹不住，更换制动软管并排空气"),
        "制动异响，路试未见制动失灵，更换前刹车片",
    ),
    "steering": (
        "loss_of_steering", 0.03, ("行驶中转向助力突然消失，更换转向机", "方向盘突然锁死，更换转向管柱"),
        "方向盘异响，无转向卡滞，未发现方向盘锁死，更换转向拉杆球头",
    ),
    "traction_battery": (
        "thermal_runaway", 0.02, ("充电时动力电池冒烟，更换电池包",),
        "动力电池报警，未见电池鼓包或冒烟，更换电池模组采样板",
    ),
    "engine": ("fire", 0.005, ("机舱线束起火，更换发动机线束",), "打不着火，更换点火线圈"),
    "charging": ("fire", 0.005, ("充电口冒烟，更换充电口总成",), "无法充电，充电口无冒烟痕迹，更换充电口锁止机构"),
}  # fmt: skip
_KINDS = [row[0] for row in DANGERS.values()]


def draw_dangers(rng: Random, lines: Lines, hazard: Hazard) -> IntArray:
    """Draw which lines have a dangerous text, and which deny a danger.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("dangers")`.
    lines : Lines
        As returned by `training.simulator.workshop.build_lines`.
    hazard : Hazard
        As returned by `training.simulator.faults.build_hazard` for the fleet of `lines`.

    Returns
    -------
    ndarray of int64, shape (n_lines,)
        Position in `texts()`; -1 for the component's ordinary text.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.dangers import draw_dangers
    >>> from training.simulator.faults import build_hazard, draw_faults
    >>> from training.simulator.fleet import build_fleet
    >>> from training.simulator.workshop import build_lines
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> fleet, rng = build_fleet(world.size.stream("fleet"), world), world.size.stream("workshop")
    >>> hazard = build_hazard(rng, fleet, world.catalogue, world.window)
    >>> faults = draw_faults(rng, fleet, hazard, world.window)
    >>> lines = build_lines(rng, fleet, faults, catalogue=world.catalogue, window=world.window)
    >>> len(draw_dangers(world.size.stream("dangers"), lines, hazard)) == len(lines.car)
    True
    """
    n = len(lines.car)
    draw, pick = rng.random(n), rng.random(n)
    result = np.full(n, -1, dtype=np.int64)
    first = 0
    for component, (_, share, phrases, _) in DANGERS.items():
        of_component = lines.fault & (lines.work == list(COMPONENTS).index(component))
        factor = np.where(hazard.bad[lines.car] & (component == DEFECT_COMPONENT), DEFECT_FACTOR, 1.0)
        dangerous = of_component & (draw < share * factor)
        denied = of_component & ~dangerous & (draw < share * factor + DENIED_SHARE)
        result[dangerous] = first + (pick[dangerous] * len(phrases)).astype(np.int64)
        result[denied] = first + len(phrases)
        first += len(phrases) + 1
    return result


def texts() -> list[str]:
    """Return all texts of dangerous lines and denials, in the order of the codes of `draw_dangers`."""
    return [text for _, _, phrases, denial in DANGERS.values() for text in (*phrases, denial)]


def danger_truth(dangers: IntArray, lines: Lines, hazard: Hazard) -> pl.DataFrame:
    """Return the dangerous lines and their kinds.

    Parameters
    ----------
    dangers : ndarray of int64, shape (n_lines,)
        As returned by `draw_dangers` for `lines` and `hazard`.
    lines : Lines
        As returned by `training.simulator.workshop.build_lines`.
    hazard : Hazard
        As returned by `training.simulator.faults.build_hazard`.

    Returns
    -------
    polars.DataFrame
        `record_id` of `service_records`, `component`, `kind` (null for a line that denies a danger) and `affected`
        (bool: a car with the injected defect).

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.dangers import danger_truth
    >>> from training.simulator.faults import Hazard
    >>> from training.simulator.workshop import Lines
    >>> two, fault = np.zeros(2, dtype=np.int64), np.ones(2, dtype=np.bool_)
    >>> lines, hazard = Lines(two, two, two, two, np.zeros(2), fault), Hazard(np.ones((1, 12)), fault[:1])
    >>> danger_truth(np.array([0, -1]), lines, hazard).rows()
    [('R000000001', 'brakes', 'loss_of_braking', True)]
    """
    rows = np.flatnonzero(dangers >= 0)
    kinds = [k for number, row in enumerate(DANGERS.values()) for k in [number] * len(row[2]) + [-1]]
    return pl.DataFrame(
        {
            "record_id": numbered("R", rows + 1, width=9),
            "component": labels(list(COMPONENTS), lines.work[rows]),
            "kind": labels(_KINDS, np.array(kinds, dtype=np.int64)[dangers[rows]]),
            "affected": pl.Series(hazard.bad[lines.car[rows]]),
        }
    )

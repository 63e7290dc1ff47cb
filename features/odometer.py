"""Odometers that run backwards or jump: which readings of a vehicle contradict its others.

Of each vehicle's readings, in the order of time, the longest chain that one odometer could have shown is taken for the
truth: never less than before, and no more than a vehicle can drive in between. What is not in the chain is told apart
by whether a tenth of it would fit. So one slip of the pen does not make all later readings look too small. The lines of
one visit repeat its reading: equal readings of one moment count once. Of chains that are as long, the one that ends
lowest is taken: slips are more often too large.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.aggregations import DAY
from features.arrays import BoolArray, FloatArray, IntArray

FINE, TENFOLD, BACKWARDS, JUMP = 0, 1, 2, 3
REASONS = {TENFOLD: "ten times too large", BACKWARDS: "runs backwards", JUMP: "jumps"}
MOST_A_DAY, SLACK = 1_500.0, 500.0  # km: a vehicle that never stands still, and what a glance at the clock may be off
AT_ONCE = 4_000_000  # entries of a table
LOOK_BACK = 500  # readings among which the one before is sought, so that one vehicle with very many stays bounded


def classify_readings(vehicle: npt.ArrayLike, at: npt.ArrayLike, km: npt.ArrayLike) -> npt.NDArray[np.int8]:
    """Tell which readings contradict the others of their vehicle.

    Parameters
    ----------
    vehicle : array of int, shape (n_readings,)
        Whose reading it is.
    at : array of int, shape (n_readings,)
        When (us).
    km : array of float, shape (n_readings,)
        Reading; not NaN.

    Returns
    -------
    ndarray of int8, shape (n_readings,)
        0 fine, 1 ten times too large, 2 runs backwards, 3 jumps; see `REASONS`.

    Examples
    --------
    >>> day = np.array([0, 100, 200, 300]) * DAY
    >>> classify_readings([1, 1, 1, 1], day, [1_000, 4_000, 70_000, 9_000]).tolist()
    [0, 0, 1, 0]
    >>> classify_readings([1, 1, 1, 2], day, [8_000, 9_000, 2_000, 5]).tolist()
    [0, 0, 2, 0]
    """
    who, when = np.asarray(vehicle, dtype=np.int64), np.asarray(at, dtype=np.int64)
    reading = np.asarray(km, dtype=np.float64)
    found = np.zeros(len(who), dtype=np.int8)
    if len(who) == 0:
        return found
    order = np.lexsort((reading, when, who))
    who, day, reading = who[order], when[order] / DAY, reading[order]
    new = np.r_[True, (np.diff(who) != 0) | (np.diff(day) != 0) | (np.diff(reading) != 0)]
    visit = np.cumsum(new) - 1
    who, day, reading = who[new], day[new], reading[new]
    begins = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    length = np.diff(np.r_[begins, len(who)])
    number = np.repeat(np.arange(len(begins)), length)
    strange = ~_follows(day[:-1], reading[:-1], day[1:], reading[1:]) & (number[1:] == number[:-1])
    suspicious = np.unique(number[1:][strange])
    codes = np.zeros(len(who), dtype=np.int8)
    # Vehicles with about as many readings go together: tables then have little that is empty.
    width = 2 ** np.ceil(np.log2(np.maximum(length[suspicious], 2))).astype(np.int64)
    for w in np.unique(width):
        mine = suspicious[width == w]
        step = max(1, AT_ONCE // int(w))
        for k in range(0, len(mine), step):
            _judge(begins[mine[k : k + step]], length[mine[k : k + step]], day, reading, codes)
    found[order] = codes[visit]
    return found


def _follows(day: FloatArray, km: FloatArray, later: FloatArray, more: FloatArray) -> BoolArray:
    """Whether one odometer could have shown one reading and then another."""
    return np.asarray((more >= km) & (more - km <= MOST_A_DAY * (later - day) + SLACK))


def _judge(begins: IntArray, length: IntArray, day: FloatArray, km: FloatArray, codes: npt.NDArray[np.int8]) -> None:
    """Write the codes of some vehicles' readings: one row each, the longest chain by dynamic programming."""
    place = np.arange(int(length.max()))[None, :]
    there = place < length[:, None]
    at = np.minimum(begins[:, None] + place, len(day) - 1)
    days, kms = day[at], km[at]
    rows, n = np.arange(len(begins)), place.shape[1]
    best = np.where(there, 1, 0)
    before = np.full(at.shape, -1)
    for i in range(1, n):
        seen = slice(max(0, i - LOOK_BACK), i)
        fits = _follows(days[:, seen], kms[:, seen], days[:, i : i + 1], kms[:, i : i + 1]) & there[:, i : i + 1]
        last = i - 1 - np.where(fits, best[:, seen], 0)[:, ::-1].argmax(axis=1)  # of chains as long the one read last
        longer = fits[rows, last - seen.start]
        best[:, i] = np.where(there[:, i], 1 + np.where(longer, best[rows, last], 0), 0)
        before[:, i] = np.where(longer, last, -1)
    kept = np.zeros(at.shape, dtype=np.bool_)
    longest = there & (best == best.max(axis=1, keepdims=True))
    now = np.where(longest, kms, np.inf).argmin(axis=1)
    while (now >= 0).any():
        going = now >= 0
        kept[rows[going], now[going]] = True
        now = np.where(going, before[rows, np.maximum(now, 0)], -1)
    lower = np.maximum.accumulate(np.where(kept, kms, -np.inf), axis=1)
    upper = np.minimum.accumulate(np.where(kept, kms, np.inf)[:, ::-1], axis=1)[:, ::-1]
    tenth = (kms / 10 >= lower - SLACK) & (kms / 10 <= upper + SLACK)
    code = np.where(kept, FINE, np.where(kms < lower, BACKWARDS, np.where(tenth, TENFOLD, JUMP)))
    codes[at[there]] = code[there]

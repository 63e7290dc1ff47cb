"""Implausible odometer readings: readings that contradict the other readings of their vehicle.

Of each vehicle's readings in time order, the longest chain that one odometer could have shown is taken as correct:
never decreasing, and not increasing faster than a vehicle can drive. A reading outside the chain is classified by
whether a tenth of it would fit. A single typing error therefore does not make all later readings look too small. The
lines of one visit repeat its reading: equal readings at one instant count once. Among chains of equal length the one
that ends lowest is taken, because typing errors are more often too large.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.aggregations import DAY
from features.arrays import BoolArray, FloatArray, IntArray

PLAUSIBLE, TENFOLD, BACKWARDS, JUMP = 0, 1, 2, 3
REASONS = {TENFOLD: "ten times too large", BACKWARDS: "runs backwards", JUMP: "jumps"}
MAX_KM_A_DAY, TOLERANCE_KM = 1_500.0, 500.0  # a vehicle that never stands still; error of a hasty reading
MAX_TABLE_SIZE = 4_000_000  # entries
LOOK_BACK = 500  # earlier readings that may precede one; bounds the work for a vehicle with very many readings


def classify_readings(vehicle: npt.ArrayLike, at: npt.ArrayLike, km: npt.ArrayLike) -> npt.NDArray[np.int8]:
    """Return a code for each reading: 0 plausible, else why it contradicts the others of its vehicle.

    Parameters
    ----------
    vehicle : array of int, shape (n_readings,)
        Code of the vehicle of each reading; any integers.
    at : array of int, shape (n_readings,)
        Instant of each reading (int64, microseconds since 1970 UTC), in any order.
    km : array of float, shape (n_readings,)
        Odometer (km); not NaN.

    Returns
    -------
    ndarray of int8, shape (n_readings,)
        0 plausible, 1 ten times too large, 2 runs backwards, 3 jumps; `REASONS` has the texts of 1 to 3. In the order
        of the input; empty for empty input.

    Examples
    --------
    >>> import numpy as np
    >>> from features.aggregations import DAY  # microseconds in a day
    >>> day = np.array([0, 100, 200, 300]) * DAY
    >>> classify_readings([1, 1, 1, 1], day, [1_000, 4_000, 70_000, 9_000]).tolist()
    [0, 0, 1, 0]
    >>> classify_readings([1, 1, 1, 2], day, [8_000, 9_000, 2_000, 5]).tolist()
    [0, 0, 2, 0]
    """
    who, when = np.asarray(vehicle, dtype=np.int64), np.asarray(at, dtype=np.int64)
    reading = np.asarray(km, dtype=np.float64)
    codes_by_reading = np.zeros(len(who), dtype=np.int8)
    if len(who) == 0:
        return codes_by_reading
    order = np.lexsort((reading, when, who))
    who, day, reading = who[order], when[order] / DAY, reading[order]
    new = np.r_[True, (np.diff(who) != 0) | (np.diff(day) != 0) | (np.diff(reading) != 0)]
    visit = np.cumsum(new) - 1
    who, day, reading = who[new], day[new], reading[new]
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    length = np.diff(np.r_[starts, len(who)])
    number = np.repeat(np.arange(len(starts)), length)
    contradicts = ~_follows(day[:-1], reading[:-1], day[1:], reading[1:]) & (number[1:] == number[:-1])
    suspicious = np.unique(number[1:][contradicts])
    codes = np.zeros(len(who), dtype=np.int8)
    # Vehicles with similar numbers of readings share a table, so that it has few empty entries.
    width = 2 ** np.ceil(np.log2(np.maximum(length[suspicious], 2))).astype(np.int64)
    for w in np.unique(width):
        group = suspicious[width == w]
        step = max(1, MAX_TABLE_SIZE // int(w))
        for k in range(0, len(group), step):
            _classify(starts[group[k : k + step]], length[group[k : k + step]], day, reading, codes)
    codes_by_reading[order] = codes[visit]
    return codes_by_reading


def _follows(day: FloatArray, km: FloatArray, later: FloatArray, more: FloatArray) -> BoolArray:
    """Return whether one odometer could have shown a reading (km) on a day and another on a later day."""
    return np.asarray((more >= km) & (more - km <= MAX_KM_A_DAY * (later - day) + TOLERANCE_KM))


def _classify(starts: IntArray, length: IntArray, day: FloatArray, km: FloatArray, codes: npt.NDArray[np.int8]) -> None:
    """Write the codes of the readings of some vehicles into `codes`; the longest chain by dynamic programming."""
    place = np.arange(int(length.max()))[None, :]
    is_reading = place < length[:, None]
    at = np.minimum(starts[:, None] + place, len(day) - 1)
    days, kms = day[at], km[at]
    rows, n = np.arange(len(starts)), place.shape[1]
    best = np.where(is_reading, 1, 0)
    before = np.full(at.shape, -1)
    for i in range(1, n):
        earlier = slice(max(0, i - LOOK_BACK), i)
        fits = (
            _follows(days[:, earlier], kms[:, earlier], days[:, i : i + 1], kms[:, i : i + 1])
            & is_reading[:, i : i + 1]
        )
        last = i - 1 - np.where(fits, best[:, earlier], 0)[:, ::-1].argmax(axis=1)  # among equal lengths the latest
        longer = fits[rows, last - earlier.start]
        best[:, i] = np.where(is_reading[:, i], 1 + np.where(longer, best[rows, last], 0), 0)
        before[:, i] = np.where(longer, last, -1)
    in_chain = np.zeros(at.shape, dtype=np.bool_)
    longest = is_reading & (best == best.max(axis=1, keepdims=True))
    current = np.where(longest, kms, np.inf).argmin(axis=1)
    while (current >= 0).any():
        going = current >= 0
        in_chain[rows[going], current[going]] = True
        current = np.where(going, before[rows, np.maximum(current, 0)], -1)
    lower = np.maximum.accumulate(np.where(in_chain, kms, -np.inf), axis=1)
    upper = np.minimum.accumulate(np.where(in_chain, kms, np.inf)[:, ::-1], axis=1)[:, ::-1]
    tenth = (kms / 10 >= lower - TOLERANCE_KM) & (kms / 10 <= upper + TOLERANCE_KM)
    code = np.where(in_chain, PLAUSIBLE, np.where(kms < lower, BACKWARDS, np.where(tenth, TENFOLD, JUMP)))
    codes[at[is_reading]] = code[is_reading]

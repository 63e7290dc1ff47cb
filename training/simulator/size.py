"""Size of a sample dealership, and an independent random stream for each of its parts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np

from features.errors import ConfigError

FIRST_YEAR, LAST_YEAR = 2010, 2041  # the years for which seasons.py lists Spring Festival

LIMITS = {"stores": (1, 1_000), "customers": (100, 5_000_000), "months": (3, 120), "seed": (0, 2**63 - 1)}

# The number of a part seeds its stream: changing it changes all sample data.
PARTS = {
    "catalogue": 1, "stores": 2, "people": 3, "journeys": 4, "leads": 5, "stock": 6, "units": 7, "sales": 8,
    "browsing": 9, "applicants": 10, "lending": 11, "fleet": 12, "workshop": 13, "books": 14, "dangers": 15,
    "bureau": 16,
}  # fmt: skip


@dataclass(frozen=True)
class Size:
    """Size of a sample dealership group.

    Attributes
    ----------
    stores : int
        Number of stores, 1 to 1,000.
    customers : int
        Number of rows of the table `customers`, 100 to 5,000,000.
    months : int
        Number of calendar months, 3 to 120.
    seed : int
        Random seed; the rows do not depend on the machine or the number of threads.
    start : str
        First day of the data, `YYYY-MM-01`, from 2010; the data must end before 2041.

    Raises
    ------
    ConfigError
        A value is out of range.

    Examples
    --------
    >>> from training.simulator import Size
    >>> Size(stores=2, customers=2_000, months=24).months
    24
    >>> Size(stores=0)
    Traceback (most recent call last):
        ...
    features.errors.ConfigError: stores: must be a whole number from 1 to 1000, got 0; give another size
    """

    stores: int = 20
    customers: int = 60_000
    months: int = 36
    seed: int = 7
    start: str = "2023-01-01"

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name in LIMITS:
                _check_whole(field.name, getattr(self, field.name))
        _check_start(self.start, self.months)

    def stream(self, part: str) -> np.random.Generator:
        """Return the random generator of one part; draws in one part do not affect the others.

        Parameters
        ----------
        part : str
            "catalogue", "stores", "people", "journeys", "leads", "stock", "units", "sales", "browsing", "applicants",
            "lending", "fleet", "workshop", "books", "dangers" or "bureau"; any other raises KeyError.

        Returns
        -------
        numpy.random.Generator
            Equal for equal seed and part.

        Examples
        --------
        >>> from training.simulator import Size
        >>> a, b = Size().stream("people"), Size().stream("people")
        >>> bool(a.random() == b.random())
        True
        """
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(PARTS[part],)))


def _check_whole(name: str, value: Any) -> None:
    low, high = LIMITS[name]
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not low <= value <= high:
        raise ConfigError(f"{name}: must be a whole number from {low} to {high}, got {value!r}; give another size")


def _check_start(value: Any, months: int) -> None:
    rule = f"must be the first day of a month as YYYY-MM-01, from {FIRST_YEAR}"
    try:
        first = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConfigError(f"start: {rule}, got {value!r}; give another date") from None
    if first.day != 1 or first.year < FIRST_YEAR:
        raise ConfigError(f"start: {rule}, got {value!r}; give another date")
    last = first.year + (first.month + months) // 12
    if last >= LAST_YEAR:
        raise ConfigError(
            f"start: start and months must end before {LAST_YEAR}, got {value!r} and {months} months, which end in "
            f"{last}; choose an earlier start or fewer months"
        )

"""Changes of the world during the simulated period, which can be switched off or on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Changes:
    """Changes during the simulated period.

    Attributes
    ----------
    population_shift : bool
        Whether the population of loan applicants changes in the middle of the period (see `applicants`). Without the
        shift the customers of partner dealers also have the same ages throughout, and the risk of like applicants has
        no cycle (see `lending`), so that lending is stationary.
    bureau_repair : bool
        Whether credit files are repaired from January 2026 (see `bureau_repair`).

    Examples
    --------
    >>> from training.simulator import Changes
    >>> Changes()
    Changes(population_shift=True, bureau_repair=False)
    """

    population_shift: bool = True
    bureau_repair: bool = False


DEFAULT_CHANGES = Changes()

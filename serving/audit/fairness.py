"""Approval rates by protected attribute, from the inputs that the decision log still has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from features.tables import APPLICATIONS
from ml.domain.statistics.proportions import proportion
from ml.domain.statistics.rate_ratio import RateRatio, rate_ratio
from ml.domain.statistics.resampling import Interval
from serving.audit.figures import BANDS
from serving.audit.logged_entries import LoggedEntry

MIN_GROUP = 30  # decisions from which a group counts towards the four-fifths ratio
PROTECTED = tuple(sorted(APPLICATIONS.protected))


@dataclass
class Fairness:
    """Decisions by protected attribute, as returned by `fairness_of`.

    Attributes
    ----------
    decisions : int
        Decisions of the period that have a band.
    readable : int
        Those among them whose inputs were read.
    unread : Counter
        The others by the state of their personal part; 'stored' are those whose key is absent.
    groups : dict
        By attribute and value: number of approved decisions and of all.
    """

    decisions: int = 0
    readable: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    groups: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def rate(self, attribute: str, value: str) -> Interval:
        """Return the approval rate of a group with its 95 % interval."""
        return proportion(*self.groups[attribute][value])

    def ratio(self, attribute: str) -> RateRatio | None:
        """Return the lowest over the highest approval rate of groups of 30 decisions or more; None without two."""
        return rate_ratio(self.groups[attribute], min_trials=MIN_GROUP)

    def present(self, attribute: str) -> int:
        """Return the number of decisions whose inputs have an attribute."""
        return sum(trials for _, trials in self.groups[attribute].values())


def fairness_of(
    decisions: Iterable[tuple[LoggedEntry, Mapping[str, Any] | None]], attributes: Collection[str] = PROTECTED
) -> Fairness:
    """Count approvals by the values of protected attributes; only counts are kept.

    Parameters
    ----------
    decisions : iterable of (LoggedEntry, mapping or None)
        Decisions with their personal fields, as yielded by `serving.audit.personal.with_personal`.
    attributes : collection of str
        Fields of the inputs; those of the borrower count in requests for offers.

    Returns
    -------
    Fairness
        Attributes that no input has are absent.
    """
    result = Fairness()
    for logged, personal in decisions:
        if logged.band not in BANDS:
            continue
        result.decisions += 1
        inputs = None if personal is None else personal.get("inputs")
        if not isinstance(inputs, Mapping):
            result.unread[logged.personal_state] += 1
            continue
        result.readable += 1
        borrower = inputs.get("borrower")
        fields = {**inputs, **borrower} if isinstance(borrower, Mapping) else inputs
        for attribute in attributes:
            if (value := fields.get(attribute)) is not None:
                approved, trials = result.groups.setdefault(attribute, {}).get(str(value), (0, 0))
                result.groups[attribute][str(value)] = (approved + (logged.band == "approve"), trials + 1)
    return result

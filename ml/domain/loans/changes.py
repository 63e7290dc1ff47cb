"""The smallest changes to an application that would pass, each verified by the model and the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from itertools import product as combinations
from typing import Any

from ml.domain.loans.application import Application, Vehicle
from ml.domain.loans.rounding import LoanError

_LONGEST = 60  # months that count as one whole step of the term
_MAX_TRIALS = 200  # changed applications that the model scores before the search gives up


@dataclass(frozen=True)
class Change:
    """A changed application that passes.

    Attributes
    ----------
    application : Application
        The changed one.
    changed : tuple of str
        Which of `down_payment`, `term_months` and `vehicle` differ.
    probability_of_default : float
        Of the changed application, by the model.
    distance : float
        How far it is from the first: shares of the price for money, of 60 months for the term, added up.
    """

    application: Application
    changed: tuple[str, ...]
    probability_of_default: float
    distance: float


def smallest_changes(
    application: Application,
    *,
    probability_of_default: Callable[[Application], float],
    passes: Callable[[Application, float], bool],
    down_payments: Sequence[int],
    terms: Sequence[int],
    vehicles: Sequence[Vehicle],
) -> tuple[Change, ...]:
    """Search for the smallest changes that would pass.

    First each change alone (a higher down payment, another term, a cheaper vehicle), nearest first, until one passes;
    only where none does, combinations, nearest first, until one passes. Nothing is assumed to be monotone: every
    change returned has been asked of the model and the rules.

    Parameters
    ----------
    application : Application
        One that did not pass; its term must be given.
    probability_of_default : callable
        The model's answer to a changed application.
    passes : callable
        ``(application, probability) -> bool``: band and rules.
    down_payments : sequence of int
        Fen the applicant might pay; those not above the present one are left out.
    terms : sequence of int
        Months on offer.
    vehicles : sequence of Vehicle
        In stock; those not cheaper are left out.

    Returns
    -------
    tuple of Change
        Nearest first; at most one for each thing changed alone, or one combination; empty where nothing passed.

    Raises
    ------
    LoanError
        The application's term is not given.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant
    >>> asked = Application(Applicant(30, 1_000_000), Vehicle("V1", 10_000_000, "used"), 1_000_000, 36)
    >>> found = smallest_changes(asked, probability_of_default=lambda a: 1 - a.down_payment / a.vehicle.price,
    ...     passes=lambda a, probability: probability <= 0.75, down_payments=[2_000_000, 2_500_000, 3_000_000],
    ...     terms=[24, 36], vehicles=[])
    >>> [(c.changed, c.application.down_payment, c.probability_of_default) for c in found]
    [(('down_payment',), 2500000, 0.75)]
    """
    if application.term_months is None:
        raise LoanError("term_months must be given to search for changes, got None")
    budget = [_MAX_TRIALS]
    cheaper = [v for v in vehicles if v.price < application.vehicle.price]
    options: dict[str, list[Any]] = {
        "down_payment": sorted(d for d in set(down_payments) if d > application.down_payment),
        "term_months": [t for t in sorted(set(terms)) if t != application.term_months],
        "vehicle": sorted(cheaper, key=lambda v: (-v.price, v.vehicle_id)),
    }

    def first(trials: Iterator[Application]) -> Change | None:
        for trial in islice(trials, budget[0]):
            budget[0] -= 1
            probability = float(probability_of_default(trial))
            if passes(trial, probability):
                return Change(trial, _changed(application, trial), probability, _distance(application, trial))
        return None

    alone = [first(_nearest(application, {name: values})) for name, values in options.items()]
    found = [change for change in alone if change is not None]
    if not found and (combined := first(_combined(application, options))):
        found = [combined]
    return tuple(sorted(found, key=lambda change: change.distance))


def _nearest(application: Application, options: dict[str, list[Any]]) -> Iterator[Application]:
    """Changed applications, nearest first; stable where two are equally near."""
    choices = [[(name, value) for value in values] for name, values in options.items()]
    trials = [_with(application, dict(values)) for values in combinations(*choices)]
    sound = [trial for trial in trials if trial is not None]
    return iter(sorted(sound, key=lambda trial: _distance(application, trial)))


def _combined(application: Application, options: dict[str, list[Any]]) -> Iterator[Application]:
    """Two or three things changed at once."""
    kept: dict[str, list[Any]] = {
        "down_payment": [application.down_payment, *options["down_payment"]],
        "term_months": [application.term_months, *options["term_months"]],
        "vehicle": [application.vehicle, *options["vehicle"]],
    }
    return (trial for trial in _nearest(application, kept) if len(_changed(application, trial)) > 1)


def _with(application: Application, values: dict[str, Any]) -> Application | None:
    vehicle = values.get("vehicle", application.vehicle)
    down = values.get("down_payment", application.down_payment)
    # A down payment that covers the vehicle leaves no loan to ask for.
    return None if down >= vehicle.price else replace(application, **values)


def _changed(before: Application, after: Application) -> tuple[str, ...]:
    names = ("down_payment", "term_months", "vehicle")
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def _distance(before: Application, after: Application) -> float:
    money = abs(after.down_payment - before.down_payment) + abs(after.vehicle.price - before.vehicle.price)
    months = abs((after.term_months or 0) - (before.term_months or 0))
    return round(money / before.vehicle.price + months / _LONGEST, 9)

"""Search for the smallest changes to an application that the model approves and the lending rules allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from itertools import product as combinations
from typing import Any

from ml.domain.loans.application import Application, Vehicle
from ml.domain.loans.rounding import LoanError

_TERM_SCALE_MONTHS = 60  # a change of the term by so many months has distance 1
_MAX_TRIALS = 200  # changed applications that the model scores before the search stops


@dataclass(frozen=True)
class Change:
    """A changed application that passes model and rules, as returned by `smallest_changes`.

    Attributes
    ----------
    application : Application
        The application after the change.
    changed : tuple of str
        Changed fields: `down_payment`, `term_months`, `vehicle`.
    probability_of_default : float
        Predicted for the changed application.
    distance : float
        Size of the change, without unit: changes of down payment and price as fractions of the original price, plus the
        change of the term divided by 60 months.
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
    """Return the smallest changes with which an application passes.

    Single changes (a higher down payment, another term, a cheaper vehicle) are tried first, for each field in order of
    distance until one passes. Combinations of two or three changes are tried only if no single change passes. The
    search does not assume that risk is monotone: model and rules have accepted every change that is returned.

    Parameters
    ----------
    application : Application
        `ml.domain.loans.application.Application(...)` that does not pass; `term_months` must be set.
    probability_of_default : callable
        ``(application) -> float``: the model's prediction.
    passes : callable
        ``(application, probability) -> bool``: whether cut-off and lending rules allow the application.
    down_payments : sequence of int
        Candidate down payments in fen; values up to the current down payment are ignored.
    terms : sequence of int
        Candidate terms in months.
    vehicles : sequence of Vehicle
        Candidate vehicles, `ml.domain.loans.application.Vehicle(...)`; vehicles that are not cheaper are ignored.

    Returns
    -------
    tuple of Change
        In order of distance: at most one single change per field, or one combination. Empty if no tried change
        passes; at most 200 changed applications are tried.

    Raises
    ------
    LoanError
        The application has no term.

    Examples
    --------
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.domain.loans.changes import smallest_changes
    >>> application = Application(Applicant(30, 1_000_000), Vehicle("V1", 10_000_000, "used"), 1_000_000, 36)
    >>> changes = smallest_changes(application, probability_of_default=lambda a: 1 - a.down_payment / a.vehicle.price,
    ...     passes=lambda a, probability: probability <= 0.75, down_payments=[2_000_000, 2_500_000, 3_000_000],
    ...     terms=[24, 36], vehicles=[])
    >>> [(c.changed, c.application.down_payment, c.probability_of_default) for c in changes]
    [(('down_payment',), 2500000, 0.75)]
    """
    if application.term_months is None:
        raise LoanError("term_months must be set to search for changes, got None")
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

    single = [first(_by_distance(application, {name: values})) for name, values in options.items()]
    changes = [change for change in single if change is not None]
    if not changes and (combined := first(_combinations(application, options))):
        changes = [combined]
    return tuple(sorted(changes, key=lambda change: change.distance))


def _by_distance(application: Application, options: dict[str, list[Any]]) -> Iterator[Application]:
    """Yield changed applications in order of distance; equal distances keep the order of the options."""
    choices = [[(name, value) for value in values] for name, values in options.items()]
    trials = [_with(application, dict(values)) for values in combinations(*choices)]
    valid_trials = [trial for trial in trials if trial is not None]
    return iter(sorted(valid_trials, key=lambda trial: _distance(application, trial)))


def _combinations(application: Application, options: dict[str, list[Any]]) -> Iterator[Application]:
    """Yield applications with two or three changed fields in order of distance."""
    all_options: dict[str, list[Any]] = {
        "down_payment": [application.down_payment, *options["down_payment"]],
        "term_months": [application.term_months, *options["term_months"]],
        "vehicle": [application.vehicle, *options["vehicle"]],
    }
    return (trial for trial in _by_distance(application, all_options) if len(_changed(application, trial)) > 1)


def _with(application: Application, values: dict[str, Any]) -> Application | None:
    vehicle = values.get("vehicle", application.vehicle)
    down = values.get("down_payment", application.down_payment)
    # No loan remains if the down payment covers the price.
    return None if down >= vehicle.price else replace(application, **values)


def _changed(before: Application, after: Application) -> tuple[str, ...]:
    names = ("down_payment", "term_months", "vehicle")
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def _distance(before: Application, after: Application) -> float:
    money = abs(after.down_payment - before.down_payment) + abs(after.vehicle.price - before.vehicle.price)
    months = abs((after.term_months or 0) - (before.term_months or 0))
    return round(money / before.vehicle.price + months / _TERM_SCALE_MONTHS, 9)

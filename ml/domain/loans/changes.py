"""Search for the smallest changes to an application that the model approves and the lending rules allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import BoolArray, FloatArray, IndexArray, IntArray
from ml.domain.loans.application import Application, Vehicle
from ml.domain.loans.assessment import Assess, Assessment, ProposedLoans
from ml.domain.loans.rounding import LoanError

_TERM_SCALE_MONTHS = 60  # a change of the term by so many months has distance 1
_BATCH = 20_000  # loans scored at once
_MAX_NEAREST = 60_000  # nearest loans that are all scored; of the others an even sample follows
_MAX_SAMPLE = 20_000
_MAX_STEPS = 10_000  # down payments of the requested vehicle
_MAX_OTHERS = 120_000  # loans on other vehicles

Possible = Callable[[ProposedLoans], BoolArray]
FirstFeasible = Callable[[ProposedLoans, Assessment], int | None]


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
    assess: Assess,
    possible: Possible,
    first_feasible: FirstFeasible,
    step: int,
    terms: Sequence[int],
    vehicles: Sequence[Vehicle] = (),
) -> tuple[Change, ...]:
    """Return the smallest changes with which an application passes.

    Single changes (a higher down payment, another term, a cheaper vehicle) come first: the smallest of each field.
    Combinations of two or three changes are searched only if no single change passes. The search does not assume that
    risk is monotone: model and rules accept every change that is returned, and no smaller one. Beyond the 60,000
    nearest loans an even sample of the others is searched.

    Parameters
    ----------
    application : Application
        `ml.domain.loans.application.Application(...)` that does not pass. Without `term_months` every term is as good
        as the requested one.
    assess : callable
        ``(loans) -> assessment``: `ml.domain.loans.assessment.Assess`.
    possible : callable
        ``(loans) -> array of bool``: whether some product may be feasible; loans that are not are not scored.
    first_feasible : callable
        ``(loans, assessment) -> int or None``: position of the first loan for which at least one product is feasible.
    step : int
        Distance of two down payments, fen; down payments are multiples of it. It is widened for a price above 10,000
        steps, and for other vehicles if they have more than 120,000 loans.
    terms : sequence of int
        Candidate terms in months.
    vehicles : sequence of Vehicle
        Candidate vehicles, `ml.domain.loans.application.Vehicle(...)`; vehicles that are not cheaper are ignored.

    Returns
    -------
    tuple of Change
        In order of distance: at most one single change per field, or one combination. Empty if no change passes.

    Raises
    ------
    LoanError
        The step is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ml.domain.loans.application import Applicant, Application, Vehicle
    >>> from ml.domain.loans.assessment import Assessment
    >>> from ml.domain.loans.changes import smallest_changes
    >>> application = Application(Applicant(30, 1_000_000), Vehicle("V1", 10_000_000, "used"), 1_000_000, 36)
    >>> def assess(loans):
    ...     probability = loans.amount / 10_000_000
    ...     return Assessment(probability, np.full(len(loans), "A"), np.where(probability <= 0.745, "approve", "refer"))
    >>> changes = smallest_changes(application, assess=assess, possible=lambda loans: loans.amount > 0,
    ...     first_feasible=lambda loans, _: 0 if len(loans) else None, step=10_000, terms=[24, 36])
    >>> [(c.changed, c.application.down_payment, c.probability_of_default) for c in changes]
    [(('down_payment',), 2550000, 0.745)]
    """
    if type(step) is not int or step < 1:
        raise LoanError(f"step must be a whole number of fen of at least 1, got {step!r}")
    cheaper = sorted(
        (v for v in vehicles if v.price < application.vehicle.price), key=lambda v: (-v.price, v.vehicle_id)
    )
    trials = _all_trials(application, (application.vehicle, *cheaper), step=step, terms=terms)
    changes = []
    for field in ("down_payment", "term_months", "vehicle"):
        single = trials.at(np.flatnonzero(trials.is_changed[field] & (trials.n_changed == 1)))
        changes += _first(application, single, assess, possible, first_feasible)
    if not changes:
        combined = trials.at(np.flatnonzero(trials.n_changed > 1))
        changes = _first(application, combined, assess, possible, first_feasible)
    return tuple(sorted(changes, key=lambda change: change.distance))


@dataclass(frozen=True)
class _Trials:
    """Changed applications as columns, in order of distance."""

    loans: ProposedLoans
    distance: FloatArray
    is_changed: dict[str, BoolArray]

    @property
    def n_changed(self) -> IntArray:
        return np.asarray(np.sum(list(self.is_changed.values()), axis=0, dtype=np.int64))

    def at(self, rows: IndexArray) -> _Trials:
        return _Trials(
            self.loans.at(rows), self.distance[rows], {name: flags[rows] for name, flags in self.is_changed.items()}
        )


def _all_trials(application: Application, vehicles: tuple[Vehicle, ...], *, step: int, terms: Sequence[int]) -> _Trials:
    base_term = application.term_months
    term_options = np.array(sorted({*terms, *([] if base_term is None else [base_term])}), dtype=np.int64)
    n_terms = len(term_options)
    most = [_MAX_STEPS, *[max(_MAX_OTHERS // (n_terms * len(vehicles)), 1)] * (len(vehicles) - 1)]
    downs = [_down_payment_options(application, v, step, most=n) for v, n in zip(vehicles, most, strict=True)]
    vehicle = np.repeat(np.arange(len(vehicles)), [len(d) * n_terms for d in downs])
    down = np.concatenate([np.tile(d, n_terms) for d in downs])
    term = np.concatenate([np.repeat(term_options, len(d)) for d in downs])
    price = np.array([v.price for v in vehicles])[vehicle]
    money = np.abs(down - application.down_payment) + np.abs(price - application.vehicle.price)
    months = np.zeros(len(term)) if base_term is None else np.abs(term - base_term)
    distance = np.round(money / application.vehicle.price + months / _TERM_SCALE_MONTHS, 9)
    order = np.argsort(distance, kind="stable")
    loans = ProposedLoans.build(vehicles, vehicle, down, term, extras=application.financed_extras)
    is_changed = {
        "down_payment": down != application.down_payment,
        "term_months": months != 0,
        "vehicle": vehicle != 0,
    }
    return _Trials(loans, distance, is_changed).at(order)


def _down_payment_options(application: Application, vehicle: Vehicle, step: int, *, most: int) -> IntArray:
    """Return the down payment of the application and the multiples of the step between it and the price, fen."""
    lowest, price = application.down_payment, vehicle.price
    wide = step * max(-(-(price - lowest) // (step * most)), 1)
    above = np.arange((lowest // wide + 1) * wide, price, wide, dtype=np.int64)
    return np.append([lowest] if lowest < price else np.zeros(0, dtype=np.int64), above).astype(np.int64)


def _first(
    application: Application, trials: _Trials, assess: Assess, possible: Possible, first_feasible: FirstFeasible
) -> list[Change]:
    """Return the nearest trial that passes, as a list of one change; empty if none passes."""
    trials = trials.at(np.flatnonzero(possible(trials.loans)))
    for rows in _batches(len(trials.distance)):
        stop_if_abandoned()
        batch = trials.at(rows)
        assessment = assess(batch.loans)
        approved = np.flatnonzero(assessment.decision == "approve")
        first = first_feasible(batch.loans.at(approved), assessment.at(approved))
        if first is not None:
            i = int(approved[first])
            return [_change(application, batch, i, float(assessment.probability_of_default[i]))]
    return []


def _batches(count: int) -> Iterator[IndexArray]:
    nearest = min(count, _MAX_NEAREST)
    for begin in range(0, nearest, _BATCH):
        yield np.arange(begin, min(begin + _BATCH, nearest))
    if count > nearest:
        yield np.arange(nearest, count, -(-(count - nearest) // _MAX_SAMPLE))


def _change(application: Application, trials: _Trials, i: int, probability: float) -> Change:
    loans = trials.loans
    changed = replace(
        application,
        vehicle=loans.vehicles[int(loans.vehicle[i])],
        down_payment=int(loans.down_payment[i]),
        term_months=int(loans.term[i]),
    )
    names = tuple(name for name, flags in trials.is_changed.items() if flags[i])
    return Change(changed, names, probability, float(trials.distance[i]))

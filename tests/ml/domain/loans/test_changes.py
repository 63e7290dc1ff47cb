"""Smallest changes: equal to a brute force over every loan of the grid, for models that are not monotone too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
from ml.domain.loans.assessment import Assessment, ProposedLoans
from ml.domain.loans.candidates import CandidateRows, price_candidates
from ml.domain.loans.changes import Change, smallest_changes
from ml.domain.loans.feasibility import Feasibility
from ml.domain.loans.product import LoanProduct
from ml.domain.loans.rounding import LoanError

START = date(2026, 1, 15)
STEP = 500_000
TERMS = (12, 24, 36)
VEHICLE = Vehicle("V1", 10_000_000, "used")
CHEAPER = (Vehicle("V2", 8_000_000, "used"), Vehicle("V3", 6_000_000, "used"), Vehicle("V4", 12_000_000, "used"))
POLICY = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
BANK = OfferedProduct(
    name="bank",
    lender="bank",
    product=LoanProduct(),
    rates={"A": {12: 0.05, 24: 0.05}, "B": {12: 0.08, 24: 0.08}},
    minimum_amount=1_000_000,
    maximum_amount=7_000_000,
    minimum_down_payment=0.2,
    funding_rate=0.02,
    loss_given_default=0.4,
)
BALLOON = replace(
    BANK, name="balloon", product=LoanProduct(form="balloon"), balloon_shares=(0.3,), rates={"A": {36: 0.06}}
)
Model = Callable[[ProposedLoans], Any]


def assess_by(model: Model, *, approve: float = 0.05) -> Callable[[ProposedLoans], Assessment]:
    def assess(loans: ProposedLoans) -> Assessment:
        probability = np.asarray(model(loans), dtype=np.float64)
        band = np.where(probability <= 0.02, "A", np.where(probability <= 0.04, "B", ""))
        return Assessment(probability, band, np.where(probability <= approve, "approve", "refer"))

    return assess


def application(down: int = 1_000_000, term: int | None = 36, income: int = 1_000_000) -> Application:
    return Application(Applicant(30, income), VEHICLE, down, term)


def search(start: Application, model: Model, *, terms: tuple[int, ...] = TERMS, step: int = STEP) -> tuple[Change, ...]:
    feasibility = Feasibility(start, lambda vehicle: ((BANK, BALLOON), POLICY), START)
    return smallest_changes(
        start,
        assess=assess_by(model),
        possible=feasibility.possible,
        first_feasible=feasibility.first_feasible,
        step=step,
        terms=terms,
        vehicles=CHEAPER,
    )


def brute_force(start: Application, model: Model) -> list[tuple[tuple[str, ...], float]]:
    """Return changed fields and distance of the smallest changes, by trying every loan alone."""
    passing = sorted(_passing(start, model))
    singles = []
    for name in ("down_payment", "term_months", "vehicle"):
        alone = [(distance, changed) for distance, changed in passing if changed == (name,)]
        singles += alone[:1]
    best = singles or [(d, changed) for d, changed in passing if len(changed) > 1][:1]
    return [(changed, distance) for distance, changed in sorted(best)]


def _passing(start: Application, model: Model) -> Iterator[tuple[float, tuple[str, ...]]]:
    vehicles = (VEHICLE, *(v for v in CHEAPER if v.price < VEHICLE.price))
    downs = [start.down_payment, *range(0, VEHICLE.price, STEP)]
    for vehicle, down, term in product(vehicles, downs, TERMS):
        if not start.down_payment <= down < vehicle.price:
            continue
        loan = replace(start, vehicle=vehicle, down_payment=down, term_months=term)
        changed = tuple(
            name for name in ("down_payment", "term_months", "vehicle") if getattr(loan, name) != getattr(start, name)
        )
        if start.term_months is None:
            changed = tuple(name for name in changed if name != "term_months")
        one = ProposedLoans.build((vehicle,), 0, np.array([down]), np.array([term]), extras=0)
        if not changed or assess_by(model)(one).decision[0] != "approve":
            continue
        if any(_is_feasible(loan, offered, model) for offered in (BANK, BALLOON) if term in offered.terms):
            months = 0 if start.term_months is None else abs(term - start.term_months)
            money = down - start.down_payment + start.vehicle.price - vehicle.price
            yield round(money / start.vehicle.price + months / 60, 9), changed


def _is_feasible(loan: Application, offered: OfferedProduct, model: Model) -> bool:
    row = CandidateRows(
        np.array([0]),
        np.array([loan.term_months]),
        np.array([loan.down_payment]),
        np.array([offered.balloon_shares[0] if offered.balloon_shares else 0.0]),
    )
    return bool(price_candidates(loan, [offered], row, assess=assess_by(model), policy=POLICY, start=START).feasible[0])


@settings(max_examples=15, deadline=None)
@given(
    down=st.integers(0, 60).map(lambda k: k * 50_000),
    term=st.sampled_from([12, 24, 36, 30, None]),
    income=st.sampled_from([200_000, 400_000, 1_000_000]),
    seed=st.integers(0, 10**6),
)
def test_no_smaller_change_passes(down: int, term: int | None, income: int, seed: int) -> None:
    table = np.random.default_rng(seed).uniform(0, 0.1, (4, 121, 40))

    def model(loans: ProposedLoans) -> Any:  # any function of vehicle, term and down payment, not monotone
        price = np.array([v.price for v in loans.vehicles])[loans.vehicle]
        return table[price % 7 % 4, loans.term, loans.down_payment // 500_000 % 40]

    start = application(down, term, income)
    result = search(start, model)
    assert [(change.changed, change.distance) for change in result] == brute_force(start, model)


def test_each_change_alone_is_the_smallest_that_passes() -> None:
    def model(loans: ProposedLoans) -> Any:
        price = np.array([v.price for v in loans.vehicles])[loans.vehicle]
        return np.where((loans.down_payment >= 4_600_000) | (price <= 6_000_000) | (loans.term == 24), 0.01, 0.06)

    changes = search(application(4_000_000), model)
    assert [(c.changed, c.distance) for c in changes] == [
        (("down_payment",), 0.1),  # 46,000 yuan, rounded up to the step
        (("term_months",), 0.2),  # 12 of 60 months
        (("vehicle",), 0.4),  # 60,000 instead of 100,000 yuan
    ]
    assert changes[0].application.down_payment == 5_000_000


def test_a_down_payment_alone_is_proposed_on_the_step() -> None:
    changes = search(application(2_950_000), lambda loans: np.where(loans.down_payment >= 3_333_333, 0.01, 0.06))
    assert [(c.changed, c.application.down_payment) for c in changes] == [(("down_payment",), 3_500_000)]


def test_a_term_outside_the_catalogue_is_changed_too() -> None:
    changes = search(application(4_000_000, term=30), lambda loans: np.full(len(loans), 0.01))
    assert [(c.changed, c.application.term_months) for c in changes] == [(("term_months",), 24)]
    combined = search(application(1_000_000, term=30), lambda loans: np.full(len(loans), 0.01))
    assert [(c.changed, c.application.term_months) for c in combined] == [(("down_payment", "term_months"), 24)]
    assert combined[0].application.down_payment == 3_000_000  # 70,000 yuan is the largest loan


def test_without_a_requested_term_no_term_is_a_change() -> None:
    changes = search(application(1_000_000, term=None), lambda loans: np.where(loans.term == 36, 0.01, 0.06))
    assert [(c.changed, c.application.term_months) for c in changes] == [(("down_payment",), 36)]


def test_no_change_is_returned_if_none_passes() -> None:
    assert search(application(), lambda loans: np.full(len(loans), 0.5)) == ()


def test_the_nearest_loans_are_scored_in_few_batches_and_the_rest_is_sampled() -> None:
    sizes: list[int] = []

    def model(loans: ProposedLoans) -> Any:
        sizes.append(len(loans))
        return np.full(len(loans), 0.5)

    assert search(application(income=100_000_000), model, step=100) == ()
    assert sum(sizes) < 200_000 and max(sizes) <= 20_000


def test_a_step_below_one_is_refused() -> None:
    with pytest.raises(LoanError, match="step must be a whole number of fen of at least 1, got 0"):
        search(application(), lambda loans: np.zeros(len(loans)), step=0)

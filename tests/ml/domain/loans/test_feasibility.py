"""Feasibility of many loans: no feasible candidate is left out, and the first feasible loan is the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import loan_catalogue
from benchmarks.loan_catalogue import APPLICATION, POLICY, START, assess
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.domain.loans.assessment import ProposedLoans
from ml.domain.loans.candidates import CandidateRows, price_candidates
from ml.domain.loans.feasibility import Feasibility

OFFERED = loan_catalogue.catalogue(lenders=5, products=15, seed=1)
CHEAPER = Vehicle("V2", 9_000_000, "private_combustion")


def loans_on(vehicles: tuple[Vehicle, ...], seed: int, count: int = 40) -> ProposedLoans:
    rng = np.random.default_rng(seed)
    vehicle = rng.integers(len(vehicles), size=count)
    price = np.array([v.price for v in vehicles])[vehicle]
    down = (price * rng.uniform(0, 0.99, count) // 100 * 100).astype(np.int64)
    return ProposedLoans.build(vehicles, vehicle, down, rng.choice([6, 12, 24, 36, 48, 60], count), extras=0)


def feasible_pairs(application: Application, loans: ProposedLoans) -> set[tuple[int, int, int]]:
    """Return vehicle, down payment and term of the loans for which some product is feasible, pricing all products."""
    result = set()
    for i, vehicle in enumerate(loans.vehicles):
        own = loans.at(np.flatnonzero(loans.vehicle == i))
        rows = [
            (k, term, down, share)
            for k, o in enumerate(OFFERED)
            for term, down in zip(own.term.tolist(), own.down_payment.tolist(), strict=True)
            if term in o.terms
            for share in o.balloon_shares or (0.0,)
        ]
        if not rows:
            continue
        columns = CandidateRows(*(np.array(column) for column in zip(*rows, strict=True)))
        on_vehicle = replace(application, vehicle=vehicle, down_payment=0)
        compared = price_candidates(on_vehicle, OFFERED, columns, assess=assess, policy=POLICY, start=START)
        feasible = compared.loans.at(np.flatnonzero(compared.feasible))
        result |= {(i, d, t) for d, t in zip(feasible.down_payment.tolist(), feasible.term.tolist(), strict=True)}
    return result


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), income=st.sampled_from([150_000, 300_000, 600_000, 1_500_000]))
def test_no_feasible_candidate_is_left_out(seed: int, income: int) -> None:
    application = replace(APPLICATION, applicant=Applicant(age=35, monthly_income=income))
    feasibility = Feasibility(application, lambda _: (OFFERED, POLICY), START)
    loans = loans_on((APPLICATION.vehicle, CHEAPER), seed)
    expected = feasible_pairs(application, loans)
    keys = list(zip(loans.vehicle.tolist(), loans.down_payment.tolist(), loans.term.tolist(), strict=True))
    first = next((i for i, key in enumerate(keys) if key in expected), None)
    assert feasibility.first_feasible(loans, assess(loans)) == first
    assert all(feasibility.possible(loans)[i] for i, key in enumerate(keys) if key in expected)
    for i in range(len(loans.vehicles)):
        own = loans.at(np.flatnonzero(loans.vehicle == i))
        compared = feasibility.compare(own, assess=assess)
        feasible = None if compared is None else compared.loans.at(np.flatnonzero(compared.feasible))
        pairs = () if feasible is None else zip(feasible.down_payment.tolist(), feasible.term.tolist(), strict=True)
        assert {(i, down, term) for down, term in pairs} == {key for key in expected if key[0] == i}


def test_a_loan_after_many_impossible_ones_is_the_first() -> None:
    feasibility = Feasibility(APPLICATION, lambda _: (OFFERED, POLICY), START)
    down = np.full(5_000, 14_999_900)
    down[4_321] = 6_000_000
    loans = ProposedLoans.build((APPLICATION.vehicle,), 0, down, np.full(5_000, 36), extras=0)
    assert feasibility.first_feasible(loans, assess(loans)) == 4_321


@pytest.mark.parametrize("offered", [(), OFFERED])
def test_without_a_product_no_loan_is_feasible(offered: tuple[()]) -> None:
    feasibility = Feasibility(APPLICATION, lambda _: (offered, POLICY), START)
    loans = ProposedLoans.build((APPLICATION.vehicle,), 0, np.array([14_999_900]), np.array([36]), extras=0)
    assert feasibility.first_feasible(loans, assess(loans)) is None
    assert feasibility.compare(loans, assess=assess) is None

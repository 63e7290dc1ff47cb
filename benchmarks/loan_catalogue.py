"""Synthetic catalogue of loan products for benchmarks: every form of loan, fee, subsidy, deferral and calendar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
from ml.domain.loans.assessment import Assessment, ProposedLoans
from ml.domain.loans.calendar import DENOMINATORS, PaymentCalendar
from ml.domain.loans.candidates import Candidates
from ml.domain.loans.candidates import candidates as candidate_loans
from ml.domain.loans.offers import Offers, make_offers
from ml.domain.loans.product import DEFERRALS, FORMS, Deferral, Fee, LoanProduct, Subsidy

START = date(2026, 1, 15)
POLICY = Policy(payment_to_income=0.55, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=70)
APPLICATION = Application(
    Applicant(age=35, monthly_income=2_500_000), Vehicle("V1", 15_000_000, "private_combustion"), 6_000_000
)
LOAN_FORMS = tuple(form for form in FORMS if form != "finance_lease")
TERMS = (12, 24, 36, 48, 60)


def catalogue(lenders: int = 20, products: int = 30, *, seed: int = 31) -> tuple[OfferedProduct, ...]:
    """Return random products by lender, on the terms offered to one applicant.

    Parameters
    ----------
    lenders, products : int
        Number of lenders, and of products of each. A lender has one payment calendar and one rounding rule.
    seed : int
        Seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    return tuple(offered for lender in range(lenders) for offered in _lender(lender, products, rng))


def candidates(offered: Sequence[OfferedProduct]) -> Candidates:
    """Return the candidate loans of one application to the products of a catalogue."""
    compared = candidate_loans(APPLICATION, offered, assess=assess, policy=POLICY, start=START)
    assert compared is not None
    return compared


def offers(offered: Sequence[OfferedProduct]) -> Offers:
    """Return the offers of a catalogue's products for the same application."""
    return make_offers(APPLICATION, offered, assess=assess, policy=POLICY, start=START)


def assess(loans: ProposedLoans) -> Assessment:
    """Return a probability of default that falls with the down payment, in place of a credit model's."""
    financed = loans.amount / APPLICATION.vehicle.price
    return Assessment(0.03 * financed, np.full(len(loans), "A"), np.full(len(loans), "approve"))


def _lender(lender: int, products: int, rng: np.random.Generator) -> list[OfferedProduct]:
    calendar = PaymentCalendar(
        day_count=tuple(DENOMINATORS)[lender % len(DENOMINATORS)],
        payment_day=("same_day", "same_day", "end_of_month", 10, 20)[lender % 5],
    )
    rounding = "half_even" if lender % 5 == 4 else "half_up"
    result = []
    for i in range(products):
        form = LOAN_FORMS[i % len(LOAN_FORMS)]
        deferral: Deferral = DEFERRALS[int(rng.integers(len(DEFERRALS)))]
        product = LoanProduct(
            form=form,
            fees=_fees(rng),
            subsidies=_subsidies(rng),
            deferred_months=int(rng.integers(1, 4)) if rng.random() < 0.15 else 0,
            deferral=deferral,
            calendar=calendar,
            rounding=rounding,
        )
        terms = sorted(rng.choice(TERMS, int(rng.integers(1, 4)), replace=False).tolist())
        result.append(
            OfferedProduct(
                name=f"product_{lender}_{i}",
                lender=f"lender_{lender}",
                product=product,
                rates={"A": {term: int(rng.integers(300, 1_000)) / 10_000 for term in terms}},
                minimum_amount=2_000_000,
                maximum_amount=50_000_000,
                minimum_down_payment=int(rng.integers(10, 31)) / 100,
                balloon_shares=(0.2, 0.3) if form == "balloon" else (),
                forgone_discount=int(rng.integers(1, 5)) * 100_000 if rng.random() < 0.1 else 0,
                funding_rate=int(rng.integers(150, 300)) / 10_000,
                loss_given_default=0.4,
                maximum_cost=0.24,
            )
        )
    return result


def _fees(rng: np.random.Generator) -> tuple[Fee, ...]:
    fees = (
        Fee(name="service", charged="up_front", share=int(rng.integers(1, 30)) / 1_000),
        Fee(name="desk", charged="up_front", amount=int(rng.integers(1, 20)) * 10_000, collected_by="dealer"),
        Fee(name="account", charged="per_instalment", amount=int(rng.integers(1, 30)) * 100),
        Fee(
            name="guarantee",
            charged="per_instalment",
            yearly_share_of_balance=int(rng.integers(1, 20)) / 1_000,
            collected_by="guarantor",
        ),
    )
    chosen = np.flatnonzero(rng.random(len(fees)) < 0.2)[:2]
    return tuple(fees[i] for i in chosen)


def _subsidies(rng: np.random.Generator) -> tuple[Subsidy, ...]:
    maker = Subsidy(payer="maker", rate=1.0, total=int(rng.integers(5, 20)) * 100_000)
    dealer = Subsidy(payer="dealer", rate=int(rng.integers(5, 20)) / 1_000, principal=10_000_000)
    state = Subsidy(payer="state", rate=0.01, share_of_rate=0.5, lowers_instalment=False, months=36, per_year=100_000)
    return tuple(s for s, share in ((maker, 0.1), (dealer, 0.2), (state, 0.3)) if rng.random() < share)

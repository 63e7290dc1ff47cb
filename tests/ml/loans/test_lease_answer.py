"""The shipped finance lease: offered to commercial vehicles only, by its own limits, and never as a personal loan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import pyxirr

from features.errors import DataError
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.domain.loans.lease import PURCHASE_OPTION, Lease
from ml.domain.loans.loan import Loan
from ml.domain.loans.product import Fee, LoanProduct
from ml.loans.catalogue.checks import problems
from ml.loans.catalogue.files import Lending
from ml.loans.disclosure_endpoint import answer_disclosure
from ml.loans.disclosure_form import DisclosureRequest
from ml.loans.eligibility import offered_product, offered_products
from ml.loans.endpoints import read_lending
from ml.loans.lease_answer import OWNERS, lease_answer
from ml.loans.pricing_basis import PricingBasis, assumed_risk
from ml.loans.quotes import offers_for
from ml.loans.schedule_endpoint import ScheduleAnswer, ScheduleRequest, answer_schedule
from tests.conftest import ROOT

TODAY = date(2026, 9, 1)
TERMS = {
    "product": "commercial_lease",
    "on": TODAY,
    "amount": 100_000.0,
    "annual_rate": 0.068,
    "term_months": 36,
    "balloon": 20_000.0,
    "private_use": False,
}


@pytest.fixture(scope="module")
def lending() -> Lending:
    return read_lending(ROOT / "configs")


def answer(lending: Lending, **changes: Any) -> ScheduleAnswer:
    return answer_schedule(lending, ScheduleRequest.model_validate(TERMS | changes))


def test_a_schedule_states_rents_deposit_residual_and_option(lending: Lending) -> None:
    schedule = answer(lending)
    lease = schedule.lease
    assert lease is not None and lease.owner == OWNERS["direct"]
    assert (lease.deposit, lease.residual, lease.purchase_option) == (10_000.0, 20_000.0, 100.0)
    # 100,000 yuan at 6.8 % over 36 months with 20,000 of residual, by the annuity.
    v = 1 / (1 + 0.068 / 12)
    rent = (100_000 - 20_000 * v**36) / sum(v**k for k in range(1, 37))
    assert schedule.rows[0].payment == round(rent, 2)
    assert schedule.rows[-1].payment == pytest.approx(rent + 20_000 + 100 - 10_000, abs=0.2)
    assert schedule.rows[-1].deposit == 10_000.0 and schedule.total_fees == 100.0
    monthly = pyxirr.irr([90_000.0, *(-row.payment for row in schedule.rows)]) or 0.0
    assert schedule.nominal_rate == pytest.approx(12 * monthly, abs=1e-6)


def test_settling_early_sets_off_the_deposit_and_buys_the_vehicle(lending: Lending) -> None:
    # After a year the lender charges 3 % of the principal left; the option of 100 yuan is due.
    schedule = answer(lending, settle_on=date(2027, 9, 1))
    quote = schedule.settlement
    assert quote is not None and quote.outstanding == schedule.rows[11].balance
    assert (quote.fees_at_maturity, quote.deposit, quote.accrued_interest) == (100.0, 10_000.0, 0.0)
    assert quote.penalty == pytest.approx(0.03 * quote.outstanding, abs=0.005)
    assert quote.total == pytest.approx(1.03 * quote.outstanding + 100 - 10_000, abs=0.011)


def test_a_lease_has_no_statement_of_a_personal_loan(lending: Lending) -> None:
    with pytest.raises(DataError, match=r"is a finance lease, .* send the same terms to /v1/loans/schedule"):
        answer_disclosure(lending, DisclosureRequest.model_validate(TERMS))


def test_a_loan_has_no_lease(lending: Lending) -> None:
    loan = TERMS | {"product": "bank_standard", "annual_rate": 0.035, "balloon": 0.0}
    assert answer_schedule(lending, ScheduleRequest.model_validate(loan)).lease is None


def test_the_lessor_s_own_limits_apply_in_place_of_the_law_on_loans(lending: Lending) -> None:
    applicant, vehicle = Applicant(35, 2_000_000), Vehicle("V1", 20_000_000, "commercial_combustion", use="commercial")
    lease = offered_product(lending, "commercial_lease", applicant, vehicle, on=TODAY)
    assert lending.rules.maximum_loan_to_value(TODAY, "commercial_combustion") == 0.70
    assert (lease.maximum_loan_to_value, lease.minimum_down_payment, lease.balloon_shares) == (1.0, 0.10, (0.20,))
    private = Vehicle("V2", 20_000_000, "private_combustion")
    assert "commercial_lease" not in {p.name for p in offered_products(lending, applicant, private, on=TODAY)}
    # 85 % of the price is above the law's 70 % for a loan; the lessor asks for 10 % down.
    car = {"price": 200_000.0, "condition": "new", "energy_type": "combustion", "use": "commercial"}
    assert answer(lending, vehicle=car, amount=170_000.0, balloon=34_000.0).rows[0].balance < 170_000.0
    with pytest.raises(DataError, match=r"down payment of at least 10\.00% of 200000\.00 yuan"):
        answer(lending, vehicle=car, amount=190_000.0, balloon=38_000.0)
    bank = {"product": "commercial_standard", "annual_rate": 0.062, "balloon": 0.0}
    with pytest.raises(DataError, match="the law for commercial_combustion on 2026-09-01 allows"):
        answer(lending, vehicle=car, amount=170_000.0, **bank)


def test_a_leaseback_is_registered_to_the_lessee() -> None:
    product = LoanProduct(
        form="finance_lease",
        lease=Lease(kind="leaseback", deposit_share=0.2, deposit_return="at_maturity"),
        fees=(Fee(name=PURCHASE_OPTION, charged="at_maturity", amount=100),),
    )
    lease = lease_answer(Loan(product, 5_000_000, 0.07, 24))
    assert lease is not None and (lease.deposit, lease.residual, lease.purchase_option) == (10_000.0, 0.0, 1.0)
    assert "抵押给出租人" in lease.owner.zh and "退还" in lease.deposit_return.zh


def test_the_law_on_terms_of_loans_does_not_bind_a_lease(lending: Lending) -> None:
    # A used vehicle may be financed by a loan over 36 months at most, and be leased over 48.
    loan = lending.catalogue.products["commercial_lease"]
    grid = loan.rates[0].model_copy(update={"by_band": {"A": {48: 0.068}}})
    own = loan.eligibility.model_copy(update={"vehicle_classes": ("used",)})
    used = loan.model_copy(update={"rates": (grid,), "eligibility": own})
    catalogue = lending.catalogue.model_copy(update={"products": {"commercial_lease": used}})
    assert list(problems(catalogue, lending.rules)) == []
    other = replace(lending, catalogue=catalogue)
    car = {"price": 200_000.0, "condition": "used", "energy_type": "combustion", "use": "private"}
    terms = {"term_months": 48, "vehicle": car, "private_use": None}
    assert len(answer(other, **terms).rows) == 48
    vehicle, applicant = Vehicle("V1", 20_000_000, "used"), Applicant(35, 2_000_000)
    application = Application(applicant, vehicle, 10_000_000, 48)
    basis = PricingBasis(on=TODAY, assess=assumed_risk(other, TODAY, probability_of_default=0.005))
    offers = offers_for(other, application, basis=basis, count=1)
    assert offers.violations["term"] == 0 and offers.offers[0].loan.term_months == 48

"""A loan of a product of the catalogue, for tests of schedules and statements."""

from __future__ import annotations

from ml.domain.loans.application import Application
from ml.domain.loans.loan import Loan
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import PricingBasis, offered_product


def loan_for(
    lending: Lending, name: str, application: Application, *, basis: PricingBasis, balloon_share: float = 0.0
) -> Loan:
    """Return a loan of the price less the down payment, at the rate of the catalogue."""
    offered = offered_product(lending, name, application.applicant, application.vehicle, basis=basis)
    term, amount = application.term_months, application.vehicle.price - application.down_payment
    assert term is not None
    return Loan(offered.product, amount, offered.rates[term], term, round(amount * balloon_share))

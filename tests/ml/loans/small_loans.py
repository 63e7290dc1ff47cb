"""A loan of a named product, for tests of what becomes of a loan."""

from __future__ import annotations

from ml.domain.loans.application import Application
from ml.domain.loans.loan import Loan
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import PricingBasis, offered_product


def loan_for(
    lending: Lending, name: str, application: Application, *, basis: PricingBasis, balloon_share: float = 0.0
) -> Loan:
    """The loan of an application's price less its down payment, at the rate of the grid."""
    offered = offered_product(lending, name, application.applicant, application.vehicle, basis=basis)
    term, amount = application.term_months, application.vehicle.price - application.down_payment
    assert term is not None
    return Loan(offered.product, amount, offered.rates[term], term, round(amount * balloon_share))

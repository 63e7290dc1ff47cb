"""A loan of a product of the catalogue, for tests of schedules and statements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np

from ml.domain.loans.application import Application
from ml.domain.loans.loan import Loan
from ml.loans.catalogue.files import Lending
from ml.loans.eligibility import offered_product


def loan_for(
    lending: Lending,
    name: str,
    application: Application,
    *,
    on: date,
    probability_of_default: float = 0.008,
    state_subsidy_used: Mapping[str, int] | None = None,
    balloon_share: float = 0.0,
) -> Loan:
    """Return a loan of the price less the down payment, at the catalogue's rate for a probability of default."""
    offered = offered_product(
        lending, name, application.applicant, application.vehicle, on=on, state_subsidy_used=state_subsidy_used
    )
    term, amount = application.term_months, application.vehicle.price - application.down_payment
    assert term is not None
    rate = offered.rates[str(lending.rules.risk_bands(on, np.array([probability_of_default]))[0])][term]
    return Loan(offered.product, amount, rate, term, round(amount * balloon_share))

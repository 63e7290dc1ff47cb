"""Date and credit assessment on which loans of an application are priced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from ml.domain.loans.assessment import Assess, fixed_assessment
from ml.loans.catalogue.files import Lending


@dataclass(frozen=True, kw_only=True)
class PricingBasis:
    """Date of an application, and the credit assessment that gives each of its loans a risk band and a decision.

    Attributes
    ----------
    on : date
        Date of the application and of disbursement; the rules of this day apply.
    assess : callable
        ``(loans) -> assessment``: an `ml.domain.loans.assessment.Assess`, such as the method `assess` of
        `ml.loans.applicant_risk.Borrower`, or `assumed_risk` for an assumed borrower.
    state_subsidy_used : mapping of str to int
        Lender to the state interest subsidy that the applicant has already used with it this year, fen.
    horizon_months : int, optional
        Horizon of the probability of default, if the credit model states it; by default that of the rules.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> from ml.loans.endpoints import read_lending
    >>> lending, on = read_lending(Path("configs")), date(2026, 9, 1)
    >>> PricingBasis(on=on, assess=assumed_risk(lending, on, probability_of_default=0.01)).state_subsidy_used
    {}
    """

    on: date
    assess: Assess
    state_subsidy_used: Mapping[str, int] = field(default_factory=dict)
    horizon_months: int | None = None


def assumed_risk(lending: Lending, on: date, *, probability_of_default: float) -> Assess:
    """Return an assessment that gives every loan the same probability of default and the decision "approve".

    Parameters
    ----------
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`, for example ``read_lending(Path("configs"))``.
    on : date
        Date of the application; its risk bands apply.
    probability_of_default : float
        Of an assumed borrower, 0 to 1.

    Raises
    ------
    DataError
        The probability is not from 0 to 1, or the date is before the first rule.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from ml.domain.loans.application import Vehicle
    >>> from ml.domain.loans.assessment import ProposedLoans
    >>> from ml.loans.endpoints import read_lending
    >>> assess = assumed_risk(read_lending(Path("configs")), date(2026, 9, 1), probability_of_default=0.02)
    >>> car, down, term = Vehicle("V1", 10_000_000, "used"), np.array([3_000_000]), np.array([36])
    >>> assess(ProposedLoans.build((car,), 0, down, term, extras=0)).risk_band.tolist()
    ['B']
    """
    band = str(lending.rules.risk_bands(on, np.array([probability_of_default]))[0])
    return lambda loans: fixed_assessment(probability_of_default, risk_band=band, count=len(loans))

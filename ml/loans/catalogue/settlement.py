"""A lender's terms of early settlement and partial prepayment in the product file."""

from __future__ import annotations

from pydantic import Field

from features.yaml_config import Section
from ml.domain.loans.settlement import SettlementRule
from ml.loans.catalogue.fields import Share, ShareBelowOne, Whole, Yuan


class Settlement(Section):
    """A lender's terms of early settlement.

    Attributes
    ----------
    share_of_outstanding : float
        Penalty as a fraction of the outstanding principal.
    months_of_interest : int
        Penalty in months of contract interest on the outstanding principal; both penalties add up.
    free_after_months : int or None
        Whole months after disbursement from which no penalty is charged.
    up_front_rebate : float
        Fraction of the unearned up-front fees that the lender refunds.
    minimum_prepayment : int
        Smallest amount of a partial prepayment, fen (yuan in YAML).
    """

    share_of_outstanding: ShareBelowOne = 0.0
    months_of_interest: Whole = Field(0, ge=0, le=120)
    free_after_months: Whole | None = Field(None, ge=1, le=120)
    up_front_rebate: Share = 0.0
    minimum_prepayment: Yuan = 0

    @property
    def rule(self) -> SettlementRule:
        """The terms as an `ml.domain.loans.settlement.SettlementRule`."""
        return SettlementRule(**self.model_dump())

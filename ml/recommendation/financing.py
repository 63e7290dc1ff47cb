"""The payment on a card: the lowest monthly payment of the loan catalogue for one vehicle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict

from features.errors import DataError
from ml.bilingual import Text
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.domain.loans.candidates import price_candidates
from ml.domain.loans.rounding import LoanError
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.rules import vehicle_class
from ml.loans.eligibility import PricingBasis, offered_products, policy_for
from ml.recommendation.house_rules import CardPayment

MOST_KEPT = 50_000
UNLIMITED_INCOME = 1_000_000_000  # fen a month: the share of an income is judged afterwards


class MonthlyPayment(BaseModel):
    """The cheapest loan a month; money in yuan.

    Attributes
    ----------
    product : str
        Key in the catalogue.
    down_payment, monthly_payment : float
    term_months : int
    affordable : bool
        Whether it keeps to the wish and to the share of the income that the lender allows, as far as these were given.
    """

    model_config = ConfigDict(frozen=True)

    product: str
    product_name: Text
    down_payment: float
    term_months: int
    monthly_payment: float
    affordable: bool


@dataclass(frozen=True)
class _Cheapest:
    product: str
    term: int
    down_payment: int
    payment: int
    income_share: float


@dataclass
class Financing:
    """Prices cards by the house's rules and catalogue; the same price is worked out once."""

    lending: Lending
    assumed: CardPayment
    _found: dict[tuple[Any, ...], _Cheapest | None] = field(default_factory=dict)

    def payment(
        self,
        vehicle: Mapping[str, Any],
        price: float,
        *,
        on: date,
        down_payment_share: float,
        monthly_payment: float | None,
        monthly_income: float | None,
    ) -> MonthlyPayment | None:
        """The lowest monthly payment of one vehicle, or None where no loan can be had for it.

        Parameters
        ----------
        vehicle : mapping
            `condition`, `energy_type`, `brand`; what is not known cannot be financed.
        price, monthly_payment, monthly_income : float
            Yuan; NaN or None where unknown.
        on : date
            Day of the loan.
        down_payment_share : float
            Of the price.
        """
        if not price > 0 or vehicle.get("condition") is None or vehicle.get("energy_type") is None:
            return None
        kind = (vehicle["condition"], vehicle["energy_type"], vehicle.get("brand"))
        key = (round(price * 100), kind, on, down_payment_share)
        if key not in self._found:
            if len(self._found) >= MOST_KEPT:
                self._found.clear()
            self._found[key] = self._cheapest(*key)
        best = self._found[key]
        if best is None:
            return None
        fits_wish = monthly_payment is None or best.payment <= round(monthly_payment * 100)
        fits_income = monthly_income is None or best.payment <= best.income_share * monthly_income * 100
        return MonthlyPayment(
            product=best.product,
            product_name=self.lending.catalogue.products[best.product].name,
            down_payment=best.down_payment / 100,
            term_months=best.term,
            monthly_payment=best.payment / 100,
            affordable=fits_wish and fits_income,
        )

    def _cheapest(self, price: int, kind: tuple[Any, ...], on: date, share: float) -> _Cheapest | None:
        condition, energy_type, brand = kind
        try:
            sort = vehicle_class(condition, "private", energy_type)
            vehicle = Vehicle("card", price, sort, brand)
            applicant = Applicant(self.assumed.age, UNLIMITED_INCOME)
            down = round(price * share / 100) * 100
            asked = Application(applicant, vehicle, down_payment=down)
            basis = PricingBasis(on=on, probability_of_default=self.assumed.probability_of_default)
            offered = offered_products(self.lending, applicant, vehicle, basis=basis)
            policy = policy_for(self.lending, vehicle, on)
            rows = [
                (place, term, rate, down, balloon)
                for place, product in enumerate(offered)
                for term, rate in product.rates.items()
                for balloon in product.balloon_shares or (0.0,)
            ]
            if not rows or down >= price:
                return None
            risk = self.assumed.probability_of_default
            found = price_candidates(asked, offered, rows, probability_of_default=risk, policy=policy, start=on)
        except (LoanError, DataError):
            return None
        open_to = found.feasible.nonzero()[0]
        if len(open_to) == 0:
            return None
        i = int(open_to[found.prices.monthly_payment[open_to].argmin()])
        term, payment = int(found.batch.term[i]), int(found.prices.monthly_payment[i])
        return _Cheapest(offered[int(found.offered_index[i])].name, term, down, payment, policy.payment_to_income)

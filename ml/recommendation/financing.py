"""Lowest monthly payment of the loan catalogue for a vehicle, as shown on its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from features.errors import DataError
from ml.bilingual import Text
from ml.domain.loans.application import Applicant, Application, Vehicle
from ml.domain.loans.candidates import CandidateRows, price_candidates
from ml.domain.loans.rounding import LoanError
from ml.loans.catalogue.fields import in_force
from ml.loans.catalogue.files import Lending
from ml.loans.catalogue.vehicle_classes import vehicle_class
from ml.loans.eligibility import offered_products, policy_for
from ml.loans.pricing_basis import assumed_risk
from ml.recommendation.merchandising import CardPayment

MAX_CACHED_PRICES = 50_000
ASSUMED_HORIZON = 12  # months of the assumed probability of default, if the lending rules state none
UNLIMITED_INCOME = 1_000_000_000  # fen per month; the payment-to-income limit is applied afterwards


class MonthlyPayment(BaseModel):
    """Loan with the lowest monthly payment; amounts in yuan.

    Attributes
    ----------
    product : str
        Key of the product in `loans/products.yaml`.
    product_name : Text
        Name of the product.
    down_payment, monthly_payment : float
        Yuan.
    term_months : int
        Number of instalments.
    affordable : bool
        Whether the payment is at most the preferred `monthly_payment` and within the lender's payment-to-income limit
        of `monthly_income`; a value that the request leaves out sets no limit.
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
    """Price the loans on cards; results are cached by price, kind of vehicle, day and down payment.

    Parameters
    ----------
    lending : Lending
        Loan catalogue and lending rules, as returned by `ml.loans.catalogue.files.load_lending`.
    assumptions : CardPayment
        Assumed borrower: an `ml.recommendation.merchandising.CardPayment`.
    """

    lending: Lending
    assumptions: CardPayment
    _cache: dict[tuple[Any, ...], _Cheapest | None] = field(default_factory=dict)

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
        """Return the loan with the lowest monthly payment for a vehicle.

        Parameters
        ----------
        vehicle : mapping of str to str
            `condition` ("new", "used"), `energy_type` (one of `features.tables.ENERGY_TYPES`) and, optionally, `brand`.
        price : float
            Price in yuan.
        on : date
            Day of the loan.
        down_payment_share : float
            Down payment as a share of the price, 0 to below 1.
        monthly_payment, monthly_income : float or None
            Preferred maximum payment, and income, in yuan per month; None for no limit.

        Returns
        -------
        MonthlyPayment or None
            Amounts in yuan. None if price, condition or energy type is missing, or if no product is available for the
            vehicle.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> from ml.recommendation.merchandising import CardPayment
        >>> financing = Financing(read_lending(Path("configs")), CardPayment())
        >>> loan = financing.payment(
        ...     {"condition": "new", "energy_type": "battery_electric"},
        ...     150_000.0,
        ...     on=date(2026, 9, 1),
        ...     down_payment_share=0.3,
        ...     monthly_payment=3_000.0,
        ...     monthly_income=None,
        ... )
        >>> loan.term_months, loan.down_payment, loan.affordable
        (60, 45000.0, True)
        """
        if not price > 0 or vehicle.get("condition") is None or vehicle.get("energy_type") is None:
            return None
        kind = (vehicle["condition"], vehicle["energy_type"], vehicle.get("brand"))
        key = (round(price * 100), kind, on, down_payment_share)
        if key not in self._cache:
            if len(self._cache) >= MAX_CACHED_PRICES:
                self._cache.clear()
            self._cache[key] = self._cheapest(*key)
        best = self._cache[key]
        if best is None:
            return None
        within_preference = monthly_payment is None or best.payment <= round(monthly_payment * 100)
        within_income = monthly_income is None or best.payment <= best.income_share * monthly_income * 100
        return MonthlyPayment(
            product=best.product,
            product_name=self.lending.catalogue.products[best.product].name,
            down_payment=best.down_payment / 100,
            term_months=best.term,
            monthly_payment=best.payment / 100,
            affordable=within_preference and within_income,
        )

    def _cheapest(self, price: int, kind: tuple[Any, ...], on: date, share: float) -> _Cheapest | None:
        condition, energy_type, brand = kind
        try:
            kind_of_vehicle = vehicle_class(condition, "private", energy_type)
            vehicle = Vehicle("card", price, kind_of_vehicle, brand)
            applicant = Applicant(self.assumptions.age, UNLIMITED_INCOME)
            down = round(price * share / 100) * 100
            application = Application(applicant, vehicle, down_payment=down)
            assess = assumed_risk(self.lending, on, probability_of_default=self.assumptions.probability_of_default)
            available = offered_products(self.lending, applicant, vehicle, on=on)
            products = [offered for offered in available if offered.product.lease is None]  # a rent is no loan payment
            horizon = in_force(self.lending.rules.risk, on, name="risk").horizon_months or ASSUMED_HORIZON
            policy = policy_for(self.lending, vehicle, on, horizon_months=horizon)
            rows = [
                (place, term, down, balloon)
                for place, product in enumerate(products)
                for term in product.terms
                for balloon in product.balloon_shares or (0.0,)
            ]
            if not rows or down >= price:
                return None
            columns = CandidateRows(*(np.array(column) for column in zip(*rows, strict=True)))
            loans = price_candidates(application, products, columns, assess=assess, policy=policy, start=on)
        except (LoanError, DataError):
            return None
        rows_feasible = np.flatnonzero(loans.feasible[loans.priced])
        if loans.prices is None or len(rows_feasible) == 0:
            return None
        row = int(rows_feasible[loans.prices.monthly_payment[rows_feasible].argmin()])
        i, payment = int(loans.priced[row]), int(loans.prices.monthly_payment[row])
        name = products[int(loans.offered_index[i])].name
        return _Cheapest(name, int(loans.loans.term[i]), down, payment, policy.payment_to_income)

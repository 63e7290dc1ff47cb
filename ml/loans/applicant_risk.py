"""The credit model asked about one person and any loan: what follows from the loan is filled in here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from features.errors import DataError
from ml.domain.loans.application import Application
from ml.loans.request import Car, LoanRequest
from ml.signature import Signature, columns_of, request_model

if TYPE_CHECKING:
    from ml.credit_risk.estimator import CreditRiskEstimator

# Fields of an application that follow from the loan, so that a request cannot contradict itself.
DERIVED = frozenset(
    {
        "submitted_at",
        "vehicle_id",
        "vehicle_price",
        "down_payment",
        "loan_amount",
        "term_months",
        "condition",
        "energy_type",
        "use",
        "monthly_income",
        "monthly_debt_payment",
    }
)


def borrower_model(signature: Signature) -> type[BaseModel]:
    """Request model of what the credit model reads beyond the loan itself."""
    rest = tuple(f for f in signature.fields if f.name not in DERIVED)
    return request_model("Borrower", Signature(fields=rest))


class Borrower:
    """One person before the credit model.

    Parameters
    ----------
    estimator : CreditRiskEstimator
        The champion's.
    request : LoanRequest
        Person, vehicle, money.
    rest : BaseModel
        An instance of `borrower_model`.
    cars : mapping of str to Car
        Vehicles in stock by id, for loans on another vehicle.

    Raises
    ------
    DataError
        The model reads a term and none is given.
    """

    def __init__(
        self, estimator: CreditRiskEstimator, request: LoanRequest, rest: BaseModel, cars: Mapping[str, Car]
    ) -> None:
        signature: Signature = estimator.signature
        self.estimator = estimator
        self.reads = set(signature.request_columns[0])
        if "term_months" in self.reads and request.term_months is None:
            raise DataError("term_months: is needed, the credit model reads it; give the term asked for")
        remaining = Signature(fields=tuple(f for f in signature.fields if f.name not in DERIVED))
        self.fixed = {name: values[0] for name, values in columns_of([rest], remaining).items()}
        self.cars = {**cars, request.vehicle.vehicle_id: request.vehicle}

    def columns(self, applications: list[Application]) -> dict[str, list[Any]]:
        """Columns of the raw table for one person's loans."""
        rows = [self._row(application) for application in applications]
        return {name: [row[name] for row in rows] for name in self.estimator.signature.request_columns[0]}

    def _row(self, application: Application) -> dict[str, Any]:
        car, applicant = self.cars[application.vehicle.vehicle_id], application.applicant
        derived = {
            "vehicle_price": application.vehicle.price,
            "down_payment": application.down_payment,
            "loan_amount": application.vehicle.price - application.down_payment,
            "term_months": application.term_months,
            "condition": car.condition,
            "energy_type": car.energy_type,
            "use": car.use,
            "monthly_income": applicant.monthly_income,
            "monthly_debt_payment": applicant.monthly_debt_payment,
        }
        return {name: derived.get(name, self.fixed.get(name)) for name in self.reads}

    def probability_of_default(self, application: Application) -> float:
        """The model's probability for one loan."""
        return self.probabilities([application])[0]

    def probabilities(self, applications: list[Application]) -> list[float]:
        """The model's probability for each loan."""
        matrix = self.estimator.encoder_.transform(self.columns(applications))
        return [float(p) for p in self.estimator.probability_of_default(matrix)]

"""Credit assessment of one applicant and any loan: fields that follow from the loan are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from features.errors import DataError
from ml.domain.loans.application import Applicant
from ml.domain.loans.assessment import Assessment, ProposedLoans
from ml.loans.catalogue.files import Lending
from ml.loans.request import Car, LoanRequest
from ml.requests import columns_of, request_model
from ml.signature import Signature

if TYPE_CHECKING:
    from ml.credit_risk.estimator import CreditRiskEstimator

# Fields of an application that follow from the loan request. The request has them once, so they cannot disagree.
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
    """Return the request model of the credit model's fields that do not follow from the loan request.

    Parameters
    ----------
    signature : Signature
        Fields of the credit model:
        ``ml.champions.load(ml.champions.version_or_champion("credit_risk")).estimator.signature``.

    Returns
    -------
    type
        Pydantic model with the remaining fields of the signature; amounts in yuan, unknown fields are errors.

    Examples
    --------
    >>> from ml.signature import Field, Signature
    >>> score = Field(name="bureau_score", kind="number", feature=True)
    >>> price = Field(name="vehicle_price", kind="integer", unit="fen", feature=True)
    >>> details = borrower_model(Signature(fields=(score, price)))
    >>> list(details.model_fields), details(bureau_score=650.0).bureau_score
    (['bureau_score'], 650.0)
    """
    fields = tuple(f for f in signature.fields if f.name not in DERIVED)
    return request_model("Borrower", Signature(fields=fields))


class Borrower:
    """Assesses any loan of one applicant: probability of default, risk band and decision.

    Parameters
    ----------
    estimator : ml.credit_risk.estimator.CreditRiskEstimator
        Fitted: as returned by its method `fit`, or `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    lending : Lending
        As returned by `ml.loans.endpoints.read_lending`; its risk bands of the day `request.on` apply.
    request : LoanRequest
        Applicant, vehicle, down payment and term: an `ml.loans.request.LoanRequest`, amounts in yuan.
    details : BaseModel
        Remaining fields of the application: an instance of `borrower_model(estimator.signature)`.
    cars : mapping of str to Car
        Other vehicles by id, as `ml.loans.request.Car`, for loans on another vehicle than the requested one.

    Raises
    ------
    DataError
        The model reads `term_months` and the request has none, or `details` deny the co-borrower of the request.
    """

    def __init__(
        self,
        estimator: CreditRiskEstimator,
        lending: Lending,
        request: LoanRequest,
        details: BaseModel,
        cars: Mapping[str, Car],
    ) -> None:
        signature: Signature = estimator.signature
        self.estimator, self.lending, self.on = estimator, lending, request.on
        self.columns_read = signature.request_columns[0]
        if "term_months" in self.columns_read and request.term_months is None:
            raise DataError("term_months: the credit model needs the term of the loan; give the requested term")
        remaining = Signature(fields=tuple(f for f in signature.fields if f.name not in DERIVED))
        self.details = {name: values[0] for name, values in columns_of([details], remaining).items()}
        self.cars = {**cars, request.vehicle.vehicle_id: request.vehicle}
        self.applicant: Applicant = request.applicant.applicant(request.co_borrower)
        if request.co_borrower is not None and self.details.get("co_borrower") is False:
            raise DataError(
                "borrower.co_borrower: must be true or left out if the request has a co_borrower, got false; correct it"
            )

    def columns(self, loans: ProposedLoans) -> dict[str, Any]:
        """Return the raw columns that the model reads, with one value per loan.

        Parameters
        ----------
        loans : ProposedLoans
            Their vehicles must be the requested one or among `cars`, by `vehicle_id`.

        Returns
        -------
        dict of str to list or array
            By the names of `estimator.signature`, in the units of the raw table (amounts in fen).
        """
        cars = [self.cars[vehicle.vehicle_id] for vehicle in loans.vehicles]
        vehicles = loans.vehicle.tolist()
        columns: dict[str, Any] = {
            "vehicle_price": loans.price,
            "down_payment": loans.down_payment,
            "loan_amount": loans.amount,
            "term_months": loans.term,
        }
        for name in ("condition", "energy_type", "use"):
            by_car = [getattr(car, name) for car in cars]
            columns[name] = [by_car[i] for i in vehicles]
        for name in ("monthly_income", "monthly_debt_payment"):
            columns[name] = np.full(len(loans), getattr(self.applicant, name))
        return {name: columns.get(name, [self.details.get(name)] * len(loans)) for name in self.columns_read}

    def assess(self, loans: ProposedLoans) -> Assessment:
        """Return probability of default, risk band and decision of each loan; all loans are scored in one batch.

        Parameters
        ----------
        loans : ProposedLoans
            Their vehicles must be the requested one or among `cars`, by `vehicle_id`.

        Returns
        -------
        Assessment
            In the order of `loans`.

        Raises
        ------
        DataError
            No risk band is in force on the day of the application.
        """
        if len(loans) == 0:
            return Assessment(np.zeros(0), np.zeros(0, dtype="<U1"), np.zeros(0, dtype="<U7"))
        matrix = self.estimator.encoder_.transform(self.columns(loans))
        probability = self.estimator.probability_of_default(matrix)
        return Assessment(
            probability, self.lending.rules.risk_bands(self.on, probability), self.estimator.bands(probability)
        )

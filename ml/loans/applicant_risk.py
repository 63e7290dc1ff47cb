"""Predictions of the credit model for one applicant and any loan: fields that follow from the loan are filled in."""

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
    """Predicts the probability of default of one applicant for any loan.

    Parameters
    ----------
    estimator : ml.credit_risk.estimator.CreditRiskEstimator
        Fitted: as returned by its method `fit`, or `.estimator` of
        ``ml.champions.load(ml.champions.version_or_champion("credit_risk"))``.
    request : LoanRequest
        Applicant, vehicle, down payment and term: an `ml.loans.request.LoanRequest`, amounts in yuan.
    details : BaseModel
        Remaining fields of the application: an instance of `borrower_model(estimator.signature)`.
    cars : mapping of str to Car
        Other vehicles by id, as `ml.loans.request.Car`, for loans on another vehicle than the requested one.

    Raises
    ------
    DataError
        The model reads `term_months` and the request has none.
    """

    def __init__(
        self, estimator: CreditRiskEstimator, request: LoanRequest, details: BaseModel, cars: Mapping[str, Car]
    ) -> None:
        signature: Signature = estimator.signature
        self.estimator = estimator
        self.columns_read = set(signature.request_columns[0])
        if "term_months" in self.columns_read and request.term_months is None:
            raise DataError("term_months: the credit model needs the term of the loan; give the requested term")
        remaining = Signature(fields=tuple(f for f in signature.fields if f.name not in DERIVED))
        self.details = {name: values[0] for name, values in columns_of([details], remaining).items()}
        self.cars = {**cars, request.vehicle.vehicle_id: request.vehicle}

    def columns(self, applications: list[Application]) -> dict[str, list[Any]]:
        """Return the raw columns that the model reads, with one value per application.

        Parameters
        ----------
        applications : list of Application
            Each as returned by `ml.loans.request.LoanRequest.application`; their vehicles must be the requested one or
            among `cars`, by `vehicle_id`.

        Returns
        -------
        dict of str to list
            By the names of `estimator.signature`, in the units of the raw table (amounts in fen).
        """
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
        return {name: derived.get(name, self.details.get(name)) for name in self.columns_read}

    def probability_of_default(self, application: Application) -> float:
        """Return the predicted probability of default for one application, 0 to 1.

        Parameters
        ----------
        application : Application
            As returned by `ml.loans.request.LoanRequest.application`, for example ``request.application(36)`` for 36
            months; its vehicle must be the requested one or among `cars`, by `vehicle_id`.
        """
        return self.probabilities([application])[0]

    def probabilities(self, applications: list[Application]) -> list[float]:
        """Return the predicted probability of default for each application.

        Parameters
        ----------
        applications : list of Application
            Loans of this applicant, such as returned by `request.application(36)`; their vehicles must be the requested
            one or among `cars`, by `vehicle_id`.

        Returns
        -------
        list of float
            Probabilities from 0 to 1, in the order of `applications`.
        """
        matrix = self.estimator.encoder_.transform(self.columns(applications))
        return [float(p) for p in self.estimator.probability_of_default(matrix)]

"""What the decision log keeps of loan offers: the credit decision, and every offer with its id and last day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml.credit_risk.answer import decision as credit_decision
from ml.loans.offer_answer import OfferAnswer
from ml.loans.offers_endpoint import LoanOffersAnswer

_IDENTITY = {"offer_id"}
# Of an answer, the fields that make it binding: the ids of all offers.
BINDING_FIELDS = {
    "offers": {"__all__": _IDENTITY},
    "changes": {"__all__": {"offer": _IDENTITY}},
    "for_payment": {"loans": {"__all__": {"offer": _IDENTITY}}},
}
_TERMS = (
    "offer_id",
    "valid_until",
    "product",
    "product_name",
    "lender",
    "form",
    "down_payment",
    "amount",
    "term_months",
    "annual_rate",
    "nominal_rate",
    "monthly_payment",
    "final_payment",
    "total_cost",
    "probability_of_default",
    "risk_band",
    "band",
)


def decision(request: Any, answer: LoanOffersAnswer) -> dict[str, Any]:
    """Return what the decision log keeps of an answer with offers.

    Parameters
    ----------
    request : pydantic.BaseModel
        Of which the store of the borrower's fields is read; no other field is copied.
    answer : LoanOffersAnswer
        As returned by `ml.loans.offers_endpoint.answer`.

    Returns
    -------
    dict
        JSON content of the credit decision on the requested loan with its `band`; `outcome` is "offers" if there is an
        offer and "no_offers" otherwise; `offers` lists every offer of the answer, with the place where it is shown:
        `offers`, `changes` (after a change of the application) or `for_payment`; `violations` counts the other
        combinations by the rule that excludes them.
    """
    credit = credit_decision(request.borrower, answer.credit)
    band = credit.pop("outcome")
    offers = [{"shown_in": place, **offer.model_dump(include=set(_TERMS))} for place, offer in _offers(answer)]
    return {
        "outcome": "offers" if answer.offers else "no_offers",
        "band": band,
        **credit,
        "offers": offers,
        "violations": answer.violations,
    }


def _offers(answer: LoanOffersAnswer) -> Iterator[tuple[str, OfferAnswer]]:
    yield from (("offers", offer) for offer in answer.offers)
    yield from (("changes", change.offer) for change in answer.changes)
    if answer.for_payment is not None:
        yield from (("for_payment", loan.offer) for loan in answer.for_payment.loans)

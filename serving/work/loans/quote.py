"""The judgement of an application, its offers, the grid of payments, and what the customer can pay, for one plan."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ml.loans.applicant_risk import DERIVED
from serving.asgi import Problem
from serving.work.loans.applications import LoanCase, case, with_inputs
from serving.work.loans.fields import credit_request, signature_of
from serving.work.loans.people import age_of
from serving.work.loans.rules import load_desk_rules
from serving.work.loans.similar import SimilarCustomers, similar_customers
from serving.work.routing import WorkRequest

MAX_SHARE = 0.9  # of the price that the slider for the down payment reaches
STEP = 100.0
NUMBERS = ("vehicle_price", "down_payment", "loan_amount", "term_months", "monthly_income", "monthly_debt_payment")
LOAN_FIELDS = ("vehicle_price", "condition", "energy_type", "monthly_income")


class QuoteRequest(BaseModel):
    """A plan to be judged and priced; fields that are left out are those of the application."""

    model_config = ConfigDict(extra="forbid", strict=True)

    down_payment: float | None = Field(None, ge=0, le=1e10, description="yuan, in cash")
    term_months: int | None = Field(None, ge=1, le=120)
    product: str | None = Field(None, max_length=200, description="product of the grid; by default that of the plan")
    monthly_payment: float | None = Field(None, gt=0, le=1e9, description="what the customer can pay a month, yuan")
    solve: str = Field("down_payment", pattern="^(down_payment|term_months)$", description="what is solved for")
    age: float | None = Field(None, ge=18, le=100, description="applicant's age, if the tables do not have it")
    corrections: dict[str, Any] = Field(default_factory=dict, description="corrected fields of the application")
    confirmed: list[str] = Field(default_factory=list, description="implausible fields that the officer has confirmed")


class Plan(BaseModel):
    """The plan that was judged; money in yuan."""

    vehicle_price: float
    down_payment: float
    down_payment_share: float
    loan_amount: float
    term_months: int
    lowest_down_payment: float
    highest_down_payment: float
    terms: list[int]


class Quote(BaseModel):
    """Answers of the credit model and of the loan rules for a plan."""

    plan: Plan
    credit: dict[str, Any] = Field(description="answer of /v1/credit_risk for this plan")
    distance: int | None = Field(
        description="points above (or, negative, below) the score at the approval cut-off; null if that has no score"
    )
    similar: SimilarCustomers | None = Field(
        description="what became of customers with about this risk; null if unknown"
    )
    horizon_months: int | None = Field(description="months after payout within which a default counts")
    compared: list[dict[str, Any]] = Field(
        description="every product at exactly the plan: its offer, or the rules that exclude it"
    )
    unconfirmed: list[str] = Field(description="implausible fields that are neither corrected nor confirmed")
    is_judged: bool = Field(description="false while a value is implausible: score and offers are not shown")
    age: float | None = Field(description="applicant's age in years, as the lenders' limits count it")
    age_source: str | None = Field(description="entered, birth_date, or age_band (its upper end); null without an age")
    needs_age: bool = Field(description="whether the applicant's age is missing, so that there are no offers")
    offers: list[dict[str, Any]] = Field(description="offers of /v1/loans/offers")
    current: dict[str, Any] | None = Field(description="offer with exactly the down payment and term of the plan")
    products: dict[str, dict[str, str]] = Field(description="names of the products of the offers")
    n_candidates: int
    n_feasible: int
    n_approved: int = Field(description="number of combinations that would be approved")
    violations: dict[str, int]
    unavailable_products: dict[str, str]
    changes: list[dict[str, Any]] = Field(description="smallest changes with which the application is approved")
    grid_product: str | None
    grid: list[dict[str, Any]] = Field(description="cells of the product's grid")
    for_payment: dict[str, Any] | None
    notes: list[dict[str, str]]
    model_versions: dict[str, int]


def preview_quote(request: WorkRequest) -> Quote:
    """Answer `POST /v1/applications/{application_id}/quote/preview`; nothing is logged."""
    present = with_inputs(request, case(request, request.path["application_id"]))
    return quote(request, present, request.body)


def quote(request: WorkRequest, present: LoanCase, plan: QuoteRequest) -> Quote:
    """Return the quote of an application for a plan.

    Raises
    ------
    Problem
        Status 422: the application lacks a field that every loan needs. Others as of the endpoints that are asked.
    """
    inputs = planned_inputs(present, plan)
    signature, version = signature_of(request.context)
    body = credit_request(signature, inputs, store_id=present.store_id)
    credit = request.ask("POST", "/v1/credit_risk", body, query="preview=true")
    unconfirmed = [w["field"] for w in credit["warnings"] if w["field"] not in present.confirmed.union(plan.confirmed)]
    entered = plan.age or present.inputs.get("age")
    age, age_source = (float(entered), "entered") if entered else age_of(request.context, present)
    shown = _plan(request, inputs)
    empty: dict[str, Any] = {
        "offers": [], "products": [], "changes": [], "grid": [], "for_payment": None, "violations": {},
        "unavailable_products": {}, "n_candidates": 0, "n_feasible": 0, "n_approved": 0, "notes": [],
        "model_versions": {"credit_risk": version},
    }  # fmt: skip
    answer, current, product = empty, None, None
    if age is not None and not unconfirmed:
        loan = _loan_request(request, present, inputs, age, [f.name for f in signature.fields])
        answer, current, product = _offers(request, loan, shown, plan)
    names = {o["product"]: o["product_name"] for o in (*answer["offers"], *answer["products"])}
    loaded = request.context.store.current("credit_risk")
    card = {} if loaded is None else loaded.model.card
    return Quote(
        plan=shown,
        credit=credit,
        distance=None if credit["approve_from_score"] is None else credit["score"] - credit["approve_from_score"],
        similar=similar_customers(card, credit["probability_of_default"]),
        horizon_months=card.get("config", {}).get("params", {}).get("outcome_window_months"),
        compared=answer["products"],
        unconfirmed=unconfirmed,
        is_judged=not unconfirmed,
        age=age,
        age_source=age_source,
        needs_age=age is None,
        current=current,
        products=names,
        grid_product=product,
        **{name: answer[name] for name in empty if name != "products"},
    )


def planned_inputs(present: LoanCase, plan: QuoteRequest) -> dict[str, Any]:
    """Return the inputs of an application with the changes of a plan.

    Raises
    ------
    Problem
        Status 422: a field that every loan needs is missing, or the down payment is not below the price.
    """
    inputs = {**present.inputs, **plan.corrections}
    for name in LOAN_FIELDS:
        if inputs.get(name) is None:
            raise _missing(name)
    for name in NUMBERS:
        if isinstance(inputs.get(name), bool | str | list | dict):
            text = "must be a number"
            raise Problem(422, "invalid", f"{name}: {text}", [_detail(name, "number", text)])
    price = float(inputs["vehicle_price"])
    down = inputs.get("down_payment") if plan.down_payment is None else plan.down_payment
    term = inputs.get("term_months") if plan.term_months is None else plan.term_months
    if down is None and inputs.get("loan_amount") is not None:
        down = price - inputs["loan_amount"]
    if down is None or term is None:
        raise _missing("down_payment" if down is None else "term_months")
    if not 0 <= down < price:
        text = f"must be from 0 to below the price of {price:,.2f} yuan, got {down:,.2f} yuan"
        raise Problem(422, "invalid", f"down_payment: {text}", [_detail("down_payment", "range", text)])
    changes = {"down_payment": round(float(down), 2), "term_months": int(term)}
    # The financed amount follows from the price, unless the application itself also finances other items.
    is_own = changes["down_payment"] == inputs.get("down_payment") and inputs.get("loan_amount") is not None
    amount = inputs["loan_amount"] if is_own else price - changes["down_payment"]
    return {**inputs, **changes, "loan_amount": round(float(amount), 2)}


def _plan(request: WorkRequest, inputs: dict[str, Any]) -> Plan:
    rules = load_desk_rules(request.context.configs)
    price = float(inputs["vehicle_price"])
    return Plan(
        vehicle_price=price,
        down_payment=inputs["down_payment"],
        down_payment_share=round(inputs["down_payment"] / price, 4),
        loan_amount=inputs["loan_amount"],
        term_months=inputs["term_months"],
        lowest_down_payment=0.0,
        highest_down_payment=float(int(price * MAX_SHARE / STEP) * STEP),
        terms=sorted({*rules.terms, inputs["term_months"]}),
    )


def _loan_request(
    request: WorkRequest, present: LoanCase, inputs: dict[str, Any], age: float, names: list[str]
) -> dict[str, Any]:
    borrower = {n: v for n, v in inputs.items() if n in names and n not in DERIVED and n != "annual_rate"}
    vehicle = {"price": float(inputs["vehicle_price"]), **{n: inputs[n] for n in ("condition", "energy_type")}}
    if inputs.get("use"):
        vehicle["use"] = inputs["use"]
    return {
        "on": request.context.clock.local().date().isoformat(),
        "applicant": {
            "age": age,
            "monthly_income": float(inputs["monthly_income"]),
            "monthly_debt_payment": float(inputs.get("monthly_debt_payment") or 0.0),
        },
        "vehicle": vehicle,
        "down_payment": inputs["down_payment"],
        "term_months": inputs["term_months"],
        "borrower": borrower,
        "offers": 6,
        "explain": False,
    }


def _offers(
    request: WorkRequest, loan: dict[str, Any], plan: Plan, body: QuoteRequest
) -> tuple[dict[str, Any], dict[str, Any] | None, str | None]:
    """Return the answer of the offers with the grid of one product, the offer of the plan, and the product.

    One request answers all: the loans of the plan, of the grid and of the customer's payment are scored in batches.
    """
    if body.monthly_payment is not None:
        loan["for_payment"] = {"monthly_payment": body.monthly_payment, "solve": body.solve}
    rules = load_desk_rules(request.context.configs)
    downs = sorted({*(_rounded(plan.vehicle_price * s) for s in rules.down_payment_shares), plan.down_payment})
    loan |= {"compare": True, "grid": {"product": body.product, "down_payments": downs}}
    answer = request.ask("POST", "/v1/loans/offers", loan, query="preview=true")
    product = answer["grid_product"]
    exact = [p["offer"] for p in answer["products"] if p["product"] == product and p["offer"] is not None]
    same = [o for o in answer["offers"] if _is_of(o, plan) and o["product"] == product]
    current = same[0] if same else exact[0] if exact else None
    return answer, current, product


def _is_of(offer: dict[str, Any], plan: Plan) -> bool:
    return bool(offer["term_months"] == plan.term_months) and abs(offer["down_payment"] - plan.down_payment) < 0.005


def _rounded(amount: float) -> float:
    return float(round(amount / STEP) * STEP)


def _missing(name: str) -> Problem:
    text = "the application lacks this field, which every loan needs; enter it"
    return Problem(422, "invalid", f"{name}: {text}", [_detail(name, "missing", text)])


def _detail(field: str, rule: str, message: str) -> dict[str, str]:
    return {"field": field, "rule": rule, "message": message}

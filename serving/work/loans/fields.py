"""Fields of an application: those that the credit model reads, with names, units and ranges for a form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from features.tables import TABLES
from ml.bilingual import Text
from ml.labels import Labels
from ml.signature import STORE, Signature, contract_fields
from ml.signature import Field as SignatureField
from serving.asgi import Problem
from serving.work.routing import WorkContext, WorkRequest

FEN = 100
GROUPS = (
    ("vehicle", ("vehicle_price", "condition", "energy_type", "use", "channel")),
    ("loan", ("down_payment", "loan_amount", "term_months", "annual_rate")),
    ("bureau", ()),  # all names that begin with bureau_
    ("borrower", ()),  # all others
)
LOAN_FIELDS = ("vehicle_price", "down_payment", "term_months", "monthly_income", "condition", "energy_type")
# Computed from price and down payment, or never asked of a customer.
NOT_ASKED = frozenset({"loan_amount", "annual_rate", "store_id", "region", "gender", "age_band"})


class FieldValue(BaseModel):
    """A value of a category, with its name."""

    value: str
    name: Text


class ApplicationField(BaseModel):
    """One field of the form."""

    name: str
    label: Text
    group: str = Field(description="vehicle, loan, borrower or bureau")
    kind: str = Field(description="number, integer, flag, category or text")
    unit: str | None = Field(description="yuan, months, days, per year, or null")
    required: bool
    low: float | None
    high: float | None
    values: list[FieldValue]
    personal: bool


class ApplicationFields(BaseModel):
    """Fields of a new application, in the order of the form."""

    fields: list[ApplicationField]
    model_version: int


def signature_of(context: WorkContext) -> tuple[Signature, int]:
    """Return the signature of the credit champion, and its version.

    Raises
    ------
    Problem
        Status 503: there is no champion.
    """
    loaded = context.store.current("credit_risk")
    if loaded is None:
        raise Problem(503, "no_champion", context.store.missing_champion("credit_risk"))
    return loaded.model.estimator.signature, loaded.version


def list_fields(request: WorkRequest) -> ApplicationFields:
    """Answer `GET /v1/applications/fields`."""
    signature, version = signature_of(request.context)
    present = [f for f in signature.fields if f.feature and not f.computed and f.name not in NOT_ASKED]
    names = {f.name for f in present}
    fields = [application_field(f, signature.labels) for f in present]
    for name in LOAN_FIELDS:  # needed for the loan, if not for the model
        if name not in names:
            other = next(f for f in contract_fields(TABLES["applications"]) if f.name == name)
            fields.append(application_field(other, signature.labels))
    fields = [f.model_copy(update={"required": True}) if f.name in LOAN_FIELDS else f for f in fields]
    order = [group for group, _ in GROUPS]
    within = {name: n for _, group in GROUPS for n, name in enumerate(group)}
    fields.sort(key=lambda f: (order.index(f.group), within.get(f.name, 99), f.name))
    return ApplicationFields(fields=fields, model_version=version)


def application_field(field: SignatureField, labels: Labels) -> ApplicationField:
    """Return a field of the signature as one of the form; money in yuan.

    >>> income = SignatureField(name="monthly_income", kind="integer", unit="fen", low=0, high=10_000_00, feature=True)
    >>> shown = application_field(income, Labels())
    >>> shown.label.zh, shown.unit, shown.high, shown.kind, shown.group
    ('月收入', 'yuan', 10000.0, 'number', 'borrower')
    """
    is_money = field.unit == "fen"
    factor = FEN if is_money else 1
    values = [FieldValue(value=v, name=labels.value(field.name, v)) for v in field.values or ()]
    return ApplicationField(
        name=field.name,
        label=labels.column(field.name, table="applications", own=field.own),
        group=_group(field.name),
        kind="number" if is_money else field.kind,
        unit="yuan" if is_money else field.unit,
        required=field.required,
        low=None if field.low is None else field.low / factor,
        high=None if field.high is None else field.high / factor,
        values=values,
        personal=field.personal,
    )


def _group(name: str) -> str:
    if name.startswith("bureau_"):
        return "bureau"
    return next((group for group, names in GROUPS if name in names), "borrower")


def credit_request(signature: Signature, inputs: dict[str, Any], *, store_id: str | None = None) -> dict[str, Any]:
    """Return the body of a credit request: the inputs that the model's signature has.

    Parameters
    ----------
    signature : Signature
        Of the champion.
    inputs : dict
        Fields of an application, money in yuan.
    store_id : str, optional
        Store of the application, so that the logged decision is one of this store. A store that the model does not
        have, such as one opened since, is left out: the request would be refused.

    Examples
    --------
    >>> fields = (SignatureField(name="monthly_income", kind="integer", unit="fen", feature=True),
    ...           SignatureField(name="store_id", kind="text", stores=("S1",)))
    >>> credit_request(Signature(fields=fields), {"monthly_income": 9000, "vin": "x"}, store_id="S1")
    {'monthly_income': 9000.0, 'store_id': 'S1'}
    >>> credit_request(Signature(fields=fields), {}, store_id="S9")
    {}
    """
    names = {f.name: f for f in signature.fields if not f.computed}
    store = names.get(STORE)
    if store_id is not None and store is not None and (not store.stores or store_id in store.stores):
        inputs = {**inputs, STORE: store_id}
    body = {name: value for name, value in inputs.items() if name in names}
    for name, value in body.items():
        if (names[name].kind == "number" or names[name].unit == "fen") and type(value) is int:
            body[name] = float(value)
    return body

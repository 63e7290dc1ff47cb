"""Who has applied, and for which vehicle; names and phone numbers are masked until somebody asks for them."""

from __future__ import annotations

from typing import Any

import polars as pl

from serving.asgi import Problem
from serving.work.entries import NewWorkEntry
from serving.work.loans.applications import LoanCase
from serving.work.routing import WorkContext, WorkRequest

YEAR_MICROSECONDS = 31_556_952_000_000


def customer_of(context: WorkContext, customer_id: str | None) -> dict[str, Any] | None:
    """Return the row of a customer; None without one."""
    return None if customer_id is None else _row(context, "customers", "customer_id", customer_id)


def vehicle_of(context: WorkContext, vehicle_id: str | None) -> dict[str, Any] | None:
    """Return the row of a vehicle; None without one."""
    return None if vehicle_id is None else _row(context, "vehicles", "vehicle_id", vehicle_id)


def vehicle_text(vehicle: dict[str, Any] | None) -> str | None:
    """Return brand, model and trim of a vehicle.

    >>> vehicle_text({"brand": "澄舟", "model": "澄舟X5", "trim": None}), vehicle_text(None)
    ('澄舟X5', None)
    """
    if vehicle is None:
        return None
    brand, model = vehicle.get("brand"), vehicle.get("model")
    parts = [] if brand and model and str(model).startswith(str(brand)) else [brand]
    return " ".join(str(part) for part in (*parts, model, vehicle.get("trim")) if part) or None


def age_of(context: WorkContext, case: LoanCase) -> tuple[float | None, str | None]:
    """Return the applicant's age in years, and whence: `birth_date`, `age_band` or None.

    Of an age band the upper end counts, because the lenders' limits on the age at maturity bind above.

    Examples
    --------
    >>> present = LoanCase("A1", 0, None, None, None, {"age_band": "45-54"})
    >>> context: Any = None
    >>> age_of(context, present)
    (54.0, 'age_band')
    """
    customer = customer_of(context, case.customer_id)
    birth = None if customer is None else customer.get("birth_date")
    if birth is not None:
        return round((context.clock.now() - birth) / YEAR_MICROSECONDS, 1), "birth_date"
    _, _, end = str(case.inputs.get("age_band") or "").partition("-")
    return (float(end), "age_band") if end.isdigit() else (None, None)


def masked(name: str | None) -> str | None:
    """Return a name of which only the first character is legible.

    >>> masked("陈明远"), masked("Li Wei"), masked(None)
    ('陈**', 'L****', None)
    """
    return None if not name else name[0] + "*" * max(1, min(len(name) - 1, 4))


def identity(request: WorkRequest, case: LoanCase) -> dict[str, Any]:
    """Return name and phone number, and write an entry that says who has read them.

    Raises
    ------
    Problem
        Status 403: the caller lacks `personal:read`.
    """
    if not request.may("personal:read"):
        raise Problem(403, "missing_scope", "names and phone numbers need the scope personal:read; ask for it")
    fields = _identity(request.context, case)
    names = sorted(name for name, value in fields.items() if value)
    entry = NewWorkEntry("application.identity_shown", case.application_id, case.store_id, {"fields": names})
    request.context.entries.append([entry], caller=request.caller)
    return fields


def masked_name(context: WorkContext, case: LoanCase) -> str | None:
    """Return the masked name of the applicant; None if it is not in the tables."""
    if case.is_of_desk:
        name = case.entries[0].content.get("masked_name")
        return None if name is None else str(name)
    customer = customer_of(context, case.customer_id)
    return masked(None if customer is None else customer.get("name"))


def _identity(context: WorkContext, case: LoanCase) -> dict[str, Any]:
    if case.is_of_desk:
        personal = context.entries.personal(case.entries[0].sequence) or {}
        return {"name": personal.get("name"), "phone": personal.get("phone")}
    customer = customer_of(context, case.customer_id) or {}
    return {"name": customer.get("name"), "phone": customer.get("phone")}


def _row(context: WorkContext, table: str, key: str, value: str) -> dict[str, Any] | None:
    rows = context.records.table(table).filter(pl.col(key) == value).head(1).to_dicts()
    return rows[0] if rows else None

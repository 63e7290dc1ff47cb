"""The form of a new application: fields of the credit model, checked with it before anything is kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.page import Page, PageRequest, View

GROUPS = ("vehicle", "loan", "borrower", "bureau")
OWN_FIELDS = ("name", "phone", "age", "vehicle", "vin", "customer_id")


async def show_form(request: PageRequest) -> View:
    """Answer `GET /desk/loans/new`."""
    return await _form(request, {}, {})


async def send_form(request: PageRequest) -> View | Response:
    """Answer `POST /desk/loans/new`: show what is wrong beside its field, or keep the application and open it."""
    answer = await request.ask("GET", "/v1/applications/fields")
    values = {name: request.field(name) for name in (*OWN_FIELDS, "store_id")}
    values |= {f["name"]: request.field(f["name"]) for f in answer["fields"]}
    inputs, errors = read_inputs(answer["fields"], values, request)
    if not values["name"]:
        errors["name"] = request.text("loan_form.required")
    age = _age(values["age"], errors, request)
    confirmed = request.form.get("confirmed", [])
    warnings: list[dict[str, Any]] = []
    if not errors:
        try:
            check = await request.ask(
                "POST", "/v1/applications/check/preview", {"inputs": inputs, "confirmed": confirmed}
            )
            warnings = check["warnings"]
        except Problem as e:
            errors |= {d["field"]: d["message"] for d in e.details}
            if not e.details:
                raise
    if errors or warnings:
        return await _form(request, values, errors, warnings=warnings, confirmed=confirmed)
    body: dict[str, Any] = {"name": values["name"], "inputs": inputs, "confirmed": confirmed}
    body |= {name: values[name] for name in ("phone", "vehicle", "vin", "customer_id", "store_id") if values[name]}
    body |= {"age": age} if age is not None else {}
    written = await request.ask("POST", "/v1/applications", body)
    return request.redirect(f"/desk/loans/{quote(written['application_id'], safe='')}", notice="loan_form.written")


def read_inputs(
    fields: list[dict[str, Any]], values: dict[str, str], request: PageRequest
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the inputs of the credit model from the texts of a form, and an error by field."""
    inputs: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in fields:
        name, text = field["name"], values.get(field["name"], "")
        if not text:
            if field["required"]:
                errors[name] = request.text("loan_form.required")
            continue
        if field["kind"] == "flag":
            inputs[name] = text == "true"
        elif field["kind"] in ("number", "integer"):
            value = _value(text)
            if value is None:
                errors[name] = request.text("loan_form.number")
            elif not (field["low"] or 0) <= value <= (field["high"] if field["high"] is not None else value):
                errors[name] = request.text("loan_form.range", low=f"{field['low']:g}", high=f"{field['high']:g}")
            else:
                inputs[name] = int(value) if field["kind"] == "integer" else value
        else:
            inputs[name] = text
    return inputs, errors


def _value(text: str) -> float | None:
    try:
        value = float(text.replace(",", "").replace("，", ""))
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None


def _age(text: str, errors: dict[str, str], request: PageRequest) -> float | None:
    if not text:
        return None
    value = _value(text)
    if value is None or not 18 <= value <= 100:
        errors["age"] = request.text("loan_form.range", low="18", high="100")
        return None
    return value


async def _form(
    request: PageRequest,
    values: dict[str, str],
    errors: dict[str, str],
    *,
    warnings: list[dict[str, Any]] | None = None,
    confirmed: list[str] | None = None,
) -> View:
    answer = await request.ask("GET", "/v1/applications/fields")
    groups = [(group, [f for f in answer["fields"] if f["group"] == group]) for group in GROUPS]
    return request.render(
        "loans/new.html",
        status=422 if errors or warnings else 200,
        groups=[(group, fields) for group, fields in groups if fields],
        values=values,
        errors=errors,
        warnings={w["field"]: w for w in warnings or ()},
        confirmed=confirmed or [],
    )


PAGES = (
    Page("/desk/loans/new", "applications:write", show_form),
    Page("/desk/loans/new", "applications:write", send_form, "POST"),
)

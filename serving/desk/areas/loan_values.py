"""Values of an application that are corrected, entered or confirmed at its page, and the comparison of decisions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.page import Page, PageRequest, View

NUMBERS = ("number", "integer")


async def send_value(request: PageRequest) -> Response:
    """Answer `POST /desk/loans/{application_id}/values`: one value, or that the present one is right."""
    number = quote(request.path["application_id"], safe="")
    name = request.field("field")
    if request.field("confirm"):
        body: dict[str, Any] = {"confirmed": [name]}
    else:
        answer = await request.ask("GET", "/v1/applications/fields")
        kinds = {f["name"]: f["kind"] for f in answer["fields"]}
        body = {"values": {name: read_value(name, kinds.get(name, "text"), request.field("value"))}}
    await request.ask("POST", f"/v1/applications/{number}/values", body)
    return request.redirect(f"/desk/loans/{number}", notice="loan_values.written")


async def show_comparison(request: PageRequest) -> View:
    """Answer `GET /desk/loans/{application_id}/comparison`."""
    number = request.path["application_id"]
    answer = await request.ask("GET", f"/v1/applications/{quote(number, safe='')}/comparison")
    return request.render("loans/comparison.html", number=number, answer=answer)


def read_value(name: str, kind: str, text: str) -> Any:
    """Return the text of a form as a value of the field.

    Raises
    ------
    Problem
        Status 422: a number is needed.

    Examples
    --------
    >>> read_value("monthly_income", "number", "12,000"), read_value("housing", "category", "own")
    (12000.0, 'own')
    """
    if kind == "flag":
        return text == "true"
    if kind not in NUMBERS:
        return text
    try:
        value = float(text.replace(",", "").replace("，", ""))
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e12:
        message = "must be a number"
        raise Problem(422, "invalid", f"{name}: {message}", [{"field": name, "rule": "number", "message": message}])
    return int(value) if kind == "integer" and value == int(value) else value


CASE = "/desk/loans/{application_id}"
PAGES = (
    Page(f"{CASE}/values", "applications:write", send_value, "POST"),
    Page(f"{CASE}/comparison", "credit_risk", show_comparison),
)

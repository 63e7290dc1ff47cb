"""Who looks at the storefront, and which rule is drafted: from an address to the bodies of the endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

PATH = "/desk/storefront"
PLACES = 12
MAX_VIEWED = 20
WHO = ("customer", "visitor", "viewed", "budget_low", "budget_high", "body_type", "energy_type", "seats", "payment")
DRAFT = (
    "action", "vehicle_id", "model", "brand", "condition", "place", "places", "valid_from", "valid_until", "only_store",
    "without",
)  # fmt: skip


def address(query: Mapping[str, str], *, path: str = PATH, **changes: str | None) -> str:
    """Return the address of the preview with changes; None removes a name, and a draft never outlives a change.

    Examples
    --------
    >>> address({"customer": "K1", "action": "pin", "notice": "x"}, viewed="V1,V2")
    '/desk/storefront?customer=K1&viewed=V1%2CV2'
    """
    own = {n: v for n, v in query.items() if n in WHO and v}
    values = {n: v for n, v in {**own, **changes}.items() if v}
    return f"{path}?{urlencode(values)}" if values else path


def viewed(query: Mapping[str, str]) -> list[str]:
    """Return the vehicles of the session, in the order in which they were looked at.

    >>> viewed({"viewed": "V1,,V2"}), viewed({})
    (['V1', 'V2'], [])
    """
    return [name for name in query.get("viewed", "").split(",") if name][-MAX_VIEWED:]


def recommendation_request(query: Mapping[str, str], store_id: str | None) -> dict[str, Any]:
    """Return the body of `POST /v1/recommendation` for what the address says; a number that is none is left out.

    Parameters
    ----------
    query : mapping of str to str
        Query of the address.
    store_id : str or None
        Store that is chosen at the top of the page.

    Examples
    --------
    >>> recommendation_request({"customer": "K1", "budget_high": "150,000", "payment": "3000"}, "S1") == {
    ...     "n": 12, "store_id": "S1", "customer_id": "K1", "session": [], "profile": {"budget_high": 150000.0},
    ...     "payment": {"monthly_payment": 3000.0}}
    True
    """
    body: dict[str, Any] = {"n": PLACES, "session": [{"vehicle_id": name} for name in viewed(query)]}
    if store_id is not None:
        body["store_id"] = store_id
    for name, field in (("customer", "customer_id"), ("visitor", "visitor_id")):
        if query.get(name):
            body[field] = query[name]
    profile = {n: number for n in ("budget_low", "budget_high") if (number := _number(query.get(n))) is not None}
    profile |= {n: query[n] for n in ("body_type", "energy_type") if query.get(n)}  # type: ignore[misc]
    if (seats := _number(query.get("seats"))) is not None:
        profile["household_size"] = int(seats)
    if profile:
        body["profile"] = profile
    if payment := _number(query.get("payment")):
        body["payment"] = {"monthly_payment": payment}
    return body


def drafted_rule(fields: Mapping[str, str], store_id: str | None) -> dict[str, Any] | None:
    """Return the rule of a form or an address as a body of `POST /v1/storefront/rules`; None without an action.

    Parameters
    ----------
    fields : mapping of str to str
        Names of `DRAFT`.
    store_id : str or None
        Store that is chosen at the top of the page, for a rule of its pages only.

    Examples
    --------
    >>> drafted_rule({"action": "pin", "vehicle_id": "V1", "place": "2", "only_store": "true"}, "S1") == {
    ...     "action": "pin", "where": {"vehicle_id": ["V1"]}, "place": 2, "stores": ["S1"]}
    True
    >>> drafted_rule({"place": "2"}, None) is None
    True
    """
    if not fields.get("action"):
        return None
    action = fields["action"]
    names = ("vehicle_id", "model", "brand", "condition")
    rule: dict[str, Any] = {"action": action, "where": {n: [fields[n]] for n in names if fields.get(n)}}
    for name, owner in (("place", "pin"), ("places", "boost")):
        if action == owner and (number := _number(fields.get(name))) is not None:
            rule[name] = int(number)
    rule |= {n: fields[n] for n in ("valid_from", "valid_until") if fields.get(n)}
    if store_id is not None and fields.get("only_store"):
        rule["stores"] = [store_id]
    return rule


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").replace(",", "").strip())
    except ValueError:
        return None

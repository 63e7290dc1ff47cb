"""The page that a visitor would see, card by card with its reasons, beside the page without personalisation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from features.tables import BODY_TYPES, ENERGY_TYPES
from ml.labels import Labels
from serving.asgi import Problem
from serving.desk.areas.storefront.questions import (
    DRAFT,
    PATH,
    PLACES,
    address,
    drafted_rule,
    recommendation_request,
    viewed,
)
from serving.desk.formats import in_language
from serving.desk.page import Page, PageRequest, View

VISITORS, VEHICLES = 8, 8
LABELS = Labels()


async def show_preview(request: PageRequest) -> View | Response:
    """Answer `GET /desk/storefront`; await it."""
    query = request.query
    body: dict[str, Any] = {"request": recommendation_request(query, request.store_id)}
    rule = drafted_rule(query, request.store_id)
    if rule is not None:
        body["rule"] = rule
    elif query.get("without"):
        body["without"] = query["without"]
    problem = None
    try:
        page = await request.ask("POST", "/v1/storefront/preview", body)
    except Problem as e:
        if e.status != 422:
            raise
        problem = e.details[0].get("message", e.message) if e.details else e.message
        page = await request.ask("POST", "/v1/storefront/preview", {"request": {"n": PLACES, "session": []}})
    names = viewed(query)
    visitors, session, offers = await asyncio.gather(
        request.ask("GET", "/v1/storefront/visitors", query={"q": query.get("who") or None, "limit": VISITORS}),
        _vehicles(request, vehicle_id=",".join(names)) if names else _nothing(),
        _vehicles(request, q=query["find"], limit=VEHICLES) if query.get("find") else _nothing(),
    )
    return request.render(
        "storefront/preview.html",
        page=page,
        title=_title(request, page),
        problem=problem,
        query=query,
        draft=rule,
        draft_fields={n: query[n] for n in DRAFT if query.get(n)},
        visitors=visitors,
        session=session["items"],
        offers=offers["items"],
        ordered_rules=page["rules"],
        link=lambda **changes: address(query, **changes),
        pin_link=lambda card: address(query, action="pin", vehicle_id=card["vehicle_id"], place="1"),
        view_link=lambda name: address(query, viewed=",".join([*names, name])),
        drop_link=lambda name: address(query, viewed=",".join(n for n in names if n != name)),
        back=address(query),
        names=_names(page["rules"]),
        body_types=_options(request, "body_type", BODY_TYPES),
        energy_types=_options(request, "energy_type", ENERGY_TYPES),
        can_write=request.may("rules:write"),
        has_store=request.store_id is not None,
        vehicle=lambda row: vehicle_name(row),
        condition=lambda row: (
            in_language(LABELS.value("condition", row["condition"]).model_dump(), request.language)
            if row.get("condition")
            else ""
        ),
    )


def vehicle_name(row: Mapping[str, Any]) -> str:
    """Return the name of a vehicle: model and version, or its identifier.

    >>> vehicle_name({"vehicle_id": "V1", "model": "X5", "trim": None}), vehicle_name({"vehicle_id": "V1"})
    ('X5', 'V1')
    """
    parts = [row.get("model"), row.get("trim")]
    return " ".join(str(part) for part in parts if part) or str(row["vehicle_id"])


def _title(request: PageRequest, page: Mapping[str, Any]) -> str:
    """Return the heading: who sees what first, and why."""
    if not page["items"]:
        return request.text("storefront.title.empty")
    first = page["items"][0]
    who = request.query.get("customer") or request.query.get("visitor")
    if who:
        subject = request.text("storefront.who.known" if page["known_user"] else "storefront.who.unknown", id=who)
    else:
        subject = request.text(f"storefront.who.{page['path']}")
    reasons = [r[request.language] for r in first["reasons"] or ()]
    key = (
        "storefront.title.pinned"
        if first["pinned"]
        else "storefront.title.why"
        if reasons
        else "storefront.title.plain"
    )
    values = {"who": subject, "vehicle": vehicle_name(first)}
    if key == "storefront.title.why":
        reason = reasons[0] if request.language == "zh" else reasons[0][:1].lower() + reasons[0][1:]
        return request.text(key, **values, reason=reason)
    return request.text(key, **values)


def _names(rules: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return the number of each rule, by which the cards name it."""
    return {rule["rule_id"]: i for i, rule in enumerate(rules, 1)}


def _options(request: PageRequest, column: str, values: Sequence[str]) -> list[tuple[str, str]]:
    return [(v, in_language(LABELS.value(column, v).model_dump(), request.language)) for v in values]


async def _vehicles(request: PageRequest, **query: Any) -> Any:
    return await request.ask("GET", "/v1/storefront/vehicles", query=query)


async def _nothing() -> Any:
    return {"items": []}


PAGES = (Page(PATH, "recommendation", show_preview),)

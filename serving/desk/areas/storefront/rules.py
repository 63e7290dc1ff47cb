"""The rules of the house: a list in plain words, a form for a new one, and what happened to them."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from features.tables import CONDITIONS
from ml.labels import Labels
from serving.desk.areas.storefront.questions import DRAFT, PATH, WHO, address, drafted_rule
from serving.desk.formats import in_language
from serving.desk.page import Page, PageRequest, View
from serving.desk.tables import Choice, TableColumn, TableView

RULES = f"{PATH}/rules"
ACTIONS = ("pin", "boost", "bury", "hide")
SOURCES = {"desk": Choice("storefront.source.desk", "accent"), "file": Choice("storefront.source.file")}
COLUMNS = (
    TableColumn("number", "storefront.rule.number", "number", sortable=False),
    TableColumn("text", "storefront.rule.text", is_title=True, second="remark"),
    TableColumn("source", "storefront.rule.source", "state", states=SOURCES, filter="choice"),
    TableColumn("vehicles", "storefront.rule.vehicles", "number"),
    TableColumn("person", "storefront.rule.person"),
    TableColumn("at", "storefront.rule.at", "moment"),
    TableColumn("act", "storefront.rule.act", sortable=False, exported=False),
)


async def show_rules(request: PageRequest) -> View | Response:
    """Answer `GET /desk/storefront/rules`; await it."""
    rules, vehicles = await asyncio.gather(
        request.ask("GET", "/v1/storefront/rules"),
        request.ask("GET", "/v1/storefront/vehicles", query={"limit": 1}),
    )
    rows = [{**rule, "number": i, "remark": _remark(request, rule)} for i, rule in enumerate(rules["items"], 1)]
    view = TableView("rules", COLUMNS, rows)
    if request.query.get("export"):
        return request.export(view, request.query["export"], "storefront_rules")
    labels = Labels()
    desk = sum(rule["source"] == "desk" for rule in rules["items"])
    return request.render(
        "storefront/rules.html",
        table_page=view.page(request.query, RULES, request.language, request.text),
        rules=rules,
        desk=desk,
        total=len(rows),
        actions=[(name, request.text(f"storefront.action.{name}")) for name in ACTIONS],
        conditions=[(v, in_language(labels.value("condition", v).model_dump(), request.language)) for v in CONDITIONS],
        models=[(name, name) for name in vehicles["models"]],
        brands=[(name, name) for name in vehicles["brands"]],
        query=request.query,
        can_write=request.may("rules:write"),
        has_store=request.store_id is not None,
        end_link=lambda rule_id: address({}, without=rule_id),
    )


def _remark(request: PageRequest, rule: dict[str, object]) -> str | None:
    if rule["overruled_by"]:
        return request.text("storefront.rule.overruled")
    return None if rule["applies_today"] else request.text("storefront.rule.not_today")


async def add_rule(request: PageRequest) -> View | Response:
    """Answer `POST /desk/storefront/rules`: save the drafted rule; await it."""
    fields = {name: request.field(name) for name in DRAFT}
    await request.ask("POST", "/v1/storefront/rules", drafted_rule(fields, request.store_id))
    return request.redirect(_back(request), notice="storefront.notice.added")


async def end_rule(request: PageRequest) -> View | Response:
    """Answer `POST /desk/storefront/rules/{rule_id}/end`; await it."""
    await request.ask("POST", f"/v1/storefront/rules/{request.path['rule_id']}/end")
    return request.redirect(_back(request), notice="storefront.notice.ended")


async def take_back(request: PageRequest) -> View | Response:
    """Answer `POST /desk/storefront/entries/{sequence}/undo`; await it."""
    await request.ask("POST", f"/v1/work_entries/{request.path['sequence']}/undo")
    return request.redirect(RULES, notice="storefront.notice.undone")


def _back(request: PageRequest) -> str:
    """Return the address of the preview that the form was on."""
    return address({name: request.field(name) for name in WHO})


PAGES = (
    Page(RULES, "recommendation", show_rules),
    Page(RULES, "rules:write", add_rule, "POST"),
    Page(f"{RULES}/{{rule_id}}/end", "rules:write", end_rule, "POST"),
    Page(f"{PATH}/entries/{{sequence}}/undo", "rules:write", take_back, "POST"),
)

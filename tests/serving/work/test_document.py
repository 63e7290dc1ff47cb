"""The OpenAPI document of the daily work."""

from __future__ import annotations

from pydantic import BaseModel, Field

from serving.doors.roles import required_scope
from serving.work.document import work_paths
from serving.work.registry import ROUTES
from serving.work.routing import WorkRoute


class Filters(BaseModel):
    """A query string."""

    page: int = Field(ge=1)
    store_id: str | None = None


class Number(BaseModel):
    """A body, and an answer."""

    n: int


def test_parameters_bodies_and_answers_are_described() -> None:
    """A path and a query parameter, a body with an example, an answer."""
    texts = {"zh": "线索", "en": "A lead"}
    route = WorkRoute(
        "POST", "/v1/leads/{lead_id}/notes", texts, lambda r: Number(n=1), Number, Filters, Number, {"n": 3}
    )
    paths, schemas = work_paths([route])
    operation = paths["/v1/leads/{lead_id}/notes"]["post"]
    assert operation["operationId"] == "post_leads_lead_id_notes"
    names = [(p["name"], p["in"], p["required"]) for p in operation["parameters"]]
    assert names == [("lead_id", "path", True), ("page", "query", True), ("store_id", "query", False)]
    assert operation["requestBody"]["content"]["application/json"]["example"] == {"n": 3}
    assert schemas["work.Number"]["properties"]["n"]["type"] == "integer"


def test_every_route_has_a_scope_texts_and_a_name_of_its_own() -> None:
    """A route that any key may use would be open; a second one of the same name would hide the first."""
    operations = [route.operation for route in ROUTES]
    assert len(operations) == len(set(operations))
    for route in ROUTES:
        assert required_scope(route.method, route.path) is not None, route.path
        assert route.summary["zh"] and route.summary["en"]
        assert route.method != "GET" or route.body is None

"""The document lists the routes of the log with their parameters, and what an endpoint that decides adds."""

from __future__ import annotations

from serving.decisions.document import decision_paths
from serving.decisions.routes import LIST_PARAMETERS, decision_routes
from serving.endpoints import mounted_endpoints
from serving.model_store import ModelStore
from serving.openapi import describe


def test_every_route_and_parameter_is_described() -> None:
    paths, definitions = decision_paths()
    assert set(paths) == {route.path for route in decision_routes(None, ModelStore(poll_seconds=1))}
    names = [p["name"] for p in paths["/v1/decisions"]["get"]["parameters"]]
    assert names == [*LIST_PARAMETERS, "X-Reference"]
    assert definitions["OverrideRequest"]["additionalProperties"] is False


def test_endpoints_that_decide_have_previews_references_and_ids() -> None:
    paths = describe({}, mounted_endpoints(), max_rows=9)["paths"]
    for path in ("/v1/credit_risk", "/v1/loans/offers"):
        post = paths[path]["post"]
        assert {"preview", "X-Reference"} <= {p["name"] for p in post["parameters"]}
        schema = str(post["responses"]["200"]["content"]["application/json"]["schema"])
        assert "decision_id" in schema and "binding" in schema
    batch = str(paths["/v1/credit_risk/batch"]["post"]["responses"]["200"])
    assert "decision_id" in batch and "binding" in batch
    assert "decision_id" not in str(paths["/v1/lead_scoring"]["post"])

"""The OpenAPI document has the scope of every operation, and only probes have none."""

from __future__ import annotations

from serving.doors.documentation import DOOR_REFUSALS, add_security
from serving.doors.roles import OPEN_PATHS, SCOPES
from serving.endpoints import mounted_endpoints
from serving.openapi import describe


def test_every_operation_but_probes_has_its_scope_and_its_refusals() -> None:
    document = describe({}, mounted_endpoints(), max_rows=9)
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in OPEN_PATHS:
                assert operation["security"] == [] and not set(DOOR_REFUSALS) & set(operation["responses"])
            else:
                ((scope,),) = (requirement["key"] for requirement in operation["security"])
                assert scope in SCOPES and set(DOOR_REFUSALS) < set(operation["responses"])


def test_the_scope_is_that_of_the_method() -> None:
    paths = {f"/v1/decisions/{p}": {m: {"responses": {}}} for p, m in (("{id}", "get"), ("{id}/overrides", "post"))}
    document = add_security({"paths": paths, "components": {}})
    scopes = [operation["security"] for operations in document["paths"].values() for operation in operations.values()]
    assert scopes == [[{"key": ["decisions:read"]}], [{"key": ["decisions:override"]}]]

"""What the OpenAPI document says about keys: the scheme, the scope of each operation, and the refusals."""

from __future__ import annotations

from typing import Any

from serving.doors.roles import OPEN_PATHS, required_scope

DOOR_REFUSALS = {
    "401": "No valid key: send the header Authorization: Bearer <key>",
    "403": "The key lacks the scope of the path, or does not hold for the store",
    "429": "Too many requests with this key; Retry-After has the seconds to wait",
}
SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "API key or token; an API key may also be sent as X-API-Key. 密钥或令牌。",
}


def add_security(document: dict[str, Any]) -> dict[str, Any]:
    """Return an OpenAPI document with the scope that each operation needs, and the answers without it.

    Parameters
    ----------
    document : dict
        OpenAPI 3.1 document with `paths` and `components`, which is changed. Its error schema is `Error`.

    Examples
    --------
    >>> paths = {"/metrics": {"get": {"responses": {}}}, "/healthz": {"get": {"responses": {}}}}
    >>> document = add_security({"paths": paths, "components": {}})
    >>> [path["get"]["security"] for path in document["paths"].values()]
    [[{'key': ['metrics']}], []]
    """
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refusals = {status: {"description": text, "content": error} for status, text in DOOR_REFUSALS.items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path in OPEN_PATHS:
                operation["security"] = []
                continue
            operation["security"] = [{"key": [required_scope(method.upper(), path)]}]
            operation["responses"] = dict(sorted({**operation["responses"], **refusals}.items()))
    document["components"]["securitySchemes"] = {"key": SCHEME}
    return document

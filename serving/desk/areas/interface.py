"""Documentation of the JSON interface: Swagger UI with the document of this server."""

from __future__ import annotations

from pydantic_core import to_json
from starlette.responses import Response

from serving.desk.page import HEADERS, Page, PageRequest, View

# Swagger UI sets styles of its own; scripts still come from this server alone.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


async def show_documentation(request: PageRequest) -> View:
    """Answer `GET /desk/docs`."""
    return request.render("interface/docs.html", headers={"content-security-policy": POLICY})


async def show_document(request: PageRequest) -> Response:
    """Answer `GET /desk/openapi.json`: the OpenAPI document, for a person who has logged in."""
    document = await request.ask("GET", "/openapi.json")
    return Response(to_json(document), media_type="application/json", headers=HEADERS)


PAGES = (
    Page("/desk/docs", "docs", show_documentation),
    Page("/desk/openapi.json", "docs", show_document),
)

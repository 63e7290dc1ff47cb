"""Page of the services that fall due: whom to invite this week."""

from __future__ import annotations

from starlette.responses import Response

from serving.asgi import Problem
from serving.desk.areas.faults.tables import ROWS, export, service_view
from serving.desk.page import PageRequest, View

SERVICES = "/desk/faults/services"
LISTED, EXPORTED = 500, 10_000


async def show_services(request: PageRequest) -> View | Response:
    """Answer `GET /desk/faults/services`."""
    return await _services_page(request)


async def invite(request: PageRequest) -> View | Response:
    """Answer `POST /desk/faults/services/invitations`: the chosen owners were invited."""
    numbers = [number for number in request.form.get("vehicle_id", []) if number]
    if not numbers:
        return await _services_page(request, problem=request.text("faults.service.nobody"), status=422)
    try:
        await request.ask("POST", "/v1/alarms/services/invitations", {"vehicle_ids": numbers})
    except Problem as error:
        if error.status != 422:
            raise
        return await _services_page(request, problem=request.text("faults.service.unlisted"), status=422)
    return request.redirect(SERVICES, notice="faults.notice.invited")


async def _services_page(request: PageRequest, *, problem: str | None = None, status: int = 200) -> View | Response:
    limit = EXPORTED if "export" in request.query else LISTED
    services = await request.ask("GET", "/v1/alarms/services", query={"limit": limit})
    view = service_view(request, services)
    if "export" in request.query:
        return export(request, view, request.text("faults.service.file"), "services-due")
    page = view.page(request.query, SERVICES, request.language, request.text)
    return request.render(
        "faults/services.html",
        status=status,
        services=services,
        table_page=page,
        problem=problem,
        listed=min(services["total"], LISTED),
        first_page=ROWS,
        may_write=request.may("alarms:write"),
    )

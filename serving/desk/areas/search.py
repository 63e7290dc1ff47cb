"""Search on every page, and the card of a vehicle that it leads to."""

from __future__ import annotations

from urllib.parse import quote

from serving.asgi import Problem
from serving.desk.page import Page, PageRequest, View


async def show_search(request: PageRequest) -> View:
    """Answer `GET /desk/search`: the empty form."""
    return request.render("home/search.html", q="", answer=None, is_short=False)


async def search(request: PageRequest) -> View:
    """Answer `POST /desk/search`; what was looked for is in no address."""
    q = request.field("q")
    try:
        answer = await request.ask("POST", "/v1/search", {"q": q[:80]})
    except Problem as e:
        if e.status != 422:
            raise
        return request.render("home/search.html", q=q[:80], answer=None, is_short=True)
    return request.render("home/search.html", q=q[:80], answer=answer, is_short=False)


async def show_vehicle(request: PageRequest) -> View:
    """Answer `GET /desk/search/vehicles/{vehicle_id}`."""
    name = quote(request.path["vehicle_id"], safe="")
    return request.render("home/vehicle.html", card=await request.ask("GET", f"/v1/search/vehicles/{name}"))


PAGES = (
    Page("/desk/search", "desk", show_search),
    Page("/desk/search", "desk", search, "POST"),
    Page("/desk/search/vehicles/{vehicle_id}", "desk", show_vehicle),
)

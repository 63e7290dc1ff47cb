"""The phone's page of areas that have no tab."""

from __future__ import annotations

from serving.desk.page import Page, PageRequest, View


async def show_more(request: PageRequest) -> View:
    """Answer `GET /desk/more`."""
    return request.render("frame/more.html")


PAGES = (Page("/desk/more", "desk", show_more),)

"""Pages of stock planning on the small dealer group, without doors."""

from __future__ import annotations

import asyncio
import html
import re
from typing import Any

import httpx
from starlette.applications import Starlette

from serving.asgi import Problem
from serving.desk.app import Desk
from serving.desk.areas import stock
from tests.serving.work.inventory.dealership import Dealership, refuse


class StockDesk:
    """The pages of a group.

    Parameters
    ----------
    group : Dealership
        Its endpoints and entries.
    """

    def __init__(self, group: Dealership) -> None:
        self.group = group
        handlers: Any = {Problem: refuse}
        routes = [*Desk(group.context, None, stock.PAGES).routes(), *group.app.routes]
        self._app = Starlette(routes=routes, exception_handlers=handlers)

    def get(self, path: str, language: str = "en", *, status: int = 200, is_part: bool = False) -> httpx.Response:
        """Return a page."""
        return self._send("GET", path, language, status, {"hx-request": "true"} if is_part else {})

    def post(self, path: str, *, status: int = 303, **form: Any) -> httpx.Response:
        """Return the answer of a form."""
        return self._send("POST", path, "en", status, {}, data={k: str(v) for k, v in form.items()})

    def follow(self, response: httpx.Response) -> httpx.Response:
        """Return the page to which a form leads."""
        return self.get(response.headers["location"].split("#")[0])

    def plan(self) -> dict[str, Any]:
        """Return the hidden fields of a decision."""
        orders = self.group.ask("/v1/inventory/orders")
        return {name: orders[name] for name in ("plan", "last_sequence")}

    def _send(
        self, method: str, path: str, language: str, status: int, headers: dict[str, str], **options: Any
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            cookies = {"chehang_language": language}
            async with httpx.AsyncClient(transport=transport, base_url="http://desk", cookies=cookies) as client:
                return await client.request(method, path, headers=headers, **options)

        answer = asyncio.run(send())
        assert answer.status_code == status, words(answer)[:2_000]
        return answer


def words(page: httpx.Response) -> str:
    """Return the words of a page, without marks and with single blanks."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def heading(page: httpx.Response) -> str:
    """Return the heading of a page."""
    headings = re.findall(r"<h1[^>]*>(.*?)</h1>", page.text, flags=re.DOTALL)
    assert len(headings) == 1
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", headings[0])).split())

"""Pages of the desk: what a page is, and the request that it gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from serving.asgi import Scope
from serving.desk.catalogue import Language, catalogue
from serving.desk.tables.export import csv_bytes, export_sheet, xlsx_bytes
from serving.desk.tables.view import TableView
from serving.doors.caller import Caller
from serving.doors.sessions import DeskSession
from serving.work.clock import DeskClock
from serving.work.inner import InnerRequests

Method = Literal["GET", "POST"]
# A policy that no inline script, style or attribute of ours needs to be excepted from.
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class View:
    """A template and its values, which the application renders in a thread.

    Attributes
    ----------
    template : str
        Such as `leads/queue.html`.
    context : mapping
        Values of the template.
    status : int
        HTTP status.
    headers : mapping of str to str
        Further headers, such as `hx-push-url`.
    """

    template: str
    context: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A page of the desk, or the target of one of its forms.

    Attributes
    ----------
    path : str
        URL path with parameters in braces, such as `/desk/leads/{lead_id}`.
    scope : str
        Scope that a person needs, such as `lead_scoring`.
    show : callable
        ``async (PageRequest) -> View or Response``.
    method : {'GET', 'POST'}
        HTTP method. A POST is answered only with the token of the session's forms.
    """

    path: str
    scope: str
    show: Callable[[PageRequest], Awaitable[View | Response]]
    method: Method = "GET"


@dataclass(frozen=True)
class PageRequest:
    """A request for a page.

    Attributes
    ----------
    scope : mapping
        ASGI scope.
    path, query : mapping of str to str
        Parameters of the path and of the query string; of a repeated one the last.
    form : mapping of str to list of str
        Fields of the form of a POST.
    language : {'zh', 'en'}
        Language of the page.
    inner : InnerRequests
        Asks JSON endpoints.
    clock : DeskClock
        Present of the desk.
    store_id : str or None
        Store that the person has chosen at the top of the page; None for all of their stores.
    """

    scope: Scope
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, list[str]]
    language: Language
    inner: InnerRequests
    clock: DeskClock
    store_id: str | None = None

    @property
    def caller(self) -> Caller | None:
        """Return who asks; None without doors."""
        return self.scope.get("caller")

    @property
    def session(self) -> DeskSession | None:
        """Return the session; None without doors, and before the log-in."""
        return self.scope.get("desk_session")

    @property
    def is_fragment(self) -> bool:
        """Return whether htmx asks for a part of a page."""
        headers = dict(self.scope["headers"])
        return b"hx-request" in headers and b"hx-boosted" not in headers

    def may(self, scope: str) -> bool:
        """Return whether the person has a scope."""
        return self.caller is None or scope in self.caller.scopes

    def field(self, name: str, default: str = "") -> str:
        """Return the last value of a form field without blanks around it."""
        values = self.form.get(name)
        return values[-1].strip() if values else default

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: str | Mapping[str, Any] = "",
        preview: bool = False,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> Any:
        """Return the JSON of an endpoint, asked as this person; await it.

        Parameters
        ----------
        method, path : str
            Such as `POST`, `/v1/lead_scoring/queue`.
        body : object, optional
            Content of the JSON body.
        query : str or mapping
            Query string, or its parameters; those that are None are left out.
        preview : bool
            Whether `preview=true` is added: the answer is not logged as a decision.
        headers : tuple of (bytes, bytes)
            Further headers, such as `x-reference`.

        Raises
        ------
        Problem
            The endpoint refuses; the error page says what to do.
        """
        text = query if isinstance(query, str) else urlencode({k: v for k, v in query.items() if v is not None})
        if preview:
            text = f"{text}&preview=true" if text else "preview=true"
        return await self.inner.ask(self.scope, method, path, body, query=text, headers=headers)

    def text(self, key: str, **values: Any) -> str:
        """Return a text of the catalogue in the language of the page."""
        return catalogue().text(key, self.language, **values)

    def render(
        self, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
    ) -> View:
        """Return a page from a template, to be returned by `Page.show`."""
        return View(template, context, status, headers or {})

    def redirect(self, path: str, *, notice: str | None = None) -> Response:
        """Return a redirect to a page after a form was sent; a notice is a key of the catalogue, shown on top."""
        if notice is not None:
            path += ("&" if "?" in path else "?") + urlencode({"notice": notice})
        if b"hx-request" in dict(self.scope["headers"]):
            return Response(status_code=204, headers={"hx-redirect": path})
        return RedirectResponse(path, 303)

    def export(self, view: TableView, kind: str, name: str) -> Response:
        """Return all rows of a table that pass the filters of the address, as a file.

        Parameters
        ----------
        view : TableView
            The table.
        kind : {'csv', 'xlsx'}
            Text that spreadsheet programs open, or Excel.
        name : str
            Name of the file without its ending, and of the sheet, in ASCII.
        """
        sheet = export_sheet(view, self.query, self.language, self.text, self.clock.timezone)
        if kind == "xlsx":
            media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            return self.download(xlsx_bytes(sheet, name[:25]), f"{name}.xlsx", media_type)
        return self.download(csv_bytes(sheet), f"{name}.csv", "text/csv; charset=utf-8")

    def download(self, content: bytes, name: str, media_type: str) -> Response:
        """Return a file to save; `name` is the file name in ASCII."""
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=media_type, headers=headers)

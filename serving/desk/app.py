"""The application of the desk: log-in, pages, static files, and the frame around every page."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from http.cookies import SimpleCookie
from importlib.util import find_spec
from pathlib import Path
from traceback import format_tb
from typing import Any, Protocol
from urllib.parse import parse_qs, parse_qsl, urlencode

from anyio.to_thread import run_sync
from jinja2 import Environment
from starlette.responses import Response
from starlette.routing import Route

from serving.asgi import Disconnected, Problem, Receive, Scope, Send
from serving.desk.catalogue import LANGUAGES, Language
from serving.desk.environment import build_environment
from serving.desk.errors import error_view
from serving.desk.page import HEADERS, Page, PageRequest, View
from serving.desk.registry import AREAS, PAGES
from serving.doors.caller import Caller
from serving.doors.sessions import DeskSession, Sessions, set_cookie
from serving.stores import StoreUnavailable
from serving.work.routing import WorkContext

log = logging.getLogger("chehang.serving")
STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
SWAGGER_FILES = ("swagger-ui-bundle.js", "swagger-ui.css")
YEAR_SECONDS = 31_536_000
LANGUAGE_COOKIE, STORE_COOKIE = "chehang_language", "chehang_store"
MAX_FORM_FIELDS = 2_000


class Doors(Protocol):
    """Sessions, and the log-in that begins them."""

    sessions: Sessions | None

    def log_in(self, scope: Scope, key: str) -> tuple[DeskSession, Caller]:
        """Return a new session and its caller; raises `Problem`."""


class Desk:
    """What the pages of one process share.

    Parameters
    ----------
    context : WorkContext
        Records, clock and the JSON endpoints.
    doors : Doors or None
        Log-in; None: the desk needs none.
    pages : sequence of Page
        By default all of `serving.desk.registry`.
    """

    def __init__(self, context: WorkContext, doors: Doors | None, pages: Sequence[Page] = PAGES) -> None:
        self.context = context
        self.doors = doors
        self.pages = pages
        paths = [path for path in sorted(STATIC.iterdir()) if path.suffix in TYPES]
        files = {path.name: path.read_bytes() for path in (*paths, *_swagger_files())}
        self.files = files
        # The address of a file changes with its content, so that browsers may keep it for a year.
        self.versions = {name: sha256(content).hexdigest()[:12] for name, content in files.items()}
        self._environments: dict[Language, Environment] = {}

    def routes(self) -> list[Route]:
        """Return the routes of all pages, of the log-in and of static files."""
        by_path: dict[str, dict[str, Page]] = {}
        for page in self.pages:
            by_path.setdefault(page.path, {})[page.method] = page
        routes = [
            Route("/desk/static/{name}", self._static, methods=["GET"]),
            Route("/desk/log-in", _App(self, {"GET": LOG_IN_FORM, "POST": LOG_IN}), methods=["GET", "POST"]),
            Route("/desk/log-out", _App(self, {"POST": LOG_OUT}), methods=["POST"]),
        ]
        routes += [Route(path, _App(self, group), methods=list(group)) for path, group in by_path.items()]
        return [*routes, Route("/desk/{path:path}", _App(self, {"GET": NOTHING}), methods=["GET"])]

    def environment(self, language: Language) -> Environment:
        """Return the templates of a language."""
        if language not in self._environments:
            environment = build_environment(language, self.context.clock.local)
            environment.globals["static"] = lambda name: f"/desk/static/{name}?v={self.versions[name]}"
            self._environments[language] = environment
        return self._environments[language]

    def render(self, view: View, request: PageRequest, frame: Mapping[str, Any]) -> Response:
        """Return the response of a view; called in a thread."""
        template = self.environment(request.language).get_template(view.template)
        content = template.render(frame=frame, may=request.may, csrf_token=frame["csrf_token"], **view.context)
        return Response(content, view.status, headers={**HEADERS, **view.headers}, media_type="text/html")

    async def frame(self, request: PageRequest) -> dict[str, Any]:
        """Return the values of the frame: navigation with counts, stores, person, notice; await it."""
        session, caller = request.session, request.caller
        sessions = None if self.doors is None else self.doors.sessions
        frame: dict[str, Any] = {
            "path": request.scope["path"],
            "csrf_token": sessions.form_token(session) if sessions is not None and session is not None else "",
            "caller": caller,
            "query": request.query,
            "has_doors": self.doors is not None,
            "store_id": request.store_id,
            "notice": request.query.get("notice"),
            "version": self.versions,
        }
        records = self.context.records
        is_loaded = records.is_loaded
        frame |= {
            "areas": [area for area in AREAS if request.may(area.scope)],
            "counts": await self._counts(request),
            "stores": self._stores(caller) if is_loaded else [],
            "stands_still": is_loaded and self.context.clock.stands_still,
            "now": self.context.clock.local() if is_loaded else None,
            "other_language": _address(request, lang="en" if request.language == "zh" else "zh"),
        }
        return frame

    async def _counts(self, request: PageRequest) -> Mapping[str, Any]:
        """Return what waits in each area, by its name; empty if that cannot be said now."""
        if request.caller is None and self.doors is not None:
            return {}
        try:
            answer = await request.ask("GET", "/v1/today", query={"store_id": request.store_id})
        except Problem:
            return {}
        return {item["area"]: item for item in answer["counts"]}

    def _stores(self, caller: Caller | None) -> list[str]:
        names = self.context.records.cached("desk stores", partial(_store_names, self.context))
        return [name for name in names if caller is None or caller.stores is None or name in caller.stores]

    async def _static(self, request: Any) -> Response:
        name = request.path_params["name"]
        if name not in self.files:
            return Response("there is no such file", 404, media_type="text/plain")
        headers = {
            "etag": f'"{self.versions[name]}"',
            "cache-control": f"public, max-age={YEAR_SECONDS}, immutable",
            "x-content-type-options": "nosniff",
        }
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(self.files[name], headers=headers, media_type=TYPES[Path(name).suffix])


class _App:
    """ASGI application of the pages of one path."""

    def __init__(self, desk: Desk, pages: Mapping[str, Page]) -> None:
        self._desk = desk
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        page = self._pages[method]
        scope["desk"] = self._desk
        form: dict[str, list[str]] = {}
        if method == "POST":
            body = (await receive()).get("body", b"")
            form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
        request = self._request(scope, form)
        try:
            self._check(page, request)
            answer = await self._answer(await page.show(request), request)
        except (Problem, Disconnected) as e:
            if isinstance(e, Disconnected):
                raise
            scope["error_code"] = e.code
            answer = await self._answer(error_view(e, request), request)
        except Exception as e:  # a fault of a page: the log has its place, but no text, which may quote a record
            scope["error_code"] = "internal"
            places = "".join(format_tb(e.__traceback__))
            log.error("a page failed: %s for request %s%s", type(e).__name__, scope.get("request_id"), f"\n{places}")
            problem = Problem(
                500, "failed", "an internal error prevented an answer; the log of the service has its cause"
            )
            answer = await self._answer(error_view(problem, request), request)
        self._set_cookies(answer, request)
        await answer(scope, receive, send)

    async def _answer(self, answer: View | Response, request: PageRequest) -> Response:
        if not isinstance(answer, View):
            return answer
        try:
            frame = await self._desk.frame(request)
        except Problem:  # records that are still being read
            frame = {"csrf_token": ""}
        return await run_sync(self._desk.render, answer, request, frame)

    def _request(self, scope: Scope, form: dict[str, list[str]]) -> PageRequest:
        cookies = SimpleCookie()
        try:
            cookies.load(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))
        except ValueError:
            cookies = SimpleCookie()
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        store = query.get("store") if "store" in query else _value(cookies, STORE_COOKIE)
        return PageRequest(
            scope=scope,
            path=dict(scope.get("path_params", {})),
            query=query,
            form=form,
            language=_language(query, cookies, scope),
            inner=self._desk.context.inner,
            clock=self._desk.context.clock,
            store_id=_allowed_store(store, scope.get("caller")),
        )

    def _check(self, page: Page, request: PageRequest) -> None:
        """Raise `Problem` 403 for a form of another site, and for a person without the right to the page."""
        doors, session = self._desk.doors, request.session
        if page.method == "POST":
            _check_origin(request.scope)
            if session is not None and doors is not None and doors.sessions is not None:
                headers = dict(request.scope["headers"])
                token = request.field("csrf_token") or headers.get(b"x-csrf-token", b"").decode("latin-1")
                if not doors.sessions.is_form_token(session, token):
                    raise Problem(403, "wrong_form", "this form is not of your session; open the page again")
        if page.scope and not request.may(page.scope):
            raise Problem(403, "missing_scope", f"this page needs the scope {page.scope}")

    def _set_cookies(self, response: Response, request: PageRequest) -> None:
        is_secure = request.scope.get("scheme") == "https"
        for name, key in ((LANGUAGE_COOKIE, "lang"), (STORE_COOKIE, "store")):
            if key in request.query:
                value = request.language if key == "lang" else (request.store_id or "")
                secure = "; Secure" if is_secure else ""
                cookie = f"{name}={_quoted(value)}; Path=/desk; Max-Age={YEAR_SECONDS}; SameSite=Lax{secure}"
                response.raw_headers.append((b"set-cookie", cookie.encode()))
        doors, session = self._desk.doors, request.session
        ends = any(name == b"set-cookie" and value.startswith(b"chehang_desk=") for name, value in response.raw_headers)
        if session is not None and doors is not None and doors.sessions is not None and not ends:
            renewed = doors.sessions.renewed(session)
            if renewed is not None:
                cookie_text = set_cookie(doors.sessions.text(renewed), is_secure=is_secure)
                response.raw_headers.append((b"set-cookie", cookie_text))


async def _show_log_in(request: PageRequest) -> View:
    return request.render(
        "frame/log_in.html",
        next=_own_path(request.query.get("next", "")),
        has_ended="ended" in request.query,
        has_logged_out="out" in request.query,
        error=None,
        idle_minutes=_desk(request).context.settings.desk_idle_minutes,
    )


async def _log_in(request: PageRequest) -> View | Response:
    desk = _desk(request)
    target = _own_path(request.field("next"))
    if desk.doors is None or desk.doors.sessions is None:
        return request.redirect("/desk")
    try:
        session, _ = await run_sync(desk.doors.log_in, request.scope, request.field("key"))
    except Problem as e:
        return request.render(
            "frame/log_in.html",
            status=e.status,
            next=target,
            has_ended=False,
            has_logged_out=False,
            error=e.code if e.code in ("invalid_key", "missing_scope", "too_many_failures") else "failed",
            idle_minutes=desk.context.settings.desk_idle_minutes,
        )
    response = request.redirect(target or "/desk")
    cookie = set_cookie(desk.doors.sessions.text(session), is_secure=request.scope.get("scheme") == "https")
    response.raw_headers.append((b"set-cookie", cookie))
    return response


async def _log_out(request: PageRequest) -> Response:
    desk, session = _desk(request), request.session
    response = request.redirect("/desk/log-in?out=1")
    if session is not None and desk.doors is not None and desk.doors.sessions is not None:
        try:
            await run_sync(desk.doors.sessions.end, session)
        except StoreUnavailable as e:
            log.error("a session could not be ended on other workers: %s", e)
    response.raw_headers.append((b"set-cookie", set_cookie("", is_secure=False, seconds=0)))
    return response


async def _show_nothing(request: PageRequest) -> View:
    raise Problem(404, "not_found", "there is no such page")


LOG_IN_FORM = Page("/desk/log-in", "", _show_log_in)
LOG_IN = Page("/desk/log-in", "", _log_in, "POST")
LOG_OUT = Page("/desk/log-out", "", _log_out, "POST")
NOTHING = Page("/desk/{path:path}", "", _show_nothing)


def _desk(request: PageRequest) -> Desk:
    desk: Desk = request.scope["desk"]
    return desk


def _check_origin(scope: Scope) -> None:
    headers = dict(scope["headers"])
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    host = headers.get(b"host", b"")
    is_foreign = site not in (None, b"same-origin", b"none")
    if is_foreign or (origin not in (None, b"null") and origin.partition(b"://")[2] != host):
        raise Problem(403, "wrong_form", "this form was sent by another site; open the page again")


def _own_path(path: str) -> str:
    """Return a path if it is one of the desk; else an empty text, so that nobody is sent to another site."""
    is_own = path == "/desk" or path.startswith(("/desk/", "/desk?"))
    return path if is_own and "\\" not in path and not any(c in path for c in "\r\n") else ""


def _language(query: Mapping[str, str], cookies: SimpleCookie, scope: Scope) -> Language:
    accepted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1").lower()
    for text in (query.get("lang"), _value(cookies, LANGUAGE_COOKIE), "en" if accepted.startswith("en") else "zh"):
        for language in LANGUAGES:
            if text == language:
                return language
    return "zh"


def _value(cookies: SimpleCookie, name: str) -> str | None:
    morsel = cookies.get(name)
    return None if morsel is None else _unquoted(morsel.value)


def _quoted(text: str) -> str:
    return urlencode({"": text})[1:]


def _unquoted(text: str) -> str:
    return dict(parse_qsl(f"v={text}", keep_blank_values=True)).get("v", "")


def _allowed_store(store: str | None, caller: Caller | None) -> str | None:
    """Return the chosen store if the person may see it; the only one of a person with a single store."""
    if caller is not None and caller.stores is not None:
        if store in caller.stores:
            return store
        return next(iter(caller.stores)) if len(caller.stores) == 1 else None
    return store or None


def _address(request: PageRequest, **changes: str) -> str:
    query = {k: v for k, v in request.query.items() if k != "notice"} | changes
    return f"{request.scope['path']}?{urlencode(query)}"


def _swagger_files() -> list[Path]:
    """Return the files of Swagger UI in the package that ships them; the package itself is not imported."""
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "static"
    return [folder / name for name in SWAGGER_FILES]


def _store_names(context: WorkContext) -> list[str]:
    """Return the stores of the tables, sorted."""
    names: set[str] = set()
    for table in ("leads", "applications", "sales", "stock", "vehicles"):
        names |= set(context.records.table(table)["store_id"].drop_nulls().unique().to_list())
    return sorted(names)

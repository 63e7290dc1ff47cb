"""Log-in, rights, forms, errors and static files of the desk, through the doors and the guard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from serving.api import build_app
from serving.asgi import App, Problem
from serving.desk.app import Desk
from serving.desk.page import Page, PageRequest, View
from serving.doors.key_store import KeyStore
from serving.doors.opening import open_doors
from serving.guard import Guard, routes_of
from serving.settings import Settings
from serving.shared_file import SharedFile, create_shared_file
from serving.work.entries import WorkEntries
from serving.work.inner import InnerRequests
from serving.work.records import no_records
from serving.work.routing import WorkContext
from tests.serving.in_process import Champions

PROBLEMS = {
    "changed": (409, "changed"),
    "missing": (404, "nothing"),
    "champion": (503, "no_champion"),
    "log": (503, "log_unavailable"),
    "store": (503, "feedback_unavailable"),
    "loading": (503, "records_loading"),
    "strange": (500, "strange"),
}


async def show(request: PageRequest) -> View:
    """Show the phone's page of areas."""
    return request.render("frame/more.html")


async def fail(request: PageRequest) -> View:
    """Raise the problem that the path names."""
    status, code = PROBLEMS[request.path["name"]]
    raise Problem(status, code, "text", [{"field": "term", "rule": "r", "message": "m"}] if code == "strange" else ())


async def write(request: PageRequest) -> Response:
    """Redirect, as after a form."""
    return request.redirect("/desk/more?x=1", notice="frame.log_in.out")


PAGES = (
    Page("/desk/more", "desk", show),
    Page("/desk/leads", "lead_scoring", show),
    Page("/desk/fail/{name}", "desk", fail),
    Page("/desk/write", "leads:write", write, "POST"),
)


class Browser:
    """Sends requests with cookies."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.cookies = httpx.Cookies()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return an answer, and keep its cookies; redirects are not followed."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, client=("127.0.0.1", 5))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://desk.example", cookies=self.cookies
            ) as client:
                response = await client.request(method, path, **options)
                self.cookies = client.cookies
                return response

        return asyncio.run(send())

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Return the answer of a GET."""
        return self.request("GET", path, headers={"accept": "text/html", **headers})

    def post(self, path: str, data: dict[str, str], **headers: str) -> httpx.Response:
        """Return the answer of a form."""
        return self.request("POST", path, data=data, headers={"origin": "http://desk.example", **headers})

    def log_in(self, key: str) -> httpx.Response:
        """Send a key."""
        return self.post("/desk/log-in", {"key": key, "next": "/desk/more"})

    def token(self) -> str:
        """Return the token of the session's forms, from a page."""
        page = self.get("/desk/more").text
        return page.partition('name="csrf_token" value="')[2].partition('"')[0]


class Office:
    """A desk with keys of several people."""

    def __init__(self, folder: Path) -> None:
        self.store = KeyStore(f"sqlite:///{folder}/keys.db")
        self.keys = {
            role: self.store.create(name, role, by="a test")[1]
            for role, name in (("sales", "陈佳"), ("planner", "周敏"), ("storefront", "shop"))
        }
        self.settings = Settings(
            key_store=f"sqlite:///{folder}/keys.db", feedback_store=f"sqlite:///{folder}/feedback.db"
        )
        create_shared_file(folder / "shared.bin")
        self.doors = open_doors(self.settings, SharedFile(folder / "shared.bin"), environment={})
        assert self.doors is not None
        self.doors._keys.refresh()
        self.app = self._guarded()

    def _guarded(self) -> App:
        store = Champions({})
        app = build_app(store, self.settings, [], doors=self.doors)
        entries: Any = WorkEntries
        context = WorkContext(no_records(), entries, InnerRequests(), store, self.settings)
        context.inner.app = app
        app.router.routes[:] = [r for r in app.router.routes if not getattr(r, "path", "").startswith("/desk")]
        app.router.routes.extend(Desk(context, self.doors, PAGES).routes())
        limits: dict[str, Any] = {"max_body_bytes": 10_000, "max_bulk_bytes": 10_000, "timeout_seconds": 5}
        guard: App = Guard(app, doors=self.doors, **limits, **routes_of(app))
        return guard

    def browser(self, role: str | None = None) -> Browser:
        """Return a browser, in which somebody has logged in."""
        browser = Browser(self.app)
        if role is not None:
            assert browser.log_in(self.keys[role]).status_code == 303
        return browser


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Return a desk."""
    office = Office(tmp_path)
    yield office
    office.store.close()


def test_a_key_opens_the_desk_and_the_page_that_was_asked_for(office: Office) -> None:
    """Without a session the log-in page remembers it; the cookie holds no key."""
    browser = office.browser()
    response = browser.get("/desk/more?x=1")
    assert (response.status_code, response.headers["location"]) == (303, "/desk/log-in?next=%2Fdesk%2Fmore%3Fx%3D1")
    form = browser.get(response.headers["location"]).text
    assert 'value="/desk/more?x=1"' in form
    answer = browser.log_in(office.keys["sales"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/more")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and office.keys["sales"] not in cookie
    page = browser.get("/desk/more?lang=zh")
    assert page.status_code == 200 and "陈佳" in page.text
    assert "unsafe" not in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/desk\\evil", "/v1/events", "/desks"])
def test_the_log_in_leads_to_pages_of_the_desk_only(office: Office, target: str) -> None:
    """Somebody who follows a link of an attacker stays here."""
    answer = office.browser().post("/desk/log-in", {"key": office.keys["sales"], "next": target})
    assert answer.headers["location"] == "/desk"


@pytest.mark.parametrize("key", ["", "chk_" + "a" * 43, "password"])
def test_a_wrong_key_is_refused_with_what_to_do(office: Office, key: str) -> None:
    """No cookie is set."""
    answer = office.browser().log_in(key)
    assert answer.status_code == 401
    assert "chehang_desk" not in answer.headers.get("set-cookie", "")


def test_the_key_of_a_system_does_not_open_the_desk(office: Office) -> None:
    """The storefront's key is for endpoints."""
    assert office.browser().log_in(office.keys["storefront"]).status_code == 403


def test_after_log_out_no_copy_of_the_cookie_opens_a_page(office: Office) -> None:
    """Somebody who has copied it is refused on every worker."""
    browser = office.browser("sales")
    copy = Browser(office.app)
    copy.cookies = httpx.Cookies(browser.cookies)
    assert copy.get("/desk/more").status_code == 200
    assert browser.post("/desk/log-out", {"csrf_token": browser.token()}).status_code == 303
    assert copy.get("/desk/more").headers["location"].startswith("/desk/log-in?ended=1")


def test_revoking_a_key_ends_its_sessions(office: Office) -> None:
    """The next page asks for another key."""
    browser = office.browser("sales")
    office.store.revoke(["陈佳"], by="a test")
    office.doors._keys.refresh()  # type: ignore[union-attr]
    assert browser.get("/desk/more").status_code == 303


def test_the_cookie_opens_no_endpoint(office: Office) -> None:
    """Endpoints need the key itself."""
    browser = office.browser("sales")
    cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    assert browser.request("GET", "/v1/work_entries", headers=cookie).status_code == 401


def test_a_page_of_another_role_says_who_may_open_it(office: Office) -> None:
    """Planners have no leads."""
    answer = office.browser("planner").get("/desk/leads?lang=en")
    assert answer.status_code == 403
    assert "Sales" in answer.text and "Finance officer" not in answer.text


@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [
        ("own", {}, 303),
        ("", {}, 403),
        ("0" * 64, {}, 403),
        ("own", {"origin": "https://evil.example"}, 403),
        ("own", {"sec-fetch-site": "cross-site"}, 403),
        ("own", {"sec-fetch-site": "same-origin"}, 303),
    ],
)
def test_forms_of_other_sites_change_nothing(office: Office, token: str, headers: dict[str, str], status: int) -> None:
    """A form needs the token of the session, and comes from a page of the desk."""
    browser = office.browser("sales")
    data = {"csrf_token": browser.token() if token == "own" else token}
    assert browser.post("/desk/write", data, **headers).status_code == status


def test_a_script_sends_the_token_as_a_header_and_follows_a_redirect(office: Office) -> None:
    """htmx reads the address from a header."""
    browser = office.browser("sales")
    headers = {"x-csrf-token": browser.token(), "hx-request": "true"}
    answer = browser.post("/desk/write", {}, **headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/desk/more?x=1&notice=frame.log_in.out")


def test_a_script_with_an_ended_session_is_led_to_the_log_in(office: Office) -> None:
    """htmx would otherwise show the log-in page inside the table."""
    answer = office.browser().get("/desk/more", **{"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (200, "/desk/log-in")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_every_error_is_a_page_that_says_what_to_do(office: Office, name: str, language: str) -> None:
    """With the status of the problem, one heading, a way back, and the number of the request."""
    answer = office.browser("sales").get(f"/desk/fail/{name}?lang={language}")
    assert answer.status_code == PROBLEMS[name][0]
    assert answer.text.count("<h1>") == 1
    assert 'href="/desk"' in answer.text
    assert answer.headers["x-request-id"] in answer.text


def test_an_error_of_a_part_is_a_part(office: Office) -> None:
    """It replaces the table, and not the page."""
    answer = office.browser("sales").get("/desk/fail/changed", **{"hx-request": "true"})
    assert "<html" not in answer.text and 'role="alert"' in answer.text


def test_a_path_that_does_not_exist_is_a_page_too(office: Office) -> None:
    """It keeps the navigation."""
    answer = office.browser("sales").get("/desk/nothing/at/all")
    assert answer.status_code == 404 and 'class="rail"' in answer.text


def test_the_language_is_remembered(office: Office) -> None:
    """By a cookie; before that the browser decides."""
    browser = office.browser("sales")
    assert 'lang="en"' in browser.get("/desk/more", **{"accept-language": "en-GB"}).text
    assert 'lang="zh-CN"' in browser.get("/desk/more?lang=zh").text
    assert '<html lang="zh-CN">' in browser.get("/desk/more", **{"accept-language": "en-GB"}).text


def test_static_files_are_kept_by_browsers_until_they_change(office: Office) -> None:
    """Their address has a digest of the content; there is no other file."""
    browser = office.browser()
    page = browser.get("/desk/log-in").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = browser.get(address)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert browser.get(address, **{"if-none-match": answer.headers["etag"]}).status_code == 304
    for path in ("app.py", "..%2fapp.py", "htmx.LICENSE"):
        assert browser.get(f"/desk/static/{path}").status_code in (303, 404)


def test_without_doors_nobody_logs_in(tmp_path: Path) -> None:
    """On loopback with `doors: false`, forms of other sites are still refused."""
    settings = Settings(doors=False, feedback_store=f"sqlite:///{tmp_path}/feedback.db")
    app = build_app(Champions({}), settings, [])
    guard = Guard(app, max_body_bytes=10_000, max_bulk_bytes=10_000, timeout_seconds=5, **routes_of(app))
    browser = Browser(guard)
    assert browser.get("/desk/more").status_code == 200
    assert browser.get("/").headers["location"] == "/desk"
    assert browser.get("/docs").headers["location"] == "/desk/docs"
    answer = browser.post("/desk/log-out", {}, **{"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403

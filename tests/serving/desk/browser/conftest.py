"""A served dealer group, and browsers in which people of each role have logged in.

All browser tests of a run share one server, and run in one worker (`desk` is a fixture of one process).
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.conftest import ROOT, made_once, shared_folder
from tests.serving.desk.browser.home import make_home, make_keys
from tests.serving.running import serving, until

Language = Literal["zh", "en"]
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SCREENSHOTS = Path(os.environ.get("CHEHANG_SCREENSHOTS", ROOT / "var" / "screenshots"))
HEIGHTS = {390: 844, 1024: 768, 1280: 720, 1366: 768, 1440: 1000, 1920: 1080}
LOG_KEYS = f"test:{base64.b64encode(bytes(range(32))).decode()}"


@dataclass(frozen=True)
class Desk:
    """A served desk: its address, home folder, and a key of each role."""

    url: str
    home: Path
    keys: dict[str, str]


@dataclass
class Session:
    """A page in which somebody has logged in, and what went wrong in it so far."""

    page: Page
    role: str
    language: Language
    width: int
    problems: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a path of the desk."""
        self.page.goto(path, wait_until="load")
        return self.page


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Yield a desk on a copy of a home that is made once per run."""
    original = Path(os.environ.get("CHEHANG_DESK_HOME", shared_folder(tmp_path_factory) / "desk_home"))
    if "CHEHANG_DESK_HOME" not in os.environ:
        with made_once(original) as missing:
            if missing:
                shutil.rmtree(original, ignore_errors=True)
                make_home(original)
    folder = tmp_path_factory.mktemp("desk")
    home = folder / "home"
    shutil.copytree(original, home)
    keys = make_keys(home)
    with serving(home, folder / "server.log", CHEHANG_LOG_KEYS=LOG_KEYS) as server:
        # Until the tables are read, every page says so with status 503, which a browser logs as an error.
        until(lambda: server.client.get("/v1/today").status_code != 503, seconds=120)
        yield Desk(server.url, home, keys)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(OPTIONS))
        yield chromium
        chromium.close()


@pytest.fixture
def page_of(desk: Desk, browser: Browser) -> Iterator[Callable[..., Session]]:
    """Yield a function that logs somebody in: ``page_of("sales", "zh", 390)`` returns a `Session`."""
    contexts = []

    def log_in(role: str, language: Language = "zh", width: int = 1440) -> Session:
        context = browser.new_context(
            base_url=desk.url,
            viewport={"width": width, "height": HEIGHTS[width]},
            locale="zh-CN" if language == "zh" else "en-GB",
            timezone_id="Asia/Shanghai",
            has_touch=width < 720,
            is_mobile=width < 720,
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        session = Session(page, role, language, width)
        page.on("console", lambda message: _note(session, message))
        page.on("pageerror", lambda error: session.problems.append(f"error: {error}"))
        page.goto(f"/desk/log-in?lang={language}")
        page.locator("input[name=key]").fill(desk.keys[role])
        page.locator("main button[type=submit]").click()
        expect(page).not_to_have_url(f"{desk.url}/desk/log-in")
        return session

    yield log_in
    for context in contexts:
        context.close()


@pytest.fixture
def check_page() -> Callable[[Session, str], None]:
    """Return a function that checks what a page must be in every state, and keeps its screenshot under a name."""
    return _check


def _note(session: Session, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning"):
        session.problems.append(f"{message.type}: {message.text} ({message.location})")


def _check(session: Session, name: str) -> None:
    page = session.page
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.{session.language}.{session.width}.png"
    page.screenshot(path=path, full_page=True)
    assert session.problems == [], name
    assert page.locator("h1").count() == 1, f"{name}: a page has one heading of the first level"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name}: the page is {wide} px wider than the screen"
    assert page.locator("html").get_attribute("lang") == {"zh": "zh-CN", "en": "en"}[session.language]
    violations = [
        _violation(v) for v in Axe().run(page).response["violations"] if v["impact"] in ("serious", "critical")
    ]
    assert violations == [], name


def _violation(violation: dict[str, Any]) -> str:
    nodes = [node["html"][:160] for node in violation["nodes"][:3]]
    return f"{violation['id']}: {violation['help']}: {nodes}"

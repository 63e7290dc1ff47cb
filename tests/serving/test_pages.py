"""The pages in a real browser: without a key they ask for it, with one they show what it opens."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.running import DEVELOPMENT_KEY, Server

pytestmark = pytest.mark.browser
SEED = "<script>sessionStorage.setItem('chehang-key','{key}');location.replace('{path}')</script>"
FORWARDED = ("authorization", "accept", "content-type")
OPTIONS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"


@pytest.fixture
def origin(server: Server) -> Iterator[str]:
    """Return the URL of a proxy of the server; its path /seed stores a key in the browser, as if it had been typed."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/seed"):
                key, _, path = self.path.removeprefix("/seed/").partition("/")
                return self._send(200, {"content-type": "text/html"}, SEED.format(key=key, path=f"/{path}").encode())
            headers = {name: value for name in FORWARDED if (value := self.headers.get(name))}
            answer = httpx.get(server.url + self.path, headers=headers, timeout=20)
            names = ("content-type", "content-security-policy", "www-authenticate")
            self._send(answer.status_code, {n: answer.headers[n] for n in names if n in answer.headers}, answer.content)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in (headers | {"content-length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{proxy.server_address[1]}"
    proxy.shutdown()
    proxy.server_close()


def _page(url: str, folder: Path) -> str:
    command = ["chromium", *OPTIONS.split(), f"--user-data-dir={folder}", "--virtual-time-budget=8000", "--dump-dom"]
    return subprocess.run([*command, url], capture_output=True, text=True, timeout=90, check=False).stdout


def test_the_docs_page_shows_the_fields_to_a_key_that_opens_it(origin: str, tmp_path: Path) -> None:
    page = _page(f"{origin}/seed/{DEVELOPMENT_KEY}/docs", tmp_path)
    assert "loan_amount" in page and "接口文档" in page
    assert page.count("in yuan") >= 4, "optional amounts say their unit too"


def test_the_start_page_lists_the_champions(origin: str, tmp_path: Path) -> None:
    page = _page(f"{origin}/seed/{DEVELOPMENT_KEY}/", tmp_path)
    assert "已上线模型 champion: version 1" in page and "API key" not in page


@pytest.mark.parametrize("path", ["/docs", "/seed/chk_wrong/docs"])
def test_without_a_valid_key_the_page_asks_for_one(origin: str, tmp_path: Path, path: str) -> None:
    page = _page(origin + path, tmp_path)
    assert "API key 密钥" in page and "loan_amount" not in page
    assert ("This key is not valid" in page.split("<script>")[0]) == path.startswith("/seed")

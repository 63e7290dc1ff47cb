"""Every route, every role: a real server with two workers answers as the table of roles says."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.doors.key_store import KeyStore
from serving.doors.roles import OPEN_PATHS, ROLES, required_scope
from tests.commands import chehang
from tests.serving.doors.issuer import AUDIENCE, Issuer, issuing
from tests.serving.running import Server, serving, until

PAGES = [("GET", "/openapi.json")]
QUICK = {"rate_per_second": 100_000.0, "burst": 100_000}
Request = tuple[str, str, Any]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """Return a running issuer of tokens."""
    with issuing() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def shop(dealership: Path, configs: Path, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a server with two workers and stores of its own."""
    folder = tmp_path_factory.mktemp("access")
    own = {f"CHEHANG_{n.upper()}_STORE": f"sqlite:///{folder}/{n}s.db" for n in ("key", "decision")}
    own |= {"CHEHANG_FEEDBACK_STORE": f"sqlite:///{folder}/feedback.db", "CHEHANG_CONFIGS": str(configs)}
    own |= {"CHEHANG_JWT_ISSUER": issuer.url, "CHEHANG_JWT_AUDIENCE": AUDIENCE, "CHEHANG_WORKERS": "2"}
    own |= {"CHEHANG_CORS_ORIGINS": "https://shop.example"}
    with serving(dealership, folder / "server.log", **own) as server:
        until(lambda: server.metric("chehang_model_swaps_total") >= 12)
        yield server


@pytest.fixture(scope="module")
def store(shop: Server) -> Iterator[KeyStore]:
    """Return the server's store of keys."""
    store = KeyStore(f"sqlite:///{shop.log.parent}/keys.db")
    yield store
    store.close()


@pytest.fixture(scope="module")
def requests(shop: Server) -> list[Request]:
    """Return a request for each operation of the OpenAPI document, with its example as body, and for the pages."""
    document = shop.client.get("/openapi.json").json()
    requests: list[Request] = [(method, path, None) for method, path in PAGES]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            body = next(iter(content.values()), {}).get("example")
            requests.append((method.upper(), path.replace("{", "").replace("}", ""), body))
    return requests


def _status(shop: Server, request: Request, key: str | None, **headers: str) -> tuple[int, str]:
    """Return status and error code, on a new connection, so that either worker may answer."""
    method, path, body = request
    sent = headers | ({} if key is None else {"authorization": f"Bearer {key}"})
    answer = httpx.request(method, shop.url + path, json=body, headers=sent, timeout=20)
    is_error = answer.status_code >= 400 and answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["error"]["code"] if is_error else ""


def test_every_route_answers_every_role_as_the_table_says(
    shop: Server, store: KeyStore, requests: list[Request]
) -> None:
    keys = {role: store.create(role, role, by="a test", **QUICK)[1] for role in ROLES}  # type: ignore[arg-type]
    time.sleep(1.5)  # both workers have read them
    assert len(requests) > 40
    failures = []
    for request in requests:
        method, path, _ = request
        scope = required_scope(method, path)
        for role, key in keys.items():
            status, code = _status(shop, request, key)
            may = path in OPEN_PATHS or scope in ROLES[role]
            expected = code not in ("missing_scope", "no_key", "invalid_key") and status != 401
            if not may:
                expected = (status, code) == (403, "missing_scope")
            if not expected:
                failures.append((method, path, role, status, code))
            if may and status >= 500:
                failures.append((method, path, role, status, code))
    assert failures == []


def test_without_a_valid_key_every_route_but_probes_is_401(
    shop: Server, store: KeyStore, requests: list[Request]
) -> None:
    revoked, revoked_text = store.create("revoked", "admin", by="a test")
    _, expired = store.create("expired", "admin", by="a test", lifetime=1)
    store.revoke([revoked.key_id], by="a test")
    time.sleep(2.5)
    others: list[Request] = [("GET", "/nothing", None), ("GET", "/v1/nothing", None), ("POST", "/v1/credit_risk.x", {})]
    for request in [*requests, *others]:
        if request[1] in OPEN_PATHS:
            assert _status(shop, request, None)[0] == 200
            continue
        for key in (None, revoked_text, expired, "chk_" + "x" * 43):
            status, code = _status(shop, request, key)
            assert (status, code) in ((401, "no_key"), (401, "invalid_key"), (429, "too_many_failures")), request
    log = shop.log.read_text()
    assert not any(text in log for text in (revoked_text, expired))


def test_a_key_of_another_store_is_403_wherever_a_request_names_one(
    shop: Server, store: KeyStore, requests: list[Request]
) -> None:
    stores = sorted(_stores_in([body for _, _, body in requests]))
    assert stores
    _, own = store.create("own", "admin", by="a test", stores=stores, **QUICK)  # type: ignore[arg-type]
    _, other = store.create("other", "admin", by="a test", stores=["S-none"], **QUICK)  # type: ignore[arg-type]
    time.sleep(1.5)
    refused = set()
    for request in requests:
        if request[0] != "POST" or not _stores_in(request[2]):
            continue
        status, code = _status(shop, request, other)
        assert (status, code) == (403, "wrong_store"), request[1]
        assert _status(shop, request, own)[1] not in ("wrong_store", "store_required"), request[1]
        refused.add(request[1])
    assert {"/v1/demand_forecast", "/v1/demand_forecast/orders", "/v1/recommendation"} <= refused


def _stores_in(body: Any) -> set[str]:
    """Return all values of fields with stores, at any depth."""
    if isinstance(body, list):
        return set().union(*map(_stores_in, body))
    if not isinstance(body, dict):
        return set()
    values = [body.get(name) or [] for name in ("store_id", "stores")]
    own = {store for value in values for store in ([value] if isinstance(value, str) else value)}
    return own.union(*map(_stores_in, body.values()))


def test_a_revocation_reaches_every_worker_within_two_seconds(shop: Server) -> None:
    url = f"sqlite:///{shop.log.parent}/keys.db"
    created = chehang("keys", "create", "gone", "--role", "admin", "--json", home=shop.home, CHEHANG_KEY_STORE=url)
    key = json.loads(created.stdout)
    request: Request = ("GET", "/v1/loans/schedule/example", None)
    time.sleep(1.5)
    assert {_status(shop, request, key["key"])[0] for _ in range(20)} == {200}
    chehang("keys", "revoke", key["key_id"], home=shop.home, CHEHANG_KEY_STORE=url)
    time.sleep(2)
    assert {_status(shop, request, key["key"])[0] for _ in range(20)} <= {401, 429}


def test_the_rate_of_a_key_holds_for_both_workers_together(shop: Server, store: KeyStore) -> None:
    _, key = store.create("slow", "admin", by="a test", rate_per_second=0.001, burst=25)
    time.sleep(1.5)
    statuses = [_status(shop, ("GET", "/openapi.json", None), key)[0] for _ in range(60)]
    assert statuses.count(200) == 25 and statuses.count(429) == 35
    answer = httpx.get(f"{shop.url}/openapi.json", headers={"authorization": f"Bearer {key}"})
    assert 900 < int(answer.headers["retry-after"]) <= 1_000


def test_a_token_of_the_issuer_is_accepted_by_both_workers(shop: Server, issuer: Issuer) -> None:
    token = issuer.token(role=["planner"]).decode()
    planning: Request = ("GET", "/v1/demand_forecast/example", None)
    until(lambda: _status(shop, planning, token)[0] == 200)
    assert {_status(shop, planning, token)[0] for _ in range(20)} == {200}
    assert _status(shop, ("GET", "/v1/credit_risk/example", None), token) == (403, "missing_scope")


def test_a_browser_of_an_allowed_origin_may_ask_and_a_preflight_reveals_nothing(shop: Server) -> None:
    origin = {"origin": "https://shop.example", "access-control-request-method": "POST"}
    answers = [httpx.request("OPTIONS", shop.url + path, headers=origin) for path in ("/v1/loans/offers", "/nothing")]
    assert {a.status_code for a in answers} == {204}
    assert {a.headers["access-control-allow-origin"] for a in answers} == {"https://shop.example"}
    assert (
        httpx.get(f"{shop.url}/openapi.json", headers=origin).headers["access-control-allow-origin"] == origin["origin"]
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/%68ealthz", 200),
        ("//healthz", 401),
        ("/healthz/%2e%2e/metrics", 401),
        ("/healthz/../metrics", 401),
        ("/healthz%00", 401),
        ("/healthz;x=1", 401),
        ("/v1/credit_risk%2fexample", 401),
        ("/metrics?healthz", 401),
    ],
)
def test_no_spelling_of_a_path_leads_past_the_doors(shop: Server, path: str, status: int) -> None:
    for method in ("GET", "HEAD"):
        connection = http.client.HTTPConnection(shop.url.removeprefix("http://"), timeout=10)
        connection.request(method, path)  # sent as it is written
        assert connection.getresponse().status in ((status,) if status == 200 else (status, 429, 400))
        connection.close()

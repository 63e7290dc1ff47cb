"""The doors without a server: how a key is sent, what it may do, and how often."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from serving.asgi import Problem
from serving.doors import admission
from serving.doors.admission import Admission
from serving.doors.caller import Caller
from serving.doors.key_ring import NANOSECONDS, Entry, KeyRing, Limit
from serving.doors.key_store import KeyStore
from serving.doors.key_texts import digest_of
from serving.doors.roles import ROLES
from serving.shared_file import SharedFile
from tests.serving.running import DEVELOPMENT_KEY

Pairs = Sequence[tuple[str, str]]


class Gate:
    """Doors with one key of the role `sales`, a development key, and a clock that stands still."""

    def __init__(self, folder: Path) -> None:
        self.store = KeyStore(f"sqlite:///{folder}/keys.db")
        _, self.key = self.store.create("desk", "sales", by="li.wei", stores=["S1"])
        caller = Caller("development", "development", "admin", ROLES["admin"], None)
        own = {digest_of(DEVELOPMENT_KEY.encode()): Entry(caller, Limit(0, 0), tag=1, is_local=True)}
        self.ring = KeyRing(f"sqlite:///{folder}/keys.db", limit=Limit(NANOSECONDS, 3), grace_seconds=9, fixed=own)
        self.ring.refresh()
        self.doors = Admission(self.ring, None, SharedFile(folder / "shared.bin"))

    def admit(
        self,
        path: str = "/v1/lead_scoring",
        headers: Pairs = (),
        *,
        method: str = "POST",
        query: str = "",
        client: str = "10.0.0.7",
        server: str = "127.0.0.1",
    ) -> Caller | None:
        """Ask the doors."""
        pairs = [(name.encode(), value.encode()) for name, value in headers]
        scope: dict[str, Any] = {"method": method, "path": path, "query_string": query.encode(), "headers": pairs}
        return self.doors.admit({**scope, "client": (client, 5), "server": (server, 80)}, dict(pairs))

    def refusal(self, *arguments: Any, **options: Any) -> Problem:
        """Return the problem of a request that is refused."""
        with pytest.raises(Problem) as refusal:
            self.admit(*arguments, **options)
        return refusal.value


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Return doors at a fixed time."""
    gate = Gate(tmp_path)
    now = admission.time.monotonic_ns()
    monkeypatch.setattr(admission.time, "monotonic_ns", lambda: now)
    yield gate
    gate.store.close()


def _bearer(key: str) -> Pairs:
    return [("authorization", f"Bearer {key}")]


@pytest.mark.parametrize("kind", ["Bearer ", "bearer ", "BEARER ", "Bearer  "])
def test_a_key_is_sent_as_a_bearer_token(gate: Gate, kind: str) -> None:
    caller = gate.admit(headers=[("authorization", f"{kind}{gate.key}")])
    assert caller is not None and (caller.name, caller.role, caller.stores) == ("desk", "sales", {"S1"})


def test_a_key_is_sent_as_x_api_key(gate: Gate) -> None:
    caller = gate.admit(headers=[("x-api-key", gate.key), ("accept", "*/*")])
    assert caller is not None and caller.name == "desk"


def test_two_keys_are_refused_even_if_they_are_equal(gate: Gate) -> None:
    for more in (("x-api-key", gate.key), ("authorization", "Bearer x"), *_bearer(gate.key)):
        problem = gate.refusal(headers=[*_bearer(gate.key), more])
        assert (problem.status, problem.code) == (400, "several_keys")
    assert gate.refusal(headers=[("x-api-key", gate.key)] * 2).code == "several_keys"
    assert gate.admit(headers=[*_bearer(gate.key), ("accept", "a"), ("accept", "b")]) is not None


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "chk_x", "Bearer chk_x y"])
def test_another_authorization_is_401(gate: Gate, authorization: str) -> None:
    problem = gate.refusal(headers=[("authorization", authorization)])
    assert problem.status == 401 and problem.code in ("no_key", "invalid_key")
    assert dict(problem.headers)[b"www-authenticate"].startswith(b'Bearer realm="chehang"')


def test_unknown_revoked_and_expired_keys_have_the_same_answer(gate: Gate) -> None:
    key, expiring = gate.store.create("short", "sales", by="li.wei", lifetime=60)
    gate.ring.refresh()
    assert gate.admit(headers=_bearer(expiring)) is not None
    entry = gate.ring.entry(digest_of(expiring.encode()))
    assert entry is not None
    entry.deadline = admission.time.monotonic_ns()
    gate.store.revoke(["desk"], by="li.wei")
    problems = [gate.refusal(headers=_bearer(expiring)), gate.refusal(headers=_bearer("chk_" + "x" * 43))]
    gate.ring.refresh()
    problems.append(gate.refusal(headers=_bearer(gate.key)))
    assert {(p.status, p.code, p.message) for p in problems} == {(401, "invalid_key", problems[0].message)}
    assert key.key_id not in problems[0].message


def test_probes_need_no_key_and_nothing_else_is_open(gate: Gate) -> None:
    assert gate.admit("/healthz", method="GET") is None and gate.admit("/readyz", method="HEAD") is None
    for path in ("/healthz/", "//healthz", "/healthz/../metrics", "/HEALTHZ", "/readyz.json", "", "/nothing", "*"):
        for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE", "TRACE"):
            problem = gate.refusal(path, method=method)
            assert (problem.status, problem.code) in ((401, "no_key"), (429, "too_many_failures"))


def test_a_role_opens_its_paths_alone_and_an_unknown_path_is_for_the_router(gate: Gate) -> None:
    _, key = gate.store.create("quick", "sales", by="li.wei", rate_per_second=1_000, burst=1_000)
    gate.ring.refresh()
    for path, method in (("/v1/lead_scoring/queue", "POST"), ("/v1/loans/offers", "POST"), ("/openapi.json", "GET")):
        assert gate.admit(path, _bearer(key), method=method) is not None
    for path in ("/v1/credit_risk", "/v1/credit_risk.north", "/metrics", "/v1/decisions/d_1", "/v1/stock"):
        problem = gate.refusal(path, _bearer(key))
        assert (problem.status, problem.code) == (403, "missing_scope") and "role sales" in problem.message
    assert gate.admit("/v1/nothing", _bearer(key)) is not None


def test_a_key_in_the_url_is_refused_and_never_repeated(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for path, query in (("/v1/lead_scoring", f"key={gate.key}"), (f"/v1/{gate.key}", "")):
        problem = gate.refusal(path, _bearer(gate.key), query=query)
        assert (problem.status, problem.code) == (400, "key_in_url") and gate.key not in problem.message
    assert gate.key not in caplog.text


def test_the_rate_of_a_key_holds_and_says_when_to_come_back(gate: Gate) -> None:
    for _ in range(3):
        gate.admit(headers=_bearer(gate.key))
    problem = gate.refusal(headers=_bearer(gate.key))
    assert (problem.status, problem.code, dict(problem.headers)) == (429, "too_many_requests", {b"retry-after": b"1"})
    assert problem.message == "this key may send 1 requests a second, 3 at once; wait 1 s"
    assert gate.admit(headers=_bearer(DEVELOPMENT_KEY)) is not None, "other keys are not affected"


def test_failed_attempts_of_an_address_are_limited_and_do_not_lock_out_a_valid_key(gate: Gate) -> None:
    codes = [gate.refusal(headers=_bearer(f"chk_{n:043}")).code for n in range(40)]
    assert codes == ["invalid_key"] * 30 + ["too_many_failures"] * 10
    assert dict(gate.refusal().headers) == {b"retry-after": b"2"}
    assert gate.admit(headers=_bearer(gate.key)) is not None
    assert gate.refusal(client="10.0.0.8").code == "no_key"
    assert [gate.refusal(client=f"2001:db8::{n:x}").code for n in range(31)][-1] == "too_many_failures", "one network"
    assert gate.refusal(client="2001:db8:0:1::1").code == "no_key"


def test_the_development_key_holds_on_loopback_addresses_only(gate: Gate) -> None:
    assert gate.admit("/metrics", _bearer(DEVELOPMENT_KEY), server="::1") is not None
    for server in ("10.0.0.1", "192.168.1.5", "", "server"):
        assert gate.refusal("/metrics", _bearer(DEVELOPMENT_KEY), server=server).code == "invalid_key"


def test_a_browser_is_led_to_the_log_in_of_the_desk_and_nowhere_else(gate: Gate) -> None:
    html = [("accept", "text/html,*/*")]
    problem = gate.refusal("/desk/leads", html, method="GET")
    assert (problem.status, dict(problem.headers)[b"location"]) == (303, b"/desk/log-in?next=%2Fdesk%2Fleads")
    assert gate.refusal("/openapi.json", html, method="GET").code == "no_key"
    assert gate.admit("/docs", html) is None and gate.admit("/desk/log-in", html) is None


def test_use_is_noted(gate: Gate) -> None:
    gate.admit(headers=_bearer(gate.key))
    gate.ring.stop()
    assert gate.store.all_keys()[0].last_used_at is not None

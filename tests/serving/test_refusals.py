"""Refused requests: 4xx responses in one format, with the field and without its value."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import pytest

from tests.serving.running import JSON, PATH, Server


def _problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error, and check its format."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json" and answer.headers["x-request-id"]
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details"} and error["code"] and error["message"]
    assert all(set(d) == {"field", "rule", "message"} for d in error["details"])
    return dict(error)


def _with(example: dict[str, Any], field: str, text: str) -> bytes:
    """Return the example with one field replaced by JSON text, which Python may not be able to write."""
    return json.dumps({**example, field: "@"}).replace('"@"', text).encode()


WRONG_FIELDS = [
    ("nonsense", "1"),
    ("13812345678", '"Li Lei"'),
    ("loan_amount", '"many"'),
    ("loan_amount", "-5"),
    ("loan_amount", "null"),
    ("loan_amount", "true"),
    ("loan_amount", "[120000]"),
    ("loan_amount", '{"yuan": 120000}'),
    ("loan_amount", "NaN"),
    ("loan_amount", "Infinity"),
    ("loan_amount", "-Infinity"),
    ("loan_amount", "1e999"),
    ("loan_amount", "1e300"),
    ("loan_amount", "1" + "0" * 400),
    ("showroom_visits", "1e999"),
    ("showroom_visits", "1" + "0" * 400),
    ("showroom_visits", "[" * 3 + "]" * 3),
    ("term_months", "12.5"),
    ("term_months", "1" + "0" * 30),
    ("term_months", '"36"'),
    ("housing", '"castle-91"'),
    ("housing", "7"),
    ("application_id", "7"),
    ("submitted_at", '"2026-02-31T00:00:00Z"'),
    ("submitted_at", '"2026-01-01T00:00:00"'),
]


@pytest.mark.parametrize(("field", "text"), WRONG_FIELDS)
def test_a_wrong_field_is_named_and_its_value_is_not_repeated(
    server: Server, example: dict[str, Any], field: str, text: str
) -> None:
    body = _with(example, field, text)
    for path, content, place in (
        (PATH, body, field),
        (f"{PATH}?explain=false", body, field),
        (f"{PATH}/batch", b'{"items": [%b]}' % body, f"items.0.{field}"),
    ):
        answer = server.client.post(path, content=content, headers=JSON)
        error = _problem(answer, 422)
        assert [d["field"] for d in error["details"]] == [place] and error["message"].startswith(place)
        for value in ("many", "castle-91", "Li Lei", "120000", "2026-02-31"):
            assert value not in answer.text


NO_REQUESTS = [
    b"",
    b"[]",
    b"null",
    b"{}",
    b"{",
    b'"x"',
    b"1",
    b"\xff\xfe",
    b'{"loan_amount": "\xff"}',
    b"\xef\xbb\xbf{}",
    b"[" * 5_000,
    b'{"a":' * 5_000,
    b"[" * 5_000 + b"]" * 5_000,
    b'{"loan_amount": 1' + b"0" * 5_000 + b"}",
    b'{"items": []}',
    b'{"items": {}}',
    b'{"items": [[]]}',
    b'{"items": [null]}',
    b'{"items": [{}], "more": 1}',
    b"{'items': []}",
]


@pytest.mark.parametrize("body", NO_REQUESTS, ids=lambda b: repr(b[:20]))
def test_a_body_that_is_no_request_is_422(client: httpx.Client, body: bytes) -> None:
    for path in (PATH, f"{PATH}/batch"):
        assert _problem(client.post(path, content=body, headers=JSON), 422)["details"]


def test_a_field_given_twice_is_refused_and_commas_in_texts_are_not(
    client: httpx.Client, example: dict[str, Any]
) -> None:
    one = json.dumps({**example, "application_id": "a, b, c"}, ensure_ascii=False).encode()
    twice = one[:-1] + b', "term_months": 12}'
    assert client.post(PATH, content=one, headers=JSON).json()["application_id"] == "a, b, c"
    for path, body, field in (
        (PATH, twice, "term_months"),
        (f"{PATH}/batch", b'{"items": [%b, %b]}' % (one, twice), "term_months"),
        (f"{PATH}/batch", b'{"items": [%b], "items": [%b]}' % (one, one), "items"),
    ):
        details = _problem(client.post(path, content=body, headers=JSON), 422)["details"]
        assert [(d["field"], d["rule"]) for d in details] == [(field, "repeated")]


def test_a_body_over_the_cap_and_a_batch_over_its_rows(client: httpx.Client, example: dict[str, Any]) -> None:
    for path, size in ((PATH, 500_001), (f"{PATH}/batch", 4_000_001)):
        assert _problem(client.post(path, content=b" " * 2 * size, headers=JSON), 413)["code"] == "too_large"
        assert _problem(client.post(path, content=iter([b" " * size] * 2), headers=JSON), 413)["code"] == "too_large"
    error = _problem(client.post(f"{PATH}/batch", json={"items": [example] * 1_001}), 422)
    assert error["message"].startswith("items: ") and "at most 1,000 items, not 1,001" in error["message"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_only_json_is_read(client: httpx.Client, kind: str) -> None:
    _problem(client.post(PATH, content=b"{}", headers={"content-type": kind}), 415)


@pytest.mark.parametrize("query", ["explain=perhaps", "explain=", "explain=%ff"])
def test_explain_is_true_or_false(client: httpx.Client, example: dict[str, Any], query: str) -> None:
    for path in (PATH, f"{PATH}/batch"):
        details = _problem(client.post(f"{path}?{query}", json=example), 422)["details"]
        assert [d["field"] for d in details] == ["explain"]


@pytest.mark.parametrize("path", ["/nope", f"{PATH}/", f"/{PATH}", "/v1/credit_risk%ff", "/v1/credit%20risk", "/docs/"])
def test_a_path_that_does_not_exist(server: Server, path: str) -> None:
    for method in ("GET", "POST"):
        assert _problem(server.client.request(method, server.url + path), 404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", PATH, {"POST"}),
        ("PUT", PATH, {"POST"}),
        ("DELETE", f"{PATH}/batch", {"POST"}),
        ("OPTIONS", PATH, {"POST"}),
        ("POST", f"{PATH}/example", {"GET", "HEAD"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("PATCH", "/", {"GET", "HEAD"}),
    ],
)
def test_the_error_of_a_wrong_method_lists_the_methods(
    client: httpx.Client, method: str, path: str, allowed: set[str]
) -> None:
    answer = client.request(method, path)
    assert _problem(answer, 405)["code"] == "wrong_method"
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_head_has_no_body(client: httpx.Client) -> None:
    assert (client.head(PATH).status_code, client.head(PATH).content) == (405, b"")
    assert (client.head("/healthz").status_code, client.head("/healthz").content) == (200, b"")


def test_nothing_that_was_refused_is_in_the_log(server: Server, example: dict[str, Any]) -> None:
    bad = {**example, "monthly_income": "38191.27 as he said", "application_id": 7, "phone": "13812345678"}
    answer = server.client.post(PATH, json=bad)
    assert {d["field"] for d in _problem(answer, 422)["details"]} == {"monthly_income", "application_id", "phone"}
    output = answer.text + server.log.read_text()
    assert "38191" not in output and "13812345678" not in output


def test_a_caller_who_hangs_up_does_no_harm(server: Server) -> None:
    begun = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{{"
    for sent in (begun, "nonsense\r\n\r\n", ""):
        with socket.create_connection((server.client.base_url.host, server.client.base_url.port or 80)) as s:
            s.sendall(sent.encode())
    assert server.answer()["model_version"] == 1
    assert "Traceback" not in server.log.read_text()

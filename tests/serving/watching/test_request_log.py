"""A line for a share of the requests, and for each error of the service."""

from __future__ import annotations

import json
import os
from typing import Any

from serving.doors.caller import Caller
from serving.watching.logs import LineHandler
from serving.watching.request_log import RequestLog

CALLER = Caller("k_1", "desk", "sales", frozenset(), None)


def _lines(*, share: float, is_json: bool = True, status: int = 200, times: int = 1, **scope: Any) -> list[str]:
    read, write = os.pipe()
    log = RequestLog(LineHandler(write), share=share, is_json=is_json, worker=1)
    whole = {"method": "POST", "path": "/v1/credit_risk", "query_string": b"name=Li", "request_id": "r-1", **scope}
    for _ in range(times):
        log.write(whole, "/v1/credit_risk", status, 0.0123)
    os.close(write)
    with os.fdopen(read) as lines:
        return lines.read().splitlines()


def test_a_line_names_request_route_status_duration_and_key_and_no_query() -> None:
    (line,) = _lines(share=1, status=403, caller=CALLER, error_code="no_scope")
    fields = json.loads(line)
    assert fields.pop("time")
    assert fields == {
        "level": "info",
        "logger": "chehang.requests",
        "message": "POST /v1/credit_risk",
        "worker": 1,
        "request_id": "r-1",
        "method": "POST",
        "route": "/v1/credit_risk",
        "status": 403,
        "duration_ms": 12.3,
        "key_id": "k_1",
        "code": "no_scope",
    }


def test_the_text_has_the_same_fields() -> None:
    (line,) = _lines(share=1, is_json=False, caller=CALLER)
    assert line.endswith(
        "INFO    [1] chehang.requests: request_id=r-1 method=POST route=/v1/credit_risk status=200 duration_ms=12.3 "
        "key_id=k_1"
    )


def test_a_share_of_the_requests_and_every_error_of_the_service_has_a_line() -> None:
    assert 20 < len(_lines(share=0.1, times=500)) < 100
    assert len(_lines(share=1e-9, times=50, status=503)) == 50


def test_a_method_that_a_client_invents_is_not_repeated() -> None:
    (line,) = _lines(share=1, method="SECRET")
    assert "SECRET" not in line and json.loads(line)["method"] == "other"

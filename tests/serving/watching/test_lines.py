"""Log lines quote no text of an error and no value of a request, and are at most what a pipe takes at once."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import datetime
from typing import Any

import pytest

from serving.watching.lines import MAX_BYTES, LineFormatter, json_line, time_text

PHONE = "".join(["138", "12345678"])
JSON, TEXT = LineFormatter(is_json=True, worker=2), LineFormatter(is_json=False, worker=None)


def _record(
    message: str, *args: Any, name: str = "chehang.serving", error: Any = None, **extra: Any
) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, error)
    record.__dict__.update(extra)
    return record


def _fail(depth: int = 0) -> None:
    if depth:
        return _fail(depth - 1)
    try:
        raise KeyError(PHONE)
    except KeyError as e:
        raise ValueError(f"the phone {PHONE}") from e


def _error(depth: int = 0) -> Any:
    try:
        _fail(depth)
    except ValueError:
        return sys.exc_info()


def test_a_json_line_has_time_with_offset_level_logger_message_and_fields_of_the_request() -> None:
    record = _record("%d rows", 3, request_id="r-1", route="/v1/credit_risk", status=500, key_id="k_1")
    fields = json.loads(JSON.format(record))
    assert datetime.fromisoformat(fields.pop("time")).utcoffset() is not None
    assert fields == {
        "level": "error",
        "logger": "chehang.serving",
        "message": "3 rows",
        "worker": 2,
        "request_id": "r-1",
        "route": "/v1/credit_risk",
        "status": 500,
        "key_id": "k_1",
    }


@pytest.mark.parametrize("formatter", [JSON, TEXT])
def test_an_error_shows_types_and_places_and_not_its_text(formatter: LineFormatter) -> None:
    line = formatter.format(_record("request failed", error=_error(3)))
    assert PHONE not in line and "ValueError from KeyError" in line
    assert line.count("test_lines.py:") == 5 and "in _fail" in line


@pytest.mark.parametrize("formatter", [JSON, TEXT])
def test_a_line_is_never_longer_than_a_pipe_takes_at_once(formatter: LineFormatter) -> None:
    for record in (
        _record("failed", error=_error(200)),
        _record("车" * 5_000),
        _record("x" * 50_000, error=_error(200)),
    ):
        line = formatter.format(record)
        assert len(line.encode()) < MAX_BYTES, record.msg[:9]
    assert "in _fail" in formatter.format(_record("failed", error=_error(200))), "the innermost calls stay"


def test_of_other_libraries_only_the_first_line_is_shown() -> None:
    future = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{PHONE}')>"
    assert json.loads(JSON.format(_record(future, name="asyncio")))["message"] == "Task exception was never retrieved"
    assert len(json.loads(JSON.format(_record("x" * 1_000, name="mlflow.store")))["message"]) == 300


def test_of_a_warning_only_its_category_and_place_are_shown() -> None:
    text = warnings.formatwarning(f"cannot parse {PHONE}", UserWarning, "/app/dates.py", 7)
    line = JSON.format(_record("%s", text, name="py.warnings"))
    assert PHONE not in line and json.loads(line)["message"] == "UserWarning at /app/dates.py:7"
    assert json.loads(JSON.format(_record(PHONE, name="py.warnings")))["message"] == "a warning"


def test_a_message_cannot_begin_a_line_of_its_own() -> None:
    record = _record("name %s", "a\nERROR forged\r")
    assert "\n" not in JSON.format(record) and "\n" not in TEXT.format(record) and "\r" not in TEXT.format(record)


def test_a_text_line_is_for_people() -> None:
    line = TEXT.format(_record("version 3 loaded", request_id="r-1"))
    assert line.endswith("ERROR   chehang.serving: version 3 loaded request_id=r-1")
    assert LineFormatter(is_json=False, worker=1).format(_record("x")).endswith("ERROR   [1] chehang.serving: x")


def test_the_time_is_the_local_one_with_its_offset() -> None:
    assert datetime.fromisoformat(time_text(1_700_000_000.5)).timestamp() == 1_700_000_000.5


def test_empty_fields_are_left_out() -> None:
    assert json_line({"a": None, "b": 0}) == '{"b":0}'

"""Log lines: one object of JSON for machines, or a text for people. Neither quotes what a caller has sent."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

from pydantic_core import to_json

MAX_BYTES = 4_096  # a pipe takes this much at once (PIPE_BUF), so that lines of several workers never mix
MAX_FOREIGN = 300  # characters of a message of another library
REQUEST_FIELDS = ("request_id", "method", "route", "status", "duration_ms", "key_id", "code")
_OWN = ("chehang", "bentoml", "uvicorn", "circus")
_WARNING = re.compile(r"(?P<place>[^\n]*?:\d+): (?P<category>\w+): ", re.DOTALL)


class LineFormatter(logging.Formatter):
    """Formats log records without texts of errors, which may quote a request.

    Of an error, the types and the places in the code are shown. Of messages of other libraries, the first line is, and
    of a warning its category and place.

    Parameters
    ----------
    is_json : bool
        Whether lines are JSON.
    worker : int or None
        Number of the worker; None in the supervisor.

    Examples
    --------
    >>> import json
    >>> record = logging.LogRecord("chehang.serving", logging.INFO, "", 0, "version %d loaded", (3,), None)
    >>> fields = json.loads(LineFormatter(is_json=True, worker=1).format(record))
    >>> fields["level"], fields["logger"], fields["message"], fields["worker"]
    ('info', 'chehang.serving', 'version 3 loaded', 1)
    """

    def __init__(self, *, is_json: bool, worker: int | None) -> None:
        super().__init__()
        self._is_json = is_json
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, at most `MAX_BYTES` bytes with its newline."""
        fields: dict[str, Any] = {
            "time": time_text(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "worker": self._worker,
        }
        fields |= {name: value for name in REQUEST_FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[0] is not None:
            fields["error"], fields["trace"] = _error(record.exc_info)
        return json_line(fields) if self._is_json else _text_line(fields)


def time_text(seconds: float) -> str:
    """Return a time in the zone of this machine, with its offset.

    >>> datetime.fromisoformat(time_text(0.0)).timestamp()
    0.0
    """
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")


def json_line(fields: dict[str, Any]) -> str:
    """Return an object in JSON on one line, shortened to `MAX_BYTES` by leaving out the outer calls of a trace.

    >>> json_line({"message": "a\\nb", "worker": None})
    '{"message":"a\\\\nb"}'
    """
    fields = {name: value for name, value in fields.items() if value is not None}
    line = to_json(fields)
    while len(line) >= MAX_BYTES and fields.get("trace"):
        fields["trace"] = fields["trace"][1:]
        line = to_json(fields)
    if len(line) >= MAX_BYTES:
        fields["message"] = fields["message"][:500]
        line = to_json(fields)
    return line.decode()


def _text_line(fields: dict[str, Any]) -> str:
    worker = "" if fields["worker"] is None else f" [{fields['worker']}]"
    extra = "".join(f" {name}={fields[name]}" for name in REQUEST_FIELDS if name in fields)
    message = fields["message"].replace("\n", "\\n").replace("\r", "\\r")[:1_000]
    head = f"{fields['time']} {fields['level'].upper():<7}{worker} {fields['logger']}: {message}{extra}"
    if "error" not in fields:
        return head
    trace: Sequence[str] = fields["trace"]
    while True:
        text = "\n".join([head, *(f"    {place}" for place in trace), f"  {fields['error']}"])
        if len(text.encode()) < MAX_BYTES or not trace:
            return text
        trace = trace[1:]


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    if record.name.partition(".")[0] in _OWN:
        return message
    if record.name == "py.warnings":
        parts = _WARNING.match(message)
        return f"{parts['category']} at {parts['place']}" if parts else "a warning"
    return message.partition("\n")[0][:MAX_FOREIGN]


def _error(error: tuple[Any, BaseException | None, TracebackType | None]) -> tuple[str, list[str]]:
    """Return the types of an error and its causes, and the places of the calls, the innermost last."""
    kind, value, trace = error
    names = [kind.__name__]
    while value is not None and (value := value.__cause__ or value.__context__) is not None and len(names) < 5:
        names.append(type(value).__name__)
    frames = traceback.extract_tb(trace)[-40:]
    return " from ".join(names), [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]

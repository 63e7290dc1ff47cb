"""Where log lines go: all loggers of a process write whole lines to its standard output."""

from __future__ import annotations

import logging
import os
import sys
import threading
from types import TracebackType
from typing import Any

from serving.metrics import LOST_LINES
from serving.watching.lines import LineFormatter

_LEVELS = {
    "chehang": logging.INFO,
    "bentoml": logging.INFO,
    "uvicorn.error": logging.WARNING,
    "circus": logging.WARNING,
}


class LineHandler(logging.Handler):
    """Writes each line by one call of the operating system, so that lines of several processes do not mix.

    A line that cannot be written, for example because the disk is full, is counted and dropped: no log line may fail a
    request.

    Parameters
    ----------
    descriptor : int
        Open file descriptor.

    Examples
    --------
    >>> read, write = os.pipe()
    >>> LineHandler(write).write_line("a line")
    >>> os.read(read, 100)
    b'a line\\n'
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._is_cut = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line of a record."""
        try:
            self.write_line(self.format(record))
        except Exception:  # a record that cannot be formatted
            LOST_LINES.add(1)

    def write_line(self, line: str) -> None:
        """Write a line; `line` has no newline at its end."""
        content = line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            # After a line that was cut off, the next one begins on a line of its own.
            size = os.write(self._descriptor, b"\n" + content if self._is_cut else content)
            self._is_cut = size < len(content)
        except OSError:
            size = 0
        if size < len(content):
            LOST_LINES.add(1)


def configure(log_format: str, *, worker: int | None) -> LineHandler:
    """Let all loggers of this process write lines of one format to its standard output, and return the handler.

    Errors that end a thread or the process are log lines too.

    Parameters
    ----------
    log_format : {'text', 'json'}
        Of the settings.
    worker : int or None
        Number of the worker; None in the supervisor.
    """
    handler = LineHandler(sys.stdout.fileno())
    handler.setFormatter(LineFormatter(is_json=log_format == "json", worker=worker))
    for name, level in _LEVELS.items():
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(level)
    access = logging.getLogger("uvicorn.access")  # the metrics count requests, and `RequestLog` writes their lines
    access.handlers, access.propagate, access.disabled = [], False, True
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _log_end
    threading.excepthook = _log_thread_end
    sys.unraisablehook = _log_unraisable
    return handler


def announce(message: str, log_format: str) -> None:
    """Show a line of the start, before the loggers of the server exist: a text on stderr, or a JSON line on stdout.

    >>> announce("starting the service", "json")  # doctest: +SKIP
    {"time":"2026-11-30T08:00:00.000+08:00","level":"info","logger":"chehang.start","message":"starting the service"}
    """
    if log_format == "text":
        print(f"· {message}", file=sys.stderr, flush=True)
    else:
        record = logging.LogRecord("chehang.start", logging.INFO, __file__, 0, message, None, None)
        print(LineFormatter(is_json=True, worker=None).format(record), flush=True)


def _log_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> Any:
    logging.getLogger("chehang.process").critical("the process ends", exc_info=(kind, error, trace))


def _log_thread_end(args: threading.ExceptHookArgs) -> Any:
    name = args.thread.name if args.thread is not None else "?"
    if args.exc_value is not None:
        error = (args.exc_type, args.exc_value, args.exc_traceback)
        logging.getLogger("chehang.process").error("the thread %s ends", name, exc_info=error)


def _log_unraisable(args: sys.UnraisableHookArgs) -> Any:
    if args.exc_value is not None:
        error = (args.exc_type, args.exc_value, args.exc_traceback)
        logging.getLogger("chehang.process").error("an error while an object is deleted", exc_info=error)

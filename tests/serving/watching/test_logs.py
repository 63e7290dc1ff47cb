"""All loggers write whole lines of one format, also of errors that nobody has caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.metrics import LOST_LINES
from serving.watching.logs import LineHandler
from tests.serving.small_disk import fill, small_disk

PROGRAM = """
import logging, sys, threading, warnings
logging.config = __import__("logging.config").config
logging.config.dictConfig({"version": 1, "handlers": {"other": {"class": "logging.StreamHandler"}},
                           "loggers": {"bentoml": {"handlers": ["other"]}}, "root": {"handlers": ["other"]}})
from serving.watching.logs import configure
configure("json", worker=1)
for name in ("chehang.serving", "bentoml.worker", "uvicorn.error", "mlflow", "circus", "uvicorn.access"):
    logging.getLogger(name).warning("a line of %s", name)
logging.getLogger("chehang.serving").info("loaded")
logging.getLogger("mlflow").info("too much")
logging.getLogger("chehang.serving").error("%d", "not a number")
warnings.warn("secret-1")
def fail():
    raise ValueError("secret-2")
thread = threading.Thread(target=fail, name="writer")
thread.start()
thread.join()
class Broken:
    def __del__(self):
        raise ValueError("secret-3")
Broken()
raise KeyError("secret-4")
"""


def test_every_line_of_a_process_is_json_and_none_quotes_an_error() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1 and done.stderr == "" and "secret" not in done.stdout
    messages = [line["message"] for line in lines]
    assert messages[:6] == [
        "a line of chehang.serving",
        "a line of bentoml.worker",
        "a line of uvicorn.error",
        "a line of mlflow",
        "a line of circus",
        "loaded",
    ]
    assert messages[6].startswith("UserWarning at ")
    assert messages[7:] == ["the thread writer ends", "an error while an object is deleted", "the process ends"]
    assert [line["error"] for line in lines[7:]] == ["ValueError", "ValueError", "KeyError"]


def test_lines_of_several_processes_do_not_mix() -> None:
    read, write = os.pipe()
    program = (
        "from serving.watching.logs import LineHandler\nimport sys\n"
        "for i in range(300): LineHandler(int(sys.argv[1])).write_line(sys.argv[2] * 4000)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(write), x], pass_fds=[write]) for x in "abc"]
    os.close(write)
    with os.fdopen(read) as lines:
        text = lines.read()
    assert [w.wait() for w in writers] == [0, 0, 0]
    assert sorted(text.split()) == [x * 4000 for x in "abc" for _ in range(300)]


def test_a_line_that_cannot_be_written_is_counted_and_raises_nothing() -> None:
    lost = LOST_LINES.value()
    read, write = os.pipe()
    os.close(write)
    os.close(read)
    LineHandler(write).write_line("lost")
    assert LOST_LINES.value() == lost + 1


@pytest.mark.small_disk
def test_after_a_full_disk_the_next_line_is_whole(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        file = os.open(disk / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        handler, lost = LineHandler(file), LOST_LINES.value()
        handler.write_line("first")
        ballast = fill(disk)
        for _ in range(4):
            handler.write_line("x" * 3_000)  # the block of the first line has room for one
        ballast.unlink()
        handler.write_line("last")
        lines = (disk / "log").read_text().splitlines()
        os.close(file)
        assert lines[0] == "first" and lines[-1] == "last" and LOST_LINES.value() >= lost + 3

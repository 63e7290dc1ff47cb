"""Memory of all workers: token buckets that hold for all processes together, and counters of changes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.shared_file import CELLS_PER_ROW, ROWS, SIZE, SharedFile, create_shared_file
from tests.conftest import ROOT

SECOND = 1_000_000_000
TAKE = """
import sys
from pathlib import Path
from serving.shared_file import SharedFile
shared = SharedFile(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.readline()
print(sum(shared.take(5, interval=10**15, burst=700, now=10**9) == 0 for _ in range(1_000)))
for _ in range(1_000): shared.increase("stock")
"""


@pytest.fixture
def shared(tmp_path: Path) -> SharedFile:
    """Return a new file."""
    return SharedFile(tmp_path / "shared.bin")


def test_a_bucket_by_hand(shared: SharedFile) -> None:
    # Two a second, three at once: at 0 s three; then one each half second; after a pause three again.
    def take(milliseconds: int) -> int:
        now = SECOND * 100 + milliseconds * 1_000_000
        return shared.take(9, interval=SECOND // 2, burst=3, now=now) // 1_000_000

    assert [take(0) for _ in range(4)] == [0, 0, 0, 500]
    assert [take(400), take(500), take(500)] == [100, 0, 500]
    assert [take(10_000) for _ in range(4)] == [0, 0, 0, 500]


def test_looking_takes_nothing(shared: SharedFile) -> None:
    assert [shared.take(9, interval=SECOND, burst=1, now=5, is_attempt=False) for _ in range(3)] == [0, 0, 0]
    assert shared.take(9, interval=SECOND, burst=1, now=5) == 0
    assert shared.take(9, interval=SECOND, burst=1, now=5, is_attempt=False) == SECOND


def test_tags_of_one_row_have_buckets_of_their_own_until_the_row_is_full(shared: SharedFile) -> None:
    tags = [3 + ROWS * n for n in range(CELLS_PER_ROW + 1)]
    first = [shared.take(tag, interval=SECOND, burst=1, now=1) for tag in tags]
    assert first[:CELLS_PER_ROW] == [0] * CELLS_PER_ROW
    assert first[CELLS_PER_ROW] == SECOND, "the row is full: the last one shares a bucket, and gets no more than it"
    assert shared.take(tags[-1], interval=SECOND, burst=1, now=SECOND + 1) == 0, "cells of full buckets are used again"


def test_the_limit_and_the_counters_hold_for_all_processes_together(tmp_path: Path) -> None:
    path = tmp_path / "shared.bin"
    create_shared_file(path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CHEHANG_HOME": str(tmp_path)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKE, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment,
        )
        for _ in range(2)
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout is not None and worker.stdout.readline() == "open\n"
    outputs = [worker.communicate("\n", timeout=60)[0] for worker in workers]
    assert sum(map(int, outputs)) == 700
    assert SharedFile(path).count("stock") == 2_000


def test_the_blocks_of_the_file_are_allocated_when_it_is_made(shared: SharedFile, tmp_path: Path) -> None:
    status = (tmp_path / "shared.bin").stat()
    assert status.st_size == SIZE and status.st_blocks * 512 >= SIZE


def test_a_start_begins_anew_and_a_damaged_file_is_replaced(shared: SharedFile, tmp_path: Path) -> None:
    shared.increase("stock")
    create_shared_file(tmp_path / "shared.bin")
    assert SharedFile(tmp_path / "shared.bin").count("stock") == 0
    (tmp_path / "shared.bin").write_bytes(b"x")
    assert SharedFile(tmp_path / "shared.bin").take(1, interval=1, burst=1, now=time.monotonic_ns()) == 0


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="free space there or choose another place"):
        create_shared_file(tmp_path / "file" / "shared.bin")

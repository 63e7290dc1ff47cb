"""The file of the workers: its blocks are allocated, it is bounded, and a second server has one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.metrics import memory
from serving.metrics.memory import NUMBERS, SLOT_BYTES, Slot, make_file, make_server_file, make_slot, open_slots
from tests.serving.small_disk import fill, small_disk


def test_names_and_positions_are_read_from_the_memory_alone() -> None:
    slot = make_slot()
    positions = [slot.add("seconds\x1f/v1/车", 3), slot.add("requests", 1), slot.add("seconds\x1f/other", 3)]
    assert positions == [0, 3, 4]
    assert list(slot.series({"seconds": 3, "requests": 1})) == [
        ("seconds\x1f/v1/车", 0),
        ("requests", 3),
        ("seconds\x1f/other", 4),
    ]


def test_without_room_a_series_is_counted_as_lost_and_disturbs_no_other() -> None:
    slot = make_slot()
    first = slot.add("first", NUMBERS - 2)
    lost = slot.add("second", 3)
    slot.numbers[lost] = slot.numbers[lost + 2] = 7
    assert (first, lost, slot.lost_series) == (0, NUMBERS, 1)
    assert [name for name, _ in slot.series({"first": NUMBERS - 2})] == ["first"]
    assert not any(slot.numbers[:NUMBERS])
    assert slot.add("third", 2) == NUMBERS - 2, "a smaller one still fits"


def test_names_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    slot = make_slot()
    monkeypatch.setattr(memory, "NAME_BYTES", 10)
    assert slot.add("12345678", 1) == 0 and slot.add("x", 1) == NUMBERS and slot.lost_series == 1


def test_every_block_of_the_file_is_allocated(tmp_path: Path) -> None:
    make_file(tmp_path / "file", 3)
    status = (tmp_path / "file").stat()
    assert status.st_size == 3 * SLOT_BYTES and status.st_blocks * 512 >= status.st_size
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_where_posix_fallocate_is_absent_zeros_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    make_file(tmp_path / "file", 1)
    assert (tmp_path / "file").stat().st_blocks * 512 >= SLOT_BYTES
    assert not any((tmp_path / "file").read_bytes())


def test_workers_see_each_others_counts(tmp_path: Path) -> None:
    make_file(tmp_path / "file", 2)
    one, other = open_slots(tmp_path / "file"), open_slots(tmp_path / "file")
    one[1].numbers[one[1].add("requests", 1)] = 5
    assert [(name, other[1].numbers[at]) for name, at in other[1].series({"requests": 1})] == [("requests", 5.0)]
    assert list(other[0].series({})) == []


def test_a_slot_knows_whether_its_process_lives() -> None:
    slot = make_slot()
    assert not slot.has_process, "nobody has used it"
    slot.process = os.getpid()
    assert slot.has_process
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    slot.process = ended.pid
    assert not slot.has_process
    slot.process = 1  # init, which another user's process may not signal
    assert slot.has_process


def test_files_of_ended_servers_are_removed_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"metrics-{ended.pid}", f"metrics-{ended.pid}.{ended.pid}.part", f"metrics-{os.getppid()}", "other"):
        (tmp_path / name).write_bytes(b"")
    path = make_server_file(tmp_path, workers=1)
    assert path.name == f"metrics-{os.getpid()}" and len(open_slots(path)) == 2
    assert {p.name for p in tmp_path.iterdir()} == {f"metrics-{os.getppid()}", "other", path.name}


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent/file: No such file or directory; the metrics need 0\.8 MB: free"):
        make_file(tmp_path / "absent" / "file", 1)


@pytest.mark.small_disk
def test_a_full_disk_refuses_the_file_at_the_start_and_leaves_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        fill(disk)
        with pytest.raises(ConfigError, match=r"No space left on device; the metrics need 0\.8 MB"):
            make_file(disk / "file", 1)
        assert not [p for p in disk.iterdir() if p.name.startswith("file")]


@pytest.mark.small_disk
def test_writing_into_the_file_survives_a_disk_that_fills_up(tmp_path: Path) -> None:
    write = (
        "import sys; from pathlib import Path; from serving.metrics.memory import open_slots, SLOT_BYTES\n"
        "numbers = open_slots(Path(sys.argv[1]))[0].numbers\n"
        "for i in range(0, len(numbers), 100): numbers[i] = i\n"
        "print(sum(numbers) > 0)\n"
    )
    sparse = write.replace("numbers = open_slots(Path(sys.argv[1]))[0].numbers\n", (
        "import mmap; file = open(sys.argv[1] + '.sparse', 'w+b'); file.truncate(SLOT_BYTES)\n"
        "numbers = memoryview(mmap.mmap(file.fileno(), 0)).cast('d')\n"
    ))  # fmt: skip
    with small_disk(tmp_path / "disk", megabytes=2) as disk:
        make_file(disk / "file", 1)
        fill(disk)
        for program, expected in ((write, 0), (sparse, -7)):  # 7: SIGBUS
            done = subprocess.run([sys.executable, "-c", program, str(disk / "file")], capture_output=True, check=False)
            assert done.returncode == expected, done.stderr.decode()


def test_the_memory_of_a_slot_may_be_anything_that_is_writable() -> None:
    slot = Slot(memoryview(bytearray(SLOT_BYTES)))
    slot.numbers[slot.add("x", 1)] = 2.5
    assert slot.numbers[0] == 2.5

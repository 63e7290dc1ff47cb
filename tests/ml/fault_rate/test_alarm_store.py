"""Alarm store: each alarm once, moves in one direction, two processes at the same time, a killed process."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.aggregations import DAY
from features.errors import ConfigError, DataError
from ml.fault_rate.alarm_store import ALLOWED, AlarmStore
from ml.fault_rate.surveillance import ALARM

STATES = tuple(ALLOWED)
NOW = 20_000 * DAY
EPOCH = date(1970, 1, 1)


def alarms_of(*cells: tuple[str, str], since: int = 19_900, **figures: Any) -> pl.DataFrame:
    rows = [
        {"model": m, "component": c, "detected_on": EPOCH + timedelta(days=since), "rate_ratio": 2.0, **figures}
        for m, c in cells
    ]
    return pl.DataFrame(rows, schema=ALARM)


@pytest.fixture
def store(tmp_path: Path) -> AlarmStore:
    return AlarmStore(store_path(tmp_path))


def store_path(folder: Path) -> Path:
    return folder / "store" / "alarms.db"


def test_reading_creates_no_file(store: AlarmStore, tmp_path: Path) -> None:
    assert store.alarms().is_empty() and store.closed().is_empty() and store.version() == 0
    assert store.record(alarms_of(), as_of=NOW).new == ()
    assert not store_path(tmp_path).exists()
    with pytest.raises(DataError, match="the store is empty"):
        store.history(1)


def test_an_alarm_opens_once_and_is_updated(store: AlarmStore) -> None:
    first = store.record(alarms_of(("A", "brakes"), ("B", "pump")), as_of=NOW)
    version = store.version()
    assert first.new == (1, 2) and version > 0
    again = store.record(alarms_of(("A", "brakes"), rate_ratio=3.0), as_of=NOW + DAY)
    assert again.new == () and again.existing == (1,) and store.version() != version
    stored = store.alarms(component="brakes")
    assert stored["rate_ratio"].to_list() == [3.0] and stored["last_seen_at"].to_list() == [NOW + DAY]
    assert stored["opened_at"].to_list() == [NOW] and stored["detected_on"].to_list() == [date(2024, 6, 26)]
    store.record(alarms_of(("A", "brakes"), rate_ratio=9.0), as_of=NOW - DAY)  # an older run does not overwrite
    assert store.alarms(model="A")["rate_ratio"].to_list() == [3.0]


@pytest.mark.parametrize("to", STATES)
@pytest.mark.parametrize("state", STATES)
def test_only_allowed_moves(store: AlarmStore, state: str, to: str) -> None:
    store.record(alarms_of(("A", "brakes")), as_of=NOW)
    way = {
        "open": (),
        "acknowledged": ("acknowledged",),
        "campaign": ("acknowledged", "campaign"),
        "closed": ("closed",),
    }
    for step in way[state]:
        store.move(1, step, by="Li", at=NOW)
    if to in ALLOWED[state]:
        store.move(1, to, by=" Wang ", note="seen", at=NOW + 1)
        last = store.history(1).row(-1, named=True)
        assert last == {"at": NOW + 1, "by": "Wang", "from_state": state, "to_state": to, "note": "seen"}
    else:
        with pytest.raises(DataError, match=f"alarm 1 is {state} and cannot become {to}"):
            store.move(1, to, by="Li")
        assert store.alarms()["state"].to_list() == [state]


def test_a_closed_alarm_reopens_only_after_a_later_detection(store: AlarmStore) -> None:
    store.record(alarms_of(("A", "brakes")), as_of=NOW)
    store.move(1, "closed", by="Li", at=NOW + DAY)
    assert store.closed().rows() == [("A", "brakes", NOW + DAY)]
    again = store.record(alarms_of(("A", "brakes")), as_of=NOW + 7 * DAY)
    assert (again.new, again.existing) == ((), ())
    assert store.record(alarms_of(("A", "brakes"), since=20_050), as_of=NOW + 60 * DAY).new == (2,)
    assert store.closed().is_empty() and sorted(store.alarms()["id"]) == [1, 2]
    assert store.alarms(states=["closed"])["id"].to_list() == [1]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"alarm_id": 7, "to": "closed", "by": "Li"}, "alarm: the store has no alarm 7; give one from 1 to 1"),
        ({"alarm_id": 1, "to": "shut", "by": "Li"}, "state: 'shut' is unknown"),
        ({"alarm_id": 1, "to": "closed", "by": " "}, "by: must name"),
        ({"alarm_id": 1, "to": "closed", "by": "x" * 101}, "by: must name"),
        ({"alarm_id": 1, "to": "closed", "by": "Li", "note": "x" * 2_001}, "note: must have"),
    ],
)
def test_bad_moves_are_one_clear_error(store: AlarmStore, arguments: dict[str, Any], match: str) -> None:
    store.record(alarms_of(("A", "brakes")), as_of=NOW)
    with pytest.raises(DataError, match=match):
        store.move(**arguments)


def test_other_files_are_refused(tmp_path: Path) -> None:
    text, other = tmp_path / "text.db", tmp_path / "other.db"
    text.write_text("no database at all, but long enough to be looked at" * 20)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
    for path in (text, other):
        before = path.read_bytes()
        for use in (lambda s: s.alarms(), lambda s: s.record(alarms_of(("A", "brakes")), as_of=NOW)):
            with pytest.raises(ConfigError, match=path.name):
                use(AlarmStore(path))
        assert path.read_bytes() == before
    with pytest.raises(ConfigError, match=r"text\.db"):
        AlarmStore(text / "below.db").record(alarms_of(("A", "brakes")), as_of=NOW)


RECORD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.ml.fault_rate.test_alarm_store import NOW, alarms_of
from ml.fault_rate.alarm_store import AlarmStore
store = AlarmStore(Path(sys.argv[1]))
for k in range(int(sys.argv[2])):
    store.record(alarms_of(*[(f"M{i}", "brakes") for i in range(20)]), as_of=NOW + k)
    print(k, flush=True)
"""


def _process(path: Path, times: int, *, before: str = "") -> subprocess.Popen[str]:
    root = str(Path(__file__).resolve().parents[3])
    command = [sys.executable, "-c", before + RECORD, str(path), str(times), root]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


@pytest.mark.slow
def test_two_processes_at_once_open_each_alarm_once(store: AlarmStore, tmp_path: Path) -> None:
    both = [_process(store_path(tmp_path), 20) for _ in range(2)]
    assert [p.wait(timeout=120) for p in both] == [0, 0]
    assert store.alarms().height == 20
    assert store.alarms()["last_seen_at"].to_list() == [NOW + 19] * 20


# As RECORD, but dies by SIGKILL at the 11th of the 20 alarms of its second run: changed in part, nothing committed.
DIES = """
import json, os, signal
changes = iter(range(31))
dumps = json.dumps
def dying(*a, **k):
    if next(changes) == 30:
        print("in the second run", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    return dumps(*a, **k)
json.dumps = dying
"""


@pytest.mark.slow
def test_a_killed_process_leaves_complete_runs(store: AlarmStore, tmp_path: Path) -> None:
    killed = _process(store_path(tmp_path), 2, before=DIES)
    lines, _ = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL and lines.splitlines() == ["0", "in the second run"]
    alarms = store.alarms()
    assert alarms.height == 20 and alarms["last_seen_at"].unique().to_list() == [
        NOW
    ]  # all of one run, none of the next
    assert store.record(alarms_of(("M1", "brakes")), as_of=NOW + 10**9).existing == tuple(
        alarms.filter(model="M1")["id"]
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("record"), st.sampled_from(["A", "B"]), st.integers(0, 40)),
        st.tuples(st.just("move"), st.sampled_from(STATES), st.integers(1, 4)),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_a_cell_never_has_two_open_alarms(
    steps: list[tuple[str, str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = AlarmStore(tmp_path_factory.mktemp("kept") / "alarms.db")
    for day, (what, name, number) in enumerate(steps):
        if what == "record":
            store.record(alarms_of((name, "brakes"), since=19_990 + number), as_of=NOW + day * DAY)
        else:
            try:
                store.move(number, name, by="Li", at=NOW + day * DAY)
            except DataError:
                continue
    stored = store.alarms()
    assert stored.filter(pl.col("state") != "closed").select("model").is_unique().all()
    for number, state in stored.select("id", "state").iter_rows():
        path = store.history(number)
        assert path["from_state"].to_list() == [None, *path["to_state"].to_list()[:-1]]
        assert path["to_state"][0] == "open" and path["to_state"][-1] == state
        assert all(b in ALLOWED[a] for a, b in path.select("from_state", "to_state").rows()[1:])

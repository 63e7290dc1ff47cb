"""The chain: whole logs are whole, and each kind of change is named at its first place."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.decisions.entries import NewEntry, hash_of
from serving.decisions.purge import purge_personal_parts
from serving.decisions.verification import Verification, verify_log
from tests.serving.decisions.logs import KEYS, decision, log_in, write
from tests.serving.decisions.tampering import OLD_KEYS, cells, mixed_log, tamper, unpersonal, written

SECRET = 'UPDATE decision_entries SET content = \'{"outcome": "decline"}\' WHERE sequence = 3'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the file of a log with six entries."""
    return mixed_log(tmp_path)


def verified(path: Path, **options: Any) -> Verification:
    engine = sa.create_engine(f"sqlite:///{path}")  # opened without a look at its migrations, which takes longer
    result = verify_log(engine, **{"keys": KEYS, **options})
    engine.dispose()
    return result


def faults(path: Path, **options: Any) -> list[tuple[int, str]]:
    return [(fault.sequence, fault.kind) for fault in verified(path, **options).faults]


def test_a_whole_log_is_counted_and_its_last_entry_can_be_noted(path: Path) -> None:
    result = verified(path)
    assert result.is_whole and result.faults == []
    assert (result.entries, result.parts, result.verified_parts, result.purged_parts) == (6, 3, 3, 0)
    assert result.first is not None and result.first.sequence == 1
    assert result.last is not None and result.last.sequence == 6 and len(result.last.hash) == 64
    assert result.first_at is not None and result.last_at is not None and result.first_at <= result.last_at
    assert verified(path, expect=result.last).is_whole
    assert verified(path, expect=result.first).is_whole


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    result = verified(written(tmp_path))
    assert result.is_whole and result.entries == 0 and result.last is None


def test_without_keys_parts_are_counted_and_not_checked(path: Path) -> None:
    result = verified(path, keys=None)
    assert result.is_whole and (result.parts, result.verified_parts) == (3, 0)
    result = verified(path, keys=OLD_KEYS)
    assert result.is_whole and (result.verified_parts, result.unread_parts) == (0, {"new": 3})


def test_an_altered_entry_is_named(path: Path) -> None:
    tamper(path, SECRET)
    assert faults(path) == [(3, "altered")]
    assert "do not match its hash" in verified(path).faults[0].message


def test_an_entry_that_was_rewritten_with_its_hash_breaks_the_link_to_the_next(path: Path) -> None:
    rewrite(path, 3)
    assert faults(path) == [(4, "altered")]
    assert "this entry or entry 3 was rewritten" in verified(path).faults[0].message


def rewrite(path: Path, sequence: int) -> None:
    """Change an entry and its hash."""
    query = "SELECT at, kind, decision_id, personal_digest, previous FROM decision_entries WHERE sequence = ?"
    ((at, kind, decision_id, digest, previous),) = cells(path, query, sequence)
    own = hash_of(sequence, at, kind, decision_id, "[]", digest, previous)
    tamper(path, ("UPDATE decision_entries SET content = '[]', hash = ? WHERE sequence = ?", (own, sequence)))


def test_the_last_entry_that_was_rewritten_with_its_hash_differs_from_the_head(path: Path) -> None:
    rewrite(path, 6)
    assert faults(path) == [(6, "altered")]
    assert "head of the log has another hash" in verified(path).faults[0].message


def test_a_deleted_entry_is_missing_and_its_personal_part_has_no_owner(path: Path) -> None:
    tamper(path, "DELETE FROM decision_entries WHERE sequence = 3")
    assert faults(path) == [(3, "missing"), (3, "personal_altered")]
    assert verified(path).faults[0].message == "missing: entry 3; entry 4 follows"


def test_several_deleted_entries_are_one_gap(path: Path) -> None:
    tamper(
        path, "DELETE FROM decision_entries WHERE sequence IN (1, 2)", "DELETE FROM personal_parts WHERE sequence = 1"
    )
    assert faults(path) == [(1, "missing")]
    assert "entries 1 to 2" in verified(path).faults[0].message


def test_a_shortened_log_is_shown_by_its_head(path: Path) -> None:
    tamper(path, "DELETE FROM decision_entries WHERE sequence > 4")
    assert faults(path) == [(5, "shortened")]
    tamper(path, "DELETE FROM decision_entries", "DELETE FROM personal_parts")
    assert faults(path) == [(1, "shortened")]


def test_a_log_shortened_with_its_head_is_shown_by_a_noted_entry_alone(path: Path) -> None:
    last = verified(path).last
    cut(path, 4)
    assert faults(path) == []
    assert faults(path, expect=last) == [(5, "shortened")]
    assert "ends with entry 4, but entry 6 was noted" in verified(path, expect=last).faults[0].message


def cut(path: Path, last: int) -> None:
    """Delete what follows an entry, and set the head back to it."""
    head = (
        "UPDATE decision_head SET (sequence, hash) = (SELECT sequence, hash FROM decision_entries WHERE sequence = ?)"
    )
    tamper(path, ("DELETE FROM decision_entries WHERE sequence > ?", (last,)), (head, (last,)))


def test_a_log_that_was_written_anew_is_shown_by_a_noted_entry_alone(path: Path, tmp_path: Path) -> None:
    noted = verified(path).last
    forged = written(tmp_path / "forged", [decision(n) for n in range(1, 9)])
    assert verified(forged).is_whole
    assert faults(forged, expect=noted) == [(6, "altered")]


def test_entries_that_changed_places_are_reordered(path: Path) -> None:
    tamper(path, *(f"UPDATE decision_entries SET sequence = {new} WHERE sequence = {old}" for old, new in SWAP))
    assert faults(path)[:2] == [(2, "reordered"), (4, "reordered")]
    assert verified(path).faults[0].message == "what stands in its place was written as entry 4"


SWAP = [(2, 99), (4, 2), (99, 4)]


def test_a_head_that_was_set_back_or_removed_is_named(path: Path) -> None:
    tamper(path, "UPDATE decision_head SET sequence = 5")
    assert faults(path) == [(6, "altered")]
    tamper(path, "DELETE FROM decision_head")
    assert faults(path) == [(6, "altered")]


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE personal_parts SET ciphertext = zeroblob(80) WHERE sequence = 3", (3, "personal_altered")),
        ("UPDATE personal_parts SET nonce = zeroblob(3) WHERE sequence = 3", (3, "personal_altered")),
        ("UPDATE personal_parts SET nonce = 'text' WHERE sequence = 3", (3, "personal_altered")),
        ("UPDATE personal_parts SET key_id = 'old' WHERE sequence = 3", (3, "personal_altered")),
        ("UPDATE personal_parts SET key_id = 'lost' WHERE sequence = 3", (3, "personal_altered")),
        ("UPDATE personal_parts SET sequence = 2 WHERE sequence = 3", (2, "personal_altered")),
        ("DELETE FROM personal_parts WHERE sequence = 3", (3, "personal_missing")),
    ],
)
def test_an_altered_or_deleted_personal_part_is_named(path: Path, statement: str, fault: tuple[int, str]) -> None:
    tamper(path, statement)
    assert faults(path)[0] == fault


def test_a_personal_part_that_was_replaced_by_who_has_the_key_differs_from_its_digest(path: Path) -> None:
    part = KEYS.encrypt(3, b"salt of 16 bytes" + b'{"inputs": {}}', reference=None)
    change = "UPDATE personal_parts SET nonce = ?, ciphertext = ? WHERE sequence = 3"
    tamper(path, (change, (part.nonce, part.ciphertext)))
    assert faults(path) == [(3, "personal_altered")]
    assert "does not match its digest" in verified(path).faults[0].message


def test_values_of_another_type_are_altered_entries_and_no_crash(path: Path) -> None:
    tamper(path, "UPDATE decision_entries SET at = 'soon' WHERE sequence = 1")
    tamper(path, "UPDATE decision_entries SET content = zeroblob(5) WHERE sequence = 3")
    assert faults(path) == [(1, "altered"), (3, "altered")]


def test_many_faults_are_counted_and_the_first_ones_listed(tmp_path: Path) -> None:
    path = written(tmp_path, [unpersonal(n) for n in range(1, 31)])
    tamper(path, "UPDATE decision_entries SET content = '[]'")
    result = verified(path)
    assert result.fault_count == 30 and len(result.faults) == 20 and result.faults[0].sequence == 1


def test_batches_and_progress_cover_a_log_of_any_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.decisions.verification.BATCH", 4)
    path = written(tmp_path, [decision(n) for n in range(1, 11)])
    steps: list[tuple[int, int]] = []
    assert verified(path, progress=lambda n, end: steps.append((n, end))).entries == 10
    assert steps == [(4, 10), (8, 10), (10, 10)]


def test_entries_written_during_a_verification_and_a_purge_do_not_disturb_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.decisions.verification.BATCH", 2)
    path = written(tmp_path, [decision(n) for n in range(1, 7)])
    engine = log_in(path.parent)

    def write_and_purge(sequence: int, end: int) -> None:
        if sequence == 2:
            write(engine, [decision(7)])
            purge_personal_parts(engine, before=2**60, who="a test", why="retention")

    result = verify_log(engine, keys=KEYS, progress=write_and_purge)
    assert result.is_whole and (result.entries, result.verified_parts, result.purged_parts) == (6, 2, 4)
    engine.dispose()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a log with entries of every kind, one of its parts encrypted by an older key."""
    folder = tmp_path_factory.mktemp("template")
    written(folder, [decision(0)], keys=OLD_KEYS)
    mixed_log(folder)
    path = written(folder, [NewEntry("purge", None, '{"first": 90, "last": 99, "before": 5}')])
    assert verified(path).is_whole and list(folder.iterdir()) == [path]
    return path


COLUMNS = {
    "decision_entries": ("sequence", "at", "kind", "decision_id", "content", "personal_digest", "previous", "hash"),
    "personal_parts": ("sequence", "key_id", "nonce", "ciphertext", "reference"),
    "decision_head": ("id", "sequence", "hash"),
}
CELLS = [(table, column) for table, columns in COLUMNS.items() for column in columns]


def changed(value: Any, draw: Any) -> Any:
    """Return another value of the same type, or null in place of a value, or a value in place of null."""
    if isinstance(value, int):
        return value + draw(st.integers(-(2**40), 2**40).filter(bool))
    if value is None:
        return draw(st.text(max_size=5))
    if isinstance(value, bytes):
        place, flip = draw(st.integers(0, len(value) - 1)), draw(st.integers(1, 255))
        return value[:place] + bytes([value[place] ^ flip]) + value[place + 1 :]
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return draw(
        st.one_of(st.text(characters, max_size=80), st.just(value + " "), st.just(value[1:])).filter(value.__ne__)
    )


@settings(max_examples=60)
@given(data=st.data())
def test_any_single_change_of_any_column_is_detected(template: Path, data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(shutil.copy(template, folder))
        table, column = data.draw(st.sampled_from(CELLS))
        values = cells(path, f"SELECT rowid, {column} FROM {table} ORDER BY rowid")
        row, value = data.draw(st.sampled_from(values))
        new = changed(value, data.draw)
        if column in ("sequence", "id") and new in dict(values):
            new = 10**9
        tamper(path, (f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new, row)))
        assert not verified(path).is_whole
        row = new if column in ("sequence", "id") and table + column != "decision_headsequence" else row
        tamper(path, (f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, row)))
        assert verified(path).is_whole, "and the log is whole again with its own value"

"""Appending: sequences without gaps, a chain of hashes, the head in the same transaction, encrypted personal parts."""

from __future__ import annotations

import json
from multiprocessing import get_context
from pathlib import Path

import pytest

from serving.decisions.appending import MAX_ROWS, append
from serving.decisions.entries import START, Head, NewEntry, hash_of
from serving.decisions.log_keys import personal_digest
from serving.decisions.reading import read_head, read_parts
from serving.stores import writing
from tests.serving.databases import postgresql
from tests.serving.decisions.logs import KEYS, decision, log_in, rows, write


def test_entries_form_a_chain_that_ends_at_the_head(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    write(engine, [decision(1), decision(2)])
    head = write(engine, [NewEntry("purge", None, "{}")])
    entries = rows(engine)
    assert [e.sequence for e in entries] == [1, 2, 3]
    assert [e.previous for e in entries] == [START, entries[0].hash, entries[1].hash]
    assert [e.hash for e in entries] == [hash_of(*e[:-1]) for e in entries]
    assert [(e.kind, e.decision_id) for e in entries] == [("decision", "d1"), ("decision", "d2"), ("purge", None)]
    assert entries[0].at == entries[1].at <= entries[2].at
    with engine.connect() as connection:
        assert read_head(connection) == head == Head(3, entries[2].hash)


def test_overrides_of_two_officers_at_once_are_numbered_in_the_order_of_the_log(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    declined = NewEntry("decision", "d1", '{"outcome":"decline"}')
    both = [NewEntry("override", "d1", f'{{"outcome":"{outcome}"}}') for outcome in ("approve", "refer")]
    write(engine, [declined, *both])  # in one commit
    write(engine, [NewEntry("override", "d1", '{"outcome":"approve"}')])
    places = [json.loads(row.content) for row in rows(engine)[1:]]
    assert [(p["previous_outcome"], p["replaces"], p["number"]) for p in places] == [
        ("decline", 1, 1),
        ("approve", 2, 2),
        ("refer", 3, 3),
    ]


def test_the_personal_part_is_encrypted_and_its_salted_digest_is_in_the_chain(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    write(engine, [decision(15_000, reference="APP-1"), decision(15_000), NewEntry("access", "d1", "{}")])
    first, second, access = rows(engine)
    with engine.connect() as connection:
        parts = read_parts(connection, [1, 2, 3])
    assert list(parts) == [1, 2] and access.personal_digest is None
    plaintext = KEYS.decrypt(parts[1])
    assert plaintext[16:] == b'{"inputs":{"monthly_income":15000}}'
    assert first.personal_digest == personal_digest(plaintext)
    assert first.personal_digest != second.personal_digest  # the same inputs
    assert parts[1].reference in KEYS.reference_digests("APP-1") and parts[2].reference is None
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"monthly_income" not in files and b"APP-1" not in files


def test_many_entries_are_inserted_by_several_statements(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    count = 2 * MAX_ROWS + 1
    assert write(engine, [decision(n) for n in range(count)]).sequence == count
    _check_chain([tuple(e) for e in rows(engine)], count)
    with engine.connect() as connection:
        parts = read_parts(connection, range(1, count + 1))
    assert [KEYS.decrypt(parts[n + 1])[16:] for n in range(count)] == [decision(n).personal for n in range(count)]


def test_without_keys_no_personal_part_is_stored(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    write(engine, [decision(1, reference="APP-1")], keys=None)
    with engine.connect() as connection:
        assert read_parts(connection, [1]) == {}
    assert rows(engine)[0].personal_digest is None


def test_what_is_rolled_back_leaves_neither_entry_nor_gap(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    write(engine, [decision(1)])
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        append(connection, [decision(2)], KEYS)
        raise ZeroDivisionError
    assert write(engine, [decision(3)]).sequence == 2
    assert [e.decision_id for e in rows(engine)] == ["d1", "d3"]


def _write_many(folder: Path) -> None:
    engine = log_in(folder)
    for number in range(25):
        write(engine, [decision(number), decision(number)])


def _check_chain(entries: list[tuple[object, ...]], count: int) -> None:
    assert [e[0] for e in entries] == list(range(1, count + 1))
    assert [e[6] for e in entries] == [START, *(e[7] for e in entries[:-1])]


def test_two_processes_write_one_chain(tmp_path: Path) -> None:
    log_in(tmp_path).dispose()
    writers = [get_context("spawn").Process(target=_write_many, args=(tmp_path,)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    _check_chain([tuple(e) for e in rows(log_in(tmp_path))], 100)


@pytest.mark.postgres
def test_postgresql_has_the_same_chain() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from serving.stores import open_store

    with postgresql() as url:
        engine = open_store(url, "decisions")
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda n: write(engine, [decision(n, reference="A"), decision(n)]), range(20)))
        entries = rows(engine)
        _check_chain([tuple(e) for e in entries], 40)
        assert [e.hash for e in entries] == [hash_of(*e[:-1]) for e in entries]
        with engine.connect() as connection:
            part = read_parts(connection, [40])[40]
        assert personal_digest(KEYS.decrypt(part)) == entries[39].personal_digest
        engine.dispose()

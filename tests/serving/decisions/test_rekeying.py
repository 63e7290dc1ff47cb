"""Rotation: older parts get the present key, look-ups by reference included, and the chain does not change."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.decisions.entries import NewEntry
from serving.decisions.log_keys import LogKeys
from serving.decisions.reading import PARTS
from serving.decisions.rekeying import Rekeying, rekey_parts
from serving.decisions.verification import verify_log
from serving.stores import open_store
from tests.serving.databases import postgresql
from tests.serving.decisions.logs import KEYS, log_in, rows, write
from tests.serving.decisions.tampering import FILE, OLD_KEYS, tamper

NEW_KEYS = LogKeys({"new": bytes(range(32))})


def referenced(number: int) -> NewEntry:
    """Return a decision as the service writes it: the reference is among the personal fields."""
    personal = b'{"inputs":{"income":1},"reference":"A%d"}' % number
    return NewEntry("decision", f"d{number}", "{}", personal, f"A{number}")


def ciphertexts(engine: sa.Engine) -> list[bytes]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(PARTS.c.ciphertext)).scalars())


def check_rotation(engine: sa.Engine) -> None:
    write(engine, [referenced(n) for n in range(1, 6)], keys=OLD_KEYS)
    write(engine, [referenced(6), NewEntry("override", "d1", "{}", b'{"note":"x"}')], keys=KEYS)
    entries = rows(engine)
    steps: list[int] = []
    assert rekey_parts(engine, KEYS, progress=steps.append) == Rekeying(5, 0)
    assert steps == [2, 4, 5]
    assert rows(engine) == entries
    result = verify_log(engine, keys=NEW_KEYS)
    assert result.is_whole and result.verified_parts == 7, "the old key is no longer needed"
    with engine.connect() as connection:
        for number in (1, 5, 6):
            digests = NEW_KEYS.reference_digests(f"A{number}")
            query = sa.select(PARTS.c.sequence).where(PARTS.c.reference.in_(digests))
            assert connection.execute(query).scalars().all() == [number]
    assert rekey_parts(engine, KEYS) == Rekeying(0, 0)


def test_parts_of_older_keys_are_encrypted_by_the_present_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.decisions.rekeying.CHUNK", 2)
    check_rotation(log_in(tmp_path))


@pytest.mark.slow
@pytest.mark.postgres
def test_postgresql_rotates_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.decisions.rekeying.CHUNK", 2)
    with postgresql() as url:
        engine = open_store(url, "decisions")
        check_rotation(engine)
        engine.dispose()


def test_an_interrupted_rotation_goes_on_and_old_ciphertexts_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.decisions.rekeying.CHUNK", 2)
    engine = log_in(tmp_path)
    write(engine, [referenced(n) for n in range(1, 6)], keys=OLD_KEYS)
    old = ciphertexts(engine)

    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rekey_parts(engine, KEYS, progress=interrupt)
    assert verify_log(engine, keys=KEYS).verified_parts == 5, "both keys are in use"
    assert rekey_parts(engine, KEYS) == Rekeying(3, 0)
    files = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE}*"))
    assert not any(text in files for text in old)


def test_parts_without_their_key_or_altered_stay_and_are_counted(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    write(engine, [referenced(1), referenced(2)], keys=OLD_KEYS)
    assert rekey_parts(engine, NEW_KEYS) == Rekeying(0, 2)
    assert verify_log(engine, keys=OLD_KEYS).is_whole
    tamper(tmp_path / FILE, "UPDATE personal_parts SET nonce = zeroblob(12) WHERE sequence = 1")
    assert rekey_parts(engine, KEYS) == Rekeying(1, 1)
    assert [fault.sequence for fault in verify_log(engine, keys=KEYS).faults] == [1]

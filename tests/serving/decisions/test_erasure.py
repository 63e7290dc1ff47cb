"""Erasing: SQLite overwrites what a transaction deletes or replaces."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from serving.decisions.erasure import erase_free_space, erasing
from serving.decisions.reading import PARTS
from tests.serving.decisions.logs import decision, log_in, write
from tests.serving.decisions.tampering import FILE


def test_replaced_and_deleted_bytes_are_gone_after_the_files_were_rewritten(tmp_path: Path) -> None:
    engine = log_in(tmp_path)
    write(engine, [decision(n) for n in range(1, 4)])
    with engine.connect() as connection:
        old = list(connection.execute(sa.select(PARTS.c.ciphertext)).scalars())
    with erasing(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1
        connection.execute(sa.update(PARTS).where(PARTS.c.sequence == 1).values(ciphertext=b"new"))
        connection.execute(sa.delete(PARTS).where(PARTS.c.sequence == 2))
    erase_free_space(engine)
    files = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE}*"))
    assert [text in files for text in old] == [False, False, True]

"""Personal fields leave the log only after the read is written into it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.audit.logged_entries import Selection, logged_entries
from serving.audit.personal import check_reader, record_access, with_personal
from tests.serving.audit.content import ALL_TIME, sample_log
from tests.serving.decisions.logs import KEYS, rows
from tests.serving.decisions.tampering import OLD_KEYS


def test_a_read_needs_keys_a_person_and_a_reason() -> None:
    assert check_reader(KEYS, " li.wei ", "complaint") == (KEYS, "li.wei", "complaint")
    with pytest.raises(ConfigError, match="--personal: CHEHANG_LOG_KEYS is not set"):
        check_reader(None, "li.wei", "complaint")
    for who, why in ((None, "complaint"), ("li.wei", None), (" ", "complaint"), ("li.wei", "")):
        with pytest.raises(ConfigError, match="--personal: needs --who and --why"):
            check_reader(KEYS, who, why)


def test_a_read_is_an_entry(tmp_path: Path) -> None:
    engine = sample_log(tmp_path)
    record_access(engine, "d1", {"who": "li.wei", "why": "投诉"})
    entry = rows(engine)[-1]
    assert (entry.kind, entry.decision_id, entry.personal_digest) == ("access", "d1", None)
    assert json.loads(entry.content) == {"who": "li.wei", "why": "投诉"}


def test_fields_come_with_their_entries_and_are_none_where_they_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.audit.personal.PAGE", 2)
    engine = sample_log(tmp_path)
    pairs = with_personal(engine, KEYS, logged_entries(engine, Selection(ALL_TIME), end=99))
    genders = [fields and fields["inputs"].get("gender") for _, fields in pairs]
    assert genders == ["female", "female", "male", None, None, None, None, None, None]
    pairs = with_personal(engine, OLD_KEYS, logged_entries(engine, Selection(ALL_TIME), end=3))
    assert [fields for _, fields in pairs] == [None, None, None]

"""Cookies of the desk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.doors.sessions import MAX_SECONDS, RENEWAL_SECONDS, DeskSession, Sessions, cookie_of, set_cookie

SESSIONS = Sessions(bytes(range(32)), idle_seconds=600, key_store="sqlite:////nowhere/keys.db")
START = 1_000_000
SESSION = DeskSession("an-id", b"\x01" * 32, START, START)  # no random id: it would be in the names of tests
COOKIE = SESSIONS.text(SESSION)


@pytest.mark.parametrize(
    ("used", "now", "is_valid"),
    [
        (START, START + 600, True),
        (START, START + 601, False),
        (START + MAX_SECONDS, START + MAX_SECONDS, True),
        (START + MAX_SECONDS, START + MAX_SECONDS + 1, False),
    ],
)
def test_a_session_ends_after_a_pause_and_after_a_working_day(used: int, now: int, is_valid: bool) -> None:
    """Both limits hold to the second."""
    cookie = SESSIONS.text(SESSION._replace(used=used))
    assert (SESSIONS.read(cookie, now=now) is not None) == is_valid


@given(position=st.integers(0, len(COOKIE) - 1), character=st.characters(min_codepoint=33, max_codepoint=126))
def test_no_character_of_a_cookie_can_be_changed(position: int, character: str) -> None:
    """Key, times and id are signed."""
    changed = COOKIE[:position] + character + COOKIE[position + 1 :]
    assert changed == COOKIE or SESSIONS.read(changed, now=START) is None


@pytest.mark.parametrize("text", ["", ".", "....", "a.b.c.d.e", "é.é.é", COOKIE + "0", COOKIE * 50], ids=range(7))
def test_other_texts_are_no_session(text: str) -> None:
    """Nor do they raise an error."""
    assert SESSIONS.read(text, now=START) is None


def test_a_cookie_of_another_server_is_none_of_ours() -> None:
    """Each server has its secret."""
    other = Sessions(bytes(32), idle_seconds=600, key_store="sqlite:////nowhere/keys.db")
    assert other.read(COOKIE, now=START) is None


def test_form_tokens_belong_to_one_session() -> None:
    """The token of another session, or the signature of the cookie, does not do."""
    other = SESSIONS.begin(b"\x01" * 32, now=START)
    assert SESSIONS.is_form_token(SESSION, SESSIONS.form_token(SESSION))
    for text in (SESSIONS.form_token(other), COOKIE.rpartition(".")[2], "", "é"):
        assert not SESSIONS.is_form_token(SESSION, text)


def test_a_used_session_is_renewed_now_and_then() -> None:
    """Its start stays."""
    assert SESSIONS.renewed(SESSION, now=START + RENEWAL_SECONDS - 1) is None
    renewed = SESSIONS.renewed(SESSION, now=START + RENEWAL_SECONDS)
    assert renewed is not None
    assert (renewed.started, renewed.used) == (START, START + RENEWAL_SECONDS)


def test_an_ended_session_stays_ended_while_the_store_cannot_be_read(tmp_path: Path) -> None:
    """This worker remembers it; the others are told when the store can be written."""
    sessions = Sessions(bytes(32), idle_seconds=600, key_store=f"sqlite:///{tmp_path}/keys.db")
    session = sessions.begin(bytes(32), now=START)
    cookie = sessions.text(session)
    sessions.end(session)
    (tmp_path / "keys.db").unlink()
    assert sessions.read(cookie, now=START) is None


def test_cookie_headers() -> None:
    """The cookie is for the desk alone, and not for scripts."""
    header = set_cookie("x", is_secure=True)
    assert b"HttpOnly" in header and b"Secure" in header and b"Path=/desk" in header and b"SameSite=Lax" in header
    assert b"Max-Age=0" in set_cookie("", is_secure=False, seconds=0)
    assert cookie_of(b"other=1") is None
    assert cookie_of(b'x="; chehang_desk=a') in (None, "a")

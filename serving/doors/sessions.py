"""Sessions of people who have logged in to the desk with a key: a signed cookie, a time-out, and a log-out."""

from __future__ import annotations

import hmac
import secrets
import time
from http.cookies import CookieError, SimpleCookie
from threading import Lock
from typing import NamedTuple

import sqlalchemy as sa

from serving.stores import StoreUnavailable, open_store, store_errors, writing

COOKIE = "chehang_desk"
SECRET_VARIABLE = "CHEHANG_SESSION_SECRET"
MAX_SECONDS = 12 * 3_600  # of a session, however busy: somebody logs in every working day
RENEWAL_SECONDS = 30  # a cookie is written anew at most this often
_MAX_COOKIE = 400
_TABLE = sa.table("ended_sessions", sa.column("session_id"), sa.column("expires_at"))


class DeskSession(NamedTuple):
    """A session as its cookie says it.

    Attributes
    ----------
    session_id : str
        Random.
    digest : bytes
        SHA-256 of the key with which somebody logged in.
    started, used : int
        Log-in and last request (seconds since 1970 UTC).
    """

    session_id: str
    digest: bytes
    started: int
    used: int


class Sessions:
    """Makes and checks the cookies of the desk; all workers of a server share the secret.

    Parameters
    ----------
    secret : bytes
        Signs the cookies; at least 32 random bytes.
    idle_seconds : int
        A session ends when nobody has used it for this time.
    key_store : str
        SQLAlchemy URL of the store in which sessions are ended.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     sessions = Sessions(bytes(32), idle_seconds=600, key_store=f"sqlite:///{folder}/keys.db")
    ...     session = sessions.begin(b"d" * 32, now=1_000)
    ...     cookie = sessions.text(session)
    ...     print(sessions.read(cookie, now=1_500) == session, sessions.read(cookie, now=1_601))
    ...     sessions.end(session)
    ...     print(sessions.read(cookie, now=1_500))
    True None
    None
    """

    def __init__(self, secret: bytes, *, idle_seconds: int, key_store: str) -> None:
        self._secret = secret
        self._url = key_store
        self._engine: sa.Engine | None = None
        self._lock = Lock()
        self._ended: set[str] = set()
        self.idle_seconds = idle_seconds

    def begin(self, digest: bytes, *, now: int | None = None) -> DeskSession:
        """Return a new session of a key with this digest; `now` in seconds since 1970 UTC."""
        at = int(time.time()) if now is None else now
        return DeskSession(secrets.token_urlsafe(18), digest, at, at)

    def text(self, session: DeskSession) -> str:
        """Return the value of the cookie of a session."""
        content = f"{session.session_id}.{session.digest.hex()}.{session.started}.{session.used}"
        return f"{content}.{self._sign('session', content)}"

    def read(self, cookie: str, *, now: int | None = None) -> DeskSession | None:
        """Return the session of a cookie; None if it is not ours, timed out, or ended.

        Parameters
        ----------
        cookie : str
            Value of the cookie.
        now : int, optional
            Seconds since 1970 UTC; by default the present.
        """
        at = int(time.time()) if now is None else now
        content, _, signature = cookie[:_MAX_COOKIE].rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign("session", content).encode()):
            return None
        session_id, digest, started, used = content.split(".")
        session = DeskSession(session_id, bytes.fromhex(digest), int(started), int(used))
        is_over = at - session.used > self.idle_seconds or at - session.started > MAX_SECONDS
        return None if is_over or self._has_ended(session_id) else session

    def renewed(self, session: DeskSession, *, now: int | None = None) -> DeskSession | None:
        """Return the session with its last use set to now; None if that was set a moment ago."""
        at = int(time.time()) if now is None else now
        return session._replace(used=at) if at - session.used >= RENEWAL_SECONDS else None

    def form_token(self, session: DeskSession) -> str:
        """Return the text that forms of this session must send back, which another site cannot know."""
        return self._sign("form", session.session_id)

    def is_form_token(self, session: DeskSession, text: str) -> bool:
        """Return whether a text is the token of a session."""
        return hmac.compare_digest(text.encode(), self.form_token(session).encode())

    def end(self, session: DeskSession) -> None:
        """End a session on all workers.

        Raises
        ------
        StoreUnavailable
            Other workers cannot be told; this one has ended it.
        """
        self._ended.add(session.session_id)
        now = int(time.time())
        engine = self._open()
        with store_errors(engine, "keys"), writing(engine) as connection:
            connection.execute(sa.delete(_TABLE).where(_TABLE.c.expires_at < now))
            row = {"session_id": session.session_id, "expires_at": session.started + MAX_SECONDS}
            present = sa.select(_TABLE.c.session_id).where(_TABLE.c.session_id == session.session_id)
            if connection.execute(present).first() is None:
                connection.execute(sa.insert(_TABLE).values(**row))

    def _has_ended(self, session_id: str) -> bool:
        if session_id in self._ended:
            return True
        try:
            engine = self._open()
            with store_errors(engine, "keys"), engine.connect() as connection:
                query = sa.select(_TABLE.c.session_id).where(_TABLE.c.session_id == session_id)
                return connection.execute(query).first() is not None
        except StoreUnavailable:
            return False  # as keys, sessions remain valid while the store cannot be read

    def _open(self) -> sa.Engine:
        with self._lock:
            if self._engine is None:
                self._engine = open_store(self._url, "keys")
            return self._engine

    def _sign(self, purpose: str, content: str) -> str:
        return hmac.digest(self._secret, f"{purpose}:{content}".encode(), "sha256").hex()


def cookie_of(header: bytes) -> str | None:
    """Return the cookie of the desk in a header `Cookie`; None if there is none.

    >>> cookie_of(b"a=1; chehang_desk=x.y"), cookie_of(b"")
    ('x.y', None)
    """
    try:
        morsel = SimpleCookie(header.decode("latin-1")).get(COOKIE)
    except CookieError:
        return None
    return None if morsel is None else morsel.value


def set_cookie(value: str, *, is_secure: bool, seconds: int = MAX_SECONDS) -> bytes:
    """Return the header `Set-Cookie` of the desk.

    Parameters
    ----------
    value : str
        Of `Sessions.text`; empty to delete the cookie.
    is_secure : bool
        Whether the cookie is sent over TLS only.
    seconds : int
        Life of the cookie; 0 deletes it.

    Examples
    --------
    >>> set_cookie("x", is_secure=False, seconds=60)
    b'chehang_desk=x; Path=/desk; Max-Age=60; HttpOnly; SameSite=Lax'
    """
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={value}; Path=/desk; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}".encode()

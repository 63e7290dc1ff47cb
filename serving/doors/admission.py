"""The doors: who calls, how often, and whether the key is for this path."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlencode

from serving.asgi import Problem, Scope
from serving.doors.caller import Caller
from serving.doors.key_ring import NANOSECONDS, Entry, KeyRing
from serving.doors.key_texts import PREFIX, digest_of, tag_of
from serving.doors.roles import OPEN_PATHS, required_scope
from serving.doors.sessions import DeskSession, Sessions, cookie_of
from serving.doors.tokens import Tokens
from serving.shared_file import SharedFile

CHALLENGE = (b"www-authenticate", b'Bearer realm="chehang"')
FAILURE_INTERVAL = 2 * NANOSECONDS  # of one address: 30 failed attempts at once, then one in two seconds
FAILURE_BURST = 30
_KEY = PREFIX.encode()
DESK = "/desk"
DESK_SCOPE = "desk"
OPEN_DESK_PATHS = (f"{DESK}/log-in", f"{DESK}/static/")


class Admission:
    """Recognises the caller of each request; `serving.guard.Guard` calls `admit` before anything else is read.

    Parameters
    ----------
    keys : KeyRing
        API keys.
    tokens : Tokens or None
        Tokens of an issuer; None if only keys are accepted.
    shared : SharedFile
        Memory of all workers, in which requests and failed attempts are counted.
    sessions : Sessions, optional
        Sessions of the desk; None: nobody can log in.

    Examples
    --------
    A path that needs no key has no caller; any other one needs a key, whether it exists or not:

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from serving.doors.key_ring import Limit
    >>> with TemporaryDirectory() as folder:
    ...     keys = KeyRing(f"sqlite:///{folder}/keys.db", limit=Limit.of(100, 200), grace_seconds=900, fixed={})
    ...     doors = Admission(keys, None, SharedFile(Path(folder) / "shared.bin"))
    ...     request = {"method": "GET", "path": "/healthz", "query_string": b"", "headers": []}
    ...     doors.admit(request, {}) is None
    ...     try:
    ...         doors.admit({**request, "path": "/anything"}, {})
    ...     except Problem as problem:
    ...         print(problem.status, problem.code)
    True
    401 no_key
    """

    def __init__(
        self, keys: KeyRing, tokens: Tokens | None, shared: SharedFile, sessions: Sessions | None = None
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._shared = shared
        self.sessions = sessions

    def start(self) -> None:
        """Read the keys, and start the threads that follow changes."""
        self._keys.start()
        if self._tokens is not None:
            self._tokens.start()

    def stop(self) -> None:
        """Stop the threads."""
        self._keys.stop()
        if self._tokens is not None:
            self._tokens.stop()

    def admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Return the caller of a request; None for the paths of probes, which need no key.

        Parameters
        ----------
        scope : mapping
            ASGI scope of the request.
        headers : mapping of bytes to bytes
            Its headers, with lower-case names.

        Raises
        ------
        Problem
            Status 400: the key is in the URL, or sent more than once. 401: no valid key. 403: the key is not for this
            path. 429: too many requests with this key, or too many failed attempts. 503: the key cannot be checked.
        """
        path: str = scope["path"]
        if path in OPEN_PATHS:
            return None
        if _KEY in scope["query_string"] or PREFIX in path:
            raise Problem(400, "key_in_url", "a URL is written to logs: rotate this key, and send it as a header")
        if path == DESK or path.startswith(f"{DESK}/"):
            return self._admit_to_desk(scope, headers)
        credential = _credential(scope, headers)
        now = time.monotonic_ns()
        entry = None
        if credential is not None:
            digest = digest_of(credential)
            if credential.startswith(_KEY):
                entry = self._keys.entry(digest)
            elif self._tokens is not None:
                entry = self._tokens.remembered(digest)
                if entry is None:
                    self._check_failures(scope, now)
                    entry = self._tokens.entry(credential, digest)
        if entry is None or not self._holds(entry, scope, now):
            raise self._refusal(scope, now, has_credential=credential is not None)
        self._count(entry, now)
        caller = entry.caller
        required = required_scope(scope["method"], path)
        if required is not None and required not in caller.scopes:
            text = (
                f"this key (role {caller.role}) lacks the scope {required}; ask the administrator for one that has it"
            )
            raise Problem(403, "missing_scope", text)
        return caller

    def log_in(self, scope: Scope, key: str) -> tuple[DeskSession, Caller]:
        """Return a new session of the desk for a key, and its caller.

        Parameters
        ----------
        scope : mapping
            ASGI scope of the request; failed attempts count against its address.
        key : str
            Text of the key.

        Raises
        ------
        Problem
            Status 401: the key is not valid. 403: it is not for the desk. 429: too many failed attempts.
        """
        now = time.monotonic_ns()
        self._check_failures(scope, now)
        digest = digest_of(key.strip().encode())
        entry = self._keys.entry(digest)
        if self.sessions is None or entry is None or not self._holds(entry, scope, now):
            wait = self._shared.take(_address_tag(scope), interval=FAILURE_INTERVAL, burst=FAILURE_BURST, now=now)
            if wait:
                raise _too_many("too_many_failures", "too many attempts without a valid key from this address", wait)
            raise Problem(401, "invalid_key", "this key is unknown, expired or revoked")
        self._count(entry, now)
        if DESK_SCOPE not in entry.caller.scopes:
            raise Problem(403, "missing_scope", f"this key (role {entry.caller.role}) is not for the desk")
        return self.sessions.begin(digest), entry.caller

    def _admit_to_desk(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Caller | None:
        """Return the caller of a session; without one, only the pages that need no session are answered."""
        cookie = cookie_of(headers.get(b"cookie", b""))
        session = None if cookie is None or self.sessions is None else self.sessions.read(cookie)
        entry = None if session is None else self._keys.entry(session.digest)
        now = time.monotonic_ns()
        if entry is not None and self._holds(entry, scope, now) and DESK_SCOPE in entry.caller.scopes:
            self._count(entry, now)
            scope["desk_session"] = session
            return entry.caller
        if scope["path"].startswith(OPEN_DESK_PATHS):
            return None
        raise LogInRequired(scope, headers, had_session=cookie is not None)

    def _holds(self, entry: Entry, scope: Scope, now: int) -> bool:
        return entry.deadline > now and not (entry.is_local and not _is_local(scope))

    def _count(self, entry: Entry, now: int) -> None:
        """Count a request of a key; raises `Problem` 429 above its limit."""
        entry.is_used = True
        limit = entry.limit
        if limit.interval:
            wait = self._shared.take(entry.tag, interval=limit.interval, burst=limit.burst, now=now)
            if wait:
                rate = f"{NANOSECONDS / limit.interval:g} requests a second, {limit.burst} at once"
                raise _too_many("too_many_requests", f"this key may send {rate}; wait", wait)

    def _check_failures(self, scope: Scope, now: int) -> None:
        """Refuse an address with too many failed attempts before a signature is checked, which takes a while."""
        wait = self._shared.take(
            _address_tag(scope), interval=FAILURE_INTERVAL, burst=FAILURE_BURST, now=now, is_attempt=False
        )
        if wait:
            raise _too_many("too_many_failures", "too many attempts without a valid key from this address; wait", wait)

    def _refusal(self, scope: Scope, now: int, *, has_credential: bool) -> Problem:
        wait = self._shared.take(_address_tag(scope), interval=FAILURE_INTERVAL, burst=FAILURE_BURST, now=now)
        if wait:
            return _too_many("too_many_failures", "too many attempts without a valid key from this address; wait", wait)
        if has_credential:
            text = "this key is unknown, expired or revoked; an administrator lists keys with: chehang keys list"
            return Problem(
                401, "invalid_key", text, headers=[(CHALLENGE[0], CHALLENGE[1] + b', error="invalid_token"')]
            )
        text = "this path needs a key: send the header Authorization: Bearer <key>"
        return Problem(401, "no_key", text, headers=[CHALLENGE])


class LogInRequired(Problem):
    """Sends a browser to the log-in page of the desk, and from there back to the page that it asked for."""

    content_type = b"text/html; charset=utf-8"

    def __init__(self, scope: Scope, headers: Mapping[bytes, bytes], *, had_session: bool) -> None:
        query = {}
        if had_session:
            query["ended"] = "1"
        is_htmx = b"hx-request" in headers
        if scope["method"] == "GET" and not is_htmx:
            text = scope["query_string"].decode("latin-1")
            query["next"] = scope["path"] + (f"?{text}" if text else "")
        address = f"{DESK}/log-in" + (f"?{urlencode(query)}" if query else "")
        # A request of a script is answered with an empty page and the header that makes htmx leave for another one.
        name = b"hx-redirect" if is_htmx else b"location"
        super().__init__(200 if is_htmx else 303, "log_in", "", headers=[(name, address.encode())])

    def content(self) -> bytes:
        """Return an empty body."""
        return b""


def _credential(scope: Scope, headers: Mapping[bytes, bytes]) -> bytes | None:
    """Return the key or token of a request, or None. Two of them are refused: which one counts must not be a guess."""
    authorization, key = headers.get(b"authorization"), headers.get(b"x-api-key")
    if authorization is None and key is None:
        return None
    pairs = scope["headers"]
    may_repeat = len(headers) != len(pairs) or (authorization is not None and key is not None)
    if may_repeat and sum(name in (b"authorization", b"x-api-key") for name, _ in pairs) > 1:
        raise Problem(400, "several_keys", "send one key, in one of the headers Authorization and X-API-Key")
    if authorization is None:
        return key.strip() if key is not None else None
    kind, _, credential = authorization.partition(b" ")
    if kind.lower() != b"bearer":
        text = "the header Authorization must be: Bearer <key>"
        raise Problem(401, "no_key", text, headers=[CHALLENGE])
    return credential.strip()


def _too_many(code: str, text: str, wait: int) -> Problem:
    seconds = max(1, -(-wait // NANOSECONDS))
    return Problem(429, code, f"{text} {seconds} s", headers=[(b"retry-after", b"%d" % seconds)])


def _address_tag(scope: Scope) -> int:
    """Return the bucket of the client's address; addresses of one IPv6 network of 64 bits share it."""
    host = (scope.get("client") or ("",))[0]
    try:
        address = ip_address(host)
    except ValueError:
        return tag_of("address", str(host))
    whole = address.packed if address.version == 4 else address.packed[:8]
    return tag_of("address", whole.hex())


def _is_local(scope: Scope) -> bool:
    """Return whether the request arrived on a loopback address of this machine."""
    return _is_loopback((scope.get("server") or ("",))[0])


@lru_cache(maxsize=16)  # addresses of this machine
def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

"""JSON Web Tokens of an OpenID Connect issuer, accepted in place of a key."""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import jwt

from features.errors import ConfigError
from serving.asgi import Problem
from serving.doors.caller import Caller
from serving.doors.key_ring import NANOSECONDS, Entry, Limit
from serving.doors.key_texts import tag_of
from serving.doors.roles import ROLES

log = logging.getLogger("chehang.serving")
# Asymmetric ones only: with a symmetric one, whoever can check tokens could also make them.
FAMILIES = {"RSA": ("RS", "PS"), "EC": ("ES",), "OKP": ("Ed",)}
ALGORITHMS = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"),
]
REFRESH_SECONDS = 300.0
RETRY_SECONDS = 10.0
MAX_KEY_AGE_SECONDS = 86_400.0
LEEWAY_SECONDS = 30
MAX_TOKEN_BYTES = 8_192
MAX_DOCUMENT_BYTES = 1_000_000
MAX_TOKENS = 4_096
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Tokens:
    """Checks tokens against the public keys of an issuer, which a thread reads by discovery.

    No request waits for the issuer: a token whose key is not in memory is answered with status 503 and makes the thread
    read the keys again, at most every `RETRY_SECONDS`. Tokens that were checked are remembered until they expire or the
    issuer's keys change.

    Parameters
    ----------
    issuer : str
        URL of the issuer, the claim `iss` of its tokens; `https`, or `http` on a loopback address.
    audience : str
        The claim `aud`, or one of its values.
    role_claim : str
        Claim with one role or a list of roles of `serving.doors.roles.ROLES`; dots lead into objects. Other roles in
        it are ignored.
    stores_claim : str or None
        Claim with one store or a list of stores; None: tokens hold for all stores.
    limit : Limit
        Of the requests of one subject.

    Raises
    ------
    ConfigError
        The issuer is not such a URL.

    Examples
    --------
    >>> Tokens("http://login.example", "chehang", role_claim="role", stores_claim=None, limit=Limit(0, 1))
    Traceback (most recent call last):
    features.errors.ConfigError: jwt_issuer: must be an https URL (http on a loopback address only), got 'http://...
    """

    def __init__(self, issuer: str, audience: str, *, role_claim: str, stores_claim: str | None, limit: Limit) -> None:
        _check_url(issuer, "jwt_issuer")
        self._issuer = issuer
        self._audience = audience
        self._role_claim = role_claim
        self._stores_claim = stores_claim
        self._limit = limit
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._document: Any = None
        self._read_at: float | None = None
        self._attempt_at: float | None = None
        self._error: str | None = None
        self._entries: dict[bytes, Entry] = {}
        self._refresh_request = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def remembered(self, digest: bytes) -> Entry | None:
        """Return the caller of a token that was checked before, by the digest of the token; else None."""
        return self._entries.get(digest)

    def entry(self, token: bytes, digest: bytes) -> Entry | None:
        """Check a token, and return its caller; None if the token is not valid.

        Raises
        ------
        Problem
            Status 503: the issuer's keys are not known yet. Status 403: the token has no role, or no store.
        """
        if len(token) > MAX_TOKEN_BYTES:
            return None
        claims = self._claims(token)
        if claims is None:
            return None
        entry = self._entry(claims)
        if len(self._entries) >= MAX_TOKENS:
            now = time.monotonic_ns()
            valid = {d: e for d, e in self._entries.items() if e.deadline > now}
            self._entries = valid if len(valid) < MAX_TOKENS // 2 else {}
        self._entries[digest] = entry
        return entry

    def start(self) -> None:
        """Start the thread that reads the issuer's keys."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="token-keys", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stop.set()
        self._refresh_request.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.refresh()
            self._refresh_request.wait(REFRESH_SECONDS if self._error is None else RETRY_SECONDS)
            self._refresh_request.clear()
            if self._attempt_at is not None:  # tokens with invented keys must not flood the issuer
                self._stop.wait(max(0.0, self._attempt_at + 1 - time.monotonic()))

    def refresh(self) -> None:
        """Read the issuer's keys. No error is raised: it is logged once, and the keys stay as they are for a day."""
        self._attempt_at = time.monotonic()
        try:
            document = self._read()
            if document != self._document:
                self._keys = _signing_keys(document)
                self._document, self._entries = document, {}
        except (OSError, HTTPException, ValueError, ConfigError, jwt.PyJWTError) as e:
            reason = str(e) or type(e).__name__
            if self._error != reason:
                log.error("the keys of the issuer %s cannot be read: %s", self._issuer, reason)
            self._error = reason
            if self._read_at is not None and time.monotonic() - self._read_at > MAX_KEY_AGE_SECONDS:
                self._keys, self._document, self._entries = {}, None, {}
        else:
            self._error, self._read_at = None, time.monotonic()

    def _read(self) -> Any:
        discovery = _json_at(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if not isinstance(discovery, dict) or discovery.get("issuer") != self._issuer:
            raise ConfigError("its discovery document names another issuer; set jwt_issuer to its `issuer`")
        address = discovery.get("jwks_uri")
        if not isinstance(address, str):
            raise ConfigError("its discovery document has no jwks_uri")
        _check_url(address, "jwks_uri")
        return _json_at(address)

    def _claims(self, token: bytes) -> Mapping[str, Any] | None:
        """Return the claims of a valid token; None for any other."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return None
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            return None
        key = self._keys.get(key_id) if key_id is not None or len(self._keys) != 1 else next(iter(self._keys.values()))
        if key is None:
            self._read_keys_soon()
            return None
        if not algorithm.startswith(FAMILIES[str(key.key_type)]):
            return None
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return claims

    def _read_keys_soon(self) -> None:
        """Let the thread read the keys, and raise a `Problem`; return if it has just read them."""
        if self._error is None and self._read_at is not None and time.monotonic() - self._read_at < RETRY_SECONDS:
            return
        self._refresh_request.set()
        text = "the keys of the issuer are being read, so that this token cannot be checked; try again in a moment"
        raise Problem(503, "keys_unavailable", text, headers=[(b"retry-after", b"2")])

    def _entry(self, claims: Mapping[str, Any]) -> Entry:
        subject = str(claims["sub"])[:200]
        roles = [role for role in _texts(_claim(claims, self._role_claim)) if role in ROLES]
        if not roles:
            text = f"the claim {self._role_claim} of this token has none of the roles: {', '.join(ROLES)}"
            raise Problem(403, "no_role", text)
        stores = None
        if self._stores_claim is not None:
            stores = frozenset(_texts(_claim(claims, self._stores_claim)))
            if not stores:
                raise Problem(403, "no_store", f"the claim {self._stores_claim} of this token has no store")
        scopes = frozenset().union(*(ROLES[role] for role in roles))
        name = str(claims.get("preferred_username") or claims.get("name") or subject)[:200]
        caller = Caller(f"jwt:{subject}", name, "+".join(sorted(set(roles))), scopes, stores)
        remaining = float(claims["exp"]) + LEEWAY_SECONDS - time.time()
        deadline = time.monotonic_ns() + round(remaining * NANOSECONDS)
        return Entry(caller, self._limit, tag=tag_of("token", subject), deadline=deadline)


def _signing_keys(document: Any) -> dict[str | None, jwt.PyJWK]:
    """Return the usable keys of a JWKS document by identifier; symmetric ones and those for encryption are left out."""
    keys: dict[str | None, jwt.PyJWK] = {}
    entries = document.get("keys") if isinstance(document, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("kty") not in FAMILIES or entry.get("use", "sig") != "sig":
            continue
        try:
            keys[entry.get("kid")] = jwt.PyJWK(entry)
        except (jwt.PyJWTError, ValueError, TypeError):  # a curve that we do not support
            continue
    if not keys:
        raise ConfigError("its JWKS document has no usable key")
    return keys


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    if path in claims:  # names of claims may be URLs, with dots
        return claims[path]
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [v for v in values if isinstance(v, str) and v]


def _check_url(url: str, name: str) -> None:
    parts = urlsplit(url)
    if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)) or not parts.netloc:
        raise ConfigError(f"{name}: must be an https URL (http on a loopback address only), got '{url}'")


def _json_at(url: str) -> Any:
    request = urllib.request.Request(url, headers={"accept": "application/json"})
    with _OPENER.open(request, timeout=5) as response:
        content = response.read(MAX_DOCUMENT_BYTES + 1)
    if len(content) > MAX_DOCUMENT_BYTES:
        raise ConfigError(f"{url} is longer than {MAX_DOCUMENT_BYTES} bytes")
    return json.loads(content)


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener that does not follow redirects, which could lead from https to http."""
    opener = urllib.request.OpenerDirector()
    handlers = (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.HTTPDefaultErrorHandler,
    )
    for handler in handlers:
        opener.add_handler(handler())
    return opener


_OPENER = _opener()

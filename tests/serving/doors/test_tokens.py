"""Tokens of a real issuer on loopback: signatures, claims, rotated keys, and an issuer that does not answer."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from features.errors import ConfigError
from serving.asgi import Problem
from serving.doors import tokens as module
from serving.doors.key_ring import NANOSECONDS, Entry, Limit
from serving.doors.key_texts import digest_of
from serving.doors.roles import ROLES
from serving.doors.tokens import Tokens
from tests.serving.doors.issuer import AUDIENCE, Issuer, issuing
from tests.serving.running import until


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Return a running issuer."""
    with issuing() as issuer:
        yield issuer


def _tokens(issuer: Issuer, *, role_claim: str = "role", stores_claim: str | None = None) -> Tokens:
    tokens = Tokens(issuer.url, AUDIENCE, role_claim=role_claim, stores_claim=stores_claim, limit=Limit(1, 1))
    tokens.refresh()
    return tokens


def _entry(tokens: Tokens, token: bytes) -> Entry | None:
    return tokens.entry(token, digest_of(token))


def test_a_valid_token_is_a_caller_until_it_expires(issuer: Issuer) -> None:
    tokens = _tokens(issuer)
    token = issuer.token(preferred_username="li.wei")
    entry = _entry(tokens, token)
    assert entry is not None and tokens.remembered(digest_of(token)) is entry
    assert (entry.caller.key_id, entry.caller.name, entry.caller.role) == ("jwt:u-17", "li.wei", "sales")
    assert entry.caller.scopes == ROLES["sales"] and entry.caller.stores is None
    seconds = (entry.deadline - time.monotonic_ns()) / NANOSECONDS
    assert 55 < seconds - 30 < 65, "60 s and the leeway for clocks that differ"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://login.example"},
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"sub": None},
        {"nbf": int(time.time()) + 600},
    ],
)
def test_a_token_with_another_audience_issuer_or_time_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert _entry(_tokens(issuer), issuer.token(**claims)) is None


def test_only_asymmetric_algorithms_of_the_published_keys_are_accepted(issuer: Issuer) -> None:
    issuer.add_key("ec-1", curve=True)
    tokens = _tokens(issuer)
    assert _entry(tokens, issuer.token(key_id="ec-1", algorithm="ES256")) is not None
    assert _entry(tokens, issuer.token(algorithm="PS256")) is not None
    public = issuer.keys["rsa-1"].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "rsa-1"}).encode()).rstrip(b"=")
    body = issuer.token().split(b".")[1]
    stolen = Issuer(1)  # another key under the name of a published one
    # PyJWT refuses to sign with a public key as a secret, so that this classical forgery is made by hand.
    forged = _hmac_token(pem, issuer)
    for token in (
        b"%b.%b." % (header, body),
        forged,
        jwt.encode({"sub": "x"}, "secret" * 8, algorithm="HS256", headers={"kid": "oct-1"}).encode(),
        issuer.token(key=stolen.keys["rsa-1"]),
        issuer.token(key_id="rsa-1", algorithm="ES256", key=issuer.keys["ec-1"]),
        issuer.token()[:-4] + b"AAAA",
        b"a.b.c",
        b"",
        b"x" * 10_000,
    ):
        assert _entry(tokens, token) is None


def _hmac_token(secret: bytes, issuer: Issuer) -> bytes:
    import hashlib
    import hmac

    def encoded(content: bytes) -> bytes:
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    head = encoded(json.dumps({"alg": "HS256", "kid": "rsa-1", "typ": "JWT"}).encode())
    text = head + b"." + issuer.token().split(b".")[1]
    return text + b"." + encoded(hmac.new(secret, text, hashlib.sha256).digest())


def test_roles_and_stores_come_from_the_claims_that_the_settings_name(issuer: Issuer) -> None:
    tokens = _tokens(issuer, role_claim="realm_access.roles", stores_claim="https://group.example/stores")
    roles = {"realm_access": {"roles": ["offline_access", "sales", "planner"]}}
    entry = _entry(tokens, issuer.token(**roles, **{"https://group.example/stores": ["S1", "S2"]}))
    assert entry is not None and entry.caller.role == "planner+sales" and entry.caller.stores == {"S1", "S2"}
    assert entry.caller.scopes == ROLES["sales"] | ROLES["planner"]
    with pytest.raises(Problem) as refusal:
        _entry(tokens, issuer.token(**roles))
    assert (refusal.value.status, refusal.value.code) == (403, "no_store"), "without stores it holds for none, not all"
    for role in ("sales", ["offline_access"], None):
        with pytest.raises(Problem) as refusal:
            _entry(tokens, issuer.token(realm_access={"roles": role} if role == ["offline_access"] else role))
        assert (refusal.value.status, refusal.value.code) == (403, "no_role")


def test_a_new_signing_key_is_read_at_once_and_a_withdrawn_one_is_refused(issuer: Issuer) -> None:
    tokens = _tokens(issuer)
    old, tokens_path = issuer.token(), "/realms/group/keys"
    assert _entry(tokens, old) is not None
    assert _entry(tokens, issuer.token(key_id="rsa-2", key=issuer.keys["rsa-1"])) is None, "the keys were just read"
    assert issuer.answers[tokens_path] == 1
    issuer.add_key("rsa-2")
    del issuer.keys["rsa-1"]
    tokens._read_at = time.monotonic() - module.RETRY_SECONDS
    with pytest.raises(Problem) as refusal:
        _entry(tokens, issuer.token(key_id="rsa-2"))
    assert (refusal.value.status, dict(refusal.value.headers)) == (503, {b"retry-after": b"2"}), "no request waits"
    tokens.refresh()
    assert _entry(tokens, issuer.token(key_id="rsa-2")) is not None
    assert tokens.remembered(digest_of(old)) is None and _entry(tokens, old) is None


def test_the_thread_reads_the_keys_when_a_token_needs_them(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
    tokens = Tokens(issuer.url, AUDIENCE, role_claim="role", stores_claim=None, limit=Limit(1, 1))
    tokens.start()
    try:
        until(lambda: _accepts(tokens, issuer.token()))
        issuer.add_key("rsa-2")
        until(lambda: _accepts(tokens, issuer.token(key_id="rsa-2")), seconds=5)
    finally:
        tokens.stop()


def _accepts(tokens: Tokens, token: bytes) -> bool:
    try:
        return _entry(tokens, token) is not None
    except Problem:
        return False


def test_an_issuer_that_does_not_answer_or_is_another_one_is_logged_once_and_its_keys_stay(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = _tokens(issuer)
    issuer.named_issuer = "https://login.example"
    tokens.refresh()
    tokens.refresh()
    assert caplog.text.count("discovery document names another issuer") == 1
    assert _entry(tokens, issuer.token()) is not None
    tokens._read_at = time.monotonic() - module.MAX_KEY_AGE_SECONDS - 1
    tokens.refresh()
    with pytest.raises(Problem) as refusal:
        _entry(tokens, issuer.token(sub="u-18"))
    assert refusal.value.code == "keys_unavailable"
    silent = Tokens("http://127.0.0.1:9", AUDIENCE, role_claim="role", stores_claim=None, limit=Limit(1, 1))
    silent.refresh()
    assert "the keys of the issuer http://127.0.0.1:9 cannot be read" in caplog.text
    assert str(issuer.token()) not in caplog.text


def test_redirects_are_not_followed(issuer: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    issuer.moves_to = "http://127.0.0.1:9/elsewhere"
    _tokens(issuer)
    assert "cannot be read: HTTP Error 302" in caplog.text


def test_an_issuer_without_tls_on_another_machine_is_refused() -> None:
    for url in ("http://login.example", "ftp://login.example", "login.example", "https://"):
        with pytest.raises(ConfigError, match="jwt_issuer: must be an https URL"):
            Tokens(url, AUDIENCE, role_claim="role", stores_claim=None, limit=Limit(1, 1))


def test_the_memory_of_checked_tokens_is_bounded(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TOKENS", 4)
    tokens = _tokens(issuer)
    several = [issuer.token(sub=f"u-{n}") for n in range(9)]
    assert all(_entry(tokens, token) is not None for token in several)
    assert sum(tokens.remembered(digest_of(token)) is not None for token in several) <= 4

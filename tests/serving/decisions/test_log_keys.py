"""Keys of the log: personal parts open with their key and for their entry only; errors show no key."""

from __future__ import annotations

import base64

import pytest

from features.errors import ConfigError
from serving.decisions.log_keys import LogKeys, UnreadablePart, log_keys, personal_digest

A, B = bytes(range(32)), bytes(range(100, 132))
TEXT = b"0123456789abcdef" + '{"inputs":{"name":"李雷"}}'.encode()


def base(key: bytes, *, url: bool = False) -> str:
    return (base64.urlsafe_b64encode if url else base64.b64encode)(key).decode()


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old, both = LogKeys({"a": A}), LogKeys({"b": B, "a": A})
    part = old.encrypt(5, TEXT, reference=None)
    assert (part.key_id, part.reference) == ("a", None)
    assert "李雷".encode() not in part.ciphertext
    assert both.decrypt(part) == TEXT
    assert both.encrypt(5, TEXT, reference=None).key_id == "b"
    assert old.encrypt(5, TEXT, reference=None).nonce != part.nonce


def test_a_part_opens_for_its_entry_and_unaltered_only() -> None:
    keys = LogKeys({"a": A})
    part = keys.encrypt(5, TEXT, reference=None)
    altered = bytes([part.ciphertext[0] ^ 1]) + part.ciphertext[1:]
    changes = ({"sequence": 6}, {"ciphertext": altered}, {"nonce": bytes(12)}, {"nonce": b"short"}, {"reference": ""})
    for other in (part._replace(**change) for change in changes):  # type: ignore[arg-type]
        with pytest.raises(UnreadablePart, match=rf"personal part {other.sequence} was altered"):
            keys.decrypt(other)
    with pytest.raises(UnreadablePart, match="encrypted by the key 'a', which CHEHANG_LOG_KEYS lacks"):
        LogKeys({"b": B}).decrypt(part)


def test_a_reference_is_looked_up_under_each_key_and_guessed_without_none() -> None:
    old, both = LogKeys({"a": A}), LogKeys({"b": B, "a": A})
    digest = old.encrypt(5, TEXT, reference="APP-1").reference
    assert digest in both.reference_digests("APP-1")
    assert digest not in both.reference_digests("APP-2")
    assert digest not in LogKeys({"b": B}).reference_digests("APP-1")
    assert len(set(both.reference_digests("APP-1"))) == 2


def test_the_digest_is_that_of_salt_and_personal_json() -> None:
    assert personal_digest(TEXT) != personal_digest(b"1" + TEXT[1:])
    assert len(personal_digest(TEXT)) == 64


@pytest.mark.parametrize("url", [False, True])
def test_keys_are_read_in_their_order_from_the_environment(url: bool) -> None:
    keys = log_keys({"CHEHANG_LOG_KEYS": f" new:{base(bytes([251] * 32), url=url)} , old-1:{base(A)}"})
    assert keys is not None and keys.names == ("new", "old-1")
    assert keys.decrypt(LogKeys({"old-1": A}).encrypt(1, TEXT, reference=None)) == TEXT
    assert log_keys({"CHEHANG_LOG_KEYS": " "}) is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (base(A), "item 1 must be name:base64"),
        (f"a:{base(A)},", "item 2 must be name:base64"),
        (f"two words:{base(A)}", "item 1 must be name:base64"),
        (f"a:{base(A)},a:{base(B)}", "the name 'a' occurs twice"),
        (f"a:{base(A[:31])}", "key 'a' must be base64 of 32 bytes; make one with: openssl rand"),
        ("a:not base64 at all!", "key 'a' must be base64 of 32 bytes"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_without_quoting_them(text: str, rule: str) -> None:
    with pytest.raises(ConfigError, match=rule) as refused:
        log_keys({"CHEHANG_LOG_KEYS": text})
    assert base(A)[:20] not in str(refused.value)

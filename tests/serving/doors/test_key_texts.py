"""Texts of keys: their form, and what is stored of them."""

from __future__ import annotations

import base64
import hashlib

import pytest

from serving.doors.key_texts import digest_of, is_key_text, new_key_text, tag_of


def test_a_key_has_256_random_bits() -> None:
    texts = {new_key_text() for _ in range(100)}
    assert len(texts) == 100 and all(is_key_text(text) for text in texts)
    assert {len(base64.urlsafe_b64decode(text.removeprefix("chk_") + "=")) for text in texts} == {32}


@pytest.mark.parametrize(
    "text", ["", "chk_", "chk_" + "a" * 42, "chk_" + "a" * 44, "CHK_" + "a" * 43, "chk_" + "+" * 43]
)
def test_other_texts_are_no_keys(text: str) -> None:
    assert not is_key_text(text)


def test_the_digest_is_sha_256_and_tags_are_positive_words() -> None:
    assert digest_of(b"chk_x") == hashlib.sha256(b"chk_x").digest()
    tags = {tag_of(kind, f"k_{n}") for kind in ("key", "address") for n in range(500)}
    assert len(tags) == 1_000 and min(tags) > 0 and max(tags) < 2**63

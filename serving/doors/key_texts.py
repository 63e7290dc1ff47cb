"""Texts of API keys: 256 random bits, of which the service stores the SHA-256 only.

A slow hash as for passwords would add nothing: nobody can try 2**256 keys. Looking up a digest in a dictionary tells an
attacker nothing by its duration, because a digest does not show which key has it.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256

PREFIX = "chk_"
_KEY_TEXT = re.compile(r"chk_[A-Za-z0-9_-]{43}")


def new_key_text() -> str:
    """Return a new key: `chk_` and 256 random bits in base64url.

    >>> len(new_key_text()), is_key_text(new_key_text())
    (47, True)
    """
    return PREFIX + secrets.token_urlsafe(32)


def is_key_text(text: str) -> bool:
    """Return whether a text has the form of a key: `chk_` and 43 characters of base64url.

    >>> is_key_text("chk_" + "a" * 43), is_key_text("password")
    (True, False)
    """
    return _KEY_TEXT.fullmatch(text) is not None


def digest_of(text: bytes) -> bytes:
    """Return the SHA-256 of a key or token, 32 bytes.

    >>> digest_of(b"abc").hex()[:8]
    'ba7816bf'
    """
    return sha256(text).digest()


def tag_of(kind: str, name: str) -> int:
    """Return the number of a caller's bucket in the shared file.

    Parameters
    ----------
    kind : str
        What the name is of, so that a key and an address never share a bucket.
    name : str
        Identifier of the key, or address of the client.

    Returns
    -------
    int
        From 1 to 2**63 - 1.

    Examples
    --------
    >>> tag_of("key", "k_1") != tag_of("address", "k_1")
    True
    """
    return int.from_bytes(sha256(f"{kind} {name}".encode()).digest()[:8]) >> 1 or 1

"""Keys that encrypt the personal parts of the decision log, and the digest by which a reference is looked up."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from features.errors import ChehangError, ConfigError

VARIABLE = "CHEHANG_LOG_KEYS"
SALT_BYTES = 16
NONCE_BYTES = 12
MAKE_KEY = "openssl rand -base64 32"
_KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


class UnreadablePart(ChehangError):
    """A personal part cannot be decrypted: add its key to CHEHANG_LOG_KEYS, or restore the part from a backup."""


class PersonalPart(NamedTuple):
    """The encrypted personal fields of an entry, a row of the table `personal_parts`.

    Attributes
    ----------
    sequence : int
        Sequence of the entry.
    key_id : str
        Name of the key that encrypted it.
    nonce, ciphertext : bytes
        AES-GCM of a salt of 16 bytes and the personal JSON; sequence and reference are the associated data.
    reference : str or None
        Digest of the caller's reference by the same key; None without a reference.
    """

    sequence: int
    key_id: str
    nonce: bytes
    ciphertext: bytes
    reference: str | None


class LogKeys:
    """Named keys of the decision log: the first encrypts, all decrypt.

    Parameters
    ----------
    keys : mapping of str to bytes
        Keys of 32 bytes by name, the present one first; not empty. `log_keys` reads them from the environment.

    Examples
    --------
    >>> keys = LogKeys({"2026": bytes(32)})
    >>> part = keys.encrypt(7, b"salt of 16 bytes" + b'{"inputs":{}}', reference="A-1")
    >>> part.key_id, keys.decrypt(part)
    ('2026', b'salt of 16 bytes{"inputs":{}}')
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self.names = tuple(keys)
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._reference_keys = {name: hmac.digest(key, b"chehang reference", "sha256") for name, key in keys.items()}

    def encrypt(self, sequence: int, plaintext: bytes, *, reference: str | None) -> PersonalPart:
        """Return the personal part of an entry, encrypted by the first key.

        Parameters
        ----------
        sequence : int
            Sequence of the entry; the part decrypts for this entry only.
        plaintext : bytes
            Salt of 16 bytes and the personal JSON.
        reference : str or None
            The caller's reference, by which the entry can be looked up.
        """
        name = self.names[0]
        nonce = os.urandom(NONCE_BYTES)
        digest = None if reference is None else self._digest(name, reference)
        ciphertext = self._ciphers[name].encrypt(nonce, plaintext, _associated(sequence, digest))
        return PersonalPart(sequence, name, nonce, ciphertext, digest)

    def decrypt(self, part: PersonalPart) -> bytes:
        """Return salt and personal JSON of a part.

        Raises
        ------
        UnreadablePart
            Its key is absent, or the part was altered or belongs to another entry.
        """
        cipher = self._ciphers.get(part.key_id)
        if cipher is None:
            text = f"is encrypted by the key '{part.key_id}', which {VARIABLE} lacks; add it after the first key"
            raise UnreadablePart(f"personal part {part.sequence} {text}")
        try:
            return cipher.decrypt(part.nonce, part.ciphertext, _associated(part.sequence, part.reference))
        except (InvalidTag, ValueError):  # ValueError: a nonce of another length
            text = f"was altered, or the key '{part.key_id}' is another key of the same name; restore the part"
            raise UnreadablePart(f"personal part {part.sequence} {text}, or correct {VARIABLE}") from None

    def reference_digests(self, reference: str) -> list[str]:
        """Return the digest of a reference by each key, to look up the parts that any of them encrypted."""
        return [self._digest(name, reference) for name in self.names]

    def _digest(self, name: str, reference: str) -> str:
        return hmac.digest(self._reference_keys[name], reference.encode(), "sha256").hex()


def personal_digest(plaintext: bytes) -> str:
    """Return the digest of salt and personal JSON, which the chain keeps; the salt prevents guessing the inputs.

    >>> personal_digest(b"salt of 16 bytes" + b"{}")[:8]
    '59bf299d'
    """
    return hashlib.sha256(plaintext).hexdigest()


def log_keys(environment: Mapping[str, str] = os.environ) -> LogKeys | None:
    """Return the keys of the variable `CHEHANG_LOG_KEYS`, `name:base64,older:base64`; None if it is not set or empty.

    Raises
    ------
    ConfigError
        A name or a key is invalid, or a name occurs twice; no message has a key.

    Examples
    --------
    >>> log_keys({}) is None
    True
    >>> log_keys({"CHEHANG_LOG_KEYS": "2026:" + "A" * 43 + "="}).names
    ('2026',)
    >>> log_keys({"CHEHANG_LOG_KEYS": "2026:short"})
    Traceback (most recent call last):
    features.errors.ConfigError: CHEHANG_LOG_KEYS: key '2026' must be base64 of 32 bytes; make one with: openssl ...
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return None
    keys: dict[str, bytes] = {}
    for number, item in enumerate(text.split(","), start=1):
        name, colon, value = item.strip().partition(":")
        if not colon or not _NAME.fullmatch(name):  # the text may be a key, so it is not quoted
            rule = "must be name:base64 with a name of 1 to 40 letters, digits, _ or -"
            raise ConfigError(f"{VARIABLE}: item {number} {rule}; make the base64 part with: {MAKE_KEY}")
        if name in keys:
            raise ConfigError(f"{VARIABLE}: the name '{name}' occurs twice; give each key its own name")
        keys[name] = _key(name, value)
    return LogKeys(keys)


def _key(name: str, value: str) -> bytes:
    try:
        key = base64.b64decode(value.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"{VARIABLE}: key '{name}' must be base64 of 32 bytes; make one with: {MAKE_KEY}")
    return key


def _associated(sequence: int, reference: str | None) -> bytes:
    return f"chehang decisions {sequence}{'' if reference is None else f' {reference}'}".encode()

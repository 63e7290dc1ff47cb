"""Decompress request bodies, up to the size that an uncompressed body may have."""

from __future__ import annotations

import zlib

from serving.asgi import Problem

_GZIP_HEADER = 16 + zlib.MAX_WBITS


def is_compressed(encoding: bytes) -> bool:
    """Return whether the header `content-encoding` names gzip; no for an empty one and `identity`.

    Raises
    ------
    Problem
        Status 415: another encoding, or several.

    Examples
    --------
    >>> is_compressed(b"GZIP"), is_compressed(b"identity")
    (True, False)
    >>> try:
    ...     is_compressed(b"br")
    ... except Problem as problem:
    ...     print(problem.status, problem.message)
    415 the header Content-Encoding must be gzip or absent; compress the body with gzip, or send it uncompressed
    """
    name = encoding.strip().lower()
    if name in (b"gzip", b"x-gzip"):
        return True
    if name in (b"", b"identity"):
        return False
    text = "the header Content-Encoding must be gzip or absent; compress the body with gzip, or send it uncompressed"
    raise Problem(415, "unknown_encoding", text, headers=[(b"accept-encoding", b"gzip, identity")])


def decompress(body: bytes, *, limit: int) -> bytes | None:
    """Return a decompressed body; None if it would have more bytes than the limit, of which no more are decompressed.

    Parameters
    ----------
    body : bytes
        One gzip member.
    limit : int
        Largest number of bytes.

    Raises
    ------
    Problem
        Status 400: the body is not gzip, is not whole, or has further members.

    Examples
    --------
    >>> import gzip
    >>> decompress(gzip.compress(b"{}"), limit=2), decompress(gzip.compress(b"x" * 1_000_000), limit=1_000)
    (b'{}', None)
    """
    stream = zlib.decompressobj(_GZIP_HEADER)
    try:
        content = stream.decompress(body, limit + 1)
    except zlib.error:
        raise _invalid() from None
    if len(content) > limit:
        return None
    if not stream.eof or stream.unused_data:
        raise _invalid()
    return content


def _invalid() -> Problem:
    text = "the body is not gzip, or not whole, although Content-Encoding names gzip; compress it again"
    return Problem(400, "invalid_gzip", text)

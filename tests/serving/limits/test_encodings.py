"""Compressed bodies: read within the limit of uncompressed ones, or refused."""

from __future__ import annotations

import gzip
import zlib

import pytest

from serving.asgi import Problem
from serving.limits.encodings import decompress, is_compressed


def test_the_limit_holds_for_the_decompressed_body() -> None:
    content = b"x" * 5_000
    assert decompress(gzip.compress(content), limit=5_000) == content
    assert decompress(gzip.compress(content), limit=4_999) is None
    assert decompress(gzip.compress(b"\0" * 50_000_000), limit=1_000_000) is None
    assert decompress(gzip.compress(b""), limit=1) == b""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        gzip.compress(b"{}", mtime=0)[:-1],
        gzip.compress(b"{}", mtime=0) * 2,
        zlib.compress(b"{}"),
        gzip.compress(b"{}", mtime=0) + b"x",
    ],
)
def test_what_is_not_one_whole_member_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        decompress(body, limit=100)
    assert (caught.value.status, caught.value.code) == (400, "invalid_gzip")


@pytest.mark.parametrize("name", [b"br", b"deflate", b"zstd", b"gzip, gzip", b"gzip;q=1"])
def test_other_encodings_are_refused(name: bytes) -> None:
    with pytest.raises(Problem) as caught:
        is_compressed(name)
    assert caught.value.status == 415

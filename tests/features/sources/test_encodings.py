from __future__ import annotations

import io

import pytest

from features.sources.encodings import INVALID, byte_order_mark, decode_head, write_utf8


def test_the_mark_of_utf32_is_not_that_of_utf16() -> None:
    assert byte_order_mark("a".encode("utf-32"))[0] == "utf-32-le"
    assert byte_order_mark("a".encode("utf-16"))[0] == "utf-16-le"


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis", "euc_kr", "cp1252"])
def test_an_invalid_byte_is_marked_and_the_line_end_after_it_stays(encoding: str) -> None:
    target = io.BytesIO()
    write_utf8(io.BytesIO(b"a\x81\nb"), encoding, target, where="leads")
    assert target.getvalue() == b"a" + INVALID.encode("utf-8", "surrogatepass") + b"\nb"


def test_the_head_of_a_file_ends_with_a_line() -> None:
    assert decode_head("a\n华".encode()[:-1], "utf-8", is_whole=False, where="leads") == "a\n"
    assert decode_head(b"a\rb", "utf-8", is_whole=False, where="leads") == "a\r"

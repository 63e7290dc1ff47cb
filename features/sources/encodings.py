"""Decode text files: byte order marks, conversion to UTF-8, and marks in place of invalid bytes."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from features.errors import DataError

HEAD_BYTES = 1 << 20
CHUNK_BYTES = 1 << 22

INVALID = "\udc80"  # stands for invalid bytes in decoded text; no valid text contains a lone surrogate
MARK_INVALID = "chehang.mark_invalid"

_BYTE_ORDER_MARKS = (  # that of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return INVALID, error.end


codecs.register_error(MARK_INVALID, _mark)


def byte_order_mark(head: bytes) -> tuple[str, int]:
    """Return the encoding that a byte order mark declares, and the number of its bytes.

    Parameters
    ----------
    head : bytes
        Beginning of a file.

    Returns
    -------
    encoding : str
        Python's name of the encoding; "" without a mark.
    length : int
        Number of bytes of the mark; 0 without one.

    Examples
    --------
    >>> byte_order_mark("型号".encode("utf-8-sig")), byte_order_mark(b"id,created")
    (('utf-8', 3), ('', 0))
    """
    return next(((name, len(mark)) for mark, name in _BYTE_ORDER_MARKS if head.startswith(mark)), ("", 0))


def is_utf8(encoding: str) -> bool:
    """Return whether an encoding needs no conversion to UTF-8.

    Parameters
    ----------
    encoding : str
        Python's name of an encoding.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_utf8("UTF8"), is_utf8("cp1252")
    (True, False)
    """
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def decode_head(head: bytes, encoding: str, *, is_whole: bool, where: str) -> str:
    """Return the text of the complete lines at the beginning of a file, with `INVALID` in place of invalid bytes.

    Parameters
    ----------
    head : bytes
        Beginning of the file, without a byte order mark.
    encoding : str
        Python's name of the encoding.
    is_whole : bool
        True if `head` is the whole file.
    where : str
        Name of the source, for error messages.

    Returns
    -------
    str

    Raises
    ------
    DataError
        The encoding cannot be read in parts, or does not decode the text.

    Examples
    --------
    >>> decode_head("a,b\\n1,é\\n2".encode("cp1252"), "cp1252", is_whole=False, where="leads")
    'a,b\\n1,é\\n'
    >>> decode_head(b"a\\xff", "utf-8", is_whole=True, where="leads") == "a" + INVALID
    True
    """
    try:
        text = new_decoder(encoding, where=where).decode(head, final=is_whole)
    except UnicodeError as error:
        raise _undecodable(where, encoding, error) from None
    if is_whole:
        return text
    end = max(text.rfind("\n"), -1 if "\n" in text else text.rfind("\r"))
    return text[: end + 1] or text


def new_decoder(encoding: str, *, where: str, errors: str = MARK_INVALID) -> codecs.IncrementalDecoder:
    """Return a decoder that marks invalid bytes by `INVALID`.

    Parameters
    ----------
    encoding : str
        Python's name of the encoding.
    where : str
        Name of the source, for error messages.
    errors : str
        Name of an error handler of `codecs`.

    Returns
    -------
    codecs.IncrementalDecoder

    Raises
    ------
    DataError
        The encoding has no decoder of parts of a file.

    Examples
    --------
    >>> new_decoder("gb18030", where="leads").decode("型号".encode("gb18030"))
    '型号'
    """
    decoder = codecs.lookup(encoding).incrementaldecoder
    if decoder is None:
        raise DataError(f"{where}: `encoding: {encoding}` cannot be read in parts: export the file as UTF-8")
    return decoder(errors)


def write_utf8(source: BinaryIO, encoding: str, target: BinaryIO, *, where: str) -> None:
    """Copy the rest of a file as UTF-8; invalid bytes become `INVALID`, which is invalid in UTF-8 too.

    Parameters
    ----------
    source : BinaryIO
        File, read from its position.
    encoding : str
        Python's name of its encoding.
    target : BinaryIO
        File to write.
    where : str
        Name of the source, for error messages.

    Raises
    ------
    DataError
        The encoding cannot be read in parts, or does not decode the text.
    OSError
        A file cannot be read or written.

    Examples
    --------
    >>> import io
    >>> target = io.BytesIO()
    >>> write_utf8(io.BytesIO("é".encode("cp1252")), "cp1252", target, where="leads")
    >>> target.getvalue().decode()
    'é'
    """
    decoder = new_decoder(encoding, where=where)
    try:
        while chunk := source.read(CHUNK_BYTES):
            target.write(decoder.decode(chunk).encode("utf-8", "surrogatepass"))
        target.write(decoder.decode(b"", final=True).encode("utf-8", "surrogatepass"))
    except UnicodeError as error:
        raise _undecodable(where, encoding, error) from None


def _undecodable(where: str, encoding: str, error: UnicodeError) -> DataError:
    return DataError(f"{where}: cannot be decoded from {encoding} ({error}): correct `encoding`, or export it as UTF-8")

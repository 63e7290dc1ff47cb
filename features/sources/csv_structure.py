"""Check that Polars reads a CSV file right: UTF-8, plain line ends, as many fields in each line as in the header."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_CHUNK_BYTES = 1 << 18  # the arrays of one chunk stay in the processor's cache
_LF, _CR, _QUOTE = 10, 13, 34

_Bytes = npt.NDArray[np.uint8]
_Mask = npt.NDArray[np.bool_]


def is_regular(path: Path, separator: str, *, n_lines: int, n_fields: int, n_required: int) -> bool:
    """Return whether Polars reads a CSV file right; otherwise its lines must be examined one by one.

    Parameters
    ----------
    path : Path
        An existing file.
    separator : str
        Character between fields.
    n_lines : int
        Number of lines up to the end of the header.
    n_fields, n_required : int
        Number of fields of the header, and the least number of fields of a line.

    Returns
    -------
    bool
        False for text that is not UTF-8, NUL bytes, CR alone as a line end, a line with too many or too few fields, a
        text after a closing quote, a quote that is not closed, or a quoted text that holds what looks like a row.

    Raises
    ------
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "a.csv")
    ...     _ = file.write_text("a,b\\n1,2\\n")
    ...     regular = is_regular(file, ",", n_lines=1, n_fields=2, n_required=2)
    ...     _ = file.write_text("a,b\\n1,2,3\\n")
    ...     regular, is_regular(file, ",", n_lines=1, n_fields=2, n_required=2)
    (True, False)
    """
    if not separator.isascii():
        return False
    counter = _FieldCounter(ord(separator), n_fields=n_fields, n_required=n_required)
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    with path.open("rb") as file:
        for _ in range(n_lines):
            file.readline()
        while chunk := file.read(_CHUNK_BYTES):
            if b"\0" in chunk or not _is_utf8(decoder, chunk) or not counter.accepts(chunk):
                return False
    return _is_utf8(decoder, b"", final=True) and counter.accepts_end()


def _is_utf8(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    if chunk.isascii() and not decoder.getstate()[0]:
        return True
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _odd_counts(mask: _Mask) -> _Mask:
    """Return where the number of true values up to and including a position is odd; ten times as fast as a sum."""
    padded = np.zeros(-(-len(mask) // 64) * 64, dtype=np.bool_)
    padded[: len(mask)] = mask
    words = np.packbits(padded, bitorder="little").view("<u8")
    for shift in (1, 2, 4, 8, 16, 32):
        words ^= words << np.uint64(shift)
    carried = np.bitwise_xor.accumulate(words >> np.uint64(63))
    words[1:] ^= np.where(carried[:-1] == 1, np.uint64(0xFFFF_FFFF_FFFF_FFFF), np.uint64(0))
    odd: _Mask = np.unpackbits(words.view(np.uint8), bitorder="little")[: len(mask)].view(np.bool_)
    return odd


class _FieldCounter:
    """Counts separators by line; lines and quoted texts may continue from one chunk to the next."""

    def __init__(self, separator: int, *, n_fields: int, n_required: int) -> None:
        self.separator = separator
        self.most, self.least = n_fields - 1, n_required - 1
        self.n_separators = 0  # of the line that is not complete
        self.n_bytes = 0
        self.is_quoted = False
        self.last = _LF

    def accepts(self, chunk: bytes) -> bool:
        """Return whether all lines that end in a chunk have the right number of fields."""
        array: _Bytes = np.frombuffer(chunk, np.uint8)
        separators, ends = array == self.separator, array == _LF
        if b"\r" in chunk or self.last == _CR:
            before = np.concatenate([[np.uint8(self.last)], array])
            if np.any((before[:-1] == _CR) & ~ends):
                return False
        if self.is_quoted or b'"' in chunk:
            quotes = array == _QUOTE
            inside = _odd_counts(quotes) ^ self.is_quoted
            if not self._quotes_match(array, quotes, inside, separators | ends | quotes | (array == _CR)):
                return False
            # A quote that is not closed swallows rows; a text with line breaks rarely has a row's separators.
            if self.most > 1 and np.any(ends & inside) and self._has_row_inside(separators, ends, inside):
                return False
            separators &= ~inside
            ends &= ~inside
            self.is_quoted = bool(inside[-1])
        self.last = int(array[-1])
        return self._count(array, separators, ends)

    def accepts_end(self) -> bool:
        """Return whether the last line is complete."""
        if self.is_quoted or self.last == _CR:
            return False
        return self.n_bytes == 0 or self.least <= self.n_separators <= self.most

    def _quotes_match(self, array: _Bytes, quotes: _Mask, inside: _Mask, allowed: _Mask) -> bool:
        opening, closing = quotes & inside, quotes & ~inside
        return not (np.any(closing[:-1] & ~allowed[1:]) or np.any(opening[1:] & ~allowed[:-1]))

    def _has_row_inside(self, separators: _Mask, ends: _Mask, inside: _Mask) -> bool:
        positions = np.flatnonzero(ends)
        counts = np.add.reduceat(separators, positions, dtype=np.int64)
        is_inside = inside[positions]
        return int(np.count_nonzero(is_inside[:-1] & is_inside[1:] & (counts[:-1] == self.most))) > 1

    def _count(self, array: _Bytes, separators: _Mask, ends: _Mask) -> bool:
        positions = np.flatnonzero(ends)
        if not len(positions):
            self.n_separators += int(np.count_nonzero(separators))
            self.n_bytes += len(array)
            return True
        counts = np.add.reduceat(separators.view(np.uint8), positions, dtype=np.int32)
        head = int(positions[0])
        first = self.n_separators + int(np.count_nonzero(separators[:head]))
        n_first = self.n_bytes + head - (1 if head and array[head - 1] == _CR else 0)
        self.n_separators, self.n_bytes = int(counts[-1]), len(array) - int(positions[-1]) - 1
        if n_first > 0 and not self.least <= first <= self.most:
            return False
        inner: npt.NDArray[Any] = counts[:-1]
        wrong = (inner < self.least) | (inner > self.most)
        if not wrong.any():
            return True
        lengths = np.diff(positions) - 1
        is_blank = (lengths == 0) | ((lengths == 1) & (array[positions[1:] - 1] == _CR))
        return bool(np.all(is_blank[wrong]))

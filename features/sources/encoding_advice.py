"""Propose the encoding of a file that is not valid in the configured one; a proposal decodes the whole file."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO

from features.sources import text_plausibility
from features.sources.encodings import CHUNK_BYTES, HEAD_BYTES, INVALID, MARK_INVALID

_EAST_ASIAN = ("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr")
_CYRILLIC = ("cp1251", "koi8-r", "cp866")
CANDIDATES = (
    "utf-8", "utf-16-le", "utf-16-be", *_EAST_ASIAN, *text_plausibility.ALPHABETS, *_CYRILLIC,
)  # fmt: skip
MIN_PLAUSIBILITY = 0.6
_MARGIN = 0.1
_SAMPLE_CHARACTERS = 1 << 18
_DOUBTFUL = 0.3
_DOUBTED_LINES = 2_000
_RELATIVES = {
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "big5hkscs": "big5",
    "cp950": "big5",
    "cp932": "shift_jis",
    "cp949": "euc_kr",
    "iso8859-1": "cp1252",
    "iso8859-15": "cp1252",
    "iso8859-2": "cp1250",
    "iso8859-9": "cp1254",
}
_MAX_SHOWN = 40


@dataclass(frozen=True)
class Proposal:
    """An encoding in which a file is valid and reads as plausible text; returned by `propose`.

    Attributes
    ----------
    encoding : str
        Value for `encoding` in sources.yaml.
    plausibility : float
        From 0 to 1.
    lines : tuple of (int, str)
        Number, from 1, and text of the first lines with characters outside ASCII.
    """

    encoding: str
    plausibility: float
    lines: tuple[tuple[int, str], ...]


def propose(open_file: Callable[[], AbstractContextManager[BinaryIO]]) -> list[Proposal]:
    """Return the encodings that fit a file best, the best one first; several if they fit nearly equally well.

    Parameters
    ----------
    open_file : callable
        Opens the file; called once for each candidate.

    Returns
    -------
    list of Proposal
        Empty if no encoding gives plausible text. Encodings that decode the file to the same text count once.

    Raises
    ------
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import io
    >>> [p.encoding for p in propose(lambda: io.BytesIO("id,who\\n1,Besançon\\n2,Peña\\n".encode("cp1252")))]
    ['cp1252']
    """
    proposals: list[Proposal] = []
    texts: set[str] = set()
    with open_file() as file:
        head = file.read(HEAD_BYTES)
    has_nulls = head.count(b"\0") > len(head) / 10
    for encoding in CANDIDATES:
        if encoding.startswith("utf-16") is not has_nulls:
            continue
        lines = _sample(open_file, encoding)
        text = "\n".join(line for _, line in lines or ())
        if lines is not None and text not in texts and _is_plausible(text, encoding):
            texts.add(text)
            proposals.append(Proposal(encoding, _plausibility(text, encoding), lines))
        if encoding == "utf-8" and proposals:
            return proposals  # hardly any text in another encoding is valid UTF-8
    best = max((p.plausibility for p in proposals), default=0.0)
    return sorted((p for p in proposals if p.plausibility > best - _MARGIN), key=lambda p: -p.plausibility)


def is_mostly_utf8(open_file: Callable[[], AbstractContextManager[BinaryIO]]) -> bool:
    """Return whether most characters of a file outside ASCII are valid UTF-8, so that only some lines are damaged.

    Parameters
    ----------
    open_file : callable
        Opens the file; called once.

    Returns
    -------
    bool

    Raises
    ------
    OSError
        The file cannot be read.

    Examples
    --------
    >>> import io
    >>> is_mostly_utf8(lambda: io.BytesIO("Besançon,Orléans,Nîmes,Sète,Alès,".encode() + b"Besan\\xe7on"))
    True
    >>> is_mostly_utf8(lambda: io.BytesIO("Besançon,Nîmes".encode("cp1252")))
    False
    """
    decoder = codecs.getincrementaldecoder("utf-8")(MARK_INVALID)
    n_valid = n_invalid = 0
    with open_file() as file:
        while chunk := file.read(CHUNK_BYTES):
            text = decoder.decode(chunk)
            if not text.isascii():
                invalid = text.count(INVALID)
                n_invalid += invalid
                n_valid += len(text) - len(text.encode("ascii", "ignore")) - invalid
    # Letters of other encodings that follow each other are valid UTF-8 by chance at times.
    return n_valid > 4 * n_invalid


def is_doubtful(text: str, encoding: str) -> bool:
    """Return whether a text reads so badly in its encoding that another one is worth a try.

    Parameters
    ----------
    text : str
        Decoded text.
    encoding : str
        Python's name of its encoding; in one that is not a candidate and none of its relatives, no text is doubtful.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_doubtful("籓\ue665", "gb18030"), is_doubtful("华东", "gb18030"), is_doubtful("id,price", "gb18030")
    (True, False, False)
    """
    relative = _RELATIVES.get(encoding, encoding)
    lines: list[str] = []
    for line in text.splitlines():
        if not line.isascii():
            lines.append(line)
        if len(lines) >= _DOUBTED_LINES:
            break
    if not lines or relative not in CANDIDATES:
        return False
    sample = "\n".join(lines)
    return text_plausibility.has_controls(sample) or _plausibility(sample, relative) < _DOUBTFUL


def remedy(proposals: list[Proposal], *, shows_text: bool) -> str:
    """Return what to do about a file that is not valid in its configured encoding.

    Parameters
    ----------
    proposals : list of Proposal
        As returned by `propose`.
    shows_text : bool
        Show a line of the file for each of several proposals; False where it may hold personal data.

    Returns
    -------
    str

    Examples
    --------
    >>> remedy([Proposal("cp1252", 0.9, ((2, "L1,Besançon"),))], shows_text=True)
    'set `encoding: cp1252`, in which the whole file is valid and plausible'
    >>> remedy([], shows_text=True)
    'none of the usual encodings gives plausible text for the whole file: export it again as UTF-8'
    """
    if not proposals:
        return "none of the usual encodings gives plausible text for the whole file: export it again as UTF-8"
    if len(proposals) == 1:
        return f"set `encoding: {proposals[0].encoding}`, in which the whole file is valid and plausible"
    if not shows_text:
        names = " or ".join(f"`encoding: {p.encoding}`" for p in proposals)
        return f"set {names}, whichever shows the names correctly: the whole file is valid and plausible in each"
    # The first line that reads differently lets a person choose.
    rows = zip(*(p.lines for p in proposals), strict=False)
    row = next((r for r in rows if len({text for _, text in r}) == len(r)), tuple(p.lines[0] for p in proposals))
    choices = " or ".join(
        f"`encoding: {p.encoding}` (line {number} is {_shortened(text)!r})"
        for p, (number, text) in zip(proposals, row, strict=True)
    )
    return f"set {choices}, whichever is right"


def _shortened(text: str) -> str:
    first = next((i for i, c in enumerate(text) if ord(c) > 127), 0)
    start = max(0, min(first - _MAX_SHOWN // 2, len(text) - _MAX_SHOWN))
    return text if len(text) <= _MAX_SHOWN else text[start : start + _MAX_SHOWN]


def _sample(
    open_file: Callable[[], AbstractContextManager[BinaryIO]], encoding: str
) -> tuple[tuple[int, str], ...] | None:
    """Decode the whole file; return the first lines outside ASCII with their numbers, or None if it is invalid."""
    make = codecs.lookup(encoding).incrementaldecoder
    if make is None:
        return None
    decoder, rest, number, size = make("strict"), "", 0, 0
    lines: list[tuple[int, str]] = []
    try:
        with open_file() as file:
            while True:
                chunk = file.read(CHUNK_BYTES)
                text = decoder.decode(chunk, final=not chunk)
                if size < _SAMPLE_CHARACTERS:
                    *whole, rest = (rest + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
                    for line in whole if chunk else [*whole, rest]:
                        number += 1
                        if not line.isascii() or (line and encoding.startswith("utf-16")):
                            lines.append((number, line))
                            size += len(line)
                    if size >= _SAMPLE_CHARACTERS and not _is_plausible("\n".join(t for _, t in lines), encoding):
                        return None  # a large file need not be decoded to its end
                if not chunk:
                    return tuple(lines)
    except UnicodeError:
        return None


def _is_plausible(text: str, encoding: str) -> bool:
    return not text_plausibility.has_controls(text) and _plausibility(text, encoding) >= MIN_PLAUSIBILITY


def _plausibility(text: str, encoding: str) -> float:
    if encoding.startswith("utf-16"):
        return float(
            sum(c.isascii() for c in text) > 0.1 * len(text)
        )  # commas and digits; none in the wrong byte order
    if encoding == "utf-8":
        return 1.0 if text else 0.0
    if encoding in _EAST_ASIAN:
        return text_plausibility.chinese_japanese_korean(text, encoding)
    if encoding in _CYRILLIC:
        return text_plausibility.cyrillic(text)
    return text_plausibility.latin(text, encoding)

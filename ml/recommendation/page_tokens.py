"""Tokens of next pages: the vehicles that the pages before have shown, so that any worker continues a list.

A token holds the ids themselves. Nothing is kept between pages, and a page never repeats a vehicle of an earlier one,
whatever happens to the stock, the ranking or the model meanwhile.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from zlib import compress, decompressobj

from pydantic_core import PydanticCustomError

MAX_SHOWN = 1_000  # vehicles of all pages of a list
MAX_LENGTH = 100_000  # characters of a token
_MAX_BYTES = 300_000


def page_token(shown: Sequence[str]) -> str:
    """Return the token of the page after these vehicles.

    Parameters
    ----------
    shown : sequence of str
        `vehicle_id` of the vehicles of all pages so far.

    Examples
    --------
    >>> shown_before(page_token(["V1", "V2"]))
    ('V1', 'V2')
    """
    text = json.dumps(list(shown), ensure_ascii=False, separators=(",", ":")).encode()
    return urlsafe_b64encode(compress(text, 1)).decode().rstrip("=")


def shown_before(token: str) -> tuple[str, ...]:
    """Return the vehicles that the pages before have shown.

    Parameters
    ----------
    token : str
        As returned by `page_token`.

    Raises
    ------
    PydanticCustomError
        The text is no such token.
    """
    try:
        unpacker = decompressobj()
        unpacked = unpacker.decompress(urlsafe_b64decode(token + "=" * (-len(token) % 4)), _MAX_BYTES)
        names = json.loads(unpacked) if unpacker.eof else None  # only a whole token has passed its checksum
    except Exception:  # the text is a client's: base64, zlib and json have errors of their own
        names = None
    if not isinstance(names, list) or len(names) > MAX_SHOWN or not all(isinstance(n, str) for n in names):
        message = "must be the next_page_token of an answer; leave it out for the first page"
        raise PydanticCustomError("page_token", "{message}", {"message": message})
    return tuple(names)

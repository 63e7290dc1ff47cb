"""Numbers of things in words: the noun and its verb in the singular or the plural."""

from __future__ import annotations


def count_text(n: int, singular: str, plural: str | None = None) -> str:
    """Return a number with the words that agree with it.

    Parameters
    ----------
    n : int
        Number of things.
    singular : str
        Words after 1, such as "row" or "row was replaced".
    plural : str, optional
        Words after any other number; by default `singular` with an s.

    Returns
    -------
    str

    Examples
    --------
    >>> count_text(1, "row"), count_text(1_200, "row"), count_text(0, "row")
    ('1 row', '1,200 rows', '0 rows')
    >>> count_text(2, "key is", "keys are")
    '2 keys are'
    """
    return f"{n:,} {singular if n == 1 else plural or f'{singular}s'}"

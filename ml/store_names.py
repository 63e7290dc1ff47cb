"""Messages about stores that a model does not have."""

from __future__ import annotations

import difflib
from collections.abc import Collection

MAX_COMPARED = 5_000  # comparing more names would keep a request waiting


def name_examples(name: str, names: Collection[str]) -> str:
    """Return the names most similar to one that is not among them, or else an example; empty without names.

    Parameters
    ----------
    name : str
        The unknown name; it is not part of the text.
    names : collection of str
        The valid names.

    Returns
    -------
    str
        In brackets, after a blank.

    Examples
    --------
    >>> name_examples("S001", ["S0001", "W0007"]), name_examples("?", ["W0007", "S0001"])
    (' (did you mean `S0001`?)', ' (such as `S0001`)')
    """
    similar = difflib.get_close_matches(name, sorted(names), n=2) if len(names) <= MAX_COMPARED else []
    if similar:
        return f" (did you mean {' or '.join(f'`{n}`' for n in similar)}?)"
    return f" (such as `{min(names)}`)" if names else ""


def unknown_store(name: str, stores: Collection[str]) -> str:
    """Return the rule that a store breaks that is not one of `stores`, with a remedy.

    Parameters
    ----------
    name : str
        The unknown store; it is not part of the text.
    stores : collection of str
        Stores of a model and of its current stock.

    Returns
    -------
    str
        Follows the name of the field in an error message.

    Examples
    --------
    >>> unknown_store("S9", ["S1", "S2"])
    'is not one of the 2 stores of the model (such as `S1`); correct it, leave it out, or train again with its data'
    >>> unknown_store("S9", [])
    'must be left out: the model has no stores'
    """
    if not stores:
        return "must be left out: the model has no stores"
    return (
        f"is not one of the {len(stores):,} stores of the model{name_examples(name, stores)}; correct it, leave it "
        "out, or train again with its data"
    )

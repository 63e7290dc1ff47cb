"""Spellings of keys: which changes of writing, applied to the keys of two tables, would make them equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

MIN_UNIQUE_SHARE = 0.99  # of the other table's keys must stay apart: a change that makes keys equal proves nothing
ALIKE_SHARE = 0.95
MIN_END = 5  # shorter ends of keys are equal by chance


@dataclass(frozen=True)
class Spelling:
    """Keys that have a partner when they are spelled in another way; returned by `matching_spelling`.

    Attributes
    ----------
    change : str
        What is changed, such as "in upper case".
    keys : int
        Number of keys that then have a partner.
    example : tuple of str
        One of these keys, and its partner as the other table has it.
    is_weak : bool
        Whether the keys are equal in their digits only, which may be those of different things.
    """

    change: str
    keys: int
    example: tuple[str, str]
    is_weak: bool = False


@dataclass(frozen=True)
class _Change:
    name: str
    apply: Callable[[pl.Expr], pl.Expr]


# In the order in which they are applied. The last ones change most, and are given up first.
_CHANGES = (
    _Change("in half-width characters", lambda key: key.str.normalize("NFKC")),
    _Change("in upper case", lambda key: key.str.to_uppercase()),
    _Change("without leading zeros", lambda key: key.str.replace_all(r"(^|\D)0+(\d)", "$1$2")),
    _Change("without punctuation and blanks", lambda key: key.str.replace_all(r"[^\p{L}\p{N}]+", "")),
    _Change(
        "without the characters before the first digit and after the last",
        lambda key: key.str.replace(r"^[^0-9]+", "").str.replace(r"[^0-9]+$", ""),
    ),
)
# From here on, a change may take what another one needs: as a number, "1,038" has a zero after a comma.
_EXCLUSIVE = 2


def matching_spelling(keys: pl.Series, others: pl.Series) -> Spelling | None:
    """Return the smallest change of spelling with which most keys have a partner.

    Parameters
    ----------
    keys : Series of str
        Distinct keys that have no partner as they are.
    others : Series of str
        Distinct keys of the other table.

    Returns
    -------
    Spelling or None
        None if no change gives a partner to any key. A change that makes keys of the other table equal to each other
        is not tried.

    Examples
    --------
    >>> import polars as pl
    >>> matching_spelling(pl.Series(["app-7", "app-8"]), pl.Series(["APP-7", "APP-9"]))
    Spelling(change='in upper case', keys=1, example=('app-7', 'APP-7'), is_weak=False)
    >>> matching_spelling(pl.Series(["LN-007"]), pl.Series(["7", "8"])).change
    'without leading zeros and without the characters before the first digit and after the last'
    """
    effective = [c for c in _CHANGES if _alters(c, keys) or _alters(c, others)]
    tried = []
    for subset in _subsets(effective):
        result = _matched(keys, others, subset)
        tried += [result] if result is not None else []
        if result is not None and result[1].height == len(keys):
            break
    attempts = [_simplest(keys, others, *max(tried, key=lambda r: r[1].height))] if tried else []
    by_end = _ends(keys, others)
    return max([*attempts, *([by_end] if by_end else [])], key=lambda s: s.keys, default=None)


def _alters(change: _Change, keys: pl.Series) -> bool:
    return bool(keys.to_frame().select((change.apply(pl.first()) != pl.first()).any()).item())


def _subsets(changes: Sequence[_Change]) -> list[tuple[_Change, ...]]:
    """Return all changes, and all without some of those that may take characters that another one needs."""
    exclusive = [c for c in changes if c in _CHANGES[_EXCLUSIVE:]]
    left_out = [pair for n in range(len(exclusive) + 1) for pair in combinations(exclusive, n)]
    return [subset for names in left_out if (subset := tuple(c for c in changes if c not in names))]


def written_alike(keys: pl.Series, others: pl.Series) -> bool:
    """Return whether nearly all keys have the letters, digits and marks of other keys in the same places.

    >>> import polars as pl
    >>> others = pl.Series(["APP-1", "APP-20"])
    >>> written_alike(pl.Series(["APP-300"]), others), written_alike(pl.Series(["app-1"]), others)
    (True, False)
    """

    def pattern(key: pl.Series) -> pl.Series:
        digits = key.str.replace_all(r"\d+", "0")
        return digits.str.replace_all(r"\p{Lu}+", "A").str.replace_all(r"\p{Ll}+", "a").alias("pattern")

    return bool(pattern(keys).is_in(pattern(others).unique().implode()).mean() >= ALIKE_SHARE)  # type: ignore[operator]


def _simplest(keys: pl.Series, others: pl.Series, changes: Sequence[_Change], pairs: pl.DataFrame) -> Spelling:
    """Give up every change without which as many keys have a partner."""
    for change in reversed(changes):
        fewer = tuple(c for c in changes if c is not change)
        result = _matched(keys, others, fewer)
        if result is not None and result[1].height >= pairs.height:
            changes, pairs = result
    named = _prefix(pairs) if tuple(changes) == _CHANGES[-1:] else None
    is_weak = _CHANGES[-1] in changes and all(pairs[c].str.contains(r"[^0-9]").any() for c in pairs.columns)
    return _spelling(named or " and ".join(c.name for c in changes), pairs, is_weak=is_weak)


def _prefix(pairs: pl.DataFrame) -> str | None:
    """Return the change in words, if all keys begin with one text, and all their partners with one or none."""
    starts = pairs.select(pl.all().str.extract(r"^([^0-9]*)[0-9]+$", 1)).unique()
    if starts.height != 1 or None in starts.row(0):
        return None
    own, other = starts.row(0)
    if not own:
        return f"with the prefix {other!r}"
    return f"with the prefix {other!r} in place of {own!r}" if other else f"without the prefix {own!r}"


def _matched(
    keys: pl.Series, others: pl.Series, changes: Sequence[_Change]
) -> tuple[tuple[_Change, ...], pl.DataFrame] | None:
    def changed(key: pl.Expr) -> pl.Expr:
        for change in changes:
            key = change.apply(key)
        return key

    pairs = _pairs(keys, others, changed(pl.col("key")), changed(pl.col("other")))
    return None if pairs is None or not changes else (tuple(changes), pairs)


def _pairs(keys: pl.Series, others: pl.Series, key: pl.Expr, other: pl.Expr) -> pl.DataFrame | None:
    """Return keys and partners that are equal once changed; None without any, or if the change merges other keys."""
    partners = others.alias("other").to_frame().select("other", changed=other).filter(pl.col("changed") != "")
    if partners["changed"].n_unique() < MIN_UNIQUE_SHARE * len(others):
        return None
    rows = keys.alias("key").to_frame().select("key", changed=key).filter(pl.col("changed") != "")
    pairs = rows.join(partners.unique("changed", keep="any"), on="changed", how="inner").select("key", "other")
    return pairs if pairs.height else None


def _spelling(change: str, pairs: pl.DataFrame, *, is_weak: bool = False) -> Spelling:
    first = pairs.sort(pl.col("key").str.len_chars(), "key").row(0)
    return Spelling(change, pairs.height, (first[0], first[1]), is_weak)


def _ends(keys: pl.Series, others: pl.Series) -> Spelling | None:
    """Match the last characters of the longer keys with the shorter keys, such as the end of a vehicle number."""
    lengths = [int(s.str.len_chars().mode().sort()[0]) if len(s) else 0 for s in (keys, others)]
    n = min(lengths)
    if n < MIN_END or lengths[0] == lengths[1]:
        return None
    pairs = _pairs(keys, others, pl.col("key").str.tail(n), pl.col("other").str.tail(n))
    return None if pairs is None else _spelling(f"by the last {n} characters", pairs)

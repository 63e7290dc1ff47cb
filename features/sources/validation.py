"""Validation of a table in one pass: rows kept, rows quarantined with their rules, and a hash of the rows kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import reduce
from operator import xor

import polars as pl

from features.sources.rules import DUPLICATE_KEY, EXACT_DUPLICATE, NULL
from features.sources.scans import ROW
from features.sources.typed_rows import Flag, TypedRows

_KEY, _CONTENT = "__key__", "__content__"


@dataclass(frozen=True)
class ValidationResult:
    """Rows of a table that are valid, repeated or broken.

    Attributes
    ----------
    rows_read, rows_valid : int
        Rows in the source, and rows kept; the rest are broken or repeat an identical row that is kept.
    broken : pl.DataFrame
        Rows that break a rule: `__row__` and `broken_rules`.
    rules : dict
        Rule to the number of rows that break it, most first.
    left_out : pl.Series
        Positions of all rows that are not kept.
    empty : tuple of str
        Columns without a value in any row; a value that could not be read is one, and has broken its own rule.
    fingerprint : str
        Hash of the kept rows' content, whatever their order. The same in every process and for every kind of
        source; another Polars version may hash otherwise, so it is part of the hash.
    """

    rows_read: int
    rows_valid: int
    broken: pl.DataFrame
    rules: dict[str, int]
    left_out: pl.Series
    empty: tuple[str, ...]
    fingerprint: str


def validate_rows(typed: TypedRows, key: tuple[str, ...], *, watch: tuple[str, ...] = ()) -> ValidationResult:
    """Validate every row against the contract.

    Of identical rows the first is kept. Rows that share a key but differ all break the rule "duplicate key":
    which of them is right, only their owner can say.

    Parameters
    ----------
    typed : TypedRows
        The rows and their flags.
    key : tuple of str
        Columns that identify a row.
    watch : tuple of str
        Columns for which `empty` is worked out.
    """
    content = sorted(typed.columns)
    book = typed.frame.select(
        ROW,
        _hash(list(key)).alias(_KEY),
        _hash(content).alias(_CONTENT),
        *(f.name for f in typed.flags),
        *(_has_value(c, typed.flags).alias(f"__has_{c}__") for c in watch),
    ).collect(engine="streaming")
    names = [f.name for f in typed.flags]
    breaks = book.select(pl.any_horizontal(names)).to_series() if names else pl.repeat(False, book.height, eager=True)
    sound = book.filter(~breaks).select(ROW, _KEY, _CONTENT)
    repeated, ambiguous = _duplicates(typed, sound, key)

    clash = Flag("", ", ".join(key), DUPLICATE_KEY)
    broken = pl.concat([_explained(book.filter(breaks), typed.flags), _explained(ambiguous, (clash,))]).sort(ROW)
    counts = {f.label: int(book[f.name].sum()) for f in typed.flags}
    counts |= {clash.label: ambiguous.height, EXACT_DUPLICATE: len(repeated)}
    left_out = pl.concat([broken[ROW], repeated]).sort()
    kept = sound.filter(~pl.col(ROW).is_in(left_out.implode())) if len(left_out) else sound
    return ValidationResult(
        rows_read=book.height,
        rows_valid=kept.height,
        broken=broken,
        rules=dict(sorted(((r, n) for r, n in counts.items() if n), key=lambda item: -item[1])),
        left_out=left_out,
        empty=tuple(c for c in watch if book.height and not book[f"__has_{c}__"].any()),
        fingerprint=_fingerprint(kept[_CONTENT], content),
    )


def _has_value(column: str, flags: tuple[Flag, ...]) -> pl.Expr:
    unread = [pl.col(f.name) for f in flags if f.column == column and f.rule != NULL]
    return pl.any_horizontal(pl.col(column).is_not_null(), *unread)


def _hash(columns: list[str]) -> pl.Expr:
    """Hash of a row; per column first, because that is far cheaper than hashing a struct."""
    return reduce(xor, (pl.col(c).hash(seed=i) for i, c in enumerate(columns))).hash()


def _duplicates(typed: TypedRows, sound: pl.DataFrame, key: tuple[str, ...]) -> tuple[pl.Series, pl.DataFrame]:
    """Rows to leave out because they repeat an earlier one, and rows whose key another, different row has."""
    suspects = sound.filter(pl.col(_KEY).is_duplicated())[ROW] if sound[_KEY].n_unique() < sound.height else None
    if suspects is None:
        return pl.Series(ROW, [], dtype=sound.schema[ROW]), sound.clear().select(ROW)
    # Different keys may hash alike: only the keys themselves decide.
    rows = typed.frame.filter(pl.col(ROW).is_in(suspects.implode())).select(ROW, *typed.columns).collect().sort(ROW)
    first = rows.select(pl.struct(typed.columns).is_first_distinct()).to_series()
    distinct = rows.filter(first)
    clash = distinct.select(pl.struct(list(key)).is_duplicated()).to_series()
    return rows.filter(~first)[ROW], distinct.filter(clash).select(ROW)


def _explained(rows: pl.DataFrame, flags: tuple[Flag, ...]) -> pl.DataFrame:
    labels = [
        (pl.when(pl.col(f.name)).then(pl.lit(f.label)) if f.name else pl.lit(f.label)).alias(str(i))
        for i, f in enumerate(flags)
    ]
    listed = pl.concat_list(labels).list.drop_nulls() if labels else pl.lit([], dtype=pl.List(pl.String))
    return rows.select(ROW, listed.alias("broken_rules"))


def _fingerprint(hashes: pl.Series, columns: list[str]) -> str:
    # A sum does not depend on the order of rows; its halves are summed apart so that neither overflows.
    low, high = int((hashes & 0xFFFFFFFF).sum() or 0), int((hashes // 2**32).sum() or 0)
    version = ".".join(pl.__version__.split(".")[:2])
    text = "\n".join([f"polars {version}", str(len(hashes)), f"{low} {high}", *columns])
    return hashlib.sha256(text.encode()).hexdigest()[:32]

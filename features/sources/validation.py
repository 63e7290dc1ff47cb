"""Validation of a table: valid rows, quarantined rows with the rules they break, and a hash of the valid rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import reduce
from operator import xor

import polars as pl

from features.plurals import count_text
from features.sources.conversion import REMARKS_OF_ONE
from features.sources.duplicates import LatestRow, find_duplicates
from features.sources.rules import DUPLICATE_KEY, EXACT_DUPLICATE, NULL
from features.sources.scans import ROW
from features.sources.typed_rows import Flag, TypedRows

_KEY, _CONTENT = "__key__", "__content__"


@dataclass(frozen=True)
class ValidationResult:
    """Numbers and positions of the valid, broken and repeated rows of a table; returned by `validate_rows`.

    Attributes
    ----------
    rows_read, rows_valid : int
        Number of rows, and of valid rows. All other rows break a rule, repeat a valid row, or are replaced by one.
    broken : pl.DataFrame
        Rows that break a rule: `__row__` (position in the source, from 0) and `broken_rules` (list of String).
    rules : dict of str to int
        "column: rule" to the number of rows that break it, in descending order; "exact duplicate" to the number of
        rows that repeat another one.
    excluded : pl.Series
        Positions of all rows that are not valid, from 0, ascending.
    empty : tuple of str
        Checked columns without a value in any row. A value that cannot be converted counts as a value.
    fingerprint : str
        Hash of the valid rows, independent of their order, of the process and of the kind of source. It contains the
        Polars version, because Polars may change its hash function.
    remarks : tuple of str
        Sentences about rows that a later row of the same key replaces, and with the number of rows of each remark of
        the table: "column: number of rows, remark".
    n_duplicate_keys : int
        Number of distinct keys of the rows that break the rule "duplicate key".
    """

    rows_read: int
    rows_valid: int
    broken: pl.DataFrame
    rules: dict[str, int]
    excluded: pl.Series
    empty: tuple[str, ...]
    fingerprint: str
    remarks: tuple[str, ...] = ()
    n_duplicate_keys: int = 0


def validate_rows(
    typed: TypedRows, key: tuple[str, ...], *, check_empty: tuple[str, ...] = (), latest: LatestRow | None = None
) -> ValidationResult:
    """Validate all rows of a table.

    The first of several identical rows is valid. Rows with the same key and different values all break the rule
    "duplicate key", because only the owner of the data can tell which one is right: `latest` says that it is the last.

    Parameters
    ----------
    typed : TypedRows
        As returned by `features.sources.typed_rows.convert_rows`.
    key : tuple of str
        Columns that identify a row, at least one, such as ``features.tables.TABLES["leads"].key``.
    check_empty : tuple of str
        Columns listed in the result's `empty` if they have no value.
    latest : LatestRow, optional
        Order of the rows with the same key, as returned by `features.sources.duplicates.latest_row`: the last one is
        valid, and the others are replaced.

    Returns
    -------
    ValidationResult
        `rows_read`, `rows_valid`; `broken` (DataFrame: `__row__`, `broken_rules`); `rules` (number of rows by "column:
        rule"); `excluded` (Series of the positions of all rows that are not valid, from 0); `empty` (names of columns
        without a value); `fingerprint` (hash of the valid rows); `remarks` (such as on replaced rows).

    Examples
    --------
    >>> import polars as pl
    >>> from features.sources.typed_rows import Flag, TypedRows
    >>> rows = {"__row__": [0, 1, 2, 3], "vin": ["a", "a", "b", None], "flag": [False, False, False, True]}
    >>> typed = TypedRows(pl.LazyFrame(rows), ("vin",), (Flag("flag", "vin", "missing value"),))
    >>> result = validate_rows(typed, ("vin",))
    >>> result.rows_valid, result.excluded.to_list()
    (2, [1, 3])
    >>> result.rules
    {'vin: missing value': 1, 'exact duplicate': 1}
    """
    content = sorted(typed.columns)
    checks = typed.frame.select(
        ROW,
        _hash(list(key)).alias(_KEY),
        _hash(content).alias(_CONTENT),
        *(f.name for f in (*typed.flags, *typed.remarks)),
        *(_has_value(c, typed.flags).alias(f"__has_{c}__") for c in check_empty),
    ).collect(engine="streaming")
    names = [f.name for f in typed.flags]
    is_broken = (
        checks.select(pl.any_horizontal(names)).to_series() if names else pl.repeat(False, checks.height, eager=True)
    )
    unbroken = checks.filter(~is_broken).select(ROW, _KEY, _CONTENT)
    duplicates = find_duplicates(typed, unbroken, checks.filter(is_broken), key, latest=latest)
    contradictory = duplicates.contradictory.to_frame()

    duplicate_key = Flag("", ", ".join(key), DUPLICATE_KEY)
    broken = pl.concat(
        [_with_rules(checks.filter(is_broken), typed.flags), _with_rules(contradictory, (duplicate_key,))]
    ).sort(ROW)
    counts = {f.label: int(checks[f.name].sum()) for f in typed.flags}
    counts |= {duplicate_key.label: contradictory.height, EXACT_DUPLICATE: len(duplicates.repeated)}
    excluded = pl.concat([broken[ROW], duplicates.repeated, duplicates.replaced]).sort()
    valid = unbroken.filter(~pl.col(ROW).is_in(excluded.implode())) if len(excluded) else unbroken
    return ValidationResult(
        rows_read=checks.height,
        rows_valid=valid.height,
        broken=broken,
        rules=dict(sorted(((r, n) for r, n in counts.items() if n), key=lambda item: -item[1])),
        excluded=excluded,
        empty=tuple(c for c in check_empty if checks.height and not checks[f"__has_{c}__"].any()),
        fingerprint=_fingerprint(valid[_CONTENT], content),
        remarks=(*duplicates.notes, *_remarks(typed, checks)),
        n_duplicate_keys=duplicates.n_keys,
    )


def _remarks(typed: TypedRows, checks: pl.DataFrame) -> list[str]:
    counts = {f: int(checks[f.name].sum()) for f in typed.remarks}
    texts = {f: count_text(n, REMARKS_OF_ONE.get(f.rule, f.rule), f.rule) for f, n in counts.items() if n}
    return [f"{f.column}: {text}" for f, text in texts.items()]


def _has_value(column: str, flags: tuple[Flag, ...]) -> pl.Expr:
    unconverted = [pl.col(f.name) for f in flags if f.column == column and f.rule != NULL]
    return pl.any_horizontal(pl.col(column).is_not_null(), *unconverted)


def _hash(columns: list[str]) -> pl.Expr:
    """Return the hash of each row: the hashes of its columns combined, which is much faster than hashing a struct."""
    return reduce(xor, (pl.col(c).hash(seed=i) for i, c in enumerate(columns))).hash()


def _with_rules(rows: pl.DataFrame, flags: tuple[Flag, ...]) -> pl.DataFrame:
    labels = [
        (pl.when(pl.col(f.name)).then(pl.lit(f.label)) if f.name else pl.lit(f.label)).alias(str(i))
        for i, f in enumerate(flags)
    ]
    broken_rules = pl.concat_list(labels).list.drop_nulls() if labels else pl.lit([], dtype=pl.List(pl.String))
    return rows.select(ROW, broken_rules.alias("broken_rules"))


def _fingerprint(hashes: pl.Series, columns: list[str]) -> str:
    # A sum does not depend on the order of rows; the two halves of each hash are summed separately to avoid overflow.
    low, high = int((hashes & 0xFFFFFFFF).sum() or 0), int((hashes // 2**32).sum() or 0)
    version = ".".join(pl.__version__.split(".")[:2])
    text = "\n".join([f"polars {version}", str(len(hashes)), f"{low} {high}", *columns])
    return hashlib.sha256(text.encode()).hexdigest()[:32]

"""Detect target leakage: features that were recorded after the outcome, or that copy it.

A good predictor makes an outcome more likely and has a value in every row. A column recorded after the outcome differs:
some of its values occur almost only with one outcome, it is missing or present depending on the outcome, it has
instants after `as_of`, or it predicts well only in rows old enough for somebody to have filled it in. No rule uses the
name of a column. Do not use a "leak" as a feature; for a "suspect", ask someone who knows the source when the column is
recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.studies.leaks.columns import Outcome, as_float, as_microseconds, profile, time_after_as_of, too_few_rows
from training.studies.leaks.evidence import Evidence, evidence_of_blocks, evidence_of_column

Verdict = Literal["leak", "suspect"]
SUFFICIENT = {"near-perfect", "outcome record", "one outcome only", "after as_of", "copy of outcome"}


@dataclass(frozen=True)
class LeakFinding:
    """Column that may leak the outcome, with the evidence; returned by `find_leaks`.

    Attributes
    ----------
    column : str
        Name of the column.
    verdict : {"leak", "suspect"}
        A leak must not be a feature; of a suspect, check when it is recorded.
    evidence : tuple of Evidence
        Signs of the leak, at least one: `rule` (such as 'near-perfect' or 'after as_of'), `value` (float: an AUC, a
        share, ...) and `text` (one line with the figures).
    """

    column: str
    verdict: Verdict
    evidence: tuple[Evidence, ...]


def find_leaks(
    frame: pl.DataFrame,
    label: NDArray[np.generic],
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    as_of: NDArray[np.generic] | None = None,
    instants: Sequence[str] = (),
) -> list[LeakFinding]:
    """Return the columns that may leak the outcome, with the evidence.

    Parameters
    ----------
    frame : DataFrame
        Features, a row for each outcome, in the order of `label`.
    label : ndarray of shape (n_rows,)
        Numbers or booleans: a binary outcome (the larger value is the positive class), or an amount in any unit. Rows
        whose label is not finite are ignored.
    numeric, categorical : sequence of str
        Columns to treat as numbers (booleans and instants too) and as categories. Missing is a category of its own.
    as_of : ndarray of shape (n_rows,), optional
        Prediction time of each row (int64 microseconds since 1970 UTC, or datetime64).
    instants : sequence of str
        Columns with the time of a past event (int64 microseconds since 1970 UTC, Date or Datetime). Leave out planned
        times: they may lie after `as_of`.

    Returns
    -------
    list of LeakFinding
        `column` (name), `verdict` ('leak' or 'suspect') and `evidence` (each with `rule`, `value` and `text`) of each;
        leaks before suspects, the strongest column first. Empty with fewer than 200 rows, or fewer than 30 rows of a
        binary outcome.

    Raises
    ------
    ValueError
        `label` or `as_of` has another length than `frame`.
    polars.exceptions.ColumnNotFoundError
        `frame` lacks a column.

    Examples
    --------
    The reason for losing a customer is recorded only after the customer is lost.

    >>> import numpy as np
    >>> import polars as pl
    >>> rng = np.random.default_rng(0)
    >>> bought = rng.random(1_000) < 0.4
    >>> reason = [None if b or i % 3 else "price" for i, b in enumerate(bought)]
    >>> frame = pl.DataFrame({"visits": rng.poisson(2 + bought), "reason": reason})
    >>> for finding in find_leaks(frame, bought, numeric=["visits"], categorical=["reason"]):
    ...     print(finding.column, finding.verdict, [e.rule for e in finding.evidence])
    reason leak ['missing indicator', 'near-pure values', 'one outcome only']
    """
    for name, length in (("label", len(label)), ("as_of", frame.height if as_of is None else len(as_of))):
        if length != frame.height:
            raise ValueError(f"{name} has {length} rows, but frame has {frame.height}")
    columns = frame.select(list(dict.fromkeys([*numeric, *categorical, *instants])))
    if too_few_rows(label):
        return []
    labelled = np.isfinite(as_float(label))
    columns = columns.filter(pl.Series(labelled, dtype=pl.Boolean))
    outcome = Outcome(as_float(label)[labelled], None if as_of is None else as_microseconds(as_of)[labelled])
    profiles = [
        profile(time_after_as_of(c, outcome, instants), outcome, categories=c.name in categorical) for c in columns
    ]
    evidence = {p.name: evidence_of_column(p, outcome, profiles, instants) for p in profiles}
    for name, block in evidence_of_blocks(profiles, outcome).items():
        evidence[name].append(block)
    strength = {p.name: p.strength for p in profiles}
    findings = [LeakFinding(name, _verdict(e), tuple(e)) for name, e in evidence.items() if e]
    return sorted(findings, key=lambda f: (f.verdict != "leak", -strength[f.column]))


def _verdict(evidence: Sequence[Evidence]) -> Verdict:
    """Return 'leak' for a sufficient rule, or for missing values that go with another sign of a late entry."""
    rules = {e.rule for e in evidence}
    late = "missing indicator" in rules and rules & {"near-pure values, both outcomes", "weak in newest rows"}
    return "leak" if late or rules & SUFFICIENT else "suspect"


__all__ = ["Evidence", "LeakFinding", "find_leaks", "too_few_rows"]

"""Columns that know the outcome: filled in after it, or a copy of it.

A column filled in after the outcome differs from one that merely predicts it well. A good predictor is graded: it
makes an outcome more likely, and it is there for every row. A column written afterwards has values that hardly ever
occur with the other outcome, is filled in or missing by outcome, carries instants after the moment of asking, or is
strong only in rows old enough for somebody to have filled it in. No rule looks at a column's name. A "leak" should not
be used as a feature; for a "suspect" somebody who knows the source should say when the column is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.studies.leaks.columns import Outcome, moments, numbers, profile, ready, too_few_rows
from training.studies.leaks.evidence import Evidence, blocks, evidence_of_one

Verdict = Literal["leak", "suspect"]
SUFFICIENT = {"decides", "record", "filled", "future", "copy"}  # rules that need no second one


@dataclass(frozen=True)
class LeakFinding:
    """A column and what speaks against it.

    Attributes
    ----------
    column : str
        Its name.
    verdict : {"leak", "suspect"}
        Leave it out, or ask when it is written.
    evidence : tuple of Evidence
        At least one.
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
    """Columns that seem to know the outcome, each with the evidence.

    Parameters
    ----------
    frame : DataFrame
        The features, a row for each outcome.
    label : ndarray of shape (n_rows,)
        Two outcomes (the larger value is the yes), or amounts in any unit. Rows without a finite label are left out.
    numeric, categorical : sequence of str
        Columns to look at as numbers (booleans and instants too) and as categories. Missing is a value of its own.
    as_of : ndarray of shape (n_rows,), optional
        When each row was asked about (us, or datetime64).
    instants : sequence of str
        Columns that say when something happened (us, or Datetime). Planned instants do not belong here: they may lie
        after `as_of`.

    Returns
    -------
    list of LeakFinding
        Leaks first, the strongest column first. Empty where there are too few rows (see `too_few_rows`).

    Raises
    ------
    ValueError
        If the label or `as_of` has another length than the frame.
    polars.exceptions.ColumnNotFoundError
        If the frame lacks a column.

    Examples
    --------
    A reason for losing a customer is written only after the customer was lost.

    >>> rng = np.random.default_rng(0)
    >>> bought = rng.random(1_000) < 0.4
    >>> reason = [None if b or i % 3 else "price" for i, b in enumerate(bought)]
    >>> frame = pl.DataFrame({"visits": rng.poisson(2 + bought), "reason": reason})
    >>> for finding in find_leaks(frame, bought, numeric=["visits"], categorical=["reason"]):
    ...     print(finding.column, finding.verdict, [e.rule for e in finding.evidence])
    reason leak ['missing', 'pure values', 'filled']
    """
    for name, length in (("label", len(label)), ("as_of", frame.height if as_of is None else len(as_of))):
        if length != frame.height:
            raise ValueError(f"{name} has {length} rows, the frame {frame.height}")
    columns = frame.select(list(dict.fromkeys([*numeric, *categorical, *instants])))
    if too_few_rows(label):
        return []
    known = np.isfinite(numbers(label))
    columns = columns.filter(pl.Series(known, dtype=pl.Boolean))
    outcome = Outcome(numbers(label)[known], None if as_of is None else moments(as_of)[known])
    profiles = [profile(ready(c, outcome, instants), outcome, categories=c.name in categorical) for c in columns]
    evidence = {p.name: evidence_of_one(p, outcome, profiles, instants) for p in profiles}
    for name, block in blocks(profiles, outcome).items():
        evidence[name].append(block)
    strength = {p.name: p.strength for p in profiles}
    found = [LeakFinding(name, _verdict(e), tuple(e)) for name, e in evidence.items() if e]
    return sorted(found, key=lambda f: (f.verdict != "leak", -strength[f.column]))


def _verdict(evidence: Sequence[Evidence]) -> Verdict:
    """A leak where one observation suffices, or where values and gaps both speak of writing after the outcome."""
    rules = {e.rule for e in evidence}
    late = "missing" in rules and rules & {"pure both ways", "vanishes"}
    return "leak" if late or rules & SUFFICIENT else "suspect"


__all__ = ["Evidence", "Finding", "find_leaks", "too_few_rows"]

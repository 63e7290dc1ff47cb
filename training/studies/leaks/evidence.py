"""The rules of the leak detector: each looks at one column (or a block of them) and says what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.domain.arrays import BoolArray, FloatArray
from training.studies.leaks.columns import (
    MIN_CLASS,
    MIN_ROWS,
    PRIOR_ROWS,
    Outcome,
    Profile,
    correlation,
    gini,
    too_few_rows,
)

SURE = 5.0  # standard errors: chance reaches it once in two million columns
STRONG = 0.3  # Gini (AUC 0.65) or rank correlation below which a column is ordinary
TIMES_THE_REST = 3.0  # far above the rest: three times the median of the other columns
ENOUGH_OTHERS = 5  # columns the median needs
TOO_STRONG = 0.9  # Gini (AUC 0.95): models of many columns seldom get there, one honest column does not
PURE = 0.1  # a value is near-pure where one outcome is ten times rarer than overall
CHANCE = 0.001  # of taking any of a column's values for near-pure when it is not
SOME_SHARE = 0.05  # of an outcome, or of the rows: what is rarer than one in twenty changes little
MOST_SHARE = 0.5  # of the outcomes decided by near-pure values: no predictor, a record of what happened
TIED = 0.2  # Gini of the missing indicator (AUC 0.6)
BLOCK_COLUMNS = 3  # two columns missing together are commonplace (an amount and its currency)
SAME_ROWS = 0.99  # shared part of the rows missing in two columns of a block
FUTURE_SHARE = 0.01  # of the filled rows: below it a clock that goes wrong is as likely
COPY_AGREEMENT = 0.95  # Cohen's kappa with the outcome
COPY_CORRELATION = 0.999  # with an amount; a list price and the price paid stay below
COPY_PRECISION = 0.001  # two amounts are the same within a thousandth
DROP = 0.2  # of Gini (0.1 of AUC) or rank correlation lost in the newest fifth


@dataclass(frozen=True)
class Evidence:
    """One observation against a column.

    Attributes
    ----------
    rule : str
        "strength" (far above the rest) or "decides" (too strong for one column); "pure values" (of one outcome),
        "pure both ways" or "record" (half of the outcomes and more sit at pure values); "missing" (tied to the label),
        "filled" (for one outcome only) or "block" (missing together with others); "future" or "some future" (instants
        after the moment of asking); "copy" (of the label); "vanishes" (weak in the newest rows).
    value : float
        Its main figure: a share of rows or outcomes, an AUC, a correlation or an agreement, as the text says.
    text : str
        One line in English with the figures.
    """

    rule: str
    value: float
    text: str


def evidence_of_one(
    column: Profile, outcome: Outcome, everything: Sequence[Profile], instants: Sequence[str]
) -> list[Evidence]:
    """All that speaks against one column."""
    rest = np.array([p.strength for p in everything if p is not column])
    found = [_strength(column, outcome, rest), _missing(column, outcome), _vanishes(column, outcome)]
    if outcome.binary:
        found = [_same_outcome(column, outcome), *found, _purity(column, outcome), _filled(column, outcome)]
    else:
        found = [_same_amount(column, outcome), *found]
    if column.name in instants and outcome.as_of is not None:
        found.append(_future(column))
    return [e for e in found if e is not None]


def _strength(column: Profile, outcome: Outcome, rest: FloatArray) -> Evidence | None:
    """A column far above the rest, or too strong whatever the rest."""
    usual = float(np.median(rest)) if len(rest) else 0.0
    far = len(rest) >= ENOUGH_OTHERS and column.strength >= max(STRONG, TIMES_THE_REST * usual)
    decides = outcome.binary and column.strength >= TOO_STRONG
    if not (far or decides) or column.strength < SURE * outcome.error(len(outcome.y)):
        return None
    text = f"{outcome.said(column.strength)} on its own in cross-validation"
    if len(rest):
        text += f"; median of the other {len(rest)} columns {outcome.figure(usual):.3f}"
    return Evidence("decides" if decides else "strength", outcome.figure(column.strength), text)


def _purity(column: Profile, outcome: Outcome) -> Evidence | None:
    """How much of both outcomes is found at values where the other outcome hardly occurs."""
    rows = np.bincount(column.values, minlength=column.n_values + 1)[:-1].astype(np.float64)
    yes = np.bincount(column.values, weights=outcome.y, minlength=column.n_values + 1)[:-1]
    no = rows - yes
    of_yes, of_no = _near_pure(rows, no, 1 - outcome.mean), _near_pure(rows, yes, outcome.mean)
    shares = float(yes[of_yes].sum() / outcome.y.sum()), float(no[of_no].sum() / (1 - outcome.y).sum())
    if max(shares) < SOME_SHARE:
        return None
    pure = of_yes | of_no
    text = (
        f"{int(pure.sum())} near-pure values in {rows[pure].sum() / len(outcome.y):.1%} of the rows hold "
        f"{shares[0]:.1%} of the yeses and {shares[1]:.1%} of the noes; yeses are {yes[of_yes].sum():.0f} of "
        f"{rows[of_yes].sum():.0f} and {yes[of_no].sum():.0f} of {rows[of_no].sum():.0f} there, {outcome.mean:.1%} "
        f"overall (by chance in fewer than {CHANCE:g} of columns)"
    )
    rule = "pure both ways" if min(shares) >= SOME_SHARE else "pure values"
    return Evidence("record" if np.mean(shares) >= MOST_SHARE else rule, float(np.mean(shares)), text)


def _near_pure(rows: NDArray[Any], other: NDArray[Any], rate: float) -> BoolArray:
    """Values with far fewer rows of the other outcome than its overall rate lets expect (binomial test)."""
    from scipy.stats import binom

    pure = (rows >= MIN_CLASS) & (other <= PURE * rate * rows)
    tested = max(int((rows >= MIN_CLASS).sum()), 1)
    pure[pure] = binom.cdf(other[pure], rows[pure], rate) < CHANCE / tested
    return np.asarray(pure, dtype=np.bool_)


def _missing(column: Profile, outcome: Outcome) -> Evidence | None:
    """Missing more often with one outcome: what was not written down because of it."""
    gap = column.missing.astype(np.float64)
    if gap.min(initial=1.0) == gap.max(initial=0.0):
        return None
    related = correlation(gap, outcome.y if outcome.binary else outcome.ranks)
    z = related * np.sqrt(len(gap))
    if outcome.binary:
        related = float(gap[outcome.y == 1].mean() - gap[outcome.y == 0].mean())  # the Gini of an indicator
    if abs(related) < TIED or abs(z) < SURE:
        return None
    missing, filled = outcome.y[column.missing].mean(), outcome.y[~column.missing].mean()
    means = (
        f"{missing:.1%} yeses where missing, {filled:.1%}" if outcome.binary else f"mean {missing:.4g}, {filled:.4g}"
    )
    text = f"missing in {gap.mean():.1%} of the rows: {means} where filled in"
    figure = outcome.figure(abs(related))
    return Evidence("missing", figure, f"{text} ({outcome.said(abs(related))} of the gap alone, z {z:.1f})")


def _filled(column: Profile, outcome: Outcome) -> Evidence | None:
    """Filled in for one outcome only: written once the outcome was there."""
    filled = ~column.missing
    rows, yes = float(filled.sum()), float(outcome.y[filled].sum())
    if rows == len(outcome.y):
        return None
    for name, these, rate in (("yes", yes, outcome.mean), ("no", rows - yes, 1 - outcome.mean)):
        pure = _near_pure(np.array([rows]), np.array([rows - these]), 1 - rate)[0]
        share = these / (rate * len(outcome.y))
        if pure and share >= SOME_SHARE:
            text = f"filled in for {share:.1%} of the rows with a {name} and for {rows - these:.0f} others"
            return Evidence("filled", share, f"{text} ({these:.0f} of {rows:.0f}; {rate:.1%} overall)")
    return None


def _vanishes(column: Profile, outcome: Outcome) -> Evidence | None:
    """Strong in rows of any age, weak in the newest fifth learnt from the older ones: not filled in yet."""
    newest = outcome.newest
    if newest is None or column.strength < DROP:
        return None
    n = column.n_bins + 1
    rows = np.bincount(column.bins[~newest], minlength=n)
    total = np.bincount(column.bins[~newest], weights=outcome.y[~newest], minlength=n)
    mean = float(outcome.y[~newest].mean())
    score = (total + PRIOR_ROWS * mean) / (rows + PRIOR_ROWS)
    late = _strength_of(score[column.bins[newest]], outcome.y[newest], binary=outcome.binary)
    drop = column.strength - late
    if drop < DROP or late > column.strength / 2 or drop < SURE * outcome.error(int(newest.sum())):
        return None
    gaps = (
        f"{column.missing[~newest].mean():.1%} of the older rows and {column.missing[newest].mean():.1%} of the newest"
    )
    text = (
        f"{outcome.said(column.strength)} in folds of any age, {outcome.figure(late):.3f} in the newest fifth; "
        f"missing in {gaps}"
    )
    return Evidence("vanishes", outcome.figure(drop) - outcome.figure(0.0), text)


def _strength_of(score: FloatArray, y: FloatArray, *, binary: bool) -> float:
    from scipy.stats import rankdata

    if binary:
        return max(gini(score, y, 1 - y), 0.0)
    return max(correlation(np.asarray(rankdata(score)), np.asarray(rankdata(y))), 0.0)


def _future(column: Profile) -> Evidence | None:
    """Instants after the moment of asking."""
    since = column.amounts[~column.missing] if column.amounts is not None else np.empty(0)
    late = int((since > 0).sum())
    if not late:
        return None
    share = late / len(since)
    text = f"{late} of {len(since)} instants ({share:.2%}) lie after the moment of asking"
    return Evidence("future" if share >= FUTURE_SHARE else "some future", share, text)


def _same_outcome(column: Profile, outcome: Outcome) -> Evidence | None:
    """The outcome itself under another name, in the rows that have a value."""
    guess, y = column.predicted[~column.missing] >= 0.5, outcome.y[~column.missing] == 1
    if too_few_rows(y):
        return None
    agree = float((guess == y).mean())
    chance = float(guess.mean() * y.mean() + (1 - guess.mean()) * (1 - y.mean()))
    kappa = (agree - chance) / (1 - chance)
    if kappa < COPY_AGREEMENT:
        return None
    return Evidence("copy", kappa, f"gives the outcome in {agree:.2%} of the {len(y)} filled rows (kappa {kappa:.3f})")


def _same_amount(column: Profile, outcome: Outcome) -> Evidence | None:
    """The amount itself, or in another unit; rows where both are zero say nothing."""
    if column.amounts is None:
        return None
    used = np.isfinite(column.amounts) & ((column.amounts != 0) | (outcome.y != 0))
    a, y = column.amounts[used], outcome.y[used]
    if len(y) < MIN_ROWS:
        return None
    same = float((np.abs(a - y) <= COPY_PRECISION * np.abs(y)).mean())
    related = abs(correlation(a, y))
    if same < MOST_SHARE and related < COPY_CORRELATION:
        return None
    text = f"the same amount in {same:.1%} of {len(y)} rows, correlation {related:.4f}"
    return Evidence("copy", max(same, related), text)


def blocks(profiles: Sequence[Profile], outcome: Outcome) -> dict[str, Evidence]:
    """Columns missing in the same rows, one of which predicts the outcome: filled in by one later step, perhaps."""
    gappy = [p for p in profiles if SOME_SHARE <= p.missing.mean() <= 1 - SOME_SHARE]
    found: dict[str, Evidence] = {}
    if len(gappy) < BLOCK_COLUMNS:
        return found
    gaps = np.array([p.missing for p in gappy], dtype=np.float32)
    both = gaps @ gaps.T
    either = np.diag(both)[:, None] + np.diag(both)[None, :] - both
    left = list(range(len(gappy)))
    while left:
        block = [i for i in left if both[left[0], i] >= SAME_ROWS * either[left[0], i]]
        left = [i for i in left if i not in block]
        best = max((gappy[i] for i in block), key=lambda p: p.strength)
        if len(block) < BLOCK_COLUMNS or best.strength < max(TIED, SURE * outcome.error(len(outcome.y))):
            continue
        share = float(best.missing.mean())
        text = f"missing in {share:.1%} of the rows, the same as in {len(block) - 1} other columns; the strongest of "
        text += f"them, {best.name!r}, has {outcome.said(best.strength)}"
        found |= {gappy[i].name: Evidence("block", share, text) for i in block}
    return found

"""Rules of the leak detector: each tests one column, or a block of columns, for one sign of target leakage."""

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

MIN_Z = 5.0  # standard errors; exceeded by chance in one of two million columns
MIN_STRENGTH = 0.3  # Gini (AUC 0.65) or rank correlation below which a column is not tested against the others
OUTLIER_RATIO = 3.0  # strength over the median of the other columns
MIN_OTHER_COLUMNS = 5  # other columns that this median needs
NEAR_PERFECT = 0.9  # Gini (AUC 0.95): rarely reached by a whole model, let alone by one column
PURITY = 0.1  # a value is near-pure if one outcome is ten times rarer than overall
SIGNIFICANCE = 0.001  # probability that a column independent of the outcome has a near-pure value
MIN_SHARE = 0.05  # share of an outcome or of the rows below which a finding hardly matters
RECORD_SHARE = 0.5  # share of the outcomes at near-pure values from which a column is a record of the outcome
MIN_MISSING_GINI = 0.2  # Gini of the missing indicator (AUC 0.6)
BLOCK_COLUMNS = 3  # two columns missing together are common (an amount and its currency)
SAME_ROWS = 0.99  # Jaccard similarity of the missing rows of two columns of a block
FUTURE_SHARE = 0.01  # share of the values below which wrong clocks explain times after `as_of`
COPY_AGREEMENT = 0.95  # Cohen's kappa with the outcome
COPY_CORRELATION = 0.999  # with an amount; list price and price paid correlate less
COPY_PRECISION = 0.001  # relative difference of two equal amounts
MIN_DROP = 0.2  # loss of Gini (0.1 of AUC) or rank correlation in the newest fifth of the rows


@dataclass(frozen=True)
class Evidence:
    """Sign of target leakage in a column; returned by `evidence_of_column` and `evidence_of_blocks`.

    Attributes
    ----------
    rule : str
        'strength' : much stronger than the other columns.
        'near-perfect' : predicts the outcome almost perfectly on its own.
        'near-pure values' and 'near-pure values, both outcomes' : values that occur almost only with one outcome.
        'outcome record' : at least half of the outcomes are at near-pure values.
        'missing indicator' : whether the value is missing depends on the outcome.
        'one outcome only' : present almost only with one outcome.
        'missing together' : missing in the same rows as other columns, one of which predicts the outcome.
        'after as_of' and 'some after as_of' : at least, or less than, 1% of the instants lie after `as_of`.
        'copy of outcome' : equals the outcome.
        'weak in newest rows' : predicts much worse in the newest fifth of the rows.
    value : float
        Main figure of `text`: a share (0 to 1), an AUC, a correlation, an agreement (Cohen's kappa) or a loss of AUC or
        correlation.
    text : str
        One line in English with the figures.
    """

    rule: str
    value: float
    text: str


def evidence_of_column(
    column: Profile, outcome: Outcome, profiles: Sequence[Profile], instants: Sequence[str]
) -> list[Evidence]:
    """Return the evidence of every rule for one column.

    Parameters
    ----------
    column : Profile
        Column to test, as returned by `training.studies.leaks.columns.profile`; an element of `profiles`.
    outcome : Outcome
        ``training.studies.leaks.columns.Outcome(label, as_of)`` of the same rows, with `label` (float64, finite) and
        `as_of` (int64, microseconds since 1970 UTC, or None).
    profiles : sequence of Profile
        All columns, `column` included, for comparison.
    instants : sequence of str
        Names of columns with the time of a past event; `profile` needs them as microseconds after `as_of`, see
        `training.studies.leaks.columns.time_after_as_of`.

    Returns
    -------
    list of Evidence
        One element for each rule that holds, with `rule` (name), `value` (figure) and `text`; empty if none does.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from training.studies.leaks.columns import Outcome, profile
    >>> label = (np.arange(400) % 4 == 0).astype(float)
    >>> outcome = Outcome(label, None)
    >>> paid = profile(pl.Series("paid", label), outcome, categories=False)
    >>> [e.rule for e in evidence_of_column(paid, outcome, [paid], [])]
    ['copy of outcome', 'near-perfect', 'outcome record']
    """
    other_strengths = np.array([p.strength for p in profiles if p is not column])
    evidence = [_strength(column, outcome, other_strengths), _missing(column, outcome), _newest_rows(column, outcome)]
    if outcome.binary:
        evidence = [_same_outcome(column, outcome), *evidence, _purity(column, outcome), _one_outcome(column, outcome)]
    else:
        evidence = [_same_amount(column, outcome), *evidence]
    if column.name in instants and outcome.as_of is not None:
        evidence.append(_after_as_of(column))
    return [e for e in evidence if e is not None]


def _strength(column: Profile, outcome: Outcome, others: FloatArray) -> Evidence | None:
    median = float(np.median(others)) if len(others) else 0.0
    outlier = len(others) >= MIN_OTHER_COLUMNS and column.strength >= max(MIN_STRENGTH, OUTLIER_RATIO * median)
    near_perfect = outcome.binary and column.strength >= NEAR_PERFECT
    if not (outlier or near_perfect) or column.strength < MIN_Z * outcome.standard_error(len(outcome.y)):
        return None
    text = f"cross-validated {outcome.strength_text(column.strength)} of the column alone"
    if len(others):
        text += f"; median of the other {len(others)} columns {outcome.reported(median):.3f}"
    return Evidence("near-perfect" if near_perfect else "strength", outcome.reported(column.strength), text)


def _purity(column: Profile, outcome: Outcome) -> Evidence | None:
    """Test for values at which one of the outcomes hardly occurs."""
    rows = np.bincount(column.values, minlength=column.n_values + 1)[:-1].astype(np.float64)
    positives = np.bincount(column.values, weights=outcome.y, minlength=column.n_values + 1)[:-1]
    negatives = rows - positives
    pure_positive = _near_pure(rows, negatives, 1 - outcome.mean)
    pure_negative = _near_pure(rows, positives, outcome.mean)
    shares = (
        float(positives[pure_positive].sum() / outcome.y.sum()),
        float(negatives[pure_negative].sum() / (1 - outcome.y).sum()),
    )
    if max(shares) < MIN_SHARE:
        return None
    pure = pure_positive | pure_negative
    text = (
        f"{int(pure.sum())} values, in {rows[pure].sum() / len(outcome.y):.1%} of the rows, occur almost only with one "
        f"outcome: {shares[0]:.1%} of the positives have one of them ({positives[pure_positive].sum():.0f} of its "
        f"{rows[pure_positive].sum():.0f} rows are positive) and {shares[1]:.1%} of the negatives "
        f"({positives[pure_negative].sum():.0f} of its {rows[pure_negative].sum():.0f} rows are positive); "
        f"{outcome.mean:.1%} of all rows are positive (p < {SIGNIFICANCE:g} under independence)"
    )
    rule = "near-pure values, both outcomes" if min(shares) >= MIN_SHARE else "near-pure values"
    return Evidence("outcome record" if np.mean(shares) >= RECORD_SHARE else rule, float(np.mean(shares)), text)


def _near_pure(rows: NDArray[Any], other: NDArray[Any], rate: float) -> BoolArray:
    """Return which values have far fewer rows of the other outcome than expected at its overall rate.

    The binomial test is Bonferroni-corrected over the values with enough rows.
    """
    from scipy.stats import binom

    pure = (rows >= MIN_CLASS) & (other <= PURITY * rate * rows)
    n_tests = max(int((rows >= MIN_CLASS).sum()), 1)
    pure[pure] = binom.cdf(other[pure], rows[pure], rate) < SIGNIFICANCE / n_tests
    return np.asarray(pure, dtype=np.bool_)


def _missing(column: Profile, outcome: Outcome) -> Evidence | None:
    """Test whether missing values depend on the outcome."""
    indicator = column.missing.astype(np.float64)
    if indicator.min(initial=1.0) == indicator.max(initial=0.0):
        return None
    strength = correlation(indicator, outcome.y if outcome.binary else outcome.ranks)
    z = strength * np.sqrt(len(indicator))
    if outcome.binary:
        strength = float(indicator[outcome.y == 1].mean() - indicator[outcome.y == 0].mean())  # Gini of an indicator
    if abs(strength) < MIN_MISSING_GINI or abs(z) < MIN_Z:
        return None
    missing, present = outcome.y[column.missing].mean(), outcome.y[~column.missing].mean()
    means = (
        f"{missing:.1%} positives where missing, {present:.1%}"
        if outcome.binary
        else f"mean outcome {missing:.4g} where missing, {present:.4g}"
    )
    text = f"missing in {indicator.mean():.1%} of the rows: {means} where present"
    figure = outcome.reported(abs(strength))
    words = f"{text} ({outcome.strength_text(abs(strength))} of the missing indicator, z {z:.1f})"
    return Evidence("missing indicator", figure, words)


def _one_outcome(column: Profile, outcome: Outcome) -> Evidence | None:
    """Test whether values are present with one outcome only: recorded once the outcome has happened."""
    present = ~column.missing
    rows, positives = float(present.sum()), float(outcome.y[present].sum())
    if rows == len(outcome.y):
        return None
    for name, count, rate in (
        ("positive", positives, outcome.mean), ("negative", rows - positives, 1 - outcome.mean),
    ):  # fmt: skip
        pure = _near_pure(np.array([rows]), np.array([rows - count]), 1 - rate)[0]
        share = count / (rate * len(outcome.y))
        if pure and share >= MIN_SHARE:
            text = f"present in {share:.1%} of the {name} rows and in {rows - count:.0f} others"
            words = f"{text} ({count:.0f} of {rows:.0f} values are in {name} rows, {rate:.1%} overall)"
            return Evidence("one outcome only", share, words)
    return None


def _newest_rows(column: Profile, outcome: Outcome) -> Evidence | None:
    """Test whether the column, fitted on the older rows, is weak in the newest fifth: its values come later."""
    newest = outcome.newest
    if newest is None or column.strength < MIN_DROP:
        return None
    n = column.n_bins + 1
    rows = np.bincount(column.bins[~newest], minlength=n)
    total = np.bincount(column.bins[~newest], weights=outcome.y[~newest], minlength=n)
    mean = float(outcome.y[~newest].mean())
    score = (total + PRIOR_ROWS * mean) / (rows + PRIOR_ROWS)
    newest_strength = _strength_of(score[column.bins[newest]], outcome.y[newest], binary=outcome.binary)
    drop = column.strength - newest_strength
    error = outcome.standard_error(int(newest.sum()))
    if drop < MIN_DROP or newest_strength > column.strength / 2 or drop < MIN_Z * error:
        return None
    text = (
        f"cross-validated {outcome.strength_text(column.strength)}, but {outcome.reported(newest_strength):.3f} in the "
        f"newest fifth of the rows; missing in {column.missing[~newest].mean():.1%} of the older rows and in "
        f"{column.missing[newest].mean():.1%} of the newest"
    )
    return Evidence("weak in newest rows", outcome.reported(drop) - outcome.reported(0.0), text)


def _strength_of(score: FloatArray, y: FloatArray, *, binary: bool) -> float:
    from scipy.stats import rankdata

    if binary:
        return max(gini(score, y, 1 - y), 0.0)
    return max(correlation(np.asarray(rankdata(score)), np.asarray(rankdata(y))), 0.0)


def _after_as_of(column: Profile) -> Evidence | None:
    after = column.amounts[~column.missing] if column.amounts is not None else np.empty(0)
    late = int((after > 0).sum())
    if not late:
        return None
    share = late / len(after)
    text = f"{late} of {len(after)} instants ({share:.2%}) lie after the prediction time (as_of)"
    return Evidence("after as_of" if share >= FUTURE_SHARE else "some after as_of", share, text)


def _same_outcome(column: Profile, outcome: Outcome) -> Evidence | None:
    """Test whether the column is the outcome under another name, in the rows with a value."""
    guess, y = column.predicted[~column.missing] >= 0.5, outcome.y[~column.missing] == 1
    if too_few_rows(y):
        return None
    agree = float((guess == y).mean())
    chance = float(guess.mean() * y.mean() + (1 - guess.mean()) * (1 - y.mean()))
    kappa = (agree - chance) / (1 - chance)
    if kappa < COPY_AGREEMENT:
        return None
    text = f"equals the outcome in {agree:.2%} of the {len(y)} rows with a value (Cohen's kappa {kappa:.3f})"
    return Evidence("copy of outcome", kappa, text)


def _same_amount(column: Profile, outcome: Outcome) -> Evidence | None:
    """Test whether the column is the amount, or the amount in another unit; rows where both are 0 are ignored."""
    if column.amounts is None:
        return None
    used = np.isfinite(column.amounts) & ((column.amounts != 0) | (outcome.y != 0))
    a, y = column.amounts[used], outcome.y[used]
    if len(y) < MIN_ROWS:
        return None
    same = float((np.abs(a - y) <= COPY_PRECISION * np.abs(y)).mean())
    correlated = abs(correlation(a, y))
    if same < RECORD_SHARE and correlated < COPY_CORRELATION:
        return None
    text = f"equals the outcome within 0.1% in {same:.1%} of {len(y)} rows, correlation {correlated:.4f}"
    return Evidence("copy of outcome", max(same, correlated), text)


def evidence_of_blocks(profiles: Sequence[Profile], outcome: Outcome) -> dict[str, Evidence]:
    """Return evidence for columns that are missing in the same rows and one of which predicts the outcome.

    Such columns may be filled in together by a later step of the process.

    Parameters
    ----------
    profiles : sequence of Profile
        As returned by `training.studies.leaks.columns.profile`, of the same rows.
    outcome : Outcome
        ``training.studies.leaks.columns.Outcome(label, as_of)`` of the same rows, with `label` (float64, finite) and
        `as_of` (int64, microseconds since 1970 UTC, or None).

    Returns
    -------
    dict of str to Evidence
        By name of the column; `rule` is 'missing together', `value` the share of missing rows; empty if there is no
        such block of at least 3 columns.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from training.studies.leaks.columns import Outcome, profile
    >>> label = (np.arange(400) % 4 == 0).astype(float)
    >>> outcome, filled = Outcome(label, None), [int(y) if i % 400 < 200 else None for i, y in enumerate(label)]
    >>> profiles = [profile(pl.Series(name, filled), outcome, categories=False) for name in "abc"]
    >>> sorted(evidence_of_blocks(profiles, outcome))
    ['a', 'b', 'c']
    """
    candidates = [p for p in profiles if MIN_SHARE <= p.missing.mean() <= 1 - MIN_SHARE]
    evidence: dict[str, Evidence] = {}
    if len(candidates) < BLOCK_COLUMNS:
        return evidence
    missing = np.array([p.missing for p in candidates], dtype=np.float32)
    intersection = missing @ missing.T
    union = np.diag(intersection)[:, None] + np.diag(intersection)[None, :] - intersection
    remaining = list(range(len(candidates)))
    min_strength = max(MIN_MISSING_GINI, MIN_Z * outcome.standard_error(len(outcome.y)))
    while remaining:
        first = remaining[0]
        block = [i for i in remaining if intersection[first, i] >= SAME_ROWS * union[first, i]]
        remaining = [i for i in remaining if i not in block]
        best = max((candidates[i] for i in block), key=lambda p: p.strength)
        if len(block) < BLOCK_COLUMNS or best.strength < min_strength:
            continue
        share = float(best.missing.mean())
        text = f"missing in {share:.1%} of the rows, in the same rows as {len(block) - 1} other columns; the strongest "
        text += f"of them, {best.name!r}, has a cross-validated {outcome.strength_text(best.strength)}"
        evidence |= {candidates[i].name: Evidence("missing together", share, text) for i in block}
    return evidence

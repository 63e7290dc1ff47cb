"""One-off repair of credit files by China's central bank, as lenders saw it from January 2026.

An overdue debt is no longer shown if its amount is at most 10,000 yuan, it fell due from 2020 to 2025, and it was
repaid in full by 31 March 2026: from 1 January 2026 if it was repaid by 30 November 2025, else from the end of the
month after the repayment. The borrower is the same as before, so the probability of default does not change.

Source: People's Bank of China, notice on the one-off credit repair policy, 22 December 2025.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from ml.domain.arrays import FloatArray, IntArray
from training.simulator.applications import Applications, application_ids
from training.simulator.draws import NEVER, Random
from training.simulator.seasons import DAY

LARGEST_AMOUNT = 10_000.0  # yuan
LOOKBACK_DAYS = 730  # of `bureau_delinquencies_24m`
SCORE_POINTS = 40.0  # by which the bureau's score falls for each of at most four overdue debts
MEDIAN_AMOUNT, AMOUNT_SPREAD = 2_600.0, 1.3  # yuan; standard deviation of the logarithm
REPAID_SHARE = 0.85


def _at(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


FIRST_DUE, LAST_DUE = _at(2020, 1, 1), _at(2026, 1, 1)
START, EARLY_REPAYMENT, LAST_REPAYMENT = _at(2026, 1, 1), _at(2025, 12, 1), _at(2026, 4, 1)


@dataclass(frozen=True)
class Overdues:
    """Overdue debts of the last 24 months in credit files; one array element per debt. Drawn by `draw_overdues`.

    Attributes
    ----------
    application : ndarray of int64
        Position of the application.
    amount : ndarray of float64
        Yuan.
    due_at, repaid_at : ndarray of int64
        Microseconds since 1970 UTC; `repaid_at` is `draws.NEVER` if it is not repaid.
    days : ndarray of int64
        Days past due, 30 to 120.
    """

    application: IntArray
    amount: FloatArray
    due_at: IntArray
    repaid_at: IntArray
    days: IntArray


def draw_overdues(rng: Random, applications: Applications, submitted_at: IntArray) -> Overdues:
    """Draw amount, due date and repayment of the overdue debts that the files of applicants count.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("bureau")`.
    applications : Applications
        As returned by `training.simulator.applications.build_applications`.
    submitted_at : ndarray of int64
        Instant of each application, microseconds since 1970 UTC.

    Returns
    -------
    Overdues
        For each application as many debts as it has `delinquencies`; the worst has the `worst` days past due.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.world import build_world
    >>> size = Size(stores=1, customers=100, months=3)
    >>> applicants = build_applicants(size.stream("applicants"), build_world(size))
    >>> applications = build_applications(size.stream("lending"), applicants)
    >>> overdues = draw_overdues(size.stream("bureau"), applications, applicants.submitted_at)
    >>> len(overdues.amount) == int(applications.delinquencies.sum())
    True
    """
    row = np.repeat(np.arange(len(submitted_at)), applications.delinquencies)
    n = len(row)
    is_first = np.diff(row, prepend=-1) > 0
    worst = applications.worst[row]
    days = np.where(is_first, worst, 30 * np.ceil(rng.random(n) * worst / 30)).astype(np.int64)
    age = (rng.random(n) * (LOOKBACK_DAYS - days) + days) * DAY  # repaid debts are repaid before the application
    due = submitted_at[row] - age.astype(np.int64)
    repaid = np.where(rng.random(n) < REPAID_SHARE, due + days * DAY, NEVER)
    amount = np.round(MEDIAN_AMOUNT * rng.lognormal(0, AMOUNT_SPREAD, n), 2)
    return Overdues(row, amount, due, repaid, days)


def hidden_from(overdues: Overdues) -> IntArray:
    """Return the instant from which each overdue debt is no longer shown, int64; `draws.NEVER` if it stays.

    Parameters
    ----------
    overdues : Overdues
        As returned by `draw_overdues`.

    Returns
    -------
    ndarray of int64
        Microseconds since 1970 UTC.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.bureau_repair import START, Overdues, hidden_from
    >>> due = np.full(2, START - 300 * DAY)
    >>> amounts = np.array([10_000.0, 10_000.01])
    >>> hidden = hidden_from(Overdues(np.arange(2), amounts, due, due + 30 * DAY, np.full(2, 30)))
    >>> bool(hidden[0] == START), bool(hidden[1] == NEVER)
    (True, True)
    """
    qualifies = (
        (overdues.amount <= LARGEST_AMOUNT)
        & (overdues.due_at >= FIRST_DUE)
        & (overdues.due_at < LAST_DUE)
        & (overdues.repaid_at < LAST_REPAYMENT)
    )
    repaid = np.where(qualifies, overdues.repaid_at, START)
    months = repaid.astype("datetime64[us]").astype("datetime64[M]")
    late = (months + 2).astype("datetime64[us]").astype(np.int64)  # end of the next month
    shown_until = np.where(repaid < EARLY_REPAYMENT, START, late)
    return np.where(qualifies, shown_until, NEVER)


def repaired_files(applications: Applications, overdues: Overdues, submitted_at: IntArray) -> Applications:
    """Return the applications with the credit files that the lender is shown after the repair.

    Parameters
    ----------
    applications : Applications
        With the true files, as returned by `training.simulator.applications.build_applications`.
    overdues : Overdues
        As returned by `draw_overdues` for these applications.
    submitted_at : ndarray of int64
        Instant of each application, microseconds since 1970 UTC.

    Returns
    -------
    Applications
        With `delinquencies`, `worst` and `score` of the debts that are still shown; the contract rate and all other
        values are unchanged.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.world import build_world
    >>> size = Size(stores=1, customers=100, months=3, start="2026-01-01")
    >>> applicants = build_applicants(size.stream("applicants"), build_world(size))
    >>> applications = build_applications(size.stream("lending"), applicants)
    >>> overdues = draw_overdues(size.stream("bureau"), applications, applicants.submitted_at)
    >>> shown = repaired_files(applications, overdues, applicants.submitted_at)
    >>> bool(shown.delinquencies.sum() < applications.delinquencies.sum())
    True
    """
    n = len(submitted_at)
    is_shown = hidden_from(overdues) > submitted_at[overdues.application]
    shown = np.bincount(overdues.application[is_shown], minlength=n)
    worst = np.zeros(n, dtype=np.int64)
    np.maximum.at(worst, overdues.application[is_shown], overdues.days[is_shown])
    fewer = np.minimum(applications.delinquencies, 4) - np.minimum(shown, 4)
    score = np.clip(applications.score + SCORE_POINTS * fewer, 350, 850)
    return replace(applications, delinquencies=shown.astype(np.int64), worst=worst, score=score)


def repair_truth(applications: Applications, shown: Applications) -> pl.DataFrame:
    """Return the true credit file of every application whose file was repaired.

    Parameters
    ----------
    applications, shown : Applications
        With the true files, and as returned by `repaired_files`.

    Returns
    -------
    polars.DataFrame
        `application_id`, `hidden_overdues` (number), and the true `bureau_score`, `bureau_delinquencies_24m` and
        `bureau_worst_days_past_due`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.world import build_world
    >>> size = Size(stores=1, customers=100, months=3)
    >>> applicants = build_applicants(size.stream("applicants"), build_world(size))
    >>> applications = build_applications(size.stream("lending"), applicants)
    >>> repair_truth(applications, applications).height
    0
    """
    hidden = applications.delinquencies - shown.delinquencies
    rows = np.flatnonzero((hidden > 0) & ~applications.thin)
    return pl.DataFrame(
        {
            "application_id": application_ids(rows),
            "hidden_overdues": hidden[rows],
            "bureau_score": applications.score[rows],
            "bureau_delinquencies_24m": applications.delinquencies[rows],
            "bureau_worst_days_past_due": applications.worst[rows],
        }
    )

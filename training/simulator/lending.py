"""Loans of the simulation: true probability of default, past decisions and outcomes.

The log-odds of default within 12 months (90 days past due) ::

    -4.35 + 2.8 * hinge(pti, 0.35, 0.45) + 4.0 * hinge(ltv, 0.5, 0.4)
    + file * (-1.15 * tanh((score - 640) / 75) + 0.22 * min(enquiries, 8) + 0.4 * min(delinquencies, 4)
              + 1.8 * hinge(utilisation, 0.4, 0.6) * (1 + 1.5 * hinge(pti, 0.35, 0.45)))
    + thin * (0.9 + 4.0 * hinge(ltv, 0.6, 0.3))
    - 0.55 * log1p(employment / 12) - 0.3 * log(income / 8600) + occupation + housing - 0.5 * co_borrower
    + 0.35 * used * (term - 24) / 12 + 0.3 * commercial
    + macro + 0.5 * hidden

with hinge(x, a, w) = min(max(x - a, 0), w) and macro = 0.40 * shift + 0.12 * sin(2 pi month / 30); `hidden` is standard
normal and independent of all observable variables. Protected attributes have no effect; age acts through employment
only.

The past decisions depend on bureau score, payments, loan-to-value and delinquencies, with noise (see `_decide`); they
become less strict with the shift. Only loans that were approved and taken have an outcome. The label is known 365 days
after origination; until then `defaulted` is null, also for loans that have already defaulted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.applicants import Applicants
from training.simulator.applications import SCORE_MEAN, Applications, application_ids
from training.simulator.draws import NEVER, Random, fen, instants, masked, pick, sigmoid
from training.simulator.people import OCCUPATIONS
from training.simulator.seasons import DAY, HOUR, MINUTE, MONTH, Window

HIDDEN_WEIGHT = 0.5
WINDOW_DAYS = 365
APPROVE, REFER, DECLINE = 0, 1, 2
TAKE_UP_OWN, TAKE_UP_PARTNER = 0.96, 0.9  # share of approved loans that are taken
_INTERCEPT = -4.35
_OCCUPATION_LOG_ODDS = {
    "公务员": -0.45,
    "教师医护": -0.3,
    "技术人员": -0.15,
    "个体经营": 0.3,
    "网约车司机": 0.4,
    "自由职业": 0.35,
}
_OCCUPATION = np.array([_OCCUPATION_LOG_ODDS.get(name, 0.0) for name in OCCUPATIONS])
_HOUSING = np.array([-0.2, 0.0, 0.25, 0.0, 0.1])
# Relative frequency of the month of a default within 12 months; 90 days past due takes at least three months.
_DEFAULT_MONTH = np.array([0, 0, 0, 0.5, 0.9, 1.1, 1.2, 1.2, 1.1, 1.0, 0.9, 0.8])


@dataclass(frozen=True)
class Loans:
    """Decisions and loans; one array element per application. Drawn by `build_loans`.

    Attributes
    ----------
    probability, expected : ndarray of float64
        True probability of default within 12 months, and its mean over the hidden variable: the best prediction from
        all columns.
    hidden : ndarray of float64
        The hidden variable, standard normal.
    decision : ndarray of int64
        APPROVE (0), REFER (1) or DECLINE (2).
    decided_at, originated_at, default_at : ndarray of int64
        Microseconds since 1970 UTC, `draws.NEVER` if it does not happen. `default_at` is also drawn for applicants
        without a loan; it is counted from the origination or, without a loan, from the application.
    loss : ndarray of float64
        Loss given default, yuan.
    """

    probability: FloatArray
    expected: FloatArray
    hidden: FloatArray
    decision: IntArray
    decided_at: IntArray
    originated_at: IntArray
    default_at: IntArray
    loss: FloatArray


def hinge(x: FloatArray, start: float, width: float) -> FloatArray:
    """Return ``min(max(x - start, 0), width)``.

    Parameters
    ----------
    x : ndarray of float64
        Any values.
    start, width : float
        Lower end and width of the interval; `width` above 0, in the unit of `x`.

    Returns
    -------
    ndarray of float64, shape of `x`

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.lending import hinge
    >>> hinge(np.array([0.2, 0.4, 9.0]), start=0.3, width=0.5).round(2).tolist()
    [0.0, 0.1, 0.5]
    """
    return np.asarray(np.clip(x - start, 0.0, width), dtype=np.float64)


def observable_log_odds(
    applicants: Applicants, applications: Applications, *, window: Window, cycle: bool = True
) -> FloatArray:
    """Return the log-odds of default within 12 months without the hidden variable (equation: see the module).

    Parameters
    ----------
    applicants : Applicants
        As returned by `training.simulator.applicants.build_applicants`.
    applications : Applications
        As returned by `training.simulator.applications.build_applications(rng, applicants)`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.
    cycle : bool
        Whether the risk varies over a cycle of 30 months (`macro` in the equation).

    Returns
    -------
    ndarray of float64, shape (n_applications,)

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.lending import observable_log_odds
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rng = world.size.stream("lending")
    >>> applicants = build_applicants(world.size.stream("applicants"), world)
    >>> applications = build_applications(rng, applicants)
    >>> len(observable_log_odds(applicants, applications, window=world.window)) == len(applicants)
    True
    """
    strain = hinge(applications.pti, 0.35, 0.45)
    file = (
        -1.15 * np.tanh((applications.score - SCORE_MEAN) / 75)
        + 0.22 * np.minimum(applications.enquiries, 8)
        + 0.4 * np.minimum(applications.delinquencies, 4)
        + 1.8 * hinge(applications.utilisation, 0.4, 0.6) * (1 + 1.5 * strain)
    )
    thin = 0.9 + 4.0 * hinge(applications.ltv, 0.6, 0.3)
    month = (applicants.submitted_at - window.start) / MONTH
    return np.asarray(
        _INTERCEPT
        + 2.8 * strain
        + 4.0 * hinge(applications.ltv, 0.5, 0.4)
        + np.where(applications.thin, thin, file)
        - 0.55 * np.log1p(applications.employment / 12)
        - 0.3 * np.log(applications.income / 8_600)
        + _OCCUPATION[applicants.demographics.occupation]
        + _HOUSING[applications.housing]
        - 0.5 * applications.co_borrower
        + 0.35 * applicants.used * (applications.term - 24) / 12
        + 0.3 * applicants.commercial
        + 0.40 * applicants.shift
        + (0.12 * np.sin(2 * np.pi * month / 30) if cycle else 0.0),
        dtype=np.float64,
    )


def build_loans(
    rng: Random,
    applicants: Applicants,
    applications: Applications,
    *,
    window: Window,
    shown: Applications | None = None,
    cycle: bool = True,
) -> Loans:
    """Draw decisions, originations, defaults and losses.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("lending")`.
    applicants : Applicants
        As returned by `training.simulator.applicants.build_applicants`.
    applications : Applications
        As returned by `training.simulator.applications.build_applications(rng, applicants)`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.
    shown : Applications, optional
        With the credit files that the lender was shown, on which it decided; default: the true ones.
    cycle : bool
        Whether the risk of like applicants varies over a cycle of 30 months.

    Returns
    -------
    Loans
        In the order of `applicants`: `probability`, `expected` (of default, 0 to 1), `hidden`, `decision` (0 approve, 1
        refer, 2 decline), `decided_at`, `originated_at`, `default_at` (int64, microseconds since 1970 UTC) and `loss`
        (yuan).

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.lending import DECLINE, build_loans
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rng = world.size.stream("lending")
    >>> applicants = build_applicants(world.size.stream("applicants"), world)
    >>> loans = build_loans(rng, applicants, build_applications(rng, applicants), window=world.window)
    >>> bool((loans.decision == DECLINE).any())
    True
    """
    n = len(applicants)
    odds = observable_log_odds(applicants, applications, window=window, cycle=cycle)
    hidden = rng.normal(0, 1, n)
    probability = sigmoid(odds + HIDDEN_WEIGHT * hidden)
    decision = _decide(rng, applicants, applications if shown is None else shown)
    own_delay, partner_delay = rng.integers(3 * MINUTE, 15 * MINUTE, n), rng.integers(10 * MINUTE, 40 * HOUR, n)
    # A partner's bank pays out much later than the desk answers, which takes minutes to a little over an hour.
    answered = np.where(applicants.partner, 4 * MINUTE + partner_delay // 32, own_delay)
    paid_from = applicants.submitted_at + np.where(applicants.partner, partner_delay, own_delay)
    is_buyer = applicants.ordered_at < NEVER
    takes = rng.random(n) < np.where(applicants.partner, TAKE_UP_PARTNER, np.where(is_buyer, TAKE_UP_OWN, 0.0))
    after = np.where(is_buyer, applicants.ordered_at, paid_from) + rng.integers(HOUR, 3 * DAY, n)
    originated = np.where((decision == APPROVE) & takes, after, NEVER)
    defaults = rng.random(n) < probability
    time_to_default = (pick(rng, _DEFAULT_MONTH, n) + rng.random(n)) / 12 * (WINDOW_DAYS - 1) * DAY
    clock = np.where(originated < NEVER, originated, applicants.submitted_at)
    left = applications.loan * np.maximum(1 - time_to_default / MONTH / applications.term, 0.05)
    return Loans(
        probability=probability,
        expected=_mean_over_hidden(odds),
        hidden=hidden,
        decision=decision,
        decided_at=applicants.submitted_at + answered,
        originated_at=originated,
        default_at=np.where(defaults, clock + time_to_default.astype(np.int64), NEVER),
        loss=left * rng.beta(4.0, 5.0, n),
    )


def _mean_over_hidden(odds: FloatArray) -> FloatArray:
    """Return the mean of the probability over the hidden variable, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    mean = np.zeros(len(odds))
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        mean += weight * sigmoid(odds + HIDDEN_WEIGHT * node)
    return mean


def _decide(rng: Random, applicants: Applicants, applications: Applications) -> IntArray:
    points = (
        np.where(
            applications.thin, 0.35, -0.9 * (applications.score - SCORE_MEAN) / 62 + 0.45 * applications.delinquencies
        )
        + 2.2 * (applications.pti - 0.35)
        + 1.5 * (applications.ltv - 0.6)
        + rng.normal(0, 0.8, len(applicants))
    )
    cut = 1.05 + 0.35 * applicants.shift
    return np.where(points < cut, APPROVE, np.where(points < cut + 0.25, REFER, DECLINE)).astype(np.int64)


def outcome_rows(loans: Loans, *, window: Window) -> IntArray:
    """Return the positions of applications with a loan originated before the end of the data, in ascending order.

    Parameters
    ----------
    loans : Loans
        As returned by `training.simulator.lending.build_loans`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    ndarray of int64, shape (n_loans,)

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.lending import build_loans
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rng, applicants = world.size.stream("lending"), build_applicants(world.size.stream("applicants"), world)
    >>> loans = build_loans(rng, applicants, build_applications(rng, applicants), window=world.window)
    >>> rows = outcome_rows(loans, window=world.window)
    >>> bool((loans.originated_at[rows] < world.window.end).all())
    True
    """
    return np.flatnonzero(loans.originated_at < window.end)


def mature(loans: Loans, *, window: Window) -> BoolArray:
    """Return whether the 365 days after origination end within the data; false without a loan.

    Parameters
    ----------
    loans : Loans
        As returned by `training.simulator.lending.build_loans`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    ndarray of bool, shape (n_applications,)

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.lending import build_loans
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rng, applicants = world.size.stream("lending"), build_applicants(world.size.stream("applicants"), world)
    >>> loans = build_loans(rng, applicants, build_applications(rng, applicants), window=world.window)
    >>> mature(loans, window=world.window).any().item()  # three months of data
    False
    """
    return np.asarray(loans.originated_at < window.end - WINDOW_DAYS * DAY, dtype=np.bool_)


def outcomes_frame(loans: Loans, applications: Applications, *, window: Window) -> pl.DataFrame:
    """Return the table `loan_outcomes` (columns: `features.tables.LOAN_OUTCOMES`): one row per originated loan.

    Parameters
    ----------
    loans : Loans
        As returned by `training.simulator.lending.build_loans`.
    applications : Applications
        As returned by `training.simulator.applications.build_applications`, in the same order.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        `loss` in fen, instants as int64 microseconds since 1970 UTC, `defaulted` null until 365 days after origination.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.lending import build_loans, outcome_rows, outcomes_frame
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rng = world.size.stream("lending")
    >>> applicants = build_applicants(world.size.stream("applicants"), world)
    >>> applications = build_applications(rng, applicants)
    >>> loans = build_loans(rng, applicants, applications, window=world.window)
    >>> outcomes_frame(loans, applications, window=world.window).height == len(outcome_rows(loans, window=world.window))
    True
    """
    rows, end = outcome_rows(loans, window=window), window.end
    originated, default = loans.originated_at[rows], loans.default_at[rows]
    is_mature, has_defaulted = mature(loans, window=window)[rows], default < end
    stop = np.minimum(
        np.where(has_defaulted, default, end), originated + (applications.term[rows] * MONTH).astype(np.int64)
    )
    return pl.DataFrame(
        {
            "application_id": application_ids(rows),
            "defaulted": masked(has_defaulted, is_mature),
            "originated_at": pl.Series(originated),
            "observed_at": instants(originated + WINDOW_DAYS * DAY, before=end),
            "defaulted_at": instants(default, before=end),
            "months_on_book": pl.Series(((stop - originated) / MONTH).astype(np.int64)),
            "loss": masked(fen(np.where(has_defaulted, loans.loss[rows], 0.0)), is_mature | has_defaulted),
        }
    )

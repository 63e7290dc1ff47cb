"""Loan applications of the simulation: loan terms, household and credit bureau file.

A latent standard normal variable, `discipline`, drives the bureau file (score, enquiries, delinquencies, utilisation)
and affects default only through it. Applicants with a thin file have no bureau values; other values are missing
completely at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.tables import CHANNELS, CONDITIONS, ENERGY_TYPES, USES
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.applicants import Applicants
from training.simulator.catalogue import item_ids
from training.simulator.draws import Random, fen, instants, labels, masked, numbered, sigmoid
from training.simulator.people import OCCUPATION_INCOMES, OCCUPATIONS, customer_ids
from training.simulator.seasons import YEAR
from training.simulator.units import unit_ids
from training.simulator.world import World

TERMS = np.array([12, 24, 36, 48, 60])
HOUSING = ("own", "mortgage", "rent", "family", "employer")
MARITAL = ("single", "married", "divorced", "widowed")
EDUCATION = ("secondary", "college", "bachelor", "postgraduate")
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
SCORE_MEAN, SCORE_SPREAD = 640.0, 62.0
_MISSING_SHARES = {
    "income": 0.05, "debt": 0.03, "employment": 0.03, "education": 0.06, "residence": 0.05, "gender": 0.02,
}  # fmt: skip


@dataclass(frozen=True)
class Applications:
    """True values of the applications, before values are removed at random; one array element per application.

    Drawn by `build_applications`.

    Attributes
    ----------
    price, down, loan : ndarray of float64
        Price of the vehicle, down payment and loan, yuan.
    rate : ndarray of float64
        Interest rate, fraction per year.
    income, debt : ndarray of float64
        Income and payments for other debts, yuan per month.
    pti, ltv : ndarray of float64
        Ratio of all monthly payments, the requested loan included, to income; ratio of the loan to the price.
    age : ndarray of float64
        Years.
    term, employment, residence, history : ndarray of int64
        Term of the loan, time in the job, time at the address, length of the credit history, all in months.
    housing, marital, education : ndarray of int64
        Positions in HOUSING, MARITAL and EDUCATION.
    dependents : ndarray of int64
        Number of dependants.
    co_borrower, thin : ndarray of bool
        Whether there is a co-borrower; whether there is no bureau file.
    score, utilisation : ndarray of float64
        Bureau score, 350 to 850; fraction of the credit limit in use.
    enquiries, delinquencies, accounts : ndarray of int64
        Enquiries in 6 months, delinquencies in 24 months, open accounts.
    worst : ndarray of int64
        Largest number of days past due.
    """

    price: FloatArray
    down: FloatArray
    loan: FloatArray
    rate: FloatArray
    income: FloatArray
    debt: FloatArray
    pti: FloatArray
    ltv: FloatArray
    age: FloatArray
    term: IntArray
    employment: IntArray
    residence: IntArray
    history: IntArray
    housing: IntArray
    marital: IntArray
    education: IntArray
    dependents: IntArray
    co_borrower: BoolArray
    thin: BoolArray
    score: FloatArray
    utilisation: FloatArray
    enquiries: IntArray
    delinquencies: IntArray
    worst: IntArray
    accounts: IntArray


def instalment(loan: FloatArray, rate: FloatArray, term: IntArray) -> FloatArray:
    """Return the equal monthly instalments of loans, float64 in yuan.

    Parameters
    ----------
    loan : ndarray of float64
        Yuan.
    rate : ndarray of float64
        Fraction per year; 0 is allowed.
    term : ndarray of int64
        Months.

    Returns
    -------
    ndarray of float64
        Yuan per month, in the shape of `loan`.

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.applications import instalment
    >>> instalment(np.array([100_000.0]), np.array([0.06]), np.array([36])).round(2).tolist()
    [3042.19]
    """
    monthly = np.maximum(rate / 12, 1e-12)
    return np.asarray(loan * monthly / -np.expm1(-term * np.log1p(monthly)), dtype=np.float64)


def build_applications(rng: Random, applicants: Applicants) -> Applications:
    """Draw one application per applicant.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("lending")`.
    applicants : Applicants
        As returned by `training.simulator.applicants.build_applicants`.

    Returns
    -------
    Applications
        In the order of `applicants`: `price`, `down`, `loan`, `income`, `debt` (yuan), `rate` (per year), `pti`, `ltv`,
        `age` (years), `term`, `employment`, `residence`, `history` (months), `score` and the other fields of the
        application.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.world import build_world
    >>> size = Size(stores=1, customers=100, months=3)
    >>> applicants = build_applicants(size.stream("applicants"), build_world(size))
    >>> applications = build_applications(size.stream("lending"), applicants)
    >>> bool((applications.loan + applications.down == applications.price).all())
    True
    """
    n, shift, demographics = len(applicants), applicants.shift, applicants.demographics
    age = np.clip((applicants.submitted_at - demographics.birth) / YEAR, 18, 75)
    discipline = rng.normal(0, 1, n)
    thin = rng.random(n) < 0.08 + 0.10 * shift + 0.10 * (age < 27)
    score = SCORE_MEAN + SCORE_SPREAD * (0.78 * discipline + 0.62 * rng.normal(0, 1, n)) - 20 * shift
    delinquencies = rng.poisson(np.exp(-1.6 - 0.75 * discipline))
    employment = np.minimum(rng.gamma(1.3, 3.2 + 0.16 * (age - 20), n) * 12, (age - 18) * 12)
    ltv = np.clip(0.6 + 0.11 * rng.normal(0, 1, n) - 0.05 * applicants.used + 0.06 * shift, 0.15, 0.9)
    loan = np.round(ltv * applicants.price, -3)
    loan = np.clip(loan, 5_000, applicants.price * 0.95 // 100 * 100)
    term = TERMS[(rng.random(n)[:, None] > _term_edges(shift)).sum(axis=1)]
    rate = _rates(rng, applicants, score=score, thin=thin)
    debt = demographics.income * rng.beta(1.1, 8.0, n) + np.where(rng.random(n) < 0.3, 0.12, 0.0) * demographics.income
    married = rng.random(n) < sigmoid((age - 29) / 4)
    dependents = np.minimum(rng.poisson(np.where(married, 1.0, 0.1)), np.maximum(demographics.household - 1, 0))
    return Applications(
        price=applicants.price,
        down=applicants.price - loan,
        loan=loan,
        rate=rate,
        income=demographics.income,
        debt=debt,
        pti=(instalment(loan, rate, term) + debt) / demographics.income,
        ltv=loan / applicants.price,
        age=age,
        term=term,
        employment=employment.astype(np.int64),
        residence=np.minimum(rng.gamma(1.2, 60, n), age * 12).astype(np.int64),
        history=np.minimum(rng.gamma(2.0, 30.0, n), np.maximum(age - 18, 0.5) * 12).astype(np.int64),
        housing=_housing(rng, age, demographics.income),
        marital=np.where(married, np.where(rng.random(n) < 0.07, 2, 1), np.where(age > 60, 3, 0)),
        education=_education(rng, demographics.occupation),
        dependents=dependents,
        co_borrower=rng.random(n) < np.where(married, 0.28, 0.08),
        thin=thin,
        score=np.clip(np.round(score), 350, 850),
        utilisation=np.round(1.1 * sigmoid(-0.5 - 0.65 * discipline + rng.normal(0, 0.9, n)), 3),
        enquiries=rng.poisson(np.exp(0.35 - 0.35 * discipline + 0.3 * shift)),
        delinquencies=delinquencies,
        worst=np.where(delinquencies > 0, 30 * (1 + rng.binomial(3, sigmoid(-1.6 - 0.5 * discipline))), 0),
        accounts=rng.poisson(2.5 + 0.03 * age),
    )


def _term_edges(shift: FloatArray) -> FloatArray:
    early, late = np.array([0.09, 0.28, 0.72, 0.83]), np.array([0.06, 0.20, 0.58, 0.72])
    return np.asarray(early + shift[:, None] * (late - early), dtype=np.float64)


def _rates(rng: Random, applicants: Applicants, *, score: FloatArray, thin: BoolArray) -> FloatArray:
    """Return past contract rates: by bureau score, plus a surcharge for used cars; some electric cars have 0 %."""
    step = np.where(thin, 2, np.digitize(-score, [-700, -650, -600]))
    rate = 0.0399 + 0.012 * step + 0.018 * applicants.used + 0.002 * rng.integers(-2, 3, len(applicants))
    free = (
        (applicants.energy == ENERGY_TYPES.index("battery_electric"))
        & ~applicants.used
        & (rng.random(len(applicants)) < 0.12)
    )
    return np.where(free, 0.0, np.round(rate, 4))


def _housing(rng: Random, age: FloatArray, income: FloatArray) -> IntArray:
    settled = sigmoid((age - 33) / 7 + 0.5 * np.log(income / 9_000))
    kind = rng.random(len(age))
    owned = np.where(kind < 0.4, 0, 1)
    other = np.where(kind < 0.62, 2, np.where(kind < 0.9, 3, 4))
    return np.where(rng.random(len(age)) < settled, owned, other)


def _education(rng: Random, occupation: IntArray) -> IntArray:
    lean = np.log(OCCUPATION_INCOMES[occupation]) * 2 + rng.normal(0, 1, len(occupation))
    return np.asarray(np.digitize(lean, [-0.5, 0.4, 1.7]), dtype=np.int64)


def application_ids(numbers: IntArray) -> pl.Series:
    """Return the identifiers of application numbers as a String column.

    Parameters
    ----------
    numbers : ndarray of int64
        Positions of the applications in order of `submitted_at`, from 0.

    Returns
    -------
    polars.Series of String

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.applications import application_ids
    >>> application_ids(np.array([0, 41])).to_list()
    ['A00000001', 'A00000042']
    """
    return numbered("A", numbers + 1, width=8)


def applications_frame(
    rng: Random,
    world: World,
    applicants: Applicants,
    applications: Applications,
    *,
    decision: IntArray,
    decided_at: IntArray,
) -> pl.DataFrame:
    """Return the table `applications` (columns: `features.tables.APPLICATIONS`), some values missing at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("lending")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    applicants : Applicants
        As returned by `training.simulator.applicants.build_applicants`.
    applications : Applications
        As returned by `training.simulator.applications.build_applications`, in the same order.
    decision : ndarray of int64
        0 approve, 1 refer, 2 decline: `Loans.decision` of `training.simulator.lending.build_loans`.
    decided_at : ndarray of int64
        Microseconds since 1970 UTC, `Loans.decided_at`; decisions after the end of the data are null in the table.

    Returns
    -------
    polars.DataFrame
        One row per applicant, in order of `submitted_at`; amounts in fen, instants as int64 microseconds since 1970
        UTC, rates and ratios as fractions.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.lending import build_loans
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rng, applicants = world.size.stream("lending"), build_applicants(world.size.stream("applicants"), world)
    >>> applications = build_applications(rng, applicants)
    >>> loans = build_loans(rng, applicants, applications, window=world.window)
    >>> decided = {"decision": loans.decision, "decided_at": loans.decided_at}
    >>> applications_frame(rng, world, applicants, applications, **decided)["application_id"][0]
    'A00000001'
    """
    n, end, stores, customers = len(applicants), world.window.end, world.stores, world.people.customers
    is_filled = {name: rng.random(n) >= share for name, share in _MISSING_SHARES.items()}
    has_file, is_decided = ~applications.thin, decided_at < end
    band = np.digitize(applications.age, [25, 35, 45, 55, 65])
    vehicle = unit_ids(applicants.unit).to_frame("unit").with_columns(item=item_ids(applicants.item))
    return pl.DataFrame(
        {
            "application_id": application_ids(np.arange(n)),
            "submitted_at": pl.Series(applicants.submitted_at),
            "customer_id": customer_ids(
                np.where(applicants.person >= 0, applicants.person, customers), customers=customers
            ),
            "store_id": stores.ids(applicants.store),
            "vehicle_id": vehicle.select(pl.coalesce("unit", "item").alias("id"))["id"],
            "channel": labels(CHANNELS, applicants.channel),
            "region": stores.regions(applicants.store),
            "condition": labels(CONDITIONS, applicants.used.astype(np.int64)),
            "energy_type": labels(ENERGY_TYPES, applicants.energy),
            "use": labels(USES, applicants.commercial.astype(np.int64)),
            "vehicle_price": pl.Series(fen(applications.price)),
            "down_payment": pl.Series(fen(applications.down)),
            "loan_amount": pl.Series(fen(applications.loan)),
            "term_months": pl.Series(applications.term),
            "annual_rate": pl.Series(applications.rate),
            "monthly_income": masked(fen(np.round(applications.income, -1)), is_filled["income"]),
            "monthly_debt_payment": masked(fen(np.round(applications.debt, -1)), is_filled["debt"]),
            "housing": labels(HOUSING, applications.housing),
            "marital_status": labels(MARITAL, applications.marital),
            "education": labels(EDUCATION, np.where(is_filled["education"], applications.education, -1)),
            "occupation": labels(OCCUPATIONS, applicants.demographics.occupation),
            "employment_months": masked(applications.employment, is_filled["employment"]),
            "residence_months": masked(applications.residence, is_filled["residence"]),
            "dependents": pl.Series(applications.dependents),
            "co_borrower": pl.Series(applications.co_borrower),
            "bureau_score": masked(applications.score, has_file),
            "bureau_history_months": masked(applications.history, has_file),
            "bureau_open_accounts": masked(applications.accounts, has_file),
            "bureau_enquiries_6m": masked(applications.enquiries, has_file),
            "bureau_delinquencies_24m": masked(applications.delinquencies, has_file),
            "bureau_worst_days_past_due": masked(applications.worst, has_file),
            "bureau_utilisation": masked(applications.utilisation, has_file),
            "gender": labels(
                ("male", "female"), np.where(is_filled["gender"], applicants.demographics.woman.astype(np.int64), -1)
            ),
            "age_band": labels(AGE_BANDS, band.astype(np.int64)),
            "decision": labels(("approve", "refer", "decline"), np.where(is_decided, decision, -1)),
            "decided_at": instants(decided_at, before=end),
        }
    )

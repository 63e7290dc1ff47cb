"""Values of the catalogue that contradict each other, so that no loan could be made as they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from ml.domain.arrays import FloatArray
from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.pricing import RiskAndFunding, price
from ml.domain.loans.product import LoanProduct
from ml.domain.loans.product import Subsidy as LoanSubsidy
from ml.loans.catalogue.limits import StateSubsidy
from ml.loans.catalogue.products import Eligibility, Lender, Product, Rates

NO_RISK = RiskAndFunding(0.0, 0.0, 0.0)
IRREGULAR = 0.005  # an irregular first period changes the annualised cost by less


def product_problems(product: Product) -> Iterator[str]:
    """Yield the contradictions within a product: key, rule, value and remedy, one text for each.

    Parameters
    ----------
    product : Product
        A product of the catalogue.
    """
    yield from _fee_problems(product)
    discount = product.forgone_discount
    if discount is not None and discount.amount >= product.maximum_amount:
        yield (
            f"forgone_discount.amount must be below the maximum_amount of {_yuan(product.maximum_amount)}, got "
            f"{_yuan(discount.amount)}: no loan is worth the discount; correct one of them"
        )
    lease = product.lease
    if lease is not None and lease.purchase_option >= product.minimum_amount:
        yield (
            f"lease.purchase_option must be below the minimum_amount of {_yuan(product.minimum_amount)}, got "
            f"{_yuan(lease.purchase_option)}: a part of the price that is due at the end is a residual, in "
            "balloon_shares"
        )
    rates = [rate for grid in product.rates for by_term in grid.by_band.values() for rate in by_term.values()]
    if product.subsidies and not any(rates):
        yield (
            "subsidies: every contract rate is 0, so there is no interest to subsidise: enter the contract rates "
            "before the subsidy, or remove the subsidies"
        )
    for key, values in (
        ("balloon_shares", product.balloon_shares),
        ("eligibility.vehicle_classes", product.eligibility.vehicle_classes),
        ("eligibility.brands", product.eligibility.brands or ()),
    ):
        if repeated := [value for i, value in enumerate(values) if value in values[:i]]:
            yield f"{key} has {repeated[0]} twice: remove one"


def age_problems(eligibility: Eligibility, *, policy_ages: tuple[int, int], shortest_term: int) -> Iterator[str]:
    """Yield the contradiction of ages under which no applicant is old and young enough for the shortest term.

    Parameters
    ----------
    eligibility : Eligibility
        Conditions of a product.
    policy_ages : tuple of int
        Minimum age and maximum age at maturity of the house policy, years.
    shortest_term : int
        Months.

    Examples
    --------
    >>> eligibility = Eligibility(vehicle_classes=("used",), minimum_age=60)
    >>> list(age_problems(eligibility, policy_ages=(18, 65), shortest_term=60))
    []
    >>> next(age_problems(eligibility, policy_ages=(18, 64), shortest_term=60))
    'eligibility: an applicant must be 60 or older and at most 64 at maturity, which the shortest term of 60 months ...'
    """
    youngest = max(eligibility.minimum_age, policy_ages[0])
    oldest = min(eligibility.maximum_age_at_maturity, policy_ages[1])
    if youngest + shortest_term / 12 > oldest:
        yield (
            f"eligibility: an applicant must be {youngest} or older and at most {oldest} at maturity, which the "
            f"shortest term of {shortest_term} months rules out: correct minimum_age or maximum_age_at_maturity, here "
            "or in policy"
        )


def lowest_costs(
    product: Product, lender: Lender, grid: Rates, programmes: Sequence[StateSubsidy]
) -> dict[tuple[str, int], float]:
    """Return, by band and term, a lower bound of the annualised cost of every loan of a rate grid.

    Fixed fees weigh least on the largest loan, and a subsidy reduces the cost most without its limits; so the cost of
    the largest loan under unlimited subsidies is below that of every loan, up to `IRREGULAR` for its first period.

    Parameters
    ----------
    product : Product
        A product of the catalogue.
    lender : Lender
        Its lender.
    grid : Rates
        One of its rate grids.
    programmes : sequence of StateSubsidy
        Programmes of the state that run while the grid is in force.

    Returns
    -------
    dict of (str, int) to float
        Band and term in months to a yearly fraction.
    """
    unlimited = _unlimited(product.loan_product(lender), lender, product, programmes)
    shares = product.balloon_shares or (0.0,)
    rows = [(band, term, rate) for band, by_term in grid.by_band.items() for term, rate in by_term.items()]
    amount = product.maximum_amount
    batch = LoanBatch.build(
        (unlimited,),
        np.zeros(len(rows) * len(shares), dtype=np.int64),
        amount=amount,
        annual_rate=np.repeat([rate for *_, rate in rows], len(shares)),
        term_months=np.repeat([term for _, term, _ in rows], len(shares)),
        balloon=np.tile([round(amount * share) for share in shares], len(rows)),
    )
    costs: FloatArray = price(batch, max(grid.valid_from, date(2000, 1, 1)), risk=NO_RISK).nominal_rate
    lowest = np.nan_to_num(costs, nan=np.inf).reshape(len(rows), len(shares)).min(axis=1)
    return {(band, term): float(value) for (band, term, _), value in zip(rows, lowest, strict=True)}


def _unlimited(
    loan_product: LoanProduct, lender: Lender, product: Product, programmes: Sequence[StateSubsidy]
) -> LoanProduct:
    own = [replace(subsidy, principal=None, total=None) for subsidy in loan_product.subsidies]
    if programmes and lender.state_subsidy and product.state_subsidy:
        rate, share = max(p.rate for p in programmes), max(p.share_of_rate for p in programmes)
        own.append(LoanSubsidy(payer="state", rate=rate, share_of_rate=share, lowers_instalment=False))
    return replace(loan_product, subsidies=tuple(own))


def _fee_problems(product: Product) -> Iterator[str]:
    fees = [fee for fee in product.fees.values() if fee.charged == "up_front"]
    fixed, share = sum(fee.amount for fee in fees), sum(fee.share for fee in fees)
    if share >= 1:
        yield f"fees: the up-front shares add up to {share:g} of the loan, which must be below 1: lower them"
    elif fixed + product.minimum_amount * share >= product.minimum_amount:
        yield (
            f"fees: up-front fees of {_yuan(fixed)} and {share:.2%} of the loan leave nothing of the minimum_amount of "
            f"{_yuan(product.minimum_amount)}: lower the fees, or raise minimum_amount above "
            f"{_yuan(fixed / (1 - share))}"
        )


def _yuan(fen: float) -> str:
    return f"{fen / 100:.2f} yuan"

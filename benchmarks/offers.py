"""CPU time of loan offers on one core: `python -m benchmarks.offers`.

Two tables. Loans of eight products: pricing, compared with a plain Python loop that computes every row in integers and
every rate with pyxirr. A catalogue of 20 lenders with 30 products each: pricing and ranking of all candidate loans of
one application, and the whole of `make_offers` without a credit model. Interest, fees and subsidies of all loans must
agree with the loop to the fen and rates to 1e-9; otherwise the benchmark fails. It reports the fastest of several
rounds, because other processes slow down the others.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyxirr

from benchmarks import loan_catalogue
from ml.domain.loans.amortisation import amortise
from ml.domain.loans.calendar import PaymentCalendar, periods
from ml.domain.loans.candidates import Candidates
from ml.domain.loans.loan import Loan, LoanBatch
from ml.domain.loans.pricing import Prices, RiskAndFunding, price
from ml.domain.loans.product import Fee, LoanProduct, Subsidy
from ml.domain.loans.selection import comparison_measures, select_rows

LIMIT_SECONDS = 0.010
OFFERS_LIMIT_SECONDS = 0.050
START = loan_catalogue.START
RISK = RiskAndFunding(0.02, 0.4, 0.02)
PRODUCTS = (
    LoanProduct(),
    LoanProduct(form="equal_principal", rounding="half_even"),
    LoanProduct(form="balloon", fees=(Fee(name="service", charged="up_front", share=0.015),)),
    LoanProduct(form="flat_rate", calendar=PaymentCalendar("actual/365", payment_day=20)),
    LoanProduct(form="interest_only", calendar=PaymentCalendar("actual/360", payment_day="end_of_month")),
    LoanProduct(subsidies=(Subsidy(payer="maker", rate=1.0),), deferred_months=3),
    LoanProduct(
        subsidies=(
            Subsidy(payer="dealer", rate=0.02, total=200_000),
            Subsidy(payer="state", rate=0.01, share_of_rate=0.5, lowers_instalment=False, per_year=50_000),
        )
    ),
    LoanProduct(
        fees=(Fee(name="guarantee", charged="per_instalment", yearly_share_of_balance=0.02, collected_by="guarantor"),),
        deferred_months=2,
        deferral="with_first_instalment",
        calendar=PaymentCalendar("actual/actual"),
    ),
)


@dataclass(frozen=True)
class PlainTotals:
    """Totals of one loan from the plain loop in fen, and its monthly internal rate."""

    interest: int
    fees: int
    subsidies: int
    rate: float


def candidates(count: int, *, seed: int = 0) -> LoanBatch:
    """Return a random batch of candidate loans over all products, amounts, rates and terms."""
    rng = np.random.default_rng(seed)
    product = np.sort(rng.integers(0, len(PRODUCTS), count))
    amount = rng.integers(30_000, 300_000, count) * 100
    return LoanBatch.build(
        PRODUCTS,
        product,
        amount=amount,
        annual_rate=rng.choice([0.0299, 0.0399, 0.05, 0.0625], count),
        term_months=rng.choice([12, 24, 36, 48, 60], count),
        balloon=np.where(product == 2, amount * 3 // 10, 0),
    )


def loans(batch: LoanBatch) -> list[Loan]:
    """Return the loans of a batch as a list."""
    columns = zip(batch.product, batch.amount, batch.rate, batch.term, batch.balloon, strict=True)
    return [Loan(batch.products[p], int(a), int(r) / 1e6, int(t), int(b)) for p, a, r, t, b in columns]


def _round(numerator: int, denominator: int, rule: str) -> int:
    quotient, remainder = divmod(numerator, denominator)
    up = 2 * remainder > denominator or (2 * remainder == denominator and (rule == "half_up" or quotient % 2 == 1))
    return quotient + up


def _parts(rate: float) -> int:
    return round(rate * 1_000_000)


def plain_totals(loan: Loan, start: date) -> PlainTotals:
    """Return the totals of one loan, computed row by row in integers."""
    product, rule = loan.product, loan.product.rounding
    dates = periods(product.calendar, start, loan.term_months)
    numerators, years = dates.numerator.tolist(), dates.year.tolist()
    year_of_interest = product.calendar.denominator * 1_000_000
    rates = [_parts(loan.annual_rate)]
    for subsidy in product.subsidies:
        maximum = _round(rates[-1] * _parts(subsidy.share_of_rate), 1_000_000, rule)
        rates.append(rates[-1] - min(_parts(subsidy.rate), maximum))
    instalment_rate = rates[sum(s.lowers_instalment for s in product.subsidies)]
    instalment, step = _plain_instalment(loan, [instalment_rate * n / year_of_interest for n in numerators])
    paid_by, this_year = [0] * len(product.subsidies), [0] * len(product.subsidies)
    balance, deferred, interest, fees, flows = loan.amount, 0, 0, 0, []
    for k, numerator in enumerate(numerators):
        paying = k >= product.deferred_months
        accruing = numerator if paying or product.deferral != "interest_free" else 0
        base = loan.amount if product.form == "flat_rate" else balance
        left = _round(base * rates[0] * accruing, year_of_interest, rule)
        if k and years[k] != years[k - 1]:
            this_year = [0] * len(product.subsidies)
        for j, subsidy in enumerate(product.subsidies):
            principal = base if subsidy.principal is None else min(base, subsidy.principal)
            before, after = (_round(principal * r * accruing, year_of_interest, rule) for r in rates[j : j + 2])
            amount = min(before - after, left) if subsidy.months is None or k < subsidy.months else 0
            if subsidy.per_year is not None:
                amount = min(amount, subsidy.per_year - this_year[j])
            if subsidy.total is not None:
                amount = min(amount, subsidy.total - paid_by[j])
            left, paid_by[j], this_year[j] = left - amount, paid_by[j] + amount, this_year[j] + amount
        if not paying and product.deferral == "with_first_instalment":
            deferred, left = deferred + left, 0
        principal = fee = 0
        if k == loan.term_months - 1:
            principal = balance
        elif paying:
            plan_interest = _round(balance * instalment_rate * numerator, year_of_interest, rule)
            principal = min(max(step if instalment is None else instalment - plan_interest, 0), balance - loan.balloon)
        if paying:
            left, deferred = left + deferred, 0
        if paying or product.deferral == "interest_only":
            fee = sum(_plain_fee(f, loan, balance, numerator) for f in product.fees)
        balance, interest, fees = balance - principal, interest + left, fees + fee
        flows.append(-float(principal + left + fee))
    charges = [f for f in product.fees if f.charged == "up_front"]
    up_front = sum(f.amount + _round(loan.amount * _parts(f.share), 1_000_000, rule) for f in charges)
    signed = [float(loan.amount - up_front), *flows]
    is_monthly = dates.months[0] == 1
    internal_rate = pyxirr.irr(signed) if is_monthly else pyxirr.xirr([start, *dates.due], signed)
    assert internal_rate is not None
    rate = internal_rate if is_monthly else (1 + internal_rate) ** (1 / 12) - 1
    return PlainTotals(interest, fees + up_front, sum(paid_by), rate)


def _plain_instalment(loan: Loan, rates: list[float]) -> tuple[int | None, int]:
    product = loan.product
    if product.form not in ("equal_instalment", "balloon"):
        paying = loan.term_months - product.deferred_months
        return None, 0 if product.form == "interest_only" else _round(loan.amount, paying, product.rounding)
    discount, annuity = 1.0, 0.0
    for rate in rates[product.deferred_months :]:
        discount /= 1 + rate
        annuity += discount
    exact = (loan.amount - loan.balloon * discount) / annuity
    return round(exact) if product.rounding == "half_even" else math.floor(exact + 0.5), 0


def _plain_fee(fee: Fee, loan: Loan, balance: int, numerator: int) -> int:
    if fee.charged == "up_front":
        return 0
    rule, year = loan.product.rounding, loan.product.calendar.denominator * 1_000_000
    yearly = _round(balance * _parts(fee.yearly_share_of_balance) * numerator, year, rule)
    return fee.amount + _round(loan.amount * _parts(fee.share), 1_000_000, rule) + yearly


def disagreement(batch: LoanBatch, prices: Prices, totals: list[PlainTotals]) -> str | None:
    """Return a description of the first loan on which pricing and plain loop differ, or None."""
    subsidies = np.zeros_like(batch.amount)
    for subsidy, paid in zip(batch.conditions.subsidies, amortise(batch, START).subsidies, strict=True):
        subsidies[subsidy.loans] += paid.sum(axis=0)
    for i, plain in enumerate(totals):
        vectorised = int(prices.total_interest[i]), int(prices.total_fees[i]), int(subsidies[i])
        expected = plain.interest, plain.fees, plain.subsidies
        if vectorised != expected or abs(prices.nominal_rate[i] / 12 - plain.rate) > 1e-9:
            rates = f"monthly rates {prices.nominal_rate[i] / 12} and {plain.rate}"
            return f"loan {i} ({loans(batch)[i]}): interest, fees, subsidies {vectorised} and {expected}; {rates}"
    return None


def price_and_rank(compared: Candidates) -> None:
    """Price the candidates of one application and select the offers."""
    assert compared.batch is not None
    offered, index = compared.offered, compared.offered_index[compared.priced]
    discount = np.array([o.forgone_discount for o in offered])[index]
    probability = compared.assessment.probability_of_default[compared.priced]
    risk = replace(RISK, probability_of_default=probability)
    prices = price(compared.batch, START, risk=risk, forgone_discount=discount)
    select_rows(
        comparison_measures(replace(compared, prices=prices)),
        count=4,
        balloon=np.array([o.product.principal_at_maturity for o in offered])[index],
        requested=np.zeros(len(index), dtype=bool),
    )


def cpu_seconds(run: Callable[[], object], rounds: int) -> float:
    """Return the CPU time of a call, the shortest of several rounds."""
    seconds = []
    for _ in range(rounds):
        began = time.process_time()
        run()
        seconds.append(time.process_time() - began)
    return min(seconds)


def _plain_seconds(batch: LoanBatch) -> float:
    """Return the time of the plain loop; exit if pricing and plain loop differ."""
    single = loans(batch)
    began = time.process_time()
    totals = [plain_totals(loan, START) for loan in single]
    plain = time.process_time() - began
    if difference := disagreement(batch, price(batch, START, risk=RISK), totals):
        sys.exit(f"error: vectorised pricing and plain loop differ: {difference}")
    return plain


def main() -> None:
    """Compare pricing with the plain loop, and print the times, their limits and whether these are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offers", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--candidates", type=int, default=1_000, help="number of loans compared with the plain loop")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of each measure; the fastest is reported")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    batch, offered = candidates(options.candidates), loan_catalogue.catalogue()
    compared = loan_catalogue.candidates(offered)
    assert compared.batch is not None
    plain = _plain_seconds(batch)
    _plain_seconds(compared.batch)
    vectorised = cpu_seconds(lambda: price(batch, START, risk=RISK), options.rounds)
    ranking = cpu_seconds(lambda: price_and_rank(compared), options.rounds)
    offers = cpu_seconds(lambda: loan_catalogue.offers(offered), options.rounds)
    figures = {"candidates": len(batch), "vectorised_ms": vectorised * 1e3, "plain_ms": plain * 1e3}
    of_catalogue = {"products": len(offered), "loans": len(compared.batch), "price_and_rank_ms": ranking * 1e3}
    if options.json:
        limits = {"limit_ms": LIMIT_SECONDS * 1e3, "offers_limit_ms": OFFERS_LIMIT_SECONDS * 1e3}
        print(json.dumps({**figures, "ratio": plain / vectorised, **of_catalogue, "offers_ms": offers * 1e3, **limits}))
        return
    print(
        f"CPU time on one core; all loans equal to the plain loop to the fen; load average {os.getloadavg()[0]:.1f}\n"
    )
    print(f"{len(batch):,} loans of {len(PRODUCTS)} products")
    print(f"  vectorised          {vectorised * 1e3:>10.2f} ms   {_verdict(vectorised, LIMIT_SECONDS)}")
    print(f"  plain loop          {plain * 1e3:>10.2f} ms   {plain / vectorised:.0f} times as long\n")
    print(f"{len(compared.batch):,} loans of {len(offered)} products for one application")
    print(f"  pricing and ranking {ranking * 1e3:>10.2f} ms   {_verdict(ranking, OFFERS_LIMIT_SECONDS)}")
    print(f"  make_offers         {offers * 1e3:>10.2f} ms   {_verdict(offers, OFFERS_LIMIT_SECONDS)}")


def _verdict(seconds: float, limit: float) -> str:
    return f"limit {limit * 1e3:g} ms {'met' if seconds <= limit else 'NOT MET'}"


if __name__ == "__main__":
    main()

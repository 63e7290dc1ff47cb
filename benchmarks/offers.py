"""Time to price 1,000 candidate loans at once, compared with a plain Python loop: `python -m benchmarks.offers`.

The loop computes every schedule row by row in Python integers and every rate with pyxirr. Interest, fees and subsidies
of all candidates must agree to the fen and rates to 1e-9; otherwise the benchmark fails. It reports the fastest of
several rounds, because other processes slow down the others.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyxirr

from ml.domain.loans.amortisation import amortise
from ml.domain.loans.calendar import PaymentCalendar, periods
from ml.domain.loans.loan import Loan, LoanBatch
from ml.domain.loans.pricing import Prices, RiskAndFunding, price
from ml.domain.loans.product import Fee, LoanProduct, Subsidy

LIMIT_SECONDS = 0.010
START = date(2026, 1, 15)
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
        due = [_round(base * rate * accruing, year_of_interest, rule) for rate in rates]
        left = due[0]
        if k and years[k] != years[k - 1]:
            this_year = [0] * len(product.subsidies)
        for j, subsidy in enumerate(product.subsidies):
            amount = min(due[j] - due[j + 1], left)
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
            fee = sum(_plain_fee(f, loan, balance, numerator) for f in product.fees)
        balance, interest, fees = balance - principal, interest + left, fees + fee
        flows.append(-float(principal + left + fee))
    shares = [f.share for f in product.fees if f.charged == "up_front"]
    up_front = sum(_round(loan.amount * _parts(share), 1_000_000, rule) for share in shares)
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


def _best(run: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def main() -> None:
    """Price the candidates with both methods, compare the results, and print the times, their ratio and the limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offers", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--candidates", type=int, default=1_000, help="number of loans")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of vectorised pricing; the fastest is reported")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    batch = candidates(options.candidates)
    single = loans(batch)
    began = time.perf_counter()
    totals = [plain_totals(loan, START) for loan in single]
    plain = time.perf_counter() - began
    if difference := disagreement(batch, price(batch, START, risk=RISK), totals):
        sys.exit(f"error: vectorised pricing and plain loop differ: {difference}")
    vectorised = _best(lambda: price(batch, START, risk=RISK), options.rounds)
    figures = {"candidates": len(batch), "vectorised_ms": vectorised * 1e3, "plain_ms": plain * 1e3}
    if options.json:
        print(json.dumps({**figures, "ratio": plain / vectorised, "limit_ms": LIMIT_SECONDS * 1e3}))
        return
    print(
        f"{len(batch):,} loans of {len(PRODUCTS)} products, equal to the fen; load average {os.getloadavg()[0]:.1f}\n"
    )
    print(f"vectorised {vectorised * 1e3:>10.2f} ms\nplain loop {plain * 1e3:>10.2f} ms")
    print(f"\nplain / vectorised{plain / vectorised:>10.0f}")
    verdict = "met" if vectorised <= LIMIT_SECONDS else "NOT MET"
    print(f"limit: vectorised at most {LIMIT_SECONDS * 1e3:g} ms   {verdict}")


if __name__ == "__main__":
    main()

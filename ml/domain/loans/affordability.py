"""Loans that a wished monthly payment affords: solved for the down payment, the term or the price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import IndexArray, IntArray
from ml.domain.loans.application import Application, OfferedProduct, Policy
from ml.domain.loans.assessment import Assess, Assessment, ProposedLoans
from ml.domain.loans.candidates import Candidates, price_candidates
from ml.domain.loans.loan import MAX_TERM_MONTHS
from ml.domain.loans.loan_grid import LIMIT_CHECKS, Combination, LoanGrid, Unknown, combinations, loan_grid
from ml.domain.loans.offers import Offer, offer_of
from ml.domain.loans.rounding import LoanError

# Checks of a loan in their order. A payment is checked twice: the principal of a month alone, and the priced payment.
PRICED_CHECKS = ("wished_payment", "payment_to_income", "annualised_cost", "expected_profit")
CHECKS = (*LIMIT_CHECKS, "risk_band", "credit_decision", *PRICED_CHECKS)

_FIRST_PRICED = 16  # loans of a combination that are priced first; each following batch has four times as many
_MAX_NEAREST = 5_000  # loans above the wish that are searched for the nearest payment


@dataclass(frozen=True)
class AffordableLoan:
    """A feasible loan and the price of its vehicle. An element of `AffordableLoans.loans`.

    Attributes
    ----------
    vehicle_price : int
        Fen; differs from the application's if the price was solved for.
    offer : Offer
        The loan, with its down payment, term and monthly payment.
    """

    vehicle_price: int
    offer: Offer


@dataclass(frozen=True)
class AffordableLoans:
    """Loans within a wished monthly payment, and the rules that exclude the others. Returned by `affordable_loans`.

    Attributes
    ----------
    loans : tuple of AffordableLoan
        At most one for each product and balloon.
    nearest : AffordableLoan or None
        The feasible loan with the lowest monthly payment, if none is within the wish; None if no loan is feasible.
    violations : dict of str to int
        Rule to the number of products with a balloon, or without one, that it leaves without a solution.
    step : int or None
        Distance of the down payments or prices that were tried, fen; None for terms.
    """

    loans: tuple[AffordableLoan, ...]
    nearest: AffordableLoan | None
    violations: dict[str, int]
    step: int | None


def affordable_loans(
    application: Application,
    offered: Sequence[OfferedProduct],
    *,
    unknown: Unknown,
    wish: int,
    assess: Assess,
    policy: Policy,
    start: date,
    step: int = 10_000,
    count: int = 4,
) -> AffordableLoans:
    """Return, for each product, the best loan whose displayed monthly payment is at most a wish.

    The best loan has the lowest down payment, the shortest term or the highest price; of several, the one with the
    lowest cost (interest, fees and forgone discount), then with the shortest term. Every loan is assessed, priced and
    checked as itself, and no monotone risk is assumed: no better loan of the grid of `loan_grid` passes.

    A product without a solution is counted under the check that excluded the last of its loans. The checks come in the
    order of `CHECKS`: limits, principal of a month against the wish and the income, risk, price.

    Parameters
    ----------
    application : Application
        Down payment and term are the requested ones: solving for the down payment or the price keeps the term (every
        term if there is none), solving for the term or the price keeps the down payment. Solved down payments may
        exceed the application's.
    offered : sequence of OfferedProduct
        Products available to the applicant; at every price if the price is solved for.
    unknown : {"down_payment", "term_months", "price"}
        What is solved for.
    wish : int
        Highest monthly payment, fen.
    assess : callable
        ``(loans) -> assessment``: `ml.domain.loans.assessment.Assess`.
    policy : Policy
        Limits of the day; at every price if the price is solved for.
    start : date
        Day of disbursement.
    step : int
        Distance of two down payments or prices, fen; `loan_grid` widens it if there are too many.
    count : int
        Maximum number of loans, at least 1.

    Returns
    -------
    AffordableLoans
        First the best loan that leaves no principal to maturity, then the others, best first.

    Raises
    ------
    LoanError
        Wish, step or count is below 1.

    Examples
    --------
    >>> from datetime import date
    >>> from ml.domain.loans.application import Applicant, Application, OfferedProduct, Policy, Vehicle
    >>> from ml.domain.loans.assessment import fixed_assessment
    >>> from ml.domain.loans.product import LoanProduct
    >>> bank = OfferedProduct(name="standard", lender="bank", product=LoanProduct(), rates={"A": {24: 0.05, 36: 0.05}},
    ...     minimum_amount=1, maximum_amount=10**9, minimum_down_payment=0.2, funding_rate=0.02, loss_given_default=0.4)
    >>> policy = Policy(payment_to_income=0.5, maximum_term_months=60, minimum_age=18, maximum_age_at_maturity=65)
    >>> application = Application(Applicant(30, 2_000_000), Vehicle("V1", 10_000_000, "used"), 3_000_000, 36)
    >>> def solve(unknown, wish):
    ...     return affordable_loans(application, [bank], unknown=unknown, wish=wish, policy=policy,
    ...         start=date(2026, 1, 15), assess=lambda loans: fixed_assessment(0.01, risk_band="A", count=len(loans)))
    >>> [(x.offer.down_payment, x.offer.monthly_payment) for x in solve("down_payment", 200_000).loans]
    [(3330000, 199906)]
    >>> [(x.vehicle_price, x.offer.monthly_payment) for x in solve("price", 200_000).loans]
    [(9670000, 199906)]
    >>> answer = solve("term_months", 200_000)
    >>> answer.loans, answer.violations, answer.nearest.offer.loan.term_months, answer.nearest.offer.monthly_payment
    ((), {'wished_payment': 1}, 36, 209796)
    """
    for name, value in (("wish", wish), ("step", step), ("count", count)):
        if type(value) is not int or value < 1:
            raise LoanError(f"{name} must be a whole number of at least 1, got {value!r}")
    products = combinations(application, offered, unknown=unknown)
    grid = loan_grid(application, offered, unknown=unknown, wish=wish, policy=policy, step=step)
    if grid is None:
        return AffordableLoans((), None, {"term": len(products)} if products else {}, None)
    search = _Search(application, tuple(offered), products, wish, assess, policy, start)
    last_check, solutions = search.solve(grid, highest=unknown == "price")
    unsolved = [CHECKS[last_check[g]] if c.terms else "term" for g, c in enumerate(products) if g not in solutions]
    violations = {rule: unsolved.count(rule) for rule in dict.fromkeys(CHECKS) if rule in unsolved}
    if not solutions:
        return AffordableLoans((), search.nearest(grid), violations, grid.step)
    ranked = [solution.loan for solution in sorted(solutions.values(), key=lambda s: s.rank)]
    plain = [x for x in ranked if not (x.offer.loan.product.principal_at_maturity or x.offer.loan.balloon)][:1]
    best = [*plain, *(x for x in ranked if x not in plain)]
    return AffordableLoans(tuple(best[:count]), None, violations, grid.step)


@dataclass(frozen=True)
class _Solution:
    """A feasible loan, with the measures that order it: value, cost, term and product."""

    rank: tuple[int, ...]
    loan: AffordableLoan


@dataclass(frozen=True)
class _Search:
    application: Application
    offered: tuple[OfferedProduct, ...]
    combinations: tuple[Combination, ...]
    wish: int
    assess: Assess
    policy: Policy
    start: date

    def solve(self, grid: LoanGrid, *, highest: bool) -> tuple[IntArray, dict[int, _Solution]]:
        """Return the last check that a loan of each combination reached, and the solutions by combination."""
        last_check = np.zeros(len(self.combinations), dtype=np.int64)
        np.maximum.at(last_check, grid.combination, np.minimum(grid.check, len(LIMIT_CHECKS) - 1))
        loans, assessment, check = self._approvable(grid.at(grid.open))
        np.maximum.at(last_check, *check)
        order = np.lexsort((-loans.value if highest else loans.value, loans.combination))
        loans, assessment = loans.at(order), assessment.at(order)
        ends = np.searchsorted(loans.combination, np.arange(len(self.combinations)), side="right")
        begins = np.append(0, ends[:-1])
        solutions: dict[int, _Solution] = {}
        size = _FIRST_PRICED
        while pending := [g for g in range(len(begins)) if g not in solutions and begins[g] < ends[g]]:
            stop_if_abandoned()
            until = [_end_of_ties(loans.value, int(begins[g]) + size, int(ends[g])) for g in pending]
            rows = np.concatenate([np.arange(begins[g], end) for g, end in zip(pending, until, strict=True)])
            self._price(loans.at(rows), assessment.at(rows), solutions, last_check, sign=-1 if highest else 1)
            begins[pending] = until
            size *= 4
        return last_check, solutions

    def nearest(self, grid: LoanGrid) -> AffordableLoan | None:
        """Return the feasible loan with the lowest monthly payment, by branch and bound on the lower bounds."""
        rows = np.flatnonzero(grid.within_rules)
        rows = rows[np.argsort(grid.lowest_payment[rows], kind="stable")]
        rows = rows[:: -(-len(rows) // _MAX_NEAREST) or 1]
        best: _Solution | None = None
        begin, size = 0, 4 * _FIRST_PRICED
        while begin < len(rows):
            stop_if_abandoned()
            part = grid.at(rows[begin : begin + size])
            if best is not None and best.rank[0] < part.lowest_payment[0]:
                break
            loans, assessment, _ = self._approvable(part)
            if len(loans.value):
                compared, payment, cost = self._compared(loans, assessment)
                feasible = np.flatnonzero(compared.feasible)
                ranks = np.column_stack([payment, cost, compared.loans.term, loans.combination])
                if len(feasible):
                    row = int(feasible[np.lexsort(ranks[feasible].T[::-1])[0]])
                    rank = tuple(ranks[row].tolist())
                    if best is None or rank < best.rank:
                        best = _Solution(rank, _affordable(compared, row))
            begin, size = begin + size, 4 * size
        return None if best is None else best.loan

    def _approvable(self, loans: LoanGrid) -> tuple[LoanGrid, Assessment, tuple[IntArray, IntArray]]:
        """Return the loans that are not declined and have a rate, their assessment, and the check that each reached."""
        if not len(loans.value):
            none = np.zeros(0, dtype=np.int64)
            return loans, Assessment(np.zeros(0), np.zeros(0, dtype="<U1"), np.zeros(0, dtype="<U7")), (none, none)
        _, first, inverse = np.unique(loans.key, return_index=True, return_inverse=True)
        assessment = self.assess(loans.loans.at(first)).at(inverse)
        columns = zip(
            loans.rows.product.tolist(), assessment.risk_band.tolist(), loans.loans.term.tolist(), strict=True
        )
        rated = np.array([term in self.offered[i].rates.get(band, ()) for i, band, term in columns], dtype=bool)
        declined = assessment.decision == "decline"
        check = np.where(rated, np.where(declined, CHECKS.index("credit_decision"), -1), CHECKS.index("risk_band"))
        rows = np.flatnonzero(check < 0)
        return loans.at(rows), assessment.at(rows), (loans.combination, check)

    def _compared(self, loans: LoanGrid, assessment: Assessment) -> tuple[Candidates, IntArray, IntArray]:
        """Return priced loans, each with a rate, and their monthly payments and costs."""
        compared = price_candidates(
            self.application,
            self.offered,
            loans.rows,
            assess=_lookup(loans, assessment),
            policy=self.policy,
            start=self.start,
        )
        assert compared.prices is not None and len(compared.priced) == len(loans.value)
        discount = np.array([o.forgone_discount for o in self.offered])[compared.offered_index]
        return compared, compared.prices.monthly_payment, compared.prices.total_cost + discount

    def _price(
        self,
        loans: LoanGrid,
        assessment: Assessment,
        solutions: dict[int, _Solution],
        last_check: IntArray,
        *,
        sign: int,
    ) -> None:
        """Add the solutions among some loans, and the checks that the others reached."""
        compared, payment, cost = self._compared(loans, assessment)
        failed = {**compared.violations, "wished_payment": payment > self.wish}
        check = np.full(len(payment), len(CHECKS))
        for i in reversed(range(len(CHECKS) - len(PRICED_CHECKS), len(CHECKS))):
            check[failed[CHECKS[i]]] = i
        combination, value = loans.combination, loans.value
        passing = check == len(CHECKS)
        np.maximum.at(last_check, combination[~passing], check[~passing])
        rows = np.flatnonzero(passing)
        ranks = np.column_stack([sign * value, cost, compared.loans.term, combination])
        rows = rows[np.lexsort(ranks[rows].T[::-1])]
        for i in np.unique(combination[rows], return_index=True)[1]:
            row = int(rows[i])
            solutions[int(combination[row])] = _Solution(tuple(ranks[row].tolist()), _affordable(compared, row))


def _affordable(compared: Candidates, row: int) -> AffordableLoan:
    return AffordableLoan(int(compared.loans.price[int(compared.priced[row])]), offer_of(compared, row))


def _end_of_ties(value: IntArray, position: int, end: int) -> int:
    """Return the first position from `position` on, up to `end`, where another value begins."""
    while position < end and value[position] == value[position - 1]:
        position += 1
    return min(position, end)


def _lookup(loans: LoanGrid, assessment: Assessment) -> Assess:
    """Return an assessment that repeats the assessment of loans of the grid."""

    def key(proposed: ProposedLoans) -> IntArray:
        return np.asarray((proposed.price - proposed.down_payment) * (MAX_TERM_MONTHS + 1) + proposed.term)

    keys = key(loans.loans)
    order: IndexArray = np.argsort(keys)
    return lambda others: assessment.at(order[np.searchsorted(keys[order], key(others))])

"""Whether some product allows a proposed loan, for many loans on several vehicles at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ml.deadlines import stop_if_abandoned
from ml.domain.arrays import BoolArray, FloatArray, IndexArray, IntArray
from ml.domain.loans.application import Application, OfferedProduct, Policy, Vehicle
from ml.domain.loans.assessment import Assess, Assessment, ProposedLoans
from ml.domain.loans.candidates import CandidateRows, Candidates, price_candidates
from ml.domain.loans.limits import limit_violations
from ml.domain.loans.loan import MAX_TERM_MONTHS

Terms = tuple[Sequence[OfferedProduct], Policy]

_BATCH = 2_000  # loans whose limits are checked at once
_PRICED = 6_000  # candidates that are priced at once


@dataclass(frozen=True)
class Feasibility:
    """Tests proposed loans of one applicant against the products and the policy for each vehicle.

    Attributes
    ----------
    application : Application
        Applicant and extras.
    terms_for : callable
        ``(vehicle) -> (offered, policy)``: products available for a vehicle, and the limits for it.
    start : date
        Day of disbursement.
    """

    application: Application
    terms_for: Callable[[Vehicle], Terms]
    start: date

    def possible(self, loans: ProposedLoans) -> BoolArray:
        """Return whether the limits that need neither price nor risk leave a product for each loan, shape (n,).

        The limits of all products with a term are relaxed to the loosest of each, and a monthly payment is at least the
        principal divided by the term. A loan for which the result is False is infeasible; for True it may be feasible.
        """
        result = np.zeros(len(loans), dtype=bool)
        for i, term in sorted(set(zip(loans.vehicle.tolist(), loans.term.tolist(), strict=True))):
            offered, policy = self.terms_for(loans.vehicles[i])
            rows = np.flatnonzero((loans.vehicle == i) & (loans.term == term))
            is_too_long = term > policy.maximum_term_months  # for a loan
            products = [o for o in offered if term in o.terms and not (is_too_long and o.product.lease is None)]
            result[rows] = self._within_limits(loans.at(rows), loans.vehicles[i], term, products, policy)
        return result

    def _within_limits(
        self, loans: ProposedLoans, vehicle: Vehicle, term: int, products: Sequence[OfferedProduct], policy: Policy
    ) -> BoolArray:
        applicant, extras = self.application.applicant, self.application.financed_extras
        age = min(max((o.maximum_age_at_maturity for o in products), default=0.0), policy.maximum_age_at_maturity)
        if not products or applicant.age + term / 12 > age:
            return np.zeros(len(loans), dtype=bool)
        in_base = extras if policy.extras_in_loan_to_value else 0
        largest = max(o.maximum_loan_to_value for o in products) * (vehicle.price + in_base)
        lowest_down = min(o.minimum_down_payment for o in products) * vehicle.price
        balloon = max(max(o.balloon_shares, default=0.0) for o in products)
        income = policy.payment_to_income * applicant.joint_income - applicant.joint_debt_payment
        payment: FloatArray = loans.amount * (1 - balloon) / term
        return np.asarray(
            (loans.amount >= min(o.minimum_amount for o in products))
            & (loans.amount <= max(o.maximum_amount for o in products))
            & (loans.amount - extras + in_base <= largest + 1)
            & (loans.down_payment >= lowest_down - 1)
            & (payment <= income + 1)
        )

    def first_feasible(self, loans: ProposedLoans, assessment: Assessment) -> int | None:
        """Return the position of the first loan for which at least one product is feasible; None if there is none.

        Parameters
        ----------
        loans : ProposedLoans
            Loans on the vehicles of `terms_for`, in the order of preference.
        assessment : Assessment
            Of the loans, in their order.
        """
        for begin in range(0, len(loans), _BATCH):
            stop_if_abandoned()
            part, assessed = loans.at(slice(begin, begin + _BATCH)), assessment.at(slice(begin, begin + _BATCH))
            parts = [self._variants(part, rows) for rows in _rows_by_vehicle(part)]
            n_products = np.zeros(len(part), dtype=np.int64)
            for variants in parts:
                n_products[variants.loans] = variants.allowed.sum(axis=0)
            possible = np.flatnonzero(n_products)
            ends = np.flatnonzero(np.diff(np.cumsum(n_products[possible]) // _PRICED)) + 1
            for rows in np.split(possible, ends):
                stop_if_abandoned()
                feasible = [self._feasible(part, assessed, variants.among(rows)) for variants in parts]
                if len(first := np.concatenate(feasible)):
                    return begin + int(first.min())
        return None

    def _feasible(self, loans: ProposedLoans, assessment: Assessment, variants: _Variants) -> IndexArray:
        """Return the positions of the loans of `variants` for which at least one product is feasible."""
        rows = variants.loans
        if not variants.allowed.any():
            return rows[:0]
        part = loans.at(rows)
        compared = self._price(part, variants, _lookup(part, assessment.at(rows)))
        feasible = compared.loans.at(np.flatnonzero(compared.feasible))
        return rows[np.isin(_key(part), _key(feasible))]

    def compare(self, loans: ProposedLoans, *, assess: Assess) -> Candidates | None:
        """Return the candidates of every product whose limits allow a loan; None if no product does.

        Candidates that the limits without price and risk exclude are left out: most of them are infeasible, and pricing
        takes most of the time.

        Parameters
        ----------
        loans : ProposedLoans
            Loans on one vehicle of `terms_for`; at least one.
        assess : callable
            ``(loans) -> assessment``: `ml.domain.loans.assessment.Assess`.
        """
        variants = self._variants(loans, np.arange(len(loans)))
        return self._price(loans, variants, assess) if variants.allowed.any() else None

    def _price(self, loans: ProposedLoans, variants: _Variants, assess: Assess) -> Candidates:
        variant, loan = np.nonzero(variants.allowed)
        used, product = np.unique(variants.product[variant], return_inverse=True)
        vehicle = loans.vehicles[int(loans.vehicle[0])]
        offered, policy = self.terms_for(vehicle)
        columns = CandidateRows(product, loans.term[loan], loans.down_payment[loan], variants.balloon_share[variant])
        return price_candidates(
            replace(self.application, vehicle=vehicle, down_payment=int(loans.down_payment.max())),
            [offered[i] for i in used],
            columns,
            assess=assess,
            policy=policy,
            start=self.start,
        )

    def _variants(self, loans: ProposedLoans, rows: IndexArray) -> _Variants:
        """Return the products with their balloons, and whether limits without risk allow each for the loans of `rows`.

        The monthly burden is at least the mean of principal and interest, less the balloon. The interest has a lower
        bound: nine tenths of the lowest rate after all subsidies, on the mean of amount and balloon, in all months with
        an instalment but half of one. Nine tenths and half a month cover short months and a short first period.
        """
        loans, vehicle = loans.at(rows), loans.vehicles[int(loans.vehicle[rows[0]])]
        offered, policy = self.terms_for(vehicle)
        variants = [(i, share) for i, o in enumerate(offered) for share in o.balloon_shares or (0.0,)]
        if not variants:
            none = np.zeros(0, dtype=np.int64)
            return _Variants(rows, none, none.astype(np.float64), np.zeros((0, len(loans)), dtype=bool))
        product, share = (np.array(column)[:, None] for column in zip(*variants, strict=True))
        balloon = np.rint(loans.amount * share).astype(np.int64)
        application = replace(self.application, vehicle=vehicle, down_payment=int(loans.down_payment.max()))
        violations = limit_violations(application, offered, product, loans, balloon, policy)
        terms = np.unique(loans.term)
        lowest_rates = np.array([[_lowest_rate(o, term) for term in terms.tolist()] for o in offered])
        rate = lowest_rates[product, np.searchsorted(terms, loans.term)]
        deferred = np.array([o.product.deferred_months for o in offered])[product]
        months = np.maximum(loans.term - deferred - 0.5, 0)
        interest = 0.9 / 12 * rate * months * (1 + share) / 2
        applicant = application.applicant
        income = policy.payment_to_income * applicant.joint_income - applicant.joint_debt_payment
        affordable = loans.amount / loans.term * (1 - share + interest) <= income + 1
        allowed = np.isfinite(rate) & affordable
        for violated in violations.values():
            allowed = allowed & ~violated
        return _Variants(rows, product[:, 0], share[:, 0], allowed)


@dataclass(frozen=True)
class _Variants:
    """Products with their balloons, and whether each is allowed for a loan: shape (n_variants, n_loans)."""

    loans: IndexArray
    product: IntArray
    balloon_share: FloatArray
    allowed: BoolArray

    def among(self, loans: IndexArray) -> _Variants:
        """Return the variants for those of the loans that are also among `loans`."""
        columns = np.isin(self.loans, loans)
        return replace(self, loans=self.loans[columns], allowed=self.allowed[:, columns])


def _lowest_rate(offered: OfferedProduct, term: int) -> float:
    """Return the lowest rate of all risk bands after all subsidies; NaN if the product has not the term."""
    rates = [by_term[term] for by_term in offered.rates.values() if term in by_term]
    return max(min(rates) - sum(s.rate for s in offered.product.subsidies), 0.0) if rates else np.nan


def _rows_by_vehicle(loans: ProposedLoans) -> list[IndexArray]:
    return [np.flatnonzero(loans.vehicle == i) for i in np.unique(loans.vehicle)]


def _key(loans: ProposedLoans) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(loans.down_payment * (MAX_TERM_MONTHS + 1) + loans.term)


def _lookup(loans: ProposedLoans, assessment: Assessment) -> Assess:
    """Return an assessment that repeats the assessment of known loans on one vehicle."""
    keys = _key(loans)
    order = np.argsort(keys)
    return lambda others: assessment.at(order[np.searchsorted(keys[order], _key(others))])

"""Whether some product allows a proposed loan, for many loans on several vehicles at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from ml.domain.arrays import BoolArray, FloatArray
from ml.domain.loans.application import Application, OfferedProduct, Policy, Vehicle
from ml.domain.loans.assessment import Assess, Assessment, ProposedLoans
from ml.domain.loans.candidates import CandidateRows, Candidates, price_candidates
from ml.domain.loans.loan import MAX_TERM_MONTHS

Terms = tuple[Sequence[OfferedProduct], Policy]


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
            products = [o for o in offered if term in o.terms]
            result[rows] = self._within_limits(loans.at(rows), loans.vehicles[i], term, products, policy)
        return result

    def _within_limits(
        self, loans: ProposedLoans, vehicle: Vehicle, term: int, products: Sequence[OfferedProduct], policy: Policy
    ) -> BoolArray:
        applicant, extras = self.application.applicant, self.application.financed_extras
        age = min(max((o.maximum_age_at_maturity for o in products), default=0.0), policy.maximum_age_at_maturity)
        if not products or term > policy.maximum_term_months or applicant.age + term / 12 > age:
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

    def feasible(self, loans: ProposedLoans, assessment: Assessment) -> BoolArray:
        """Return whether at least one product is feasible for each loan, shape (n,).

        Parameters
        ----------
        loans : ProposedLoans
            Loans on the vehicles of `terms_for`.
        assessment : Assessment
            Of the loans, in their order.
        """
        result = np.zeros(len(loans), dtype=bool)
        for i in sorted(set(loans.vehicle.tolist())):
            rows = np.flatnonzero(loans.vehicle == i)
            part = loans.at(rows)
            compared = self.compare(part, loans.vehicles[i], assess=_lookup(part, assessment.at(rows)))
            if compared is not None:
                feasible = compared.loans.at(np.flatnonzero(compared.feasible))
                result[rows] = np.isin(_key(part), _key(feasible))
        return result

    def compare(self, loans: ProposedLoans, vehicle: Vehicle, *, assess: Assess) -> Candidates | None:
        """Return the candidates of every product whose limits allow a loan; None if no product does.

        Candidates that the limits without price and risk exclude are left out: most of them are infeasible, and pricing
        takes most of the time.

        Parameters
        ----------
        loans : ProposedLoans
            Loans on one vehicle; at least one.
        vehicle : Vehicle
            The vehicle.
        assess : callable
            ``(loans) -> assessment``: `ml.domain.loans.assessment.Assess`.
        """
        offered, policy = self.terms_for(vehicle)
        variants = [(i, share) for i, o in enumerate(offered) for share in o.balloon_shares or (0.0,)]
        if not variants:
            return None
        product, share = np.array([i for i, _ in variants]), np.array([share for _, share in variants])
        variant, loan = np.nonzero(self._allowed(loans, vehicle, [offered[i] for i in product], share, policy))
        if not len(variant):
            return None
        columns = CandidateRows(product[variant], loans.term[loan], loans.down_payment[loan], share[variant])
        application = replace(self.application, vehicle=vehicle, down_payment=int(loans.down_payment.max()))
        return price_candidates(application, offered, columns, assess=assess, policy=policy, start=self.start)

    def _allowed(
        self,
        loans: ProposedLoans,
        vehicle: Vehicle,
        offered: Sequence[OfferedProduct],
        share: FloatArray,
        policy: Policy,
    ) -> BoolArray:
        """Return whether the limits without price and risk allow each product (row) for each loan (column).

        The monthly payment is at least the principal without the balloon, divided by the term.
        """

        def limit(name: str) -> FloatArray:
            return np.array([getattr(o, name) for o in offered])[:, None]

        terms = np.unique(loans.term)
        has_term = np.array([[term in o.terms for term in terms.tolist()] for o in offered])
        applicant, extras = self.application.applicant, self.application.financed_extras
        in_base = extras if policy.extras_in_loan_to_value else 0
        largest = limit("maximum_loan_to_value") * (vehicle.price + in_base)
        income = policy.payment_to_income * applicant.joint_income - applicant.joint_debt_payment
        payment = (1 - share)[:, None] * (loans.amount / loans.term)
        return np.asarray(
            has_term[:, np.searchsorted(terms, loans.term)]
            & (loans.amount >= limit("minimum_amount"))
            & (loans.amount <= limit("maximum_amount"))
            & (loans.amount - extras + in_base <= largest + 1)
            & (loans.down_payment >= limit("minimum_down_payment") * vehicle.price - 1)
            & (payment <= income + 1)
        )


def _key(loans: ProposedLoans) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(loans.down_payment * (MAX_TERM_MONTHS + 1) + loans.term)


def _lookup(loans: ProposedLoans, assessment: Assessment) -> Assess:
    """Return an assessment that repeats the assessment of known loans on one vehicle."""
    keys = _key(loans)
    order = np.argsort(keys)
    return lambda others: assessment.at(order[np.searchsorted(keys[order], _key(others))])

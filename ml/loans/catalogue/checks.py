"""Checks of the product catalogue against the lending rules of the dates at which the products are sold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

from ml.domain.loans.calendar import interest_days_factor
from ml.loans.catalogue.ceilings import RateCeiling, lowest_ceiling
from ml.loans.catalogue.contingent import MISUSE
from ml.loans.catalogue.fields import days_of_change, during
from ml.loans.catalogue.plausibility import IRREGULAR, age_problems, lowest_costs, product_problems
from ml.loans.catalogue.products import Lender, LoanProducts, Product, Rates
from ml.loans.catalogue.rules import LendingRules

TOLERANCE = 1e-9  # of a rate that equals its ceiling


def problems(products: LoanProducts, rules: LendingRules) -> Iterator[str]:
    """Yield what in the catalogue contradicts the rules: place, rule, value and remedy, one text per contradiction."""
    for key, lender in products.lenders.items():
        grids = [grid for product in products.products.values() if product.lender == key for grid in product.rates]
        yield from _late_interest_problems(f"lenders.{key}.late_interest", lender, grids, rules)
    for key, product in products.products.items():
        yield from (f"products.{key}.{problem}" for problem in product_problems(product))
        for i, grid in enumerate(product.rates):
            lender = products.lenders[product.lender]
            yield from _rate_grid_problems(f"products.{key}.rates[{i}]", grid, product, lender, rules)
            yield from (f"products.{key}.{problem}" for problem in _age_problems(product, grid, rules))
    for key, product in products.products.items():
        misuse = products.contingent_costs(key)[MISUSE]
        if misuse is not None and misuse.multiple is not None:
            lender = products.lenders[product.lender]
            yield from _misuse_problems(f"products.{key}", misuse.multiple, product.rates, lender, rules)


def _late_interest_problems(place: str, lender: Lender, grids: list[Rates], rules: LendingRules) -> Iterator[str]:
    bounds = {rule.valid_from: rule for grid in grids for rule in during(rules.late_interest, grid)}
    for rule in bounds.values() if grids else rules.late_interest:
        if not rule.minimum <= lender.late_interest <= rule.maximum:
            yield (
                f"{place} must be from {rule.minimum:g} to {rule.maximum:g} times the contract rate by the rule of "
                f"late_interest valid from {rule.valid_from}, got {lender.late_interest:g}"
            )


def _misuse_problems(
    place: str, multiple: float, grids: Sequence[Rates], lender: Lender, rules: LendingRules
) -> Iterator[str]:
    key, days = f"{place}.contingent_costs.misuse.multiple", interest_days_factor(lender.day_count)
    for grid in grids:
        for bounds in during(rules.misuse_interest, grid):
            if not bounds.minimum <= multiple <= bounds.maximum:
                yield (
                    f"{key} must be from {bounds.minimum:g} to {bounds.maximum:g} times the contract rate by the rule "
                    f"of misuse_interest valid from {bounds.valid_from}, got {multiple:g}: correct it at the "
                    "product or its lender"
                )
                return
        highest = max(rate for rates in grid.by_band.values() for rate in rates.values())
        sequences = [rule.periods for rule in rules.rate_ceilings.values() if rule.binds(lender.kind)]
        for day in days_of_change(grid, *sequences, rules.loan_prime_rate):
            ceiling = lowest_ceiling(rules.rate_ceilings, rules.loan_prime_rate, day, lender.kind)
            penalty = highest * multiple * days
            if ceiling is not None and penalty > ceiling.maximum + TOLERANCE:
                yield (
                    f"{key}: the penalty of {multiple:g} x {highest:g}{_by_days(lender)}, {penalty:.6g} a year, is "
                    f"above the ceiling of {ceiling.maximum:g} from {day} ({ceiling.source.en}): lower it at the "
                    "product or its lender, or lower the rates"
                )
                return


def _age_problems(product: Product, grid: Rates, rules: LendingRules) -> Iterator[str]:
    shortest = min(term for by_term in grid.by_band.values() for term in by_term)
    for policy in during(rules.policy, grid):
        ages = (policy.minimum_age, policy.maximum_age_at_maturity)
        yield from age_problems(product.eligibility, policy_ages=ages, shortest_term=shortest)


def _rate_grid_problems(
    place: str, grid: Rates, product: Product, lender: Lender, rules: LendingRules
) -> Iterator[str]:
    for name in ("risk", "late_interest", "term", "loan_to_value", "loan_to_value_base", "policy"):
        first = getattr(rules, name)[0].valid_from
        if grid.valid_from < first:
            yield f"{place}.valid_from {grid.valid_from} is before the first rule of {name}, valid from {first}"
            return
    yield from _band_problems(place, grid, rules)
    yield from _term_problems(place, grid, product, rules)
    costs = {(band, term): rate for band, by_term in grid.by_band.items() for term, rate in by_term.items()}
    if product.fees or product.lease or product.form == "flat_rate":  # otherwise the contract rate is the cost
        costs = lowest_costs(product, lender, grid, during(rules.state_subsidy, grid))
    sequences = [rule.periods for rule in rules.rate_ceilings.values() if rule.binds(lender.kind)]
    for day in days_of_change(grid, *sequences, rules.loan_prime_rate):
        ceiling = lowest_ceiling(rules.rate_ceilings, rules.loan_prime_rate, day, lender.kind)
        if ceiling is None:
            yield f"{place}: no rule of rate_ceilings binds lender kind '{lender.kind}' on {day}: add the rule"
        else:
            yield from _ceiling_problems(place, grid, costs, lender, ceiling, day)
            if lender.funding_rate > ceiling.maximum:
                yield (
                    f"lenders.{product.lender}.funding_rate must be at most the ceiling of {ceiling.maximum:g} "
                    f"from {day} ({ceiling.source.en}), got {lender.funding_rate:g}; a rate of 0.0165 is 1.65 %"
                )


def _band_problems(place: str, grid: Rates, rules: LendingRules) -> Iterator[str]:
    bands = {band for risk in during(rules.risk, grid) for band in risk.bands}
    if unknown := [band for band in grid.by_band if band not in bands]:
        names = ", ".join(sorted(bands))
        yield f"{place}.by_band.{unknown[0]} is not a risk band of the rules; the bands are: {names}"
    for risk in during(rules.risk, grid):
        for better, worse in pairwise(band for band in risk.bands if band in grid.by_band):
            for term, rate in grid.by_band[better].items():
                if rate > grid.by_band[worse][term]:
                    yield (
                        f"{place}.by_band.{better}.{term}: the rate {rate:g} of band {better} is above "
                        f"{grid.by_band[worse][term]:g} of band {worse}, whose risk is higher: correct one of them"
                    )


def _term_problems(place: str, grid: Rates, product: Product, rules: LendingRules) -> Iterator[str]:
    if product.lease is not None:  # the law on terms is that of loans
        return
    classes = set(product.eligibility.vehicle_classes)
    for rule in during(rules.term, grid):
        longest = max([rule.new] * bool(classes - {"used"}) + [rule.used] * ("used" in classes))
        for band, by_term in grid.by_band.items():
            for term in (term for term in by_term if term > longest):
                yield (
                    f"{place}.by_band.{band}.{term}: the law allows at most {longest} months for the vehicles of the "
                    f"product ({', '.join(product.eligibility.vehicle_classes)}) by the rule of term valid from "
                    f"{rule.valid_from}, got {term}: remove the term"
                )


def _ceiling_problems(
    place: str, grid: Rates, costs: Mapping[tuple[str, int], float], lender: Lender, ceiling: RateCeiling, day: date
) -> Iterator[str]:
    limit = f"above the ceiling of {ceiling.maximum:g} from {day} ({ceiling.source.en})"
    remedy = "lower the rate"
    if day > grid.valid_from:
        remedy += f", or end these rates with valid_until {day - timedelta(days=1)}"
    for (band, term), cost in costs.items():
        rate = grid.by_band[band][term]
        late = rate * lender.late_interest * interest_days_factor(lender.day_count)
        if rate > ceiling.maximum:
            yield f"{place}.by_band.{band}.{term}: the rate {rate:g} is {limit}: {remedy}"
        elif late > ceiling.maximum + TOLERANCE:
            yield (
                f"{place}.by_band.{band}.{term}: the late interest of {lender.late_interest:g} x {rate:g}"
                f"{_by_days(lender)}, {late:.6g} a year, is {limit}: {remedy}, or lower late_interest of the lender"
            )
        elif cost > ceiling.maximum + IRREGULAR:
            yield (
                f"{place}.by_band.{band}.{term}: a loan at {rate:g} costs at least {cost:.4f} a year with all fees, "
                f"which is {limit}: {remedy}, or lower the fees"
            )


def _by_days(lender: Lender) -> str:
    return " by actual/360" if lender.day_count == "actual/360" else ""

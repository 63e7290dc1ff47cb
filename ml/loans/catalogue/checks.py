"""Checks of the product catalogue against the lending rules of the dates at which the products are sold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from ml.loans.catalogue.ceilings import RateCeiling, lowest_ceiling
from ml.loans.catalogue.contingent import MISUSE
from ml.loans.catalogue.fields import days_of_change, during
from ml.loans.catalogue.products import Lender, LoanProducts, Rates
from ml.loans.catalogue.rules import LendingRules


def problems(products: LoanProducts, rules: LendingRules) -> Iterator[str]:
    """Yield what in the catalogue contradicts the rules: place, rule, value and remedy, one text per contradiction."""
    for key, lender in products.lenders.items():
        grids = [grid for product in products.products.values() if product.lender == key for grid in product.rates]
        yield from _late_interest_problems(f"lenders.{key}.late_interest", lender, grids, rules)
    for key, product in products.products.items():
        for i, grid in enumerate(product.rates):
            yield from _rate_grid_problems(f"products.{key}.rates[{i}]", grid, products.lenders[product.lender], rules)
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
    key = f"{place}.contingent_costs.misuse.multiple"
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
            if ceiling is not None and highest * multiple > ceiling.maximum + 1e-9:
                yield (
                    f"{key}: the penalty rate of {multiple:g} x {highest:g} = {highest * multiple:g} is above the "
                    f"ceiling of {ceiling.maximum:g} from {day} ({ceiling.source.en}): lower it at the product or its "
                    "lender, or lower the rates"
                )
                return


def _rate_grid_problems(place: str, grid: Rates, lender: Lender, rules: LendingRules) -> Iterator[str]:
    for name, dated in (("risk", rules.risk), ("late_interest", rules.late_interest)):
        if grid.valid_from < dated[0].valid_from:
            yield (
                f"{place}.valid_from {grid.valid_from} is before the first rule of {name}, "
                f"valid from {dated[0].valid_from}"
            )
            return
    bands = {band for risk in during(rules.risk, grid) for band in risk.bands}
    if unknown := [band for band in grid.by_band if band not in bands]:
        names = ", ".join(sorted(bands))
        yield f"{place}.by_band.{unknown[0]} is not a risk band of the rules; the bands are: {names}"
    sequences = [rule.periods for rule in rules.rate_ceilings.values() if rule.binds(lender.kind)]
    for day in days_of_change(grid, *sequences, rules.loan_prime_rate):
        ceiling = lowest_ceiling(rules.rate_ceilings, rules.loan_prime_rate, day, lender.kind)
        if ceiling is None:
            yield f"{place}: no rule of rate_ceilings binds lender kind '{lender.kind}' on {day}: add the rule"
        else:
            yield from _ceiling_problems(place, grid, lender, ceiling, day)


def _ceiling_problems(place: str, grid: Rates, lender: Lender, ceiling: RateCeiling, day: date) -> Iterator[str]:
    limit = f"above the ceiling of {ceiling.maximum:g} from {day} ({ceiling.source.en})"
    remedy = "lower the rate"
    if day > grid.valid_from:
        remedy += f", or end these rates with valid_until {day - timedelta(days=1)}"
    for band, rates in grid.by_band.items():
        for term, rate in rates.items():
            late = rate * lender.late_interest
            if rate > ceiling.maximum:
                yield f"{place}.by_band.{band}.{term}: the rate {rate:g} is {limit}: {remedy}"
            elif late > ceiling.maximum + 1e-9:
                yield (
                    f"{place}.by_band.{band}.{term}: the late interest rate of {lender.late_interest:g} x {rate:g} = "
                    f"{late:g} is {limit}: {remedy}, or lower late_interest of the lender"
                )

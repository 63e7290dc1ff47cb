"""Reading and cross-checking of `loans/products.yaml` and `loans/rules.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from features.errors import ConfigError
from features.yaml_config import load_yaml
from ml.loans.catalogue.fields import during
from ml.loans.catalogue.products import LoanProducts, Rates
from ml.loans.catalogue.rules import LendingRules, load_lending_rules


@dataclass(frozen=True)
class Lending:
    """Lending rules and product catalogue, checked for consistency; returned by `load_lending`.

    Attributes
    ----------
    rules : LendingRules
        Limits of law and house policy by date.
    catalogue : LoanProducts
        `lenders`, `products` and `parties`, each a dict by key; amounts in fen, rates as yearly fractions.
    """

    rules: LendingRules
    catalogue: LoanProducts


def load_lending(products: Path, rules: Path) -> Lending:
    """Read the product catalogue and the lending rules, and check them against each other.

    Parameters
    ----------
    products, rules : Path
        Existing files in the format of `configs/loans/products.yaml` and `configs/loans/rules.yaml`;
        `ml.loans.endpoints.read_lending` reads both below a folder.

    Returns
    -------
    Lending
        `rules` (lending rules by date) and `catalogue` (`lenders`, `products` and `parties` by key), amounts in fen.

    Raises
    ------
    ConfigError
        A file is missing or invalid; the message names the file, the key, the rule and the value received.

    Examples
    --------
    >>> from pathlib import Path
    >>> lending = load_lending(Path("configs/loans/products.yaml"), Path("configs/loans/rules.yaml"))
    >>> lending.catalogue.products["bank_standard"].lender
    'riverside_bank'
    """
    lending_rules = load_lending_rules(rules)
    return Lending(lending_rules, load_loan_products(products, lending_rules))


def load_loan_products(path: Path, rules: LendingRules) -> LoanProducts:
    """Read the product catalogue and check it against the lending rules.

    Parameters
    ----------
    path : Path
        Existing YAML file in the format of `configs/loans/products.yaml`.
    rules : LendingRules
        As returned by `ml.loans.catalogue.rules.load_lending_rules`.

    Returns
    -------
    LoanProducts
        `lenders`, `products` and `parties`, each a dict by key; amounts in fen, rates as yearly fractions.

    Raises
    ------
    ConfigError
        An unknown key, lender, party, vehicle class or risk band; a gap or overlap of dates; a rate above the legal
        ceiling; late interest outside its bounds. The message names the file, the key, the rule and the value received.
    """
    products = load_yaml(path, LoanProducts)
    for problem in _problems(products, rules):
        raise ConfigError(f"{path}: {problem}")
    return products


def _problems(products: LoanProducts, rules: LendingRules) -> Iterator[str]:
    bounds = rules.late_interest[-1]
    for key, lender in products.lenders.items():
        if not bounds.minimum <= lender.late_interest <= bounds.maximum:
            yield (
                f"lenders.{key}.late_interest must be from {bounds.minimum:g} to {bounds.maximum:g} times the contract "
                f"rate, got {lender.late_interest:g}"
            )
    for key, product in products.products.items():
        for i, grid in enumerate(product.rates):
            yield from _rate_grid_problems(f"products.{key}.rates[{i}]", grid, rules)


def _rate_grid_problems(place: str, grid: Rates, rules: LendingRules) -> Iterator[str]:
    for name, dated in (("risk", rules.risk), ("rate_ceiling", rules.rate_ceiling)):
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
    ceiling = min((rule.maximum for rule in during(rules.rate_ceiling, grid)), default=1.0)
    for band, rates in grid.by_band.items():
        for term, rate in rates.items():
            if rate > ceiling:
                yield f"{place}.by_band.{band}.{term}: the rate {rate:g} is above the legal ceiling of {ceiling:g}"

"""Reading and cross-checking of `loans/products.yaml` and `loans/rules.yaml`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from features.errors import ConfigError
from features.yaml_config import load_yaml
from ml.loans.catalogue.checks import problems
from ml.loans.catalogue.products import LoanProducts
from ml.loans.catalogue.rules import LendingRules, load_lending_rules


@dataclass(frozen=True, eq=False)  # compared and hashed by identity: it is the key of cached terms
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

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of rules and catalogue, hexadecimal; part of every offer's id."""
        content = self.rules.model_dump_json() + self.catalogue.model_dump_json()
        return hashlib.sha256(content.encode()).hexdigest()


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
        An unknown key, lender, party, vehicle class or risk band; a gap or overlap of dates; a contract rate or late
        interest above a ceiling of the lender's kind; late interest outside its bounds. The message names the file, the
        key, the rule and the value received.
    """
    products = load_yaml(path, LoanProducts)
    for problem in problems(products, rules):
        raise ConfigError(f"{path}: {problem}")
    return products

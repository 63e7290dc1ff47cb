"""Format of `loans/rules.yaml`: limits of law and house policy for every lender, by date."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, Field, model_validator

from features.errors import DataError
from features.yaml_config import Section, load_yaml
from ml.bilingual import Text
from ml.domain.arrays import FloatArray
from ml.domain.loans.application import Policy
from ml.domain.loans.product import Subsidy
from ml.loans.catalogue.ceilings import CeilingRule, LoanPrimeRate, RateCeiling, lowest_ceiling
from ml.loans.catalogue.extras_rules import ExtrasRule, LoanToValueBase, LoanToValueBasis, largest_extras_share
from ml.loans.catalogue.fields import check_sequence, in_force, rule_on
from ml.loans.catalogue.limits import (
    HousePolicy,
    LoanToValue,
    PenaltyInterest,
    Risk,
    StateSubsidy,
    Term,
    check_programmes,
)
from ml.loans.catalogue.notes import subsidy_notes
from ml.loans.catalogue.vehicle_classes import VehicleClass


class LendingRules(Section):
    """All lending rules, as returned by `load_lending_rules`; each is a list in order of date without gaps or overlaps.

    A date outside a list is an error, except for `state_subsidy`: there is no subsidy then. The rules are also the
    attribute `rules` of a `Lending`, as returned by `ml.loans.endpoints.read_lending`.
    """

    loan_to_value: Annotated[tuple[LoanToValue, ...], AfterValidator(check_sequence)]
    term: Annotated[tuple[Term, ...], AfterValidator(check_sequence)]
    rate_ceilings: dict[str, CeilingRule] = Field(min_length=1)
    loan_prime_rate: Annotated[tuple[LoanPrimeRate, ...], AfterValidator(check_sequence)] = ()
    loan_to_value_base: Annotated[tuple[LoanToValueBasis, ...], AfterValidator(check_sequence)]
    financed_extras: dict[str, ExtrasRule] = Field(default_factory=dict)
    late_interest: Annotated[tuple[PenaltyInterest, ...], AfterValidator(check_sequence)]
    misuse_interest: Annotated[tuple[PenaltyInterest, ...], AfterValidator(check_sequence)]
    state_subsidy: Annotated[tuple[StateSubsidy, ...], AfterValidator(check_sequence), AfterValidator(check_programmes)]
    risk: Annotated[tuple[Risk, ...], AfterValidator(check_sequence)]
    policy: Annotated[tuple[HousePolicy, ...], AfterValidator(check_sequence)]

    @model_validator(mode="after")
    def _check_loan_prime_rate(self) -> Self:
        for key, rule in self.rate_ceilings.items():
            for i, period in enumerate(rule.periods):
                if period.times_lpr is None or not rule.enabled:
                    continue
                if not self.loan_prime_rate or period.valid_from < self.loan_prime_rate[0].valid_from:
                    raise ValueError(
                        f"rate_ceilings.{key}.periods[{i}].times_lpr needs the loan prime rate of "
                        f"{period.valid_from}: add it to loan_prime_rate"
                    )
        return self

    def ceiling(self, on: date, lender_kind: str) -> RateCeiling:
        """Return the lowest ceiling of the nominal annualised cost that binds a kind of lender on a day.

        Parameters
        ----------
        on : date
            Day of the application.
        lender_kind : str
            One of `ml.loans.catalogue.lender_rules.LenderKind`: ``lending.catalogue.lenders[key].kind``.

        Returns
        -------
        RateCeiling
            `maximum` (a yearly fraction), `source` (zh, en) and `rule` (key in `rate_ceilings`).

        Raises
        ------
        DataError
            No ceiling is in force on that day.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> rules = read_lending(Path("configs")).rules
        >>> ceiling = rules.ceiling(date(2028, 1, 1), "micro_loan_company")
        >>> ceiling.maximum, ceiling.rule
        (0.12, 'micro_loan_companies')
        """
        ceiling = lowest_ceiling(self.rate_ceilings, self.loan_prime_rate, on, lender_kind)
        if ceiling is None:
            raise DataError(
                f"no rule of rate_ceilings binds lender kind '{lender_kind}' on {on}: correct the date, or add the "
                "rule to the lending files"
            )
        return ceiling

    def maximum_cost(self, on: date, lender_kind: str) -> float:
        """Return the highest nominal annualised cost with all charges for a kind of lender on a day.

        Parameters
        ----------
        on : date
            Day of the application.
        lender_kind : str
            One of `ml.loans.catalogue.lender_rules.LenderKind`: ``lending.catalogue.lenders[key].kind``.

        Returns
        -------
        float
            A yearly fraction: `maximum` of `ceiling`.

        Raises
        ------
        DataError
            No ceiling is in force on that day.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> read_lending(Path("configs")).rules.maximum_cost(date(2026, 9, 1), "bank")
        0.24
        """
        return self.ceiling(on, lender_kind).maximum

    def maximum_loan_to_value(self, on: date, vehicle_class: VehicleClass) -> float:
        """Return the maximum loan as a share of the price for a vehicle class on a day.

        Parameters
        ----------
        on : date
            Day of the application.
        vehicle_class : str
            As returned by `ml.loans.catalogue.vehicle_classes.vehicle_class`.

        Raises
        ------
        DataError
            No rule is in force on that day.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> rules = read_lending(Path("configs")).rules
        >>> rules.maximum_loan_to_value(date(2026, 9, 1), "used")
        0.7
        """
        return in_force(self.loan_to_value, on, name="loan_to_value").maximum[vehicle_class]

    def base_of_loan_to_value(self, on: date) -> LoanToValueBase:
        """Return what the loan-to-value is a share of on a day: "price" or "price_and_extras".

        Under "price", the loan counts without the extras that it finances.

        Raises
        ------
        DataError
            No rule is in force on that day.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> read_lending(Path("configs")).rules.base_of_loan_to_value(date(2026, 9, 1))
        'price'
        """
        return in_force(self.loan_to_value_base, on, name="loan_to_value_base").base

    def maximum_financed_extras_share(self, on: date, lender_kind: str, *, total: int = 0) -> float:
        """Return the largest fraction of the price of all extras that a kind of lender may finance on a day.

        Parameters
        ----------
        on : date
            Day of the application.
        lender_kind : str
            One of `ml.loans.catalogue.lender_rules.LenderKind`: ``lending.catalogue.lenders[key].kind``.
        total : int
            Price of all extras, financed or not, fen; a rule may allow less for dear extras.

        Returns
        -------
        float
            A fraction from 0 to 1; 1 if no rule is in force.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> rules = read_lending(Path("configs")).rules
        >>> rules.maximum_financed_extras_share(date(2026, 9, 1), "bank", total=1_000_000)
        1.0
        """
        return largest_extras_share(self.financed_extras, on, lender_kind, total=total)

    def risk_bands(self, on: date, probability_of_default: FloatArray) -> npt.NDArray[np.str_]:
        """Return the risk band of each probability of default; empty above the last band.

        Parameters
        ----------
        on : date
            Day of the application.
        probability_of_default : array of float, shape (n,)
            0 to 1.

        Raises
        ------
        DataError
            A probability is not from 0 to 1, or no rule is in force on that day.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> import numpy as np
        >>> from ml.loans.endpoints import read_lending
        >>> rules = read_lending(Path("configs")).rules
        >>> rules.risk_bands(date(2026, 9, 1), np.array([0.01, 0.011, 0.9])).tolist()
        ['A', 'B', '']
        """
        invalid = ~((probability_of_default >= 0) & (probability_of_default <= 1))
        if invalid.any():
            raise DataError(f"probability_of_default must be from 0 to 1, got {probability_of_default[invalid][0]}")
        bands = in_force(self.risk, on, name="risk").bands
        names = np.array([*bands, ""])
        return np.asarray(names[np.searchsorted(list(bands.values()), probability_of_default, side="left")])

    def maximum_term_months(self, on: date, vehicle_class: VehicleClass) -> int:
        """Return the longest term in months that the law allows for a vehicle class on a day.

        Parameters
        ----------
        on : date
            Day of the application.
        vehicle_class : str
            As returned by `ml.loans.catalogue.vehicle_classes.vehicle_class`.

        Raises
        ------
        DataError
            No rule is in force on that day.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> read_lending(Path("configs")).rules.maximum_term_months(date(2026, 9, 1), "used")
        36
        """
        term = in_force(self.term, on, name="term")
        return term.used if vehicle_class == "used" else term.new

    def policy_on(self, on: date, vehicle_class: VehicleClass, *, horizon_months: int | None = None) -> Policy:
        """Return the limits for a vehicle class on a day.

        Parameters
        ----------
        on : date
            Day of the application.
        vehicle_class : str
            As returned by `ml.loans.catalogue.vehicle_classes.vehicle_class`.
        horizon_months : int, optional
            Horizon of the probability of default, if the credit model states it; by default that of the rules.

        Returns
        -------
        Policy
            Limits on payment-to-income (a fraction), term (months) and age (years), and the expected profit that a loan
            needs (fen).

        Raises
        ------
        DataError
            A rule is not in force on that day, neither rules nor model state the horizon, or they disagree.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> rules = read_lending(Path("configs")).rules
        >>> rules.policy_on(date(2026, 9, 1), "used").maximum_term_months
        36
        """
        house = in_force(self.policy, on, name="policy")
        stated = in_force(self.risk, on, name="risk").horizon_months
        if horizon_months is not None and stated is not None and horizon_months != stated:
            raise DataError(
                f"risk.horizon_months of the lending rules is {stated}, but the credit model predicts defaults within "
                f"{horizon_months} months: correct the rules, or leave the key out"
            )
        horizon = horizon_months or stated
        if horizon is None:
            raise DataError(
                "risk.horizon_months: neither the lending rules nor the credit model state the horizon of the "
                "probability of default; add the key, or params.outcome_window_months to the credit model"
            )
        return Policy(
            payment_to_income=house.payment_to_income,
            maximum_term_months=self.maximum_term_months(on, vehicle_class),
            minimum_age=house.minimum_age,
            maximum_age_at_maturity=house.maximum_age_at_maturity,
            minimum_expected_profit=house.minimum_expected_profit,
            horizon_months=horizon,
            recovery=in_force(self.risk, on, name="risk").recovery,
            extras_in_loan_to_value=self.base_of_loan_to_value(on) == "price_and_extras",
        )

    def state_subsidy_on(self, on: date, *, used_this_year: int = 0) -> Subsidy | None:
        """Return the state's subsidy for an application of a day, or None if no programme runs.

        Parameters
        ----------
        on : date
            Day of the application.
        used_this_year : int
            Subsidy that the applicant has already used with the lender this year, fen.

        Returns
        -------
        ml.domain.loans.product.Subsidy or None
            `rate` and `share_of_rate` as fractions, `per_year` in fen, `until` the last due date with a subsidy.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> rules = read_lending(Path("configs")).rules
        >>> subsidy = rules.state_subsidy_on(date(2026, 9, 1))
        >>> subsidy.rate, subsidy.per_year
        (0.01, 300000)
        """
        programme = rule_on(self.state_subsidy, on)
        if programme is None:
            return None
        return Subsidy(
            payer="state",
            rate=programme.rate,
            lowers_instalment=False,
            share_of_rate=programme.share_of_rate,
            principal=programme.principal,
            per_year=programme.per_year,
            used_this_year=used_this_year,
            until=programme.subsidy_until,
        )

    def notes_on(self, on: date) -> list[Text]:
        """Return notes that an application of a day needs, in words: a subsidy that has ended, ends or has not begun.

        Parameters
        ----------
        on : date
            Day of the application.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> rules = read_lending(Path("configs")).rules
        >>> rules.notes_on(date(2026, 9, 1)), rules.notes_on(date(2027, 1, 1))[0].zh
        ([], '个人消费贷款财政贴息已于2026年12月31日结束，各项金额均不含财政贴息')
        """
        return subsidy_notes(self.state_subsidy, on)


def load_lending_rules(path: Path) -> LendingRules:
    """Read the lending rules.

    Parameters
    ----------
    path : Path
        Existing YAML file in the format of `configs/loans/rules.yaml`.

    Raises
    ------
    ConfigError
        The file is missing or invalid; the message names the file, the key, the rule and the value received.

    Examples
    --------
    >>> from datetime import date
    >>> from pathlib import Path
    >>> rules = load_lending_rules(Path("configs/loans/rules.yaml"))
    >>> rules.policy_on(date(2026, 9, 1), "used").minimum_age
    18
    """
    return load_yaml(path, LendingRules)

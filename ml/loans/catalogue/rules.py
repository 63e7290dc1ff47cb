"""Format of `loans/rules.yaml`: limits of law and house policy for every lender, by date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field, field_validator

from features.errors import DataError
from features.tables import CONDITIONS, ENERGY_TYPES, USES
from features.yaml_config import Section, load_yaml
from ml.domain.loans.application import Policy
from ml.domain.loans.product import Subsidy
from ml.loans.catalogue.fields import Dated, Share, Yuan, check_sequence, in_force, rule_on

VehicleClass = Literal[
    "private_combustion", "commercial_combustion", "private_new_energy", "commercial_new_energy", "used"
]
VEHICLE_CLASSES: tuple[VehicleClass, ...] = get_args(VehicleClass)
_NEW_ENERGY = ("plug_in_hybrid", "range_extended", "battery_electric")

ByClass = dict[VehicleClass, Share]


def _complete(values: ByClass) -> ByClass:
    if missing := [name for name in VEHICLE_CLASSES if name not in values]:
        raise ValueError(f"every vehicle class needs a value; add: {', '.join(missing)}")
    return values


EveryClass = Annotated[ByClass, AfterValidator(_complete)]


class LoanToValue(Dated):
    """Maximum loan as a share of the price, by vehicle class."""

    maximum: EveryClass


class Term(Dated):
    """Maximum terms in months for new and used vehicles."""

    new: int = Field(ge=1, le=120)
    used: int = Field(ge=1, le=120)


class RateCeiling(Dated):
    """Legal ceiling of the nominal annualised cost with all fees."""

    maximum: Share


class LateInterest(Dated):
    """Bounds of the late interest rate as a multiple of the contract rate."""

    minimum: float = Field(ge=1, le=10)
    maximum: float = Field(ge=1, le=10)


class StateSubsidy(Dated):
    """The state's interest subsidy for applications within the dates of validity.

    Attributes
    ----------
    rate, share_of_rate : float
        Reduction of the yearly rate, and its maximum as a share of the contract rate.
    principal : int, optional
        Maximum subsidised principal, fen.
    per_year : int
        Maximum subsidy per person, lender and calendar year, fen.
    subsidy_until : date
        Last due date with a subsidy.
    """

    rate: Share
    share_of_rate: Share
    principal: Yuan | None = None
    per_year: Yuan
    subsidy_until: date


class Risk(Dated):
    """Risk bands and loss assumptions.

    Attributes
    ----------
    bands : dict of str to float
        Band to its maximum probability of default, ascending; no rates exist above the last band.
    horizon_months : int
        Horizon of the credit model's probability of default.
    loss_given_default : dict of str to float
        Vehicle class to the share of the balance lost; used if the vehicle's resale value is unknown.
    recovery : float
        Proceeds of a forced sale as a share of the vehicle's resale value.
    """

    bands: dict[str, Share] = Field(min_length=1)
    horizon_months: int = Field(ge=1, le=120)
    loss_given_default: EveryClass
    recovery: Share = 1.0

    @field_validator("bands")
    @classmethod
    def _ascending(cls, bands: dict[str, float]) -> dict[str, float]:
        limits = list(bands.values())
        if limits != sorted(set(limits)):
            raise ValueError(f"limits must rise from band to band, got {limits}")
        return bands


class HousePolicy(Dated):
    """The dealer's own limits.

    Attributes
    ----------
    payment_to_income : float
        Maximum fraction of income for this loan's monthly burden and payments on other debts.
    minimum_age, maximum_age_at_maturity : int
        Years.
    minimum_expected_profit : int
        Loans with a lower expected profit are not offered; fen (yuan in YAML).
    """

    payment_to_income: Share
    minimum_age: int = Field(ge=18, le=130)
    maximum_age_at_maturity: int = Field(ge=18, le=130)
    minimum_expected_profit: Yuan = 0


class LendingRules(Section):
    """All lending rules, as returned by `load_lending_rules`; each is a list in order of date without gaps or overlaps.

    A date outside a list is an error, except for `state_subsidy`: there is no subsidy then. The rules are also the
    attribute `rules` of a `Lending`, as returned by `ml.loans.endpoints.read_lending`.
    """

    loan_to_value: Annotated[tuple[LoanToValue, ...], AfterValidator(check_sequence)]
    term: Annotated[tuple[Term, ...], AfterValidator(check_sequence)]
    rate_ceiling: Annotated[tuple[RateCeiling, ...], AfterValidator(check_sequence)]
    late_interest: Annotated[tuple[LateInterest, ...], AfterValidator(check_sequence)]
    state_subsidy: Annotated[tuple[StateSubsidy, ...], AfterValidator(check_sequence)]
    risk: Annotated[tuple[Risk, ...], AfterValidator(check_sequence)]
    policy: Annotated[tuple[HousePolicy, ...], AfterValidator(check_sequence)]

    def maximum_loan_to_value(self, on: date, vehicle_class: VehicleClass) -> float:
        """Return the maximum loan as a share of the price for a vehicle class on a day.

        Parameters
        ----------
        on : date
            Day of the application.
        vehicle_class : str
            One of `VEHICLE_CLASSES`, as returned by `vehicle_class`.

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

    def risk_band(self, on: date, probability_of_default: float) -> str | None:
        """Return the risk band of a probability of default from 0 to 1, or None above the last band.

        Raises
        ------
        DataError
            The probability is not from 0 to 1, or no rule is in force on that day.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> rules = read_lending(Path("configs")).rules
        >>> rules.risk_band(date(2026, 9, 1), 0.01), rules.risk_band(date(2026, 9, 1), 0.9)
        ('A', None)
        """
        if not 0 <= probability_of_default <= 1:
            raise DataError(f"probability_of_default must be from 0 to 1, got {probability_of_default}")
        bands = in_force(self.risk, on, name="risk").bands
        return next((name for name, maximum in bands.items() if probability_of_default <= maximum), None)

    def policy_on(self, on: date, vehicle_class: VehicleClass) -> Policy:
        """Return the limits for a vehicle class on a day.

        Parameters
        ----------
        on : date
            Day of the application.
        vehicle_class : str
            One of `VEHICLE_CLASSES`, as returned by `vehicle_class`.

        Returns
        -------
        Policy
            Limits on payment-to-income (a fraction), term (months), age (years) and annualised cost (a yearly
            fraction), and the expected profit that a loan needs (fen).

        Raises
        ------
        DataError
            A rule is not in force on that day.

        Examples
        --------
        >>> from datetime import date
        >>> from pathlib import Path
        >>> from ml.loans.endpoints import read_lending
        >>> rules = read_lending(Path("configs")).rules
        >>> rules.policy_on(date(2026, 9, 1), "used").maximum_term_months
        36
        """
        house, term = in_force(self.policy, on, name="policy"), in_force(self.term, on, name="term")
        return Policy(
            payment_to_income=house.payment_to_income,
            maximum_term_months=term.used if vehicle_class == "used" else term.new,
            minimum_age=house.minimum_age,
            maximum_age_at_maturity=house.maximum_age_at_maturity,
            maximum_cost=in_force(self.rate_ceiling, on, name="rate_ceiling").maximum,
            minimum_expected_profit=house.minimum_expected_profit,
            horizon_months=in_force(self.risk, on, name="risk").horizon_months,
            recovery=in_force(self.risk, on, name="risk").recovery,
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


def vehicle_class(condition: str, use: str, energy_type: str) -> VehicleClass:
    """Return the vehicle class used by the lending rules; hybrids without a plug count as combustion.

    Parameters
    ----------
    condition : {"new", "used"}
        Condition of the vehicle.
    use : {"private", "commercial"}
        Use by the borrower.
    energy_type : str
        One of `features.tables.ENERGY_TYPES`, such as "battery_electric".

    Returns
    -------
    str
        One of `ml.loans.catalogue.rules.VEHICLE_CLASSES`, such as "private_new_energy".

    Raises
    ------
    DataError
        A value is not one of `CONDITIONS`, `USES` or `ENERGY_TYPES` of `features.tables`.

    Examples
    --------
    >>> vehicle_class("new", "private", "range_extended"), vehicle_class("used", "commercial", "combustion")
    ('private_new_energy', 'used')
    """
    allowed: Mapping[str, tuple[str, tuple[str, ...]]] = {
        "condition": (condition, CONDITIONS),
        "use": (use, USES),
        "energy_type": (energy_type, ENERGY_TYPES),
    }
    for name, (value, choices) in allowed.items():
        if value not in choices:
            raise DataError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    if condition == "used":
        return "used"
    if use == "private":
        return "private_new_energy" if energy_type in _NEW_ENERGY else "private_combustion"
    return "commercial_new_energy" if energy_type in _NEW_ENERGY else "commercial_combustion"

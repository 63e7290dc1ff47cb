"""The raw-table contracts: name, type, unit, range, nullability, key and personal data of every column.

Ranges live here and nowhere else. A source maps whatever a dealership has onto these tables
(`features.sources`), a task's request takes its fields and ranges from them, and the sample dealership
is checked against them like any other data.

Conventions: instants are int64 microseconds since the epoch in UTC (`us`), money is integer fen (`fen`),
rates are yearly fractions, terms are months, distances are km. Only keys and the instants that order a
table are required to be there; every other column may be missing from a source, and is then not used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypedDict, Unpack

import polars as pl

EARLIEST = 0  # 1970-01-01
LATEST = 4_102_444_800_000_000  # 2100-01-01
OLDEST_BIRTH = -2_208_988_800_000_000  # 1900-01-01

ENERGY_TYPES = ("combustion", "hybrid", "plug_in_hybrid", "range_extended", "battery_electric")
BODY_TYPES = ("sedan", "suv", "mpv", "hatchback", "coupe", "pickup", "van", "wagon")
CONDITIONS = ("new", "used")
USES = ("private", "commercial")
CHANNELS = ("walk_in", "website", "app", "search_ad", "social", "marketplace", "referral", "phone", "event")
EVENT_TYPES = (
    "impression", "view", "search", "favourite", "compare", "price_list", "finance_quote", "chat",
    "test_drive_request", "test_drive", "order",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a raw table.

    Attributes
    ----------
    dtype : polars data type
        Type of its values.
    nullable : bool
        Whether a row may lack a value.
    required : bool
        Whether the table may lack the column.
    low, high : float or None
        Range of a number or an instant, both ends included.
    values : tuple of str
        All values that a category may take; none means any text.
    min_length : int
        Fewest characters of a text.
    unit : str or None
        `us` (an instant), `fen`, `km` and so on.
    personal, protected, reference, outcome : bool
        See the properties of `Table` of these names.
    """

    dtype: type[pl.DataType]
    nullable: bool = True
    required: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    min_length: int = 0
    unit: str | None = None
    personal: bool = False
    protected: bool = False
    reference: bool = False
    outcome: bool = False

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"a range has two ends, got low={self.low} and high={self.high}")


@dataclass(frozen=True)
class Table:
    """One raw table: its columns, its key and the instant that orders it.

    Attributes
    ----------
    name : str
        Table name, as in `configs/sources.yaml`.
    columns : mapping of str to Column
        Types, ranges and nullability.
    key : tuple of str
        Columns that identify a row.
    time : str or None
        Column (us) at which the row became known; None for a table without one.
    """

    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    time: str | None

    @property
    def personal(self) -> frozenset[str]:
        """Names of the columns that are personal data."""
        return frozenset(n for n, c in self.columns.items() if c.personal)

    @property
    def protected(self) -> frozenset[str]:
        """Names of the attributes that no model may use: they are kept only to measure fairness."""
        return frozenset(n for n, c in self.columns.items() if c.protected)

    @property
    def references(self) -> frozenset[str]:
        """Names of the columns that only identify something: keys and references to other tables."""
        return frozenset(n for n, c in self.columns.items() if c.reference) | frozenset(self.key)

    @property
    def outcomes(self) -> frozenset[str]:
        """Names of the columns filled in after the row's own instant: never a feature of that row.

        >>> sorted(APPLICATIONS.outcomes)
        ['decided_at', 'decision']
        """
        return frozenset(n for n, c in self.columns.items() if c.outcome)


class _Flags(TypedDict, total=False):
    personal: bool
    protected: bool
    outcome: bool


_key = partial(Column, pl.String, nullable=False, required=True, min_length=1)
_reference = partial(Column, pl.String, reference=True)
_text = partial(Column, pl.String)
_flag = partial(Column, pl.Boolean)


def _category(values: tuple[str, ...], **flags: Unpack[_Flags]) -> Column:
    return Column(pl.String, values=values, **flags)


def _instant(*, required: bool = False, earliest: int = EARLIEST, **flags: Unpack[_Flags]) -> Column:
    return Column(pl.Int64, not required, required, low=earliest, high=LATEST, unit="us", **flags)


def _integer(low: int, high: int, *, unit: str | None = None, **flags: Unpack[_Flags]) -> Column:
    return Column(pl.Int64, low=low, high=high, unit=unit, **flags)


def _number(low: float, high: float, *, unit: str | None = None, **flags: Unpack[_Flags]) -> Column:
    return Column(pl.Float64, low=low, high=high, unit=unit, **flags)


def _money(low: int = 0, high: int = 10**12, **flags: Unpack[_Flags]) -> Column:
    return _integer(low, high, unit="fen", **flags)


CUSTOMERS = Table(
    "customers",
    {
        "customer_id": _key(),
        "created_at": _instant(required=True),
        "name": _text(personal=True),
        "phone": _text(personal=True),
        "birth_date": _instant(earliest=OLDEST_BIRTH, personal=True),
        "gender": _category(("female", "male"), personal=True, protected=True),
        "region": _text(),
        "city": _text(),
        "store_id": _reference(),
        "distance_km": _number(0, 20_000, unit="km"),
        "household_size": _integer(1, 20),
        "occupation": _text(),
        "monthly_income": _money(personal=True),
        "budget_low": _money(),
        "budget_high": _money(),
        "preferred_energy_type": _category(ENERGY_TYPES),
        "preferred_body_type": _category(BODY_TYPES),
    },
    key=("customer_id",),
    time="created_at",
)

VEHICLES = Table(
    "vehicles",
    {
        "vehicle_id": _key(),
        "kind": _category(("catalogue", "unit")),
        "catalogue_id": _reference(),
        "vin": _reference(personal=True),
        "condition": _category(CONDITIONS),
        "brand": _text(),
        "series": _text(),
        "model": _text(),
        "trim": _text(),
        "body_type": _category(BODY_TYPES),
        "energy_type": _category(ENERGY_TYPES),
        "use": _category(USES),
        "seats": _integer(1, 60),
        "power_kw": _number(0, 2_000, unit="kW"),
        "range_km": _number(0, 3_000, unit="km"),
        "model_year": _integer(1950, 2100),
        "launched_at": _instant(),
        "first_registered_at": _instant(),
        "age_months": _number(0, 1_200, unit="months"),
        "mileage_km": _number(0, 2_000_000, unit="km"),
        "price": _money(),
        "cost": _money(),
        "store_id": _reference(),
        "listed_at": _instant(),
        "sold_at": _instant(outcome=True),
    },
    key=("vehicle_id",),
    time="listed_at",
)

EVENTS = Table(
    "events",
    {
        "event_id": _key(),
        "event_at": _instant(required=True),
        "event_type": _category(EVENT_TYPES),
        "customer_id": _reference(),
        "visitor_id": _reference(),
        "session_id": _reference(),
        "vehicle_id": _reference(),
        "model": _text(),
        "store_id": _reference(),
        "channel": _category(CHANNELS),
        "dwell_seconds": _number(0, 86_400, unit="s"),
        "position": _integer(1, 10_000),
        "request_id": _reference(),
    },
    key=("event_id",),
    time="event_at",
)

# A vehicle that a page showed, with the probability that the logging policy put it at its place: what evaluates another
# policy on the log. An outcome is an event with the request_id and the vehicle_id of the exposure.
EXPOSURES = Table(
    "exposures",
    {
        "request_id": _key(),
        "vehicle_id": _key(),
        "visitor_id": _reference(),
        "store_id": _reference(),
        "place": Column(pl.Int64, nullable=False, required=True, low=1, high=10_000),
        "propensity": Column(pl.Float64, nullable=False, required=True, low=1e-12, high=1),
        "model_version": _text(),
        "shown_at": _instant(required=True),
    },
    key=("request_id", "vehicle_id"),
    time="shown_at",
)

LEADS = Table(
    "leads",
    {
        "lead_id": _key(),
        "created_at": _instant(required=True),
        "customer_id": _reference(),
        "store_id": _reference(),
        "channel": _category(CHANNELS),
        "campaign": _text(),
        "model": _text(),
        "vehicle_id": _reference(),
        "price": _money(),
        "budget": _money(),
        "distance_km": _number(0, 20_000, unit="km"),
        "acquisition_cost": _money(),
        "salesperson_id": _reference(outcome=True),
        "first_contact_at": _instant(outcome=True),
        "last_contact_at": _instant(outcome=True),
        "contact_count": _integer(0, 1_000, outcome=True),
        "converted": _flag(outcome=True),
        "converted_at": _instant(outcome=True),
        "closed_at": _instant(outcome=True),
        "gross_margin": _money(-(10**12), outcome=True),
    },
    key=("lead_id",),
    time="created_at",
)

APPLICATIONS = Table(
    "applications",
    {
        "application_id": _key(),
        "submitted_at": _instant(required=True),
        "customer_id": _reference(),
        "store_id": _reference(),
        "vehicle_id": _reference(),
        "channel": _category(CHANNELS),
        "region": _text(),
        "condition": _category(CONDITIONS),
        "energy_type": _category(ENERGY_TYPES),
        "use": _category(USES),
        "vehicle_price": _money(1),
        "down_payment": _money(),
        "loan_amount": _money(1),
        "term_months": _integer(1, 120, unit="months"),
        "annual_rate": _number(0, 1, unit="per year"),
        "monthly_income": _money(personal=True),
        "monthly_debt_payment": _money(personal=True),
        "housing": _category(("own", "mortgage", "rent", "family", "employer"), personal=True),
        "marital_status": _category(("single", "married", "divorced", "widowed"), personal=True, protected=True),
        "education": _category(("secondary", "college", "bachelor", "postgraduate"), personal=True),
        "occupation": _text(personal=True),
        "employment_months": _integer(0, 720, unit="months", personal=True),
        "residence_months": _integer(0, 1_200, unit="months", personal=True),
        "dependents": _integer(0, 20, personal=True),
        "co_borrower": _flag(personal=True),
        "bureau_score": _number(0, 1_000, personal=True),
        "bureau_history_months": _integer(0, 1_200, unit="months", personal=True),
        "bureau_open_accounts": _integer(0, 500, personal=True),
        "bureau_enquiries_6m": _integer(0, 500, personal=True),
        "bureau_delinquencies_24m": _integer(0, 500, personal=True),
        "bureau_worst_days_past_due": _integer(0, 3_650, unit="days", personal=True),
        "bureau_utilisation": _number(0, 100_000, personal=True),
        "gender": _category(("female", "male"), personal=True, protected=True),
        "age_band": _category(("18-24", "25-34", "35-44", "45-54", "55-64", "65+"), personal=True, protected=True),
        "decision": _category(("approve", "refer", "decline"), outcome=True),
        "decided_at": _instant(outcome=True),
    },
    key=("application_id",),
    time="submitted_at",
)

LOAN_OUTCOMES = Table(
    "loan_outcomes",
    {
        "application_id": _key(),
        "defaulted": _flag(required=True, outcome=True),
        "originated_at": _instant(outcome=True),
        "observed_at": _instant(outcome=True),
        "defaulted_at": _instant(outcome=True),
        "months_on_book": _integer(0, 600, unit="months", outcome=True),
        "loss": _money(outcome=True),
    },
    key=("application_id",),
    time="observed_at",
)

SALES = Table(
    "sales",
    {
        "sale_id": _key(),
        "sold_at": _instant(required=True),
        "store_id": _reference(),
        "region": _text(),
        "brand": _text(),
        "series": _text(),
        "model": _text(),
        "vehicle_id": _reference(),
        "customer_id": _reference(),
        "lead_id": _reference(),
        "quantity": _number(-1_000_000, 1_000_000),
        "price": _money(),
        "gross_margin": _money(-(10**12)),
        "promotion": _number(0, 1),
    },
    key=("sale_id",),
    time="sold_at",
)

STOCK = Table(
    "stock",
    {
        "store_id": _key(),
        "model": _key(),
        "snapshot_at": _instant(required=True),
        "quantity": _number(0, 1_000_000),
        "days_in_stock": _number(0, 31, unit="days"),
        "received": _number(0, 1_000_000),
        "price": _money(),
        "promotion": _number(0, 1),
    },
    key=("store_id", "model", "snapshot_at"),
    time="snapshot_at",
)

SERVICE_RECORDS = Table(
    "service_records",
    {
        "record_id": _key(),
        "serviced_at": _instant(required=True),
        "reported_at": _instant(),
        "vehicle_id": _reference(),
        "store_id": _reference(),
        "model": _text(),
        "component": _text(),
        "fault": _flag(),
        "line_text": _text(),
        "odometer_km": _number(0, 2_000_000, unit="km"),
        "labour_hours": _number(0, 1_000, unit="h"),
        "cost": _money(),
    },
    key=("record_id",),
    time="serviced_at",
)

FLEET = Table(
    "fleet",
    {
        "vehicle_id": _key(),
        "vin": _reference(personal=True),
        "model": _text(),
        "energy_type": _category(ENERGY_TYPES),
        "built_at": _instant(),
        "entered_service_at": _instant(required=True),
        "left_service_at": _instant(outcome=True),
        "customer_id": _reference(),
        "store_id": _reference(),
        "monthly_km": _number(0, 100_000, unit="km per month"),
    },
    key=("vehicle_id",),
    time="entered_service_at",
)

_TRADE = (CUSTOMERS, VEHICLES, EVENTS, EXPOSURES, LEADS, APPLICATIONS, LOAN_OUTCOMES, SALES, STOCK)
_ALL = (*_TRADE, SERVICE_RECORDS, FLEET)
TABLES: dict[str, Table] = {t.name: t for t in _ALL}

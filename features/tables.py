"""Contracts of the raw tables: type, unit, range, key, and personal data of every column.

Every range is defined here and nowhere else. `features.sources` maps the columns of a dealership onto these tables, the
tasks' request models use the same types and ranges, and the sample dealership is validated like any other data.

Units: instants are int64 microseconds since 1970-01-01 UTC (`us`; sources.yaml converts dates and timestamps), money is
integer fen (`fen`; `factor: 100` converts yuan), rates are fractions per year, terms are months, distances are km. Only
keys and time columns are required, and the columns marked as required below; a model does not use a column that is
missing.
"""

from __future__ import annotations

from functools import partial
from typing import TypedDict, Unpack

import polars as pl

from features.contracts import Column, Table

EARLIEST = -1_577_923_200_000_000  # 1920-01-01, after dates that mean "missing": 1900-01-01, 1899-12-30
LATEST = 4_102_444_800_000_000  # 2100-01-01
OLDEST_BIRTH = -2_208_988_800_000_000  # 1900-01-01

ENERGY_TYPES = ("combustion", "hybrid", "plug_in_hybrid", "range_extended", "battery_electric")
BODY_TYPES = ("sedan", "suv", "mpv", "hatchback", "coupe", "pickup", "van", "wagon")
CONDITIONS = ("new", "used")
USES = ("private", "commercial")
DENOMINATOR_KINDS = ("in_use", "sales", "complaints")  # vehicles in use in a month, sold in it, or complaints of it
CHANNELS = ("walk_in", "website", "app", "search_ad", "social", "marketplace", "referral", "phone", "event")
EVENT_TYPES = (
    "impression", "view", "search", "favourite", "compare", "price_list", "finance_quote", "chat",
    "test_drive_request", "test_drive", "order",
)  # fmt: skip


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
    "customers",  # one row per customer
    {
        "customer_id": _key(),
        "created_at": _instant(required=True),  # creation of the customer record
        "name": _text(personal=True),
        "phone": _text(personal=True),
        "birth_date": _instant(earliest=OLDEST_BIRTH, personal=True),
        "gender": _category(("female", "male"), personal=True, protected=True),
        "region": _text(),  # for example a province
        "city": _text(),
        "store_id": _reference(),  # home store
        "distance_km": _number(0, 20_000, unit="km"),  # from home to the store
        "household_size": _integer(1, 20),
        "occupation": _text(),
        "monthly_income": _money(personal=True),  # before tax
        "budget_low": _money(),  # price range that the customer states
        "budget_high": _money(),
        "preferred_energy_type": _category(ENERGY_TYPES),
        "preferred_body_type": _category(BODY_TYPES),
    },
    key=("customer_id",),
    time="created_at",
)

VEHICLES = Table(
    "vehicles",  # one row per model version on offer (`catalogue`) and per physical vehicle (`unit`)
    {
        "vehicle_id": _key(),
        "kind": _category(("catalogue", "unit")),
        "catalogue_id": _reference(refers_to="vehicles.vehicle_id"),  # of a unit: the `vehicle_id` of its model version
        "vin": _reference(personal=True),
        "condition": _category(CONDITIONS),
        "brand": _text(),
        "series": _text(),  # model family
        "model": _text(),
        "trim": _text(),  # equipment version
        "body_type": _category(BODY_TYPES),
        "energy_type": _category(ENERGY_TYPES),
        "use": _category(USES),
        "seats": _integer(1, 60),
        "power_kw": _number(0, 2_000, unit="kW"),  # maximum engine or motor power
        "range_km": _number(0, 3_000, unit="km"),  # electric driving range
        "model_year": _integer(1950, 2100),
        "launched_at": _instant(),  # market launch of the model version
        "built_at": _instant(),  # production date
        "first_registered_at": _instant(),  # of a used vehicle
        "age_months": _number(0, 1_200, unit="months"),  # since first registration, at `listed_at`
        "mileage_km": _number(0, 2_000_000, unit="km"),  # odometer at `listed_at`
        "price": _money(),  # list price of new vehicles, asking price of used ones
        "cost": _money(),  # purchase cost of the dealership
        "store_id": _reference(),
        "listed_at": _instant(),  # first day on offer
        "sold_at": _instant(outcome=True),
        "reserved_at": _instant(outcome=True),  # since when it is held for a buyer; null while on offer
        "withdrawn_at": _instant(outcome=True),  # end of the offer without a sale
    },
    key=("vehicle_id",),
    time="listed_at",
)

EVENTS = Table(
    "events",  # one row per action of a customer or visitor, online or in a store
    {
        "event_id": _key(),
        "event_at": _instant(required=True),
        "event_type": _category(EVENT_TYPES),
        "customer_id": _reference(refers_to="customers.customer_id"),
        "visitor_id": _reference(),  # cookie or device, also of visitors who are not customers yet
        "session_id": _reference(),  # one visit
        "vehicle_id": _reference(refers_to="vehicles.vehicle_id"),
        "model": _text(),  # model viewed, where no single vehicle is known
        "store_id": _reference(),
        "channel": _category(CHANNELS),
        "dwell_seconds": _number(0, 86_400, unit="s"),  # time on the page
        "position": _integer(1, 10_000),  # of the vehicle in the list shown, from 1
        "request_id": _reference(),  # recommendation request that displayed the vehicle
    },
    key=("event_id",),
    time="event_at",
)

# One row per vehicle shown by a recommender, for off-policy evaluation of another one. `place` is its position in
# the list, from 1; `propensity` is the probability that the recommender put it there. Its outcome is the event with the
# same `request_id` and `vehicle_id`.
EXPOSURES = Table(
    "exposures",
    {
        "request_id": _key(),  # recommendation request
        "vehicle_id": _key(refers_to="vehicles.vehicle_id"),
        "customer_id": _reference(refers_to="customers.customer_id"),
        "visitor_id": _reference(),
        "store_id": _reference(),
        "place": Column(pl.Int64, nullable=False, required=True, low=1, high=10_000),
        "propensity": Column(pl.Float64, nullable=False, required=True, low=1e-12, high=1),
        "model_version": _text(),  # of the recommender
        "shown_at": _instant(required=True),
    },
    key=("request_id", "vehicle_id"),
    time="shown_at",
)

LEADS = Table(
    "leads",  # one row per lead (sales enquiry)
    {
        "lead_id": _key(),
        "created_at": _instant(required=True),
        "customer_id": _reference(refers_to="customers.customer_id"),
        "store_id": _reference(),
        "channel": _category(CHANNELS),
        "campaign": _text(),  # advertising campaign
        "model": _text(),  # model of interest
        "vehicle_id": _reference(refers_to="vehicles.vehicle_id"),  # vehicle of interest
        "price": _money(),  # price of the vehicle of interest
        "budget": _money(),  # stated by the customer
        "distance_km": _number(0, 20_000, unit="km"),  # from home to the store
        "acquisition_cost": _money(),  # paid for the lead
        "salesperson_id": _reference(outcome=True),
        "first_contact_at": _instant(outcome=True),
        "last_contact_at": _instant(outcome=True),
        "contact_count": _integer(0, 1_000, outcome=True),
        "converted": _flag(outcome=True),  # whether the customer ordered a vehicle
        "converted_at": _instant(outcome=True),  # when the customer ordered
        "closed_at": _instant(outcome=True),  # when the lead was lost
        "gross_margin": _money(-(10**12), outcome=True),  # of the sale; may be negative
    },
    key=("lead_id",),
    time="created_at",
)

APPLICATIONS = Table(
    "applications",  # one row per loan application
    {
        "application_id": _key(),
        "submitted_at": _instant(required=True),
        "customer_id": _reference(refers_to="customers.customer_id"),
        "store_id": _reference(),
        "vehicle_id": _reference(refers_to="vehicles.vehicle_id"),
        "channel": _category(CHANNELS),
        "region": _text(protected=True),  # a place of residence must not decide on a loan
        "condition": _category(CONDITIONS),
        "energy_type": _category(ENERGY_TYPES),
        "use": _category(USES),
        "vehicle_price": _money(1),
        "down_payment": _money(),
        "loan_amount": _money(1),  # amount applied for
        "term_months": _integer(1, 120, unit="months"),
        "annual_rate": _number(0, 1, unit="per year"),  # nominal; 0.06 is 6%
        "monthly_income": _money(personal=True),  # before tax
        "monthly_debt_payment": _money(personal=True),  # instalments of other loans
        "housing": _category(("own", "mortgage", "rent", "family", "employer"), personal=True),
        "marital_status": _category(("single", "married", "divorced", "widowed"), personal=True, protected=True),
        "education": _category(("secondary", "college", "bachelor", "postgraduate"), personal=True, protected=True),
        "occupation": _text(personal=True),
        "employment_months": _integer(0, 720, unit="months", personal=True),  # with the present employer
        "residence_months": _integer(0, 1_200, unit="months", personal=True),  # at the present address
        "dependents": _integer(0, 20, personal=True),  # number of persons
        "co_borrower": _flag(personal=True),  # whether a second person signs
        "bureau_score": _number(0, 1_000, personal=True),  # credit bureau score, on the bureau's own scale
        "bureau_history_months": _integer(0, 1_200, unit="months", personal=True),  # age of the oldest account
        "bureau_open_accounts": _integer(0, 500, personal=True),
        "bureau_enquiries_6m": _integer(0, 500, personal=True),  # enquiries in the last 6 months
        "bureau_delinquencies_24m": _integer(0, 500, personal=True),  # late payments in the last 24 months
        "bureau_worst_days_past_due": _integer(0, 3_650, unit="days", personal=True),  # longest delay
        "bureau_utilisation": _number(0, 100_000, personal=True),  # balance over limit of revolving credit; 1 is 100%
        "gender": _category(("female", "male"), personal=True, protected=True),
        "age_band": _category(("18-24", "25-34", "35-44", "45-54", "55-64", "65+"), personal=True, protected=True),
        "decision": _category(("approve", "refer", "decline"), outcome=True),  # of the dealership's pre-assessment
        "decided_at": _instant(outcome=True),
    },
    key=("application_id",),
    time="submitted_at",
)

LOAN_OUTCOMES = Table(
    "loan_outcomes",  # one row per granted loan
    {
        "application_id": _key(refers_to="applications.application_id"),
        "defaulted": _flag(required=True, outcome=True),  # within the observation window; null while it is open
        "originated_at": _instant(outcome=True),  # payout of the loan
        "observed_at": _instant(outcome=True),  # end of the observation window
        "defaulted_at": _instant(outcome=True),
        "months_on_book": _integer(0, 600, unit="months", outcome=True),  # from payout to default, repayment or today
        "loss": _money(outcome=True),  # loss given default; 0 without default
    },
    key=("application_id",),
    time="observed_at",
)

SALES = Table(
    "sales",  # one row per sale; returns have a negative quantity
    {
        "sale_id": _key(),
        "sold_at": _instant(required=True),
        "store_id": _reference(),
        "region": _text(),
        "brand": _text(),
        "series": _text(),  # model family
        "model": _text(),
        "vehicle_id": _reference(refers_to="vehicles.vehicle_id"),
        "customer_id": _reference(refers_to="customers.customer_id"),
        "lead_id": _reference(refers_to="leads.lead_id"),  # lead that led to the sale
        "quantity": _number(-1_000_000, 1_000_000),  # number of vehicles
        "price": _money(),  # per vehicle
        "gross_margin": _money(-(10**12)),  # of the sale; may be negative
        "promotion": _number(0, 1),  # discount as a fraction of the list price
    },
    key=("sale_id",),
    time="sold_at",
)

STOCK = Table(
    "stock",  # one row per store, model and snapshot; a snapshot closes the period that ends at `snapshot_at`
    {
        "store_id": _key(),
        "model": _key(),
        "snapshot_at": _instant(required=True),  # end of the period, such as local midnight after a month's last day
        "quantity": _number(0, 1_000_000),  # vehicles in stock at `snapshot_at`
        "days_in_stock": _number(0, 31, unit="days"),  # days of the period that began with stock
        "received": _number(0, 1_000_000),  # vehicles delivered in the period
        "price": _money(),  # price per vehicle
        "promotion": _number(0, 1),  # discount as a fraction of the list price
    },
    key=("store_id", "model", "snapshot_at"),
    time="snapshot_at",
)

SERVICE_RECORDS = Table(
    "service_records",  # one row per line of a workshop invoice, complaint, or line of a table of counts (`count`)
    {
        "record_id": _key(),
        "serviced_at": _instant(required=True),  # workshop visit, complaint, or any day of the month of a monthly count
        "reported_at": _instant(),  # arrival of the record in the database; later than the visit by the reporting delay
        "vehicle_id": _reference(refers_to="fleet.vehicle_id"),
        "job_id": _reference(),  # job card or complaint; its lines are one visit
        "store_id": _reference(),
        "model": _text(),
        "model_year": _integer(1950, 2100),
        "component": _text(),  # null for labour and unmapped lines
        "fault": _flag(),  # whether the line repairs a fault; false for routine work
        "count": _integer(0, 10_000_000),  # events that the row stands for; null means 1
        "line_text": _text(),  # text of the invoice line
        "fault_code": _text(),  # trouble code read from the vehicle, such as C1234
        "odometer_km": _number(0, 2_000_000, unit="km"),
        "labour_hours": _number(0, 1_000, unit="h"),
        "cost": _money(),  # amount of the line
    },
    key=("record_id",),
    time="serviced_at",
)

FLEET = Table(
    "fleet",  # one row per vehicle sold or serviced by the dealership
    {
        "vehicle_id": _key(),
        "vin": _reference(personal=True),
        "model": _text(),
        "energy_type": _category(ENERGY_TYPES),
        "model_year": _integer(1950, 2100),
        "built_at": _instant(),  # production date
        "entered_service_at": _instant(required=True),  # start of use, usually the registration
        "left_service_at": _instant(outcome=True),  # scrapped, exported or sold away; null while in use
        "customer_id": _reference(refers_to="customers.customer_id"),
        "store_id": _reference(),
        "monthly_km": _number(0, 100_000, unit="km per month"),  # average distance driven
    },
    key=("vehicle_id",),
    time="entered_service_at",
)

# Faults per unit of `count` replace faults per vehicle of `fleet` or per visit. A null `component` or `model_year`
# means all; a row that names a component takes precedence over the rows of all components.
DENOMINATORS = Table(
    "denominators",  # one row per model and month, and per component or model year where these are known
    {
        "model": _key(),
        "component": _text(),
        "model_year": _integer(1950, 2100),
        "month": _instant(required=True),  # any instant of the month
        "count": Column(pl.Int64, nullable=False, required=True, low=0, high=10_000_000_000),
        "kind": _category(DENOMINATOR_KINDS),  # what `count` counts; null means in_use
    },
    key=("model", "component", "model_year", "month"),
    time="month",
)

_TRADE = (CUSTOMERS, VEHICLES, EVENTS, EXPOSURES, LEADS, APPLICATIONS, LOAN_OUTCOMES, SALES, STOCK)
_ALL = (*_TRADE, SERVICE_RECORDS, FLEET, DENOMINATORS)
TABLES: dict[str, Table] = {t.name: t for t in _ALL}

"""The feedback store: events, exposures, leads, outcomes and pushed stock, with the columns of the contracts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "feedback_0001"
down_revision = None

INTEGER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TEXT, NUMBER = sa.Text, sa.Double

# The columns of the contracts of `features.tables` as of this revision.
EVENTS = {
    "event_type": TEXT, "customer_id": TEXT, "visitor_id": TEXT, "session_id": TEXT, "vehicle_id": TEXT, "model": TEXT,
    "store_id": TEXT, "channel": TEXT, "dwell_seconds": NUMBER, "position": INTEGER, "request_id": TEXT,
}  # fmt: skip
LEADS = {
    "customer_id": TEXT, "store_id": TEXT, "channel": TEXT, "campaign": TEXT, "model": TEXT, "vehicle_id": TEXT,
    "price": INTEGER, "budget": INTEGER, "distance_km": NUMBER, "acquisition_cost": INTEGER,
}  # fmt: skip
VEHICLES = {
    "kind": TEXT, "catalogue_id": TEXT, "vin": TEXT, "condition": TEXT, "brand": TEXT, "series": TEXT, "model": TEXT,
    "trim": TEXT, "body_type": TEXT, "energy_type": TEXT, "use": TEXT, "seats": INTEGER, "power_kw": NUMBER,
    "range_km": NUMBER, "model_year": INTEGER, "launched_at": INTEGER, "built_at": INTEGER,
    "first_registered_at": INTEGER, "age_months": NUMBER, "mileage_km": NUMBER, "price": INTEGER, "cost": INTEGER,
    "store_id": TEXT, "listed_at": INTEGER,
}  # fmt: skip
STATES = ("sold_at", "reserved_at", "withdrawn_at")

LEAD_OUTCOMES = """
CREATE VIEW lead_outcomes AS SELECT
    lead_id,
    (SELECT e.salesperson_id FROM lead_events e WHERE e.lead_id = o.lead_id AND e.salesperson_id IS NOT NULL
        ORDER BY e.event_at DESC, e.event_id DESC LIMIT 1) AS salesperson_id,
    min(CASE WHEN type IN ('called', 'answered') THEN event_at END) AS first_contact_at,
    max(CASE WHEN type IN ('called', 'answered') THEN event_at END) AS last_contact_at,
    count(DISTINCT CASE WHEN type IN ('called', 'answered') THEN event_at END) AS contact_count,
    CASE WHEN count(CASE WHEN type = 'sold' THEN 1 END) > 0 THEN TRUE
         WHEN count(CASE WHEN type = 'lost' THEN 1 END) > 0 THEN FALSE END AS converted,
    min(CASE WHEN type = 'sold' THEN event_at END) AS converted_at,
    COALESCE(min(CASE WHEN type = 'sold' THEN event_at END), max(CASE WHEN type = 'lost' THEN event_at END))
        AS closed_at,
    (SELECT e.gross_margin FROM lead_events e WHERE e.lead_id = o.lead_id AND e.type = 'sold'
        ORDER BY e.event_at, e.event_id LIMIT 1) AS gross_margin
FROM lead_events o GROUP BY lead_id
"""
OUTCOME_NAMES = (
    "salesperson_id", "first_contact_at", "last_contact_at", "contact_count", "converted", "converted_at", "closed_at",
    "gross_margin",
)  # fmt: skip
# The earliest event of a loan decides: a default after the observation window changes no label.
LOAN_OUTCOMES = """
CREATE VIEW loan_outcomes AS SELECT
    application_id,
    (first_default IS NOT NULL AND (first_other IS NULL OR first_default <= first_other)) AS defaulted,
    originated_at,
    CASE WHEN first_other IS NULL OR first_default <= first_other THEN first_default ELSE first_other END
        AS observed_at,
    CASE WHEN first_other IS NULL OR first_default <= first_other THEN first_default END AS defaulted_at,
    months_on_book,
    CASE WHEN first_other IS NULL OR first_default <= first_other THEN loss ELSE 0 END AS loss
FROM (SELECT
    application_id,
    min(CASE WHEN type = 'defaulted' THEN event_at END) AS first_default,
    min(CASE WHEN type <> 'defaulted' THEN event_at END) AS first_other,
    min(originated_at) AS originated_at,
    max(months_on_book) AS months_on_book,
    max(loss) AS loss
FROM loan_events GROUP BY application_id) loans
"""


def upgrade() -> None:
    """Create the tables and views; called by Alembic."""
    # An event's digest tells a repetition from another event with the same id.
    op.create_table(
        "event_receipts",
        sa.Column("event_id", TEXT, primary_key=True),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("event_at", INTEGER, nullable=False),
    )
    op.create_index("event_receipts_event_at", "event_receipts", ["event_at"])
    _events_and_leads()
    _loans()
    _stock()


def _events_and_leads() -> None:
    _table("events", "event_id", {"event_at": INTEGER, **EVENTS}, required=("event_at", "event_type"))
    op.create_index("events_event_at", "events", ["event_at"])
    op.create_table(
        "exposures",
        sa.Column("request_id", TEXT, primary_key=True),
        sa.Column("vehicle_id", TEXT, primary_key=True),
        sa.Column("customer_id", TEXT),
        sa.Column("visitor_id", TEXT),
        sa.Column("store_id", TEXT),
        sa.Column("place", INTEGER, nullable=False),
        sa.Column("propensity", NUMBER, nullable=False),
        sa.Column("model_version", TEXT),
        sa.Column("shown_at", INTEGER, nullable=False),
    )
    op.create_index("exposures_shown_at", "exposures", ["shown_at"])
    _table("lead_records", "lead_id", {"created_at": INTEGER, **LEADS}, required=("created_at",))
    columns = {"lead_id": TEXT, "type": TEXT, "event_at": INTEGER, "salesperson_id": TEXT, "gross_margin": INTEGER}
    _table("lead_events", "event_id", columns, required=("lead_id", "type", "event_at"))
    op.create_index("lead_events_lead_id", "lead_events", ["lead_id"])
    op.execute(LEAD_OUTCOMES)
    names = ", ".join(f"r.{name}" for name in ("lead_id", "created_at", *LEADS))
    outcomes = ", ".join(f"o.{name}" for name in OUTCOME_NAMES)
    join = "lead_records r LEFT JOIN lead_outcomes o ON o.lead_id = r.lead_id"
    op.execute(f"CREATE VIEW leads AS SELECT {names}, {outcomes} FROM {join}")


def _loans() -> None:
    columns = {
        "application_id": TEXT, "type": TEXT, "event_at": INTEGER, "originated_at": INTEGER, "months_on_book": INTEGER,
        "loss": INTEGER,
    }  # fmt: skip
    _table("loan_events", "event_id", columns, required=("application_id", "type", "event_at"))
    op.create_index("loan_events_application_id", "loan_events", ["application_id"])
    op.execute(LOAN_OUTCOMES)


def _stock() -> None:
    """Create the pushed vehicles, the states that changes set, the revision of both, and the view of vehicles."""
    _table("stock_vehicles", "vehicle_id", {**VEHICLES, **dict.fromkeys(STATES, INTEGER), "own_features": TEXT})
    op.create_index("stock_vehicles_store_id", "stock_vehicles", ["store_id"])
    _table("stock_states", "vehicle_id", dict.fromkeys(STATES, INTEGER))
    op.create_table(
        "stock_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("listings", INTEGER, nullable=False),
        sa.Column("states", INTEGER, nullable=False),
    )
    op.execute("INSERT INTO stock_head (id, listings, states) VALUES (1, 0, 0)")
    names = ", ".join(f"v.{name}" for name in ("vehicle_id", *VEHICLES, "own_features"))
    states = ", ".join(f"COALESCE(s.{name}, v.{name}) AS {name}" for name in STATES)
    join = "stock_vehicles v LEFT JOIN stock_states s ON s.vehicle_id = v.vehicle_id"
    op.execute(f"CREATE VIEW vehicles AS SELECT {names}, {states} FROM {join}")


def _table(name: str, key: str, columns: dict[str, Any], *, required: tuple[str, ...] = ()) -> None:
    others = [sa.Column(n, kind, nullable=n not in required) for n, kind in columns.items()]
    op.create_table(name, sa.Column(key, TEXT, primary_key=True), *others)

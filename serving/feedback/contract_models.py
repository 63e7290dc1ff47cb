"""Request models with the types and ranges of table contracts, and their rows in the units of the tables."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from pydantic import BaseModel, create_model

from features.contracts import Table
from ml.instants import microseconds
from ml.requests import request_model
from ml.signature import FEN, Name, Signature, contract_fields

CLOCK_SKEW_US = 300_000_000  # an instant may be this far in the future: clocks of senders differ
FUTURE = "must not be in the future; check the sender's clock and the UTC offset"


def contract_model(
    name: str, table: Table, columns: Collection[str], *, required: Collection[str] = ()
) -> type[BaseModel]:
    """Return a request model with columns of a contract: money in yuan, instants in ISO 8601, unknown fields refused.

    Parameters
    ----------
    name : str
        Name of the class.
    table : Table
        A constant of `features.tables`.
    columns : collection of str
        Columns of the contract that requests may have; outcomes among them as well.
    required : collection of str
        Columns with a text that every request must have, such as keys.

    Examples
    --------
    >>> from features.tables import EVENTS
    >>> View = contract_model("View", EVENTS, ["vehicle_id", "dwell_seconds"], required=["vehicle_id"])
    >>> View(vehicle_id="V1", dwell_seconds=12.5).dwell_seconds
    12.5
    """
    # As features, blank texts are missing values.
    chosen = tuple(
        field.model_copy(update={"feature": True})
        for field in contract_fields(table, outcomes=True)
        if field.name in columns and field.name not in required
    )
    keys: Any = dict.fromkeys(required, (Name, ...))
    return create_model(name, __base__=request_model(name, Signature(fields=chosen)), **keys)


def row_of(request: BaseModel, table: Table, *, now: int) -> dict[str, Any]:
    """Return the values of a request by column, in the units of the table: yuan become fen, instants microseconds.

    Parameters
    ----------
    request : BaseModel
        Of a class that `contract_model` returned.
    table : Table
        The contract that was passed to `contract_model`.
    now : int
        Present instant (microseconds since 1970 UTC), for the check of outcomes.

    Raises
    ------
    OutOfRange
        An instant is outside the range of its column, or more than five minutes in the future.

    Examples
    --------
    >>> from features.tables import LEADS
    >>> Lead = contract_model("Lead", LEADS, ["lead_id", "budget"])
    >>> row_of(Lead(lead_id="L1", budget=150000.5), LEADS, now=0)
    {'lead_id': 'L1', 'budget': 15000050}
    """
    row = {}
    for name in type(request).model_fields:
        column, value = table.columns.get(name), getattr(request, name)
        if column is not None:
            if column.unit == "fen" and value is not None:
                value = round(value * FEN)
            elif isinstance(value, datetime):
                value = instant_of(name, value, table, now=now)
            row[name] = value
    return row


def instant_of(name: str, value: datetime, table: Table, *, now: int) -> int:
    """Return an instant in microseconds since 1970 UTC, if it is in the range of its column and not in the future.

    Parameters
    ----------
    name : str
        Column of the table.
    value : datetime
        With time zone.
    table : Table
        A constant of `features.tables`.
    now : int
        Present instant (microseconds since 1970 UTC).

    Raises
    ------
    OutOfRange
        The instant is outside the range of its column, or more than five minutes in the future.
    """
    us, column = microseconds(value), table.columns[name]
    is_past = name == table.time or column.outcome
    if is_past and us > now + CLOCK_SKEW_US:
        raise OutOfRange(name, "future", FUTURE)
    if column.low is not None and column.high is not None and not column.low <= us <= column.high:
        raise OutOfRange(name, "range", "must be from 1920 to 2099")
    return us


class OutOfRange(Exception):
    """A value that its column does not accept.

    Attributes
    ----------
    field, rule, message : str
        Name of the field, code of the rule, and the rule in words.
    """

    def __init__(self, field: str, rule: str, message: str) -> None:
        super().__init__(rule)
        self.field = field
        self.rule = rule
        self.message = message

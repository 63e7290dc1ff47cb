"""`GET /v1/leads/expected`: sales that the scores of leads at their creation made expect, and those that came."""

from __future__ import annotations

import math
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from serving.work.leads.requests import champion_fields, iso
from serving.work.leads.rules import lead_rules
from serving.work.leads.scores import DAY, Evidence, Z, evidence
from serving.work.leads.staff import visible_stores
from serving.work.routing import WorkRequest, WorkRoute

State = Literal["above", "within", "below"]


class ExpectedFilters(BaseModel):
    """Query string of `GET /v1/leads/expected`."""

    model_config = ConfigDict(extra="forbid")

    store_id: str | None = Field(None, max_length=200)
    by: Literal["week", "month"] = "week"


class ExpectedSales(BaseModel):
    """Sales of a group of leads."""

    leads: int
    expected: float = Field(description="sum of the probabilities of a sale at the creation of the leads")
    low: float = Field(description="95 % interval of the number of sales if every probability is right")
    high: float
    actual: int
    state: State = Field(description="whether the number of sales lies outside of the interval")


class StoreSales(ExpectedSales):
    """Sales of a store."""

    store_id: str


class PeriodSales(ExpectedSales):
    """Sales of the leads of a week or month."""

    start: str = Field(description="first day, local")


class ExpectedAnswer(BaseModel):
    """Answer of `GET /v1/leads/expected`."""

    since: str | None = Field(description="first lead")
    until: str | None = Field(description="leads created later are left out: their horizon is not over")
    horizon_days: float
    total: ExpectedSales
    stores: list[StoreSales] = Field(description="the one that is farthest below first")
    periods: list[PeriodSales]


def get_expected(request: WorkRequest) -> ExpectedAnswer:
    """Answer `GET /v1/leads/expected`."""
    context, filters = request.context, request.parameters
    stores = visible_stores(request, filters.store_id)
    champion_fields(context)
    loaded = context.store.current("lead_scoring")
    horizon = float(loaded.estimator.params.horizon_days)  # type: ignore[union-attr, attr-defined]
    rules = lead_rules(context)
    past: Evidence = evidence(request, days=rules.evidence_days, horizon_days=horizon, complete=True)
    rows = past.rows.filter(pl.col("store_id").is_in(stores))
    local = pl.from_epoch("created_at", time_unit="us").dt.replace_time_zone("UTC")
    local = local.dt.convert_time_zone(context.clock.timezone.key)
    rows = rows.with_columns(start=local.dt.truncate("1w" if filters.by == "week" else "1mo").dt.date())
    by_store = [
        StoreSales(store_id=str(names[0]), **expected_sales(group).model_dump())
        for names, group in rows.group_by("store_id", maintain_order=True)
    ]
    by_store.sort(key=lambda s: (_distance(s), s.store_id))
    periods = [
        PeriodSales(start=str(names[0]), **expected_sales(group).model_dump())
        for names, group in rows.sort("start").group_by("start", maintain_order=True)
    ]
    end = context.clock.now() - int(horizon * DAY)
    first = rows["created_at"].min()
    return ExpectedAnswer(
        since=None if first is None else iso(int(first)),  # type: ignore[arg-type]
        until=None if first is None else iso(end),
        horizon_days=horizon,
        total=expected_sales(rows),
        stores=by_store,
        periods=periods,
    )


def expected_sales(rows: pl.DataFrame) -> ExpectedSales:
    """Return expected and actual sales of leads.

    The number of sales of leads with the probabilities p has the variance sum p (1 - p); its interval is that of the
    normal approximation, not below 0.

    Parameters
    ----------
    rows : DataFrame
        `probability` and `bought`.

    Examples
    --------
    >>> rows = pl.DataFrame({"probability": [0.5] * 100, "bought": [True] * 70 + [False] * 30})
    >>> sales = expected_sales(rows)
    >>> sales.expected, round(sales.low, 1), round(sales.high, 1), sales.actual, sales.state
    (50.0, 40.2, 59.8, 70, 'above')
    """
    p = rows["probability"].to_numpy()
    expected, spread = float(p.sum()), Z * math.sqrt(float((p * (1 - p)).sum()))
    low, high, actual = max(expected - spread, 0.0), expected + spread, int(rows["bought"].sum())
    state: State = "above" if actual > high else "below" if actual < low else "within"
    return ExpectedSales(leads=rows.height, expected=expected, low=low, high=high, actual=actual, state=state)


def _distance(sales: ExpectedSales) -> float:
    """Return actual minus expected sales in widths of the interval."""
    width = sales.high - sales.low
    return (sales.actual - sales.expected) / width if width else 0.0


ROUTES = (
    WorkRoute(
        "GET", "/v1/leads/expected",
        {"zh": "给出各门店预期与实际成交", "en": "Return expected and actual sales of leads by store and period"},
        get_expected, ExpectedAnswer, parameters=ExpectedFilters,
    ),
)  # fmt: skip

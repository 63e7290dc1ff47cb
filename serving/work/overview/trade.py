"""Sales, leads and stock as the dashboard counts them, prepared once a day of the desk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import polars as pl

from serving.work.clock import DAY
from serving.work.records import Records
from serving.work.routing import WorkContext

Result = TypeVar("Result")
MAX_RESULTS = 500
LOOKBACK_DAYS = 30  # before a sale, in which the buyer must have seen or clicked a recommended vehicle
LOAN_DAYS = 60  # between a sale and the payout of a loan of the same customer
HORIZON_DAYS = 30  # from a lead to its sale, unless the champion of lead_scoring has another horizon


class DayCache:
    """Results that hold for the rows of the tables and one day of the desk: periods end yesterday."""

    def __init__(self) -> None:
        self._results: WeakKeyDictionary[Records, dict[str, tuple[Any, Any]]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def cached(self, context: WorkContext, name: str, compute: Callable[[], Result]) -> Result:
        """Return ``compute()``, once for each state of the rows and day.

        Parameters
        ----------
        context : WorkContext
            With the records.
        name : str
            Name of the result, unique in the process.
        compute : callable
            Takes nothing.
        """
        records = context.records
        state = (records.tables.state, records.clock.local().date())
        with self._lock:
            results = self._results.setdefault(records, {})
        entry = results.get(name)
        if entry is None or entry[0] != state:
            result = compute()
            with self._lock:
                if len(results) >= MAX_RESULTS:  # of stores and periods that nobody looks at any more
                    results.clear()
                entry = results[name] = (state, result)
        return entry[1]  # type: ignore[no-any-return]


CACHE = DayCache()


def sales_rows(context: WorkContext) -> pl.DataFrame:
    """Return the sales until yesterday, with their condition, and whether they were financed and recommended.

    Columns: those of `sales`, `condition`, `is_financed` (null if no loan could be matched because the tables lack the
    keys), `is_clicked`, `is_shown` (null without buyer, or before the events that are kept).
    """
    return CACHE.cached(context, "sales", lambda: _sales_rows(context))


def lead_rows(context: WorkContext) -> pl.DataFrame:
    """Return the leads with `ripe_at`, when their horizon ends, and `is_sale`, a sale within it.

    Columns: `store_id`, `channel`, `ripe_at`, `is_sale`, `cost` (fen).
    """
    return CACHE.cached(context, "leads", lambda: _lead_rows(context))


def horizon_days(context: WorkContext) -> float:
    """Return the days within which a lead counts as sold: that of the champion of lead_scoring, or 30."""
    champion = context.store.current("lead_scoring")
    params = getattr(getattr(champion, "estimator", None), "params", None)
    return float(getattr(params, "horizon_days", HORIZON_DAYS))


def in_stock(context: WorkContext) -> pl.DataFrame:
    """Return the new vehicles in stock now: `store_id`, `listed_at`; empty without vehicles."""
    units = context.records.table("vehicles").filter(
        pl.col("kind").fill_null("unit") == "unit",
        pl.col("condition").fill_null("new") == "new",
        pl.col("store_id").is_not_null(),
        pl.col("sold_at").is_null() & pl.col("withdrawn_at").is_null(),
    )
    return units.select("store_id", "listed_at")


def of_stores(rows: pl.DataFrame, stores: frozenset[str] | None) -> pl.DataFrame:
    """Return the rows of some stores, or all for None."""
    return rows if stores is None else rows.filter(pl.col("store_id").is_in(sorted(stores)))


def between(rows: pl.DataFrame, column: str, start: int, end: int) -> pl.DataFrame:
    """Return the rows with an instant from `start` until before `end`."""
    return rows.filter(pl.col(column).is_between(start, end, closed="left"))


def store_regions(context: WorkContext) -> dict[str, str | None]:
    """Return the region of every store that occurs in the tables; None where the data name none."""
    return CACHE.cached(context, "regions", lambda: _store_regions(context))


def _store_regions(context: WorkContext) -> dict[str, str | None]:
    regions: dict[str, str | None] = {}
    for name in ("sales", "leads", "applications", "stock", "vehicles"):
        table = context.records.table(name)
        region = pl.col("region").drop_nulls().mode().first() if name == "sales" else pl.lit(None, pl.String)
        rows = table.filter(pl.col("store_id").is_not_null()).group_by("store_id").agg(region.alias("place"))
        regions = {**dict(rows.iter_rows()), **regions}
    return dict(sorted(regions.items()))


def _sales_rows(context: WorkContext) -> pl.DataFrame:
    records = context.records
    vehicles = records.table("vehicles").select("vehicle_id", "condition", "catalogue_id")
    sales = records.table("sales").with_columns(pl.col("quantity").fill_null(1.0))
    sales = sales.join(vehicles.unique("vehicle_id"), on="vehicle_id", how="left")
    return sales.with_columns(_is_financed(context, sales), *_is_recommended(context, sales))


def _is_financed(context: WorkContext, sales: pl.DataFrame) -> pl.Series:
    """Return whether a granted loan has the vehicle, or the customer within 60 days."""
    records = context.records
    granted = records.table("applications").join(
        records.table("loan_outcomes").select("application_id", "originated_at"), on="application_id"
    )
    by_vehicle, by_customer = (granted.filter(pl.col(k).is_not_null()) for k in ("vehicle_id", "customer_id"))
    if by_vehicle.is_empty() and by_customer.is_empty():
        return pl.Series("is_financed", [None] * sales.height, dtype=pl.Boolean)
    near = sales.select("sale_id", "sold_at", "customer_id").join(
        by_customer.select("customer_id", paid_at=pl.coalesce("originated_at", "submitted_at")), on="customer_id"
    )
    near = near.filter((pl.col("paid_at") - pl.col("sold_at")).abs() <= LOAN_DAYS * DAY)
    has_loan = sales["vehicle_id"].is_in(by_vehicle["vehicle_id"].implode()).fill_null(False)
    return (has_loan | sales["sale_id"].is_in(near["sale_id"].implode())).alias("is_financed")


def _is_recommended(context: WorkContext, sales: pl.DataFrame) -> list[pl.Series]:
    """Return whether the buyer clicked the model in a recommended list, or was shown it, in the 30 days before."""
    records = context.records
    names = ("is_clicked", "is_shown")
    events, exposures = records.table("events"), records.table("exposures")
    if events.filter(pl.col("request_id").is_not_null()).is_empty():
        return [pl.Series(name, [None] * sales.height, dtype=pl.Boolean) for name in names]
    models = records.table("vehicles").select("vehicle_id", seen_model="model").unique("vehicle_id")
    people = events.filter(pl.col("visitor_id").is_not_null() & pl.col("customer_id").is_not_null())
    people = people.select("visitor_id", buyer="customer_id").unique("visitor_id")
    clicks = events.filter(pl.col("request_id").is_not_null(), pl.col("event_type") != "impression")
    clicks = clicks.join(people, on="visitor_id", how="left").select(
        pl.coalesce("customer_id", "buyer").alias("customer_id"), "vehicle_id", at="event_at"
    )
    views = exposures.join(people, on="visitor_id", how="left").select(
        pl.coalesce("customer_id", "buyer").alias("customer_id"), "vehicle_id", at="shown_at"
    )
    first = min(int(t.min()) for t in (events["event_at"], exposures["shown_at"]) if t.len())  # type: ignore[arg-type]
    is_covered = (sales["sold_at"] >= first + LOOKBACK_DAYS * DAY) & sales["customer_id"].is_not_null()
    buyers = sales.filter(is_covered).select("sale_id", "sold_at", "customer_id", "model")
    series = []
    for name, rows in zip(names, (clicks, views), strict=True):
        pairs = rows.join(buyers, on="customer_id").filter(
            pl.col("at") < pl.col("sold_at"), pl.col("at") >= pl.col("sold_at") - LOOKBACK_DAYS * DAY
        )
        hits = pairs.join(models, on="vehicle_id").filter(pl.col("seen_model") == pl.col("model"))
        is_hit = sales["sale_id"].is_in(hits["sale_id"].unique().implode())
        series.append(pl.select(pl.when(is_covered).then(is_hit).otherwise(None)).to_series().alias(name))
    return series


def _lead_rows(context: WorkContext) -> pl.DataFrame:
    horizon = int(timedelta(days=horizon_days(context)) / timedelta(microseconds=1))
    leads = context.records.table("leads")
    is_sale = (pl.col("converted_at") <= pl.col("created_at") + horizon).fill_null(
        pl.col("converted").fill_null(False) & pl.col("converted_at").is_null()
    )
    return leads.select(
        "store_id",
        "channel",
        ripe_at=pl.col("created_at") + horizon,
        is_sale=is_sale,
        cost="acquisition_cost",
    )

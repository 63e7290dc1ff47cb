"""The key figures of a period, each beside the period before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl

from serving.work.clock import DAY
from serving.work.overview import trade
from serving.work.overview.estimates import Estimate, Figure, change, counted, mean, share
from serving.work.overview.expected import Expectation, NoExpectation, expected_and_sold
from serving.work.overview.periods import Period
from serving.work.overview.texts import DEFINITIONS, PROBLEMS, definition
from serving.work.routing import WorkContext

FEN = 100


@dataclass(frozen=True)
class Scope:
    """Whose figures: the rows of some stores.

    Attributes
    ----------
    context : WorkContext
        Records and champions.
    stores : frozenset of str or None
        Stores, None for all.
    """

    context: WorkContext
    stores: frozenset[str] | None

    def sales(self, period: Period) -> pl.DataFrame:
        """Return the sales of a period."""
        rows = trade.of_stores(trade.sales_rows(self.context), self.stores)
        return trade.between(rows, "sold_at", period.start, period.end)

    def leads(self, period: Period) -> pl.DataFrame:
        """Return the leads whose horizon ends in a period."""
        rows = trade.of_stores(trade.lead_rows(self.context), self.stores)
        return trade.between(rows, "ripe_at", period.start, period.end)

    def in_stock(self) -> pl.DataFrame:
        """Return the new vehicles in stock now."""
        return trade.of_stores(trade.in_stock(self.context), self.stores)

    def expected(self, period: Period) -> tuple[Expectation, pl.DataFrame]:
        """Return the forecasts of the demand model, and its rows of whole months within a period, with the sales.

        Of a period without a whole month, the last whole months before its end that are no longer than it.

        Raises
        ------
        NoExpectation
            The model says nothing about this period.
        """
        forecasts, rows = expected_and_sold(self.context)
        rows = rows.filter(pl.col("end") <= period.end, pl.col("start") >= period.start - 31 * DAY)
        months = rows.select("start", "end").unique().sort("start", descending=True)
        limit = max(1, round(period.days / 30)) if not months.is_empty() else 0
        starts = months["start"].to_list()
        if months.height and int(months["end"][0]) - int(months["start"][0]) < 20 * DAY:  # days or weeks
            starts = [s for s in starts if s >= period.start]
        else:
            starts = starts[:limit]
        rows = trade.of_stores(rows.filter(pl.col("start").is_in(starts)), self.stores)
        if rows.is_empty():
            raise NoExpectation("no_months")
        return forecasts, rows


def key_figures(scope: Scope, period: Period) -> list[Figure]:
    """Return all key figures of a period.

    Parameters
    ----------
    scope : Scope
        Whose figures.
    period : Period
        As returned by `serving.work.overview.periods.period_named`.
    """
    days = {"days": trade.horizon_days(scope.context)}
    values: Mapping[str, Mapping[str, Any]] = {"conversion": days}
    return [_figure(scope, period, name, compute, values.get(name, {})) for name, compute in COMPUTATIONS.items()]


def _figure(
    scope: Scope,
    period: Period,
    name: str,
    compute: Callable[[Scope, Period, bool], Estimate | str],
    values: Mapping[str, Any],
) -> Figure:
    now, before = compute(scope, period, True), compute(scope, period.before(), False)
    present = now if isinstance(now, Estimate) else None
    earlier = before if isinstance(before, Estimate) and present is not None else None
    return Figure(
        name=name,
        label=DEFINITIONS[name].label,
        unit=DEFINITIONS[name].unit,
        now=present,
        before=earlier,
        change=change(present, earlier),
        definition=definition(name, **values),
        problem=None if isinstance(now, Estimate) else PROBLEMS[now],
    )


def _sales(scope: Scope, period: Period, is_now: bool) -> Estimate | str:
    if not scope.context.records.has("sales"):
        return "no_sales"
    return counted(float(scope.sales(period)["quantity"].sum()))


def _margin(scope: Scope, period: Period, is_now: bool) -> Estimate | str:
    sales = scope.sales(period)
    if sales.is_empty():
        return "no_sales"
    return margin(sales) or "no_margin"


def margin(sales: pl.DataFrame) -> Estimate | None:
    """Return the mean gross margin of sales in yuan; None if none has one.

    >>> margin(pl.DataFrame({"gross_margin": [100_00, 300_00, None]})).value
    200.0
    """
    values = sales["gross_margin"].drop_nulls().cast(pl.Float64) / FEN
    return mean(float(values.sum()), float((values * values).sum()), values.len())


def _conversion(scope: Scope, period: Period, is_now: bool) -> Estimate | str:
    leads = scope.leads(period)
    return share(int(leads["is_sale"].sum()), leads.height) or "no_leads"


def cost_per_lead(leads: pl.DataFrame) -> Estimate | None:
    """Return the mean cost of leads in yuan; None if none has one."""
    values = leads["cost"].drop_nulls().cast(pl.Float64) / FEN
    return mean(float(values.sum()), float((values * values).sum()), values.len())


def cost_per_sale(leads: pl.DataFrame) -> Estimate | None:
    """Return the cost of the leads a sale in yuan; None without costs or sales.

    >>> leads = pl.DataFrame({"cost": [100_00, 100_00, 100_00, 100_00], "is_sale": [True, False, False, True]})
    >>> cost_per_sale(leads).value
    200.0
    """
    cost = cost_per_lead(leads)
    sold = share(int(leads["is_sale"].sum()), leads.height)
    if cost is None or sold is None or sold.value == 0 or not sold.low or not sold.high:
        return None
    value, low, high = (round(cost.value / rate, 2) for rate in (sold.value, sold.high, sold.low))
    return Estimate(value=value, low=low, high=high, count=int(leads["is_sale"].sum()))


def _cost_per_sale(scope: Scope, period: Period, is_now: bool) -> Estimate | str:
    leads = scope.leads(period)
    return cost_per_sale(leads) or ("no_leads" if leads.is_empty() else "no_costs")


def _flagged(column: str, missing: str, scope: Scope, period: Period, is_now: bool) -> Estimate | str:
    sales = scope.sales(period)
    if sales.is_empty():
        return "no_sales"
    values = sales[column].drop_nulls()
    return share(int(values.sum()), values.len()) or missing


def _stock_factor(scope: Scope, period: Period, is_now: bool) -> Estimate | str:
    """Return months of stock; not of the period before, because the stock is that of now."""
    stock = scope.in_stock()
    if stock.is_empty():
        return "no_stock"
    return stock_factor(stock.height, scope.sales(period), period.days) or "no_sales" if is_now else "no_stock"


def stock_factor(in_stock: int, sales: pl.DataFrame, days: int) -> Estimate | None:
    """Return the vehicles in stock over the new vehicles sold per 30 days; None without sales.

    >>> stock_factor(30, pl.DataFrame({"condition": ["new"], "quantity": [20.0]}), 30).value
    1.5
    """
    sold = float(sales.filter(pl.col("condition").fill_null("new") == "new")["quantity"].sum())
    if sold <= 0:
        return None
    return Estimate(value=in_stock / (sold * 30 / days), low=None, high=None, count=in_stock)


def _stock_age(scope: Scope, period: Period, is_now: bool) -> Estimate | str:
    if not is_now:
        return "no_stock"
    listed = scope.in_stock()["listed_at"].drop_nulls()
    ages = (scope.context.clock.now() - listed.cast(pl.Float64)) / DAY
    return mean(float(ages.sum()), float((ages * ages).sum()), ages.len()) or "no_stock"


def _service_level(scope: Scope, period: Period, is_now: bool) -> Estimate | str:
    try:
        _, rows = scope.expected(period)
    except NoExpectation as e:
        return str(e)
    rows = rows.filter(pl.col("available") > 0)
    total = float((rows["mean"] / rows["available"]).sum())
    if total <= 0:
        return "no_months"
    return Estimate(value=float(rows["mean"].sum()) / total, low=None, high=None, count=rows.height)


COMPUTATIONS: Mapping[str, Callable[[Scope, Period, bool], Estimate | str]] = {
    "sales": _sales,
    "gross_margin": _margin,
    "conversion": _conversion,
    "cost_per_sale": _cost_per_sale,
    "finance_penetration": partial(_flagged, "is_financed", "no_loans"),
    "recommendation_share": partial(_flagged, "is_clicked", "no_clicks"),
    "stock_factor": _stock_factor,
    "stock_age": _stock_age,
    "service_level": _service_level,
}

"""The stores of the group, those first whose sales are the furthest from what the demand model expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from math import sqrt
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

import polars as pl
from pydantic import BaseModel, Field

from ml.bilingual import Text
from serving.work.overview import trade
from serving.work.overview.estimates import Estimate, Z, share
from serving.work.overview.expected import NoExpectation
from serving.work.overview.forecast_spread import FactorModel, total_variances
from serving.work.overview.key_figures import Scope, margin, stock_factor
from serving.work.overview.periods import Period, PeriodAnswer
from serving.work.overview.texts import PROBLEMS, definition

HIGH_STOCK, LOW_STOCK = 1.5, 0.8  # months of stock: limits of the China Automobile Dealers Association


class Remark(BaseModel):
    """What to look at, and where."""

    code: Literal["sales_low", "sales_high", "conversion_low", "margin_low", "stock_high", "stock_low"]
    text: Text
    link: str


class StoreFigures(BaseModel):
    """Figures of one store in the period."""

    store_id: str
    region: str | None
    sales: float = Field(description="vehicles sold in the period")
    sold_of_expected: float | None = Field(description="vehicles sold of the models and whole months with a forecast")
    expected: Estimate | None = Field(description="forecast for these, with its 95 % interval; vehicles")
    deviation: float | None = Field(description="sold over expected, minus 1")
    distance: float | None = Field(description="difference in standard deviations of the forecast")
    verdict: Literal["below", "inside", "above"] | None = Field(description="against the interval of the forecast")
    gross_margin: Estimate | None = Field(description="yuan a vehicle")
    conversion: Estimate | None
    in_stock: int
    stock_factor: float | None
    finance_penetration: Estimate | None
    remarks: list[Remark] = Field(description="the most urgent first")


class StoreTable(BaseModel):
    """All stores of the caller."""

    items: list[StoreFigures]
    outside: int = Field(description="stores whose sales are outside the interval of the forecast")
    compared: PeriodAnswer | None = Field(description="whole months in which sold and expected are compared")
    expectation: Text | None = Field(description="where the expectation comes from")
    problem: Text | None = Field(description="why there is no expectation, and what to do")


class Rates(NamedTuple):
    """The same figures of all stores together, with which each store is compared."""

    conversion: float | None
    margin: float | None


def store_figures(scope: Scope, period: Period) -> StoreTable:
    """Return the stores, the furthest from the expectation first.

    Parameters
    ----------
    scope : Scope
        Whose stores.
    period : Period
        As returned by `serving.work.overview.periods.period_named`.
    """
    sales, leads, stock = scope.sales(period), scope.leads(period), scope.in_stock()
    regions = trade.store_regions(scope.context)
    names = sorted(regions if scope.stores is None else regions.keys() | scope.stores)
    names = [name for name in names if scope.stores is None or name in scope.stores]
    problem, expected, compared, text = None, {}, None, None
    try:
        forecasts, rows = scope.expected(period)
        expected = _expected(rows, forecasts.factors)
        compared = _whole_periods(period, rows)
        text = definition("expected_sales", version=forecasts.version)
    except NoExpectation as e:
        problem = PROBLEMS[str(e)]
    total = margin(sales)
    rates = Rates(_mean(leads["is_sale"]), None if total is None else total.value)
    by_store = _partition(sales), _partition(leads), dict(stock.group_by("store_id").len().iter_rows())
    items = [
        _store(name, regions.get(name), by_store, expected.get(name), rates, period, n_stores=len(names))
        for name in names
    ]
    items.sort(key=lambda item: (-abs(item.distance) if item.distance is not None else 1.0, item.store_id))
    outside = sum(item.verdict in ("below", "above") for item in items)
    return StoreTable(items=items, outside=outside, compared=compared, expectation=text, problem=problem)


class _Expected(NamedTuple):
    mean: float
    deviation: float
    sold: float


def _expected(rows: pl.DataFrame, factors: FactorModel) -> dict[str, _Expected]:
    """Return by store the forecast, its standard deviation, and the vehicles sold."""
    variances = total_variances(rows, factors)
    table = rows.group_by("store_id").agg(pl.col("mean").sum(), pl.col("sold").sum())
    return {name: _Expected(mean, sqrt(variances[name]), sold) for name, mean, sold in table.iter_rows()}


def _whole_periods(period: Period, rows: pl.DataFrame) -> PeriodAnswer:
    zone = period.timezone.key
    ends = pl.Series([rows["start"].min(), rows["end"].max()], dtype=pl.Int64)
    first, end = (t.date() for t in ends.cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone).to_list())
    return PeriodAnswer(name=period.name, first=first, last=end - timedelta(days=1), days=(end - first).days)


def _partition(rows: pl.DataFrame) -> dict[Any, pl.DataFrame]:
    return {key[0]: group for key, group in rows.partition_by("store_id", as_dict=True).items()}


def _mean(values: pl.Series) -> float | None:
    mean = values.mean()
    return float(mean) if isinstance(mean, (int, float)) else None


def _store(
    name: str,
    region: str | None,
    by_store: tuple[Mapping[Any, pl.DataFrame], Mapping[Any, pl.DataFrame], Mapping[Any, int]],
    expected: _Expected | None,
    rates: Rates,
    period: Period,
    *,
    n_stores: int,
) -> StoreFigures:
    sales, leads, in_stock = by_store[0].get(name), by_store[1].get(name), by_store[2].get(name, 0)
    financed = None if sales is None else sales["is_financed"].drop_nulls()
    factor = None if sales is None else stock_factor(in_stock, sales, period.days)
    figures = StoreFigures(
        store_id=name,
        region=region,
        sales=0.0 if sales is None else float(sales["quantity"].sum()),
        sold_of_expected=None if expected is None else expected.sold,
        **_comparison(expected),
        gross_margin=None if sales is None else margin(sales),
        conversion=None if leads is None else share(int(leads["is_sale"].sum()), leads.height),
        in_stock=in_stock,
        stock_factor=None if factor is None else factor.value,
        finance_penetration=None if financed is None else share(int(financed.sum()), financed.len()),
        remarks=[],
    )
    return figures.model_copy(update={"remarks": _remarks(figures, rates if n_stores > 1 else Rates(None, None))})


def _comparison(expected: _Expected | None) -> dict[str, Any]:
    names = ("expected", "deviation", "distance", "verdict")
    if expected is None or expected.mean <= 0 or expected.deviation <= 0:
        return dict.fromkeys(names)
    low, high = (expected.mean + sign * Z * expected.deviation for sign in (-1, 1))
    verdict = "below" if expected.sold < low else "above" if expected.sold > high else "inside"
    estimate = Estimate(value=expected.mean, low=max(low, 0.0), high=high, count=round(expected.sold))
    difference = expected.sold - expected.mean
    return dict(
        zip(names, (estimate, difference / expected.mean, difference / expected.deviation, verdict), strict=True)
    )


def _remarks(store: StoreFigures, rates: Rates) -> list[Remark]:
    """Return what is outside its interval or limits; what chance explains is no remark."""
    query = urlencode({"store": store.store_id})
    remarks = []
    if store.verdict in ("below", "above") and store.expected is not None:
        interval = (store.expected.low or 0.0, store.expected.high or 0.0)
        zh, en = ("低于", "below") if store.verdict == "below" else ("高于", "above")
        text = Text(
            zh=f"售出 {store.sold_of_expected:.0f} 辆，{zh}预期区间 {interval[0]:.0f}～{interval[1]:.0f} 辆",
            en=f"{store.sold_of_expected:.0f} sold, {en} the expected {interval[0]:.0f} to {interval[1]:.0f}",
        )
        code: Any = "sales_low" if store.verdict == "below" else "sales_high"
        remarks.append(Remark(code=code, text=text, link=f"/desk/stock?{query}"))
    conversion = store.conversion
    if conversion is not None and rates.conversion is not None and (conversion.high or 1.0) < rates.conversion:
        text = Text(
            zh=f"线索成交率 {conversion.value:.1%}，低于全部门店的 {rates.conversion:.1%}",
            en=f"{conversion.value:.1%} of leads buy, against {rates.conversion:.1%} in all stores",
        )
        remarks.append(Remark(code="conversion_low", text=text, link=f"/desk/leads?{query}"))
    gross = store.gross_margin
    if gross is not None and gross.high is not None and rates.margin is not None and gross.high < rates.margin:
        text = Text(
            zh=f"单台毛利 {gross.value:,.0f} 元，低于全部门店的 {rates.margin:,.0f} 元",
            en=f"margin a vehicle {gross.value:,.0f} yuan, against {rates.margin:,.0f} in all stores",
        )
        remarks.append(Remark(code="margin_low", text=text, link=f"/desk/stock?{query}"))
    factor = store.stock_factor
    if factor is not None and not LOW_STOCK <= factor <= HIGH_STOCK:
        is_high = factor > HIGH_STOCK
        zh, en = ("高于警戒线 1.5", "above the limit of 1.5") if is_high else ("低于 0.8，可能缺车", "below 0.8")
        text = Text(zh=f"库存系数 {factor:.1f}，{zh}", en=f"stock for {factor:.1f} months, {en}")
        code = "stock_high" if is_high else "stock_low"
        remarks.append(Remark(code=code, text=text, link=f"/desk/stock?{query}"))
    return remarks

"""`/v1/inventory/used_cars`: used cars by days on the lot, with their value and what to do."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from ml.bilingual import Text
from serving.work.clock import DAY
from serving.work.inventory.champion import results_of, rules_state
from serving.work.inventory.days_on_lot import days_on_lot
from serving.work.inventory.group_plan import planning_rules
from serving.work.inventory.stock_rows import FEN, units_on_lot
from serving.work.inventory.used_car_advice import (
    AGEING_DAYS,
    MONTH_DAYS,
    WHOLESALE_DAYS,
    Advice,
    CarFigures,
    advice,
    fastest_store,
)
from serving.work.inventory.used_car_models import StorePace, UsedCar, UsedCarQuery, UsedCars
from serving.work.inventory.used_car_values import TASK, CarValue, car_values
from serving.work.routing import WorkRequest, WorkRoute

SORTS = {
    "days": lambda car: -car.days,
    "waiting": lambda car: -(car.waiting or -math.inf),
    "gap": lambda car: -(car.gap if car.gap is not None else -math.inf),
    "price": lambda car: -(car.price or -math.inf),
}


def used_cars(request: WorkRequest) -> UsedCars:
    """Return one page of the used cars for sale.

    Parameters
    ----------
    request : WorkRequest
        With a `UsedCarQuery`.
    """
    query: UsedCarQuery = request.parameters
    if query.store_id is not None:
        request.check_store(query.store_id)
    cars, paces, longest = _all_cars(request)
    own = [
        car
        for car in cars
        if (request.stores is None or car.store_id in request.stores) and query.store_id in (None, car.store_id)
    ]
    matches = sorted(
        (c for c in own if query.action in (None, c.action) and query.vehicle_id in (None, c.vehicle_id)),
        key=SORTS[query.sort],
    )
    begin = (query.page - 1) * query.rows
    champion = request.context.store.current(TASK)
    learner: Any = None if champion is None else champion.estimator
    return UsedCars(
        as_of=request.context.clock.local().date().isoformat(),
        coverage=None if learner is None else learner.learner_.coverage,
        ageing_days=AGEING_DAYS,
        wholesale_days=WHOLESALE_DAYS,
        count=len(own),
        ageing=sum(c.days >= AGEING_DAYS for c in own),
        long=sum(c.days >= WHOLESALE_DAYS for c in own),
        asking=round(sum(c.price or 0.0 for c in own), 2),
        waiting=round(sum(c.waiting or 0.0 for c in own), 2),
        actions=dict(Counter(c.action for c in own)),
        unpriced=sum(c.value is None for c in own),
        matches=len(matches),
        cars=matches[begin : begin + query.rows],
        paces=[p for p in paces if request.stores is None or p.store_id in request.stores],
        longest_sold=longest,
        longer_than_sold=0 if longest is None else sum(c.days > longest for c in own),
    )


def _all_cars(request: WorkRequest) -> tuple[list[UsedCar], list[StorePace], int | None]:
    context = request.context
    champion = context.store.current(TASK)
    key = (
        context.records.tables.state,
        context.clock.local().date(),
        None if champion is None else (champion.version, id(champion.model)),
        rules_state(context),
    )
    return results_of(context).get("used cars", key, lambda: _compute(request))


def _compute(request: WorkRequest) -> tuple[list[UsedCar], list[StorePace], int | None]:
    records, now = request.context.records, request.context.clock.now()
    rows = units_on_lot(records, "used")
    lot, paces, longest = days_on_lot(records.table("vehicles"), now)
    regions = _regions(request)
    rules = planning_rules(request.context)
    by_store = {s: fastest_store(paces, regions, s) for s in rows["store_id"].unique().to_list()}
    values = car_values(request, rows)
    cars = []
    for row, value in zip(rows.iter_rows(named=True), values, strict=True):
        days = int((now - row["listed_at"]) // DAY) if row["listed_at"] is not None else 0
        cost = None if row["cost"] is None else row["cost"] / FEN
        price = None if row["price"] is None else row["price"] / FEN
        rate, space = rules.costs.floor_plan_rate, rules.costs.holding_per_day
        paid = cost if cost is not None else price or 0.0
        holding = paid * (rate or 0.0) / 12 + (space or 0.0) * MONTH_DAYS
        remaining = lot.remaining(days)
        figures = None if value.answer is None else _figures(value.answer, days, price, holding, remaining)
        faster, own = by_store[row["store_id"]]
        advised = (
            _unpriced(value)
            if figures is None
            else advice(figures, faster=faster, own=own, transfer_cost=rules.transfer_cost)
        )
        cars.append(_car(row, value, figures, advised, days=days, price=price, cost=cost, remaining=remaining))
    return cars, paces, longest


def _figures(
    answer: Mapping[str, Any], days: int, price: float | None, holding: float, remaining: float | None
) -> CarFigures:
    later = {f["after_months"]: f["value"] for f in answer["future_values"]}
    return CarFigures(
        days, price, answer["value"], answer["value_high"], later.get(1), later.get(3), holding, remaining
    )


def _unpriced(value: CarValue) -> Advice:
    problem = value.problem or Text(zh="无法估值", en="cannot be priced")
    return Advice(
        "check",
        None,
        None,
        Text(zh="补全车辆信息后再估值", en="Complete the record of the car, then price it"),
        problem,
    )


def _car(
    row: Mapping[str, Any],
    value: CarValue,
    figures: CarFigures | None,
    advised: Advice,
    *,
    days: int,
    price: float | None,
    cost: float | None,
    remaining: float | None,
) -> UsedCar:
    answer = value.answer or {}
    loss = None if figures is None or figures.value_next is None else max(figures.value - figures.value_next, 0.0)
    gap = None if price is None or figures is None else price - figures.value
    return UsedCar(
        vehicle_id=row["vehicle_id"],
        store_id=row["store_id"],
        brand=row["brand"],
        model=row["model"],
        model_year=row["model_year"],
        age_months=_age(row, days),
        mileage_km=row["mileage_km"],
        listed_at=_day(row["listed_at"]),
        days=days,
        price=price,
        cost=cost,
        value=_rounded(answer.get("value")),
        value_low=_rounded(answer.get("value_low")),
        value_high=_rounded(answer.get("value_high")),
        gap=_rounded(gap),
        value_next=_rounded(None if figures is None else figures.value_next),
        depreciation=_rounded(loss),
        holding=_rounded(None if figures is None else figures.holding),
        waiting=_rounded(None if figures is None else figures.waiting),
        remaining_days=remaining,
        action=advised.action,
        new_price=advised.new_price,
        to_store=advised.to_store,
        advice=advised.text,
        arithmetic=advised.arithmetic,
        problem=value.problem,
        warnings=[Text(zh=w["zh"], en=w["en"]) for w in answer.get("warnings", ())],
    )


def _age(row: Mapping[str, Any], days: int) -> float | None:
    age: float | None = row["age_months"]
    if row["first_registered_at"] is not None and row["listed_at"] is not None:
        age = (row["listed_at"] - row["first_registered_at"]) / DAY / MONTH_DAYS
    return None if age is None else round(age + days / MONTH_DAYS, 1)


def _day(instant: int | None) -> str:
    return "" if instant is None else str(pl.Series([instant]).cast(pl.Datetime("us")).dt.date()[0])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _regions(request: WorkRequest) -> Mapping[str, str]:
    rows = request.context.records.table("sales").filter(pl.col("region").is_not_null())
    return dict(rows.group_by("store_id").agg(pl.col("region").last()).rows())


ROUTES = (
    WorkRoute(
        "GET",
        "/v1/inventory/used_cars",
        {"zh": "在库二手车：库龄、估值与处置建议", "en": "Used cars for sale: days on the lot, value and advice"},
        used_cars,
        UsedCars,
        parameters=UsedCarQuery,
    ),
)

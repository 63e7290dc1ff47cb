"""Prices of used cars from the champion of `residual_value`, as of the present of the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.clock import DAY
from serving.work.inventory.champion import ask_for_group
from serving.work.routing import WorkRequest

TASK = "residual_value"
PATH = f"/v1/{TASK}/batch"
PART = 200  # cars in one question
MONTHS = (1, 3)
MONTH_DAYS = 365 / 12
DATES = ("first_registered_at", "launched_at")


class CarValue(NamedTuple):
    """Answer about one car.

    Attributes
    ----------
    answer : mapping or None
        JSON of the answer; None: the car cannot be priced.
    problem : Text or None
        Why not.
    """

    answer: Mapping[str, Any] | None
    problem: Text | None


def car_values(request: WorkRequest, cars: pl.DataFrame) -> list[CarValue]:
    """Return the value of each car today, after one month and after three without driving.

    Parameters
    ----------
    request : WorkRequest
        Of the caller.
    cars : DataFrame
        Rows of the table `vehicles`.
    """
    champion = request.context.store.current(TASK)
    if champion is None:
        text = request.context.store.missing_champion(TASK)
        return [CarValue(None, Text(zh="残值模型未发布", en=text))] * cars.height
    estimator: Any = champion.estimator
    now = request.context.clock.now()
    fields = {f.name: f for f in estimator.signature.fields if not f.computed}
    questions = [_question(row, fields, now) for row in cars.iter_rows(named=True)]
    values: list[CarValue] = []
    for begin in range(0, len(questions), PART):
        values += _values(request, questions[begin : begin + PART], fields)
    return values


def _question(row: Mapping[str, Any], fields: Mapping[str, Any], now: int) -> dict[str, Any]:
    names = {n for n in row if n in fields} | {"first_registered_at", "model_year"}
    question = {n: row[n] for n in names if row.get(n) is not None and n not in ("listed_at", "price", "cost", "vin")}
    for name in DATES:
        if isinstance(question.get(name), int):
            question[name] = _iso(question[name])
    # Ages count to now, not to the day on which the car was listed.
    question["listed_at"] = _iso(now)
    has_date = "first_registered_at" in question or "model_year" in question
    if row.get("age_months") is not None:
        waited = (now - row["listed_at"]) / DAY / MONTH_DAYS if row.get("listed_at") is not None else 0.0
        question["age_months"] = row["age_months"] + max(waited, 0.0)
    can_wait = (has_date or "age_months" in question) and question.get("mileage_km") is not None
    return question | ({"after_months": list(MONTHS), "km_per_month": 0.0} if can_wait else {})


def _values(request: WorkRequest, questions: Sequence[Mapping[str, Any]], fields: Mapping[str, Any]) -> list[CarValue]:
    complete = [(i, q) for i, q in enumerate(questions) if not _absent(q, fields)]
    values = [CarValue(None, _absent_text(_absent(q, fields))) for q in questions]
    try:
        items = ask_for_group(request, PATH, {"items": [q for _, q in complete]}, query="explain=false")["items"]
        answers = [CarValue(item, None) for item in items]
    except Problem as problem:
        if problem.status not in (400, 422):
            raise
        answers = [_one(request, q) for _, q in complete]
    for (i, _), value in zip(complete, answers, strict=True):
        values[i] = value
    return values


def _one(request: WorkRequest, question: Mapping[str, Any]) -> CarValue:
    try:
        body = {"items": [dict(question)]}
        return CarValue(ask_for_group(request, PATH, body, query="explain=false")["items"][0], None)
    except Problem as problem:
        if problem.status not in (400, 422):
            raise
        field = problem.details[0]["field"].rsplit(".", 1)[-1] if problem.details else ""
        return CarValue(
            None, Text(zh=f"字段 {field or '未知'} 的值无效", en=f"the value of {field or 'a field'} is invalid")
        )


def _absent(question: Mapping[str, Any], fields: Mapping[str, Any]) -> list[str]:
    required = [n for n, f in fields.items() if f.required and f.feature and n != "age_months"]
    return [n for n in required if n not in question]


def _absent_text(names: Sequence[str]) -> Text | None:
    if not names:
        return None
    return Text(zh=f"缺少 {'、'.join(names)}", en=f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} missing")


def _iso(instant: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).isoformat()

"""`GET /v1/alarms/power`: the weeks until an elevated fault rate of a component would be known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.alarms.detail import FAULTS
from serving.work.alarms.store import champion_of, remembered, rules_of, run_key

if TYPE_CHECKING:
    from serving.work.alarms.detail import ComponentQuery
    from serving.work.routing import WorkRequest

RATIOS = (1.25, 1.5, 2.0, 3.0)


class PowerRow(BaseModel):
    """Weeks until a rate ratio is detected."""

    rate_ratio: float
    weeks_p10: int | None
    weeks_p50: int | None = Field(description="median; null: not within `weeks`")
    weeks_p90: int | None
    detected_in_52_weeks: float


class AlarmPower(BaseModel):
    """How soon a raised fault rate of a component would be known."""

    model: str
    component: str
    component_name: Text
    expected_yearly: float | None = Field(description="faults a year at the normal rate")
    weeks: int | None = Field(description="last week for which an answer is computed")
    detectable_ratio: float | None = Field(
        description="smallest ratio that is detected within a year with even chances"
    )
    rows: list[PowerRow]
    reason: str | None = Field(description="why there is no answer, such as no vehicle with the component in service")


def show_power(request: WorkRequest) -> AlarmPower:
    """Answer `GET /v1/alarms/power`."""
    query: ComponentQuery = request.parameters
    key = (run_key(request.context), query.model, query.component)
    champion_of(request.context)
    return remembered(request.context, "alarms.power", key, lambda: _power(request, query.model, query.component))


def _power(request: WorkRequest, model: str, component: str) -> AlarmPower:
    name = rules_of(request.context).component_name(component)
    fields: dict[str, Any] = {"model": model, "component": component, "component_name": name}
    try:
        answer = request.ask("POST", f"{FAULTS}/power", {"model": model, "component": component, "rate_ratio": 2.0})
    except Problem as error:
        if error.status != 422 or "zero exposure" not in error.message:
            raise
        nothing: dict[str, Any] = {"expected_yearly": None, "weeks": None, "detectable_ratio": None, "rows": []}
        return AlarmPower(**fields, **nothing, reason=error.message)
    rows = [PowerRow(**{n: row[n] for n in PowerRow.model_fields}) for row in answer["curve"]]
    return AlarmPower(
        **fields,
        expected_yearly=round(52 * answer["expected_weekly"], 1),
        weeks=answer["weeks"],
        detectable_ratio=answer["detectable_ratio_in_52_weeks"],
        rows=[row for row in rows if row.rate_ratio in RATIOS],
        reason=None,
    )

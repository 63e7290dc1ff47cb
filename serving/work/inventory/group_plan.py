"""The order plan of the group, and the orders of earlier plans that are still on their way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from features.errors import ConfigError
from features.periods import first_day, period_label
from ml.demand_forecast.planning import PlanningRules, load_planning_rules
from ml.home import model_file
from serving.asgi import Problem
from serving.work.entries import WorkEntry
from serving.work.inventory.champion import (
    RULES,
    ask_for_group,
    demand_estimator,
    results_of,
    rules_state,
    version_key,
)
from serving.work.routing import WorkContext, WorkRequest

EPOCH = date(1970, 1, 1)
PATH = "/v1/demand_forecast/orders"
CHANGED = (
    "the plan has been computed again since this page was read (a new model, new stock, new rules or an order of an "
    "earlier plan): read the orders again, then decide"
)


@dataclass(frozen=True)
class GroupPlan:
    """The order plan of all stores.

    Attributes
    ----------
    plan_id : str
        Changes with the champion, its stock, the rules, and orders that are on their way.
    basis : str
        The same without the orders on their way.
    answer : mapping
        JSON of `/v1/demand_forecast/orders`.
    regions, suppliers : mapping of str to str
        Region by store, and brand by model; absent if not recorded.
    begin : date
        First day of the first period that the plan covers.
    frequency : str
        day, week or month.
    """

    plan_id: str
    basis: str
    answer: Mapping[str, Any]
    regions: Mapping[str, str] = field(default_factory=dict)
    suppliers: Mapping[str, str] = field(default_factory=dict)
    begin: date = EPOCH
    frequency: str = "month"

    @property
    def arrival(self) -> date:
        """Return the day on which vehicles ordered at the start of the plan are in the store."""
        return self.begin + timedelta(days=float(self.answer["lead_days"]))

    def check(self, plan_id: str) -> None:
        """Raise `Problem` 409 (`plan_changed`) if a person has read another plan.

        Parameters
        ----------
        plan_id : str
            Of the plan that the person has read.
        """
        if plan_id != self.plan_id:
            raise Problem(409, "plan_changed", CHANGED)


def planning_rules(context: WorkContext) -> PlanningRules:
    """Return the planning rules of the configuration.

    Parameters
    ----------
    context : WorkContext
        Of the process.

    Raises
    ------
    Problem
        Status 503: the file cannot be read or is invalid.
    """
    path = model_file(context.configs, RULES)

    def read() -> PlanningRules:
        try:
            return load_planning_rules(path)
        except ConfigError as e:
            raise Problem(503, "invalid_rules", f"the planning rules cannot be read: {e}") from None

    return results_of(context).get("rules", rules_state(context), read)


def group_plan(request: WorkRequest) -> GroupPlan:
    """Return the present plan of all stores.

    A confirmed order of an earlier plan counts as on order until its vehicles have had time to arrive, so that a new
    plan does not order them again.

    Parameters
    ----------
    request : WorkRequest
        Of the caller, whose stores do not matter here.

    Raises
    ------
    Problem
        Status 503: there is no champion. 422: orders cannot be planned, such as without recorded stock.
    """
    context = request.context
    key, results = version_key(context), results_of(context)
    base = results.get("base plan", key, lambda: _base_plan(request))
    coming = on_the_way(context.entries.of(), basis=base.basis, begin=base.begin)
    if not coming:
        return base
    state = hashlib.sha256(json.dumps(sorted((*k, n) for k, n in coming.items())).encode()).hexdigest()
    return results.get("plan", (key, state), lambda: _with_orders_on_the_way(request, base, coming, state))


def on_the_way(entries: Sequence[WorkEntry], *, basis: str, begin: date) -> dict[tuple[str, str], int]:
    """Return the vehicles of earlier plans that arrive after a plan begins, by store and model.

    Parameters
    ----------
    entries : sequence of WorkEntry
        Entries that hold, the earliest first.
    basis : str
        `GroupPlan.basis` of the present plan, whose own orders do not count.
    begin : date
        First day of the present plan.

    Examples
    --------
    >>> content = {"basis": "a", "model": "X", "quantity": 3, "arrives": "2025-07-22"}
    >>> entry = WorkEntry(1, 0, "order.confirmed", "a/S1/X", "S1", None, None, content)
    >>> on_the_way([entry], basis="b", begin=date(2025, 7, 1)), on_the_way([entry], basis="a", begin=date(2025, 7, 1))
    ({('S1', 'X'): 3}, {})
    """
    last = {e.subject: e for e in entries if e.kind == "order.confirmed"}
    rejected = {e.subject: e.sequence for e in entries if e.kind == "order.rejected"}
    last = {s: e for s, e in last.items() if rejected.get(s, 0) < e.sequence}
    last |= {e.subject: e for e in entries if e.kind == "purchase_order.exported"}
    coming: dict[tuple[str, str], int] = {}
    for entry in last.values():
        content = entry.content
        is_coming = content["basis"] != basis and date.fromisoformat(content["arrives"]) > begin
        if is_coming and entry.store_id is not None:
            key = (entry.store_id, str(content["model"]))
            coming[key] = coming.get(key, 0) + int(content["quantity"])
    return {key: quantity for key, quantity in coming.items() if quantity}


def _base_plan(request: WorkRequest) -> GroupPlan:
    answer = ask_for_group(request, PATH, {})
    panel = demand_estimator(request.context).panel
    series = panel.series
    regions = dict(series.select("store_id", "region").rows()) if "region" in series.columns else {}
    brands = dict(series.select("model", "brand").rows()) if "brand" in series.columns else {}
    days = int(np.ravel(first_day(panel.first + panel.periods, panel.frequency))[0])
    content = [
        *((o["store_id"], o["model"], o["order"], o["on_hand"], o["purchase_cost"]) for o in answer["orders"]),
        *((t["model"], t["from_store"], t["to_store"], t["quantity"]) for t in answer["transfers"]),
        (answer["first_period"], answer["lead_days"], answer["review_days"]),
    ]
    basis = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]
    return GroupPlan(
        basis,
        basis,
        answer,
        {s: r for s, r in regions.items() if r},
        {m: b for m, b in brands.items() if b},
        EPOCH + timedelta(days=days),
        panel.frequency,
    )


def _with_orders_on_the_way(
    request: WorkRequest, base: GroupPlan, coming: Mapping[tuple[str, str], int], state: str
) -> GroupPlan:
    stock = [
        {
            "store_id": o["store_id"],
            "model": o["model"],
            "on_hand": o["on_hand"],
            "on_order": o["on_order"] + coming.get((o["store_id"], o["model"]), 0),
        }
        for o in base.answer["orders"]
    ]
    answer = ask_for_group(request, PATH, {"stock": stock})
    plan_id = hashlib.sha256((base.basis + state).encode()).hexdigest()[:12]
    return GroupPlan(plan_id, base.basis, answer, base.regions, base.suppliers, base.begin, base.frequency)


def history_label(request: WorkRequest) -> str:
    """Return the last period of the history that the plan starts from, such as `2025-06`.

    Parameters
    ----------
    request : WorkRequest
        Of the caller.
    """
    panel = demand_estimator(request.context).panel
    return period_label(panel.first + panel.periods - 1, panel.frequency)

"""Inspection plan of an alarm: moments of an inspection over the horizon of the repair, verdict, vehicles that pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from ml.domain.arrays import BoolArray, FloatArray
from ml.domain.faults.campaign_options import (
    Inspections,
    each_at_its_best,
    figures_of,
    inspections_at,
    values_that_pay,
    worth_inspecting,
)
from ml.domain.faults.inspection_campaign import faults_to_come, parts_to_stock, ratio_nodes
from ml.fault_rate.exposure import WEEK_DAYS, YEAR_DAYS
from ml.fault_rate.fault_value import FaultValue, fault_value
from ml.fault_rate.outlook import exit_rates, vehicle_outlook, years_to_next_service
from ml.fault_rate.ranking import VehicleFigures, ranked_vehicles
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.vehicles import vehicle_rows

Verdict = Literal["call_in_now", "with_next_service", "not_worth_on_cost", "inspect_all"]
OptionName = Literal["call_in_now", "with_next_service", "each_at_its_best"]
CALL_IN: OptionName = "call_in_now"
AT_SERVICE: OptionName = "with_next_service"
BEST: OptionName = "each_at_its_best"


@dataclass(frozen=True)
class CampaignOption:
    """One way of inspecting the same vehicles over the same horizon; money is discounted to today.

    Attributes
    ----------
    name : {'call_in_now', 'with_next_service', 'each_at_its_best'}
        The last inspects each vehicle at the better of the two moments.
    visits : float
        Vehicles expected to be inspected.
    days : float
        Mean days until the inspection.
    avoided, avoided_low, avoided_high : float
        Faults avoided within the horizon: mean, 5% and 95% quantile over the posterior of the rate ratio.
    cost, benefit, net, net_low, net_high : float or None
        Yuan: of the inspections, of the avoided faults, their difference and its 5% and 95% quantile; None where no
        cost is known, or none counts.
    break_even_months, break_even_cost : float or None
        Months after which the benefits have paid the cost, None where they do not within the horizon; and yuan that an
        inspection may cost so that they just do.
    """

    name: OptionName
    visits: float
    days: float
    avoided: float
    avoided_low: float
    avoided_high: float
    cost: float | None
    benefit: float | None
    net: float | None
    net_low: float | None
    net_high: float | None
    break_even_months: float | None
    break_even_cost: float | None


@dataclass(frozen=True)
class InspectionPlan:
    """Vehicles to inspect for a fault, the options compared on them, and the verdict.

    Attributes
    ----------
    component : str
        Component with the elevated fault rate.
    today : int
        Day of the plan, counted from 1970-01-01.
    rules : AlarmRules
        Rules under which the plan was made.
    verdict : {'call_in_now', 'with_next_service', 'not_worth_on_cost', 'inspect_all'} or None
        'inspect_all' for a safety component, whatever it costs; None where no cost of a fault or inspection is known.
    vehicles : DataFrame
        All affected vehicles, as returned by `ml.fault_rate.ranking.ranked_vehicles`; those to inspect first.
    inspected, called_in : int
        Vehicles to inspect, the first rows of `vehicles` up to the cut; and those of them to call in now, while the
        others are inspected at their next service.
    options : tuple of CampaignOption
        Compared on the vehicles to inspect, or on all affected ones where none pays; the last is the plan itself.
    faults : float
        Faults expected of all affected vehicles within the horizon, without a campaign.
    parts_to_stock : int
        Parts for inspections and faults of the first `campaign_weeks`.
    value : FaultValue
        Yuan of a fault and of an inspection.
    leaving : {'fleet', 'rules', 'unknown'}
        Source of the rate at which vehicles leave service; 'unknown': none is assumed to leave.
    first_value, all_value : float or None
        Yuan that one avoided fault must be worth so that the first vehicle pays, and all affected ones together.
    """

    component: str
    today: int
    rules: AlarmRules
    verdict: Verdict | None
    vehicles: pl.DataFrame
    inspected: int
    called_in: int
    options: tuple[CampaignOption, ...]
    faults: float
    parts_to_stock: int
    value: FaultValue
    leaving: str
    first_value: float | None
    all_value: float | None

    @property
    def best(self) -> CampaignOption:
        """The option that the verdict means: each vehicle at the better moment."""
        return self.options[-1]


def plan_inspection(
    snapshot: Snapshot,
    model: str,
    component: str,
    rules: AlarmRules,
    *,
    built: tuple[int | None, int | None],
    posterior: tuple[float, float],
) -> InspectionPlan | None:
    """Return the vehicles of a model to inspect, the options with their costs and benefits, and the verdict.

    Parameters
    ----------
    snapshot : Snapshot
        ``ml.champions.load(ml.champions.version_or_champion("fault_rate")).estimator.snapshot``, or as returned by
        `ml.fault_rate.snapshot.Snapshot.of`.
    model, component : str
        A row of `snapshot.cells`.
    rules : AlarmRules
        ``ml.fault_rate.rules.load_alarm_rules(Path("configs/fault_alarms.yaml"))``.
    built : tuple of int or None
        Affected builds as days from 1970-01-01: from the first and before the second; None leaves a side open.
    posterior : tuple of float
        Shape and rate of the gamma posterior of the rate ratio, from `ml.fault_rate.rate_ratios.cell_posterior`.

    Returns
    -------
    InspectionPlan or None
        None without a fleet table.
    """
    vehicles = snapshot.vehicles
    if vehicles is None:
        return None
    rows, ratios = vehicle_rows(vehicles, model, built), ratio_nodes(posterior)
    effect = rules.repair_effectiveness
    future = vehicle_outlook(snapshot, rows, model, component, rules, days=rules.repair_years * YEAR_DAYS)
    value, safety = fault_value(rules, component, snapshot.costs), rules.safety.is_safety(component)
    money = value.total is not None and not safety
    # Without money a fault counts 1 and an inspection nothing: the order is that of the avoided faults.
    worth = value.total if value.total is not None and not safety else 1.0
    prices = {CALL_IN: value.call_in, AT_SERVICE: value.at_service}
    moments = {CALL_IN: np.full(len(rows), rules.delay_days / YEAR_DAYS)}
    if money and (later := years_to_next_service(vehicles, rows)) is not None:
        moments[AT_SERVICE] = later
    options = {
        name: inspections_at(
            future, ratios, repair_effectiveness=effect, visit=visit, price=(prices[name] or 0.0) if money else 0.0
        )
        for name, visit in moments.items()
    }
    best, position = each_at_its_best(list(options.values()), worth)
    everyone = np.ones(len(rows), dtype=np.bool_)
    chosen = worth_inspecting(best.benefit(worth), best.cost) if money else everyone
    called = chosen & (position == 0)
    compared = chosen if chosen.any() else everyone
    soon, near = (
        vehicle_outlook(snapshot, rows, model, component, rules, days=float(days))
        for days in (rules.days, rules.campaign_weeks * WEEK_DAYS)
    )
    faults_soon, faults_near, faults_later = (
        faults_to_come(o, ratios, repair_effectiveness=effect) for o in (soon, near, future)
    )
    faults = faults_later.mean(axis=0)
    figures = VehicleFigures(
        faults=faults_soon.mean(axis=0),
        faults_to_come=faults,
        avoided=best.avoided.faults.mean(axis=0),
        benefit=best.benefit(worth) if money else None,
        cost=best.cost if money else None,
        largest_benefit=np.max([o.benefit(worth) for o in options.values()], axis=0),
        chosen=chosen,
        moment=np.where(called, CALL_IN, AT_SERVICE),
    )
    first, whole = values_that_pay(list(options.values())) if money else (None, None)
    return InspectionPlan(
        component=component,
        today=vehicles.day,
        rules=rules,
        verdict=_verdict(called, chosen, safety=safety, money=money),
        vehicles=ranked_vehicles(snapshot, rows, component, figures, by_faults=safety),
        inspected=int(chosen.sum()),
        called_in=int(called.sum()),
        options=tuple(
            _option(name, inspections, compared, future.edges, rules, worth, money=money)
            for name, inspections in (*options.items(), (BEST, best))
        ),
        faults=float(faults.sum()),
        parts_to_stock=_parts(faults_near.sum(axis=1), rules, best, called=called, waiting=chosen & ~called),
        value=value,
        leaving=exit_rates(vehicles, rules)[1],
        first_value=first,
        all_value=whole,
    )


def _verdict(called: BoolArray, chosen: BoolArray, *, safety: bool, money: bool) -> Verdict | None:
    if safety:
        return "inspect_all"
    if not money:
        return None
    if not chosen.any():
        return "not_worth_on_cost"
    return "call_in_now" if called.any() else "with_next_service"


def _option(
    name: OptionName, inspections: Inspections, chosen: BoolArray, edges: FloatArray, rules: AlarmRules, value: float,
    *, money: bool,
) -> CampaignOption:  # fmt: skip
    figures = figures_of(inspections, chosen, edges=edges, visit_probability=rules.visit_probability, value=value)
    months = None if figures.break_even_years is None else 12 * figures.break_even_years
    amounts = (figures.cost, figures.benefit, figures.benefit - figures.cost, *figures.net_interval, months)
    return CampaignOption(
        name, figures.visits, figures.days, figures.avoided, *figures.avoided_interval,
        *((*amounts, figures.break_even_price) if money else (None,) * 7),
    )  # fmt: skip


def _parts(
    faults: FloatArray, rules: AlarmRules, inspections: Inspections, *, called: BoolArray, waiting: BoolArray
) -> int:
    """Return the parts for the first weeks: vehicles that are called in come evenly until twice the mean delay."""
    days = float(rules.campaign_weeks * WEEK_DAYS)
    share = min(days / (2 * rules.delay_days), 1.0) if rules.delay_days else 1.0
    soon = waiting & (inspections.visit * YEAR_DAYS <= days)
    visits = int(np.ceil(share * called.sum()) + soon.sum())
    return parts_to_stock(visits, rules.visit_probability, faults, service_level=rules.parts_service_level)

"""Ground truth of a sample dealership, only for tests and benchmarks.

Columns `*_at` hold int64 microseconds in UTC.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.tables import BODY_TYPES, ENERGY_TYPES
from ml.domain.arrays import IntArray
from training.simulator.applicants import Applicants
from training.simulator.applications import application_ids
from training.simulator.books import stocked_cells
from training.simulator.catalogue import BRANDS, BRANDS_PER_STORE, Catalogue
from training.simulator.draws import NEVER, labels, masked, numbered
from training.simulator.event_log import KIND, Log, event_ids
from training.simulator.faults import (
    COMPONENTS,
    DEFECT_COMPONENT,
    DEFECT_MODEL,
    RATE_RATIO,
    Faults,
    Hazard,
    bad_range,
    expected_faults,
)
from training.simulator.fleet import Fleet
from training.simulator.leads import FLOOR, lead_ids, lead_rows
from training.simulator.lending import Loans
from training.simulator.people import People, customer_ids
from training.simulator.seasons import MONTH, Window
from training.simulator.stock_and_sales import FIRST, LOST, SECOND
from training.simulator.stores import Market, Stores
from training.simulator.units import unit_ids
from training.simulator.world import World


def credit_truth(who: Applicants, loans: Loans) -> pl.DataFrame:
    """Return the truth of every application, declined ones included.

    Parameters
    ----------
    who : Applicants
        As returned by `training.simulator.applicants.build_applicants(rng, world)`.
    loans : Loans
        As returned by `training.simulator.lending.build_loans` for these applicants.

    Returns
    -------
    polars.DataFrame
        One row per application: `application_id`; `probability_of_default` within 12 months;
        `observable_probability`, its mean over the hidden term, the best possible prediction; `hidden`;
        `would_default`, the outcome if the loan is granted; `originated`; `population_shift`, 0 to 1.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.applicants import build_applicants
    >>> from training.simulator.applications import build_applications
    >>> from training.simulator.lending import build_loans
    >>> from training.simulator.truth import credit_truth
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> rng = world.size.stream("lending")
    >>> applicants = build_applicants(world.size.stream("applicants"), world)
    >>> applications = build_applications(rng, applicants)
    >>> loans = build_loans(rng, applicants, applications, window=world.window)
    >>> credit_truth(applicants, loans)["application_id"][0]
    'A00000001'
    """
    return pl.DataFrame(
        {
            "application_id": application_ids(np.arange(len(who))),
            "probability_of_default": loans.probability,
            "observable_probability": loans.expected,
            "hidden": loans.hidden,
            "would_default": loans.default_at < NEVER,
            "originated": loans.originated_at < NEVER,
            "population_shift": who.shift,
        }
    )


def demand_truth(world: World) -> pl.DataFrame:
    """Return demand and sales by store, model and month, in cars.

    Parameters
    ----------
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        `store_id`, `model`, `month_at` (int64 microseconds since 1970 UTC). `demand` counts first choices; of these,
        `sold` were served, `lost` bought nothing and `switched` bought another model. `switched_in` counts buyers whose
        first choice was another model. `expected_demand` is the expected value of `demand`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.truth import demand_truth
    >>> from training.simulator.world import build_world
    >>> demand = demand_truth(build_world(Size(stores=1, customers=100, months=3)))
    >>> bool((demand["demand"] == demand["sold"] + demand["lost"] + demand["switched"]).all())
    True
    """
    trade, journeys, catalogue, window = world.trade, world.journeys, world.catalogue, world.window
    month, store, model = stocked_cells(world)
    shape = world.expected.shape
    cell = store * catalogue.current + model
    first_choice = journeys.store[world.buyers] * catalogue.current + journeys.first[world.buyers]
    when = window.month(journeys.decided_at[world.buyers])
    first, lost, second = (trade.outcome == kind for kind in (FIRST, LOST, SECOND))
    counts = {
        "demand": _count(when, first_choice, shape),
        "sold": _count(when[first], first_choice[first], shape),
        "lost": _count(when[lost], first_choice[lost], shape),
        "switched": _count(when[second], first_choice[second], shape),
        "switched_in": _count(when[second], trade.cell[second], shape),
    }
    return pl.DataFrame(
        {
            "store_id": world.stores.ids(store),
            "model": labels(catalogue.names, model),
            "month_at": window.month_starts[month],
            **{name: count[month, cell] for name, count in counts.items()},
            "expected_demand": world.expected[month, cell],
        }
    )


def _count(month: IntArray, cell: IntArray, shape: tuple[int, ...]) -> IntArray:
    flat = np.bincount(month * shape[1] + cell, minlength=shape[0] * shape[1])
    return np.asarray(flat.reshape(shape), dtype=np.int64)


def taste_truth(people: People) -> pl.DataFrame:
    """Return the coefficients of the true utility, one row per person.

    Parameters
    ----------
    people : People
        As returned by `training.simulator.people.build_people`, such as `world.people`.

    Returns
    -------
    polars.DataFrame
        `visitor_id`, `customer_id` (null for visitors), `budget` (yuan), `used_aversion`, and the utility of each body
        type, energy type and brand (`body_sedan`, ...).
    """
    person = np.arange(len(people))
    named = [
        ("body", BODY_TYPES, people.body),
        ("energy", ENERGY_TYPES, people.energy),
        ("brand", BRANDS, people.brand),
    ]
    weights = {f"{kind}_{name}": w[:, k] for kind, names, w in named for k, name in enumerate(names)}
    return pl.DataFrame(
        {
            "visitor_id": numbered("W", person + 1, width=8),
            "customer_id": customer_ids(person, customers=people.customers),
            "budget": people.budget,
            "used_aversion": people.used_aversion,
            **weights,
        }
    )


def appeal_truth(catalogue: Catalogue, market: Market, window: Window) -> pl.DataFrame:
    """Return the utility that all persons add to a model, one row per model and month.

    Parameters
    ----------
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`, such as `world.catalogue`.
    market : Market
        As returned by `training.simulator.stores.build_market`, such as `world.market`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(size)`, such as `world.window`.

    Returns
    -------
    polars.DataFrame
        `model`, `month_at` (start of the month, int64 microseconds since 1970 UTC) and `appeal`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.truth import appeal_truth
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> appeal_truth(world.catalogue, world.market, world.window).columns
    ['model', 'month_at', 'appeal']
    """
    models, months = market.appeal.shape
    return pl.DataFrame(
        {
            "model": labels(catalogue.names, np.repeat(np.arange(models), months)),
            "month_at": np.tile(window.month_starts[:-1], models),
            "appeal": market.appeal.ravel(),
        }
    )


def store_truth(stores: Stores) -> pl.DataFrame:
    """Return brands, purchase effect and response time of each store.

    Parameters
    ----------
    stores : Stores
        As returned by `training.simulator.stores.build_stores`.

    Returns
    -------
    polars.DataFrame
        `store_id`, `brand_1` to `brand_3`, `purchase_log_odds` (added to the log-odds of a purchase) and
        `response_time_factor` (multiplies the hours to a call).

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.stores import build_stores
    >>> from training.simulator.truth import store_truth
    >>> store_truth(build_stores(np.random.default_rng(0), 3))["store_id"].to_list()
    ['S0001', 'S0002', 'S0003']
    """
    store = np.arange(len(stores.city))
    carried = {f"brand_{k + 1}": labels(BRANDS, (stores.assortment + k) % len(BRANDS)) for k in range(BRANDS_PER_STORE)}
    return pl.DataFrame(
        {
            "store_id": stores.ids(store),
            **carried,
            "purchase_log_odds": stores.purchase_log_odds,
            "response_time_factor": stores.response_time_factor,
        }
    )


def lead_truth(world: World) -> pl.DataFrame:
    """Return the terms of each lead's purchase equation and its decision.

    Parameters
    ----------
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        One row per lead: `lead_id`; `conversion_probability` = `base_probability` * (`floor` + (1 - `floor`) *
        exp(-`decay_per_hour` * `response_hours`)), without a call (null hours) `base_probability` * `floor`;
        `decides_to_buy`, before stock is taken into account; `used` (bool: wants a used car), `intent` (standard
        normal); `decides_at` (int64 microseconds since 1970 UTC), possibly after the end of the data.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.truth import lead_truth
    >>> from training.simulator.world import build_world
    >>> leads = lead_truth(build_world(Size(stores=1, customers=100, months=3)))
    >>> bool((leads["conversion_probability"] <= leads["base_probability"]).all())
    True
    """
    journeys, funnel = world.journeys, world.funnel
    rows = lead_rows(funnel, window=world.window)
    hours = funnel.hours[rows]
    return pl.DataFrame(
        {
            "lead_id": lead_ids(np.arange(len(rows))),
            "base_probability": funnel.base[rows],
            "decay_per_hour": funnel.decay[rows],
            "floor": np.full(len(rows), FLOOR),
            "response_hours": masked(hours, np.isfinite(hours)),
            "conversion_probability": funnel.probability[rows],
            "decides_to_buy": funnel.wants[rows],
            "used": journeys.used[rows],
            "intent": journeys.intent[rows],
            "decides_at": journeys.decided_at[rows],
        }
    )


def exposure_truth(log: Log) -> pl.DataFrame:
    """Return the true utility and view probability of each impression.

    Parameters
    ----------
    log : Log
        All events in order of time, as returned by `training.simulator.event_log.join_logs`.

    Returns
    -------
    polars.DataFrame
        `event_id`, `utility` to the visitor and `view_probability`, one row per impression.
    """
    rows = np.flatnonzero(log.kind == KIND["impression"])
    return pl.DataFrame({"event_id": event_ids(rows), "utility": log.utility[rows], "view_probability": log.view[rows]})


def injection_truth(window: Window) -> pl.DataFrame:
    """Return the injected fault in one row.

    Parameters
    ----------
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        `model`, `component`, `built_from_at` and `built_until_at` (exclusive; int64 microseconds since 1970 UTC),
        `rate_ratio`.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.seasons import Window
    >>> from training.simulator.truth import injection_truth
    >>> injection_truth(Window.of(Size())).select("model", "component", "rate_ratio").row(0)
    ('澄舟X5', 'brakes', 4.0)
    """
    low, high = bad_range(window)
    return pl.DataFrame(
        {
            "model": [DEFECT_MODEL],
            "component": [DEFECT_COMPONENT],
            "built_from_at": [low],
            "built_until_at": [high],
            "rate_ratio": [RATE_RATIO],
        }
    )


def fault_truth(faults: Faults, fleet: Fleet) -> pl.DataFrame:
    """Return all faults in time order, including those not yet reported.

    Parameters
    ----------
    faults : Faults
        As returned by `training.simulator.faults.draw_faults`.
    fleet : Fleet
        The fleet from which `faults` was drawn: `training.simulator.fleet.build_fleet(rng, world)`.

    Returns
    -------
    polars.DataFrame
        `vehicle_id`, `component` and `happened_at` (int64 microseconds since 1970 UTC).

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.faults import build_hazard, draw_faults
    >>> from training.simulator.fleet import build_fleet
    >>> from training.simulator.truth import fault_truth
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> fleet, rng = build_fleet(world.size.stream("fleet"), world), world.size.stream("workshop")
    >>> hazard = build_hazard(rng, fleet, world.catalogue, world.window)
    >>> fault_truth(draw_faults(rng, fleet, hazard, world.window), fleet).columns
    ['vehicle_id', 'component', 'happened_at']
    """
    order = np.argsort(faults.at, kind="stable")
    return pl.DataFrame(
        {
            "vehicle_id": unit_ids(fleet.unit[faults.car[order]]),
            "component": labels(list(COMPONENTS), faults.component[order]),
            "happened_at": faults.at[order],
        }
    )


def fault_exposure_truth(
    faults: Faults, fleet: Fleet, hazard: Hazard, *, catalogue: Catalogue, window: Window
) -> pl.DataFrame:
    """Return exposure and faults by model, component and whether cars are in the affected build range.

    Parameters
    ----------
    faults : Faults
        As returned by `training.simulator.faults.draw_faults`.
    fleet : Fleet
        As returned by `training.simulator.fleet.build_fleet(rng, world)`.
    hazard : Hazard
        As returned by `training.simulator.faults.build_hazard`.
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue(window)`, such as `world.catalogue`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(size)`, such as `world.window`.

    Returns
    -------
    polars.DataFrame
        `model`, `component`, `affected`, `vehicles`, `vehicle_months`, `expected_faults` (without the injection) and
        `faults`.
    """
    group = fleet.model * 2 + hazard.bad
    groups = 2 * len(catalogue.names)
    months = np.maximum(fleet.observed_until(window) - fleet.observed_from(window), 0) / MONTH
    nonempty = np.flatnonzero(np.bincount(group, minlength=groups))
    parts = []
    for component, name in enumerate(COMPONENTS):
        of_component = faults.component == component
        expected = expected_faults(fleet, hazard, component, window)
        parts.append(
            pl.DataFrame(
                {
                    "model": labels(catalogue.names, nonempty // 2),
                    "component": [name] * len(nonempty),
                    "affected": nonempty % 2 == 1,
                    "vehicles": np.bincount(group, minlength=groups)[nonempty],
                    "vehicle_months": np.bincount(group, weights=months, minlength=groups)[nonempty],
                    "expected_faults": np.bincount(group, weights=expected, minlength=groups)[nonempty],
                    "faults": np.bincount(group[faults.car[of_component]], minlength=groups)[nonempty],
                }
            )
        )
    return pl.concat(parts)

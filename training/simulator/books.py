"""Tables of the simulation: customers, leads, sales and stock.

About one sale in 200 is booked twice by mistake and corrected some days later by a row of quantity -1, so that the
quantities of a vehicle add up to one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from features.tables import BODY_TYPES, CHANNELS, ENERGY_TYPES, OLDEST_BIRTH
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.catalogue import BRANDS, item_ids
from training.simulator.draws import NEVER, Random, fen, instants, labels, masked, numbered, sigmoid
from training.simulator.leads import COST, lead_ids, lead_numbers, lead_rows
from training.simulator.people import OCCUPATIONS, customer_ids
from training.simulator.seasons import DAY, HOUR, MINUTE, Window
from training.simulator.tastes import reference_prices
from training.simulator.units import HANDOVER, unit_ids
from training.simulator.world import World

DOUBLE_BOOKING_SHARE = 0.005
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN_NAMES = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰"
_FILLED_SHARES = {
    "birth_date": 0.8, "gender": 0.95, "household_size": 0.85, "occupation": 0.75, "monthly_income": 0.6,
    "budget": 0.8, "energy": 0.85, "body": 0.85,
}  # fmt: skip
_CAMPAIGNS = {"search_ad": "搜索投放", "social": "社交投放", "marketplace": "平台集客", "event": "区域车展"}


def customers_frame(rng: Random, world: World) -> pl.DataFrame:
    """Return the table `customers` (columns: `features.tables.CUSTOMERS`), some values missing at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("books")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        One row per customer; amounts in fen, instants as int64 microseconds since 1970 UTC.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.books import customers_frame
    >>> from training.simulator.world import build_world
    >>> size = Size(stores=1, customers=100, months=3)
    >>> customers = customers_frame(size.stream("books"), build_world(size))
    >>> customers.height, customers["customer_id"][0]
    (100, 'K0000001')
    """
    people, stores = world.people, world.stores
    n = people.customers
    store, demographics = people.store[:n], people.demographics
    low = np.round(people.budget[:n] * 0.8 * rng.lognormal(0, 0.08, n), -3)
    is_filled = {name: rng.random(n) < share for name, share in _FILLED_SHARES.items()}
    birth = demographics.birth[:n]
    return pl.DataFrame(
        {
            "customer_id": customer_ids(np.arange(n), customers=n),
            "created_at": pl.Series(world.registered_at),
            "name": _names(rng, n),
            "phone": numbered("100", rng.integers(0, 10**8, n), width=8),  # 100 is not a mobile prefix in China
            "birth_date": masked(birth, is_filled["birth_date"] & (birth >= OLDEST_BIRTH)),
            "gender": masked_labels(("male", "female"), demographics.woman[:n].astype(np.int64), is_filled["gender"]),
            "region": stores.regions(store),
            "city": stores.cities(store),
            "store_id": stores.ids(store),
            "distance_km": pl.Series(np.round(people.distance[:n], 1)),
            "household_size": masked(demographics.household[:n], is_filled["household_size"]),
            "occupation": masked_labels(OCCUPATIONS, demographics.occupation[:n], is_filled["occupation"]),
            "monthly_income": masked(fen(np.round(demographics.income[:n], -2)), is_filled["monthly_income"]),
            "budget_low": masked(fen(low), is_filled["budget"]),
            "budget_high": masked(fen(np.round(low * rng.uniform(1.25, 1.7, n), -3)), is_filled["budget"]),
            "preferred_energy_type": masked_labels(ENERGY_TYPES, people.energy[:n].argmax(axis=1), is_filled["energy"]),
            "preferred_body_type": masked_labels(BODY_TYPES, people.body[:n].argmax(axis=1), is_filled["body"]),
        }
    )


def masked_labels(names: tuple[str, ...], codes: IntArray, is_filled: BoolArray) -> pl.Series:
    """Return the names of codes as a String column, null where `is_filled` is false.

    Parameters
    ----------
    names : tuple of str
        Name of code 0, 1, ...
    codes : ndarray of int64, shape (n,)
        Positions in `names`.
    is_filled : ndarray of bool, shape (n,)
        False for a value that the table lacks.

    Returns
    -------
    polars.Series of String, length n

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.books import masked_labels
    >>> masked_labels(("suv", "sedan"), np.array([1, 0]), np.array([True, False])).to_list()
    ['sedan', None]
    """
    return labels(names, np.where(is_filled, codes, -1))


def _names(rng: Random, count: int) -> pl.Series:
    surname = labels(list(SURNAMES), rng.integers(0, len(SURNAMES), count))
    first = labels(list(GIVEN_NAMES), rng.integers(0, len(GIVEN_NAMES), count))
    second = labels(["", *GIVEN_NAMES], rng.integers(0, len(GIVEN_NAMES) + 1, count))
    return pl.DataFrame({"a": surname, "b": first, "c": second}).select(pl.concat_str("a", "b", "c"))["a"]


def leads_frame(rng: Random, world: World) -> pl.DataFrame:
    """Return the table `leads` (columns: `features.tables.LEADS`) as of the end of the data.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("books")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        One row per lead, in order of creation; amounts in fen, distance in km, instants as int64 microseconds since
        1970 UTC. A lead without a sale has null `converted_at` and `gross_margin`; `closed_at` is null for open leads.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.books import leads_frame
    >>> from training.simulator.world import build_world
    >>> size = Size(stores=1, customers=100, months=3)
    >>> leads_frame(size.stream("books"), build_world(size))["lead_id"][0]
    'L00000001'
    """
    journeys, funnel, people, catalogue = world.journeys, world.funnel, world.people, world.catalogue
    stores, window = world.stores, world.window
    ordered_at, margin = by_journey(world)
    rows = lead_rows(funnel, window=window)
    n, end = len(rows), window.end
    channel, person, store = funnel.channel[rows], journeys.person[rows], journeys.store[rows]
    created, called, decided = funnel.created_at[rows], funnel.called_at[rows], journeys.decided_at[rows]
    model = journeys.initial_model[rows]
    item = catalogue.item(model, journeys.trim[rows])
    price = np.where(model < catalogue.current, catalogue.item_price[item], reference_prices(catalogue)[model])
    is_called = called < end
    stop = np.minimum(decided, end) - MINUTE
    n_further = np.where(stop > called + DAY, rng.poisson(1.0 + 1.5 * sigmoid(journeys.intent[rows])), 0)
    last = called + np.where(n_further > 0, rng.uniform(0.2, 1.0, n) * np.maximum(stop - called, 0), 0).astype(np.int64)
    ordered = ordered_at[rows]
    is_sold = ordered < end
    lost_at = decided + rng.integers(DAY, 12 * DAY, n)
    salesperson = store * 100 + rng.integers(0, stores.salespeople[store])
    has_budget = rng.random(n) < 0.7
    return pl.DataFrame(
        {
            "lead_id": lead_ids(np.arange(n)),
            "created_at": pl.Series(created),
            "customer_id": customer_ids(person, customers=people.customers),
            "store_id": stores.ids(store),
            "channel": labels(CHANNELS, channel),
            "campaign": _campaigns(channel, created, window),
            "model": labels(catalogue.names, model),
            "vehicle_id": item_ids(item),
            "price": pl.Series(fen(price)),
            "budget": masked(fen(np.round(people.budget[person] * rng.lognormal(0, 0.12, n), -3)), has_budget),
            "distance_km": pl.Series(np.round(people.distance[person], 1)),
            "acquisition_cost": pl.Series(fen(COST[channel] * rng.lognormal(-0.08, 0.4, n))),
            "salesperson_id": numbered("P", np.where(is_called, salesperson, -1), width=6),
            "first_contact_at": instants(called, before=end),
            "last_contact_at": instants(np.where(is_called, last, NEVER), before=end),
            "contact_count": pl.Series(np.where(is_called, 1 + n_further, 0)),
            "converted_at": instants(ordered, before=end),
            "closed_at": instants(np.where(is_sold, ordered, lost_at), before=end),
            "gross_margin": masked(fen(np.where(is_sold, margin[rows], 0.0)), is_sold),
        }
    )


def _campaigns(channel: IntArray, created: IntArray, window: Window) -> pl.Series:
    quarter = window.month(created) // 3
    named = [c for c in CHANNELS if c in _CAMPAIGNS]
    position = np.array([named.index(c) if c in _CAMPAIGNS else -1 for c in CHANNELS])[channel]
    quarters = int(quarter.max(initial=0)) + 1
    names = [f"{_CAMPAIGNS[c]}-{q + 1:02d}" for c in named for q in range(quarters)]
    return labels(names, np.where(position >= 0, position * quarters + quarter, -1))


def by_journey(world: World) -> tuple[IntArray, FloatArray]:
    """Return order and gross margin of each journey.

    Parameters
    ----------
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    ordered_at : ndarray of int64, shape (n_journeys,)
        Order, microseconds since 1970 UTC; `training.simulator.draws.NEVER` without a sale.
    margin : ndarray of float64, shape (n_journeys,)
        Gross margin in yuan, 0 without a sale.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.books import by_journey
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> ordered_at, margin = by_journey(world)
    >>> int((margin != 0).sum()) == len(world.sales)
    True
    """
    sales, journeys = world.sales, len(world.journeys)
    ordered, margin = np.full(journeys, NEVER, dtype=np.int64), np.zeros(journeys)
    ordered[sales.journey] = sales.sold_at - HANDOVER
    margin[sales.journey] = sales.margin
    return ordered, margin


def sales_frame(rng: Random, world: World) -> pl.DataFrame:
    """Return the table `sales` (columns: `features.tables.SALES`), with some double bookings and their corrections.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("books")`.
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        In order of `sold_at` (int64 microseconds since 1970 UTC): one row per sale, a second one for a double booking
        and one with `quantity` -1 for its correction. Amounts in fen, `promotion` as a fraction of the list price.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.books import sales_frame
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> int(sales_frame(world.size.stream("books"), world)["quantity"].sum()) == len(world.sales)
    True
    """
    sales, catalogue, stores, window = world.sales, world.catalogue, world.stores, world.window
    twice = np.flatnonzero(rng.random(len(sales)) < DOUBLE_BOOKING_SHARE)
    corrected = sales.sold_at[twice] + rng.integers(HOUR, 9 * DAY, len(twice))
    twice, corrected = twice[corrected < window.end], corrected[corrected < window.end]
    row = np.r_[np.arange(len(sales)), twice, twice]
    at = np.r_[sales.sold_at, sales.sold_at[twice], corrected]
    quantity = np.r_[np.ones(len(sales) + len(twice)), -np.ones(len(twice))]
    order = np.argsort(at, kind="stable")
    row, at, quantity = row[order], at[order], quantity[order]
    unit, journey = sales.unit[row], sales.journey[row]
    model, store = catalogue.item_model[world.units.item[unit]], world.units.store[unit]
    return pl.DataFrame(
        {
            "sale_id": numbered("N", np.arange(1, len(row) + 1), width=8),
            "sold_at": pl.Series(at),
            "store_id": stores.ids(store),
            "region": stores.regions(store),
            "brand": labels(BRANDS, catalogue.brand[model]),
            "series": labels(catalogue.series, model),
            "model": labels(catalogue.names, model),
            "vehicle_id": unit_ids(unit),
            "customer_id": customer_ids(world.journeys.person[journey], customers=world.people.customers),
            "lead_id": lead_ids(lead_numbers(world.funnel, window)[journey]),
            "quantity": pl.Series(quantity),
            "price": pl.Series(fen(sales.price[row])),
            "gross_margin": pl.Series(fen(sales.margin[row])),
            "promotion": pl.Series(sales.promotion[row]),
        }
    )


def stock_frame(world: World) -> pl.DataFrame:
    """Return the table `stock` (columns: `features.tables.STOCK`) at local midnight after the end of each month.

    Parameters
    ----------
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        One row per month, store and model on sale, in this order: `quantity` and `received` in cars, `days_in_stock`,
        `price` in fen, `promotion` as a fraction of the list price, `snapshot_at` as int64 microseconds since 1970 UTC.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.books import stock_frame
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> stock_frame(world).columns[:4]
    ['store_id', 'model', 'snapshot_at', 'quantity']
    """
    catalogue, trade, window = world.catalogue, world.trade, world.window
    month, store, model = stocked_cells(world)
    cell = store * catalogue.current + model
    promotion = world.market.promotion[store, model, month]
    return pl.DataFrame(
        {
            "store_id": world.stores.ids(store),
            "model": labels(catalogue.names, model),
            "snapshot_at": pl.Series(window.month_starts[month + 1] - 8 * HOUR),
            "quantity": pl.Series(trade.closing[month, cell].astype(np.float64)),
            "days_in_stock": pl.Series(trade.days_in_stock[month, cell].astype(np.float64)),
            "received": pl.Series(trade.received[month, cell].astype(np.float64)),
            "price": pl.Series(fen(np.round(catalogue.price[model] * (1 - promotion), -2))),
            "promotion": pl.Series(promotion),
        }
    )


def stocked_cells(world: World) -> tuple[IntArray, IntArray, IntArray]:
    """Return the combinations of month, store and model on sale: the rows of the stock table and of true demand.

    Parameters
    ----------
    world : World
        As returned by `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Returns
    -------
    month, store, model : ndarray of int64, shape (n_combinations,)
        Positions, ordered by month, store and model.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.books import stocked_cells
    >>> from training.simulator.world import build_world
    >>> month, store, model = stocked_cells(build_world(Size(stores=1, customers=100, months=3)))
    >>> sorted(set(month.tolist())), set(store.tolist())
    ([0, 1, 2], {0})
    """
    catalogue = world.catalogue
    carried, on_sale = catalogue.carried(world.stores.assortment), catalogue.on_sale(world.window.months)
    month, store, model = np.nonzero(carried[None, :, :] & on_sale.T[:, None, :])
    return month, store, model

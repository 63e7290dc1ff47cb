"""The order in which a sample dealership is made: each part draws from its own stream and stands on those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from training.sample_data import truth
from training.sample_data.applicants import build_applicants
from training.sample_data.applications import applications_frame, build_applications
from training.sample_data.browsing import browse
from training.sample_data.catalogue import Catalogue, build_catalogue, catalogue_frame
from training.sample_data.draws import Floats, Ints
from training.sample_data.event_log import Log, event_chunks, join_logs
from training.sample_data.faults import build_hazard, draw_faults
from training.sample_data.fleet import Fleet, build_fleet, fleet_frame
from training.sample_data.journeys import Journeys, build_journeys
from training.sample_data.leads import Funnel, build_funnel, leads_frame
from training.sample_data.lending import build_loans, outcomes_frame
from training.sample_data.people import People, build_people, created_at, customers_frame
from training.sample_data.sales import Sales, build_sales, by_journey, sales_frame, stock_frame
from training.sample_data.seasons import DAY, Window
from training.sample_data.sessions import build_sessions, first_registration
from training.sample_data.showroom import Showroom
from training.sample_data.size import Size
from training.sample_data.stock_and_sales import Supply, Trade, Wants, trade
from training.sample_data.stores import Market, Stores, build_market, build_stores
from training.sample_data.units import Units, build_units, units_frame
from training.sample_data.visits import drives, orders
from training.sample_data.workshop import build_lines, service_frame
from training.sample_data.write import whole_folder, write_manifest, write_table, write_truth

Progress = Callable[[str], None]


@dataclass(frozen=True)
class World:
    """Everything that browsing, lending and the workshop stand on.

    Attributes
    ----------
    buyers : ndarray of int64
        Journeys that wanted a new car within the window, in the order of their decision; `trade` follows it.
    expected : ndarray of float64, shape (months, stores x current models)
        True expected demand.
    """

    size: Size
    window: Window
    catalogue: Catalogue
    stores: Stores
    market: Market
    people: People
    journeys: Journeys
    funnel: Funnel
    buyers: Ints
    expected: Floats
    trade: Trade
    units: Units
    sales: Sales
    created: Ints


def build_world(size: Size) -> World:
    """Draw people, their journeys, and what the stores sold them."""
    window = Window.of(size)
    catalogue = build_catalogue(window)
    stores = build_stores(size.stream("stores"), size.stores)
    market = build_market(size.stream("catalogue"), catalogue, stores=size.stores, months=size.months)
    people = build_people(size.stream("people"), size.customers, stores=stores, window=window)
    journeys = build_journeys(
        size.stream("journeys"), people, catalogue=catalogue, stores=stores, market=market, window=window
    )
    funnel_stream = size.stream("leads")
    funnel = build_funnel(funnel_stream, journeys, people=people, stores=stores, window=window)
    registered = first_registration(funnel_stream, journeys, funnel, people=len(people), window=window)
    created = created_at(funnel_stream, people, first_seen=registered, window=window)
    buyers, wants = _wants(journeys, funnel, catalogue=catalogue, window=window)
    expected = _expected(journeys, funnel, catalogue=catalogue, stores=size.stores, window=window)
    supply = _supply(size.stream("stock"), expected, catalogue=catalogue, stores=stores, market=market, window=window)
    traded = trade(size.stream("sales"), wants, supply, window=window)
    units_stream = size.stream("units")
    units = build_units(
        units_stream,
        journeys=journeys,
        funnel=funnel,
        trade=traded,
        buyers=buyers,
        people=people,
        catalogue=catalogue,
        stores=stores,
        window=window,
    )
    sales = build_sales(units_stream, units, journeys, catalogue=catalogue, market=market, window=window)
    return World(
        size=size,
        window=window,
        catalogue=catalogue,
        stores=stores,
        market=market,
        people=people,
        journeys=journeys,
        funnel=funnel,
        buyers=buyers,
        expected=expected,
        trade=traded,
        units=units,
        sales=sales,
        created=created,
    )


def _wants(journeys: Journeys, funnel: Funnel, *, catalogue: Catalogue, window: Window) -> tuple[Ints, Wants]:
    row = np.flatnonzero(funnel.wants & ~journeys.used & (journeys.decided_at < window.end))
    row = row[np.argsort(journeys.decided_at[row], kind="stable")]
    base = journeys.store[row] * catalogue.current
    second = np.where(journeys.second[row] < catalogue.current, base + journeys.second[row], -1)
    return row, Wants(window.day(journeys.decided_at[row]), base + journeys.first[row], second)


def _expected(journeys: Journeys, funnel: Funnel, *, catalogue: Catalogue, stores: int, window: Window) -> Floats:
    """Expected demand: the sum over journeys of the chance to buy times the chance of each model."""
    row = np.flatnonzero(~journeys.used & (journeys.decided_at < window.end))
    group = window.month(journeys.decided_at[row]) * stores + journeys.store[row]
    chance = funnel.probability[row]
    columns = [
        np.bincount(group, weights=chance * journeys.share[row, model], minlength=window.months * stores)
        for model in range(catalogue.current)
    ]
    table = np.stack(columns, axis=1).reshape(window.months, stores * catalogue.current)
    return np.asarray(table, dtype=np.float64)


def _supply(
    rng: np.random.Generator,
    expected: Floats,
    *,
    catalogue: Catalogue,
    stores: Stores,
    market: Market,
    window: Window,
) -> Supply:
    """What planners reckon with: the first three months of each model, seen with an error of a quarter."""
    count, current = len(stores.city), catalogue.current
    carried = catalogue.carried(stores.assortment).ravel()
    launch = np.tile(catalogue.launch_month[:current], count)
    month, first = np.arange(window.months)[:, None], np.maximum(launch, 0)[None, :]
    early = (month >= first) & (month < first + 3)
    rate = (expected * early).sum(axis=0) / np.maximum(early.sum(axis=0), 1) / 30.4
    never = window.days + 1
    starts = (window.month_starts[np.clip(launch, 0, window.months)] - window.start) // DAY
    ends = (window.month_starts[np.clip(catalogue.end_month[:current], 0, window.months)] - window.start) // DAY
    stops = np.where(catalogue.end_month[:current] < window.months, ends - 45, never)
    return Supply(
        rate=np.where(carried, rate * rng.lognormal(0, 0.25, len(rate)), 0.0),
        lead_days=np.tile(rng.integers(14, 29, current), count),
        launch_day=np.where(carried, np.where(launch < 0, -1, starts), never),
        last_order_day=np.where(carried, np.tile(stops, count), -2),
        delivered=np.tile(market.supply.T, (1, count)),
    )


def generate(size: Size, out: Path, *, progress: Progress | None = None) -> dict[str, int]:
    """Make a sample dealership and write it to a folder.

    Writes `tables/<table>.parquet` for the ten raw tables, `truth/<name>.parquet` for the truth they were drawn from,
    and `manifest.json` with size, rows and checksums. The same size gives the same bytes.

    Parameters
    ----------
    size : Size
        How large, from when, and the seed.
    out : Path
        A new or empty folder, or one that holds a sample dealership, which is then replaced.
    progress : callable, optional
        Called with one line of text per finished table.

    Returns
    -------
    dict of str to int
        Rows of each raw table.

    Raises
    ------
    ConfigError
        The folder holds something else or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = generate(Size(stores=1, customers=100, months=3), Path(folder) / "sample")
    >>> rows["customers"]
    100
    """
    tell = progress or (lambda line: None)
    rows: dict[str, int] = {}
    with whole_folder(out) as folder:

        def put(name: str, frames: Iterable[pl.DataFrame]) -> None:
            rows[name] = write_table(folder, name, frames)
            tell(f"{name}: {rows[name]:,} rows")

        world = build_world(size)
        tell(f"stores: {size.stores:,} over {size.months} months, {len(world.sales):,} cars sold")
        for name, frame in _trading_tables(world):
            put(name, [frame])
        for part in (_lending_tables, _workshop_tables):
            tables, truths = part(world)
            for name, frame in tables.items():
                put(name, [frame])
            for name, frame in truths.items():
                write_truth(folder, name, frame)
        for name, frame in _trading_truth(world):
            write_truth(folder, name, frame)
        showroom = _showroom(world)
        log = join_logs(_events(world, showroom), before=world.window.end)
        put("events", event_chunks(log, showroom, created=world.created))
        write_truth(folder, "exposures", truth.exposure_truth(log))
        write_manifest(folder, size, rows)
    return rows


def _trading_tables(world: World) -> Iterator[tuple[str, pl.DataFrame]]:
    w, window = world, world.window
    stream = w.size.stream("books")
    ordered, margin = by_journey(w.sales, journeys=len(w.journeys))
    yield "customers", customers_frame(stream, w.people, created=w.created, stores=w.stores)
    cars = [catalogue_frame(w.catalogue, window), units_frame(w.units, w.catalogue, w.stores, window)]
    yield "vehicles", pl.concat(cars, how="diagonal")
    yield (
        "leads",
        leads_frame(
            stream,
            w.journeys,
            w.funnel,
            people=w.people,
            catalogue=w.catalogue,
            stores=w.stores,
            window=window,
            ordered_at=ordered,
            margin=margin,
        ),
    )
    yield (
        "sales",
        sales_frame(
            stream,
            w.sales,
            units=w.units,
            journeys=w.journeys,
            funnel=w.funnel,
            people=w.people,
            catalogue=w.catalogue,
            stores=w.stores,
            window=window,
        ),
    )
    yield "stock", stock_frame(w.trade, catalogue=w.catalogue, market=w.market, stores=w.stores, window=window)


def _trading_truth(world: World) -> Iterator[tuple[str, pl.DataFrame]]:
    w = world
    wanted = w.journeys.store[w.buyers] * w.catalogue.current + w.journeys.first[w.buyers]
    yield (
        "demand",
        truth.demand_truth(
            w.trade,
            wanted_cell=wanted,
            wanted_at=w.journeys.decided_at[w.buyers],
            expected=w.expected,
            catalogue=w.catalogue,
            stores=w.stores,
            window=w.window,
        ),
    )
    yield "tastes", truth.taste_truth(w.people)
    yield "appeal", truth.appeal_truth(w.catalogue, w.market, w.window)
    yield "stores", truth.store_truth(w.stores)
    yield "leads", truth.lead_truth(w.journeys, w.funnel, w.window)


_Frames = dict[str, pl.DataFrame]


def _lending_tables(world: World) -> tuple[_Frames, _Frames]:
    w = world
    who = build_applicants(
        w.size.stream("applicants"),
        sales=w.sales,
        units=w.units,
        journeys=w.journeys,
        funnel=w.funnel,
        people=w.people,
        catalogue=w.catalogue,
        stores=w.stores,
        window=w.window,
    )
    stream = w.size.stream("lending")
    said = build_applications(stream, who)
    loans = build_loans(stream, who, said, window=w.window)
    applications = applications_frame(
        stream,
        who,
        said,
        decision=loans.decision,
        decided_at=loans.decided_at,
        customers=w.people.customers,
        stores=w.stores,
        window=w.window,
    )
    outcomes = outcomes_frame(loans, said, window=w.window)
    return {"applications": applications, "loan_outcomes": outcomes}, {"applications": truth.credit_truth(who, loans)}


def _workshop_tables(world: World) -> tuple[_Frames, _Frames]:
    w, stream = world, world.size.stream("workshop")
    fleet: Fleet = build_fleet(
        w.size.stream("fleet"), w.units, w.sales, w.journeys, catalogue=w.catalogue, window=w.window
    )
    hazard = build_hazard(stream, fleet, w.catalogue, w.window)
    faults = draw_faults(stream, fleet, hazard, w.window)
    lines = build_lines(stream, fleet, faults, catalogue=w.catalogue, window=w.window)
    cars = fleet_frame(fleet, units=w.units, people=w.people, catalogue=w.catalogue, stores=w.stores, window=w.window)
    records = service_frame(stream, lines, fleet, catalogue=w.catalogue, stores=w.stores)
    exposure = truth.fault_exposure_truth(faults, fleet, hazard, catalogue=w.catalogue, window=w.window)
    truths = {
        "fault_injection": truth.injection_truth(w.window),
        "fault_exposure": exposure,
        "faults": truth.fault_truth(faults, fleet),
    }
    return {"fleet": cars, "service_records": records}, truths


def _showroom(world: World) -> Showroom:
    w = world
    return Showroom(w.people, w.catalogue, w.market, w.stores, w.units, w.window)


def _events(world: World, showroom: Showroom) -> Iterator[Log]:
    w, stream = world, world.size.stream("browsing")
    sessions = build_sessions(stream, w.people, w.journeys, w.funnel, window=w.window)
    yield from browse(stream, showroom, sessions)
    yield from drives(stream, w.journeys, w.funnel, catalogue=w.catalogue, window=w.window)
    yield orders(w.sales, w.journeys, catalogue=w.catalogue)

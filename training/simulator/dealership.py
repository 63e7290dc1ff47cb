"""From a simulated group to its tables and its truth in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

from training.simulator import truth
from training.simulator.applicants import build_applicants
from training.simulator.applications import applications_frame, build_applications
from training.simulator.browsing import browse
from training.simulator.catalogue import catalogue_frame
from training.simulator.event_log import Log, event_chunks, exposure_chunks, join_logs
from training.simulator.faults import build_hazard, draw_faults
from training.simulator.fleet import Fleet, build_fleet, fleet_frame
from training.simulator.leads import leads_frame
from training.simulator.lending import build_loans, outcomes_frame
from training.simulator.people import customers_frame
from training.simulator.sales import by_journey, sales_frame, stock_frame
from training.simulator.sessions import build_sessions
from training.simulator.showroom import Showroom
from training.simulator.size import Size
from training.simulator.units import units_frame
from training.simulator.visits import drives, orders
from training.simulator.workshop import build_lines, service_frame
from training.simulator.world import World, build_world
from training.simulator.write import whole_folder, write_manifest, write_table, write_truth

Progress = Callable[[str], None]


def generate(size: Size, out: Path, *, progress: Progress | None = None) -> dict[str, int]:
    """Make a sample dealership and write it to a folder.

    Writes `tables/<table>.parquet` for the eleven raw tables, `truth/<name>.parquet` for the truth they were drawn
    from, and `manifest.json` with size, rows and checksums. The same size gives the same bytes.

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
        put("exposures", exposure_chunks(log, showroom))
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

"""Generate a sample dealership: tables and truth in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from training.simulator import truth
from training.simulator.applicants import build_applicants
from training.simulator.applications import applications_frame, build_applications
from training.simulator.books import customers_frame, leads_frame, sales_frame, stock_frame
from training.simulator.browsing import browse
from training.simulator.bureau_repair import draw_overdues, repair_truth, repaired_files
from training.simulator.catalogue import catalogue_frame
from training.simulator.changes import DEFAULT_CHANGES, Changes
from training.simulator.dangers import danger_truth, draw_dangers
from training.simulator.dangers import texts as danger_texts
from training.simulator.draws import fen, labels
from training.simulator.event_log import Log, event_chunks, exposure_chunks, join_logs
from training.simulator.faults import build_hazard, draw_faults
from training.simulator.fleet import build_fleet, fleet_frame
from training.simulator.lending import build_loans, outcomes_frame
from training.simulator.seasons import YEAR
from training.simulator.sessions import build_sessions
from training.simulator.size import Size
from training.simulator.units import unit_ids, units_frame
from training.simulator.used_prices import expected_price
from training.simulator.visits import drives, orders
from training.simulator.workshop import build_lines, service_frame
from training.simulator.world import World, build_world
from training.simulator.write import atomic_folder, write_manifest, write_table, write_truth

Progress = Callable[[str], None]


def generate(
    size: Size, out: Path, *, changes: Changes = DEFAULT_CHANGES, progress: Progress | None = None
) -> dict[str, int]:
    """Generate a sample dealership and write it to a folder.

    Writes `tables/<table>.parquet` for the eleven raw tables, `truth/<name>.parquet` for the ground truth, and
    `manifest.json` with size, row counts and checksums. Equal sizes (including the seed) give identical bytes.

    Parameters
    ----------
    size : Size
        `training.simulator.Size(stores=20, customers=60_000, months=36, seed=7, start="2023-01-01")`.
    out : Path
        A new or empty folder, or one with a sample dealership, which is replaced.
    changes : Changes
        `training.simulator.Changes()`: changes during the simulated period.
    progress : callable, optional
        `progress(line)` is called with one line of text per table.

    Returns
    -------
    dict of str to int
        Number of rows by raw table, such as `{"customers": 100, ...}`.

    Raises
    ------
    ConfigError
        The folder contains other files or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from training.simulator import Size, generate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = generate(Size(stores=1, customers=100, months=3), Path(folder) / "sample")
    >>> rows["customers"]
    100
    """
    report = progress or (lambda line: None)
    rows: dict[str, int] = {}
    with atomic_folder(out) as folder:

        def put(name: str, frames: Iterable[pl.DataFrame]) -> None:
            rows[name] = write_table(folder, name, frames)
            report(f"{name}: {rows[name]:,} rows")

        world = build_world(size, changes)
        report(f"stores: {size.stores:,} over {size.months} months, {len(world.sales):,} cars sold")
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
        log = join_logs(_events(world), before=world.window.end)
        put("events", event_chunks(log, world))
        put("exposures", exposure_chunks(log, world))
        write_truth(folder, "exposures", truth.exposure_truth(log))
        write_manifest(folder, size, rows, changes)
    return rows


def _trading_tables(world: World) -> Iterator[tuple[str, pl.DataFrame]]:
    stream, window = world.size.stream("books"), world.window
    yield "customers", customers_frame(stream, world)
    cars = [catalogue_frame(world.catalogue, window), units_frame(world.units, world.catalogue, world.stores, window)]
    yield "vehicles", pl.concat(cars, how="diagonal")
    yield "leads", leads_frame(stream, world)
    yield "sales", sales_frame(stream, world)
    yield "stock", stock_frame(world)


def _trading_truth(world: World) -> Iterator[tuple[str, pl.DataFrame]]:
    yield "demand", truth.demand_truth(world)
    yield "tastes", truth.taste_truth(world.people)
    yield "appeal", truth.appeal_truth(world.catalogue, world.market, world.window)
    yield "stores", truth.store_truth(world.stores)
    yield "leads", truth.lead_truth(world)
    yield "used_prices", used_price_truth(world)


def used_price_truth(world: World) -> pl.DataFrame:
    """Return the expected price of every used car, the best possible prediction of its asking price.

    Parameters
    ----------
    world : World
        As returned by `training.simulator.world.build_world(size)`.

    Returns
    -------
    polars.DataFrame
        One row per used car: `vehicle_id` and `expected_price` (fen), the median of the prices that it could have.

    Examples
    --------
    >>> from training.simulator import Size
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> used_price_truth(world).columns
    ['vehicle_id', 'expected_price']
    """
    units, catalogue = world.units, world.catalogue
    rows = np.flatnonzero(units.used)
    years = (units.listed_at[rows] - units.built_at[rows]) / YEAR
    price = catalogue.price[catalogue.item_model[units.item[rows]]]
    expected = expected_price(price, years=years, mileage=units.mileage[rows])
    return pl.DataFrame({"vehicle_id": unit_ids(rows), "expected_price": fen(expected)})


_Frames = dict[str, pl.DataFrame]


def _lending_tables(world: World) -> tuple[_Frames, _Frames]:
    applicants = build_applicants(world.size.stream("applicants"), world)
    stream = world.size.stream("lending")
    applications = build_applications(stream, applicants)
    shown = applications
    if world.changes.bureau_repair:
        overdues = draw_overdues(world.size.stream("bureau"), applications, applicants.submitted_at)
        shown = repaired_files(applications, overdues, applicants.submitted_at)
    cycle = world.changes.population_shift
    loans = build_loans(stream, applicants, applications, window=world.window, shown=shown, cycle=cycle)
    frame = applications_frame(stream, world, applicants, shown, decision=loans.decision, decided_at=loans.decided_at)
    outcomes = outcomes_frame(loans, applications, window=world.window)
    truths = {"applications": truth.credit_truth(applicants, loans)}
    if world.changes.bureau_repair:
        truths["bureau_repair"] = repair_truth(applications, shown)
    return {"applications": frame, "loan_outcomes": outcomes}, truths


def _workshop_tables(world: World) -> tuple[_Frames, _Frames]:
    stream, catalogue, window = world.size.stream("workshop"), world.catalogue, world.window
    fleet = build_fleet(world.size.stream("fleet"), world)
    hazard = build_hazard(stream, fleet, catalogue, window)
    faults = draw_faults(stream, fleet, hazard, window)
    lines = build_lines(stream, fleet, faults, catalogue=catalogue, window=window)
    dangers = draw_dangers(world.size.stream("dangers"), lines, hazard)
    records = service_frame(
        stream, lines, fleet, catalogue=catalogue, stores=world.stores, other_texts=labels(danger_texts(), dangers)
    )
    truths = {
        "fault_injection": truth.injection_truth(window),
        "fault_exposure": truth.fault_exposure_truth(faults, fleet, hazard, catalogue=catalogue, window=window),
        "faults": truth.fault_truth(faults, fleet),
        "dangers": danger_truth(dangers, lines, hazard),
    }
    return {"fleet": fleet_frame(fleet, world), "service_records": records}, truths


def _events(world: World) -> Iterator[Log]:
    stream = world.size.stream("browsing")
    yield from browse(stream, world, build_sessions(stream, world))
    yield from drives(stream, world)
    yield orders(world)

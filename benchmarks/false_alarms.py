"""Family-wise false-alarm rate of the whole weekly run on simulated dealerships: `python -m benchmarks.false_alarms`.

Each simulated dealership has the fleet of the sample data, own rates of its models (gamma of mean 1, standard deviation
20%), ageing, wear, seasons and reporting delays. Everything is estimated as in a weekly run: reporting delay, baseline
rates, the variance between models, the own rates of the cells. The weeks after the reference year of dealerships
without a fault are tested; a dealership with one or more alarms has a false alarm. Then the same with the fault of the
sample data: four times the normal rate of brakes in some builds, a part of which lies in the reference year.

With `--cars` the fleet is repeated, so that cells have more faults and changes of the baseline rates matter more.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import polars as pl

from ml.fault_rate.exposure import WEEK_DAYS, build_exposure
from ml.fault_rate.params import FaultParams
from ml.fault_rate.surveillance import SurveillanceResult, run_surveillance
from training.simulator import Size
from training.simulator.faults import COMPONENTS, DEFECT_COMPONENT, DEFECT_MODEL, build_hazard, draw_faults
from training.simulator.fleet import Fleet, build_fleet, fleet_frame
from training.simulator.world import World, build_world

PARAMS = FaultParams()
MEAN_DELAY_DAYS = 6.0


def run(world: World, fleet: Fleet, frame: pl.DataFrame, *, seed: int, defect: bool) -> SurveillanceResult:
    """Return the weekly run on one simulated dealership."""
    rng = np.random.default_rng(seed)
    hazard = build_hazard(rng, fleet, world.catalogue, world.window)
    if not defect:
        hazard = replace(hazard, bad=np.zeros_like(hazard.bad))
    faults = draw_faults(rng, fleet, hazard, world.window)
    ids = frame["vehicle_id"].to_numpy()
    delay = (MEAN_DELAY_DAYS * rng.lognormal(0, 0.9, len(faults.at)) * 86_400e6).astype(np.int64)
    records = pl.DataFrame(
        {
            "vehicle_id": ids[faults.car],
            "component": np.array(list(COMPONENTS))[faults.component],
            "fault": True,
            "serviced_at": faults.at,
            "reported_at": faults.at + delay,
        }
    )
    exposure = build_exposure(
        frame, records, as_of=world.window.end, since=world.window.start, bands=PARAMS.distance_bands
    )
    return run_surveillance(
        exposure, start=PARAMS.reference_weeks, alpha=PARAMS.false_alarm_rate,
        longest_delay=PARAMS.longest_delay_days, rate_drift=PARAMS.rate_drift,
    )  # fmt: skip


def repeated(fleet: Fleet, times: int) -> Fleet:
    """Return the fleet with every vehicle several times."""
    return replace(fleet, **{name: np.tile(getattr(fleet, name), times) for name in vars(fleet)})


def main() -> None:
    """Simulate dealerships and print the false-alarm rate and the weeks to detection."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.false_alarms", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--years", type=float, default=200.0, help="test years without a fault")
    parser.add_argument("--defects", type=int, default=20, help="dealerships with the fault of the sample data")
    parser.add_argument("--cars", type=int, default=1, help="times that the sample fleet is repeated")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    size = Size(stores=8, customers=20_000, months=30)
    world = build_world(size)
    one = build_fleet(size.stream("fleet"), world)
    fleet = repeated(one, options.cars)
    frame = pl.concat([fleet_frame(one, world)] * options.cars).with_columns(
        vehicle_id=pl.int_range(pl.len()).cast(pl.String),
        **{n: pl.col(n).dt.epoch("us") for n, t in fleet_frame(one, world).schema.items() if t.is_temporal()},
    )
    weeks = int((world.window.end - world.window.start) / 86_400e6 // WEEK_DAYS) - PARAMS.reference_weeks
    runs = round(options.years * 52 / weeks)
    started, alarms, listed = time.monotonic(), 0, 0
    for seed in range(options.seed, options.seed + runs):
        result = run(world, fleet, frame, seed=seed, defect=False)
        table = result.alarms()
        alarms += not table.is_empty()
        listed += result.raised.height
        if table.height:
            print(f"dealership {seed}: {table.select('model', 'component', 'count', 'expected').rows()}", flush=True)
    years = runs * weeks / 52
    print(
        f"{runs} dealerships without a fault, {years:.0f} years: {alarms} with an alarm ({alarms / runs:.1%} of the "
        f"dealerships, {alarms / years:.1%} of the years; promised {PARAMS.false_alarm_rate:.0%}), "
        f"{listed / max(runs, 1):.1f} cells above the other models from the start, {time.monotonic() - started:.0f} s",
        flush=True,
    )
    detections: list[float] = []
    for seed in range(options.seed + 10_000, options.seed + 10_000 + options.defects):
        result = run(world, fleet, frame, seed=seed, defect=True)
        row = result.cells.rows().index((DEFECT_MODEL, DEFECT_COMPONENT))
        week = int(result.detection_week[row])
        detections.append(np.inf if week < 0 else week + 1.0)
    if detections:
        low, median, high = np.quantile(detections, (0.1, 0.5, 0.9), method="lower")
        print(f"the fault of the sample is detected after {low:.0f}, {median:.0f} and {high:.0f} weeks (10, 50, 90 %)")


if __name__ == "__main__":
    main()

"""Selection of the fit of a component's rate on held-out blocks of the reference weeks."""

from __future__ import annotations

import numpy as np
import polars as pl

from ml.fault_rate.baseline_rates import KINDS
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.expected import deviance, expect_faults
from ml.fault_rate.exposure import FleetExposure, build_exposure
from ml.fault_rate.reports import build_report_exposure
from ml.fault_rate.snapshot import Snapshot
from ml.fault_rate.surveillance import run_surveillance
from tests.small.fault_rate import DAY, DAYS, START, fleet_and_records


def complaints(seed: int) -> FleetExposure:
    """A file of complaints: every record is a fault, no fleet; the shares of components differ by chance only."""
    rng = np.random.default_rng(seed)
    records = pl.DataFrame(
        {
            "model": rng.choice(list("ABCDEF"), 3_000),
            "component": rng.choice(["brakes", "battery", "pump", "engine"], 3_000, p=[0.4, 0.3, 0.2, 0.1]),
            "fault": True,
            "serviced_at": START + np.sort(rng.integers(0, 2 * 364, 3_000)) * DAY,
        }
    )
    return build_report_exposure(records, as_of=START + 2 * 364 * DAY, since=START)


def test_visits_that_are_all_faults_have_one_rate_and_no_worse_a_forecast_than_one_rate() -> None:
    own, one, kinds = 0.0, 0.0, []
    for seed in range(3):
        exposure = complaints(seed)
        result = run_surveillance(exposure, start=52, alpha=0.05, longest_delay=60)
        kinds += result.expected_faults.baseline_rates.model_kinds
        assert result.alarms().is_empty()
        estimator = FaultEstimator(Snapshot.of(result, alpha=0.05, vehicles=None, costs={}))
        visits = exposure.at_risk[:, 52:].sum(axis=1)
        rows = result.cells.with_columns(
            energy_type=pl.lit(None, pl.String), age=1.5, monthly_km=None, month=6,
            vehicle_years=pl.Series(np.tile(visits, len(exposure.components))),
        )  # fmt: skip
        rates = [exposure.counts(c)[:, :52].sum() / exposure.at_risk[:, :52].sum() for c in range(4)]
        count = result.count[:, -1]
        own += deviance(count, estimator.predict(rows)["expected"].to_numpy())
        one += deviance(count, np.repeat(rates, len(visits)) * rows["vehicle_years"].to_numpy())
    assert own < 1.05 * one and kinds.count("constant") >= 11


def test_noise_is_no_clear_gain_and_a_season_is() -> None:
    """Brakes and pumps have one rate in every fleet; batteries fail twice as often in winter."""
    kinds: dict[str, list[str]] = {"battery": [], "brakes": [], "pump": []}
    for seed in range(4):
        exposure = build_exposure(*fleet_and_records(seed=seed), as_of=START + DAYS * DAY, since=START)
        rates = expect_faults(exposure, until=60).baseline_rates
        for component, kind in zip(rates.components, rates.model_kinds, strict=True):
            kinds[component].append(kind)
    assert set(KINDS) > {"season", "constant"}
    assert kinds["battery"].count("season") + kinds["battery"].count("regression") >= 3
    assert kinds["brakes"].count("constant") >= 3 and kinds["pump"].count("constant") >= 3


def test_expected_faults_of_a_model_are_those_of_its_own_rate() -> None:
    """The rates of the models differ by 20%: their own rates forecast the test weeks better than one rate does."""
    exposure = build_exposure(*fleet_and_records(seed=5), as_of=START + DAYS * DAY, since=START)
    result = run_surveillance(exposure, start=60, alpha=0.05, longest_delay=120)
    estimator = FaultEstimator(Snapshot.of(result, alpha=0.05, vehicles=None, costs={}))
    rows = result.cells.with_columns(
        energy_type=pl.lit(None, pl.String), age=1.5, monthly_km=1_200.0, month=6, vehicle_years=1.0
    )
    own = estimator.predict(rows)["expected"].to_numpy()
    new = estimator.predict(rows.with_columns(model=pl.lit("new")))["expected"].to_numpy()
    np.testing.assert_allclose(own[own > 0], (new * estimator.snapshot.likely_own_ratio)[own > 0])
    count, baseline = result.count[:, -1], (result.expected / result.normal_ratio[:, None])[:, -1]
    exposed = baseline > 0
    assert deviance(count[exposed], result.expected[exposed, -1]) < 0.5 * deviance(count[exposed], baseline[exposed])

"""The sample dealership: contracts, coherence, causality, and that the truth is the truth."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError
from features.sources import SourcesConfig, read_tables
from features.tables import TABLES
from tests.features.pandera_schema import pandera_schema
from training.simulator.applications import instalment
from training.simulator.catalogue import build_catalogue
from training.simulator.dealership import generate
from training.simulator.draws import rank_within
from training.simulator.seasons import DAY, Window
from training.simulator.size import Size
from training.simulator.stock_and_sales import FIRST, LOST, SECOND, _serve
from training.simulator.storefront import PLACES, Shelves, UsedStock, show_pages
from training.simulator.stores import build_stores

SAMPLED = [n for n in TABLES if n != "denominators"]  # the sample dealership knows its own vehicles
SMALL = Size(stores=2, customers=2_000, months=24)
END = pl.datetime(2025, 1, 1, time_zone="UTC")
START = pl.datetime(2023, 1, 1, time_zone="UTC")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample") / "small"
    generate(SMALL, out)
    return out


@pytest.fixture(scope="module")
def tables(folder: Path) -> dict[str, pl.DataFrame]:
    return {name: pl.read_parquet(folder / "tables" / f"{name}.parquet") for name in SAMPLED}


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, pl.DataFrame]:
    return {path.stem: pl.read_parquet(path) for path in (folder / "truth").glob("*.parquet")}


def checksums(folder: Path) -> dict[str, str]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["sha256"]


# Contracts


@pytest.mark.parametrize("name", SAMPLED)
def test_a_table_holds_to_its_contract(tables: dict[str, pl.DataFrame], name: str) -> None:
    frame = tables[name].with_columns(pl.col(pl.Datetime).dt.epoch("us"))
    assert list(frame.columns) == list(TABLES[name].columns)
    assert len(pandera_schema(TABLES[name]).validate(frame, lazy=True)) == len(frame) > 0


def test_the_source_reader_takes_every_row(folder: Path, tables: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    config = SourcesConfig(tables={n: {"parquet": str(folder / "tables" / f"{n}.parquet")} for n in SAMPLED})
    read = read_tables(config, SAMPLED, quarantine_folder=tmp_path)
    assert {name: report.rows_valid for name, report in read.reports.items()} == {n: len(f) for n, f in tables.items()}


def test_instants_are_date_times_in_utc(tables: dict[str, pl.DataFrame]) -> None:
    assert tables["sales"].schema["sold_at"] == pl.Datetime("us", "UTC")
    assert tables["customers"].schema["birth_date"] == pl.Datetime("us", "UTC")


def test_the_truth_is_not_in_the_tables(tables: dict[str, pl.DataFrame], truth: dict[str, pl.DataFrame]) -> None:
    shown = {c for frame in tables.values() for c in frame.columns}
    assert not shown & {"probability_of_default", "hidden", "utility", "conversion_probability", "demand", "affected"}
    assert set(truth) == {
        "applications", "demand", "tastes", "appeal", "stores", "leads", "exposures", "fault_injection",
        "fault_exposure", "faults", "dangers", "used_prices",
    }  # fmt: skip


# Reproducibility


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from training.simulator import Size, generate;"
        "generate(Size(stores=2, customers=2_000, months=24), Path(sys.argv[1]))"
    )
    environment = {**os.environ, "POLARS_MAX_THREADS": "3", "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "1"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "again")], check=True, env=environment)
    assert checksums(tmp_path / "again") == checksums(folder)


def test_another_seed_gives_other_data(folder: Path, tmp_path: Path) -> None:
    generate(dataclasses.replace(SMALL, seed=8), tmp_path / "other")
    mine, other = checksums(folder), checksums(tmp_path / "other")
    changes_with_seed = mine.keys() - {"truth/fault_injection.parquet"}
    assert all(mine[name] != other[name] for name in changes_with_seed)


def test_parts_draw_from_their_own_streams() -> None:
    first = Size().stream("people").random(3)
    Size().stream("leads").random(1_000)
    assert first.tolist() == Size().stream("people").random(3).tolist()
    assert first.tolist() != Size().stream("leads").random(3).tolist()
    assert first.tolist() != Size(seed=8).stream("people").random(3).tolist()


def test_rows_are_reported(tmp_path: Path) -> None:
    lines: list[str] = []
    rows = generate(Size(stores=1, customers=100, months=3), tmp_path / "out", progress=lines.append)
    assert rows.keys() == set(SAMPLED)
    assert rows["customers"] == 100
    assert "customers: 100 rows" in lines
    written = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert written["rows"] == rows
    assert written["size"] == {"stores": 1, "customers": 100, "months": 3, "seed": 7, "start": "2023-01-01"}


# Coherence

DEALS = ("events", "leads", "applications", "sales", "fleet")
REFERENCES = [
    ("vehicles", "catalogue_id", "vehicles", "vehicle_id"),
    *((name, "customer_id", "customers", "customer_id") for name in DEALS),
    *((name, "vehicle_id", "vehicles", "vehicle_id") for name in DEALS),
    ("service_records", "vehicle_id", "fleet", "vehicle_id"),
    ("sales", "lead_id", "leads", "lead_id"),
    ("loan_outcomes", "application_id", "applications", "application_id"),
    *((name, "store_id", "stock", "store_id") for name in ("customers", "vehicles", "service_records", *DEALS)),
    *((name, "model", "vehicles", "model") for name in ("events", "leads", "sales", "stock", "fleet")),
    ("service_records", "model", "fleet", "model"),
]


@pytest.mark.parametrize(("table", "column", "target", "key"), REFERENCES)
def test_a_reference_resolves(tables: dict[str, pl.DataFrame], table: str, column: str, target: str, key: str) -> None:
    references = tables[table][column].drop_nulls()
    assert len(references) > 0
    assert references.is_in(tables[target][key].implode()).all()


def test_a_sold_car_has_a_sale_an_order_and_a_place_in_the_fleet(tables: dict[str, pl.DataFrame]) -> None:
    sold = tables["vehicles"].filter((pl.col("kind") == "unit") & (pl.col("sold_at") >= START))
    sales = tables["sales"].group_by("vehicle_id").agg(pl.sum("quantity"), pl.min("sold_at"), pl.first("customer_id"))
    orders = tables["events"].filter(pl.col("event_type") == "order")
    assert (sales["quantity"] == 1).all()
    assert sorted(sold["vehicle_id"]) == sorted(sales["vehicle_id"]) == sorted(orders["vehicle_id"])
    joined = sold.select("vehicle_id", "sold_at").join(sales, on="vehicle_id").join(tables["fleet"], on="vehicle_id")
    joined = joined.join(orders.select("vehicle_id", "event_at", buyer="customer_id"), on="vehicle_id")
    assert len(joined) == len(sold)
    assert (joined["sold_at"] == joined["sold_at_right"]).all()
    assert (joined["sold_at"] == joined["entered_service_at"]).all()
    assert (joined["event_at"] < joined["sold_at"]).all()
    assert (joined["customer_id"] == joined["customer_id_right"]).all() and (
        joined["customer_id"] == joined["buyer"]
    ).all()


def test_a_lead_is_converted_exactly_if_it_has_a_sale(tables: dict[str, pl.DataFrame]) -> None:
    converted = tables["leads"].filter(pl.col("converted_at").is_not_null())
    assert set(converted["lead_id"]) == set(tables["sales"]["lead_id"].drop_nulls())
    joined = converted.join(tables["sales"].filter(pl.col("quantity") > 0).unique("lead_id"), on="lead_id")
    assert (joined["gross_margin"] == joined["gross_margin_right"]).all()
    assert (joined["customer_id"] == joined["customer_id_right"]).all()
    assert (joined["converted_at"] < joined["sold_at"]).all()


def test_stock_is_what_came_less_what_was_sold(tables: dict[str, pl.DataFrame]) -> None:
    cell = ["store_id", "model", "month"]
    new = tables["vehicles"].filter((pl.col("kind") == "unit") & (pl.col("condition") == "new"))
    new = new.with_columns(month=pl.col("sold_at").dt.truncate("1mo"))
    sold = new.group_by(cell).agg(sold=pl.len().cast(pl.Float64))
    stock = tables["stock"].with_columns(month=pl.col("snapshot_at").dt.truncate("1mo")).sort("snapshot_at")
    stock = stock.join(sold, on=cell, how="left")
    before = pl.col("quantity").shift(1).over("store_id", "model")
    checked = stock.with_columns(expected=before + pl.col("received") - pl.col("sold").fill_null(0))
    checked = checked.drop_nulls("expected")
    assert len(checked) > 400
    assert (checked["quantity"] == checked["expected"]).all()
    assert (stock["days_in_stock"] <= stock["snapshot_at"].dt.days_in_month()).all()


# Causality

LATER = [
    ("leads", "created_at", "first_contact_at"),
    ("leads", "first_contact_at", "last_contact_at"),
    ("leads", "created_at", "converted_at"),
    ("leads", "converted_at", "closed_at"),
    ("leads", "created_at", "closed_at"),
    ("vehicles", "listed_at", "sold_at"),
    ("vehicles", "first_registered_at", "listed_at"),
    ("vehicles", "launched_at", "sold_at"),
    ("applications", "submitted_at", "decided_at"),
    ("loan_outcomes", "originated_at", "defaulted_at"),
    ("loan_outcomes", "defaulted_at", "observed_at"),
    ("service_records", "serviced_at", "reported_at"),
    ("fleet", "built_at", "entered_service_at"),
    ("fleet", "entered_service_at", "left_service_at"),
]


@pytest.mark.parametrize(("table", "cause", "effect"), LATER)
def test_an_effect_follows_its_cause(tables: dict[str, pl.DataFrame], table: str, cause: str, effect: str) -> None:
    both = tables[table].drop_nulls([cause, effect])
    assert len(both) > 0
    assert (both[cause] <= both[effect]).all()


FOLLOWS = [
    ("events", "event_at", "customer_id", "customers", "created_at"),
    ("leads", "created_at", "customer_id", "customers", "created_at"),
    ("applications", "submitted_at", "customer_id", "customers", "created_at"),
    ("sales", "sold_at", "lead_id", "leads", "created_at"),
    ("sales", "sold_at", "vehicle_id", "vehicles", "listed_at"),
    ("events", "event_at", "vehicle_id", "vehicles", "listed_at"),
    ("applications", "submitted_at", "vehicle_id", "vehicles", "listed_at"),
    ("leads", "created_at", "vehicle_id", "vehicles", "launched_at"),
    ("loan_outcomes", "originated_at", "application_id", "applications", "decided_at"),
    ("service_records", "serviced_at", "vehicle_id", "fleet", "entered_service_at"),
]


@pytest.mark.parametrize(("table", "at", "key", "target", "since"), FOLLOWS)
def test_nothing_happens_before_what_it_refers_to(
    tables: dict[str, pl.DataFrame], table: str, at: str, key: str, target: str, since: str
) -> None:
    origin = tables[target].select(TABLES[target].key[0], origin=since)
    joined = tables[table].select(at, key).drop_nulls().join(origin, left_on=key, right_on=TABLES[target].key[0])
    assert len(joined) > 0
    assert (joined["origin"] <= joined[at]).all()


def test_nothing_is_known_after_the_end(tables: dict[str, pl.DataFrame]) -> None:
    timed = {name: frame.select(pl.col(pl.Datetime)) for name, frame in tables.items()}
    assert {name for name, frame in timed.items() if frame.width} >= {"events", "leads", "sales", "service_records"}
    for name, frame in timed.items():
        if not frame.width:
            continue
        latest = frame.select(pl.all().max() < END)
        assert all(value is not False for value in latest.row(0)), name


def test_a_car_is_neither_shown_nor_repaired_after_it_is_gone(tables: dict[str, pl.DataFrame]) -> None:
    shown = tables["events"].filter(pl.col("event_type") == "impression")
    shown = shown.join(tables["vehicles"].select("vehicle_id", "sold_at", "condition"), on="vehicle_id")
    assert (shown["condition"] == "used").any()
    assert (shown.drop_nulls("sold_at")["event_at"] < shown.drop_nulls("sold_at")["sold_at"]).all()
    left = tables["fleet"].drop_nulls("left_service_at").select("vehicle_id", "left_service_at")
    serviced = tables["service_records"].join(left, on="vehicle_id")
    assert (serviced["serviced_at"] < serviced["left_service_at"]).all()


def test_visitors_are_anonymous_until_they_register(tables: dict[str, pl.DataFrame]) -> None:
    visits = tables["events"].drop_nulls("visitor_id")
    assert 0.05 < visits["customer_id"].is_null().mean() < 0.6
    per_visitor = visits.drop_nulls("customer_id").group_by("visitor_id").agg(pl.n_unique("customer_id"))
    assert (per_visitor["customer_id"] == 1).all()


# Credit


def test_only_approved_and_taken_loans_have_an_outcome(tables: dict[str, pl.DataFrame], truth: dict[str, Any]) -> None:
    joined = tables["applications"].join(truth["applications"], on="application_id")
    risk = dict(joined.group_by("decision").agg(pl.mean("probability_of_default")).iter_rows())
    assert risk["approve"] < risk["refer"] < risk["decline"]
    with_outcome = tables["loan_outcomes"].join(joined, on="application_id")
    assert (with_outcome["decision"] == "approve").all() and with_outcome["originated"].all()
    assert len(with_outcome) < len(joined) / 1.5


def test_a_label_needs_twelve_complete_months(tables: dict[str, pl.DataFrame]) -> None:
    loans = tables["loan_outcomes"]
    complete = loans["originated_at"].dt.offset_by("365d") < pl.select(END).item()
    assert (loans["defaulted"].is_not_null() == complete).all()
    assert (loans["observed_at"].is_not_null() == complete).all()
    mature = loans.filter(complete)
    assert len(mature) >= 600
    assert 0.02 < mature["defaulted"].mean() < 0.05
    assert (mature["defaulted"] == mature["defaulted_at"].is_not_null()).all()
    young = loans.filter(~complete)
    assert young["defaulted_at"].is_not_null().any() and young["defaulted_at"].is_null().any()


def test_outcomes_follow_the_true_probability(truth: dict[str, pl.DataFrame]) -> None:
    credit = truth["applications"]
    expected, spread = (
        credit["probability_of_default"].sum(),
        np.sqrt((credit["probability_of_default"] * (1 - credit["probability_of_default"])).sum()),
    )
    assert abs(credit["would_default"].sum() - expected) < 4 * spread
    assert abs(credit["observable_probability"].mean() - credit["probability_of_default"].mean()) < 0.005


def test_the_population_drifts(tables: dict[str, pl.DataFrame]) -> None:
    applications = tables["applications"].with_columns(ltv=pl.col("loan_amount") / pl.col("vehicle_price"))
    early, late = (applications.filter(pl.col("submitted_at").dt.year() == year) for year in (2023, 2024))
    late = late.filter(pl.col("submitted_at").dt.month() > 6)
    edges = np.quantile(early["ltv"], np.linspace(0.1, 0.9, 9))
    shares = [np.bincount(np.digitize(f["ltv"], edges), minlength=10) / len(f) for f in (early, late)]
    stability_index = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    assert stability_index > 0.1
    assert late["bureau_score"].is_null().mean() > 1.3 * early["bureau_score"].is_null().mean()


def test_an_applications_money_adds_up(tables: dict[str, pl.DataFrame]) -> None:
    applications = tables["applications"]
    assert (applications["down_payment"] + applications["loan_amount"] == applications["vehicle_price"]).all()
    assert instalment(np.array([12_000.0]), np.array([0.0]), np.array([12])).round(6).tolist() == [1_000.0]


def test_a_thin_file_has_no_bureau_values(tables: dict[str, pl.DataFrame]) -> None:
    empty = tables["applications"].select(pl.col("^bureau_.*$").is_null())
    assert empty.select(pl.all_horizontal(pl.all()) == pl.any_horizontal(pl.all())).to_series().all()
    assert 0.05 < empty["bureau_score"].mean() < 0.3


# Demand


def test_sales_are_demand_censored_by_stock(tables: dict[str, pl.DataFrame], truth: dict[str, pl.DataFrame]) -> None:
    demand = truth["demand"]
    assert (demand["demand"] == demand["sold"] + demand["lost"] + demand["switched"]).all()
    assert demand["lost"].sum() > 0 and demand["switched"].sum() == demand["switched_in"].sum()
    new = tables["vehicles"].filter((pl.col("condition") == "new") & (pl.col("sold_at") >= START))
    assert len(new) == (demand["sold"] + demand["switched_in"]).sum()
    stock = tables["stock"].with_columns(month_at=pl.col("snapshot_at").dt.truncate("1mo"))
    joined = demand.join(stock, on=["store_id", "model", "month_at"])
    assert len(joined) == len(demand) == len(stock)
    full = joined.filter(pl.col("days_in_stock") == pl.col("days_in_stock").max().over("month_at"))
    assert joined.filter(pl.col("days_in_stock") == 0)["sold"].sum() == 0
    assert full["lost"].sum() / full["demand"].sum() < 0.1 < joined["lost"].sum() / joined["demand"].sum() * 2


def test_expected_demand_is_what_demand_averages(truth: dict[str, pl.DataFrame]) -> None:
    total, expected = truth["demand"]["demand"].sum(), truth["demand"]["expected_demand"].sum()
    assert abs(total - expected) < 4 * np.sqrt(expected)


def test_buyers_are_served_in_their_order() -> None:
    stock = np.array([1, 1, 0])
    first, second = np.array([0, 0, 0, 2]), np.array([1, 1, 1, -1])
    outcome, cell = _serve(stock, first, second, np.array([True, False, True, True]))
    assert outcome.tolist() == [FIRST, LOST, SECOND, LOST]
    assert cell.tolist() == [0, -1, 1, -1]
    assert stock.tolist() == [0, 0, 0]
    assert rank_within(np.array([], dtype=np.int64)).tolist() == []


def test_the_spring_festival_moves() -> None:
    season = {year: Window.of(Size(start=f"{year}-01-01", months=3)).season for year in (2023, 2024)}
    quiet = {year: int(np.argmin(values[:80])) for year, values in season.items()}
    assert 18 <= quiet[2023] <= 28  # three days before to a week after 22 January
    assert 37 <= quiet[2024] <= 47  # the same around 10 February


def test_a_new_model_sells_from_its_launch_on(tables: dict[str, pl.DataFrame]) -> None:
    launched = tables["vehicles"].filter((pl.col("kind") == "catalogue") & (pl.col("launched_at") >= START))
    assert len(launched) > 0
    first = tables["stock"].group_by("model").agg(pl.min("snapshot_at"))
    joined = first.join(launched.unique("model").select("model", "launched_at"), on="model")
    assert (joined["snapshot_at"] > joined["launched_at"]).all()
    assert (joined["snapshot_at"] < joined["launched_at"].dt.offset_by("1mo")).all()


# Storefront


def test_a_logged_propensity_is_the_share_of_pages() -> None:
    item = np.full((6, 1, 8, 2), -1, dtype=np.int64)
    item[:, :, :, 0] = np.arange(8)
    item[:, :, 0, 1] = 8
    probability = np.zeros(item.shape)
    probability[..., 0] = 1.0
    probability[:, :, 0] = [0.7, 0.3]
    shelves = Shelves(item, probability, np.cumsum(probability, axis=3))
    used = UsedStock(vehicle=np.array([100, 101, 102]), start=np.zeros(90, dtype=np.int64), count=np.full(90, 3))
    window = Window.of(Size(months=3))
    window = dataclasses.replace(window, month_starts=window.month_starts[[0, 3]])
    stores, n = build_stores(np.random.default_rng(0), 1), 40_000
    at, store = np.full(n, window.start), np.zeros(n, dtype=np.int64)
    pages = show_pages(np.random.default_rng(1), shelves, used, at=at, store=store, stores=stores, window=window)
    for vehicle, position in ((0, 1), (8, 1), (8, 5), (3, 4), (100, 9), (102, 10), (102, 2)):
        hit = (pages.vehicle == vehicle) & (pages.position == position)
        logged = np.unique(pages.propensity[hit].round(12))
        assert len(logged) == 1
        assert hit.sum() / n == pytest.approx(logged[0], abs=0.01)
    assert np.sort(pages.position, axis=1).tolist() == [list(range(1, PLACES + 1))] * n


def test_every_impression_is_logged_with_position_and_request(
    tables: dict[str, pl.DataFrame], truth: dict[str, pl.DataFrame]
) -> None:
    events = tables["events"]
    shown = events.filter(pl.col("event_type") == "impression")
    assert shown.select("position", "request_id", "vehicle_id", "session_id").null_count().sum_horizontal().item() == 0
    assert events.filter(pl.col("event_type") != "impression")["position"].is_null().all()
    assert truth["exposures"]["event_id"].equals(shown["event_id"])
    page = shown.group_by("session_id", "event_at").agg(pl.len(), pl.max("position"), pl.n_unique("vehicle_id"))
    assert (page["len"] == page["position"]).all() and (page["len"] == page["vehicle_id"]).all()


def test_exposures_are_the_impressions_and_their_outcomes_join_by_request_and_vehicle(
    tables: dict[str, pl.DataFrame], truth: dict[str, pl.DataFrame]
) -> None:
    """The mean view is the mean of the true chances; a view of what a search listed belongs to no request."""
    exposures, events = tables["exposures"], tables["events"]
    shown = events.filter(pl.col("event_type") == "impression")
    columns = ["request_id", "vehicle_id", "visitor_id", "position", "event_at", "store_id"]
    renamed = exposures.rename({"place": "position", "shown_at": "event_at"})
    assert renamed.select(columns).rows() == shown.select(columns).rows()
    assert exposures["propensity"].is_between(0, 1, closed="right").all()
    assert not exposures.select("request_id", "vehicle_id").is_duplicated().any()
    views = events.filter(pl.col("event_type") == "view")
    joined = views.drop_nulls("request_id").join(exposures, on=["request_id", "vehicle_id"], how="inner")
    assert joined.height == views["request_id"].count() < views.height
    assert (joined["event_at"] > joined["shown_at"]).all() and (
        joined["visitor_id"] == joined["visitor_id_right"]
    ).all()
    chance = truth["exposures"]["view_probability"].cast(pl.Float64)
    error = (chance * (1 - chance)).sum() ** 0.5
    assert abs(joined.height - chance.sum()) < 4 * error


def test_people_look_at_what_they_like(tables: dict[str, pl.DataFrame], truth: dict[str, pl.DataFrame]) -> None:
    shown = tables["events"].filter(pl.col("event_type") == "impression").join(truth["exposures"], on="event_id")
    views = tables["events"].filter(pl.col("event_type") == "view").select("session_id", "vehicle_id").unique()
    looked = shown.join(views, on=["session_id", "vehicle_id"], how="semi")
    assert looked["utility"].mean() > shown["utility"].mean() + 1
    assert looked["position"].mean() < shown["position"].mean() - 0.3


# Leads and faults


def test_a_late_call_loses_leads(tables: dict[str, pl.DataFrame], truth: dict[str, pl.DataFrame]) -> None:
    leads = truth["leads"]
    hours = pl.col("response_hours")
    remaining = pl.when(hours.is_null()).then(0.0).otherwise((-pl.col("decay_per_hour") * hours).exp())
    rebuilt = leads.select(
        pl.col("base_probability") * (pl.col("floor") + (1 - pl.col("floor")) * remaining)
    ).to_series()
    assert np.allclose(rebuilt, leads["conversion_probability"])
    assert leads["conversion_probability"].mean() < 0.9 * leads["base_probability"].mean()
    spread = np.sqrt((rebuilt * (1 - rebuilt)).sum())
    assert abs(leads["decides_to_buy"].sum() - rebuilt.sum()) < 4 * spread
    assert leads["lead_id"].equals(tables["leads"]["lead_id"])
    buyers = set(leads.filter("decides_to_buy")["lead_id"])
    assert set(tables["leads"].drop_nulls("converted_at")["lead_id"]) < buyers


def test_one_brake_fault_is_injected(tables: dict[str, pl.DataFrame], truth: dict[str, pl.DataFrame]) -> None:
    (injected,) = truth["fault_injection"].iter_rows(named=True)
    assert (injected["component"], injected["rate_ratio"]) == ("brakes", 4.0)
    exposure = truth["fault_exposure"]
    bad = exposure.filter(pl.col("affected") & (pl.col("component") == "brakes"))
    assert bad["faults"].sum() > 2 * bad["expected_faults"].sum() > 0
    rest = exposure.join(bad, on=["model", "component", "affected"], how="anti")
    assert abs(rest["faults"].sum() - rest["expected_faults"].sum()) < 4 * np.sqrt(rest["expected_faults"].sum())
    built = tables["fleet"].filter(pl.col("model") == injected["model"])["built_at"]
    carries = (built >= injected["built_from_at"]) & (built < injected["built_until_at"])
    assert carries.sum() == bad["vehicles"].sum()


def test_recent_faults_are_not_all_reported(tables: dict[str, pl.DataFrame], truth: dict[str, pl.DataFrame]) -> None:
    faults = tables["service_records"].filter("fault")
    last_month = pl.datetime(2024, 12, 1, time_zone="UTC")
    happened = truth["faults"].filter(pl.col("happened_at") >= last_month)
    assert len(faults.filter(pl.col("serviced_at") >= last_month)) < 0.75 * len(happened)
    assert len(faults) > 0.85 * len(truth["faults"])


# Errors and files


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stores", 0), ("stores", 2.0), ("stores", True), ("customers", 99), ("months", -3), ("months", 2),
        ("seed", -1), ("start", "2023-01-02"), ("start", "January"), ("start", "2040-01-01"), ("start", 2023),
    ],
)  # fmt: skip
def test_a_bad_size_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^{field}: .*must.*{value!r}.*;"):
        Size(**{field: value})


TINY = Size(stores=1, customers=100, months=3)


def test_a_run_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    generate(TINY, tmp_path / "out")
    before = checksums(tmp_path / "out")

    def stop(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(dataclasses.replace(TINY, seed=1), tmp_path / "out", progress=stop)
    assert checksums(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_catalogue_fits_any_window() -> None:
    for months in (3, 24, 120):
        window = Window.of(Size(months=months))
        catalogue = build_catalogue(window)
        assert catalogue.on_sale(months).any(axis=0).all()
        assert (catalogue.launched_at[: catalogue.current] < window.end).all()
        assert window.days * DAY == window.end - window.start

"""Requests and pages on a small dealership: paths, filters, rules, payments and reasons."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from pydantic import ValidationError

from features.errors import ConfigError, DataError, FeatureError
from ml import champions
from ml.model import Model
from ml.recommendation.live_updates import LiveUpdates
from ml.recommendation.merchandising import load_merchandising_rules
from ml.recommendation.request import SimilarRequest
from ml.recommendation.response import RecommendationAnswer
from ml.recommendation.showroom import Showroom
from ml.recommendation.similar import answer as similar
from tests.conftest import ROOT, Trained
from tests.small.recommendation import DAY, START

NOW = START + 201 * DAY
AT = datetime.fromtimestamp(NOW / 1e6, UTC).isoformat()


@pytest.fixture
def model(recommendation: Trained, monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    """The champion with the current stock of the vehicles table."""
    monkeypatch.setenv("CHEHANG_HOME", str(recommendation.home))
    champion = champions.champion("recommendation")
    assert champion is not None
    loaded = champions.load(champion)
    estimator = loaded.estimator
    listings = pl.read_parquet(recommendation.config.parent / "vehicles.parquet")
    listings = listings.with_columns(item_id=_item())
    estimator.stock = estimator.stock_of(listings, read_at=NOW)
    yield loaded


def _item() -> pl.Expr:
    price = pl.col("price") / 1_000_000
    edges = (5, 8, 10, 12, 15, 18, 20, 25, 30)
    band = pl.lit("30-35")
    for low, high in reversed(list(zip((0, *edges[:-1]), edges, strict=True))):
        band = pl.when(price < high).then(pl.lit(f"{low}-{high}")).otherwise(band)
    return pl.concat_str("condition", "model", band, separator="|")


def ask(model: Model, *, explain: bool = False, **body: Any) -> RecommendationAnswer:
    request = model.request()
    validated = request.model_validate_json(json.dumps({"at": AT, **body}))
    answer = model.answers([validated], explain=explain)[0]
    assert isinstance(answer, RecommendationAnswer)
    return RecommendationAnswer.model_validate(answer.model_dump())


def test_the_path_names_the_source_of_the_personalisation(model: Model) -> None:
    session = [{"vehicle_id": "N0"}, {"vehicle_id": "N1", "event_type": "compare"}]
    assert ask(model, customer_id="C001").path == "customer"
    assert ask(model, visitor_id="somebody", session=session).path == "session"
    assert ask(model, profile={"budget_high": 150_000.0}).path == "profile"
    assert ask(model).path == "cold"
    assert ask(model, customer_id="C001", session=session, personalise=False).path == "off"
    unknown = ask(model, customer_id="nobody")
    assert (unknown.path, unknown.known_user) == ("cold", False)


def test_pages_follow_the_session(model: Model) -> None:
    for body, own in (("suv", "N1"), ("mpv", "N9")):
        page = ask(model, session=[{"vehicle_id": own}] * 3, n=4, store_id="S1")
        assert [c.body_type for c in page.items].count(body) >= 3, page


def test_non_personalised_pages_ignore_the_visitor(model: Model) -> None:
    plain = ask(model, personalise=False, store_id="S1")
    same = ask(
        model,
        personalise=False,
        store_id="S1",
        customer_id="C002",
        session=[{"vehicle_id": "N9"}],
        profile={"body_type": "mpv"},
    )
    ranked = [[c.vehicle_id for c in page.items if not c.explored] for page in (plain, same)]
    assert ranked[0] == ranked[1]
    assert plain.items


def test_filters_are_exact_and_available_counts_the_matches(model: Model) -> None:
    page = ask(model, n=200, filters={"condition": "used", "price_high": 110_000.0})
    assert page.available == len(page.items) > 0
    assert all(c.condition == "used" and c.price is not None and c.price <= 110_000 for c in page.items)
    assert page.note is not None and page.note.zh
    assert len({c.vehicle_id for c in page.items}) == len(page.items)
    first = page.items[0].vehicle_id
    without = ask(model, n=200, filters={"condition": "used", "price_high": 110_000.0, "exclude": [first]})
    assert without.available == page.available - 1 and first not in {c.vehicle_id for c in without.items}
    for n in (1, 3, 12):
        assert len(ask(model, n=n).items) == n


def test_only_vehicles_on_offer_are_shown(model: Model, recommendation: Trained) -> None:
    cars = pl.read_parquet(recommendation.config.parent / "vehicles.parquet")
    at = START + 100 * DAY
    stock = model.estimator.stock_of(cars.with_columns(item_id=_item()), read_at=at)
    model.estimator.stock = stock
    moment = datetime.fromtimestamp(at / 1e6, UTC).isoformat()
    shown = {c.vehicle_id for c in ask(model, n=200, at=moment).items}
    there = cars.filter((pl.col("listed_at") <= at) & (pl.col("sold_at").is_null() | (pl.col("sold_at") > at)))
    assert shown == set(there["vehicle_id"])


def test_other_stores_are_left_out_unless_filtered_for(model: Model) -> None:
    assert {c.store_id for c in ask(model, n=200, store_id="S1").items} == {None, "S1"}
    assert {c.store_id for c in ask(model, n=200, store_id="S1", filters={"store_id": ["S2"]}).items} == {"S2"}


def test_diversity_limits_hold(model: Model) -> None:
    page = ask(model, session=[{"vehicle_id": "N0"}] * 5, n=10)
    models = [c.model for c in page.items]
    assert max(models.count(m) for m in models) <= 2 and not page.relaxed


def test_unusable_session_events_are_counted(model: Model) -> None:
    session = [{"vehicle_id": "gone"}, {"vehicle_id": "N0", "event_type": "impression"}, {"vehicle_id": "N1"}]
    page = ask(model, session=session)
    assert (page.ignored_events, page.path) == (2, "session")


def test_an_empty_page_has_a_note(model: Model) -> None:
    nothing = pl.DataFrame(schema={"vehicle_id": pl.String, "item_id": pl.String, "price": pl.Int64})
    model.estimator.stock = model.estimator.stock_of(nothing, read_at=NOW)
    page = ask(model)
    assert page.items == () and page.note is not None and page.note.en == "There is no vehicle in stock"
    model.estimator.stock = model.estimator.stock_of(model.estimator.listings, read_at=NOW)
    page = ask(model, filters={"brand": ["none such"]})
    assert page.items == () and page.note is not None and "filters" in page.note.en


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 0},
        {"n": 10_000},
        {"n": True},
        {"nonsense": 1},
        {"profile": {"budget_low": 2.0, "budget_high": 1.0}},
        {"filters": {"price_low": 2.0, "price_high": 1.0}},
        {"filters": {"body_type": ["boat"]}},
        {"payment": {}},
        {"payment": {"monthly_payment": -1.0}},
        {"session": [{"vehicle_id": ""}]},
        {"at": "2021-01-01T00:00:00"},
        {"at": "9999-12-31T23:59:59Z"},
        {"session": [{"vehicle_id": "N0", "at": "0001-01-01T00:00:00Z"}]},
    ],
)
def test_invalid_requests_raise(model: Model, wrong: dict[str, Any]) -> None:
    (field,) = wrong
    with pytest.raises(ValidationError, match=rf"(?m)^{field}(\.|$)"):
        ask(model, **wrong)


def test_reasons_are_true(model: Model) -> None:
    session = [{"vehicle_id": "N0"}, {"vehicle_id": "N1"}, {"vehicle_id": "N4"}]
    page = ask(model, explain=True, n=12, session=session, profile={"body_type": "suv", "budget_high": 110_000.0})
    codes = {(r.code, c.vehicle_id) for c in page.items for r in c.reasons or ()}
    assert {code for code, _ in codes} >= {"STATED_BODY_TYPE", "SAME_BODY_TYPE"}
    cards = {c.vehicle_id: c for c in page.items}
    for code, name in codes:
        card = cards[name]
        if code == "STATED_BODY_TYPE":
            assert card.body_type == "suv"
        if code == "SAME_BODY_TYPE":
            assert card.body_type in ("suv", "sedan")
        if code == "AT_STORE":
            pytest.fail("the request names no store")
    assert all(r.zh and r.en for card in page.items for r in card.reasons or ())
    assert all(c.reasons is None for c in ask(model, n=3).items)


@pytest.fixture
def rules(model: Model, tmp_path: Path) -> Any:
    """Write merchandising rules and let the estimator read them, as the service does."""
    (tmp_path / "loans").mkdir()
    for name in ("loans/products.yaml", "loans/rules.yaml"):
        (tmp_path / name).write_text((ROOT / "configs" / name).read_text(encoding="utf-8"), encoding="utf-8")
    watch = LiveUpdates(tmp_path)

    def write(text: str) -> bool:
        (tmp_path / "recommendation_rules.yaml").write_text(text, encoding="utf-8")
        return watch(model.estimator)

    return write


def test_a_named_model_reads_the_rules_and_the_stock_of_its_data_set(
    model: Model, recommendation: Trained, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "recommendation_rules.yaml").write_text("max_per_model: 1")
    shutil.copy(recommendation.config.with_name("sources.yaml"), tmp_path / "sources.yaml")
    stock = model.estimator.stock
    assert LiveUpdates(tmp_path, data_set="north")(model.estimator)
    assert model.estimator.merchandising.max_per_model == 1 and model.estimator.stock is stock
    assert "recommendation.north: its stock is not updated while it serves, because" in caplog.text

    (tmp_path / "recommendation_rules.north.yaml").write_text("max_per_model: 7")
    for file in recommendation.config.parent.glob("*.parquet"):
        shutil.copy(file, tmp_path)
    shutil.copy(tmp_path / "sources.yaml", tmp_path / "sources.north.yaml")
    assert LiveUpdates(tmp_path, data_set="north")(model.estimator)
    assert model.estimator.merchandising.max_per_model == 7 and model.estimator.stock is not stock


def test_rules_pin_boost_and_bury(model: Model, rules: Any) -> None:
    before = [c.vehicle_id for c in ask(model, n=12, filters={"condition": "new"}).items]
    worst, best = before[-1], before[0]
    rules(f"rules: [{{action: pin, where: {{vehicle_id: [{worst}]}}, place: 2}}]")
    page = ask(model, n=6, filters={"condition": "new"})
    assert page.items[1].vehicle_id == worst and page.items[1].pinned
    rules(f"rules: [{{action: bury, where: {{vehicle_id: [{best}]}}}}]")
    assert best not in [c.vehicle_id for c in ask(model, n=6, filters={"condition": "new"}).items]
    rules(f"rules: [{{action: boost, where: {{vehicle_id: [{worst}]}}, places: 100}}]")
    assert ask(model, n=6, filters={"condition": "new"}).items[0].vehicle_id == worst
    rules(f"rules: [{{action: bury, where: {{vehicle_id: [{best}]}}, valid_until: 2000-01-01}}]")
    assert ask(model, n=6, filters={"condition": "new"}).items[0].vehicle_id == best
    assert worst not in [c.vehicle_id for c in ask(model, n=6, filters={"exclude": [worst]}).items]


def test_a_store_is_valid_as_soon_as_the_vehicles_table_has_it(
    model: Model, recommendation: Trained, tmp_path: Path
) -> None:
    with pytest.raises(FeatureError, match=r"'store_id' is not one of the .* stores of the model"):
        ask(model, store_id="S77")
    vehicles = pl.read_parquet(recommendation.config.parent / "vehicles.parquet")
    vehicles.with_columns(store_id=pl.lit("S77")).write_parquet(tmp_path / "vehicles.parquet")
    instants = {n: {"from": n, "unit": "us"} for n in ("listed_at", "sold_at") if n in vehicles.columns}
    source = {"parquet": "vehicles.parquet", "columns": instants, "allow_future": True}
    (tmp_path / "sources.yaml").write_text(json.dumps({"timezone": "UTC", "tables": {"vehicles": source}}))
    assert LiveUpdates(tmp_path)(model.estimator)
    assert ask(model, store_id="S77").available > 0


def test_rows_of_stock_that_break_the_contract_are_counted_in_the_log_once(
    model: Model, recommendation: Trained, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vehicles, file = pl.read_parquet(recommendation.config.parent / "vehicles.parquet"), tmp_path / "vehicles.parquet"
    sources = yaml.safe_load((recommendation.config.parent / "sources.yaml").read_text())
    sources["tables"] = {"vehicles": {**sources["tables"]["vehicles"], "parquet": str(file)}}
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump(sources | {"max_quarantined_share": 0.5}))
    broken = pl.when(pl.int_range(pl.len()) < 2).then(-1).otherwise("price").alias("price")
    watch = LiveUpdates(tmp_path)

    def messages(content: pl.DataFrame) -> list[str]:
        content.write_parquet(file)
        assert watch(model.estimator)
        lines = [r.getMessage() for r in caplog.records if r.name == "chehang.live_updates"]
        caplog.clear()
        return lines

    assert messages(vehicles) == []
    n = vehicles.height
    assert messages(vehicles.with_columns(broken)) == [
        f"recommendation: 2 of {n} rows of vehicles break the contract and are not in stock: price: not "
        "between 0 and 1000000000000 (2)"
    ]
    assert messages(vehicles.with_columns(broken).reverse()) == [], "the same numbers are not logged again"
    assert messages(vehicles) == ["recommendation: no row of vehicles breaks the contract any more"]


def test_invalid_rules_leave_the_valid_ones_in_use(model: Model, rules: Any) -> None:
    rules("max_per_model: 1")
    assert model.estimator.merchandising.max_per_model == 1
    for wrong in (
        "max_per_model: 0",
        "rules: [{action: shout, where: {brand: [B1]}}]",
        "rules: [{action: pin}]",
        "x: 1",
    ):
        with pytest.raises(ConfigError, match=r"recommendation_rules\.yaml"):
            rules(wrong)
        assert model.estimator.merchandising.max_per_model == 1
    assert load_merchandising_rules(ROOT / "configs" / "recommendation_rules.yaml").rules == ()


def test_explored_vehicles_are_new_and_have_a_propensity(model: Model, rules: Any) -> None:
    rules("exploration_share: 0.3\nnew_days: 60")
    pages = [ask(model, n=10, visitor_id=f"v{i}") for i in range(30)]
    tried = [c for page in pages for c in page.items if c.explored]
    assert tried and all(0 < c.propensity < 1 and c.new and c.condition == "used" for c in tried)
    assert all(c.propensity == 1 for page in pages for c in page.items if not c.explored)
    assert pages[0] == ask(model, n=10, visitor_id="v0")  # the same page within a minute


def test_affordable_vehicles_come_first(model: Model, rules: Any) -> None:
    rules("rules: []")
    at = "2026-09-01T00:00:00+08:00"
    page = ask(model, n=12, at=at, payment={"monthly_payment": 1_500.0, "down_payment_share": 0.3})
    assert all(c.payment is not None for c in page.items if c.condition == "new")
    fits = [c.payment is not None and c.payment.affordable for c in page.items if not c.explored]
    assert any(fits) and fits == sorted(fits, reverse=True)
    paid = [card for card in page.items if card.payment is not None and card.price is not None]
    assert paid
    for card in paid:
        if card.payment is not None and card.price is not None:
            assert card.payment.affordable == (card.payment.monthly_payment <= 1_500)
            financed = card.price - card.payment.down_payment
            assert card.payment.monthly_payment * card.payment.term_months >= 0.3 * financed
    dear = ask(model, n=3, at=at, payment={"monthly_income": 1_000.0})
    assert all(c.payment is None or not c.payment.affordable for c in dear.items)


def test_similar_vehicles(model: Model) -> None:
    champions: Any = {"recommendation": model}
    loaded = similar(champions, SimilarRequest(vehicle_id="N0", n=5))
    assert len(loaded.items) == 5 and "N0" not in {c.vehicle_id for c in loaded.items}
    assert [c.score for c in loaded.items] == sorted((c.score for c in loaded.items), reverse=True)
    assert loaded.items[0].body_type == "suv"
    with pytest.raises(DataError, match="'gone' is not in stock"):
        similar(champions, SimilarRequest(vehicle_id="gone"))


def test_the_estimator_has_every_attribute_of_a_showroom(model: Model) -> None:
    assert [name for name in Showroom.__annotations__ if not hasattr(model.estimator, name)] == []

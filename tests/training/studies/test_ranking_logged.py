"""Evaluation on logged exposures: unbiased where the truth is known, and unusable logs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from features.engines import collect
from features.errors import ConfigError, DataError
from ml.recommendation.estimator import RecommendationEstimator
from ml.report.sections import Table
from tests.small.recommendation import DAY, MINUTE, START, STORES, recommendation_tables, write_recommendation
from training.config import load_config
from training.studies import ranking_logged
from training.studies.by_problem import RankingStudy
from training.studies.fitted import Evaluation
from training.studies.ranking import RankingStudyData
from training.studies.ranking_holdout import HoldoutSet
from training.studies.ranking_logged import evaluate_logged

DAYS, PLACES = 200, 4
NEW = [f"N{k}" for k in range(12)]


def _view_probability(place: np.ndarray, number: np.ndarray) -> np.ndarray:
    """True view probability: higher for later vehicles, lower further down the page."""
    return np.asarray(0.1 + 0.06 * number) / (1 + 0.3 * place)


def _log(requests: int, *, seed: int, vehicles: list[str] = NEW, begin: int = 170) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pages of four vehicles in uniformly random order, each at each place with probability 1 / 12; and the views."""
    rng = np.random.default_rng(seed)
    number = np.argsort(rng.random((requests, len(vehicles))), axis=1)[:, :PLACES]
    place = np.tile(np.arange(PLACES), (requests, 1))
    view = rng.random(number.shape) < _view_probability(place, number)
    at = START + rng.integers(begin, DAYS, requests) * DAY + np.arange(requests)
    exposures = pl.DataFrame(
        {
            "request_id": np.repeat([f"R{r:05d}" for r in range(requests)], PLACES),
            "vehicle_id": np.array(vehicles)[number.ravel()],
            "visitor_id": np.repeat([f"W{r % 400:03d}" for r in range(requests)], PLACES),
            "store_id": np.repeat([STORES[r % 2] for r in range(requests)], PLACES),
            "place": place.ravel() + 1,
            "propensity": np.full(requests * PLACES, 1 / len(vehicles)),
            "shown_at": np.repeat(at, PLACES),
        }
    )
    viewed = exposures.filter(pl.Series(view.ravel()))
    views = viewed.select(
        "request_id", "vehicle_id", "visitor_id", "store_id",
        event_id=pl.format("V{}", pl.int_range(pl.len())), event_at=pl.col("shown_at") + MINUTE,
        event_type=pl.lit("view"), session_id=pl.col("request_id"),
    )  # fmt: skip
    return exposures, views


Logged = tuple[RankingStudyData, RecommendationEstimator, Path]


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Logged]:
    """Write tables and a log of requests; the version is fitted once, on the events without the log."""
    folder = tmp_path_factory.mktemp("logged")
    tables = recommendation_tables()
    changes = {"split": {"train": 0.6, "calibrate": 0.2}, "bootstraps": 100}
    plain = load_config("recommendation", write_recommendation(folder / "plain", tables, **changes))
    estimator = RankingStudyData.read(plain).fit().served

    def logged(requests: int, *, seed: int, **log: object) -> Logged:
        exposures, views = _log(requests, seed=seed, **log)  # type: ignore[arg-type]
        place = folder / f"{requests}-{seed}"
        events = pl.concat([tables["events"], views], how="diagonal")
        config = load_config("recommendation", write_recommendation(place, tables | {"events": events}, **changes))
        exposures.with_columns(pl.col("shown_at").cast(pl.Datetime("us", "UTC"))).write_parquet(place / "log.parquet")
        return RankingStudyData.read(config), estimator, place / "log.parquet"

    return logged


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep written files in the temporary folder."""
    monkeypatch.setenv("CHEHANG_HOME", str(tmp_path / "home"))


def _truth(study: RankingStudyData, estimator: RecommendationEstimator, log: Path) -> float:
    """Mean view probability of the vehicles that the version ranks at the logged places; used ones are never logged."""
    exposures = ranking_logged._exposures(study.config, log)[0].filter(pl.col("shown_at") >= estimator.profiles.cutoff)
    tables = {name: collect(frame) for name, frame in study.frames().items()}
    queries = ranking_logged._queries(exposures, tables["events"])
    ranked = ranking_logged._ranked(HoldoutSet.build(tables, queries, study.extra), estimator, places=PLACES)
    new = ranked.filter(pl.col("ranked_vehicle_id").str.starts_with("N"))
    number = new["ranked_vehicle_id"].str.slice(1).cast(pl.Int64).to_numpy()
    return float(_view_probability(new["place"].to_numpy() - 1, number).sum() / exposures.height)


def test_ips_is_unbiased(write: Callable[..., Logged]) -> None:
    """The log never shows used vehicles, so the value that IPS estimates counts them as never viewed."""
    errors = []
    for seed in range(4):
        study, estimator, log = write(2_000, seed=seed)
        report = evaluate_logged(study, estimator, log)
        ips, truth = report.metrics["reward_ips"], _truth(study, estimator, log)
        assert ips.low is not None and ips.high is not None and ips.value is not None
        errors.append((ips.value - truth) / ((ips.high - ips.low) / 3.92))
    assert abs(np.mean(errors)) < 2.0 / np.sqrt(len(errors)) * 1.5, errors


def test_the_report_has_log_gain_and_overlap(write: Callable[..., Logged]) -> None:
    study, estimator, log = write(2_000, seed=0)
    report = evaluate_logged(study, estimator, log)
    exposures = pl.read_parquet(log)
    assert f"{exposures.height:,} exposures of 2,000 logged requests" in report.protocol
    viewed = collect(study.frames()["events"]).filter(pl.col("request_id").is_not_null()).height
    assert {m.baseline for m in report.metrics.values()} == {viewed / exposures.height}
    assert list(report.metrics) == ["reward_dr", "reward_snips", "reward_ips"]
    overlap = report["overlap"]
    assert isinstance(overlap, Table)
    figures = {str(row["name"]): row["value"] for row in overlap.rows}
    weights = 12 * float(figures["exposures that agree with the version"] or 0)
    assert figures["largest weight"] == pytest.approx(12)
    assert figures["mean weight (1: complete overlap)"] == pytest.approx(weights / exposures.height)
    assert figures["effective sample size"] == pytest.approx(weights / 12)
    assert report.rows("gains")[0]["gain"] == pytest.approx(
        (report.metrics["reward_dr"].value or 0) - viewed / exposures.height
    )


def test_the_study_evaluates_by_logged_exposures(write: Callable[..., Logged]) -> None:
    study, estimator, log = write(400, seed=7)
    assert "logged" in RankingStudy().evaluation_methods
    evaluation = Evaluation("logged", lambda: estimator, exposures=log)
    assert RankingStudy().evaluate(study.config, evaluation) == evaluate_logged(study, estimator, log)


def test_thin_and_incomplete_overlap_are_reported(write: Callable[..., Logged]) -> None:
    study, estimator, log = write(400, seed=7)
    assert any("overlap" in note for note in evaluate_logged(study, estimator, log).notes)
    study, estimator, log = write(12, seed=8)
    with pytest.raises(
        DataError, match=r"exposures agree with the version.* at least 10 are needed|none of the logged"
    ):
        evaluate_logged(study, estimator, log)


def test_the_source_exposures_is_read_without_a_file(write: Callable[..., Logged]) -> None:
    study, estimator, log = write(2_000, seed=0)
    sources = study.config.sources
    whole = sources.read_text()
    content = yaml.safe_load(whole)
    content["tables"]["exposures"] = {"parquet": str(log)}
    sources.write_text(yaml.safe_dump(content))
    try:
        report = evaluate_logged(study, estimator)
    finally:
        sources.write_text(whole)
    assert report.metrics == evaluate_logged(study, estimator, log).metrics


def test_customers_of_exposures_are_the_people(write: Callable[..., Logged]) -> None:
    events = pl.DataFrame({"customer_id": ["c2"], "visitor_id": ["w2"]})
    exposures = pl.DataFrame(
        {
            "request_id": ["1", "2", "3", "4"],
            "customer_id": ["c1", None, None, None],
            "visitor_id": ["w1", "w2", "w3", None],
        }
    ).with_columns(shown_at=pl.lit(5))
    queries = ranking_logged._queries(exposures, events)
    assert queries["person_id"].to_list() == ["c1", "c2", "w3", "4"]


def test_unusable_logs_raise(write: Callable[..., Logged], tmp_path: Path) -> None:
    study, estimator, log = write(400, seed=7)
    exposures = pl.read_parquet(log)
    early = tmp_path / "early.parquet"
    exposures.with_columns(shown_at=pl.lit(START).cast(pl.Datetime("us", "UTC"))).write_parquet(early)
    with pytest.raises(DataError, match=r"no exposure at or after .*, the end of training"):
        evaluate_logged(study, estimator, early)
    unlogged = tmp_path / "unlogged.csv"
    exposures.drop("propensity").write_csv(unlogged)
    with pytest.raises(DataError, match="propensity"):
        evaluate_logged(study, estimator, unlogged)
    with pytest.raises(DataError, match="no such file"):
        evaluate_logged(study, estimator, tmp_path / "none.parquet")
    with pytest.raises(ConfigError, match=r"must be a \.parquet or \.csv file"):
        evaluate_logged(study, estimator, tmp_path / "log.json")
    with pytest.raises(ConfigError, match=r"has no source `exposures`, which --logged reads"):
        evaluate_logged(study, estimator)
    plain = load_config("recommendation", write_recommendation(tmp_path / "plain", recommendation_tables()))
    with pytest.raises(DataError, match="events: has no column 'request_id'"):
        evaluate_logged(RankingStudyData.read(plain), estimator, log)
    timeless = load_config(
        "recommendation",
        write_recommendation(tmp_path / "timeless", {"events": recommendation_tables()["events"]}, time="none"),
    )
    with pytest.raises(ConfigError, match="the data has no time"):
        evaluate_logged(RankingStudyData.read(timeless), estimator, log)

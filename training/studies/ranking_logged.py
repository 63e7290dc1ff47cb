"""Off-policy evaluation of a version on logged exposures: its estimated share of exposures that lead to a choice.

The log is the table `exposures` (see `features.tables`): one row for each vehicle that a page showed, with its place
and the probability that the logging policy put it there. The reward of an exposure is 1 if an event with its
`request_id` and `vehicle_id` is a choice (an event type with a grade in `params.grades`), else 0.

The version answers each request as it answers a held-out query: it ranks what was on offer in the store at `shown_at`
for the visitor, from the history before that instant. Its k-th vehicle is the one it would show at place k, with
probability 1; pins, diversity limits and exploration are left out. An exposure has the weight ``1 / propensity`` if the
version ranks the shown vehicle at that place, else 0. `ml.metrics.off_policy` holds the estimators. Requests before the
version's training cut-off are left out.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import polars as pl

from features.as_of import AS_OF
from features.engines import collect
from features.errors import ConfigError, DataError
from features.recommendation import PERSON
from features.sources import TableSource, load_sources, read_tables
from features.tables import EXPOSURES
from ml.bilingual import Text
from ml.home import home
from ml.instants import local_day
from ml.metrics.off_policy import OffPolicyEstimate, off_policy_estimate
from ml.recommendation.estimator import RecommendationEstimator
from ml.report.columns import Interval, column
from ml.report.report import Report
from ml.report.sections import Metric, Metrics, Table
from training.config import TaskConfig
from training.studies.ranking_data import RankingData
from training.studies.ranking_holdout import HoldoutSet
from training.studies.report_sections import gain_row, gains_section
from training.studies.report_words import LISTS, day_text

MAX_REQUESTS = 20_000  # a larger sample only narrows the intervals
MIN_EFFECTIVE_ROWS = 10  # an interval from fewer rows means nothing
FEW_EFFECTIVE_ROWS = 200
COLUMNS = ("reward", "propensity", "agrees", "expected", "expected_target")
PRIOR_CHOICES = 5.0  # added to both sides of each vehicle's ratio, which shrinks it towards 1


def evaluate_logged(study: RankingData, estimator: RecommendationEstimator, file: Path | None = None) -> Report:
    """Estimate the mean reward of an exposure under a version, by IPS, SNIPS and DR (see `ml.metrics.off_policy`).

    Intervals resample visitors, whose requests depend on each other; a request without a visitor stands alone.

    Parameters
    ----------
    study : RankingData
        ``training.studies.ranking.RankingStudyData.read(training.config.load_config("recommendation"))``; `events`
        needs the column `request_id`.
    estimator : ml.recommendation.estimator.RecommendationEstimator
        Fitted: ``ml.champions.load(ml.champions.version_or_champion("recommendation")).estimator``.
    file : Path, optional
        Existing file with the table `exposures`, `.parquet` or `.csv`, in place of the source `exposures`:
        `request_id`, `vehicle_id`, `shown_at` (time), `place` (from 1), `propensity` (probability, above 0, at most 1)
        and, if available, `customer_id`, `visitor_id` and `store_id`; its columns are mapped as configured for the
        source.

    Returns
    -------
    Report
        Metrics `reward_dr`, `reward_snips` and `reward_ips` (choices per exposure, against the logged mean), the gain
        over the logging policy, and the overlap of version and log.

    Raises
    ------
    ConfigError
        The data has no time, the file is neither Parquet nor CSV, or there is neither a file nor the source.
    DataError
        No exposure after the training, no `request_id` in events, or too few exposures agree with the version.

    Examples
    --------
    >>> from pathlib import Path
    >>> from ml import champions
    >>> from training.config import load_config
    >>> from training.studies.ranking import RankingStudyData
    >>> study = RankingStudyData.read(load_config("recommendation"))  # doctest: +SKIP
    >>> estimator = champions.load(champions.champion("recommendation")).estimator  # doctest: +SKIP
    >>> report = evaluate_logged(study, estimator, Path("exposures.parquet"))  # doctest: +SKIP
    >>> report.metrics["reward_dr"].value  # doctest: +SKIP
    """
    if not study.timed:
        raise ConfigError(
            "--logged: the data has no time, so no request is later than the training; evaluate on the holdout instead"
        )
    tables = {name: collect(frame) for name, frame in study.frames().items()}
    since = estimator.profiles.cutoff
    logged, notes = _exposures(study.config, file)
    source = str(file or f"{study.config.sources.name}: exposures")
    exposures = logged.filter(pl.col("shown_at") >= since)
    if exposures.is_empty():
        raise DataError(
            f"{source}: no exposure at or after {local_day(since, study.timezone)}, the end of training; "
            "log more requests"
        )
    queries = _queries(exposures, tables["events"])
    exposures = exposures.join(queries, on="request_id", how="semi", maintain_order="left")
    choices = _choices(tables["events"], study.params.grades)
    notes += _choice_notes(choices, logged)
    exposures = exposures.join(choices, on=["request_id", "vehicle_id"], how="left", maintain_order="left")
    holdout = HoldoutSet.build(tables, queries, study.extra)
    ranked = _ranked(holdout, estimator, places=int(exposures["place"].max()))  # type: ignore[arg-type]
    rows = exposures.join(ranked, on=["request_id", "place"], how="left", maintain_order="left")
    return _report(study, _expectations(rows.with_columns(pl.col("reward").fill_null(0.0))), source, notes)


def _exposures(config: TaskConfig, file: Path | None) -> tuple[pl.DataFrame, list[str]]:
    """Read and validate the logged exposures; return them and notes on vehicles that `vehicles` lacks."""
    sources = load_sources(config.sources)
    mapped = sources.tables.get(EXPOSURES.name)
    if file is None:
        if mapped is None:
            raise ConfigError(
                f"{config.sources}: tables: has no source `exposures`, which --logged reads: add one, such as "
                "`exposures: {store: feedback}`, or pass a file with --exposures"
            )
        own = mapped
    else:
        own = _file_source(file, mapped)
    raw = read_tables(
        sources.model_copy(update={"tables": sources.tables | {EXPOSURES.name: own}}),
        [EXPOSURES.name, *(n for n in ("vehicles",) if n in sources.tables)],
        quarantine_folder=home() / "quarantine" / f"{config.task}-logged",
        joins=("exposures.vehicle_id",),
    )
    return raw.frames[EXPOSURES.name].collect(), list(raw.key_notes)


def _file_source(file: Path, mapped: TableSource | None) -> TableSource:
    """Return the source of a file, with the mapping of the source `exposures` if there is one."""
    if file.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"--exposures {file}: must be a .parquet or .csv file, got '{file.suffix}'")
    path = {file.suffix[1:]: str(file.resolve())}
    if mapped is None:
        own: TableSource = TableSource.model_validate(path)
        return own
    return mapped.model_copy(update=dict.fromkeys(("parquet", "csv", "excel", "sql", "url", "store")) | path)


def _queries(exposures: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return one query per request, `MAX_REQUESTS` at most; of requests by one person at one instant, the first."""
    names = ("customer_id", "visitor_id", "store_id")
    absent = [pl.lit(None, dtype=pl.String).alias(n) for n in names if n not in exposures.columns]
    requests = exposures.with_columns(absent).unique("request_id", keep="first", maintain_order=True)
    if requests.height > MAX_REQUESTS:
        requests = requests.sample(MAX_REQUESTS, seed=0)
    person = pl.coalesce("customer_id", "visitor_id", "request_id")
    if {"customer_id", "visitor_id"} <= set(events.columns):
        customers = (
            events.drop_nulls(["customer_id", "visitor_id"])
            .group_by("visitor_id")
            .agg(registered_as=pl.col("customer_id").min())
        )
        requests = requests.join(customers, on="visitor_id", how="left", maintain_order="left")
        person = pl.coalesce("customer_id", "registered_as", "visitor_id", "request_id")
    queries = requests.select(
        "request_id", "store_id", person.alias(PERSON), pl.col("shown_at").alias(AS_OF), pl.lit(False).alias("midway")
    )
    return queries.unique([PERSON, AS_OF], keep="first", maintain_order=True)


def _choices(events: pl.DataFrame, grades: Collection[str]) -> pl.DataFrame:
    """Return the exposures that led to a choice, with `reward` 1."""
    if absent := [n for n in ("request_id", "vehicle_id") if n not in events.columns]:
        raise DataError(
            f"events: has no column '{absent[0]}', which links choices to exposures; map it in the sources file"
        )
    chosen = events.filter(pl.col("event_type").is_in(list(grades))) if "event_type" in events.columns else events
    return chosen.select("request_id", "vehicle_id").drop_nulls().unique().with_columns(reward=pl.lit(1.0))


def _choice_notes(choices: pl.DataFrame, exposures: pl.DataFrame) -> list[str]:
    """Return a note on the choices without an exposure; an error if there are choices, and none has one."""
    n = choices.join(exposures, on=["request_id", "vehicle_id"], how="semi").height
    if n == 0 < choices.height:
        raise DataError(
            f"events.request_id: none of {choices.height:,} choices has the request_id and vehicle_id of a logged "
            "exposure: map both alike in events and exposures, or log the requests of the same period"
        )
    if n == choices.height:
        return []
    verb = "has its" if n == 1 else "have their"
    return [f"events: {n:,} of {choices.height:,} choices with a request_id {verb} exposure in the log"]


def _ranked(holdout: HoldoutSet, estimator: RecommendationEstimator, *, places: int) -> pl.DataFrame:
    """Return the vehicle that the version ranks at each place: `request_id`, `place` (from 1), `ranked_vehicle_id`."""
    recommender = estimator.recommender
    tables = holdout.training_tables(recommender.params)
    inputs = tables.encode(recommender.vocabularies, recommender.params)
    lists = recommender.lists(inputs.queries.visitors, inputs.vehicles, k=places)
    request, place = np.nonzero(lists >= 0)
    return pl.DataFrame(
        {
            "request_id": tables.queries["request_id"].gather(request),
            "place": place + 1,
            "ranked_vehicle_id": inputs.vehicles.ids[lists[request, place]],
        }
    )


def _expectations(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the expected reward of each exposure, cross-fitted: each half of the visitors uses the model of the other.

    The expected reward is the mean reward of the place times the vehicle's ratio
    ``(choices + PRIOR_CHOICES) / (choices expected from its places + PRIOR_CHOICES)``.
    """
    cluster = pl.coalesce(*(n for n in ("visitor_id", "customer_id", "request_id") if n in rows.columns))
    rows = rows.with_columns(cluster=cluster).with_columns(half=pl.col("cluster").hash(seed=0) % 2)
    halves = []
    for half in (0, 1):
        other, own = rows.filter(pl.col("half") != half), rows.filter(pl.col("half") == half)
        place = other.group_by("place").agg(base=pl.col("reward").mean())
        chosen, explained = pl.col("reward").sum(), pl.col("base").sum()
        ratio = (
            other.join(place, on="place")
            .group_by("vehicle_id")
            .agg(ratio=(chosen + PRIOR_CHOICES) / (explained + PRIOR_CHOICES))
        )
        ranked = ratio.rename({"vehicle_id": "ranked_vehicle_id", "ratio": "ranked_ratio"})
        own = own.join(place, on="place", how="left").join(ratio, on="vehicle_id", how="left")
        halves.append(own.join(ranked, on="ranked_vehicle_id", how="left"))
    base, filled = pl.col("base").fill_null(0.0), pl.col("ranked_vehicle_id").is_not_null()
    return pl.concat(halves).with_columns(
        expected=base * pl.col("ratio").fill_null(1.0),
        expected_target=pl.when(filled).then(base * pl.col("ranked_ratio").fill_null(1.0)).otherwise(0.0),
        agrees=(pl.col("vehicle_id") == pl.col("ranked_vehicle_id")).fill_null(False),
    )


def _report(study: RankingData, rows: pl.DataFrame, source: str, notes: list[str]) -> Report:
    columns = {name: rows[name].cast(pl.Float64).to_numpy() for name in COLUMNS}
    try:
        estimate = off_policy_estimate(
            columns["reward"],
            columns["propensity"],
            columns["agrees"],
            expected=columns["expected"],
            expected_target=columns["expected_target"],
            groups=rows["cluster"].to_numpy(),
            n=study.config.bootstraps,
        )
    except DataError as e:
        raise DataError(f"{source}: {e}") from None
    if estimate.effective_rows < MIN_EFFECTIVE_ROWS:
        agree = f"{int(rows['agrees'].sum())} of {rows.height:,} exposures agree with the version"
        raise DataError(
            f"{source}: {agree}, an effective sample of {estimate.effective_rows:.1f}; at least {MIN_EFFECTIVE_ROWS} "
            "are needed; log more requests, or raise exploration_share"
        )
    values = {"reward_dr": estimate.dr, "reward_snips": estimate.snips, "reward_ips": estimate.ips}
    logged = estimate.logged.value
    metrics = tuple(Metric(name=n, value=v.value, low=v.low, high=v.high, baseline=logged) for n, v in values.items())
    gain = gain_row("reward_dr", "logging policy", logged, estimate.gain)
    shown = rows["shown_at"]
    first, last = (day_text(local_day(int(at), study.timezone)).en for at in (shown.min(), shown.max()))  # type: ignore[arg-type]
    return Report(
        task=study.config.task,
        protocol=(
            f"off-policy on {rows.height:,} exposures of {rows['request_id'].n_unique():,} logged requests from "
            f"{first} to {last}, after the training; the reward of an exposure is 1 if it led to a choice, else 0; "
            "intervals resample visitors"
        ),
        sections=(
            Metrics(name="metrics", title=Text(zh="每次曝光的选择率", en="Choices per exposure"), rows=metrics),
            gains_section("gains", gain, zh="相对线上策略的提升", en="Gain over the logging policy"),
            _overlap(rows, estimate),
        ),
        notes=(*notes, *_notes(estimate)),
    )


def _overlap(rows: pl.DataFrame, estimate: OffPolicyEstimate) -> Table:
    weight = estimate.mean_weight
    figures: list[dict[str, str | float]] = [
        {"name": "exposures", "value": rows.height},
        {"name": "exposures that agree with the version", "value": int(rows["agrees"].sum())},
        {"name": "effective sample size", "value": estimate.effective_rows},
        {"name": "largest weight", "value": estimate.largest_weight},
        {"name": "mean weight (1: complete overlap)", "value": weight.value, "low": weight.low, "high": weight.high},
    ]
    columns = (
        column("name", "指标", "quantity", words=LISTS),
        column("value", "数值", "value", "score", interval=Interval()),
    )
    return Table(name="overlap", title=Text(zh="重叠程度", en="Overlap"), columns=columns, rows=tuple(figures))


def _notes(estimate: OffPolicyEstimate) -> tuple[str, ...]:
    notes, weight = [], estimate.mean_weight
    if estimate.effective_rows < FEW_EFFECTIVE_ROWS:
        notes.append(
            f"thin overlap: the effective sample is {estimate.effective_rows:.0f} exposures, so intervals are rough"
        )
    if not weight.low <= 1 <= weight.high:
        notes.append(
            f"incomplete overlap: the mean weight is {weight.value:.2f}, not 1, because the log never shows some "
            "vehicles that the version ranks: reward_ips counts them as never chosen, reward_dr uses modelled rewards"
        )
    return tuple(notes)

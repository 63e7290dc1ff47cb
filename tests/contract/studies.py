"""For each kind of task: requests, the values expected of them, and the state computed before a cut-off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import polars as pl

from features.aggregations import DAY
from features.as_of import AS_OF
from features.contracts import Table
from features.engines import collect
from features.periods import period_start
from features.recommendation import PERSON
from ml.fault_rate.snapshot import RECENT_WEEKS
from ml.model import Model
from ml.problem import AmountProblem, BinaryProblem, PanelProblem, Problem, RankingProblem, SurveillanceProblem
from ml.requests import row_as_request
from tests.small.lead_scoring import lead_history
from training.config import TaskConfig
from training.studies.panel import PanelStudyData
from training.studies.ranking import RankingStudyData
from training.studies.row_data import LabelledRows
from training.studies.rows import RowStudyData
from training.studies.surveillance import SurveillanceStudyData
from training.studies.surveillance_data import rows_of_weeks

Bodies = list[dict[str, Any]]


@dataclass(frozen=True)
class Contract:
    """Functions by which the contract tests check one kind of task.

    Attributes
    ----------
    requests : callable
        ``(model, study) -> (bodies, values)``: request bodies, and the predictions of the fitted estimator for the same
        rows.
    value : callable
        ``(model, answer) -> value``: the part of an answer that must equal the prediction.
    cut : callable
        ``(study) -> us``: the cut-off; data at or after it must not be used.
    state_before : callable
        ``(study, cut, like) -> mapping``: features, tables and models that training and serving compute for rows before
        the cut-off; the rows are those of `like`, the study of the unaltered data.
    tables : callable or None
        ``(config, engine) -> tables``: the tables that an engine computes; None where there are none.
    identity_columns : tuple of str
        Columns that altered rows keep: which visitor is which customer is not restricted by time.
    replaced_tables : tuple of str
        Tables in which added rows replace others, because a share of all rows enters validation.
    excluded_columns : tuple of str
        Columns left out because their encoding depends on all rows: distances are divided into bands with equal numbers
        of vehicles.
    """

    requests: Callable[[Model, Any], tuple[Bodies, list[Any]]]
    value: Callable[[Model, Any], Any]
    cut: Callable[[Any], int]
    state_before: Callable[[Any, int, Any], Mapping[str, Any]]
    tables: Callable[[TaskConfig, str], Mapping[str, pl.DataFrame]] | None
    identity_columns: tuple[str, ...] = ()
    replaced_tables: tuple[str, ...] = ()
    excluded_columns: tuple[str, ...] = ()


def _row_requests(model: Model, study: RowStudyData) -> tuple[Bodies, list[Any]]:
    examples = study
    rows = examples.frame[examples.parts["test"]][:50]
    bodies = [row_as_request(row, examples.signature) for row in rows.to_dicts()]
    if "events" in examples.raw.frames:
        for body, row in zip(bodies, rows.to_dicts(), strict=True):
            body |= lead_history(row, examples.raw.frames)
    return bodies, model.estimator.predict(rows).to_series(0).to_list()


def _row_value(model: Model, answer: Any) -> float:
    return float(getattr(answer, next(n for n in model.task.endpoint.response.model_fields if n in _FIRST)))


_FIRST = ("conversion_probability", "probability_of_default", "value")


def _row_cut(study: RowStudyData) -> int:
    return int(study.frame[AS_OF].quantile(0.5, "nearest"))  # type: ignore[arg-type]


def _rows_before(study: RowStudyData, cut: int, like: RowStudyData) -> Mapping[str, Any]:
    task, problem = study.config.definition, study.problem
    tables: dict[str, Any] = {n: nw.from_native(f) for n, f in study.raw.frames.items()}
    key = [*task.table.key, AS_OF]
    spine = like.frame.filter(pl.col(AS_OF) <= cut).select(key)
    assert spine.height > 100 and spine[AS_OF].max() == cut
    return {"features": collect(problem.features(nw.from_native(spine.lazy()), tables)).sort(key)}


def _list_requests(model: Model, study: RankingStudyData) -> tuple[Bodies, list[Any]]:
    rows = pl.DataFrame({"customer_id": [f"C{i:03d}" for i in range(40)], "store_id": ["S1"] * 40})
    return [{**row, "n": 10} for row in rows.to_dicts()], model.estimator.predict(rows)["vehicles"].to_list()


def _list_value(model: Model, answer: Any) -> list[str]:
    return [card.vehicle_id for card in answer.items]


def _list_cut(study: RankingStudyData) -> int:
    questions = study.training_part[0].queries.filter(pl.col(AS_OF) < study.cutoff)
    return int(questions[AS_OF].quantile(0.8, "nearest"))  # type: ignore[arg-type]


def _lists_before(study: RankingStudyData, cut: int, like: RankingStudyData) -> Mapping[str, Any]:
    study = replace(study, cutoff=cut)
    tables, questions = study.training_part[0], like.training_part[0].queries
    key = [PERSON, AS_OF]
    spine = questions.filter(pl.col(AS_OF) <= cut).select(key)
    assert spine.height > 100 and spine[AS_OF].max() == cut
    history = tables.history.join(spine, on=key, how="semi")
    return {
        "queries": tables.queries.filter(pl.col(AS_OF) < cut).sort(key),
        "history": history.sort(history.columns),
        "model": study.fit().served.to_files(),
    }


def _series_requests(model: Model, study: PanelStudyData) -> tuple[Bodies, list[Any]]:
    series = study.panel.series.select(study.panel.keys).gather_every(3)
    rows = series.join(pl.DataFrame({"horizon": [1, 2, 3]}), how="cross", maintain_order="left_right")
    means = model.estimator.predict(rows).to_series(0).to_numpy().reshape(-1, 3)
    return series.to_dicts(), means.tolist()


def _series_value(model: Model, answer: Any) -> list[float]:
    return [p.mean for p in answer.periods]


def _series_cut(study: PanelStudyData) -> int:
    panel = study.panel
    return int(period_start([panel.first + study.origins[0]], panel.frequency, timezone=study.params.timezone)[0])


def _series_before(study: PanelStudyData, cut: int, like: PanelStudyData) -> Mapping[str, Any]:
    forecaster = study.fit_forecaster()
    assert study.origins == like.origins
    return {
        "sold": study.panel.sold[:, : study.origins[0]],
        "available": study.panel.available[:, : study.origins[0]],
        "trees": [b.model_to_string() for b in forecaster.trees_.boosters_],
        "weights": forecaster.weights_,
        "levels": forecaster.calibrated_levels_,
    }


def _fault_requests(model: Model, study: SurveillanceStudyData) -> tuple[Bodies, list[Any]]:
    surveillance, weeks = replace(study.run_surveillance(), delay=None), study.exposure.weeks
    rows = rows_of_weeks(study.exposure, surveillance, weeks - RECENT_WEEKS, weeks)
    weekly = rows.with_columns(model.estimator.predict(rows)["expected"] / RECENT_WEEKS)
    cells = weekly.group_by("model", "component", maintain_order=True).agg(pl.col("expected").sum())
    cells = cells.filter(pl.col("expected") > 0)  # models without the component have no expected faults
    # The normal rate of a cell with an alarm is that of its builds without the fault, later weeks included.
    cells = cells.join(surveillance.alarms(), on=["model", "component"], how="anti", maintain_order="left")
    # Predictions have the most likely own ratio of the model, the evidence and its expected faults that of the upper
    # limit of the variance between models.
    trained = model.estimator.trained
    ratios = trained.cells.with_columns(
        factor=pl.Series(trained.own_shape / trained.own_rate / trained.likely_own_ratio)
    )
    cells = cells.join(ratios, on=["model", "component"], maintain_order="left")
    cells = cells.with_columns(pl.col("expected") * pl.col("factor"))
    return cells.select("model", "component").to_dicts(), cells["expected"].to_list()


def _fault_value(model: Model, answer: Any) -> float:
    return float(answer.cell.expected_weekly)


def _fault_cut(study: SurveillanceStudyData) -> int:
    return study.last_training_instant + 1


def _faults_before(study: SurveillanceStudyData, cut: int, like: SurveillanceStudyData) -> Mapping[str, Any]:
    assert study.last_training_instant + 1 == cut
    baseline_rates = study.run_surveillance().expected_faults.baseline_rates
    weeks = study.params.reference_weeks
    by_model = study.exposure.strata.select("model").with_columns(
        pl.Series("years", study.exposure.at_risk[:, :weeks].sum(axis=1))
    )
    return {
        "components": baseline_rates.components,
        "limits": baseline_rates.distance_limits,
        "rates": baseline_rates.rates,
        "model_kinds": baseline_rates.model_kinds,
        "exposure": by_model.group_by("model").agg(pl.col("years").sum().round(9)).sort("model"),
    }


def _row_tables(config: TaskConfig, engine: str) -> Mapping[str, pl.DataFrame]:
    return {"frame": LabelledRows.read(config, engine=engine).frame}


def _list_tables(config: TaskConfig, engine: str) -> Mapping[str, pl.DataFrame]:
    tables = RankingStudyData.read(config, engine=engine).training_tables()
    return {name: getattr(tables, name) for name in ("choices", "queries", "relevant", "history")}


def _series_tables(config: TaskConfig, engine: str) -> Mapping[str, pl.DataFrame]:
    study = PanelStudyData.read(config, engine=engine)
    numbers = {"sold": study.panel.sold, "available": study.panel.available, "price": study.panel.drivers["price"]}
    tables = {name: pl.DataFrame(values.round(9)) for name, values in numbers.items()}
    return tables | {"series": study.panel.series, "on_hand": pl.DataFrame({"on_hand": study.on_hand})}


ROWS = Contract(_row_requests, _row_value, _row_cut, _rows_before, _row_tables)
CONTRACTS: Mapping[type[Problem], Contract] = {
    BinaryProblem: ROWS,
    AmountProblem: ROWS,
    RankingProblem: Contract(
        _list_requests,
        _list_value,
        _list_cut,
        _lists_before,
        _list_tables,
        identity_columns=("customer_id", "visitor_id"),
        replaced_tables=("events",),
    ),
    PanelProblem: Contract(
        _series_requests,
        _series_value,
        _series_cut,
        _series_before,
        _series_tables,
    ),
    SurveillanceProblem: Contract(
        _fault_requests, _fault_value, _fault_cut, _faults_before, None, excluded_columns=("monthly_km",)
    ),
}


def alter_later(
    table: Table,
    frame: pl.DataFrame,
    cut: int,
    *,
    spine: bool = False,
    identity_columns: tuple[str, ...] = (),
    grows: bool = True,
) -> pl.DataFrame:
    """Return a raw table altered at and after a cut-off, and unaltered before it.

    Every row at or after the cut-off gets the content of another row, except for its key and instant; instants filled
    into earlier rows after the cut-off move by one day. Every earlier row is repeated under another key, with the
    content of another row, at the cut-off or at the end of the table.

    Parameters
    ----------
    spine : bool
        Whether rows at the cut-off are the rows to predict, which stay.
    identity_columns : tuple of str
        Columns that altered rows keep.
    grows : bool
        Whether repeated rows are added, or replace later ones.
    """
    time, key = str(table.time), list(table.key)
    if time not in frame.columns:
        return frame
    instants = [c for c in frame.columns if c.endswith("_at") and c != time]
    later = (pl.col(time) > cut if spine else pl.col(time) >= cut).fill_null(value=False)
    earlier = frame.filter(~later)
    references = [c for c in frame.columns if c in table.references]
    altered = _with_content_of_others(frame.filter(later), frame, [*key, time, *identity_columns], time, instants)
    again = earlier.filter(pl.col(time) < cut)
    again = _with_content_of_others(again, frame, [*key, time, *identity_columns, *references], time, instants)
    if len(key) == 1:
        again = again.with_columns(pl.col(key[0]) + "-again")
    last = int(frame[time].max())  # type: ignore[arg-type]
    at = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit(cut)).otherwise(pl.lit(max(cut, last)))
    again = again.with_columns(at.cast(pl.Int64).alias(time)).unique(key, keep="first", maintain_order=True)
    again = again.join(frame, on=key, how="anti")
    if not grows:
        again = again.sample(min(altered.height // 2, again.height), seed=1)
        altered = altered.sample(altered.height - again.height, seed=1)
    filled = [pl.when(pl.col(c) >= cut).then(pl.col(c) + DAY).otherwise(pl.col(c)).alias(c) for c in instants]
    assert earlier.height and again.height
    return pl.concat([earlier.with_columns(filled), altered, again]).sort(time, maintain_order=True)


def _with_content_of_others(
    rows: pl.DataFrame, frame: pl.DataFrame, keep: list[str], time: str, instants: list[str]
) -> pl.DataFrame:
    """Return rows with some columns and the rest from the other end of the table, instants shifted alike."""
    others = frame.reverse()[: rows.height]
    shift = rows[time] - others[time]
    content = others.with_columns(pl.col(c) + shift for c in instants).drop(keep, strict=False)
    own = rows.select(c for c in rows.columns if c in keep)
    return pl.concat([own, content], how="horizontal").select(frame.columns)

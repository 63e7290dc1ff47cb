"""Conditions of the promotion gate for forecasts, from the held-out origins of the candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from features.errors import DataError
from features.periods import start_of
from ml.champions import GateCheck
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.panel import Panel
from ml.metrics import bootstrap
from ml.model import Model
from ml.problem import RowMetric
from training.studies.gate_checks import (
    baseline_check,
    bootstraps,
    champion_check,
    champion_check_name,
    guard_checks,
    last_training_instant,
    predict_example,
    prediction_check,
)
from training.studies.measures import compare
from training.studies.panel_forecasts import OriginForecasts, holdout_forecasts, read_holdout


def panel_gate_checks(
    metrics: Mapping[str, RowMetric], candidate: Model, champion: Model | None, holdout: Path
) -> Sequence[GateCheck]:
    """Compare the candidate's forecasts with those of the champion from the same origins, or of each series' past.

    Parameters
    ----------
    metrics : mapping of str to RowMetric
        Of the task; the first is compared.
    holdout : Path
        Folder with the panel, the origins and the candidate's forecasts from them.
    """
    panel, origins, rows = read_holdout(holdout)
    y, metric = rows["label"].to_numpy(), metrics[candidate.task.primary_metric]
    if champion is None:
        groups, n = rows["series"].to_numpy(), bootstraps(candidate)
        first = baseline_check(candidate, bootstrap(metric.compute, y, metric.select(rows), groups=groups, n=n, seed=0))
    else:
        first = _over_champion(metric, rows, candidate, champion, panel=panel, origins=origins)
    return [
        first,
        *guard_checks(candidate, lambda name: float(metrics[name].compute(y, metrics[name].select(rows)))),
        prediction_check("the model answers, anew like ahead", lambda: _anew_like_ahead(candidate)),
    ]


def _over_champion(
    metric: RowMetric, rows: pl.DataFrame, candidate: Model, champion: Model, *, panel: Panel, origins: range
) -> GateCheck:
    other = cast("DemandEstimator", champion.estimator)
    title, number = champion_check_name(candidate), champion.version
    own = (other.panel.keys, other.panel.frequency, other.params.horizon)
    needed = (panel.keys, panel.frequency, int(candidate.card["config"]["params"]["horizon"]))
    if own != needed:
        return GateCheck(title, False, f"version {number} forecasts {own}, not {needed}: promote with --force")
    try:
        theirs = holdout_forecasts(OriginForecasts(panel, other.forecaster), origins)
    except DataError as e:
        return GateCheck(title, False, f"version {number} cannot forecast these series: {e}")
    y, groups = rows["label"].to_numpy(), rows["series"].to_numpy()
    gain = compare(metric, y, metric.select(rows), metric.select(theirs), groups=groups, n=bootstraps(candidate))
    begin = start_of([panel.first + origins[0]], panel.frequency, timezone=other.params.timezone)[0]
    last = last_training_instant(champion)
    remark = " (the champion has learnt from some of them, which flatters it)" if (last or 0) >= begin else ""
    return champion_check(candidate, champion, gain, rows=f"{len(rows):,} outcomes", remark=remark)


def _anew_like_ahead(model: Model) -> tuple[bool, str]:
    ahead, anew = (predict_example(model, explain=explain)[0] for explain in (False, True))
    same = all(
        np.allclose([a.mean, *a.quantiles], [b.mean, *b.quantiles], rtol=1e-4, atol=1e-4)
        for a, b in zip(ahead.periods, anew.periods, strict=True)
    )
    return same, "they agree" if same else "they differ"

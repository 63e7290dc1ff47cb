"""Promotion gate of demand forecasts: conditions on the held-out origins of the candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl

from features.errors import DataError
from features.periods import period_start
from ml.champions import GateCheck
from ml.demand_forecast.estimator import DemandEstimator
from ml.demand_forecast.panel import Panel
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
from training.studies.measures import compare, metric_interval
from training.studies.panel_forecasts import OriginForecasts, holdout_forecasts, read_holdout


def panel_gate_checks(
    metrics: Mapping[str, RowMetric], candidate: Model, champion: Model | None, holdout: Path
) -> Sequence[GateCheck]:
    """Compare the candidate's forecasts with the champion's from the same origins, or with naive ones.

    Parameters
    ----------
    metrics : mapping of str to RowMetric
        Metrics of the task, `candidate.task.problem.metrics`; the primary one is compared.
    candidate : Model
        The version to promote: ``ml.champions.load(ml.champions.version("demand_forecast"))``.
    champion : Model or None
        The current champion: ``ml.champions.load(ml.champions.champion("demand_forecast"))``; without one, the
        candidate is compared with the naive forecasts.
    holdout : Path
        Folder written by `training.studies.panel_forecasts.write_holdout` for the candidate: `folder` of
        ``with ml.champions.report_files(version) as folder:``.

    Returns
    -------
    sequence of GateCheck
        `name`, `passed` (bool) and `detail` (the figures) of: the comparison, each configured limit, and whether
        recomputed answers equal the precomputed ones.

    Raises
    ------
    FileNotFoundError
        `holdout` lacks a file.
    DataError
        There is no champion, and the candidate's report has no baseline of the primary metric.

    Examples
    --------
    >>> from ml import champions
    >>> version = champions.version("demand_forecast")  # doctest: +SKIP
    >>> candidate = champions.load(version)  # doctest: +SKIP
    >>> with champions.report_files(version) as folder:  # doctest: +SKIP
    ...     checks = panel_gate_checks(candidate.task.problem.metrics, candidate, None, folder)
    """
    panel, origins, rows = read_holdout(holdout)
    y, metric = rows["label"].to_numpy(), metrics[candidate.task.primary_metric]
    if champion is None:
        groups, n = rows["series"].to_numpy(), bootstraps(candidate)
        first = baseline_check(candidate, metric_interval(metric, y, metric.select(rows), groups=groups, n=n))
    else:
        first = _over_champion(metric, rows, candidate, champion, panel=panel, origins=origins)
    return [
        first,
        *guard_checks(candidate, lambda name: float(metrics[name].compute(y, metrics[name].select(rows)))),
        prediction_check("recomputed and precomputed forecasts agree", lambda: _recomputed_as_precomputed(candidate)),
    ]


def _over_champion(
    metric: RowMetric, rows: pl.DataFrame, candidate: Model, champion: Model, *, panel: Panel, origins: range
) -> GateCheck:
    other = cast("DemandEstimator", champion.estimator)
    title, number = champion_check_name(candidate), champion.version
    champion_spec = (other.panel.keys, other.panel.frequency, other.params.horizon)
    spec = (panel.keys, panel.frequency, int(candidate.card["config"]["params"]["horizon"]))
    if champion_spec != spec:
        champion_text, text = (f"{', '.join(keys)}, {h} {f}s ahead" for keys, f, h in (champion_spec, spec))
        detail = f"version {number} forecasts {champion_text}, the candidate {text}: promote with --force"
        return GateCheck(title, False, detail)
    try:
        champion_rows = holdout_forecasts(OriginForecasts(panel, other.forecaster), origins)
    except DataError as e:
        return GateCheck(title, False, f"version {number} cannot forecast these series: {e}")
    y, groups = rows["label"].to_numpy(), rows["series"].to_numpy()
    gain = compare(metric, y, metric.select(rows), metric.select(champion_rows), groups=groups, n=bootstraps(candidate))
    begin = period_start([panel.first + origins[0]], panel.frequency, timezone=other.params.timezone)[0]
    last = last_training_instant(champion)
    remark = " (some are in the champion's training data, which favours it)" if (last or 0) >= begin else ""
    return champion_check(candidate, champion, gain, rows=f"{len(rows):,} outcomes", remark=remark)


def _recomputed_as_precomputed(model: Model) -> tuple[bool, str]:
    precomputed, recomputed = (predict_example(model, explain=explain)[0] for explain in (False, True))
    is_equal = all(
        np.allclose([a.mean, *a.quantiles], [b.mean, *b.quantiles], rtol=1e-4, atol=1e-4)
        for a, b in zip(precomputed.periods, recomputed.periods, strict=True)
    )
    return is_equal, "the answers are equal" if is_equal else "the answers differ"

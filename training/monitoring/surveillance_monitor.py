"""Monitoring of fault rates: faults against those expected at the baseline rates, overall and by component."""

from __future__ import annotations

from datetime import UTC

import numpy as np
import polars as pl

from features.aggregations import DAY
from ml import champions
from ml.bilingual import Text
from ml.fault_rate.exposure import WEEK_DAYS
from ml.instants import instant
from ml.model import Model
from ml.report.columns import Axis, axis
from training.config import TaskConfig
from training.monitoring.months import month_name
from training.monitoring.ratios import RatioRows, ratio_series
from training.monitoring.rules import MonitorRules
from training.monitoring.series import Findings, MonitoredPeriod, MonitoredSeries
from training.progress import Progress
from training.studies.surveillance import SurveillanceStudyData

MIN_EXPECTED = 10.0  # expected faults of a component in the reference and in the new months
_RATIO = axis("实际与预期故障之比", "faults / expected faults", "number")
_NO_DRIFT = Text(
    zh="特征漂移：故障率只用车队与月份，没有可漂移的输入特征",
    en="drift of features: fault rates depend on the fleet and the month only",
)


def surveillance_findings(
    model: Model,
    config: TaskConfig,
    rules: MonitorRules,
    version: champions.Version,
    *,
    as_of: int,
    progress: Progress | None = None,
) -> Findings:
    """Return faults over expected faults in the last months against the months before, after the reference weeks.

    All months after the reference weeks are out of sample: the last `outcome_months` are compared with those before.

    Parameters
    ----------
    model : Model
        ``ml.champions.load(version)``.
    config : TaskConfig
        With the sources to read and the parameters of the version.
    rules : MonitorRules
        ``training.monitoring.rules.MonitorRules()``.
    version : Version
        ``ml.champions.version_or_champion("fault_rate")``.
    as_of : int
        Microseconds since 1970 UTC: faults reported later are not used.
    progress : callable, optional
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    Findings
        Series that are not judged yet.

    Raises
    ------
    ConfigError, DataError
        The records cannot be read, or have no week after the reference weeks.
    """
    study = SurveillanceStudyData.read(config, as_of=instant(as_of).astimezone(UTC), progress=progress)
    rows = study.test_weeks()
    components = set(model.estimator.trained.baseline_rates.components)  # type: ignore[attr-defined]
    new_components = sorted(set(rows["component"].unique()) - components)
    rows = rows.filter(pl.col("component").is_in(list(components)))
    rows = rows.with_columns(expected=model.estimator.predict(rows)["expected"])
    end = int((study.exposure.first_day + WEEK_DAYS * study.exposure.weeks) * DAY)
    closed = int(np.datetime64(end, "us").astype("datetime64[M]").astype(int)) - 1
    first = int(rows["period"].min())  # type: ignore[arg-type]
    split = closed - rules.outcome_months + 1
    rows = rows.filter(pl.col("period") <= closed)
    reference, new = rows.filter(pl.col("period") < split), rows.filter(pl.col("period") >= split)
    period = MonitoredPeriod(
        month=month_name(closed),
        reference_first=month_name(first),
        reference_last=month_name(max(split - 1, first)),
        reference_rows=reference.height,
        rows=rows.filter(pl.col("period") == closed).height,
        as_of=instant(as_of).isoformat(timespec="seconds"),
    )
    not_computed = [_NO_DRIFT]
    if new_components:
        names = ", ".join(new_components[:5])
        not_computed.append(
            Text(zh=f"没有基准故障率的部件：{names}", en=f"components without a baseline rate: {names}")
        )
    if reference.is_empty() or new.is_empty():
        text = Text(
            zh=f"校准：基准期之后的完整月份不足 {rules.outcome_months + 1} 个",
            en=f"calibration: fewer than {rules.outcome_months + 1} complete months after the reference weeks",
        )
        return Findings(period, (), (*not_computed, text), tuple(study.notes))
    series = [_ratio("calibration", reference, new, rules, _RATIO)]
    for component in sorted(components):
        old, now = (part.filter(pl.col("component") == component) for part in (reference, new))
        if min(float(old["expected"].sum()), float(now["expected"].sum())) >= MIN_EXPECTED:
            label = config.labels.component(component)
            title = Text(zh=f"{_RATIO.title.zh}（{label.zh}）", en=f"{_RATIO.title.en}, {label.en}")
            part = _RATIO.model_copy(update={"title": title})
            series.append(_ratio(f"calibration.component={component}", old, now, rules, part))
    return Findings(period, tuple(series), tuple(not_computed), tuple(study.notes))


def _ratio(name: str, reference: pl.DataFrame, new: pl.DataFrame, rules: MonitorRules, title: Axis) -> MonitoredSeries:
    old, now = (
        RatioRows(part["label"].cast(pl.Float64).to_numpy(), part["expected"].to_numpy(), part["period"].to_numpy())
        for part in (reference, new)
    )
    months = sorted(set(now.months.tolist()))
    return ratio_series(name, old, now, months, rules, axis=title, floor=rules.smallest_rate_change)

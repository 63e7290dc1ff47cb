"""Approval and error rates at the cut-off, by protected attributes that are not features."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ml.bilingual import Text
from ml.domain.arrays import FloatArray
from ml.domain.statistics.rate_ratio import FOUR_FIFTHS
from ml.labels import Labels
from ml.report.columns import axis, column
from ml.report.sections import Bars, Section, Table
from training.studies.report_sections import ROWS, group_column
from training.studies.report_words import MISSING
from training.studies.row_sections import MIN_SEGMENT_ROWS, HoldoutPredictions

_TIMES = Text(zh="比值", en="ratio")
_RATIO_COLUMNS = (
    column("approval_ratio", "最低与最高通过率之比", "lowest approval rate over the highest", "number", unit=_TIMES),
    column("passes_four_fifths", "符合五分之四规则", "four-fifths rule met", "flag"),
)
_RATES = (
    column("approval_rate", "预审通过率", "approval rate", "share"),
    column("bad_rate_of_approved", "预审通过者的违约率", "default rate of approved applicants", "share"),
    column("good_not_approved", "未通过的好客户比例", "good applicants not approved", "share"),
)


def fairness_sections(test: HoldoutPredictions) -> list[Section]:
    """Return the ratio of approval rates by protected attribute, and the rates by group of each attribute.

    Parameters
    ----------
    test : HoldoutPredictions
        As returned by `training.studies.row_sections.HoldoutPredictions.of(examples, estimator, positions)`, with
        `examples` of `training.studies.row_data.LabelledRows.read`, `estimator` of `examples.fit_rows` and `positions`
        such as `examples.parts["test"]`.

    Returns
    -------
    list of Section
        A `Table` with the lowest approval rate over the highest by attribute, then `Bars` for each attribute with the
        rows, approval rate, bad rate of approved rows and share of good rows not approved (fractions) of each group.
        Columns of the table: `value` (attribute), `approval_ratio` (0 to 1, or None) and `passes_four_fifths` (bool or
        None); of the bars: `value` (group), `rows`, `approval_rate`, `bad_rate_of_approved` and `good_not_approved`.
        Empty if the problem has no decisions, or if no protected attribute is a column of the test rows.

    Examples
    --------
    >>> from training.config import load_config
    >>> from training.studies.row_data import LabelledRows
    >>> examples = LabelledRows.read(load_config("credit_risk"))  # doctest: +SKIP
    >>> estimator = examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])  # doctest: +SKIP
    >>> test = HoldoutPredictions.of(examples, estimator, examples.parts["test"])  # doctest: +SKIP
    >>> sections = fairness_sections(test)  # doctest: +SKIP
    """
    config, table = test.examples.config, test.examples.config.definition.table
    protected = {*table.protected, *config.protected}
    candidates = dict.fromkeys((*table.columns, *config.protected))
    attributes = [c for c in candidates if c in protected and c in test.X.columns]
    if test.decisions is None or not attributes:
        return []
    approved = (test.decisions.band == "approve").astype(float)
    groups = {a: _groups(test.X[a], test.y, approved) for a in attributes}
    labels = config.labels
    return [_ratios(groups, labels), *(_rates(attribute, rows, labels) for attribute, rows in groups.items())]


def _groups(attribute: pl.Series, y: FloatArray, approved: FloatArray) -> list[dict[str, Any]]:
    from fairlearn.metrics import MetricFrame

    metrics = {
        "rows": lambda t, a: len(t),
        "approval_rate": lambda t, a: float(np.mean(a)),
        "bad_rate_of_approved": _bad_rate_of_approved,
        "good_not_approved": _good_not_approved,
    }
    values = attribute.cast(pl.String).fill_null(MISSING).to_numpy()
    frame = MetricFrame(metrics=metrics, y_true=y, y_pred=approved, sensitive_features=values)
    rows = frame.by_group.T.to_dict().items()
    return [{"value": str(name), **rates, "rows": int(rates["rows"])} for name, rates in rows]


def _ratios(groups: dict[str, list[dict[str, Any]]], labels: Labels) -> Table:
    rows, words, names = [], [], {a: labels.column(a) for a in groups}
    for attribute, group_rates in groups.items():
        rates = [g["approval_rate"] for g in group_rates if g["rows"] >= MIN_SEGMENT_ROWS]
        ratio = min(rates) / max(rates) if rates and max(rates) > 0 else None
        passes = None if ratio is None else ratio >= FOUR_FIFTHS
        rows.append({"value": attribute, "approval_ratio": ratio, "passes_four_fifths": passes})
        words.append((names[attribute], ratio))
    title = Text(zh="最低与最高预审通过率之比", en="Ratio of the lowest to the highest approval rate")
    summary = Text(
        zh="；".join(f"{name.zh} {'未知' if ratio is None else f'{ratio:.2f}'}" for name, ratio in words),
        en="; ".join(f"{name.en} {'unknown' if ratio is None else f'{ratio:.2f}'}" for name, ratio in words),
    )
    columns = (column("value", "属性", "attribute", words=names), *_RATIO_COLUMNS)
    return Table(name="fairness", title=title, summary=summary, columns=columns, rows=tuple(rows))


def _rates(attribute: str, rows: list[dict[str, Any]], labels: Labels) -> Bars:
    first = group_column(attribute, [row["value"] for row in rows], labels=labels)
    low, high = (f"{bound(row['approval_rate'] for row in rows):.1%}" for bound in (min, max))
    drawn = tuple(c.name for c in _RATES)
    return Bars(
        name=f"fairness_by_{attribute}", rows=tuple(rows),
        title=Text(
            zh=f"按{first.title.zh}分组的预审通过率与错误率", en=f"Approval and error rates by {first.title.en}"
        ),
        summary=Text(zh=f"预审通过率 {low}～{high}", en=f"approval rates {low} – {high}"),
        columns=(first, ROWS, *_RATES), y=axis("占本组申请的比例", "share within the group", "share"), drawn=drawn,
    )  # fmt: skip


def _bad_rate_of_approved(y: FloatArray, approved: FloatArray) -> float:
    inside = np.asarray(approved) == 1
    return float(np.asarray(y)[inside].mean()) if inside.any() else float("nan")


def _good_not_approved(y: FloatArray, approved: FloatArray) -> float:
    good = np.asarray(y) == 0
    return float(1 - np.asarray(approved)[good].mean()) if good.any() else float("nan")

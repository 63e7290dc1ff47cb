"""Report section on leads that were given up although the desk calls leads like them: number, sales, and comparison.

A lead that is still open some days after its creation is scored again then, from what happened before. Whether it was
contacted later is read from the records, for the comparison alone; no feature reads it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from features.aggregations import DAY
from ml.bilingual import Text
from ml.domain.arrays import BoolArray
from ml.domain.statistics.proportions import proportion
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.problem import RowEstimator
from ml.report.columns import Interval, column
from ml.report.formats import format_figure, format_interval
from ml.report.sections import Table
from training.studies.row_sections import HoldoutPredictions

CONTACTS = ("last_contact_at", "closed_at", "converted_at")
CLOSED_WITHIN_DAYS = 7
DAYS_PER_MONTH = 30.436875
_LEADS, _SALES = Text(zh="条线索", en="leads"), Text(zh="单", en="sales")
_COLUMNS = (
    column("age_days", "建档后天数", "days after the lead", "count"),
    column("leads", "仍为 A 级的未结线索", "open leads that still have grade A", "count"),
    column("again", "此后又联系过", "contacted again", "count"),
    column("again_predicted", "又联系过：预测成交率", "contacted again: predicted conversion", "share"),
    column(
        "again_observed", "又联系过：实际成交率", "contacted again: observed conversion", "share",
        interval=Interval(low="again_low", high="again_high"),
    ),
    column("given_up", "此后未再联系", "not contacted any more", "count"),
    column("per_month", "每月未再联系", "not contacted any more, per month", "number", unit=_LEADS),
    column("expected", "未再联系：预期成交", "not contacted any more: expected", "number", unit=_SALES),
    column("sales", "未再联系：实际成交", "not contacted any more: sales", "count"),
    column(
        "observed", "未再联系：实际成交率", "not contacted any more: observed conversion", "share", interval=Interval()
    ),
    column("closed", "其中 7 天内关闭为战败", "of these, closed as lost within 7 days", "count"),
    column("closed_sales", "关闭后成交", "sales after closing", "count"),
)  # fmt: skip


def given_up_sections(test: HoldoutPredictions, estimator: RowEstimator) -> list[Table]:
    """Return the leads of the test period that were given up while they still had grade A, by age.

    Parameters
    ----------
    test : HoldoutPredictions
        As returned by `training.studies.row_sections.HoldoutPredictions.of(examples, estimator, positions)`, with
        `examples` of `training.studies.row_data.LabelledRows.read`, `estimator` of `examples.fit_rows` and `positions`
        such as `examples.parts["test"]`.
    estimator : RowEstimator
        Fitted: `examples.fit_rows(examples.parts["train"], examples.parts["calibrate"])`, with `examples` of
        `training.studies.row_data.LabelledRows.read`.

    Returns
    -------
    list of Table
        'given_up', with a row for each of `rescore_days`; empty for other estimators, without `last_contact_at` in the
        leads, and if no lead of the test period was open and had grade A.
    """
    rows = _rescored(test, estimator)
    if rows is None or not isinstance(estimator, LeadScoringEstimator):
        return []
    as_of = test.X["as_of"].to_numpy()
    days = float(as_of.max() - as_of.min()) / DAY
    table = [
        _row(group, months=max(days, 1.0) / DAYS_PER_MONTH) | {"age_days": int(age)}
        for (age,), group in rows.group_by("age_days", maintain_order=True)
    ]
    if not table:
        return []
    title = Text(zh="过早放弃的线索", en="Leads given up too early")
    summary = given_up_text(table[0], estimator.grades_.A)
    return [Table(name="given_up", title=title, summary=summary, columns=_COLUMNS, rows=tuple(table))]


def _rescored(test: HoldoutPredictions, estimator: RowEstimator) -> pl.DataFrame | None:
    """Return the rows of open leads after their creation in the test period with grade A, and their later contacts."""
    examples = test.examples
    if not isinstance(estimator, LeadScoringEstimator) or examples.is_test_row is None:
        return None
    leads = examples.raw.frames["leads"]
    names = leads.collect_schema().names()
    if "last_contact_at" not in names:
        return None
    as_of = examples.frame["as_of"].to_numpy()
    positions = np.flatnonzero(~examples.is_test_row & (as_of >= test.X["as_of"].min()))
    X, y = examples.rows(positions)
    later = leads.select("lead_id", *(n for n in CONTACTS if n in names)).collect()
    rows = X.select("lead_id", "as_of", "created_at").with_columns(
        estimator.predict(X).select("conversion_probability", "grade"), bought=y
    )
    age = ((pl.col("as_of") - pl.col("created_at")) / DAY).round().cast(pl.Int64)
    joined = rows.join(later, on="lead_id", how="left").with_columns(age_days=age)
    joined = joined.with_columns(pl.lit(None, pl.Int64).alias(n) for n in CONTACTS if n not in names)
    return joined.filter(pl.col("grade") == "A").sort("age_days", "lead_id")


def _row(group: pl.DataFrame, *, months: float) -> dict[str, Any]:
    """Return the figures of the rows of one age."""
    again = (group["last_contact_at"] > group["as_of"]).fill_null(value=False).to_numpy()
    closed_at, converted_at = group["closed_at"], group["converted_at"]
    lost = (closed_at > group["as_of"]) & (closed_at <= group["as_of"] + CLOSED_WITHIN_DAYS * DAY)
    lost = lost.fill_null(value=False) & (converted_at.is_null() | (converted_at > closed_at)).fill_null(value=False)
    closed = lost.to_numpy() & ~again
    y, p = group["bought"].to_numpy(), group["conversion_probability"].to_numpy()

    def figures(inside: BoolArray) -> tuple[float | None, ...]:
        if not inside.any():
            return None, None, None, None
        observed = proportion(int(y[inside].sum()), int(inside.sum()))
        return float(p[inside].mean()), observed.value, observed.low, observed.high

    again_predicted, again_observed, again_low, again_high = figures(again)
    _, observed, low, high = figures(~again)
    return {
        "leads": len(y), "again": int(again.sum()), "again_predicted": again_predicted,
        "again_observed": again_observed, "again_low": again_low, "again_high": again_high,
        "given_up": int((~again).sum()), "per_month": float((~again).sum()) / months,
        "expected": float(p[~again].sum()), "sales": int(y[~again].sum()), "observed": observed, "low": low,
        "high": high, "closed": int(closed.sum()), "closed_sales": int(y[closed].sum()),
    }  # fmt: skip


def given_up_text(row: dict[str, Any], limit: float) -> Text:
    """Return what became of the leads that were given up, beside similar leads that were contacted again.

    Parameters
    ----------
    row : dict
        Of the table 'given_up'.
    limit : float
        Lowest probability of grade A.

    Examples
    --------
    >>> figures = {"age_days": 3, "given_up": 20, "per_month": 5.0, "expected": 6.0, "sales": 4, "observed": 0.2}
    >>> again = {"again": 0, "again_predicted": None, "again_observed": None, "again_low": None, "again_high": None}
    >>> given_up_text({**figures, "low": 0.08, "high": 0.41, "closed": 0, **again}, 0.25).en.partition(": ")[2]
    '6.0 sales were expected, 4 came (20.0%, 95% interval 8.00% – 41.0%)'
    """
    age, share = row["age_days"], f"{limit:.0%}"
    zh = (
        f"建档 {age} 天后，{row['given_up']:,} 条线索（每月 {row['per_month']:.1f} 条）"
        f"仍为 A 级（成交概率不低于 {share}）却未再联系"
    )
    leads = "1 lead" if row["given_up"] == 1 else f"{row['given_up']:,} leads"
    en = (
        f"{leads} ({row['per_month']:.1f} a month) still had grade A (a probability of at least {share}) "
        f"{age} days after the enquiry and had no further contact"
    )
    if row["observed"] is not None:
        observed = format_figure(row["observed"], "share")
        interval, interval_zh = (format_interval(row["low"], row["high"], "share", n) for n in ("en", "zh"))  # type: ignore[arg-type]
        zh += f"：预期成交 {row['expected']:.1f} 条，实际 {row['sales']:,} 条（{observed}，95% 区间 {interval_zh}）"
        en += (
            f": {row['expected']:.1f} sales were expected, {row['sales']:,} came ({observed}, 95% interval {interval})"
        )
    if row["closed"]:
        zh += f"；其中 {row['closed']:,} 条在 7 天内关闭为战败，之后成交 {row['closed_sales']:,} 条"
        en += f"; {row['closed_sales']:,} of the {row['closed']:,} that were closed as lost within 7 days bought later"
    if row["again_observed"] is None:
        return Text(zh=zh, en=en)
    predicted, observed = (format_figure(row[n], "share") for n in ("again_predicted", "again_observed"))
    zh += (
        f"。同样为 A 级而又联系过的 {row['again']:,} 条：实际成交率 {observed}，预测 {predicted}。"
        "联系谁由员工选择，很快成交的线索也来不及再联系：差别不等于联系的效果"
    )
    en += (
        f". Of {row['again']:,} leads of grade A that were contacted again, {observed} bought, {predicted} were "
        "expected. Staff choose whom they contact, and a lead that buys soon leaves no time for a contact: the "
        "difference is not the effect of the contact"
    )
    return Text(zh=zh, en=en)

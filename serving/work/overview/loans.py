"""Approval by month of submission, and delinquency by month of granting once the window has passed."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from pydantic import BaseModel, Field

from ml.bilingual import Text
from serving.work.clock import DAY
from serving.work.overview import trade
from serving.work.overview.estimates import Estimate, share
from serving.work.overview.key_figures import Scope
from serving.work.overview.periods import local_midnight
from serving.work.overview.texts import PROBLEMS, definition

MONTHS = 12  # complete months listed
DEFAULT_WINDOW_DAYS = 365  # while no outcome says how long the window is


class MonthFigure(BaseModel):
    """A share of one calendar month."""

    month: str = Field(description="such as 2026-02")
    share: Estimate


class YoungMonth(BaseModel):
    """A month whose loans have not been observed for the whole window."""

    month: str
    loans: int
    ripe_on: date = Field(description="first day on which the window of all its loans has passed")


class LoanFigures(BaseModel):
    """Approval and delinquency by month."""

    approval: list[MonthFigure]
    approval_definition: Text
    approval_problem: Text | None
    delinquency: list[MonthFigure]
    young: list[YoungMonth] = Field(description="months that are absent from delinquency, the earliest first")
    delinquency_definition: Text
    delinquency_problem: Text | None
    window_days: int


def loan_figures(scope: Scope) -> LoanFigures:
    """Return both series of the last twelve complete months that have them.

    Parameters
    ----------
    scope : Scope
        Whose loans.
    """
    applications, outcomes = _applications(scope), _outcomes(scope)
    window = _window_days(outcomes)
    ripe, young = _delinquency(scope, outcomes, window)
    approval = _approval(scope, applications)
    return LoanFigures(
        approval=approval,
        approval_definition=definition("approval"),
        approval_problem=None if approval else PROBLEMS["no_applications"],
        delinquency=ripe,
        young=young,
        delinquency_definition=definition("delinquency", days=window),
        delinquency_problem=None if ripe else PROBLEMS["no_outcomes"],
        window_days=window,
    )


def _applications(scope: Scope) -> pl.DataFrame:
    return trade.of_stores(scope.context.records.table("applications"), scope.stores).select(
        "application_id", "store_id", "submitted_at", "decision"
    )


def _outcomes(scope: Scope) -> pl.DataFrame:
    records = scope.context.records
    names = ["application_id", "defaulted", "originated_at", "observed_at"]
    applications = records.table("applications").select("application_id", "store_id", "submitted_at")
    rows = records.table("loan_outcomes").select(names).join(applications, on="application_id", how="left")
    # Without a day of payout, that of the application is the closest one.
    rows = rows.with_columns(granted_at=pl.coalesce("originated_at", "submitted_at"))
    return trade.of_stores(rows.filter(pl.col("granted_at").is_not_null()), scope.stores)


def _window_days(outcomes: pl.DataFrame) -> int:
    days = ((outcomes["observed_at"] - outcomes["originated_at"]) / DAY).drop_nulls()
    return DEFAULT_WINDOW_DAYS if days.is_empty() else round(float(days.quantile(0.9) or DEFAULT_WINDOW_DAYS))


def _month(scope: Scope, column: str) -> pl.Expr:
    zone = scope.context.clock.timezone.key
    return pl.from_epoch(column, time_unit="us").dt.convert_time_zone(zone).dt.strftime("%Y-%m").alias("month")


def _last_months(scope: Scope) -> str:
    """Return the first month of those listed."""
    today = scope.context.clock.local().date().replace(day=1)
    months = today.year * 12 + today.month - 1 - MONTHS
    return f"{months // 12}-{months % 12 + 1:02}"


def _approval(scope: Scope, applications: pl.DataFrame) -> list[MonthFigure]:
    this_month = f"{scope.context.clock.local():%Y-%m}"
    decided = applications.filter(pl.col("decision").is_not_null()).with_columns(_month(scope, "submitted_at"))
    rows = decided.filter(pl.col("month") >= _last_months(scope), pl.col("month") < this_month).group_by("month").agg(
        n=pl.len(), approved=(pl.col("decision") == "approve").sum()
    )  # fmt: skip
    return [_share(row) for row in rows.sort("month").rename({"approved": "hits"}).to_dicts()]


def _delinquency(scope: Scope, outcomes: pl.DataFrame, window: int) -> tuple[list[MonthFigure], list[YoungMonth]]:
    clock = scope.context.clock
    rows = outcomes.with_columns(_month(scope, "granted_at")).group_by("month").agg(
        loans=pl.len(), n=pl.col("defaulted").count(), hits=pl.col("defaulted").sum()
    )  # fmt: skip
    ripe, young = [], []
    for row in rows.sort("month").to_dicts():
        ripe_on = _next_month(row["month"]) + timedelta(days=window)
        if local_midnight(ripe_on, clock.timezone) <= clock.now():
            ripe += [_share(row)] if row["n"] else []
        else:
            young.append(YoungMonth(month=row["month"], loans=row["loans"], ripe_on=ripe_on))
    return ripe[-MONTHS:], young


def _next_month(month: str) -> date:
    return (date(int(month[:4]), int(month[5:]), 1) + timedelta(days=31)).replace(day=1)


def _share(row: dict[str, object]) -> MonthFigure:
    estimate = share(int(str(row["hits"])), int(str(row["n"])))
    assert estimate is not None, "a month has rows"
    return MonthFigure(month=str(row["month"]), share=estimate)

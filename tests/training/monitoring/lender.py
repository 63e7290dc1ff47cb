"""The small lender of the tests, with applications and outcomes of the months after its training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from tests.small.credit_risk import DAY, START, credit_risk_tables, write_credit_risk

END = START + 730 * DAY  # of the tables that the champion was trained on: 13 September 2022
Change = Callable[[pl.DataFrame], pl.DataFrame]


def unchanged(applications: pl.DataFrame) -> pl.DataFrame:
    return applications


def later_lender(
    folder: Path, *, days: int = 300, rows: int = 2_000, change: Change = unchanged, outcomes: bool = True
) -> Path:
    """Write the tables of the champion and `rows` later applications over `days` days; returns the configuration."""
    tables, later = credit_risk_tables(), credit_risk_tables(rows=rows, seed=5)
    days_later = (pl.col("submitted_at") - START) * days // 730 // DAY * DAY
    name = pl.format("L{}", "application_id").alias("application_id")
    applications = change(later["applications"].with_columns(name, submitted_at=END + days_later))
    labels = later["loan_outcomes"].with_columns(name)
    if not outcomes:
        labels = labels.with_columns(defaulted=pl.lit(None, dtype=pl.Boolean))
    return write_credit_risk(
        folder,
        {
            "applications": pl.concat([tables["applications"], applications], how="diagonal"),
            "loan_outcomes": pl.concat([tables["loan_outcomes"], labels]),
        },
    )

"""The loan arithmetic against the payments that a lender really asked for on 7,567 simple-interest loans."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml.domain.loans.loan import LoanBatch
from ml.domain.loans.pricing import RiskAndFunding, price
from ml.domain.loans.product import LoanProduct


@pytest.mark.realdata
def test_reported_payments_are_reproduced(data_folder: Path) -> None:
    """Instalments run from the first due date to maturity, so the grace months of the stated term carry none.

    What is left, 10 loans in 7,567, was changed after origination or reports a payment that its own rate and term do
    not give.
    """
    loans = pl.read_parquet(data_folder / "autoloan_worldomni" / "world_omni.parquet")
    reported = "reportingPeriodScheduledPaymentAmount"
    loans = loans.filter((pl.col(reported) > 0) & (pl.col("interestCalculationTypeCode") == 1))
    batch = LoanBatch.build(
        (LoanProduct(),),
        [0] * loans.height,
        amount=(loans["originalLoanAmount"] * 100).round().cast(pl.Int64).to_numpy(),
        annual_rate=loans["originalInterestRatePercentage"].round(6).to_numpy(),
        term_months=(loans["originalLoanTerm"] - loans["gracePeriodNumber"]).cast(pl.Int64).to_numpy(),
    )
    prices = price(batch, date(2019, 8, 1), risk=RiskAndFunding(0.0, 0.0, 0.0))
    error = np.abs(prices.monthly_payment / 100 / loans[reported].to_numpy() - 1)
    assert (error <= 0.01).mean() > 0.998
    assert (error <= 0.001).mean() > 0.997

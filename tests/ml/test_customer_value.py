"""Customer value: tables that cannot be used, the end of the history, and real purchases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from features.errors import DataError
from ml.customer_value import customer_value
from ml.estimators.bg_nbd import BgNbd
from ml.estimators.pareto_nbd import ParetoNbd
from tests.commands import chehang
from tests.conftest import ROOT

CONFIG = ROOT / "configs" / "examples" / "cdnow" / "customer_value.yaml"
MODELS = (BgNbd, ParetoNbd)


def _purchases(rows: list[tuple[str | None, int, float | None]]) -> pl.DataFrame:
    schema = {"customer_id": pl.String, "at": pl.Int64, "amount": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_unusable_purchases_are_one_error() -> None:
    with pytest.raises(DataError, match="at least 50"):
        customer_value(_purchases([]), until=DAY, horizon_days=10)
    with pytest.raises(DataError, match="horizon_days"):
        customer_value(_purchases([]), until=DAY, horizon_days=0)
    with pytest.raises(DataError, match="'amount' is missing"):
        customer_value(_purchases([]).drop("amount"), until=DAY, horizon_days=1)
    once = [(str(i), i % 30 * DAY, 1.0) for i in range(100)]
    with pytest.raises(DataError, match="came back"):
        customer_value(_purchases(once), until=60 * DAY, horizon_days=10)


def test_nothing_after_the_end_of_the_history_counts() -> None:
    rng = np.random.default_rng(0)
    rows = [(str(i), int(d) * DAY, 10.0) for i in range(200) for d in rng.choice(300, 1 + i % 6, replace=False)]
    before = [r for r in rows if r[1] < 200 * DAY]
    whole, cut = (customer_value(_purchases(r), until=200 * DAY, horizon_days=100) for r in (rows, before))
    assert whole.customers.equals(cut.customers)
    assert str(whole.holdout_errors) == str(cut.holdout_errors)


@pytest.mark.realdata
def test_cdnow_by_configuration_beats_the_bg_nbd_fit(tmp_path: Path, data_folder: Path) -> None:
    out = tmp_path / "values.parquet"
    done = chehang(
        "value", "-c", str(CONFIG), "--as-of", "1997-10-01T00:00Z", "--out", str(out), "--json",
        home=tmp_path / "home", CHEHANG_DATA=str(data_folder),
    )  # fmt: skip
    stream = json.loads(done.stdout)["purchases"]
    purchases = pl.read_parquet(data_folder / "clv_cdnow" / "cdnow_master.parquet")
    later = purchases.filter(pl.col("date") >= pl.datetime(1997, 10, 1), pl.col("date") < pl.datetime(1998, 7, 1))
    actual = later.group_by("customer_id").agg(count=pl.col("date").n_unique())
    values = pl.read_parquet(out).join(actual, on="customer_id", how="left").with_columns(pl.col("count").fill_null(0))
    error = float((values["purchases_expected_purchases"] - values["count"]).abs().mean())
    assert error <= _bg_nbd_error(purchases, values.select("customer_id", "count"))
    assert abs(stream["total_purchases"] / values["count"].sum() - 1) < 0.05
    assert out.with_suffix(".png").exists()


def _bg_nbd_error(purchases: pl.DataFrame, counts: pl.DataFrame) -> float:
    """Return the mean absolute error of BG/NBD fitted in weeks, as in the publication."""
    end = pl.datetime(1997, 9, 30)
    histories = purchases.filter(pl.col("date") <= end).group_by("customer_id").agg(
        x=(pl.col("date").n_unique() - 1).cast(pl.Float64),
        t=(pl.col("date").max() - pl.col("date").min()).dt.total_days() / 7,
        T=(end - pl.col("date").min()).dt.total_days() / 7,
    )  # fmt: skip
    rows = counts.join(histories, on="customer_id", how="left")
    history = [rows[c].to_numpy() for c in ("x", "t", "T")]
    predicted = BgNbd().fit(*history).expected_purchases(39, *history)
    return float(np.abs(predicted - rows["count"].to_numpy()).mean())

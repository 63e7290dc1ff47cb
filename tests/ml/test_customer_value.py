"""Repeat purchases and their worth: against published formulas, simulation, and a year and a half of real purchases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from features.errors import DataError, ModelNotFound
from ml.customer_value import DAY, customer_value
from ml.estimators.bg_nbd import BgNbd
from ml.estimators.gamma_gamma import GammaGamma
from ml.estimators.pareto_nbd import ParetoNbd
from tests.commands import chehang
from tests.conftest import ROOT

CONFIG = ROOT / "configs" / "examples" / "cdnow" / "customer_value.yaml"
MODELS = (BgNbd, ParetoNbd)


def _histories(n: int, *, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Pareto/NBD customers watched for 52 weeks, and what they did in the 26 weeks after."""
    rng = np.random.default_rng(seed)
    rate, lifetime = rng.gamma(0.8, 1 / 8, n), rng.exponential(1 / rng.gamma(0.7, 1 / 12, n))
    x, t, later = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in range(n):
        moments = np.cumsum(rng.exponential(1 / rate[i], 400))
        moments = moments[moments < min(lifetime[i], 78)]
        seen = moments[moments < 52]
        x[i], t[i], later[i] = len(seen), seen[-1] if len(seen) else 0.0, len(moments) - len(seen)
    return x, t, np.full(n, 52.0), later


def test_pareto_nbd_recovers_the_population_and_predicts_its_future() -> None:
    x, t, T, later = _histories(6_000)
    model = ParetoNbd().fit(x, t, T)
    r, alpha, _, _ = model.parameters_
    assert r == pytest.approx(0.8, rel=0.15)
    assert alpha == pytest.approx(8, rel=0.2)
    predicted = model.expected_purchases(26, x, t, T)
    assert predicted.sum() == pytest.approx(later.sum(), rel=0.05)
    for low, high, within in ((0, 0, 0.3), (1, 3, 0.12), (4, 400, 0.12)):  # and in every group of customers
        group = (x >= low) & (x <= high)
        assert predicted[group].sum() == pytest.approx(later[group].sum(), rel=within)


def test_quadrature_equals_the_published_hypergeometric_form() -> None:
    """Fader and Hardie's note: P(active) with A0 by Gauss's function."""
    x, t, T = np.array([0, 1, 4, 4, 30.0]), np.array([0, 5, 38, 10, 20.0]), np.full(5, 39.0)
    for r, alpha, s, beta in ((0.553, 10.578, 0.606, 11.669), (2.0, 3.0, 0.5, 20.0), (2.0, 20.0, 1.5, 3.0)):
        larger, smaller = max(alpha, beta), min(alpha, beta)
        total, second = r + s + x, (s + 1) if alpha >= beta else (r + x)

        def term(u: np.ndarray) -> np.ndarray:
            z = (larger - smaller) / (larger + u)  # noqa: B023
            return hyp2f1(total, second, total + 1, z) / (larger + u) ** total  # noqa: B023

        left = s / total * (alpha + T) ** (r + x) * (beta + T) ** s * (term(t) - term(T))
        model = ParetoNbd()
        model.parameters_ = np.array([r, alpha, s, beta])
        np.testing.assert_allclose(model.probability_active(x, t, T), 1 / (1 + left), rtol=1e-9)


def test_bg_nbd_gives_the_papers_example() -> None:
    """Customer 1 of the paper's data: two repeat purchases, the last in week 30.43 of 38.86."""
    model = BgNbd()
    model.parameters_ = np.array([0.243, 4.414, 0.793, 2.426])
    assert model.expected_purchases(39, [2], [30.43], [38.86])[0] == pytest.approx(1.226, abs=5e-4)
    assert model.probability_active([0], [0], [38.86])[0] == 1


@pytest.mark.parametrize("model", MODELS)
@given(
    x=st.integers(0, 200),
    share=st.floats(0, 1),
    age=st.floats(0.1, 1_000),
    horizon=st.floats(0, 1_000),
)
@settings(max_examples=60)
def test_expectations_are_finite_and_grow_with_the_horizon(
    model: type[BgNbd] | type[ParetoNbd], x: int, share: float, age: float, horizon: float
) -> None:
    fitted = model()
    fitted.parameters_ = np.array([0.5, 5.0, 0.8, 2.5])
    recency = 0.0 if x == 0 else share * age
    short, long = (fitted.expected_purchases(h, [x], [recency], [age])[0] for h in (horizon, horizon + 1))
    assert 0 <= short <= long < np.inf
    assert 0 <= fitted.probability_active([x], [recency], [age])[0] <= 1


@pytest.mark.parametrize("model", MODELS)
def test_bad_histories_are_refused_by_name(model: type[BgNbd] | type[ParetoNbd]) -> None:
    for history, told in (
        (([1], [5], [3]), "recency"),
        (([-1], [0], [3]), "frequency"),
        (([1.5], [1], [3]), "frequency"),
        (([0], [1], [3]), "recency"),
        (([1], [1], [np.nan]), "age"),
        (([0, 0], [0, 0], [3, 3]), "nobody came back"),
        (([], [], []), "at least one"),
    ):
        with pytest.raises(DataError, match=told):
            model().fit(*history)


@pytest.mark.parametrize("model", [*MODELS, GammaGamma])
def test_artefacts_restore_and_damaged_ones_are_refused(model: type) -> None:
    x, t, T, _ = _histories(400)
    fitted = model().fit(x[x > 0], 10 + t[x > 0]) if model is GammaGamma else model().fit(x, t, T)
    again = model.from_files(fitted.to_files())
    assert again.parameters_.tolist() == fitted.parameters_.tolist()
    (name,) = fitted.to_files()
    with pytest.raises(ModelNotFound, match=name):
        model.from_files({})
    with pytest.raises(DataError, match=name):
        model.from_files({name: b"{}"})


def test_spend_shrinks_towards_the_mean_by_its_number_of_purchases() -> None:
    rng = np.random.default_rng(0)
    count = rng.integers(1, 8, 5_000)
    own = 15 / rng.gamma(4, 1, 5_000)
    model = GammaGamma().fit(count, rng.gamma(6 * count, own / count))
    one, many = model.expected_spend([1, 50], [100.0, 100.0])
    assert one < many < 100
    nothing = model.expected_spend([0], [0.0])[0]
    assert nothing == pytest.approx(6 * own.mean(), rel=0.1)


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
    assert str(whole.held_out) == str(cut.held_out)  # a model that cannot be fitted has no error, alike in both


@pytest.mark.realdata
def test_cdnow_by_configuration_beats_the_bg_nbd_fit(tmp_path: Path, data_folder: Path) -> None:
    out = tmp_path / "values.parquet"
    done = chehang(
        "value", "-c", str(CONFIG), "--as-of", "1997-10-01T00:00Z", "--out", str(out), "--json",
        home=tmp_path / "home", CHEHANG_DATA=str(data_folder),
    )  # fmt: skip
    told = json.loads(done.stdout)["purchases"]
    purchases = pl.read_parquet(data_folder / "clv_cdnow" / "cdnow_master.parquet")
    later = purchases.filter(pl.col("date") >= pl.datetime(1997, 10, 1), pl.col("date") < pl.datetime(1998, 7, 1))
    actual = later.group_by("customer_id").agg(came=pl.col("date").n_unique())
    values = pl.read_parquet(out).join(actual, on="customer_id", how="left").with_columns(pl.col("came").fill_null(0))
    error = float((values["purchases_expected_purchases"] - values["came"]).abs().mean())
    assert error <= _bg_nbd_error(purchases, values.select("customer_id", "came"))
    assert abs(told["total_purchases"] / values["came"].sum() - 1) < 0.05
    assert out.with_suffix(".png").exists()


def _bg_nbd_error(purchases: pl.DataFrame, came: pl.DataFrame) -> float:
    """Of the published model, in weeks as published."""
    end = pl.datetime(1997, 9, 30)
    seen = purchases.filter(pl.col("date") <= end).group_by("customer_id").agg(
        x=(pl.col("date").n_unique() - 1).cast(pl.Float64),
        t=(pl.col("date").max() - pl.col("date").min()).dt.total_days() / 7,
        T=(end - pl.col("date").min()).dt.total_days() / 7,
    )  # fmt: skip
    rows = came.join(seen, on="customer_id", how="left")
    history = [rows[c].to_numpy() for c in ("x", "t", "T")]
    predicted = BgNbd().fit(*history).expected_purchases(39, *history)
    return float(np.abs(predicted - rows["came"].to_numpy()).mean())

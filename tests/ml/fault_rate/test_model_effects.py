"""Own rate ratios of models: shrinkage, outliers, and the list of cells that were bad from the start."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ml.fault_rate.model_effects import fit_population, raised_cells, rate_ratio_posterior

CELLS = pl.DataFrame({"model": list("ABCDE"), "component": ["brakes"] * 5})


def test_outliers_inflate_neither_mean_nor_variance() -> None:
    ordinary, expected = np.array([98.0, 103.0, 95.0, 101.0, 99.0, 104.0] * 3), np.full(18, 100.0)
    clean = fit_population(ordinary, expected)
    outliers = fit_population(np.r_[ordinary, 400.0], np.r_[expected, 100.0])
    assert clean.variance < 0.005 and clean.variance <= clean.upper < 0.05
    assert (outliers.mean, outliers.variance) == pytest.approx((clean.mean, clean.variance), rel=0.05)
    assert fit_population(np.zeros(2), np.ones(2)).mean == 1.0


def test_a_model_that_was_bad_from_the_start_is_listed_against_the_other_models() -> None:
    """E has half of the vehicles and twice the rate: the pooled rate of 150 hides it, the others' rate does not."""
    count, expected = np.array([50.0, 50.0, 50.0, 50.0, 400.0]), np.array([75.0, 75.0, 75.0, 75.0, 300.0])
    raised = raised_cells(CELLS, count, expected, variance=0.01, alpha=0.05)
    assert raised.select("model", "count").rows() == [("E", 400)]
    row = raised.row(0, named=True)
    assert row["expected"] == pytest.approx(300 * 200 / 300)
    # gamma(100 + 400, 100 + 200) has the mean 5/3; it stays although the rate of the others is uncertain.
    assert row["rate_ratio"] == pytest.approx(5 / 3) and 1.3 < row["low"] < row["rate_ratio"] < row["high"] < 2.1
    assert raised_cells(CELLS, expected, expected, variance=0.01, alpha=0.05).is_empty()
    alone = raised_cells(CELLS[:1], count[:1], expected[:1], variance=0.01, alpha=0.05)
    assert alone.is_empty() and alone.columns == raised.columns, "one model has no others"


def test_few_fleets_have_a_cell_listed_wrongly() -> None:
    """300 fleets of 40 cells whose rates differ: wrong is a cell whose true rate is not above that of the others."""
    rng = np.random.default_rng(0)
    cells = pl.DataFrame({"model": [str(i) for i in range(40)], "component": ["brakes"] * 40})
    wrong = right = 0
    for _ in range(300):
        expected = np.exp(rng.normal(3.0, 1.3, 40))
        own = rng.gamma(25.0, 1 / 25.0, 40)
        count = rng.poisson(expected * own).astype(float)
        pooled = expected * count.sum() / expected.sum()
        raised = raised_cells(cells, count, pooled, variance=fit_population(count, pooled).upper, alpha=0.05)
        for model in raised["model"].cast(pl.Int64):
            others = (own * expected).sum() - own[model] * expected[model]
            wrong += own[model] <= others / (expected.sum() - expected[model])
            right += own[model] > others / (expected.sum() - expected[model])
    assert wrong <= 0.05 * 300 and right > 50


def test_the_uncertainty_of_the_normal_rate_widens_the_interval_and_leaves_the_mean() -> None:
    sharp = rate_ratio_posterior([30], [10.0], prior_shape=10.0, normal_variance=0.0)
    assert (sharp.shape[0].tolist(), sharp.rate[0].tolist()) == ([40.0], [20.0])
    wide = rate_ratio_posterior([30], [10.0], prior_shape=10.0, normal_variance=1 / 40)
    assert wide.mean() == pytest.approx(2.0) and wide.shape[0] == pytest.approx(20.0)
    assert wide.quantile(0.05) < sharp.quantile(0.05) < 2 < sharp.quantile(0.95) < wide.quantile(0.95)

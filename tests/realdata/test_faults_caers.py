"""The shrinker against openEBGM's published fit and scores on 3,356 reports of food and supplements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import gammainc

from ml.domain.faults.shrinkage.contingency import Pairs, count_reports
from ml.domain.faults.shrinkage.fitting import fit_mixture
from ml.domain.faults.shrinkage.priors import Prior, posterior, two_gammas
from ml.domain.faults.shrinkage.scores import scores
from ml.domain.faults.shrinkage.squashing import Bins, squash
from training.runs.signals import PairColumns, signals

pytestmark = pytest.mark.realdata

THETA = (3.25379356, 0.39988854, 2.02612692, 1.90807970, 0.06534557)
# squashData(processed), then squashData(squashed, count = 2, bin_size = 10, keep_pts = 50)
BINS = {1: Bins(size=50, unsquashed=100), 2: Bins(size=10, unsquashed=50)}


@pytest.fixture(scope="module")
def pairs(data_folder: Path) -> Pairs:
    """Products by symptoms."""
    lines = pl.read_parquet(data_folder / "faults_caers" / "caers.parquet")
    return count_reports(lines["id"].to_numpy(), lines["var1"].to_numpy(), column=lines["var2"].to_numpy())


def _place(pairs: Pairs) -> int:
    places = np.flatnonzero((pairs.row == "REUMOFAN PLUS") & (pairs.column == "WEIGHT INCREASED"))
    assert len(places) == 1
    return int(places[0])


def _bisected(prior: Prior, count: int, expected: float, probability: float) -> float:
    """The quantile as openEBGM's `quantBisect` finds it: bisection down to half of the last digit it prints."""
    after = posterior(prior, np.array([float(count)]), np.array([expected]))
    left, right = (1.0, 100_000.0)
    while True:
        middle = (left + right) / 2
        error = float((after.weight[:, 0] * gammainc(after.shape[:, 0], after.rate[:, 0] * middle)).sum()) - probability
        if (right - left) / 2 < 0.005:
            return round(middle, 2)
        left, right = (middle, right) if error < 0 else (left, middle)


def test_pairs_are_counted_by_report(pairs: Pairs) -> None:
    place = _place(pairs)
    assert (len(pairs.count), pairs.total) == (17_189, 3_356)
    assert pairs.count[place] == 16
    assert round(float(pairs.expected[place]), 4) == 0.4064


def test_prior_is_the_published_one_to_four_digits(pairs: Pairs) -> None:
    points = squash(pairs.count, pairs.expected, bins=BINS)
    fit = fit_mixture(points.count, points.expected, weight=points.weight, zero_truncated=True)
    assert fit.prior.theta == pytest.approx(THETA, rel=5e-5)
    assert fit.at_limit == ()


def test_squashing_hardly_moves_the_prior(pairs: Pairs) -> None:
    every = fit_mixture(pairs.count, pairs.expected, zero_truncated=True)
    points = squash(pairs.count, pairs.expected)
    squashed = fit_mixture(points.count, points.expected, weight=points.weight, zero_truncated=True)
    assert len(points.count) < len(pairs.count) / 10
    assert squashed.prior.theta == pytest.approx(every.prior.theta, rel=0.005)


def test_scores_are_the_published_ones(pairs: Pairs) -> None:
    """EB05 is 15.686; openEBGM prints 15.68, because it stops bisecting within 0.005: so does the same bisection."""
    points = squash(pairs.count, pairs.expected, bins=BINS)
    prior = fit_mixture(points.count, points.expected, weight=points.weight, zero_truncated=True).prior
    signals, place = scores(prior, pairs.count, pairs.expected), _place(pairs)
    assert round(float(signals.ebgm[place]), 2) == 23.26
    assert round(float(signals.upper[place]), 2) == 33.48
    assert float(signals.lower[place]) == pytest.approx(15.68, abs=0.01)
    assert _bisected(prior, 16, float(pairs.expected[place]), 0.05) == 15.68
    assert _bisected(prior, 16, float(pairs.expected[place]), 0.95) == 33.48
    assert int((signals.lower >= 2).sum()) == 131


def test_published_prior_gives_the_same_signals(pairs: Pairs) -> None:
    assert int((scores(two_gammas(*THETA), pairs.count, pairs.expected).lower >= 2).sum()) == 131


def test_strata_keep_the_pairs_and_change_what_is_expected(data_folder: Path, pairs: Pairs) -> None:
    lines = pl.read_parquet(data_folder / "faults_caers" / "caers.parquet")
    strata = lines["strat1"].fill_null("unknown").to_numpy()
    stratified = count_reports(
        lines["id"].to_numpy(), lines["var1"].to_numpy(), column=lines["var2"].to_numpy(), stratum=strata
    )
    assert np.array_equal(stratified.count, pairs.count)
    assert not np.allclose(stratified.expected, pairs.expected)
    assert (stratified.expected > 0).all()


def test_the_command_ranks_the_published_signal_first(data_folder: Path) -> None:
    """Its bins are openEBGM's automatic ones, not those of the published fit: the last digit may differ."""
    columns = PairColumns("var1", "var2", report="id")
    result = signals(data_folder / "faults_caers" / "caers.parquet", columns=columns)
    first = result.table.row(0, named=True)
    assert (first["var1"], first["var2"], first["count"]) == ("REUMOFAN PLUS", "WEIGHT INCREASED", 16)
    published = {"expected": 0.4064, "ebgm": 23.26, "eb05": 15.68, "eb95": 33.48}
    assert {name: first[name] for name in published} == pytest.approx(published, rel=1e-3)
    assert (result.total, result.table.height, int((result.table["eb05"] >= 2).sum())) == (3_356, 17_189, 131)

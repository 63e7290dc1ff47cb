"""Shrinkage: numbers by hand or by numerical integration, invariants, recovery of a known prior, refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import gamma, nbinom, poisson

from ml.domain.faults.shrinkage.cells import ShrinkageError
from ml.domain.faults.shrinkage.contingency import count_pairs, count_reports
from ml.domain.faults.shrinkage.disproportionality import proportional_reporting_ratio, reporting_odds_ratio
from ml.domain.faults.shrinkage.fitting import fit_mixture
from ml.domain.faults.shrinkage.likelihood import Likelihood
from ml.domain.faults.shrinkage.priors import Posterior, Prior, one_gamma, posterior, two_gammas
from ml.domain.faults.shrinkage.scores import scores
from ml.domain.faults.shrinkage.squashing import Bins, automatic_bins, squash

PRIOR = two_gammas(3.25, 0.4, 2.03, 1.91, 0.065)
positive = st.floats(0.05, 20.0)
priors = st.builds(two_gammas, positive, positive, positive, positive, st.floats(0.01, 0.99))


def after(prior: Prior, count: npt.ArrayLike, expected: npt.ArrayLike) -> Posterior:
    return posterior(prior, np.asarray(count, dtype=float), np.asarray(expected, dtype=float))


# One gamma: everything has a closed form.


def test_posterior_mean_of_one_gamma_is_a_weighted_mean_of_prior_and_cell() -> None:
    """(2 + 4) / (2 + 1) = 2, and (2 + 0) / (2 + 1)."""
    assert after(one_gamma(2, 2), [4, 0], [1.0, 1.0]).mean() == pytest.approx([2.0, 2 / 3])


@pytest.mark.parametrize("probability", [0.001, 0.05, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("alpha", [0.01, 0.3, 2.0, 300.0, 1e5])
def test_quantiles_of_one_gamma_are_scipys(alpha: float, probability: float) -> None:
    count, expected = np.array([0, 1, 7, 400]), np.array([1e-6, 0.4, 3.0, 350.0])
    quantile = after(one_gamma(alpha, 1.5), count, expected).quantile(probability)
    assert quantile == pytest.approx(gamma.ppf(probability, alpha + count, scale=1 / (1.5 + expected)), rel=1e-10)


def test_large_exposure_gives_the_ratio_and_small_exposure_the_prior() -> None:
    mean = after(PRIOR, [3_000_000, 0], [1e6, 1e-9]).mean()
    assert mean == pytest.approx([3.0, PRIOR.mean], rel=1e-4)


# The mixture, against brute force on its definition.


def _density(prior: Prior, count: int, expected: float) -> Callable[[float], float]:
    """Prior times likelihood, unnormalised."""

    def at(ratio: float) -> float:
        parts = zip(prior.alpha, prior.beta, prior.share, strict=True)
        return float(
            sum(p * gamma.pdf(ratio, a, scale=1 / b) for a, b, p in parts) * poisson.pmf(count, ratio * expected)
        )

    return at


@pytest.mark.parametrize(("count", "expected"), [(0, 0.3), (1, 0.05), (3, 2.5), (16, 0.41), (40, 38.0)])
def test_scores_are_those_of_the_integrated_posterior(count: int, expected: float) -> None:
    density, result = _density(PRIOR, count, expected), scores(PRIOR, [count], [expected])
    lower, ebgm, upper = (float(x[0]) for x in (result.lower, result.ebgm, result.upper))
    far = float(after(PRIOR, [count], [expected]).quantile(1 - 1e-12)[0])

    def integral(f: Callable[[float], float], low: float, high: float) -> float:
        return float(quad(f, low, high, epsabs=0, epsrel=1e-10, limit=500, points=[min(ebgm, high)])[0])

    whole = integral(density, 0, far)
    assert integral(lambda x: density(x) * np.log(x), 1e-300, far) / whole == pytest.approx(np.log(ebgm), abs=1e-7)
    assert integral(density, 0, lower) / whole == pytest.approx(0.05, abs=1e-8)
    assert integral(density, 0, upper) / whole == pytest.approx(0.95, abs=1e-8)
    mean, above = after(PRIOR, [count], [expected]).mean(), after(PRIOR, [count], [expected]).probability_above(ebgm)
    assert integral(lambda x: density(x) * x, 0, far) / whole == pytest.approx(float(mean[0]), rel=1e-7)
    assert integral(density, ebgm, far) / whole == pytest.approx(float(above[0]), abs=1e-8)


@settings(max_examples=150, deadline=None)
@given(prior=priors, count=st.integers(0, 500), expected=st.floats(1e-4, 1e3), probability=st.floats(0.001, 0.999))
def test_a_quantile_has_its_probability_below_it(prior: Prior, count: int, expected: float, probability: float) -> None:
    ratio = float(after(prior, [count], [expected]).quantile(probability)[0])
    if ratio > 0:
        assert float(after(prior, [count], [expected]).probability_above(ratio)[0]) == pytest.approx(
            1 - probability, abs=1e-9
        )


@settings(max_examples=100, deadline=None)
@given(prior=priors, expected=st.floats(1e-3, 1e3))
def test_limits_are_in_order_and_everything_grows_with_the_count(prior: Prior, expected: float) -> None:
    result = scores(prior, np.arange(60), expected)
    # EBGM is not compared: it comes from a mean, which may lie outside the quantiles of a bimodal posterior.
    assert (result.lower <= result.upper).all()
    for column in (result.lower, result.ebgm, result.upper):
        assert (np.diff(column) > 0).all()


@settings(max_examples=100, deadline=None)
@given(prior=st.builds(one_gamma, positive, positive), expected=st.floats(1e-3, 1e3))
def test_the_geometric_mean_of_one_gamma_lies_between_the_limits(prior: Prior, expected: float) -> None:
    """The logarithm has a log-concave density, so that its mean lies between the quantiles 1 / e and 1 - 1 / e."""
    result = scores(prior, np.arange(60), expected)
    assert (result.lower < result.ebgm).all() and (result.ebgm < result.upper).all()


def test_the_interval_holds_a_geometric_mean_outside_the_central_part_of_two_humps() -> None:
    prior = two_gammas(0.05, 3.0, 9.0, 9.0, 0.0117)
    result = scores(prior, [0], [1.5])
    quantile = posterior(prior, np.array([0.0]), np.array([1.5])).quantile(0.05)
    assert result.lower[0] == result.ebgm[0] < quantile[0] < result.upper[0]


@given(positive, positive, positive, positive, st.floats(1e-4, 1 - 1e-4), st.integers(0, 500), st.floats(1e-3, 1e3))
def test_every_interval_holds_its_value(
    alpha1: float, beta1: float, alpha2: float, beta2: float, share: float, count: int, expected: float
) -> None:
    prior = two_gammas(alpha1, beta1, alpha2, beta2, share)
    result, after = scores(prior, [count], [expected]), posterior(prior, np.array([float(count)]), np.array([expected]))
    assert result.lower[0] <= result.ebgm[0] <= result.upper[0]
    assert after.probability_above(float(result.lower[0]))[0] > 0.95 - 1e-6
    assert after.probability_above(float(result.upper[0]))[0] < 0.05 + 1e-6


@settings(max_examples=100, deadline=None)
@given(prior=priors)
def test_without_exposure_a_cell_has_the_prior(prior: Prior) -> None:
    tiny = after(prior, [0], [1e-12]).quantile(0.9)[0]
    assert float(after(prior, [0], [1e-12]).probability_above(float(tiny))[0]) == pytest.approx(0.1, abs=1e-9)
    parts = zip(prior.alpha, prior.beta, prior.share, strict=True)
    assert sum(p * gamma.sf(tiny, a, scale=1 / b) for a, b, p in parts) == pytest.approx(0.1, abs=1e-6)


def test_chunks_and_shape_change_nothing() -> None:
    rng = np.random.default_rng(0)
    count, expected = rng.poisson(2.0, (7, 11)), rng.gamma(1.0, 1.0, (7, 11)) + 0.01
    one, other = scores(PRIOR, count, expected), scores(PRIOR, count.ravel(), expected.ravel(), at_once=5)
    for name in ("ebgm", "lower", "upper"):
        assert getattr(one, name).shape == (7, 11)
        assert np.array_equal(getattr(one, name).ravel(), getattr(other, name))


# Fitting.


@pytest.mark.parametrize("zero_truncated", [False, True])
def test_likelihood_is_that_of_negative_binomials(zero_truncated: bool) -> None:
    rng = np.random.default_rng(3)
    count, expected, weight = (
        rng.integers(1, 6, 40).astype(float),
        rng.gamma(1.0, 1.0, 40),
        rng.integers(1, 4, 40) * 1.0,
    )
    free = np.array([np.log(3.25 / 0.4), np.log(3.25), np.log(2.03 / 1.91), np.log(2.03), np.log(0.065 / 0.935)])
    likelihood = Likelihood(count, expected, weight, zero_truncated=zero_truncated)
    density = np.zeros(40)
    for a, b, p in zip(PRIOR.alpha, PRIOR.beta, PRIOR.share, strict=True):
        part = nbinom.pmf(count, a, b / (b + expected))
        density += p * (part / nbinom.sf(0, a, b / (b + expected)) if zero_truncated else part)
    value, gradient = likelihood(free)
    assert value == pytest.approx(weight @ np.log(density) / weight.sum(), rel=1e-10)
    assert gradient == pytest.approx(approx_fprime(free, lambda x: likelihood(x)[0], 1e-7), abs=1e-5)


def _simulated(prior: Prior, n_cells: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    component = rng.choice(len(prior.share), n_cells, p=prior.share)
    ratio = rng.gamma(np.array(prior.alpha)[component], 1 / np.array(prior.beta)[component])
    expected = rng.gamma(2.0, 4.0, n_cells) + 0.05
    return rng.poisson(ratio * expected), expected


def test_mixture_is_recovered_without_the_empty_cells() -> None:
    """Of components that leave few cells empty, so that the share of listed cells is that of all cells."""
    count, expected = _simulated(two_gammas(12.0, 3.0, 15.0, 16.0, 0.1), 40_000, 1)
    listed = (count > 0) & (expected > 3)
    fit = fit_mixture(count[listed], expected[listed], zero_truncated=True)
    means = [a / b for a, b in zip(fit.prior.alpha, fit.prior.beta, strict=True)]
    assert means == pytest.approx([4.0, 15 / 16], rel=0.03)


def test_mixture_is_recovered_from_squashed_cells() -> None:
    truth = two_gammas(12.0, 3.0, 15.0, 16.0, 0.1)
    count, expected = _simulated(truth, 60_000, 2)
    points = squash(count, expected)
    fit = fit_mixture(points.count, points.expected, weight=points.weight)
    assert len(points.count) < 20_000
    assert fit.prior.share[0] == pytest.approx(0.1, abs=0.01)
    means = [a / b for a, b in zip(fit.prior.alpha, fit.prior.beta, strict=True)]
    assert means == pytest.approx([4.0, 15 / 16], rel=0.03)
    assert fit.prior.alpha == pytest.approx((12.0, 15.0), rel=0.15)


def test_credible_intervals_have_their_nominal_coverage() -> None:
    rng = np.random.default_rng(4)
    expected = rng.gamma(2.0, 2.0, 30_000) + 0.05
    first = rng.random(30_000) < 0.2
    ratio = np.where(first, rng.gamma(8.0, 0.5, 30_000), rng.gamma(6.0, 1 / 6, 30_000))
    count = rng.poisson(ratio * expected)
    result = scores(fit_mixture(count, expected).prior, count, expected)
    assert ((ratio < result.lower).mean(), (ratio > result.upper).mean()) == pytest.approx((0.05, 0.05), abs=0.006)


def test_unit_of_exposure_only_scales_the_prior() -> None:
    """A thousandth of the exposure: ratios, and so beta's inverse, a thousand times as large."""
    count, expected = _simulated(PRIOR, 5_000, 5)
    one, other = fit_mixture(count, expected), fit_mixture(count, expected / 1_000)
    assert other.prior.alpha == pytest.approx(one.prior.alpha, rel=1e-3)
    assert np.array(other.prior.beta) * 1_000 == pytest.approx(np.array(one.prior.beta), rel=1e-3)


def test_ratios_that_do_not_differ_leave_the_prior_at_a_limit() -> None:
    count = np.array([9, 10, 11, 10, 9, 11])
    fit = fit_mixture(count, np.full(6, 10.0))
    assert fit.at_limit != ()
    assert scores(fit.prior, count, 10.0).ebgm == pytest.approx(np.ones(6), abs=1e-3)


# Squashing.


def test_squashing_keeps_cells_and_expected_counts() -> None:
    rng = np.random.default_rng(6)
    count, expected = rng.poisson(1.0, 5_000), rng.gamma(1.0, 1.0, 5_000) + 0.01
    points = squash(count, expected)
    for value in np.unique(count):
        mine, theirs = points.count == value, count == value
        assert points.weight[mine].sum() == theirs.sum()
        assert points.weight[mine] @ points.expected[mine] == pytest.approx(expected[theirs].sum())


def test_largest_expected_counts_stay_and_the_last_bin_may_be_short() -> None:
    points = squash([2, 2, 2, 2], [4.0, 1.0, 2.0, 9.0], bins={2: Bins(size=2, unsquashed=1)})
    assert points.expected.tolist() == [1.5, 4.0, 9.0]
    assert points.weight.tolist() == [2.0, 1.0, 1.0]


def test_bins_grow_with_the_cells() -> None:
    """(600 - 100) / 75 cells a bin at the smallest count, (125 - 75) / 50, at least 2, at the next."""
    assert automatic_bins([0] * 600 + [1] * 125 + [2] * 101) == {0: Bins(6, 100), 1: Bins(2, 75)}


# Expected counts.

LINES: dict[str, list[str]] = {"row": ["A", "A", "B", "B", "B"], "column": ["x", "y", "x", "y", "z"]}


def test_expected_counts_have_the_margins_of_the_table() -> None:
    pairs = count_pairs(LINES["row"], LINES["column"], count=[3, 1, 2, 5, 4])
    assert pairs.expected[:2].sum() + 4 * 4 / 15 == pytest.approx(4), "A has no z, of which a share is expected too"
    assert pairs.expected[[0, 2]].sum() == pytest.approx(5) and pairs.expected[[1, 3]].sum() == pytest.approx(6)
    assert (pairs.row_total.tolist(), pairs.column_total.tolist()) == ([4, 4, 11, 11, 11], [5, 6, 5, 6, 4])


def test_lines_of_one_pair_add_up_and_pairs_without_an_event_are_left_out() -> None:
    once = count_pairs(["A", "A", "B"], ["x", "y", "x"], count=[3, 1, 2])
    lines = count_pairs(["B", "A", "A", "B", "A"], ["x", "x", "y", "y", "x"], count=[2, 1, 1, 0, 2])
    for name in ("row", "column", "count", "expected", "row_total", "column_total", "total"):
        assert np.array_equal(getattr(once, name), getattr(lines, name)), name


def test_strata_remove_a_spurious_association() -> None:
    """Within each stratum rows and columns are independent; the pooled table does not show it."""
    lines = [("A", "x", 8, 1), ("A", "x", 1, 2), ("A", "y", 2, 1), ("A", "y", 4, 2),
             ("B", "x", 4, 1), ("B", "x", 5, 2), ("B", "y", 1, 1), ("B", "y", 20, 2)]  # fmt: skip
    row, column, count, stratum = (list(values) for values in zip(*lines, strict=True))
    pairs = count_pairs(row, column, count=count, stratum=stratum)
    assert pairs.expected == pytest.approx(pairs.count)
    assert count_pairs(row, column, count=count).expected[0] == pytest.approx(15 * 18 / 45)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from("xyz"), st.sampled_from("st")), min_size=1, max_size=30)
)
def test_a_report_for_each_line_is_a_count_of_one(lines: list[tuple[str, str, str]]) -> None:
    row, column, stratum = (list(values) for values in zip(*lines, strict=True))
    if len(set(row)) < 2 or len(set(column)) < 2:
        return
    one = count_reports(range(len(lines)), row, column=column, stratum=stratum)
    other = count_pairs(row, column, count=np.ones(len(lines), dtype=int), stratum=stratum)
    for name in ("row", "column", "count", "row_total", "column_total", "total"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.expected == pytest.approx(other.expected)


def test_a_report_counts_once_in_pairs_and_totals() -> None:
    """Report 1 names A twice with x, and y: one report in each total."""
    pairs = count_reports([1, 1, 1, 2], ["A", "A", "A", "B"], column=["x", "x", "y", "x"])
    assert pairs.count.tolist() == [1, 1, 1]
    assert (pairs.row_total.tolist(), pairs.column_total.tolist(), pairs.total) == ([1, 1, 1], [2, 1, 2], 2)
    assert pairs.expected.tolist() == [1.0, 0.5, 1.0]


def test_pairs_by_stratum_are_summed() -> None:
    """Stratum s: 2 reports, A in 1, x in 2; stratum t: 1 report with B and y."""
    pairs = count_reports([1, 2, 3], ["A", "B", "B"], column=["x", "x", "y"], stratum=["s", "s", "t"])
    assert list(zip(pairs.row, pairs.column, pairs.expected, strict=True)) == [
        ("A", "x", 1.0),
        ("B", "x", 1.0),
        ("B", "y", 1.0),
    ]


# PRR and ROR.


def test_ratios_of_proportions_and_odds() -> None:
    """a = 10, b = 40, c = 20, d = 930."""
    prr = proportional_reporting_ratio([10], [50], column_total=[30], total=1_000)
    ror = reporting_odds_ratio([10], [50], column_total=[30], total=1_000)
    assert float(prr.value[0]) == pytest.approx((10 / 50) / (20 / 950))
    assert float(ror.value[0]) == pytest.approx(10 * 930 / (40 * 20))
    reach = 1.959964 * np.sqrt(1 / 10 - 1 / 50 + 1 / 20 - 1 / 950)
    assert np.log(prr.upper / prr.value)[0] == pytest.approx(reach, rel=1e-6)
    assert np.log(ror.value / ror.lower)[0] == pytest.approx(
        1.959964 * np.sqrt(1 / 10 + 1 / 40 + 1 / 20 + 1 / 930), rel=1e-6
    )


@pytest.mark.parametrize("ratio", [proportional_reporting_ratio, reporting_odds_ratio])
def test_empty_parts_of_the_table_leave_the_interval_open(ratio: Callable[..., object]) -> None:
    interval = ratio([0, 5], [50, 50], column_total=[30, 5], total=1_000)
    assert interval.value.tolist() == [0.0, np.inf]  # type: ignore[attr-defined]
    assert interval.lower.tolist() == [0.0, 0.0] and interval.upper.tolist() == [np.inf, np.inf]  # type: ignore[attr-defined]


# Refusals.


@pytest.mark.parametrize(
    ("count", "expected", "message"),
    [
        ([1, -1], [1.0, 1.0], r"count must be a whole number of at least 0, got -1 in cell 1 \(1 of 2 cells\)"),
        ([1.0, np.nan], [1.0, 1.0], r"count must be .*got nan in cell 1"),
        ([1.0, 0.5], [1.0, 1.0], r"count must be .*got 0\.5 in cell 1"),
        (
            [1, 1],
            [1.0, 0.0],
            r"expected must be a finite number above 0, got 0\.0 in cell 1.*drop cells without exposure",
        ),
        ([1, 1], [-2.0, 1.0], r"expected must be .*got -2\.0 in cell 0"),
        ([1, 1], [1.0, np.nan], r"expected must be .*got nan in cell 1"),
        ([1, 1], [1.0, np.inf], r"expected must be .*got inf"),
        ([1, 1], [1.0, 1.0, 1.0], r"count and expected must have one shape, got \(2,\) and \(3,\)"),
        ([], [], "count must have at least one cell, got none"),
        (["a"], [1.0], "count must be numbers"),
    ],
)
def test_bad_cells_are_refused(count: list[float], expected: list[float], message: str) -> None:
    for refusing in (fit_mixture, squash, lambda n, e: scores(PRIOR, n, e)):
        with pytest.raises(ShrinkageError, match=message):
            refusing(count, expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_mixture([3, 1, 2, 0], np.ones(4)), "as many cells as the prior has parameters, got 4 for 5"),
        (lambda: fit_mixture(np.zeros(9), np.ones(9)), "at least one event, got zeros only"),
        (lambda: fit_mixture([1, 1, 1, 1, 0], np.ones(5), zero_truncated=True), "at least 1 where zero_truncated"),
        (lambda: fit_mixture([1, 2], np.ones(2), weight=[1.0]), "weight must have one entry per cell, got 1 for 2"),
        (lambda: fit_mixture([1, 2], np.ones(2), weight=[1.0, 0.0]), r"weight must be .*got 0\.0 in cell 1"),
        (lambda: squash([1, 1], np.ones(2), bins={3: Bins(2, 0)}), "bins must name counts that occur, got 3"),
        (lambda: squash([1, 1], np.ones(2), bins={1: Bins(2, 1)}), "for 2 cells of count 1"),
        (lambda: Bins(1, 0), "size must be at least 2"),
        (lambda: count_pairs(["A", "B"], ["x", "y"], count=[1, -2]), "count must be a whole number of at least 0"),
        (lambda: count_pairs(["A", "B"], ["x", "y"], count=[0, 0]), "two rows must have events, got no event"),
        (lambda: count_pairs(["A", "B"], ["x", "y"], count=[1]), "row, column, count, stratum must have equal lengths"),
        (lambda: count_pairs(["A", "B"], ["x", "x"], count=[1, 1]), "two columns must have events, got only x"),
        (lambda: count_reports([1, 2], ["A", "A"], column=["x", "y"]), "two rows must have events, got only A"),
        (lambda: count_reports([1, 2], ["A"], column=["x", "x"]), "one entry per line"),
        (lambda: count_reports([], [], column=[]), "one entry per line"),
        (lambda: one_gamma(0.0, 1.0), "finite numbers above 0"),
        (lambda: Prior((1.0, 1.0), (1.0, 1.0), (0.5, 0.6)), "share must sum to 1"),
        (lambda: two_gammas(1, 1, 1, 1, 1.0), r"share1 must be between 0 and 1, got 1\.0"),
        (lambda: scores(PRIOR, [1], [1.0], lower=0.9, upper=0.1), "lower must be below upper, got 0.9 and 0.1"),
        (lambda: scores(PRIOR, [1], [1.0], at_once=0), "at_once must be at least 1"),
        (
            lambda: reporting_odds_ratio([1], [5], column_total=[9], total=20, level=95),
            "level must be between 0 and 1, got 95",
        ),
        (lambda: reporting_odds_ratio([6], [5], column_total=[9], total=20), "count must be at most row_total, got 6"),
        (lambda: reporting_odds_ratio([0], [0], column_total=[9], total=20), "row_total must be at least 1"),
        (lambda: reporting_odds_ratio([1], [15], column_total=[9], total=20), "must be at most total, got 23"),
        (lambda: reporting_odds_ratio([1, 2], [15, 3, 4], column_total=[9], total=20), "one shape, got count"),
    ],
)
def test_bad_calls_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ShrinkageError, match=message):
        call()

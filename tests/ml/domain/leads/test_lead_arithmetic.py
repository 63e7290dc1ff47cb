"""Shrinkage, the decay of late calls, the order of calls and the table of channels, on data with a known result."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.domain.leads.call_queue import call_order
from ml.domain.leads.channels import channel_table
from ml.domain.leads.response_decay import ResponseDecay, fit_response_decay
from ml.domain.statistics.empirical_bayes import prior_strength, shrunken_means, shrunken_rates


def test_prior_strength_is_recovered_from_groups_drawn_from_a_beta() -> None:
    rng = np.random.default_rng(0)
    rates, trials = rng.beta(6, 24, 3_000), np.full(3_000, 80)
    assert prior_strength(rng.binomial(trials, rates), trials) == pytest.approx(30, rel=0.15)


def test_groups_that_do_not_differ_share_one_rate() -> None:
    rng = np.random.default_rng(0)
    trials = np.full(500, 100)
    rates = shrunken_rates(rng.binomial(trials, 0.2), trials)
    assert rates.std() < 0.01


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=20))
def test_a_shrunken_rate_lies_between_its_own_and_the_overall(groups: list[tuple[int, int]]) -> None:
    k, n = np.array([a for a, _ in groups]), np.array([a + b for a, b in groups])
    if n.sum() == 0:
        with pytest.raises(ValueError, match="at least one trial"):
            shrunken_rates(k, n)
        return
    own, overall = np.divide(k, n, out=np.full(len(n), k.sum() / n.sum()), where=n > 0), k.sum() / n.sum()
    rates = shrunken_rates(k, n)
    assert (rates >= np.minimum(own, overall) - 1e-9).all()
    assert (rates <= np.maximum(own, overall) + 1e-9).all()


def test_means_shrink_by_the_ratio_of_variances() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(100, 10, 400)
    values = rng.normal(truth[:, None], 30, (400, 9))  # within 900, of a mean 100: half of each difference remains
    mean, deviation, overall = shrunken_means(values.sum(1), (values**2).sum(1), np.full(400, 9))
    slope = np.polyfit(values.mean(1) - overall, mean - overall, 1)[0]
    assert slope == pytest.approx(0.5, abs=0.06)
    assert deviation.mean() == pytest.approx(np.sqrt(50), rel=0.15)
    assert np.abs(mean - truth).mean() < np.abs(values.mean(1) - truth).mean()


def _calls(n: int, decay: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    chance, hours = rng.uniform(0.1, 0.7, n), rng.lognormal(1.5, 1.3, n)
    hours[rng.random(n) < 0.05] = np.inf
    sold = rng.random(n) < chance * (0.4 + 0.6 * np.exp(-decay * hours))
    return chance, hours, sold.astype(float), np.repeat("web", n)


def test_a_decay_is_recovered_with_an_interval_that_holds_it() -> None:
    chance, hours, sold, group = _calls(30_000, decay=0.1)
    curve = fit_response_decay(chance, hours, sold, group)
    assert isinstance(curve, ResponseDecay)
    assert curve.decay[0] == pytest.approx(0.1, rel=0.25)
    assert curve.floor == pytest.approx(0.4, abs=0.06)
    value, low, high = curve.remaining_after_day["web"]
    assert low < 0.4 + 0.6 * np.exp(-2.4) < high
    assert low < value < high
    again = ResponseDecay.from_dict(curve.as_dict())
    assert again == curve
    assert curve.factor("web", [0.0])[0] == pytest.approx(curve.scale)
    assert curve.mean_factor("web", 5.0) < curve.mean_factor("web", 0.0)


def test_no_decay_and_too_few_calls_return_the_reason() -> None:
    flat = fit_response_decay(*_calls(5_000, decay=0.0))
    assert isinstance(flat, str)
    assert "no significant decay" in flat
    few = fit_response_decay(*_calls(100, decay=0.5))
    assert isinstance(few, str)
    assert "are needed" in few


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 10_000))
@settings(max_examples=60)
def test_no_order_of_calls_is_worth_more(leads: int, slots: int, seed: int) -> None:
    gain = np.random.default_rng(seed).normal(1, 2, (leads, slots))
    order = call_order(gain)
    assert len(order) == min(leads, slots)
    if leads <= slots:
        return  # a lead may take any slot then; the queue never offers more slots than leads
    total = sum(gain[i, k] for k, i in enumerate(order))
    best = max(sum(gain[i, k] for k, i in enumerate(p)) for p in itertools.permutations(range(leads), slots))
    assert total == pytest.approx(best)


def test_bad_gains_are_refused() -> None:
    with pytest.raises(ValueError, match="finite matrix"):
        call_order([[np.nan]])


def test_a_small_channel_shrinks_and_costs_are_per_sale() -> None:
    channel = ["big"] * 1_000 + ["mid"] * 1_000 + ["tiny"] * 4
    sold = [1] * 200 + [0] * 800 + [1] * 100 + [0] * 900 + [1] * 4
    cost = [50.0] * 1_000 + [10.0] * 1_000 + [np.nan] * 4
    margin = np.where(np.array(sold) == 1, 8_000.0, np.nan)
    table = {c.channel: c for c in channel_table(channel, sold, cost=cost, margin=margin)}
    assert table["tiny"].conversion_rate.value < 0.7  # four of four
    assert table["tiny"].conversion_rate.high - table["tiny"].conversion_rate.low > 0.2
    assert table["tiny"].cost_per_lead is not None  # what all channels cost: nothing is known of its own
    assert table["big"].cost_per_lead.value == 50
    assert table["big"].cost_per_sale.value == pytest.approx(250, rel=0.03)
    assert table["big"].cost_per_sale.low < 250 < table["big"].cost_per_sale.high
    assert table["big"].net_margin_per_lead.value == pytest.approx(1_550, rel=0.03)
    assert channel_table(["a", "b"], [0, 0])[0].cost_per_sale is None
    with pytest.raises(ValueError, match="same length"):
        channel_table([], [])


def test_a_cost_that_is_never_negative_has_an_interval_from_zero() -> None:
    rng = np.random.default_rng(0)
    channel = np.repeat(["free", "paid"], 50)
    cost = np.concatenate([np.zeros(50), rng.uniform(0, 400, 50)])
    free = channel_table(channel, np.tile([0.0, 1.0], 50), cost=cost, margin=None)[0]
    assert free.channel == "free" and free.cost_per_lead is not None and free.cost_per_sale is not None
    assert free.cost_per_lead.low == 0 < free.cost_per_lead.high and free.cost_per_sale.low == 0

"""Simulated journeys: start, decision and preferred models."""

from __future__ import annotations

import numpy as np
import pytest

from features.tables import BODY_TYPES
from tests.training.simulator.small_group import (
    CATALOGUE,
    CURRENT,
    END,
    MARKET,
    START,
    STORES,
    WINDOW,
    make_people,
)
from training.simulator.draws import concatenate, take
from training.simulator.journeys import LONGEST, REPEAT_GAP, Journeys, build_journeys
from training.simulator.seasons import HOUR, TAIL_DAYS, local_hour


@pytest.fixture(scope="module")
def journeys() -> Journeys:
    """Journeys of 400 new people; those of the second store prefer MPVs."""
    store = np.arange(400) % 2
    body = np.zeros((400, len(BODY_TYPES)))
    body[:, BODY_TYPES.index("mpv")] = 60.0 * store
    people = make_people(400, store=store, body=body, used_aversion=1.4)
    return build_journeys(
        np.random.default_rng(0), people, catalogue=CATALOGUE, stores=STORES, market=MARKET, window=WINDOW
    )


def test_every_new_person_has_a_journey(journeys: Journeys) -> None:
    assert set(journeys.person) == set(range(400))
    ordered = np.lexsort((journeys.decided_at, journeys.person))
    same = journeys.person[ordered][1:] == journeys.person[ordered][:-1]
    assert (np.diff(journeys.decided_at[ordered])[same] >= REPEAT_GAP).all()


def test_journeys_start_within_the_window_and_hours_before_the_decision(journeys: Journeys) -> None:
    assert (np.diff(journeys.begun_at) >= 0).all()
    assert journeys.begun_at.min() >= START and journeys.begun_at.max() < END
    length = journeys.decided_at - journeys.begun_at
    assert length.min() >= 2 * HOUR
    inside = journeys.decided_at < END
    assert length[inside].min() >= 6 * HOUR and length[inside].max() <= LONGEST
    assert journeys.decided_at.max() < END + TAIL_DAYS * 24 * HOUR
    hour = local_hour(journeys.decided_at)
    assert hour.min() >= 10.5 and hour.max() < 20


def test_the_first_choice_has_the_highest_utility_in_the_store(journeys: Journeys) -> None:
    new = ~journeys.used
    assert 0 < journeys.used.sum() < 200
    assert (journeys.first[new] < CURRENT).all() and (journeys.first[~new] >= CURRENT).all()
    assert (journeys.first != journeys.second).all()
    brands = CATALOGUE.brand[journeys.first]
    assert set(brands[new & (journeys.store == 0)]) <= {0, 1, 2}
    assert set(CATALOGUE.body[journeys.first[new & (journeys.store == 1)]]) == {BODY_TYPES.index("mpv")}


def test_choice_probabilities_sum_to_one_for_new_and_zero_for_used(journeys: Journeys) -> None:
    assert journeys.share.shape == (len(journeys), CURRENT)
    assert np.allclose(journeys.share.sum(axis=1), np.where(journeys.used, 0.0, 1.0), atol=1e-5)
    assert journeys.inclusive[~journeys.used].mean() == pytest.approx(0.0, abs=1e-9)
    assert journeys.inclusive[~journeys.used].std() == pytest.approx(1.0, abs=1e-6)


def test_take_and_concatenate(journeys: Journeys) -> None:
    part = take(journeys, np.array([2, 0]))
    assert len(part) == 2
    assert part.person.tolist() == journeys.person[[2, 0]].tolist()
    assert concatenate([part, part]).person.tolist() == journeys.person[[2, 0, 2, 0]].tolist()

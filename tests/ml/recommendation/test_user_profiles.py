"""User profiles as of the cut-off, found by hash."""

from __future__ import annotations

import numpy as np
import pytest

from features.aggregations import DAY
from ml.recommendation.user_profiles import FILE, UserProfiles, key_of
from tests.ml.recommendation.showroom import PARAMS, training_tables

CUTOFF = 15 * DAY
VIEW = PARAMS.grades["view"]


@pytest.fixture(scope="module")
def profiles() -> UserProfiles:
    tables = training_tables()
    return UserProfiles.from_tables(tables, tables.vocabularies(100 * DAY), PARAMS, cutoff=CUTOFF)


def test_profiles_hold_people_before_the_cutoff_only(profiles: UserProfiles) -> None:
    assert profiles.row("K") == 0 and len(profiles.keys) == 1
    assert profiles.row("L") is None, "chose something only on day 40"
    assert profiles.row("M") is None, "became a customer on day 30"
    tables = training_tables()
    later = UserProfiles.from_tables(tables, tables.vocabularies(100 * DAY), PARAMS, cutoff=41 * DAY)
    assert {name for name in "KLMZ" if later.row(name) is not None} == {"K", "L", "M"}
    assert later.keys.tolist() == sorted(key_of(name) for name in "KLM")


def test_history_decays_after_the_cutoff(profiles: UserProfiles) -> None:
    item, weight, since = profiles.history_of(0, now=CUTOFF, half_life_days=1.0)
    assert item.tolist() == [0, 1, 2]  # new A five days ago, new B yesterday, used A four days ago
    np.testing.assert_allclose(weight, [VIEW / 32, VIEW / 2, VIEW / 16])
    np.testing.assert_allclose(since, [5.0, 1.0, 4.0])
    _, later, days = profiles.history_of(0, now=CUTOFF + 2 * DAY, half_life_days=1.0)
    np.testing.assert_allclose(later, weight / 4)
    np.testing.assert_allclose(days, since + 2)
    _, before, _ = profiles.history_of(0, now=CUTOFF - DAY, half_life_days=1.0)
    np.testing.assert_allclose(before, weight)


def test_stated_preferences_are_stored(profiles: UserProfiles) -> None:
    assert profiles.budget[0, 1] == pytest.approx(np.log(100_000)) and np.isnan(profiles.budget[0, 0])
    assert profiles.stated["body_type"].tolist() == [1]  # of sedan, suv


def test_round_trip_stores_hashes_only(profiles: UserProfiles) -> None:
    files = profiles.to_files()
    again = UserProfiles.from_files(files)
    assert again.cutoff == profiles.cutoff and again.keys.tolist() == profiles.keys.tolist()
    assert (again.history != profiles.history).nnz == 0 and (again.latest != profiles.latest).nnz == 0
    np.testing.assert_array_equal(again.budget, profiles.budget)
    assert {n: codes.tolist() for n, codes in again.stated.items()} == {"body_type": [1]}
    assert set(files) == {FILE} and profiles.keys.tolist() == [key_of("K")]


def test_keys_have_64_bits_and_depend_on_the_whole_name() -> None:
    keys = {key_of(name) for name in ("C1", "C2", "c1", "C1 ", "")}
    assert len(keys) == 5 and all(0 <= key < 2**64 for key in keys)

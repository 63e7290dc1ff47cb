"""GroupCalibration: shifts of groups with enough rows, and no shifts where groups do not differ."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from features.errors import DataError, ModelNotFound
from ml.estimators.group_calibration import STATE, GroupCalibration

RNG = np.random.default_rng(0)
GROUP = RNG.choice(["a", "b", "c", "d"], 40_000)
TRUTH = {"a": 0.6, "b": -0.6, "c": 0.0, "d": 0.3}
LOG_ODDS = RNG.normal(-1, 0.5, 40_000)
Y = (RNG.random(40_000) < expit(LOG_ODDS + np.array([TRUTH[g] for g in GROUP]))).astype(float)


@pytest.fixture(scope="module")
def fitted() -> GroupCalibration:
    return GroupCalibration(min_rows=200).fit(LOG_ODDS, Y, GROUP)


def test_large_groups_get_their_own_shift(fitted: GroupCalibration) -> None:
    assert fitted.shift(["a", "b", "c", "d"]) == pytest.approx(list(TRUTH.values()), abs=0.1)
    assert fitted.shift([None, "new"]).tolist() == [0.0, 0.0] and not fitted.has_shift("new") and fitted.has_shift("a")


def test_a_shift_shrinks_with_the_number_of_rows() -> None:
    few = np.r_[np.flatnonzero(GROUP == "a")[:300], np.flatnonzero(GROUP != "a")]
    rows, all_bad = few[:300], np.ones(300)
    y = np.r_[all_bad, Y[few[300:]]]
    shift = GroupCalibration(min_rows=200).fit(LOG_ODDS[few], y, GROUP[few]).shift(["a"])[0]
    assert 0 < shift <= 3.0 and shift < logit(0.999) - LOG_ODDS[rows].mean()
    assert GroupCalibration(min_rows=301).fit(LOG_ODDS[few], y, GROUP[few]).shift(["a"]).tolist() == [0.0]


def test_groups_that_do_not_differ_are_not_shifted() -> None:
    y = (np.arange(4_000) % 4 == 0).astype(float)
    same = GroupCalibration().fit(np.full(4_000, logit(0.25)), y, ["a"] * 2_000 + ["b"] * 2_000)
    assert same.spread_ == 0.0 and same.shift(["a", "b"]).tolist() == [0.0, 0.0]


def test_the_artefact_restores_it_and_damage_is_refused(fitted: GroupCalibration) -> None:
    again = GroupCalibration.from_files(fitted.to_files())
    assert again.shifts_ == fitted.shifts_ and again.min_rows == 200
    with pytest.raises(ModelNotFound, match=STATE):
        GroupCalibration.from_files({})
    with pytest.raises(DataError, match="shifts must map each group to a number"):
        GroupCalibration.from_files({STATE: b'{"min_rows": 1, "spread": 1, "shifts": [1]}'})

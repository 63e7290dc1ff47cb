"""Files of parameters and boosters: types restored from JSON, boosters with another number of features refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from features.errors import DataError
from ml.estimators.native_files import params_from_json, params_to_json, trees_from_files, trees_to_files
from ml.estimators.ranking_trees import RankingTrees
from ml.estimators.woe_scorecard import WoeScorecard


def test_parameters_come_back_from_json_with_their_types() -> None:
    card = WoeScorecard(monotone={2: -1, 0: 1}, categorical=(1,))
    assert params_from_json(json.loads(json.dumps(params_to_json(card)))) == card.get_params()
    assert params_to_json(card)["monotone"] == [(0, 1), (2, -1)]
    assert params_from_json(json.loads(json.dumps(params_to_json(WoeScorecard()))))["monotone"] is None


def test_boosters_come_back_and_must_fit_the_features_stated() -> None:
    trees = RankingTrees(n_estimators=2, min_data_in_leaf=1, num_threads=1, monotone={0: 1})
    trees.fit(np.arange(8.0)[:, None], [0, 1, 0, 1, 0, 1, 0, 1], [4, 4])
    files = trees_to_files(trees, "ranking_trees", {"one.txt": trees.booster_}, threshold=0.5)
    again, (booster,), state = trees_from_files(
        RankingTrees, files, "ranking_trees", members=lambda kind: ["one.txt"], learned=("threshold",)
    )
    assert (again.get_params(), state["threshold"]) == (trees.get_params(), 0.5)
    assert booster.num_trees() == trees.booster_.num_trees()
    other = json.loads(files["ranking_trees.json"]) | {"n_features": 2}
    with pytest.raises(DataError, match="n_features is 2"):
        trees_from_files(
            RankingTrees,
            files | {"ranking_trees.json": json.dumps(other).encode()},
            "ranking_trees",
            members=lambda kind: ["one.txt"],
            learned=("threshold",),
        )

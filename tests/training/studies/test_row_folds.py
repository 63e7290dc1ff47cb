"""Every fold is predicted from the others, and what is pooled is counted once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.errors import DataError
from tests.reports import keyed
from tests.training.studies.labelled_rows import labelled_rows
from training.studies.row_folds import cross_validate


def test_blocks_in_time_order_are_tested_on_after_what_came_before() -> None:
    lines: list[str] = []
    examples = labelled_rows()
    # 140 rows in four blocks of 35: the first is never tested on.
    done = cross_validate(examples, folds=3, progress=lines.append)
    assert done.protocol == "cross-validation with 3 folds in time order, 105 test rows"
    assert [line.split(":")[0] for line in lines] == ["fold 1/3", "fold 2/3", "fold 3/3"]
    for row in keyed(done, "folds").values():
        values = [row[f"fold_{k}"] for k in (1, 2, 3)]
        assert row["mean"] == pytest.approx(np.mean(values))
    # Whatever is pooled, x errs in one of ten rows: (1 - 0.1) 0.1^2 + 0.1 0.9^2, over the rows in three blocks.
    wrong = ((examples.frame["x"].to_numpy()[35:] > 0.5) != (examples.label[35:] == 1)).mean()
    assert done.metrics["brier"].value == pytest.approx((1 - wrong) * 0.01 + wrong * 0.81)


def test_without_time_equal_rows_share_a_fold_and_all_are_tested() -> None:
    examples = labelled_rows(timeless=True)
    numbered = replace(examples, frame=examples.frame.with_columns(doors=np.arange(140)))
    done = cross_validate(numbered, folds=4)
    assert done.protocol == "cross-validation with 4 folds at random, identical rows in one fold, 140 test rows"
    assert done.metrics["roc_auc"].value == pytest.approx(0.9, abs=0.01)


def test_too_few_distinct_rows_for_the_folds() -> None:
    with pytest.raises(DataError, match="use fewer folds"):
        cross_validate(labelled_rows(timeless=True), folds=100)

"""Out-of-fold predictions of every fold, and metrics over all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.errors import DataError
from tests.reports import keyed
from tests.training.studies.labelled_rows import labelled_rows
from training.studies.row_folds import cross_validate


def test_in_time_order_every_block_but_the_first_is_a_test_block() -> None:
    lines: list[str] = []
    examples = labelled_rows()
    # 140 rows in four blocks of 35; the first is never a test block.
    report = cross_validate(examples, folds=3, progress=lines.append)
    assert report.protocol == "cross-validation with 3 folds in time order, 105 test rows"
    assert [line.split(":")[0] for line in lines] == ["fold 1/3", "fold 2/3", "fold 3/3"]
    for row in keyed(report, "folds").values():
        values = [row[f"fold_{k}"] for k in (1, 2, 3)]
        assert row["mean"] == pytest.approx(np.mean(values))
    # The prediction x is wrong in one of ten rows: Brier score (1 - 0.1) 0.1^2 + 0.1 0.9^2, over three blocks.
    wrong = ((examples.frame["x"].to_numpy()[35:] > 0.5) != (examples.label[35:] == 1)).mean()
    assert report.metrics["brier"].value == pytest.approx((1 - wrong) * 0.01 + wrong * 0.81)


def test_without_time_identical_rows_share_a_fold_and_all_rows_are_tested() -> None:
    examples = labelled_rows(timeless=True)
    numbered = replace(examples, frame=examples.frame.with_columns(doors=np.arange(140)))
    report = cross_validate(numbered, folds=4)
    assert report.protocol == "cross-validation with 4 folds at random, identical rows in one fold, 140 test rows"
    assert report.metrics["roc_auc"].value == pytest.approx(0.9, abs=0.01)


def test_too_few_distinct_rows_for_the_folds() -> None:
    with pytest.raises(DataError, match="use fewer folds"):
        cross_validate(labelled_rows(timeless=True), folds=100)

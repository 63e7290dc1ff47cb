"""Labelled rows as a study: what is learnt from, what is kept, what is shown, and leaks refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from features.errors import ConfigError, DataError
from ml.credit_risk.params import CreditParams
from ml.problem import BinaryProblem, RowMetric
from tests.training.studies.labelled_rows import MONTH, TASK, ColumnEstimator, labelled_rows
from training.studies.fitted import Fitted
from training.studies.row_report import TEST_ROWS
from training.studies.rows import example_request


def fitted(estimator: Any) -> Fitted[Any]:
    return Fitted(estimator, estimator)


def test_it_fits_on_the_train_part_and_calibrates_on_the_next() -> None:
    study = labelled_rows()
    estimator = study.fit().served
    assert estimator.fitted == [80, 20] and study.feature_names(estimator) == ["x", "city"]
    assert study.evaluate(estimator).metrics["roc_auc"].value == pytest.approx(0.9)
    assert (study.notes, study.fingerprint) == (("eighty rows",), "f")


def test_the_last_instant_is_of_what_was_learnt_from() -> None:
    assert labelled_rows().last_training_instant == MONTH["old"] + 99
    assert labelled_rows(timeless=True).last_training_instant is None


def test_test_rows_are_kept_without_who_they_are_of(tmp_path: Path) -> None:
    examples = labelled_rows()
    table = examples.config.definition.table
    secret = sorted(table.references | table.protected)
    frame = examples.frame.with_columns(pl.lit("who").alias(name) for name in secret)
    replace(examples, frame=frame).save_holdout(tmp_path, fitted(ColumnEstimator()))
    rows = pl.read_parquet(tmp_path / TEST_ROWS)
    assert rows.height == 40 and rows["label"].sum() == 20 and "group" in rows.columns
    assert secret and not set(secret) & set(rows.columns)
    estimator = ColumnEstimator()
    estimator.references = (secret[0],)
    replace(examples, frame=frame).save_holdout(tmp_path, fitted(estimator))
    assert secret[0] in pl.read_parquet(tmp_path / TEST_ROWS).columns


def test_a_folder_that_takes_no_rows_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"could not be written to .*none: .*free space there"):
        labelled_rows().save_holdout(tmp_path / "none", fitted(ColumnEstimator()))


def test_rounds_give_the_primary_metric_of_each_fold() -> None:
    examples = labelled_rows(timeless=True)
    distinct = replace(examples, frame=examples.frame.with_columns(doors=np.arange(140)))
    values = list(distinct.validation_scores())
    assert len(values) == 2 and np.mean(values) == pytest.approx(0.9, abs=0.02)


def test_a_first_metric_that_names_columns_reads_them() -> None:
    width = RowMetric(lambda y, p, **weights: float(p.shape[1]), better="higher", columns=("p",))
    problem = replace(cast("BinaryProblem", TASK.problem), metrics={"width": width})
    study = labelled_rows(timeless=True, definition=replace(TASK, problem=problem))
    study = replace(study, frame=study.frame.with_columns(doors=np.arange(140)))
    assert list(study.validation_scores()) == [1.0, 1.0]
    study = labelled_rows(definition=replace(TASK, problem=problem))
    study = replace(study, frame=study.frame.with_columns(city=pl.lit("north")))
    (row,) = study.evaluate(ColumnEstimator()).rows("by_city")
    assert (row["rows"], row["width"]) == (40, 1.0)


def test_other_parameters_see_the_same_rows() -> None:
    config: Any = SimpleNamespace(model_copy=lambda update: SimpleNamespace(**update))
    study = labelled_rows()
    other = replace(study, config=config).with_params(CreditParams())
    assert other.config.params == CreditParams() and other.frame is study.frame


def test_it_describes_the_rows_and_the_columns() -> None:
    described = labelled_rows().describe()
    assert described["examples"]["test"] == {"rows": 40, "positive": 20}
    assert (described["numeric"], described["categorical"]) == (["x", "doors"], ["city"])
    assert described["leaks"] == [], "a hundred rows are too few for a verdict"


def test_a_copy_of_the_label_is_refused_by_name_until_it_is_acknowledged() -> None:
    examples = labelled_rows()
    copies = 4  # a hundred rows learnt from are too few for a verdict
    frame = pl.concat([examples.frame.with_columns(x=pl.Series(examples.label))] * copies)
    parts = {n: np.concatenate([rows + 140 * k for k in range(copies)]) for n, rows in examples.parts.items()}
    leaky = replace(examples, frame=frame, label=np.tile(examples.label, copies), parts=parts)
    with pytest.raises(DataError, match=r"'x': equals the outcome in 100.00% .*acknowledged_leaks: \['x'\]"):
        leaky.fit()
    (finding,) = (f for f in leaky.describe()["leaks"] if f["column"] == "x")
    assert finding["verdict"] == "leak" and not finding["acknowledged"]
    config: Any = SimpleNamespace(**{**vars(cast("Any", leaky.config)), "acknowledged_leaks": ("x",)})
    assert replace(leaky, config=config).fit().served.fitted == [320, 80]


def test_a_leak_that_is_no_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="acknowledged_leaks: 'nothing' is not a column of the data"):
        labelled_rows(acknowledged_leaks=("nothing",)).fit()


def test_an_example_is_the_median_or_most_frequent_value_of_every_feature() -> None:
    examples = labelled_rows()
    assert example_request(examples) == {"x": pytest.approx(0.5), "doors": 4, "city": "north"}
    empty = examples.frame.with_columns(doors=pl.lit(None, dtype=pl.Int64))
    assert "doors" not in replace(examples, frame=empty).example(ColumnEstimator())

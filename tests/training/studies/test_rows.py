"""Row studies: training, test rows for the gate, summary of the data, and refusal of leaks."""

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


def test_it_fits_on_the_training_rows_and_calibrates_on_the_calibration_rows() -> None:
    study = labelled_rows()
    estimator = study.fit().served
    assert estimator.fitted == [80, 20] and study.feature_names(estimator) == ["x", "city"]
    assert study.evaluate(estimator).metrics["roc_auc"].value == pytest.approx(0.9)
    assert (study.notes, study.fingerprint) == (("eighty rows",), "f")


def test_the_last_training_instant_is_that_of_training_and_calibration_rows() -> None:
    assert labelled_rows().last_training_instant == MONTH["old"] + 99
    assert labelled_rows(timeless=True).last_training_instant is None


def test_test_rows_are_written_without_identifiers_and_protected_attributes(tmp_path: Path) -> None:
    examples = labelled_rows()
    table = examples.config.definition.table
    personal = sorted(table.references | table.protected)
    frame = examples.frame.with_columns(pl.lit("who").alias(name) for name in personal)
    replace(examples, frame=frame).save_holdout(tmp_path, fitted(ColumnEstimator()))
    rows = pl.read_parquet(tmp_path / TEST_ROWS)
    assert rows.height == 40 and rows["label"].sum() == 20 and "group" in rows.columns
    assert personal and not set(personal) & set(rows.columns)
    estimator = ColumnEstimator()
    estimator.references = (personal[0],)
    replace(examples, frame=frame).save_holdout(tmp_path, fitted(estimator))
    assert personal[0] in pl.read_parquet(tmp_path / TEST_ROWS).columns


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"could not be written to .*none: .*free space there"):
        labelled_rows().save_holdout(tmp_path / "none", fitted(ColumnEstimator()))


def test_validation_scores_are_the_primary_metric_of_each_fold() -> None:
    examples = labelled_rows(timeless=True)
    distinct = replace(examples, frame=examples.frame.with_columns(doors=np.arange(140)))
    values = list(distinct.validation_scores())
    assert len(values) == 2 and np.mean(values) == pytest.approx(0.9, abs=0.02)


def test_a_primary_metric_of_several_columns_reads_them() -> None:
    width = RowMetric(lambda y, p, **weights: float(p.shape[1]), better="higher", columns=("p",))
    problem = replace(cast("BinaryProblem", TASK.problem), metrics={"width": width})
    study = labelled_rows(timeless=True, definition=replace(TASK, problem=problem))
    study = replace(study, frame=study.frame.with_columns(doors=np.arange(140)))
    assert list(study.validation_scores()) == [1.0, 1.0]
    study = labelled_rows(definition=replace(TASK, problem=problem))
    study = replace(study, frame=study.frame.with_columns(city=pl.lit("north")))
    (row,) = study.evaluate(ColumnEstimator()).rows("by_city")
    assert (row["rows"], row["width"]) == (40, 1.0)


def test_other_hyperparameters_have_the_same_rows() -> None:
    config: Any = SimpleNamespace(model_copy=lambda update: SimpleNamespace(**update))
    study = labelled_rows()
    other = replace(study, config=config).with_params(CreditParams())
    assert other.config.params == CreditParams() and other.frame is study.frame


def test_the_summary_counts_rows_and_lists_features() -> None:
    summary = labelled_rows().describe()
    assert summary["examples"]["test"] == {"rows": 40, "positive": 20}
    assert (summary["numeric"], summary["categorical"]) == (["x", "doors"], ["city"])
    assert summary["leaks"] == [], "a hundred rows are too few for a verdict"


def test_a_copy_of_the_label_is_refused_by_name_until_it_is_acknowledged() -> None:
    examples = labelled_rows()
    copies = 4  # a hundred training rows are too few for a verdict
    frame = pl.concat([examples.frame.with_columns(x=pl.Series(examples.label))] * copies)
    parts = {n: np.concatenate([rows + 140 * k for k in range(copies)]) for n, rows in examples.parts.items()}
    leaky = replace(examples, frame=frame, label=np.tile(examples.label, copies), parts=parts)
    with pytest.raises(DataError, match=r"'x': equals the outcome in 100.00% .*acknowledged_leaks: \['x'\]"):
        leaky.fit()
    (finding,) = (f for f in leaky.describe()["leaks"] if f["column"] == "x")
    assert finding["verdict"] == "leak" and not finding["acknowledged"]
    config: Any = SimpleNamespace(**{**vars(cast("Any", leaky.config)), "acknowledged_leaks": ("x",)})
    assert replace(leaky, config=config).fit().served.fitted == [320, 80]


def test_an_acknowledged_leak_that_is_no_column_is_refused() -> None:
    with pytest.raises(ConfigError, match="acknowledged_leaks: 'nothing' is not a column of the data"):
        labelled_rows(acknowledged_leaks=("nothing",)).fit()


def test_an_example_is_the_median_or_most_frequent_value_of_every_feature() -> None:
    examples = labelled_rows()
    assert example_request(examples) == {"x": pytest.approx(0.5), "doors": 4, "city": "north"}
    empty = examples.frame.with_columns(doors=pl.lit(None, dtype=pl.Int64))
    assert "doors" not in replace(examples, frame=empty).example(ColumnEstimator())

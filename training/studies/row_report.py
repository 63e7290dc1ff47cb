"""How good a model is on rows it has never seen: with intervals, beside the naive answer, by segment and month."""

from __future__ import annotations

from ml.problem import AmountProblem, BinaryProblem, RowEstimator
from ml.report.report import Report
from training.split import Rows
from training.studies.row_amount_report import amount_report
from training.studies.row_binary_report import binary_report
from training.studies.row_data import Examples
from training.studies.row_sections import HoldoutAnswers

TEST_ROWS, NAIVE = "test_rows.parquet", "naive_answer"
BUILDERS = {BinaryProblem: binary_report, AmountProblem: amount_report}


def evaluate(examples: Examples, estimator: RowEstimator, *, rows: Rows | None = None) -> Report:
    """Evaluate on the test part.

    Parameters
    ----------
    examples : Examples
        Labelled rows and their parts.
    estimator : RowEstimator
        Fitted on the train part, calibrated on the calibrate part.
    rows : ndarray, optional
        Positions of other rows to evaluate on.

    Raises
    ------
    DataError
        The label is 0 or 1, and the rows have one class only.
    """
    positions = examples.parts["test"] if rows is None else rows
    return BUILDERS[type(examples.problem)](HoldoutAnswers.of(examples, estimator, positions), estimator)

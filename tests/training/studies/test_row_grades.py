"""Grades by month, and leads given up, on a few leads whose figures are counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest

from features.aggregations import DAY
from ml.domain.statistics.proportions import proportion
from ml.instants import microseconds
from ml.lead_scoring.estimator import LeadScoringEstimator
from ml.lead_scoring.grades import GradeLimits
from ml.lead_scoring.params import LeadParams
from ml.problem import RowEstimator
from ml.signature import Signature
from training.studies.row_given_up import given_up_sections, given_up_text
from training.studies.row_grades import grade_sections
from training.studies.row_sections import HoldoutPredictions


def at(text: str) -> int:
    return microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


class Estimator(LeadScoringEstimator):
    """Stand-in whose probabilities are the column `chance`."""

    def predict(self, X: Any) -> pl.DataFrame:
        chance = X["chance"].to_numpy()
        return pl.DataFrame({"conversion_probability": chance, "grade": self.grades_.of(chance)})


@pytest.fixture
def estimator() -> Estimator:
    made = Estimator(params=LeadParams(capacity_per_day=1, working_days_per_week=7), signature=Signature(fields=()))
    made.grades_ = GradeLimits(A=0.4, B=0.2, C=0.1, leads_per_working_day=2.0, a_per_working_day=1.0)
    return made


def holdout(
    estimator: Estimator, frame: pl.DataFrame, y: list[float], test: list[bool], leads: pl.DataFrame | None = None
) -> HoldoutPredictions:
    label, is_test = np.array(y), np.array(test)
    examples = SimpleNamespace(
        config=SimpleNamespace(timeless=False), timezone="UTC", frame=frame, is_test_row=is_test,
        rows=lambda positions: (frame[positions], label[positions]),
        raw=SimpleNamespace(frames={"leads": (pl.DataFrame({"lead_id": []}) if leads is None else leads).lazy()}),
    )  # fmt: skip
    X = frame.filter(pl.Series(is_test))
    positions = np.flatnonzero(is_test)
    predictions = estimator.predict(X)
    return HoldoutPredictions(cast("Any", examples), positions, X, label[is_test], predictions, label, label)


def test_conversion_by_grade_and_month_and_leads_per_working_day(estimator: Estimator) -> None:
    # The test period is 30 January to 8 February, ten days: two in January and eight in February.
    days = ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-01", "2024-02-08"]
    frame = pl.DataFrame({"as_of": [at(d) for d in days], "chance": [0.5, 0.3, 0.5, 0.4, 0.05]})
    overall, by_month = grade_sections(holdout(estimator, frame, [1, 0, 1, 0, 0], [True] * 5), estimator)
    rows = {row["grade"]: row for row in overall.rows}  # type: ignore[union-attr]
    assert list(rows) == ["A", "B", "D"]
    two_of_three = proportion(2, 3)
    assert rows["A"] == {
        "grade": "A", "leads": 3, "per_day": 0.3, "predicted": pytest.approx(1.4 / 3), "observed": 2 / 3,
        "low": two_of_three.low, "high": two_of_three.high, "within": True,
    }  # fmt: skip
    assert rows["D"]["leads"] == 1 and rows["D"]["observed"] == 0
    cells = {(r["month"], r["grade"]): r for r in by_month.rows}  # type: ignore[union-attr]
    assert list(cells) == [("2024-01", "A"), ("2024-01", "B"), ("2024-02", "A"), ("2024-02", "D")]
    assert cells["2024-01", "A"]["per_day"] == 0.5 and cells["2024-02", "A"]["per_day"] == 0.25
    assert overall.summary is not None
    assert overall.summary.en.startswith(
        "grade A: 0.3 leads a working day (the desk can call 1.0), predicted conversion"
    )
    assert "外呼能力 1.0 条" in overall.summary.zh
    five_days = Estimator(params=LeadParams(working_days_per_week=5), signature=Signature(fields=()))
    five_days.grades_ = estimator.grades_
    fewer, _ = grade_sections(holdout(five_days, frame, [1, 0, 1, 0, 0], [True] * 5), five_days)
    assert fewer.rows[0]["per_day"] == pytest.approx(0.42)  # type: ignore[union-attr]


LEADS = ("again", "given up, bought", "given up", "closed", "grade B", "called later only before")


def test_leads_without_a_further_contact_are_counted_beside_those_contacted_again(estimator: Estimator) -> None:
    start = at("2024-01-01")
    rescored = start + 3 * DAY
    first = {"lead_id": ["new"], "as_of": [start], "created_at": [start], "chance": [0.5]}
    frame = pl.DataFrame(first).vstack(
        pl.DataFrame(
            {
                "lead_id": list(LEADS), "as_of": [rescored] * 6, "created_at": [start] * 6,
                "chance": [0.5, 0.45, 0.4, 0.6, 0.3, 0.55],
            }
        )
    )  # fmt: skip
    leads = pl.DataFrame(
        {
            "lead_id": list(LEADS),
            "last_contact_at": [rescored + DAY, start, None, rescored, rescored + DAY, rescored - 1],
            "closed_at": [None, rescored + 9 * DAY, None, rescored + 2 * DAY, None, rescored + 8 * DAY],
            "converted_at": [None, rescored + 9 * DAY, None, None, None, None],
        }
    )
    test = holdout(estimator, frame, [0, 1, 1, 0, 0, 0, 0], [True] + [False] * 6, leads)
    (table,) = given_up_sections(test, estimator)
    (row,) = table.rows
    # Grade A at the age of 3 days: one lead is contacted again, four are not; one of the four is closed within a week.
    assert (row["age_days"], row["leads"], row["again"], row["given_up"], row["closed"]) == (3, 5, 1, 4, 1)
    assert (row["expected"], row["sales"], row["closed_sales"]) == (pytest.approx(0.45 + 0.4 + 0.6 + 0.55), 1, 0)
    assert (row["observed"], row["low"]) == (0.25, proportion(1, 4).low)
    assert (row["again_predicted"], row["again_observed"]) == (0.5, 1.0)
    assert table.summary is not None and table.summary.en.startswith("4 leads (121.7 a month) still had grade A")
    assert "2.0 sales were expected, 1 came (25.0%" in table.summary.en
    assert "; 0 of the 1 that were closed as lost within 7 days bought later" in table.summary.en
    assert "the difference is not the effect of the contact" in table.summary.en


def test_without_contacts_in_the_data_or_grades_there_are_no_sections(estimator: Estimator) -> None:
    frame = pl.DataFrame({"lead_id": ["a"], "as_of": [0], "created_at": [0], "chance": [0.5]})
    test = holdout(estimator, frame, [1], [True])
    assert given_up_sections(test, estimator) == []
    other = cast("RowEstimator", SimpleNamespace())
    assert grade_sections(test, other) == [] and given_up_sections(test, other) == []
    row = {"age_days": 7, "given_up": 1, "per_month": 0.2, "observed": None, "again_observed": None, "closed": 0}
    assert given_up_text(row, 0.4).en == (
        "1 lead (0.2 a month) still had grade A (a probability of at least 40%) 7 days after the enquiry and had no "
        "further contact"
    )

"""Notes on the ages of training rows."""

from __future__ import annotations

import polars as pl

from features.residual_value import MONTH
from ml.residual_value.ages import age_notes
from ml.signature import Field, Signature

SIGNATURE = Signature(fields=(Field(name="age_months", kind="number", feature=True),))


def test_rows_without_an_age_and_contradictions_are_counted() -> None:
    rows = pl.DataFrame(
        {
            "as_of": [40 * MONTH] * 4,
            "listed_at": [40 * MONTH] * 4,
            "first_registered_at": [0, 0, None, None],
            "age_months": [42.0, 30.0, 12.0, None],
        }
    )
    assert age_notes(rows, SIGNATURE) == [
        "age_months: 1 of 4 training rows has no age, for want of a registration date or model year",
        "age_months: in 1 row of 4 training rows the stated age differs by more than 3 months from the first "
        "registration; the stated one is used",
    ]
    assert age_notes(rows[:1], SIGNATURE) == []


def test_without_ages_there_are_no_notes() -> None:
    own = Signature(fields=(Field(name="age_months", kind="number", feature=True, own=True),))
    assert age_notes(pl.DataFrame({"age_months": [None]}), own) == []
    assert age_notes(pl.DataFrame({"model_year": [2000]}), Signature(fields=())) == []

"""Ages of the training rows: what readers of a report should know of them."""

from __future__ import annotations

import polars as pl

from features.plurals import count_text
from features.residual_value import age_months
from ml.signature import Signature

AGE = "age_months"
MAX_DIFFERENCE = 3.0  # months between a stated age and a registration date, by rounding and by the day of the count


def age_notes(X: pl.DataFrame, signature: Signature) -> list[str]:
    """Return notes on training rows without an age, and on stated ages that contradict the registration date.

    Parameters
    ----------
    X : polars.DataFrame
        Training rows, as returned by `features.residual_value.build`; ages are those of the rows at `as_of`.
    signature : Signature
        Fields of a car, as returned by `ml.signature.infer_signature`.

    Returns
    -------
    list of str
        Empty if the age is no feature, or if all rows have one that agrees with the date.

    Examples
    --------
    >>> from ml.signature import Field
    >>> signature = Signature(fields=(Field(name="age_months", kind="number", feature=True),))
    >>> age_notes(pl.DataFrame({"age_months": [12.0, None, 30.0]}), signature)
    ['age_months: 1 of 3 training rows has no age, for want of a registration date or model year']
    """
    if AGE not in signature.numeric or AGE in signature.own:
        return []
    notes, rows = [], f"{X.height:,} training rows"
    missing = X[AGE].null_count()
    if missing:
        has = "has" if missing == 1 else "have"
        notes.append(f"{AGE}: {missing:,} of {rows} {has} no age, for want of a registration date or model year")
    by_date = age_months({"listed_at", "first_registered_at"}, pl)
    if {"as_of", "listed_at", "first_registered_at"} <= set(X.columns):
        different = X.select(((pl.col(AGE) - by_date).abs() > MAX_DIFFERENCE).sum()).item()
        if different:
            notes.append(
                f"{AGE}: in {count_text(different, 'row')} of {rows} the stated age differs by more than "
                f"{MAX_DIFFERENCE:g} months from the first registration; the stated one is used"
            )
    return notes

"""Each rule of the leak detector, on columns whose figures can be counted by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from training.studies.leaks.columns import Outcome, Profile, profile
from training.studies.leaks.evidence import Evidence, evidence_of_blocks, evidence_of_column

DAY = 86_400_000_000
ROWS = 400
POSITIVE = np.arange(ROWS) % 2 == 0  # every second row, old and new


def outcome(label: np.ndarray = POSITIVE, *, timed: bool = False) -> Outcome:
    return Outcome(label.astype(np.float64), np.arange(len(label)) * DAY if timed else None)


def column(values: object, target: Outcome, *, name: str = "x") -> Profile:
    series = pl.Series(name, values, strict=False)
    return profile(series, target, categories=series.dtype == pl.String)


def rules(values: object, target: Outcome, *, instants: tuple[str, ...] = ()) -> dict[str, Evidence]:
    own = column(values, target)
    return {e.rule: e for e in evidence_of_column(own, target, [own], instants)}


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=ROWS)


def test_noise_has_no_evidence() -> None:
    assert rules(noise(), outcome(timed=True)) == {}
    assert rules(noise(), outcome()) == {}


def test_a_copy_equals_the_outcome_in_every_row_and_is_near_perfect() -> None:
    evidence = rules(POSITIVE * 7.0, outcome())
    assert evidence["copy of outcome"].value == pytest.approx(1.0)
    assert "equals the outcome in 100.00% of the 400 rows with a value" in evidence["copy of outcome"].text
    assert evidence["near-perfect"].value == pytest.approx(1.0, abs=0.01)
    assert evidence["outcome record"].value == 1.0, "each class has a value of its own"


def test_one_column_is_much_stronger_than_five_others() -> None:
    target = outcome()
    strong = column(POSITIVE + 0.7 * noise(1), target)
    others = [column(noise(seed), target, name=f"n{seed}") for seed in range(2, 7)]
    assert 0.3 < strong.strength < 0.9
    (evidence,) = (e for e in evidence_of_column(strong, target, [strong, *others], ()) if e.rule == "strength")
    assert "median of the other 5 columns" in evidence.text and evidence.value == pytest.approx(
        0.5 + strong.strength / 2
    )
    alone = evidence_of_column(strong, target, [strong, *others[:4]], ())
    assert "strength" not in {e.rule for e in alone}, "four other columns are too few for a median"


def test_a_value_that_occurs_with_one_outcome_only() -> None:
    # "will revert" is in a quarter of the positive rows and in no negative row.
    tags = np.where(POSITIVE & (np.arange(ROWS) % 4 == 0) & (np.arange(ROWS) < 200), "will revert", "ringing")
    evidence = rules(tags.tolist(), outcome())["near-pure values"]
    assert evidence.value == pytest.approx(0.25 / 2)
    assert "25.0% of the positives have one of them (50 of its 50 rows are positive)" in evidence.text


def test_a_column_present_with_one_outcome_only() -> None:
    values = [None if not positive or i % 4 else "too dear" for i, positive in enumerate(POSITIVE)]
    evidence = rules(values, outcome())["one outcome only"]
    assert evidence.value == 0.5
    assert evidence.text == (
        "present in 50.0% of the positive rows and in 0 others (100 of 100 values are in positive rows, 50.0% overall)"
    )


def test_missing_values_that_depend_on_the_outcome() -> None:
    # Missing in 160 of the 200 negative rows and in 40 of the 200 positive rows.
    fifth = np.arange(ROWS) // 2 % 5
    missing = np.where(POSITIVE, fifth == 0, fifth != 0)
    evidence = rules([None if m else 1.0 for m in missing], outcome())["missing indicator"]
    assert "missing in 50.0% of the rows: 20.0% positives where missing, 80.0% where present" in evidence.text


def test_instants_after_the_prediction_time() -> None:
    late = np.where(np.arange(ROWS) < 40, 1.0, -1.0) * DAY
    evidence = rules(late, outcome(timed=True), instants=("x",))["after as_of"]
    assert evidence.value == 0.1 and evidence.text.startswith("40 of 400 instants (10.00%)")
    assert "after as_of" not in rules(late, outcome(timed=True)), "a number is not an instant"
    assert rules(np.where(np.arange(ROWS) < 2, DAY, -DAY), outcome(timed=True), instants=("x",))["some after as_of"]


def test_a_column_that_is_weak_in_the_newest_rows() -> None:
    rows = 1_000
    positive = np.arange(rows) % 2 == 0
    values = np.where(np.arange(rows) < 0.8 * rows, positive, np.arange(rows) // 2 % 2)
    evidence = rules(values, outcome(positive, timed=True))["weak in newest rows"]
    assert evidence.text.startswith("cross-validated AUC ") and evidence.text.endswith(
        "missing in 0.0% of the older rows and in 0.0% of the newest"
    )
    assert evidence.value > 0.3, "of AUC"


def test_an_amount_in_another_unit_is_a_copy() -> None:
    price = np.exp(12 + 0.5 * noise(3))
    assert rules(price, outcome(price))["copy of outcome"].text.startswith(
        "equals the outcome within 0.1% in 100.0% of 400"
    )
    cents = rules(100 * price, outcome(price))["copy of outcome"]
    assert cents.value == pytest.approx(1.0) and cents.text.startswith("equals the outcome within 0.1% in 0.0% of 400")
    assert "copy of outcome" not in rules(price * np.exp(noise(4)), outcome(price))


def test_columns_missing_together_are_evidence_if_one_of_them_predicts_the_outcome() -> None:
    target = outcome()
    late = ~POSITIVE & (np.arange(ROWS) % 10 != 1)  # in 80% of the negative rows

    def group(missing: np.ndarray, n: int, name: str) -> list[Profile]:
        values = [[None if m else float(v) for m, v in zip(missing, noise(k), strict=True)] for k in range(n)]
        return [column(v, target, name=f"{name}{k}") for k, v in enumerate(values)]

    evidence = evidence_of_blocks([*group(late, 3, "late"), *group(np.arange(ROWS) < 200, 3, "half")], target)
    assert set(evidence) == {"late0", "late1", "late2"}
    assert {e.rule for e in evidence.values()} == {"missing together"} and evidence["late0"].value == 0.4
    assert "missing in 40.0% of the rows, in the same rows as 2 other columns" in evidence["late0"].text
    assert evidence_of_blocks(group(late, 2, "pair"), target) == {}, "two columns missing together are common"

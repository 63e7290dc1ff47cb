"""Each rule of the leak detector on columns whose figures one can count."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from training.studies.leaks.columns import Outcome, Profile, profile
from training.studies.leaks.evidence import Evidence, blocks, evidence_of_one

DAY = 86_400_000_000
ROWS = 400
YES = np.arange(ROWS) % 2 == 0  # half of the rows, through all ages


def outcome(label: np.ndarray = YES, *, timed: bool = False) -> Outcome:
    return Outcome(label.astype(np.float64), np.arange(len(label)) * DAY if timed else None)


def column(values: object, target: Outcome, *, name: str = "x") -> Profile:
    series = pl.Series(name, values, strict=False)
    return profile(series, target, categories=series.dtype == pl.String)


def rules(values: object, target: Outcome, *, instants: tuple[str, ...] = ()) -> dict[str, Evidence]:
    own = column(values, target)
    return {e.rule: e for e in evidence_of_one(own, target, [own], instants)}


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=ROWS)


def test_noise_has_nothing_against_it() -> None:
    assert rules(noise(), outcome(timed=True)) == {}
    assert rules(noise(), outcome()) == {}


def test_a_copy_agrees_in_every_row_and_decides() -> None:
    evidence = rules(YES * 7.0, outcome())
    assert evidence["copy"].value == pytest.approx(1.0) and "100.00% of the 400 filled rows" in evidence["copy"].text
    assert evidence["decides"].value == pytest.approx(1.0, abs=0.01)
    assert evidence["record"].value == 1.0, "every yes and every no lies at a value of its own"


def test_one_column_far_above_five_others() -> None:
    target = outcome()
    strong = column(YES + 0.7 * noise(1), target)
    others = [column(noise(seed), target, name=f"n{seed}") for seed in range(2, 7)]
    assert 0.3 < strong.strength < 0.9
    (evidence,) = (e for e in evidence_of_one(strong, target, [strong, *others], ()) if e.rule == "strength")
    assert "median of the other 5 columns" in evidence.text and evidence.value == pytest.approx(
        0.5 + strong.strength / 2
    )
    alone = evidence_of_one(strong, target, [strong, *others[:4]], ())
    assert "strength" not in {e.rule for e in alone}, "four others have no usual strength"


def test_values_of_one_outcome_only() -> None:
    # "will revert" stands at a quarter of the yeses and at no no.
    tags = np.where(YES & (np.arange(ROWS) % 4 == 0) & (np.arange(ROWS) < 200), "will revert", "ringing")
    evidence = rules(tags.tolist(), outcome())["pure values"]
    assert evidence.value == pytest.approx(0.25 / 2) and "hold 25.0% of the yeses and 0.0% of the noes" in evidence.text


def test_filled_in_for_one_outcome_only() -> None:
    evidence = rules([None if not yes or i % 4 else "too dear" for i, yes in enumerate(YES)], outcome())["filled"]
    assert evidence.value == 0.5
    assert evidence.text == "filled in for 50.0% of the rows with a yes and for 0 others (100 of 100; 50.0% overall)"


def test_a_gap_that_goes_with_the_outcome() -> None:
    # Missing in 160 of the 200 noes and 40 of the 200 yeses.
    place = np.arange(ROWS) // 2 % 5
    missing = np.where(YES, place == 0, place != 0)
    evidence = rules([None if m else 1.0 for m in missing], outcome())["missing"]
    assert "missing in 50.0% of the rows: 20.0% yeses where missing, 80.0% where filled in" in evidence.text


def test_instants_after_the_moment_of_asking() -> None:
    late = np.where(np.arange(ROWS) < 40, 1.0, -1.0) * DAY
    evidence = rules(late, outcome(timed=True), instants=("x",))["future"]
    assert evidence.value == 0.1 and evidence.text.startswith("40 of 400 instants (10.00%)")
    assert "future" not in rules(late, outcome(timed=True)), "a number is no instant"
    assert rules(np.where(np.arange(ROWS) < 2, DAY, -DAY), outcome(timed=True), instants=("x",))["some future"]


def test_strength_that_the_newest_rows_lack() -> None:
    rows = 1_000
    yes = np.arange(rows) % 2 == 0
    values = np.where(np.arange(rows) < 0.8 * rows, yes, np.arange(rows) // 2 % 2)
    evidence = rules(values, outcome(yes, timed=True))["vanishes"]
    assert evidence.text.startswith("AUC ") and evidence.text.endswith(
        "missing in 0.0% of the older rows and 0.0% of the newest"
    )
    assert evidence.value > 0.3, "of AUC"


def test_amounts_are_copied_in_other_units_too() -> None:
    price = np.exp(12 + 0.5 * noise(3))
    assert rules(price, outcome(price))["copy"].text.startswith("the same amount in 100.0% of 400 rows")
    cents = rules(100 * price, outcome(price))["copy"]
    assert cents.value == pytest.approx(1.0) and cents.text.startswith("the same amount in 0.0% of 400 rows")
    assert "copy" not in rules(price * np.exp(noise(4)), outcome(price))


def test_columns_missing_together_make_a_block_where_the_gap_says_something() -> None:
    target = outcome()
    gap = ~YES & (np.arange(ROWS) % 10 != 1)  # in 80 % of the noes

    def group(missing: np.ndarray, n: int, name: str) -> list[Profile]:
        values = [[None if m else float(v) for m, v in zip(missing, noise(k), strict=True)] for k in range(n)]
        return [column(v, target, name=f"{name}{k}") for k, v in enumerate(values)]

    evidence = blocks([*group(gap, 3, "late"), *group(np.arange(ROWS) < 200, 3, "half")], target)
    assert set(evidence) == {"late0", "late1", "late2"}
    assert {e.rule for e in evidence.values()} == {"block"} and evidence["late0"].value == 0.4
    assert "missing in 40.0% of the rows, the same as in 2 other columns" in evidence["late0"].text
    assert blocks(group(gap, 2, "pair"), target) == {}, "two columns missing together are commonplace"

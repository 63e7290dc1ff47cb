"""Columns that know the outcome are found by what they hold, and strong honest ones are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.commands import chehang
from tests.small.credit_risk import credit_risk_tables, write_credit_risk
from training.studies.leaks import find_leaks
from training.studies.leaks.columns import too_few_rows

DAY = 86_400_000_000


def _data(n: int = 4_000, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray, np.ndarray]:
    """Eight honest columns, two of them strong, and the outcome."""
    rng = np.random.default_rng(seed)
    visits, score, city = rng.poisson(3, n), rng.normal(0, 1, n), rng.integers(0, 20, n)
    y = rng.random(n) < 1 / (1 + np.exp(-(1.2 * score + 0.5 * (visits - 3) - 0.4)))
    frame = pl.DataFrame(
        {"visits": visits, "score": score, "city": [f"c{c}" for c in city]}
        | {f"noise_{k}": rng.normal(0, 1, n) for k in range(5)}
        | {"id": [f"i{i}" for i in range(n)], "constant": np.ones(n), "empty": pl.Series([None] * n, dtype=pl.Float64)}
    )
    return frame, y, np.arange(n) * DAY


def _found(frame: pl.DataFrame, y: np.ndarray, **more: object) -> dict[str, tuple[str, set[str]]]:
    texts = [c for c, t in frame.schema.items() if t == pl.String]
    instants = list(more.get("instants", ()))  # type: ignore[call-overload]
    numbers = [c for c in frame.columns if c not in texts and c not in instants]
    findings = find_leaks(frame, y, numeric=numbers, categorical=texts, **more)  # type: ignore[arg-type]
    return {f.column: (f.verdict, {e.rule for e in f.evidence}) for f in findings}


def test_honest_columns_are_no_leaks() -> None:
    frame, y, as_of = _data()
    assert "leak" not in {verdict for verdict, _ in _found(frame, y, as_of=as_of).values()}


def test_a_copy_of_the_target_is_a_leak() -> None:
    frame, y, _ = _data()
    found = _found(
        frame.with_columns(status=pl.Series(["sold" if v else "lost" for v in y]), number=pl.Series(y * 7.0)), y
    )
    assert found["status"][0] == found["number"][0] == "leak"
    assert "copy" in found["status"][1]


def test_a_column_filled_in_for_one_outcome_is_a_leak() -> None:
    frame, y, _ = _data()
    rng = np.random.default_rng(1)
    reason = [None if v or rng.random() < 0.4 else "too dear" for v in y]
    found = _found(frame.with_columns(reason=pl.Series(reason, dtype=pl.String)), y)
    assert found["reason"][0] == "leak"
    assert "filled" in found["reason"][1]


def test_notes_made_afterwards_are_a_leak_and_a_mere_gap_is_a_suspect() -> None:
    frame, y, _ = _data()
    rng = np.random.default_rng(2)
    tags = [
        None if rng.random() < 0.3 else str(rng.choice(["will revert", "closed"] if v else ["ringing", "switched off"]))
        for v in y
    ]
    gap = [None if rng.random() < (0.1 if v else 0.6) else float(rng.normal()) for v in y]
    found = _found(frame.with_columns(tags=pl.Series(tags, dtype=pl.String), gap=pl.Series(gap, dtype=pl.Float64)), y)
    assert found["tags"][0] == "leak"
    assert found["gap"][0] == "suspect"
    assert "missing" in found["gap"][1]


def test_instants_after_the_moment_and_strength_that_vanishes() -> None:
    frame, y, as_of = _data()
    paid = pl.Series(as_of + np.where(y, 5, -5) * DAY)
    old = np.arange(len(y)) < 0.8 * len(y)
    rng = np.random.default_rng(3)
    later = pl.Series(np.where(old, y * 1.0 + rng.normal(0, 0.3, len(y)), rng.normal(0, 0.5, len(y))))
    found = _found(frame.with_columns(paid_at=paid, later=later), y, as_of=as_of, instants=["paid_at"])
    assert found["paid_at"][0] == "leak"
    assert "future" in found["paid_at"][1]
    assert "vanishes" in found["later"][1]


def test_amounts_have_copies_too() -> None:
    rng = np.random.default_rng(0)
    price = rng.lognormal(12, 0.5, 2_000)
    frame = pl.DataFrame({"mileage": -price + rng.normal(0, 50_000, 2_000), "in_cents": 100 * price})
    assert _found(frame, price) == {"in_cents": ("leak", {"copy"})} | {
        k: v for k, v in _found(frame, price).items() if v[0] == "suspect"
    }


def test_few_rows_give_no_verdict() -> None:
    frame, y, _ = _data(n=100)
    assert _found(frame.with_columns(copy=pl.Series(y)), y) == {}
    assert "too few rows" in too_few_rows(y)


def test_training_refuses_a_leak_until_it_is_acknowledged(tmp_path: Path) -> None:
    tables = credit_risk_tables(rows=3_000)
    defaulted = tables["loan_outcomes"]["defaulted"].cast(pl.Float64)
    tables["applications"] = tables["applications"].with_columns(collections=defaulted * 3)
    config = write_credit_risk(tmp_path / "data", tables, extra_features={"numeric": ["collections"]})
    refused = chehang("train", "credit_risk", "-c", str(config), home=tmp_path / "home", check=False)
    assert refused.returncode == 1
    assert "'collections'" in refused.stderr
    assert "acknowledged_leaks" in refused.stderr
    assert "Traceback" not in refused.stderr
    told = chehang("check", "credit_risk", "-c", str(config), home=tmp_path / "home").stdout
    assert "collections" in told
    assert "leak" in told
    known = ("--set", "acknowledged_leaks=[collections]")
    chehang("train", "credit_risk", "-c", str(config), *known, home=tmp_path / "home")
    wrong = ("--set", "acknowledged_leaks=[nothing]")
    refused = chehang("train", "credit_risk", "-c", str(config), *wrong, home=tmp_path / "home", check=False)
    assert "'nothing' is not a column" in refused.stderr


AFTER_CONTACT = {
    "lead_profile",
    "last_activity",
    "last_notable_activity",
    "asymmetrique_activity_index",
    "asymmetrique_profile_index",
    "asymmetrique_activity_score",
    "asymmetrique_profile_score",
}


@pytest.mark.realdata
def test_real_leads_after_contact(data_folder: Path) -> None:
    leads = pl.read_parquet(data_folder / "leads_xeducation" / "leads.parquet").drop("Prospect ID", "Lead Number")
    found = _found(leads.drop("Converted"), leads["Converted"].to_numpy())
    assert {c for c, (verdict, _) in found.items() if verdict == "leak"} == {"Tags", "Lead Quality"}
    listed = {c.lower().replace(" ", "_") for c in found}
    assert listed >= AFTER_CONTACT
    assert len(found) - 2 - len(AFTER_CONTACT) <= 6
    assert all(rules for _, rules in found.values())


@pytest.mark.realdata
def test_real_leads_by_configuration_are_checked_and_refused(tmp_path: Path, data_folder: Path) -> None:
    folder = Path(__file__).parents[4] / "configs" / "examples" / "leads_xeducation"
    how = ("-c", str(folder / "lead_scoring.yaml"), "--with", str(folder / "after_contact.yaml"))
    refused = chehang("train", "lead_scoring", *how, home=tmp_path, check=False, CHEHANG_DATA=str(data_folder))
    assert refused.returncode == 1
    assert "'tags'" in refused.stderr
    assert "'lead_quality'" in refused.stderr


@pytest.mark.realdata
def test_real_borrowers_hold_no_leak(data_folder: Path) -> None:
    credit = pl.read_parquet(data_folder / "credit_gmsc" / "cs-training.parquet")
    found = _found(credit.drop("SeriousDlqin2yrs"), credit["SeriousDlqin2yrs"].to_numpy())
    assert "leak" not in {verdict for verdict, _ in found.values()}
    assert len(found) <= 3

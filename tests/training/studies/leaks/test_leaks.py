"""The leak detector finds columns recorded after the outcome by their values, and accepts strong honest predictors."""

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
    """Return a frame of honest columns, two of them strong, with the outcome and its instants."""
    rng = np.random.default_rng(seed)
    visits, score, city = rng.poisson(3, n), rng.normal(0, 1, n), rng.integers(0, 20, n)
    y = rng.random(n) < 1 / (1 + np.exp(-(1.2 * score + 0.5 * (visits - 3) - 0.4)))
    frame = pl.DataFrame(
        {"visits": visits, "score": score, "city": [f"c{c}" for c in city]}
        | {f"noise_{k}": rng.normal(0, 1, n) for k in range(5)}
        | {"id": [f"i{i}" for i in range(n)], "constant": np.ones(n), "empty": pl.Series([None] * n, dtype=pl.Float64)}
    )
    return frame, y, np.arange(n) * DAY


def _verdicts(frame: pl.DataFrame, y: np.ndarray, **more: object) -> dict[str, tuple[str, set[str]]]:
    categories = [c for c, t in frame.schema.items() if t == pl.String]
    instants = list(more.get("instants", ()))  # type: ignore[call-overload]
    numbers = [c for c in frame.columns if c not in categories and c not in instants]
    findings = find_leaks(frame, y, numeric=numbers, categorical=categories, **more)  # type: ignore[arg-type]
    return {f.column: (f.verdict, {e.rule for e in f.evidence}) for f in findings}


def test_honest_columns_are_no_leaks() -> None:
    frame, y, as_of = _data()
    assert "leak" not in {verdict for verdict, _ in _verdicts(frame, y, as_of=as_of).values()}


def test_a_copy_of_the_target_is_a_leak() -> None:
    frame, y, _ = _data()
    verdicts = _verdicts(
        frame.with_columns(status=pl.Series(["sold" if v else "lost" for v in y]), number=pl.Series(y * 7.0)), y
    )
    assert verdicts["status"][0] == verdicts["number"][0] == "leak"
    assert "copy of outcome" in verdicts["status"][1]


def test_a_column_filled_in_for_one_outcome_is_a_leak() -> None:
    frame, y, _ = _data()
    rng = np.random.default_rng(1)
    reason = [None if v or rng.random() < 0.4 else "too dear" for v in y]
    verdicts = _verdicts(frame.with_columns(reason=pl.Series(reason, dtype=pl.String)), y)
    assert verdicts["reason"][0] == "leak"
    assert "one outcome only" in verdicts["reason"][1]


def test_later_notes_are_a_leak_and_missing_values_alone_are_a_suspect() -> None:
    frame, y, _ = _data()
    rng = np.random.default_rng(2)
    tags = [
        None if rng.random() < 0.3 else str(rng.choice(["will revert", "closed"] if v else ["ringing", "switched off"]))
        for v in y
    ]
    gap = [None if rng.random() < (0.1 if v else 0.6) else float(rng.normal()) for v in y]
    verdicts = _verdicts(
        frame.with_columns(tags=pl.Series(tags, dtype=pl.String), gap=pl.Series(gap, dtype=pl.Float64)), y
    )
    assert verdicts["tags"][0] == "leak"
    assert verdicts["gap"][0] == "suspect"
    assert "missing indicator" in verdicts["gap"][1]


def test_instants_after_the_prediction_time_and_a_column_weak_in_the_newest_rows() -> None:
    frame, y, as_of = _data()
    paid = pl.Series(as_of + np.where(y, 5, -5) * DAY)
    old = np.arange(len(y)) < 0.8 * len(y)
    rng = np.random.default_rng(3)
    later = pl.Series(np.where(old, y * 1.0 + rng.normal(0, 0.3, len(y)), rng.normal(0, 0.5, len(y))))
    verdicts = _verdicts(frame.with_columns(paid_at=paid, later=later), y, as_of=as_of, instants=["paid_at"])
    assert verdicts["paid_at"][0] == "leak"
    assert "after as_of" in verdicts["paid_at"][1]
    assert "weak in newest rows" in verdicts["later"][1]


def test_an_amount_in_another_unit_is_a_leak() -> None:
    rng = np.random.default_rng(0)
    price = rng.lognormal(12, 0.5, 2_000)
    frame = pl.DataFrame({"mileage": -price + rng.normal(0, 50_000, 2_000), "in_cents": 100 * price})
    assert _verdicts(frame, price) == {"in_cents": ("leak", {"copy of outcome"})} | {
        k: v for k, v in _verdicts(frame, price).items() if v[0] == "suspect"
    }


def test_few_rows_give_no_verdict() -> None:
    frame, y, _ = _data(n=100)
    assert _verdicts(frame.with_columns(copy=pl.Series(y)), y) == {}
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
    output = chehang("check", "credit_risk", "-c", str(config), home=tmp_path / "home").stdout
    assert "collections" in output
    assert "leak" in output
    acknowledged = ("--set", "acknowledged_leaks=[collections]")
    chehang("train", "credit_risk", "-c", str(config), *acknowledged, home=tmp_path / "home")
    unknown = ("--set", "acknowledged_leaks=[nothing]")
    refused = chehang("train", "credit_risk", "-c", str(config), *unknown, home=tmp_path / "home", check=False)
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
    verdicts = _verdicts(leads.drop("Converted"), leads["Converted"].to_numpy())
    assert {c for c, (verdict, _) in verdicts.items() if verdict == "leak"} == {"Tags", "Lead Quality"}
    listed = {c.lower().replace(" ", "_") for c in verdicts}
    assert listed >= AFTER_CONTACT
    assert len(verdicts) - 2 - len(AFTER_CONTACT) <= 6
    assert all(rules for _, rules in verdicts.values())


@pytest.mark.realdata
def test_real_leads_by_configuration_are_checked_and_refused(tmp_path: Path, data_folder: Path) -> None:
    folder = Path(__file__).parents[4] / "configs" / "examples" / "leads_xeducation"
    options = ("-c", str(folder / "lead_scoring.yaml"), "--with", str(folder / "after_contact.yaml"))
    refused = chehang("train", "lead_scoring", *options, home=tmp_path, check=False, CHEHANG_DATA=str(data_folder))
    assert refused.returncode == 1
    assert "'tags'" in refused.stderr
    assert "'lead_quality'" in refused.stderr


@pytest.mark.realdata
def test_real_borrowers_have_no_leak(data_folder: Path) -> None:
    credit = pl.read_parquet(data_folder / "credit_gmsc" / "cs-training.parquet")
    verdicts = _verdicts(credit.drop("SeriousDlqin2yrs"), credit["SeriousDlqin2yrs"].to_numpy())
    assert "leak" not in {verdict for verdict, _ in verdicts.values()}
    assert len(verdicts) <= 3

"""The repair of credit files: what is hidden, from when, and that risk and other data stay as they are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from training.simulator import Changes, Size, generate
from training.simulator.bureau_repair import Overdues, hidden_from
from training.simulator.draws import NEVER
from training.simulator.seasons import DAY


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def overdue(amount: float, due: str, repaid: str | None) -> Overdues:
    repaid_at = NEVER if repaid is None else at(repaid)
    return Overdues(np.array([0]), np.array([amount]), np.array([at(due)]), np.array([repaid_at]), np.array([30]))


@pytest.mark.parametrize(
    ("amount", "due", "repaid", "hidden"),
    [
        (10_000.0, "2024-05-01", "2024-06-01", "2026-01-01"),
        (10_000.01, "2024-05-01", "2024-06-01", None),  # too large
        (500.0, "2019-12-31", "2020-02-01", None),  # before 2020
        (500.0, "2026-01-01", "2026-02-01", None),  # after 2025
        (500.0, "2025-10-01", "2025-11-30", "2026-01-01"),
        (500.0, "2025-10-01", "2025-12-01", "2026-02-01"),  # from the end of the next month
        (500.0, "2025-12-31", "2026-03-31", "2026-05-01"),
        (500.0, "2025-12-31", "2026-04-01", None),  # repaid too late
        (500.0, "2025-12-31", None, None),
    ],
)
def test_rules_of_the_repair(amount: float, due: str, repaid: str | None, hidden: str | None) -> None:
    assert hidden_from(overdue(amount, due, repaid))[0] == (NEVER if hidden is None else at(hidden))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    size = Size(stores=2, customers=2_000, months=8, start="2025-09-01")
    folders = tmp_path_factory.mktemp("repair") / "with", tmp_path_factory.mktemp("repair") / "without"
    generate(size, folders[0], changes=Changes(bureau_repair=True))
    generate(size, folders[1])
    return folders


def test_files_shrink_from_january_and_risk_does_not(samples: tuple[Path, Path]) -> None:
    repaired, original = (pl.read_parquet(folder / "tables" / "applications.parquet") for folder in samples)
    is_late = repaired["submitted_at"] >= datetime(2026, 1, 1, tzinfo=UTC)
    assert repaired.filter(~is_late).drop("decision").equals(original.filter(~is_late).drop("decision"))
    for column, sign in (("bureau_delinquencies_24m", -1), ("bureau_worst_days_past_due", -1), ("bureau_score", 1)):
        change = (repaired[column] - original[column]).filter(is_late).drop_nulls()
        assert sign * change.mean() > 0
        assert (sign * change >= 0).all()
    shown = repaired.filter(pl.col("bureau_delinquencies_24m") == 0)
    assert (shown["bureau_worst_days_past_due"] == 0).all()
    truths = [pl.read_parquet(folder / "truth" / "applications.parquet") for folder in samples]
    assert truths[0]["probability_of_default"].equals(truths[1]["probability_of_default"])
    hidden = pl.read_parquet(samples[0] / "truth" / "bureau_repair.parquet")
    late = repaired.filter(is_late).height
    assert 0.05 < hidden.height / late < 0.25
    assert (hidden["hidden_overdues"] <= hidden["bureau_delinquencies_24m"]).all()


def test_other_tables_are_the_same(samples: tuple[Path, Path]) -> None:
    for table in ("leads", "sales", "events", "service_records", "vehicles"):
        frames = [(folder / "tables" / f"{table}.parquet").read_bytes() for folder in samples]
        assert frames[0] == frames[1]
    assert not (samples[1] / "truth" / "bureau_repair.parquet").exists()


def test_overdues_fell_due_before_the_application() -> None:
    from training.simulator.applicants import build_applicants
    from training.simulator.applications import build_applications
    from training.simulator.bureau_repair import draw_overdues
    from training.simulator.world import build_world

    size = Size(stores=1, customers=500, months=3)
    applicants = build_applicants(size.stream("applicants"), build_world(size))
    applications = build_applications(size.stream("lending"), applicants)
    overdues = draw_overdues(size.stream("bureau"), applications, applicants.submitted_at)
    age = applicants.submitted_at[overdues.application] - overdues.due_at
    assert ((age >= overdues.days * DAY) & (age <= 730 * DAY)).all()
    worst = np.zeros(len(applicants), dtype=np.int64)
    np.maximum.at(worst, overdues.application, overdues.days)
    assert (worst == applications.worst).all()

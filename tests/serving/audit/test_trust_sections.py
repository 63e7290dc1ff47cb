"""Sections on verification, fairness and promotions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from ml.champions import Move
from ml.report.sections import Paragraph, Table
from serving.audit.fairness import fairness_of
from serving.audit.trust_sections import fairness_sections, promotion_section, verification_section
from serving.decisions.verification import verify_log
from tests.serving.audit.content import ALL_TIME, sample_log
from tests.serving.audit.test_fairness import decisions
from tests.serving.decisions.logs import KEYS
from tests.serving.decisions.tampering import FILE, tamper


def test_a_whole_log_and_a_broken_one(tmp_path: Path) -> None:
    engine = sample_log(tmp_path)
    section = verification_section(verify_log(engine, keys=KEYS), ALL_TIME)
    assert section.summary is not None and section.rows == ()
    assert "The log is whole. 9 entries, 2026-01-10 12:00:00" in section.summary.en
    assert "4 stored, 4 compared with their digest" in section.summary.en
    tamper(tmp_path / FILE, "UPDATE decision_entries SET content = '[]' WHERE sequence = 4")
    section = verification_section(verify_log(engine, keys=KEYS), ALL_TIME)
    assert section.summary is not None and "The log is broken: 1 faults, first at entry 4" in section.summary.en
    assert section.rows[0]["entry"] == 4 and section.rows[0]["kind"] == "altered"


def test_fairness_states_its_denominators() -> None:
    table, bars = fairness_sections(fairness_of(decisions(female=(30, 30), male=(80, 20))))
    assert isinstance(table, Table) and table.summary is not None
    assert "Inputs of 160 of 160 decisions with a band were read; the others: none is missing." in table.summary.en
    (row,) = table.rows
    assert (row["attribute"], row["lowest"], row["highest"], row["ratio"]) == ("gender", "female", "male", 0.625)
    assert row["met"] is False and isinstance(row["low"], float) and row["low"] < 0.625
    assert [r["approval_rate"] for r in bars.table().rows] == [0.5, 0.8]


def test_fairness_without_inputs_says_how_to_get_it() -> None:
    (section,) = fairness_sections(None)
    assert isinstance(section, Paragraph) and "--personal --who --why" in section.shown("en")


def test_promotions_are_listed_by_model() -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    move = Move(2, 1, "promote", "zhao", when, "better", True, {})
    (row,) = promotion_section({"credit_risk": [move], "lead_scoring": []}, ALL_TIME).rows
    assert (row["model"], row["version"], row["at"], row["forced"]) == ("credit_risk", 2, "2026-01-01 08:00:00", True)

"""Gate results as JSON."""

from __future__ import annotations

from datetime import UTC, datetime

from ml.champions.gate_result import GateCheck, GateResult


def test_a_result_is_read_back_whole_and_passes_only_if_every_condition_does() -> None:
    checks = (GateCheck("准确率 beats", True, "0.71 [0.70, 0.72]"), GateCheck("guard brier", False, '0.3; "x"'))
    result = GateResult(None, checks, datetime(2026, 3, 1, 8, 30, tzinfo=UTC), "unknown")
    assert GateResult.from_json(result.to_json()) == result
    assert not result.passed and result.failures == 'guard brier: 0.3; "x"'
    assert GateResult(1, checks[:1], result.evaluated_at, "unknown").passed

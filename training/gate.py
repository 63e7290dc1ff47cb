"""The gate in front of the champion alias: judges a version, and stores the result with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ml import champions
from ml.champions import GateCheck, GateResult, Move, Version
from training.study import STUDIES
from training.tracking import git_commit


def check_candidate(candidate: Version, champion: Version | None) -> GateResult:
    """Compare a candidate with the champion on the candidate's own test rows, and store the result with the candidate.

    Parameters
    ----------
    candidate : Version
        To be promoted.
    champion : Version or None
        The promoted one; without one the candidate must beat the baseline.

    Returns
    -------
    GateResult
        Conditions: the primary metric gains more than its interval; each guard of the configuration holds; the model
        answers its example, and one row at a time like a batch.
    """
    result = GateResult(
        champion=champion.number if champion else None,
        checks=tuple(_checks(candidate, champion)),
        evaluated_at=datetime.now(UTC),
        code_version=git_commit(),
    )
    champions.record_gate(candidate, result)
    return result


def _checks(candidate: Version, champion: Version | None) -> Sequence[GateCheck]:
    model = champions.load(candidate)
    other = None if champion is None else champions.load(champion)
    with champions.report_files(candidate) as holdout:
        return STUDIES[type(model.task.problem)].gate_checks(model, other, holdout)


def promote(
    task: str, number: int | None = None, *, who: str, force: bool = False, reason: str | None = None
) -> tuple[Move, GateResult]:
    """Judge a version, store the result with it, and move the champion alias to it if the result allows that.

    Parameters
    ----------
    task : str
        Name of the task.
    number : int, optional
        Version; the latest if not given.
    who : str
        The person who moves it.
    force, reason : bool, str
        Promote in spite of the gate; the reason is recorded.

    Raises
    ------
    NotPromoted, ModelNotFound, ConfigError
        As for `ml.champions.promote`.
    """
    version, champion = champions.candidate(task, number, force=force, reason=reason)
    result = check_candidate(version, champion)
    return champions.promote(task, version.number, who=who, force=force, reason=reason), result

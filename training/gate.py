"""Promotion gate: compare a version with the champion, store the result with the version, and promote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ml import champions
from ml.champions import GateCheck, GateResult, Move, Version
from training.study import STUDIES
from training.tracking import git_commit


def _check_candidate(candidate: Version, champion: Version | None) -> GateResult:
    """Run the checks of the promotion gate and store their result with the candidate.

    The checks use the test rows that were stored when the candidate was trained; no source is read.
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
    champion_model = None if champion is None else champions.load(champion)
    with champions.report_files(candidate) as holdout:
        return STUDIES[type(model.task.problem)].gate_checks(model, champion_model, holdout)


def promote(
    task: str, number: int | None = None, *, who: str, force: bool = False, reason: str | None = None
) -> tuple[Move, GateResult]:
    """Run the promotion gate on a version and make it the champion if every check passes.

    The checks use the test rows that were stored when the version was trained; no source is read. The primary metric is
    better than that of the champion (without a champion: than the baseline), with a 95% interval that excludes zero;
    every limit under `gate` in the configuration holds; the model answers its example request; single and batch
    predictions agree. The result is stored with the version, whether it passes or not.

    Parameters
    ----------
    task : str
        Name of the task, such as 'credit_risk'.
    number : int, optional
        Version number, from 1, such as ``training.train.train(config).version.number``; default: the latest version.
    who : str
        Name of the person who promotes, for the history.
    force : bool
        Promote although a check fails; `reason` is then required.
    reason : str, optional
        Recorded in the history.

    Returns
    -------
    Move
        Entry of the champion's history: `version`, `previous` (the champion before, or None), `who`, `when` (UTC).
    GateResult
        `checks`, each with `name`, `passed` and `detail` (the figures as text), and `passed` for all of them.

    Raises
    ------
    NotPromoted
        A check failed and `force` is not set, `force` is set without `reason`, or the version is the champion already.
    ModelNotFound
        The task has no such version.

    Examples
    --------
    Needs a registered version.

    >>> move, result = promote("credit_risk", 1, who="li.wei")  # doctest: +SKIP
    >>> move.version, [(check.name, check.passed) for check in result.checks]  # doctest: +SKIP
    """
    version, champion = champions.candidate(task, number, force=force, reason=reason)
    result = _check_candidate(version, champion)
    return champions.promote(task, version.number, who=who, force=force, reason=reason), result

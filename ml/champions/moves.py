"""Promotion and rollback of champions, and the history of both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from features.errors import ChehangError, ModelNotFound
from ml.champions.model_versions import CHAMPION, Version, champion, champion_number, load, version
from ml.champions.store import store_client
from ml.home import locked
from ml.registry import check_task

MAX_REASON_CHARACTERS = 1_000  # a database keeps 5,000 characters of an entry
_JOURNAL = "move."


class NotPromoted(ChehangError):
    """The version was not promoted; train a better one, evaluate the gate again, or pass --force with a reason."""


@dataclass(frozen=True)
class Move:
    """One move of the champion alias, as returned by `promote`, `roll_back` and `history` of `ml.champions`.

    Attributes
    ----------
    version : int
        The new champion.
    previous : int or None
        The champion before; None if there was none.
    action : {'promote', 'rollback'}
        Command that moved the alias.
    who, why : str
        Person and reason, as passed by the caller.
    when : datetime
        Time of the move, in UTC.
    forced : bool
        Whether the version was promoted although no valid gate result allowed it.
    metrics : mapping of str to float
        Metrics of the new champion, as logged by its run and in the units of its report.
    """

    version: int
    previous: int | None
    action: str
    who: str
    when: datetime
    why: str
    forced: bool
    metrics: Mapping[str, float]


def candidate(
    task: str, number: int | None = None, *, force: bool = False, reason: str | None = None
) -> tuple[Version, Version | None]:
    """Return the version that a promotion would make champion, and the present champion (None if there is none).

    Parameters
    ----------
    task : str
        Name of the task, such as "credit_risk".
    number : int, optional
        Version; default: the latest.
    force : bool
        Whether the promotion ignores the gate; requires a reason.
    reason : str, optional
        Reason of the promotion, at most 1,000 characters.

    Returns
    -------
    version, champion : Version, Version or None
        As returned by `ml.champions.version` and `ml.champions.champion`. Nothing is changed; `promote` moves the
        alias.

    Raises
    ------
    NotPromoted
        The version is the champion already, a forced promotion has no reason, or the reason is too long.
    ModelNotFound
        The task has no such version.
    ConfigError
        The task is unknown, or (`StoreError`) the tracking store cannot be read.
    """
    if force and not (reason or "").strip():
        raise NotPromoted("--force needs --reason: state why the gate is ignored; the history records it")
    if len(reason or "") > MAX_REASON_CHARACTERS:
        raise NotPromoted(f"--reason has {len(reason or ''):,} characters, at most {MAX_REASON_CHARACTERS:,} fit")
    check_task(task)
    chosen, present = version(task, number), champion(task)
    if present is not None and present.number == chosen.number:
        raise NotPromoted(
            f"{task} version {chosen.number} is the champion already; train another with: chehang train {task}"
        )
    return chosen, present


def promote(task: str, number: int | None = None, *, who: str, reason: str | None = None, force: bool = False) -> Move:
    """Make a version champion if its stored gate result allows it.

    A gate result is valid if every check passed and the version was compared with the present champion.

    Processes on one machine take a lock, so the second of two concurrent promotions sees the first. A process that is
    killed at any point leaves the alias at the old or the new version, and a history that agrees with it. Machines that
    share a server have no common lock: each reads the alias directly before and after its move, and raises an error if
    another machine moved it. If two machines do so within milliseconds, the last one wins and the history shows both.

    Parameters
    ----------
    task : str
        Name of the task, such as "credit_risk".
    number : int, optional
        Version; default: the latest.
    who : str
        Person who promotes.
    reason : str, optional
        Recorded in the history, at most 1,000 characters; default: the first check of the gate.
    force : bool
        Whether to promote without a valid gate result; requires a reason.

    Returns
    -------
    Move
        The new entry of the history: numbers of the new and the previous champion, person, reason and time (UTC).

    Raises
    ------
    NotPromoted
        The version has no valid gate result (the message lists the failed checks, or the champion it was compared
        with) or is the champion already, `force` lacks a reason, or another machine moved the alias at the same time.
    ModelNotFound
        The task has no such version, or the checksum of a file differs.
    ConfigError
        The task is unknown.
    StoreError
        The registry cannot be read or written.
    """
    with _turn(task):
        chosen, present = candidate(task, number, force=force, reason=reason)
        refusal = _refusal(chosen, present)
        if refusal and not force:
            raise NotPromoted(refusal)
        checks = chosen.gate.checks if chosen.gate else ()
        why = reason or "; ".join(f"{c.name}: {c.detail}" for c in checks[:1])[:MAX_REASON_CHARACTERS]
        return _move(chosen, present, action="promote", who=who, why=why, forced=bool(refusal))


def roll_back(task: str, *, who: str, reason: str | None = None) -> Move:
    """Make the previous champion of a task champion again.

    Processes on one machine take a lock. A process that is killed leaves the alias at the old or the new version, and a
    history that agrees with it. An alias that another machine moved at the same time is an error.

    Parameters
    ----------
    task : str
        Name of the task, such as "credit_risk".
    who : str
        Person who rolls back.
    reason : str, optional
        Recorded in the history; default: a text that names the version before.

    Returns
    -------
    Move
        The new entry of the history; `version` is the earlier champion, `previous` the one that was replaced.

    Raises
    ------
    ModelNotFound
        There is no earlier champion, or the checksum of one of its files differs.
    ConfigError
        The task is unknown.
    StoreError
        The registry cannot be read or written.
    """
    check_task(task)
    with _turn(task):
        present = champion(task)
        earlier = earlier_champion(history(task), present.number if present else None)
        if present is None or earlier is None:
            version(task)  # raises ModelNotFound if the model has no version, because its name may be misspelt
            raise ModelNotFound(f"{task} has no earlier champion to go back to; see: chehang history {task}")
        why = reason or f"back from version {present.number}"
        return _move(version(task, earlier), present, action="rollback", who=who, why=why)


def history(task: str) -> list[Move]:
    """Return all promotions and rollbacks of a task, such as "credit_risk", that took effect, the oldest first.

    An entry is written before the alias moves and confirmed afterwards. An unconfirmed entry, whose process was
    killed, is returned if the next entry or the alias agrees with it. The list is empty if nothing was promoted.

    Raises
    ------
    StoreError
        The tracking store cannot be read.
    """
    with store_client("reading the history") as client:
        if client is None or not client.search_registered_models(f"name='{task}'"):
            return []
        tags = client.get_registered_model(task).tags
    entries = [json.loads(tags[key]) for key in sorted(tags) if key.startswith(_JOURNAL)]
    followers = [*(e["previous"] for e in entries[1:]), champion_number(task)]
    pairs = zip(entries, followers, strict=False)  # without entries, another tool set the alias
    return [_read(e) for e, follower in pairs if e["confirmed"] or e["version"] == follower]


def earlier_champion(moves: Sequence[Move], current: int | None) -> int | None:
    """Return the version to which `roll_back` would return; None if there is none.

    Parameters
    ----------
    moves : sequence of Move
        As returned by `history`.
    current : int or None
        Number of the present champion, as returned by `champion_number`.

    Examples
    --------
    After promoting 1, 2, 3 and rolling back once, that is 1:

    >>> from datetime import UTC, datetime
    >>> steps = ((1, "promote"), (2, "promote"), (3, "promote"), (2, "rollback"))
    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> moves = [Move(n, None, action, "li.wei", at, "", False, {}) for n, action in steps]
    >>> earlier_champion(moves, 2)
    1
    """
    stack: list[int] = []
    for move in moves:
        if move.action == "rollback" and len(stack) > 1:
            stack.pop()
        else:
            stack.append(move.version)
    return stack[-2] if len(stack) > 1 and stack[-1] == current else None


def _turn(task: str) -> AbstractContextManager[None]:
    return locked(f"champion-{task}")


def _refusal(chosen: Version, present: Version | None) -> str:
    """Return why the gate does not allow a promotion; the empty text if it does."""
    name, number = f"{chosen.task} version {chosen.number}", present.number if present else None
    command = f"chehang promote {chosen.task} --version {chosen.number}"
    if chosen.gate is None:
        return f"{name} was not promoted: the gate has not evaluated it; evaluate and promote it with: {command}"
    if chosen.gate.champion != number:
        then, now = (f"version {n}" if n else "no champion" for n in (chosen.gate.champion, number))
        return (
            f"{name} was not promoted: the gate compared it with {then}, but the champion is now {now}; "
            f"evaluate it again with: {command}"
        )
    return "" if chosen.gate.passed else f"{name} was not promoted; failed checks: {chosen.gate.failures}"


def _move(target: Version, present: Version | None, *, action: str, who: str, why: str, forced: bool = False) -> Move:
    """Write a history entry, move the alias, confirm the entry; `history` allows for a kill after each step."""
    task, previous = target.task, present.number if present else None
    load(target)  # a server that starts later could not load damaged files
    if champion_number(task) != previous:  # reading the files takes seconds
        raise _moved_elsewhere(target)
    move = Move(
        version=target.number,
        previous=previous,
        action=action,
        who=who,
        when=datetime.now(UTC),
        why=why,
        forced=forced,
        metrics={k: v for k, v in target.metrics.items() if "/" not in k},
    )
    with store_client("moving the champion") as client:
        assert client is not None, "a version comes from a store"
        count = sum(key.startswith(_JOURNAL) for key in client.get_registered_model(task).tags)
        key = f"{_JOURNAL}{count:06}.{uuid4().hex[:8]}"  # numbered, because the clocks of two machines differ
        client.set_registered_model_tag(task, key, _written(move, confirmed=False))
        client.set_registered_model_alias(task, CHAMPION, str(target.number))
        if champion_number(task) != target.number:
            raise _moved_elsewhere(target)
        client.set_registered_model_tag(task, key, _written(move, confirmed=True))
    return move


def _moved_elsewhere(target: Version) -> NotPromoted:
    task, number = target.task, champion_number(target.task)
    return NotPromoted(
        f"{task} version {target.number} is not champion: another machine made version {number} champion "
        f"at the same time; see: chehang history {task}"
    )


def _written(move: Move, *, confirmed: bool) -> str:
    content = {**asdict(move), "when": move.when.isoformat(), "confirmed": confirmed}
    return json.dumps(content, ensure_ascii=False)


def _read(entry: Mapping[str, Any]) -> Move:
    fields = {k: v for k, v in entry.items() if k != "confirmed"}
    return Move(**{**fields, "when": datetime.fromisoformat(entry["when"])})

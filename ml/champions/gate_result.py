"""The result of the promotion gate, as text that is stored with the model version."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self


@dataclass(frozen=True)
class GateCheck:
    """One condition of the gate.

    Attributes
    ----------
    name : str
        The condition, as in "roc_auc beats the champion".
    passed : bool
        Whether it holds.
    detail : str
        The figures behind it.
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class GateResult:
    """All conditions of the gate for one version, and what they were judged against.

    Attributes
    ----------
    champion : int or None
        Version that was champion, None without one. The result counts only while this stays true.
    checks : tuple of GateCheck
        Every condition, passed or not.
    evaluated_at : datetime
        When, in UTC.
    code_version : str
        Commit of the code that judged.

    Examples
    --------
    >>> from datetime import UTC
    >>> check = GateCheck("brier beats the champion", False, "gain over version 1: -0.01")
    >>> result = GateResult(1, (check,), datetime(2026, 3, 1, tzinfo=UTC), "90d490")
    >>> result.passed, result.failures
    (False, 'brier beats the champion: gain over version 1: -0.01')
    >>> GateResult.from_json(result.to_json()) == result
    True
    """

    champion: int | None
    checks: tuple[GateCheck, ...]
    evaluated_at: datetime
    code_version: str

    @property
    def passed(self) -> bool:
        """Whether every condition holds."""
        return all(c.passed for c in self.checks)

    @property
    def failures(self) -> str:
        """Each condition that does not hold, with its figures."""
        return "; ".join(f"{c.name}: {c.detail}" for c in self.checks if not c.passed)

    def to_json(self) -> str:
        """Return the text that `from_json` reads."""
        return json.dumps({**asdict(self), "evaluated_at": self.evaluated_at.isoformat()}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the text that `to_json` returned."""
        content = json.loads(text)
        return cls(
            champion=content["champion"],
            checks=tuple(GateCheck(**c) for c in content["checks"]),
            evaluated_at=datetime.fromisoformat(content["evaluated_at"]),
            code_version=content["code_version"],
        )

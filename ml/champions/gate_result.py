"""Result of the promotion gate, stored as JSON with the model version."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self


@dataclass(frozen=True)
class GateCheck:
    """One condition of the promotion gate, as in ``GateResult.checks``.

    Attributes
    ----------
    name : str
        The condition, such as "roc_auc beats the champion".
    passed : bool
        Whether the version meets the condition.
    detail : str
        The figures on which `passed` rests, such as "gain over version 1: -0.01".
    """

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class GateResult:
    """Result of the promotion gate for one version, as in ``ml.champions.version("credit_risk", 3).gate``.

    Attributes
    ----------
    champion : int or None
        Champion with which the version was compared; None if there was none. The result is valid as long as this
        version is champion.
    checks : tuple of GateCheck
        All conditions, passed or failed.
    evaluated_at : datetime
        Time of the evaluation, in UTC.
    code_version : str
        Commit of the code that evaluated the gate.

    Examples
    --------
    >>> from datetime import UTC, datetime
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
        """Return whether every check passed."""
        return all(c.passed for c in self.checks)

    @property
    def failures(self) -> str:
        """Return the failed checks with their figures, as one text; the empty text if all passed."""
        return "; ".join(f"{c.name}: {c.detail}" for c in self.checks if not c.passed)

    def to_json(self) -> str:
        """Return the result as a JSON text, which `from_json` reads."""
        return json.dumps({**asdict(self), "evaluated_at": self.evaluated_at.isoformat()}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the result from the JSON text that `to_json` returned."""
        content = json.loads(text)
        return cls(
            champion=content["champion"],
            checks=tuple(GateCheck(**c) for c in content["checks"]),
            evaluated_at=datetime.fromisoformat(content["evaluated_at"]),
            code_version=content["code_version"],
        )

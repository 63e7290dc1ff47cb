"""Rules of `configs/lead_desk.yaml`: which leads are open, when they come back, why they are given up."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from features.yaml_config import Section, load_yaml
from ml.bilingual import Text
from serving.asgi import Problem
from serving.work.routing import WorkContext

RULES = "lead_desk.yaml"
_NONE = Text(zh="其他原因", en="another reason")


class LeadDeskRules(Section):
    """Rules of the work on leads; ``LeadDeskRules()`` has the defaults.

    Attributes
    ----------
    oldest_days, follow_up_days, reminder_days, silent_days, evidence_days : float
        Days; see the file.
    retry_hours : tuple of float
        Hours after an attempt without an answer, by attempt; the last one holds for further attempts.
    assign_at_once : int
        Leads that the form of assignments proposes.
    costly_hour, urgent_hour : float
        Yuan an hour; see the file.
    loss_reasons : mapping of str to Text
        Reasons for which a lead is given up, by code.

    Examples
    --------
    >>> LeadDeskRules().retry_after(1), LeadDeskRules().retry_after(9)
    (2.0, 48.0)
    """

    oldest_days: float = Field(60, gt=0, le=3_650)
    follow_up_days: float = Field(3, ge=0, le=365)
    retry_hours: tuple[float, ...] = Field((2.0, 20.0, 48.0), min_length=1, strict=False)
    assign_at_once: int = Field(20, ge=1, le=1_000)
    costly_hour: float = Field(100, ge=0)
    urgent_hour: float = Field(1, ge=0)
    reminder_days: float = Field(60, gt=0, le=3_650)
    silent_days: float = Field(7, ge=0, le=365)
    evidence_days: float = Field(91, gt=0, le=365)
    loss_reasons: dict[str, Text] = Field(default_factory=lambda: {"other": _NONE})

    def retry_after(self, attempts: int) -> float:
        """Return the hours after which a lead comes back that was not reached, after so many attempts."""
        return self.retry_hours[min(attempts, len(self.retry_hours)) - 1]


def lead_rules(context: WorkContext) -> LeadDeskRules:
    """Return the rules of the folder of configurations; without the file the defaults.

    Raises
    ------
    Problem
        Status 503 (`invalid_rules`): the file has a mistake; its text names the key, not the folder.
    """
    from features.errors import ConfigError

    path: Path = context.configs / RULES
    if not path.is_file():
        return LeadDeskRules()
    try:
        return load_yaml(path, LeadDeskRules)
    except ConfigError:
        raise Problem(
            503, "invalid_rules", f"{RULES} has a mistake; `chehang config` of the service's operator names it"
        ) from None

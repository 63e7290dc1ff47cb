"""The tasks of the product, by name."""

from __future__ import annotations

from ml.credit_risk import TASK as CREDIT_RISK
from ml.task import Task

TASKS: dict[str, Task] = {CREDIT_RISK.name: CREDIT_RISK}

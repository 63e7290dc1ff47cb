"""The tasks of the product, by name."""

from __future__ import annotations

from ml.credit_risk import TASK as CREDIT_RISK
from ml.residual_value import TASK as RESIDUAL_VALUE
from ml.task import Task

TASKS: dict[str, Task] = {t.name: t for t in (CREDIT_RISK, RESIDUAL_VALUE)}

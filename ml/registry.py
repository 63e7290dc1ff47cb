"""The tasks of the product, and the questions beside them, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ml import loan_offers
from ml.credit_risk import TASK as CREDIT_RISK
from ml.demand_forecast import TASK as DEMAND_FORECAST
from ml.demand_forecast import orders
from ml.endpoint import Endpoint
from ml.fault_rate import TASK as FAULT_RATE
from ml.fault_rate import endpoints as fault_rate
from ml.lead_scoring import TASK as LEAD_SCORING
from ml.lead_scoring import endpoints as lead_scoring
from ml.recommendation import TASK as RECOMMENDATION
from ml.recommendation import similar
from ml.residual_value import TASK as RESIDUAL_VALUE
from ml.task import Task

TASKS: dict[str, Task] = {
    t.name: t for t in (RECOMMENDATION, LEAD_SCORING, CREDIT_RISK, RESIDUAL_VALUE, DEMAND_FORECAST, FAULT_RATE)
}

# Name to what makes its endpoints from the folder of their rules.
ENDPOINTS: dict[str, Callable[[Path], tuple[Endpoint, ...]]] = {
    "loan_offers": loan_offers.endpoints,
    "recommendation": similar.endpoints,
    "lead_scoring": lead_scoring.endpoints,
    "orders": orders.endpoints,
    "fault_rate": fault_rate.endpoints,
}

"""`POST /v1/fault_rate/safety`: reports of dangerous faults, which wait for no figure."""

from __future__ import annotations

from datetime import date
from typing import Literal, cast

import polars as pl
from pydantic import BaseModel, Field

from ml.bilingual import Text
from ml.endpoint import Champions, Endpoint, no_rules, respond_each
from ml.fault_rate.estimator import FaultEstimator
from ml.fault_rate.prepared_report import DUTIES
from ml.fault_rate.safety_reports import REPORT
from ml.signature import Name, RequestPart

ReportState = Literal["new", "acknowledged", "reported", "closed"]


class SafetyRequest(RequestPart):
    """Filter on the reports of dangerous faults.

    Attributes
    ----------
    states : tuple of str
        Only reports in one of these states; by default those that are new or acknowledged.
    model : str or None
        Only reports of this model.
    limit, offset : int
        Page of the list, the latest first.
    """

    states: tuple[ReportState, ...] = Field(("new", "acknowledged"), min_length=1, max_length=4, strict=False)
    model: Name | None = None
    limit: int = Field(100, ge=1, le=10_000)
    offset: int = Field(0, ge=0, le=10_000_000)


class SafetyReport(BaseModel):
    """One report of a dangerous fault: number and state in the store, and the fields of the workshop line.

    Attributes
    ----------
    id : int
        Number for `chehang safety`.
    title : Text
        Name of the kind.
    words : str
        Words of the line, or the fault code, that match the kind; the rest of the line is not stored.
    """

    id: int
    state: ReportState
    kind: str
    title: Text
    reported_on: date | None
    serviced_on: date | None
    record_id: str
    vehicle_id: str | None
    model: str | None
    built_on: date | None
    store_id: str | None
    component: str | None
    km: float | None
    words: str


class SafetyAnswer(BaseModel):
    """Reports of dangerous faults, the latest first.

    Attributes
    ----------
    total : int
        Number of reports that match; `reports` is one page of them.
    duties : Text
        What the law asks of a dealer; to be checked by a lawyer.
    """

    total: int
    reports: list[SafetyReport]
    duties: Text


def safety(champions: Champions, request: SafetyRequest) -> SafetyAnswer:
    """Return the reports of dangerous faults that the last runs of `chehang alarms` listed.

    Answers `POST /v1/fault_rate/safety`.

    Parameters
    ----------
    champions : mapping of str to Model
        Models by task: ``{"fault_rate": ml.champions.load(ml.champions.version_or_champion("fault_rate"))}``.
    request : SafetyRequest
        For example ``SafetyRequest(states=("new",))``.

    Returns
    -------
    SafetyAnswer
        One page of `reports`, their `total`, and what the law asks of a dealer.
    """
    estimator = cast("FaultEstimator", champions["fault_rate"].estimator)
    rows = estimator.safety_reports.filter(pl.col("state").is_in(request.states))
    rows = rows if request.model is None else rows.filter(model=request.model)
    titles = {kind.name: kind.title for kind in estimator.rules.safety.kinds}
    page = rows.slice(request.offset, request.limit).select("id", "state", *REPORT).to_dicts()
    reports = [SafetyReport(**r, title=titles.get(r["kind"], Text(zh=r["kind"], en=r["kind"]))) for r in page]
    return SafetyAnswer(total=rows.height, reports=reports, duties=DUTIES)


SAFETY = Endpoint(
    path="safety",
    summary={"zh": "不等统计结果的安全问题报告", "en": "Reports of dangerous faults, which wait for no figure"},
    request=lambda champions: SafetyRequest,
    response=SafetyAnswer,
    respond=respond_each(safety),
    example=lambda champions: {"states": ["new", "acknowledged"]},
    rules=no_rules,
    public_errors=True,
)

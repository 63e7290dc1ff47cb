"""Endpoints of the dashboard: `/v1/overview` and its parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, Field

from ml.bilingual import Text
from serving.work.overview import trade
from serving.work.overview.channels import ChannelFigures, channel_figures
from serving.work.overview.estimates import Figure
from serving.work.overview.key_figures import Scope, key_figures
from serving.work.overview.loans import LoanFigures, loan_figures
from serving.work.overview.periods import Period, PeriodAnswer, PeriodParameters, complete_months, period_named
from serving.work.overview.stores import StoreTable, store_figures
from serving.work.overview.texts import definition
from serving.work.routing import WorkRequest, WorkRoute

Result = TypeVar("Result")


class PeriodFields(BaseModel):
    """What every part of the dashboard says about its time and stores."""

    as_of: datetime = Field(description="now, as the desk counts it")
    stands_still: bool = Field(description="the data are old, and now is their last morning")
    period: PeriodAnswer
    before: PeriodAnswer = Field(description="the period of the comparison")
    periods: list[str] = Field(description="names of the periods that can be chosen")
    stores: int = Field(description="number of stores")


class OverviewAnswer(PeriodFields):
    """The key figures."""

    figures: list[Figure]


class ChannelsAnswer(PeriodFields):
    """Leads by channel."""

    channels: list[ChannelFigures]
    definition: Text
    cost_definition: Text
    problem: Text | None


class LoansAnswer(PeriodFields, LoanFigures):
    """Loans by month; the period only says now."""


class StoresAnswer(PeriodFields, StoreTable):
    """Stores, the furthest from the expectation first."""


def overview(request: WorkRequest) -> OverviewAnswer:
    """Answer `GET /v1/overview`."""
    scope, period, fields = _opening(request)
    figures = _cached(scope, f"figures {period.name}", lambda: key_figures(scope, period))
    return OverviewAnswer(**fields.__dict__, figures=figures)


def channels(request: WorkRequest) -> ChannelsAnswer:
    """Answer `GET /v1/overview/channels`."""
    scope, period, fields = _opening(request)
    rows, problem = _cached(scope, f"channels {period.name}", lambda: channel_figures(scope, period))
    return ChannelsAnswer(
        **fields.__dict__,
        channels=rows,
        problem=problem,
        definition=definition("conversion", days=trade.horizon_days(request.context)),
        cost_definition=definition("cost_per_sale"),
    )


def loans(request: WorkRequest) -> LoansAnswer:
    """Answer `GET /v1/overview/loans`."""
    scope, _, fields = _opening(request)
    return LoansAnswer(**fields.__dict__, **_cached(scope, "loans", lambda: loan_figures(scope)).__dict__)


def stores(request: WorkRequest) -> StoresAnswer:
    """Answer `GET /v1/overview/stores`."""
    scope, period, fields = _opening(request)
    table = _cached(scope, f"stores {period.name}", lambda: store_figures(scope, period))
    return StoresAnswer(**fields.__dict__, **table.__dict__)


def _cached(scope: Scope, name: str, compute: Callable[[], Result]) -> Result:
    champion = scope.context.store.current("demand_forecast")
    version = None if champion is None else champion.version
    names = "all" if scope.stores is None else "\n".join(sorted(scope.stores))
    return trade.CACHE.cached(scope.context, f"{name} v{version} {names}", compute)


def _opening(request: WorkRequest) -> tuple[Scope, Period, PeriodFields]:
    parameters: PeriodParameters = request.parameters
    clock = request.context.clock
    now = clock.local()
    period = period_named(parameters.period, now)
    limits = request.stores
    if parameters.store_id is not None:
        request.check_store(parameters.store_id)
        limits = frozenset({parameters.store_id})
    regions = trade.store_regions(request.context)
    fields = PeriodFields(
        as_of=now,
        stands_still=clock.stands_still,
        period=period.answer,
        before=period.before().answer,
        periods=["30d", "90d", *complete_months(now)],
        stores=len(regions) if limits is None else len(limits),
    )
    return Scope(request.context, limits), period, fields


ROUTES = (
    WorkRoute(
        "GET",
        "/v1/overview",
        {"zh": "数据看板：关键指标", "en": "Dashboard: key figures"},
        overview,
        OverviewAnswer,
        parameters=PeriodParameters,
    ),
    WorkRoute(
        "GET",
        "/v1/overview/channels",
        {"zh": "数据看板：渠道的成交率与成本", "en": "Dashboard: conversion and cost by channel"},
        channels,
        ChannelsAnswer,
        parameters=PeriodParameters,
    ),
    WorkRoute(
        "GET",
        "/v1/overview/loans",
        {"zh": "数据看板：预审通过率与逾期率", "en": "Dashboard: approval and delinquency by month"},
        loans,
        LoansAnswer,
        parameters=PeriodParameters,
    ),
    WorkRoute(
        "GET",
        "/v1/overview/stores",
        {"zh": "数据看板：门店与预期", "en": "Dashboard: stores against what was expected"},
        stores,
        StoresAnswer,
        parameters=PeriodParameters,
    ),
)

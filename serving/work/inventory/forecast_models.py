"""Answers of the forecasts of totals and series, and of the what-if question."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.bilingual import Text
from serving.work.inventory.order_models import Body, Name

Level = Literal["group", "region", "store", "model", "series"]


class ForecastQuery(BaseModel):
    """Which total or series; without any field the group.

    Attributes
    ----------
    region, store_id, model : str or None
        A region, a store, a model in all stores, or a model in a store.
    """

    model_config = ConfigDict(extra="forbid")

    region: Name | None = None
    store_id: Name | None = None
    model: Name | None = None


class SoldPeriod(BaseModel):
    """Vehicles sold in a period of the history."""

    period: str
    sold: float


class ForecastPeriod(BaseModel):
    """Forecast of a period, vehicles.

    Attributes
    ----------
    mean, median : float
        Expected demand, and its median.
    low, high : float
        Bounds of the 80 % interval.
    last_year : float or None
        Vehicles sold in the same period one season earlier.
    """

    period: str
    mean: float
    median: float
    low: float
    high: float
    last_year: float | None


class ForecastPart(BaseModel):
    """The next period of a part of the total, vehicles.

    Attributes
    ----------
    region, store_id, model : str or None
        What identifies the part.
    mean, low, high : float
        Expected demand in the next period, and its 80 % interval.
    last_sold, last_year : float or None
        Sold in the last period, and in the next one a season earlier.
    on_hand : int or None
        Vehicles in stock at the end of the history; None if not recorded.
    total_mean : float
        Expected demand over all periods of the forecast.
    """

    region: str | None
    store_id: str | None
    model: str | None
    mean: float
    low: float
    high: float
    last_sold: float | None
    last_year: float | None
    on_hand: int | None
    total_mean: float


class DriverText(BaseModel):
    """What raises or lowers the forecast of the next period of a series."""

    name: str
    effect: float
    text: Text


class ForecastAnswer(BaseModel):
    """Forecast of a total or series with its history and parts.

    Attributes
    ----------
    level : str
        group, region, store, model (in all stores) or series (a model in a store).
    region, store_id, model : str or None
        What identifies it; the region of a store is filled in.
    frequency, last_period : str
        Length of a period, and the last one of the history.
    coverage : float
        Probability that the interval promises.
    history : list of SoldPeriod
        The last periods, vehicles sold less returns.
    forecast : list of ForecastPeriod
        Empty if a caller with some stores asks for a total over all stores.
    part_level : str or None
        Level of the parts.
    parts : list of ForecastPart
        Largest expected demand first; their means add up to the mean of the total, their bounds do not.
    ended : list of str
        Models of the store, or of all stores, that are no longer sold: their forecast is 0.
    drivers : list of DriverText
        Of a series.
    warning : Text or None
        Limits of the forecast, such as a short history.
    model_version : int
        Version of the champion.
    """

    level: Level
    region: str | None
    store_id: str | None
    model: str | None
    frequency: str
    last_period: str
    coverage: float
    history: list[SoldPeriod]
    forecast: list[ForecastPeriod]
    part_level: Level | None
    parts: list[ForecastPart]
    ended: list[str]
    drivers: list[DriverText]
    warning: Text | None
    model_version: int


class WhatIf(Body):
    """Price and promotion of a model in a store, to forecast again.

    Attributes
    ----------
    store_id, model : str
        The series.
    price : float or None
        Price of a vehicle in all periods ahead, yuan; None: as recorded last.
    promotion : float or None
        Discount as a fraction of the list price in all periods ahead; None: as recorded last.
    """

    store_id: Name
    model: Name
    price: Annotated[float, Field(gt=0, le=1e8)] | None = None
    promotion: Annotated[float, Field(ge=0, le=1)] | None = None


class WhatIfPeriod(BaseModel):
    """A period as forecast, and with the other price and promotion; vehicles."""

    period: str
    mean: float
    low: float
    high: float
    new_mean: float
    new_low: float
    new_high: float


class WhatIfAnswer(BaseModel):
    """What another price or promotion is forecast to change.

    Attributes
    ----------
    reads_price, reads_promotion : bool
        Whether the champion has these drivers; if not, the question has no effect.
    price, promotion : float or None
        As recorded last, from which the forecast starts.
    lowest_price, highest_price, lowest_promotion, highest_promotion : float or None
        Recorded for the series; beyond them the forecast extrapolates.
    is_beyond_records : bool
        Whether the question leaves them.
    new_price, new_promotion : float or None
        Of the question.
    periods : list of WhatIfPeriod
        One per period ahead.
    change : float
        Change of expected demand over all periods, vehicles.
    change_share : float or None
        The same as a share of the forecast; None if it is 0.
    margin_change : float or None
        Change of gross margin over all periods, yuan, at the recorded purchase cost; None without a price.
    reacts : bool
        Whether the forecast changes by at least 0.1 % in any period.
    """

    store_id: str
    model: str
    reads_price: bool
    reads_promotion: bool
    price: float | None
    promotion: float | None
    lowest_price: float | None
    highest_price: float | None
    lowest_promotion: float | None
    highest_promotion: float | None
    is_beyond_records: bool
    new_price: float | None
    new_promotion: float | None
    periods: list[WhatIfPeriod]
    change: float
    change_share: float | None
    margin_change: float | None
    reacts: bool
    model_version: int

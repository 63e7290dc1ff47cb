"""Request and response of `POST /v1/demand_forecast`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, create_model

from ml.bilingual import Text
from ml.signature import Name, RequestPart, Signature

QuantileLevel = Annotated[float, Field(ge=0.005, le=0.995)]
Period = Annotated[str, Field(min_length=7, max_length=10, pattern=r"^\d{4}-\d{2}(-\d{2})?$")]
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class NewPeriod(RequestPart):
    """Sales of one period after the model's history, or a correction of a period in it.

    Attributes
    ----------
    period : str
        `2026-09` for a month; the date of the first day of a week, or of the day.
    sold : float or None
        Units sold less returns; None if not recorded.
    available : float
        Share of the period with stock, 0 to 1.
    """

    period: Period
    sold: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False)
    available: float = Field(1.0, ge=0, le=1)


class DemandRequest(RequestPart):
    """Fields of every request; a version adds the columns that identify its series and its known-ahead drivers.

    Attributes
    ----------
    levels : tuple of float
        Quantile levels to return, 0.005 to 0.995.
    history : tuple of NewPeriod
        Sales after the model's history; the forecast starts with the period after the last of them.
    like : mapping
        Attributes of a series that is not in the model (cold start): it is forecast from series that share them.
    """

    what_if_fields: ClassVar[tuple[str, ...]] = ()
    validated_horizon: ClassVar[int] = 0

    levels: tuple[QuantileLevel, ...] = Field(DECILES, min_length=1, max_length=50, strict=False)
    history: tuple[NewPeriod, ...] = Field((), max_length=400, strict=False)
    like: dict[Name, Name] = Field(default_factory=dict, max_length=20)


def request(signature: Signature) -> type[BaseModel]:
    """Return the request model of one model version.

    Parameters
    ----------
    signature : Signature
        `ml.demand_forecast.estimator.DemandEstimator.signature`; its last field is `validated_horizon`.

    Returns
    -------
    type of DemandRequest
        Pydantic model with, besides the fields of `DemandRequest`, the optional fields that identify a series or total
        (text), `horizon` (periods), and what-if values of drivers: price in yuan, one number or one per period.

    Examples
    --------
    >>> from ml.signature import Field, Signature
    >>> model = Field(name="model", kind="text", feature=True)
    >>> horizon = Field(name="horizon", kind="integer", low=1, high=4, feature=True)
    >>> validated = Field(name="validated_horizon", kind="integer", high=4, computed=True)
    >>> request_model = request(Signature(fields=(model, horizon, validated)))
    >>> request_model(model="M1", horizon=2, history=[{"period": "2026-09", "sold": 3}]).horizon
    2
    """
    fields: dict[str, Any] = {}
    what_if = [f.name for f in signature.fields if f.kind == "number" and not f.computed]
    for f in signature.fields:
        if f.computed:
            continue
        if f.kind == "text":
            text = "identifies the series" if f.feature else "identifies a total; omit the fields of a series"
            fields[f.name] = (Name | None, Field(None, description=text))
        elif f.name == "horizon":
            fields[f.name] = (int | None, Field(None, ge=int(f.low or 1), le=int(f.high or 1)))
        else:
            one: Any = Annotated[float, Field(ge=0, le=1 if f.name == "promotion" else 1e10, allow_inf_nan=False)]
            several: Any = Annotated[tuple[one, ...], Field(min_length=1, max_length=400, strict=False)]
            unit = "in yuan; " if f.unit == "fen" else ""
            text = f"what-if value, {unit}one number for all forecast periods, or one for each"
            fields[f.name] = (one | several | None, Field(None, description=text))
    model = create_model("DemandQuestion", __base__=DemandRequest, **fields)
    model.what_if_fields = tuple(what_if)
    model.validated_horizon = next(int(f.high or 1) for f in signature.fields if f.name == "validated_horizon")
    return model


class Driver(BaseModel):
    """Effect of one topic on a forecast, relative to the series' baseline demand.

    Attributes
    ----------
    name : str
        Topic, such as price or festival.
    effect : float
        Relative change of demand: 0.22 for 22 % more, -0.1 for 10 % less.
    zh, en : str
        The topic and the effect in words.
    """

    name: str
    effect: float
    zh: str
    en: str


class PeriodForecast(BaseModel):
    """Forecast of one period.

    Attributes
    ----------
    period : str
        `2026-09` for a month; the first day of a week, or the day.
    mean : float
        Expected demand, units.
    quantiles : list of float
        Units, at the levels of the answer, in their order.
    drivers : list of Driver
        The largest effects first; empty unless reasons were requested.
    """

    period: str
    mean: float
    quantiles: list[float]
    drivers: list[Driver] = []


class DemandAnswer(BaseModel):
    """Forecast of one series or total.

    Attributes
    ----------
    identifiers : mapping
        Columns and values of the series or total; empty for the total of all series.
    frequency : str
        day, week or month.
    last_period : str
        Last period of the history; the forecast starts with the next one.
    levels : list of float
        Quantile levels of the forecasts.
    periods : list of PeriodForecast
        One per period ahead.
    demand_class : str or None
        smooth, erratic, intermittent or lumpy; None for a total or a precomputed forecast.
    baseline_demand : float or None
        Demand per period, units, relative to which the drivers' effects are given; None for a total or a precomputed
        forecast.
    recomputed : bool
        Whether the forecast was computed for this request and not read from the precomputed ones.
    warning : Text or None
        Limits of the forecast, such as a short history.
    """

    identifiers: dict[str, str]
    frequency: str
    last_period: str
    levels: list[float]
    periods: list[PeriodForecast]
    demand_class: str | None
    baseline_demand: float | None
    recomputed: bool
    warning: Text | None

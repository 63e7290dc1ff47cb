"""A question about demand, and its answer."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, create_model

from ml.bilingual import Text
from ml.signature import Name, RequestPart, Signature

Level = Annotated[float, Field(ge=0.005, le=0.995)]
Period = Annotated[str, Field(min_length=7, max_length=10, pattern=r"^\d{4}-\d{2}(-\d{2})?$")]
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


class NewPeriod(RequestPart):
    """What happened in a period that the model has not seen, or what corrects one that it has.

    Attributes
    ----------
    period : str
        `2026-09` for a month; the first day of a week, or the day.
    sold : float or None
        Units, returns taken off; None where it is not known.
    available : float
        Share of the period that had stock.
    """

    period: Period
    sold: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False)
    available: float = Field(1.0, ge=0, le=1)


class DemandRequest(RequestPart):
    """What every question has; a version adds the columns that name its series, and the drivers it knows ahead.

    Attributes
    ----------
    levels : tuple of float
        Quantile levels.
    history : tuple of NewPeriod
        What happened since: the forecast is made anew from the period after the last.
    like : mapping
        Attributes of a series that the model does not know: it borrows from those that share them.
    """

    changing: ClassVar[tuple[str, ...]] = ()  # fields that say what if
    validated: ClassVar[int] = 0  # periods ahead that were tested

    levels: tuple[Level, ...] = Field(DECILES, min_length=1, max_length=50, strict=False)
    history: tuple[NewPeriod, ...] = Field((), max_length=400, strict=False)
    like: dict[Name, Name] = Field(default_factory=dict, max_length=20)


def request(signature: Signature) -> type[BaseModel]:
    """The request model of one version."""
    fields: dict[str, Any] = {}
    changing = [f.name for f in signature.fields if f.kind == "number" and not f.computed]
    for f in signature.fields:
        if f.computed:
            continue
        if f.kind == "text":
            told = "names the series" if f.feature else "names a total; leave out what names the series"
            fields[f.name] = (Name | None, Field(None, description=told))
        elif f.name == "horizon":
            fields[f.name] = (int | None, Field(None, ge=int(f.low or 1), le=int(f.high or 1)))
        else:
            one: Any = Annotated[float, Field(ge=0, le=1 if f.name == "promotion" else 1e10, allow_inf_nan=False)]
            several: Any = Annotated[tuple[one, ...], Field(min_length=1, max_length=400, strict=False)]
            unit = "in yuan; " if f.unit == "fen" else ""
            told = f"what if: {unit}one number for all periods, or one for each"
            fields[f.name] = (one | several | None, Field(None, description=told))
    found = create_model("DemandQuestion", __base__=DemandRequest, **fields)
    found.changing = tuple(changing)
    found.validated = next(int(f.high or 1) for f in signature.fields if f.name == "validated_horizon")
    return found


class Driver(BaseModel):
    """What moves a forecast away from what the series usually sells.

    Attributes
    ----------
    effect : float
        Share by which demand is raised, or lowered below 0.
    """

    name: str
    effect: float
    zh: str
    en: str


class PeriodForecast(BaseModel):
    """One period ahead.

    Attributes
    ----------
    mean : float
        Expected demand.
    quantiles : list of float
        At the levels of the answer, in their order.
    drivers : list of Driver
        Strongest first; only where reasons were asked for.
    """

    period: str
    mean: float
    quantiles: list[float]
    drivers: list[Driver] = []


class DemandAnswer(BaseModel):
    """What will be wanted.

    Attributes
    ----------
    of : mapping
        What the forecast is of; empty for everything together.
    demand_class : str or None
        smooth, erratic, intermittent or lumpy; None for a total.
    usual : float or None
        What a period usually sells: where the drivers start from.
    recomputed : bool
        Whether the forecast was made for this question, and not read from those made with the version.
    warning : Text or None
        What to be careful about.
    """

    of: dict[str, str]
    frequency: str
    known_until: str
    levels: list[float]
    periods: list[PeriodForecast]
    demand_class: str | None
    usual: float | None
    recomputed: bool
    warning: Text | None

"""What `configs/demand_forecast.yaml` may set."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from features.periods import SEASONS, Frequency, Timezone
from features.yaml_config import Section
from ml.demand_forecast.calendar import Country

STATISTICAL = ("exponential_smoothing", "theta", "croston", "tsb", "adida", "auto_ets", "auto_arima")


class TreeParams(Section):
    """The global LightGBM model.

    Attributes
    ----------
    bags : int
        Models under different seeds whose mean is taken.
    max_rows : int
        Rows learnt from at most; more are sampled.
    num_threads : int
        Threads of large tables; 0 for as many as `ml.threads.thread_count` grants.
    """

    n_estimators: int = Field(300, ge=1, le=10_000)
    learning_rate: float = Field(0.03, gt=0, le=1)
    num_leaves: int = Field(31, ge=2, le=1_024)
    min_data_in_leaf: int = Field(40, ge=1)
    feature_fraction: float = Field(0.5, gt=0, le=1)
    bagging_fraction: float = Field(0.7, gt=0, le=1)
    lambda_l2: float = Field(5.0, ge=0)
    bags: int = Field(2, ge=1, le=50)
    max_rows: int = Field(400_000, ge=1_000)
    num_threads: int = Field(0, ge=0)


class DemandParams(Section):
    """Demand forecasts.

    Attributes
    ----------
    series : tuple of str
        Columns of `sales` that name a series.
    attributes : tuple of str
        Columns of `sales` that describe a series: new ones borrow from their like.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    timezone : str
        Zone whose midnight divides periods.
    country : str or None
        Whose public holidays count, as ISO 3166; None for none.
    rows : {'transactions', 'periods'}
        Whether rows are added up, or each is a period of a series.
    gaps : {'zero', 'interpolate', 'unknown', 'refuse'}
        What a missing period inside a series means, where rows are periods.
    drivers : tuple of str
        Numeric columns of `sales` that are watched (searches, comments): their past is used.
    known_ahead : tuple of str
        Those of them, with price and promotion, that are known for periods to come.
    horizon : int
        Periods ahead.
    beyond : {'warn', 'refuse'}
        What to do when asked for more than the horizon that was validated.
    weighting : {'volume', 'series'}
        Whether every unit counts the same in learning, or every series.
    validation_origins, test_origins : int
        Origins from which weights and quantiles are learnt, and which are kept for the test.
    levels : tuple of tuple of str, or None
        What series add up to: columns whose equal values make a total, each by itself or crossed; every one of the
        columns by itself if None. Everything together always is a level.
    condition : str or None
        Which vehicles count; None for all.
    candidates : tuple of str
        Classical forecasts to combine with the trees, of: exponential_smoothing, theta, croston, tsb, adida, auto_ets,
        auto_arima.
    uncensor : bool
        Whether sales of periods without stock are taken for a lower bound of demand.
    """

    series: tuple[str, ...] = ("store_id", "model")
    attributes: tuple[str, ...] = ()
    frequency: Frequency = "month"
    timezone: Timezone = "Asia/Shanghai"
    country: Country | None = "CN"
    rows: Literal["transactions", "periods"] = "transactions"
    gaps: Literal["zero", "interpolate", "unknown", "refuse"] = "zero"
    drivers: tuple[str, ...] = ()
    known_ahead: tuple[str, ...] = ("price", "promotion")
    horizon: int = Field(4, ge=1, le=370)
    beyond: Literal["warn", "refuse"] = "refuse"
    weighting: Literal["volume", "series"] = "volume"
    validation_origins: int = Field(4, ge=1, le=100)
    test_origins: int = Field(3, ge=1, le=100)
    candidates: tuple[str, ...] = ("exponential_smoothing", "theta", "croston")
    uncensor: bool = True
    levels: tuple[tuple[str, ...], ...] | None = None
    condition: str | None = "new"
    trees: TreeParams = TreeParams()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not self.series or len(set(self.series)) < len(self.series):
            raise ValueError("series must name one or more different columns of sales")
        unknown = [n for n in self.candidates if n not in STATISTICAL]
        if unknown:
            raise ValueError(f"candidates: '{unknown[0]}' is unknown; there are: {', '.join(STATISTICAL)}")
        if self.horizon > 2 * SEASONS[self.frequency] and self.frequency != "day":
            raise ValueError(f"horizon must be at most two seasons ({2 * SEASONS[self.frequency]} {self.frequency}s)")
        return self

    @property
    def adding_up(self) -> tuple[tuple[str, ...], ...]:
        """Levels above the series, everything last."""
        alone = self.series if len(self.series) > 1 else ()
        given = tuple((c,) for c in (*alone, *self.attributes)) if self.levels is None else self.levels
        return (*dict.fromkeys(level for level in given if level), ())

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """What series are compared with, finest first; everything comes last."""
        keys = tuple((k,) for k in self.series) if len(self.series) > 1 else ()
        described = tuple((a,) for a in self.attributes)
        pairs = tuple((self.series[0], a) for a in self.attributes) if len(self.series) > 1 else ()
        return (*keys[::-1], *pairs, *described, ())

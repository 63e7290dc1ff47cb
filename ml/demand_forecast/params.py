"""Parameters under `params` in `configs/demand_forecast.yaml`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from features.periods import SEASONS, Frequency, Timezone
from features.yaml_config import Section
from ml.demand_forecast.calendar import Country
from ml.demand_forecast.last_period import Unfinished

STATISTICAL = ("exponential_smoothing", "theta", "croston", "tsb", "adida", "auto_ets", "auto_arima")


class TreeParams(Section):
    """Hyperparameters of the global LightGBM model, `DemandParams.trees`; names not listed are LightGBM's.

    Attributes
    ----------
    bags : int
        Number of models with different seeds whose predictions are averaged.
    max_rows : int
        Maximum number of training rows; a larger table is sampled.
    num_threads : int
        Threads for large tables; 0 for the number that `ml.threads.thread_count` returns.
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
    """Parameters of `demand_forecast`: `training.config.load_config("demand_forecast").params`.

    Attributes
    ----------
    series : tuple of str
        Columns of `sales` that identify a series.
    attributes : tuple of str
        Columns of `sales` that describe a series; a new series (cold start) is forecast from series that share them.
    frequency : {'day', 'week', 'month'}
        Length of a period.
    timezone : str
        Time zone whose midnight separates periods; in a study, by default that of the table `sales`.
    country : str or None
        ISO 3166 code of the country whose public holidays are features; None for none.
    rows : {'transactions', 'periods'}
        Whether rows of `sales` are single sales, or one row per series and period (a total).
    duplicates : {'add', 'refuse'} or None
        Whether several rows of a series in one period are added up, or an error. By default they are added up where
        `rows` is transactions, and an error where it is periods.
    gaps : {'zero', 'interpolate', 'unknown', 'refuse'}
        Sales of a period without a row within a series: 0, interpolated, unknown (not used), or an error. With 'zero'
        and transactions, a series without stock records goes on with 0 after its last row; otherwise it ends there, and
        after three periods without a row its forecast is 0.
    unfinished : {'auto', 'drop', 'keep'}
        Whether the last period is used: 'auto' leaves it out if it is not over in the data
        (`ml.demand_forecast.last_period.last_period`), and a note says so; 'drop' leaves it out; 'keep' uses it.
    drivers : tuple of str
        Numeric columns of `sales` used as historical exogenous features (searches, comments).
    known_ahead : tuple of str
        Drivers, `price` and `promotion` included, whose future values are known.
    horizon : int
        Number of periods to forecast.
    beyond : {'warn', 'refuse'}
        Whether a request for more periods than `horizon` is answered with a warning or refused.
    weighting : {'volume', 'series'}
        Whether the loss weights each unit or each series equally.
    validation_origins, test_origins : int
        Number of rolling origins to fit weights and quantiles, and number of held-out origins.
    levels : tuple of tuple of str, or None
        Columns by which totals are reported, one or several crossed; each series and attribute column if None. The
        total of all series is always included.
    condition : str or None
        Condition of the vehicles to count, such as new; None for all.
    candidates : tuple of str
        Classical forecasts to combine with the trees: exponential_smoothing, theta, croston, tsb, adida, auto_ets,
        auto_arima.
    uncensor : bool
        Whether sales of periods with stock-outs are treated as a lower bound of demand.
    trees : TreeParams
        Hyperparameters of the global LightGBM model.
    """

    series: tuple[str, ...] = ("store_id", "model")
    attributes: tuple[str, ...] = ()
    frequency: Frequency = "month"
    timezone: Timezone = "Asia/Shanghai"
    country: Country | None = "CN"
    rows: Literal["transactions", "periods"] = "transactions"
    duplicates: Literal["add", "refuse"] | None = None
    gaps: Literal["zero", "interpolate", "unknown", "refuse"] = "zero"
    unfinished: Unfinished = "auto"
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
    def _check(self) -> Self:
        if not self.series or len(set(self.series)) < len(self.series):
            raise ValueError("series must contain one or more distinct columns of sales")
        unknown = [n for n in self.candidates if n not in STATISTICAL]
        if unknown:
            raise ValueError(f"candidates: '{unknown[0]}' is unknown; choose from: {', '.join(STATISTICAL)}")
        if self.horizon > 2 * SEASONS[self.frequency] and self.frequency != "day":
            raise ValueError(f"horizon must be at most two seasons ({2 * SEASONS[self.frequency]} {self.frequency}s)")
        return self

    @property
    def level_columns(self) -> tuple[tuple[str, ...], ...]:
        """Columns of each aggregation level, the total of all series last.

        >>> DemandParams(attributes=("brand",)).level_columns
        (('store_id',), ('model',), ('brand',), ())
        """
        keys = self.series if len(self.series) > 1 else ()
        levels = tuple((c,) for c in (*keys, *self.attributes)) if self.levels is None else self.levels
        return (*dict.fromkeys(level for level in levels if level), ())

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Groupings whose totals are features, finest first, all series last.

        >>> DemandParams(attributes=("brand",)).groups
        (('model',), ('store_id',), ('store_id', 'brand'), ('brand',), ())
        """
        keys = tuple((k,) for k in self.series) if len(self.series) > 1 else ()
        attributes = tuple((a,) for a in self.attributes)
        pairs = tuple((self.series[0], a) for a in self.attributes) if len(self.series) > 1 else ()
        return (*keys[::-1], *pairs, *attributes, ())

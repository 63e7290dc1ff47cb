"""Why a forecast is what it is: what the trees make of each thing they read, in words.

Contributions are Shapley values of the trees (Lundberg, Erion and Lee, arXiv 1802.03888), which add up to the logarithm
of the forecast over what the series usually sells; those that speak of the same thing are added.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.demand_forecast.calendar import COLUMNS
from ml.demand_forecast.lags import NAMES
from ml.demand_forecast.request import Driver
from ml.domain.arrays import FloatArray

SHOWN = 4
SLIGHT = 0.01  # effects below a hundredth are not worth a word
WORDS = {
    "own": ("本序列近期销量走势", "its own recent sales"),
    "same_season": ("去年同期销量", "its sales a season before"),
    "age": ("上市时间", "how long it has been on sale"),
    "festival": ("春节所在时点", "when the Spring Festival falls"),
    "season": ("季节", "the time of year"),
    "working_days": ("工作日与节假日", "working days and public holidays"),
    "price": ("价格", "its price"),
    "promotion": ("促销", "promotions"),
    "is": ("车型与门店属性", "what kind of car and store it is"),
    "store_id": ("全店走势", "how the whole store is doing"),
    "model": ("该车型在所有门店的走势", "how the model is doing in all stores"),
    "brand": ("品牌走势", "how the brand is doing"),
    "region": ("区域走势", "how the region is doing"),
    "series": ("车系走势", "how its series is doing"),
    "store_id_brand": ("该店同品牌走势", "how the brand is doing in the store"),
    "store_id_series": ("该店同车系走势", "how its series is doing in the store"),
    "store_id_region": ("全店走势", "how the whole store is doing"),
    "all": ("整体市场走势", "how the whole market is doing"),
}
_OF_GROUP = ("_last", "_trend", "_season", "_season_uplift", "_year_growth")
_CALENDAR = {n: "festival" for n in COLUMNS if "festival" in n} | {
    "days": "working_days",
    "working_share": "working_days",
    "holiday_share": "working_days",
}


def topic(column: str, *, groups: Sequence[str], drivers: Sequence[str]) -> str | None:
    """What a column speaks of; None for one that says nothing by itself.

    >>> topic("store_id_trend", groups=["store_id", "all"], drivers=["price"])
    'store_id'
    >>> topic("at_festival_change", groups=[], drivers=[]), topic("horizon", groups=[], drivers=[])
    ('festival', None)
    """
    if column in NAMES or column in ("share_with_demand", "since_demand"):
        return "own"
    if column in ("horizon", "level"):
        return None
    if column in ("same_season", "age"):
        return column
    base = column.removesuffix("_change")
    if base in COLUMNS:
        return _CALENDAR.get(base, "season")
    if column.startswith("is_"):
        return "is"
    of_group = (g for g in groups if any(column == g + suffix for suffix in _OF_GROUP))
    of_driver = (d for d in drivers if column.startswith(f"{d}_"))
    return next(of_group, None) or next(of_driver, None)


def told(
    contributions: FloatArray, columns: Sequence[str], *, groups: Sequence[str], drivers: Sequence[str]
) -> list[Driver]:
    """The strongest drivers of one forecast.

    Parameters
    ----------
    contributions : ndarray of shape (n_columns,)
        On the logarithm of demand over level.

    Examples
    --------
    >>> [d.en for d in told(np.array([0.2, -0.1]), ["price_change", "at_festival"], groups=[], drivers=["price"])]
    ['its price: +22 %', 'when the Spring Festival falls: -10 %']
    """
    sums: dict[str, float] = {}
    for value, column in zip(contributions, columns, strict=True):
        name = topic(column, groups=groups, drivers=drivers)
        if name is not None:
            sums[name] = sums.get(name, 0.0) + float(value)
    strongest = sorted(sums.items(), key=lambda item: -abs(item[1]))[:SHOWN]
    return [_driver(name, float(np.expm1(value))) for name, value in strongest if abs(value) >= SLIGHT]


def _driver(name: str, effect: float) -> Driver:
    zh, en = WORDS.get(name, (f"{name}相关因素", f"{name.replace('_', ' ')}"))
    return Driver(name=name, effect=round(effect, 4), zh=f"{zh}：{effect:+.0%}", en=f"{en}: {100 * effect:+.0f} %")

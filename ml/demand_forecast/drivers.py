"""Explanation of a forecast: SHAP values of the trees, added by topic and worded in Chinese and English.

The contributions are TreeSHAP values (Lundberg, Erion and Lee, arXiv 1802.03888). They add up to the logarithm of the
ratio of the forecast to the series' baseline demand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.demand_forecast.calendar import COLUMNS
from ml.demand_forecast.lags import NAMES
from ml.demand_forecast.request import Driver
from ml.domain.arrays import FloatArray
from ml.labels import Labels

MAX_DRIVERS = 4
MIN_EFFECT = 0.01  # on the log scale: smaller effects, about 1 %, are omitted
WORDS = {
    "own": ("本序列近期销量走势", "its own recent sales"),
    "same_season": ("去年同期销量", "its sales in the same season last year"),
    "age": ("上市时间", "time since launch"),
    "festival": ("春节所在时点", "timing of the Spring Festival"),
    "season": ("季节", "time of year"),
    "working_days": ("工作日与节假日", "working days and public holidays"),
    "price": ("价格", "price"),
    "promotion": ("促销", "promotions"),
    "is": ("车型与门店属性", "attributes of the model and the store"),
    "store_id": ("全店走势", "recent sales of the whole store"),
    "model": ("该车型在所有门店的走势", "recent sales of the model in all stores"),
    "brand": ("品牌走势", "recent sales of the brand"),
    "region": ("区域走势", "recent sales of the region"),
    "series": ("车系走势", "recent sales of the model's series"),
    "store_id_brand": ("该店同品牌走势", "recent sales of the brand in the store"),
    "store_id_series": ("该店同车系走势", "recent sales of the model's series in the store"),
    "store_id_region": ("全店走势", "recent sales of the whole store"),
    "all": ("整体市场走势", "recent sales of the whole market"),
}
_GROUP_SUFFIXES = ("_last", "_trend", "_season", "_season_uplift", "_year_growth")
_CALENDAR = {n: "festival" for n in COLUMNS if "festival" in n} | {
    "days": "working_days",
    "working_share": "working_days",
    "holiday_share": "working_days",
}


def topic(column: str, *, groups: Sequence[str], drivers: Sequence[str]) -> str | None:
    """Return the topic under which a feature column is explained; None for one that is not explained.

    A topic is a key of `WORDS`, a group or a driver.

    Parameters
    ----------
    column : str
        One of `ml.demand_forecast.panel_features.PanelFeatures.names`.
    groups : sequence of str
        Groupings, their columns joined by underscores, such as ``"store_id_brand"``; ``"all"`` for all series.
    drivers : sequence of str
        Names of the panel's drivers, the keys of `ml.demand_forecast.panel.Panel.drivers`.

    Examples
    --------
    >>> topic("store_id_trend", groups=["store_id", "all"], drivers=["price"])
    'store_id'
    >>> topic("at_festival_change", groups=[], drivers=[]), topic("horizon", groups=[], drivers=[])
    ('festival', None)
    """
    if column in NAMES or column in ("share_with_demand", "since_demand"):
        return "own"
    if column in ("horizon", "baseline"):
        return None
    if column in ("same_season", "age"):
        return column
    base = column.removesuffix("_change")
    if base in COLUMNS:
        return _CALENDAR.get(base, "season")
    if column.startswith("is_"):
        return "is"
    group = (g for g in groups if any(column == g + suffix for suffix in _GROUP_SUFFIXES))
    driver = (d for d in drivers if column.startswith(f"{d}_"))
    return next(group, None) or next(driver, None)


def strongest_drivers(
    contributions: FloatArray, columns: Sequence[str], *, groups: Sequence[str], drivers: Sequence[str]
) -> list[Driver]:
    """Return the topics with the largest effects on one forecast, at most four, the largest first.

    Parameters
    ----------
    contributions : ndarray of shape (n_columns,)
        SHAP values on the log of demand over baseline: one row of `ml.demand_forecast.trees.Trees.contributions`.
    columns : sequence of str
        Feature names: `ml.demand_forecast.panel_features.PanelFeatures.names`.
    groups : sequence of str
        Groupings, their columns joined by underscores, such as ``"store_id_brand"``; ``"all"`` for all series.
    drivers : sequence of str
        Names of the panel's drivers, the keys of `ml.demand_forecast.panel.Panel.drivers`.

    Returns
    -------
    list of Driver
        `name` (the topic), `effect` (relative change of demand, 0.22 for 22 % more), and both in words as `zh`, `en`.
        Effects below 1 % are omitted.

    Examples
    --------
    >>> import numpy as np
    >>> contributions = np.array([0.2, -0.1])
    >>> columns = ["price_change", "at_festival"]
    >>> [d.en for d in strongest_drivers(contributions, columns, groups=[], drivers=["price"])]
    ['price: raises the forecast by 22 %', 'timing of the Spring Festival: lowers the forecast by 10 %']
    """
    sums: dict[str, float] = {}
    for value, column in zip(contributions, columns, strict=True):
        name = topic(column, groups=groups, drivers=drivers)
        if name is not None:
            sums[name] = sums.get(name, 0.0) + float(value)
    strongest = sorted(sums.items(), key=lambda item: -abs(item[1]))[:MAX_DRIVERS]
    return [_driver(name, float(np.expm1(value))) for name, value in strongest if abs(value) >= MIN_EFFECT]


def _driver(name: str, effect: float) -> Driver:
    label = Labels().column(name)
    zh, en = WORDS.get(name, (f"{label.zh}相关因素", label.en))
    size, raises = f"{100 * abs(effect):.0f}", effect > 0
    return Driver(
        name=name,
        effect=round(effect, 4),
        zh=f"{zh}：使预测{'提高' if raises else '降低'} {size}%",
        en=f"{en}: {'raises' if raises else 'lowers'} the forecast by {size} %",
    )

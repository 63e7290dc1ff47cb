"""Names, in both languages, of the values that reports show: parts of the data, decisions, policies, retrievers."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Iterable, Mapping
from datetime import date

from ml.bilingual import Text
from ml.labels import Labels

MISSING = "(missing)"


def _texts(names: Mapping[str, tuple[str, str]]) -> dict[str, Text]:
    return {code: Text(zh=zh, en=en) for code, (zh, en) in names.items()}


PARTS = _texts(
    {
        "train": ("训练集", "training"),
        "calibrate": ("校准集", "calibration"),
        "test": ("测试集", "test"),
    }
)
BANDS = _texts(
    {
        "approve": ("预审通过", "approve"),
        "refer": ("人工审核", "refer to a person"),
        "decline": ("预审拒绝", "decline"),
        "approve_at_most": ("预审通过：不超过", "approve up to"),
        "decline_above": ("预审拒绝：超过", "decline above"),
    }
)
BASELINES = _texts(
    {
        "logistic regression": ("逻辑回归", "logistic regression"),
        "logging policy": ("线上策略", "policy of the log"),
        "trees": ("梯度提升树", "boosted trees"),
        "pooled_season": ("合并季节", "pooled season"),
        "croston": ("Croston 法", "Croston"),
        "exponential_smoothing": ("指数平滑", "exponential smoothing"),
        "theta": ("Theta 法", "Theta"),
        "moving_average": ("移动平均", "moving average"),
        "same_season": ("去年同期", "same season last year"),
        "popularity": ("整体热度", "popularity"),
        "store_popularity": ("本店热度", "popularity at the store"),
        "item_item": ("物品相似", "similar vehicles (item-item)"),
        "low_pass": ("图低通滤波", "low-pass filter"),
        "als": ("矩阵分解（ALS）", "matrix factorisation (ALS)"),
    }
)
PANEL = _texts(
    {
        "smooth": ("平稳", "smooth"),
        "erratic": ("波动大", "erratic"),
        "intermittent": ("间歇", "intermittent"),
        "lumpy": ("间歇且波动大", "lumpy"),
        "no history": ("无历史", "no history"),
        "less than a season": ("不足一个季节周期", "less than a season"),
        "a season or more": ("一个季节周期以上", "a season or more"),
        "everything": ("全部合计", "everything"),
        "unknown": ("未填写", "missing"),
        "order by forecasts": ("按预测采购", "order by forecasts"),
        "order last period's sales": ("按上期销量采购", "order last period's sales"),
        "mean + safety stock": ("均值加安全库存", "mean + safety stock"),
        "perfect foresight": ("完全预知", "perfect foresight"),
    }
)
LISTS = _texts(
    {
        "customer": ("客户的全部历史", "full history of the customer"),
        "session": ("仅本次访问", "this visit only"),
        "profile": ("仅客户资料", "customer profile only"),
        "cold": ("无任何信息", "no information"),
        "start": ("访问开始时", "start of a visit"),
        "midway": ("访问途中", "middle of a visit"),
        "coverage": ("车型覆盖率", "share of the models that are ever shown"),
        "novelty (bits)": ("新颖度（比特）", "novelty (bits)"),
        "share of new stock": ("新上架车辆占比", "share of new stock"),
        "exposures": ("曝光次数", "exposures"),
        "exposures that agree with the version": ("与本版本一致的曝光次数", "exposures that agree with the version"),
        "effective sample size": ("有效样本量（次曝光）", "effective sample size (exposures)"),
        "largest weight": ("最大权重", "largest weight"),
        "mean weight (1: complete overlap)": ("平均权重（1：完全重叠）", "mean weight (1: complete overlap)"),
    }
)
RETRIEVER_FEATURES = _texts(
    {
        "store_popularity_score": ("本店热度得分", "score of popularity at the store"),
        "popularity_score": ("整体热度得分", "score of popularity"),
        "als_score": ("矩阵分解得分", "score of matrix factorisation"),
        "low_pass_score": ("低通滤波得分", "score of the low-pass filter"),
        "item_item_score": ("物品相似得分", "score of similar vehicles"),
        "visit_als_score": ("本次访问的矩阵分解得分", "score of matrix factorisation in this visit"),
        "visit_low_pass_score": ("本次访问的低通滤波得分", "score of the low-pass filter in this visit"),
        "visit_item_item_score": ("本次访问的物品相似得分", "score of similar vehicles in this visit"),
        "model_share": ("浏览中同车型占比", "share of the model in the history"),
        "brand_share": ("浏览中同品牌占比", "share of the brand in the history"),
        "series_share": ("浏览中同车系占比", "share of the series in the history"),
        "body_type_share": ("浏览中同车身类型占比", "share of the body type in the history"),
        "energy_type_share": ("浏览中同能源类型占比", "share of the energy type in the history"),
        "condition_share": ("浏览中新车或二手车占比", "share of new or used vehicles in the history"),
        "body_type_stated": ("符合所选车身类型", "body type asked for"),
        "energy_type_stated": ("符合所选能源类型", "energy type asked for"),
        "days_since_chosen": ("距上次选择天数", "days since it was last chosen"),
        "over_budget": ("超出预算", "price above the budget"),
        "under_budget": ("低于预算", "price below the budget"),
    }
)
GROUPS = _texts(
    {
        "demand_class": ("需求类型", "demand class"),
        "history": ("历史长度", "length of the history"),
        "horizon": ("提前期数", "periods ahead"),
        "level": ("汇总层级", "aggregation level"),
        "path": ("访客信息", "data used about the visitor"),
        "visit": ("访问阶段", "point of the visit"),
    }
)


def day_text(day: date) -> Text:
    """Return a date as people write it.

    Parameters
    ----------
    day : date
        Such as the result of `ml.instants.local_day`.

    Examples
    --------
    >>> from datetime import date
    >>> day_text(date(2024, 1, 9)).en, day_text(date(2024, 1, 9)).zh
    ('9 January 2024', '2024年1月9日')
    """
    return Text(zh=f"{day.year}年{day.month}月{day.day}日", en=f"{day.day} {month_name[day.month]} {day.year}")


def value_words(column: str, values: Iterable[str], labels: Labels) -> dict[str, Text]:
    """Return the names of the values of a data column, by value; `MISSING` stands for a missing value.

    Parameters
    ----------
    column : str
        Column of the data, such as 'energy_type'.
    values : iterable of str
        Values of the column.
    labels : Labels
        Names of the configuration, ``load_config("credit_risk").labels``.

    Examples
    --------
    >>> words = value_words("energy_type", ["hybrid", MISSING, "S0001"], Labels())
    >>> words["hybrid"].zh, words[MISSING].en, "S0001" in words
    ('油电混动', 'missing', False)
    """
    names = {v: labels.value(column, None if v == MISSING else v) for v in values}
    return {v: name for v, name in names.items() if (name.zh, name.en) != (v, v)}


def feature_words(names: Iterable[str], labels: Labels) -> dict[str, Text]:
    """Return the names of features, by feature.

    Parameters
    ----------
    names : iterable of str
        Features, such as the keys of the `importance` of an estimator.
    labels : Labels
        Names of the configuration.

    Examples
    --------
    >>> feature_words(["mileage_km", "als_score"], Labels())["als_score"].zh
    '矩阵分解得分'
    """
    return {n: RETRIEVER_FEATURES.get(n) or labels.column(n) for n in names}

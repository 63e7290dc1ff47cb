"""Titles, units, formats and directions of metrics, for reports and the promotion gate.

A metric has the same name in configurations, reports as JSON and MLflow; people read its title. Metrics of other tasks
than those of the product are shown by their name with spaces, as a score.
"""

from __future__ import annotations

from typing import Literal

from ml.bilingual import Text
from ml.report.columns import Axis, axis
from ml.report.formats import Format, Language, format_figure, format_interval

Direction = Literal["higher", "lower", "zero"]
YUAN, VEHICLES, FAULT = Text(zh="元", en="yuan"), Text(zh="辆", en="vehicles"), Text(zh="每次故障", en="per fault")
_TIMES = Text(zh="倍", en="times the mean")
_NATS = Text(zh="纳特", en="nats")

_METRICS: dict[str, tuple[Direction, Axis]] = {
    "roc_auc": ("higher", axis("ROC 曲线下面积（AUC）", "area under the ROC curve (AUC)", "score")),
    "ks": ("higher", axis("KS 统计量", "Kolmogorov-Smirnov statistic (KS)", "score")),
    "gini": ("higher", axis("基尼系数", "Gini coefficient", "score")),
    "pr_auc": ("higher", axis("平均精确率", "average precision", "score")),
    "brier": ("lower", axis("布里尔分数", "Brier score", "score")),
    "log_loss": ("lower", axis("对数损失", "log loss", "score", unit=_NATS)),
    "expected_calibration_error": ("lower", axis("期望校准误差", "expected calibration error", "share")),
    "lift_in_top_decile": ("higher", axis("评分最高十分之一的提升度", "lift in the top decile", "number", unit=_TIMES)),
    "mean_absolute_error": ("lower", axis("平均绝对误差", "mean absolute error", "amount", unit=YUAN)),
    "median_absolute_percentage_error": (
        "lower", axis("绝对百分比误差中位数", "median absolute percentage error", "share"),
    ),
    "mean_absolute_percentage_error": ("lower", axis("平均绝对百分比误差", "mean absolute percentage error", "share")),
    "interval_coverage": ("higher", axis("区间覆盖率", "share of prices inside the interval", "share")),
    "weighted_quantile_loss": (
        "lower", axis("分位数损失占总销量比例", "quantile loss as share of total sales", "share"),
    ),
    "weighted_absolute_error": (
        "lower", axis("绝对误差占总销量比例", "absolute error as share of total sales", "share"),
    ),
    "root_mean_squared_error": ("lower", axis("均方根误差", "root mean squared error", "number", unit=VEHICLES)),
    "bias": ("zero", axis("偏差（正：预测偏高）", "bias (above 0: predictions too high)", "change")),
    "poisson_deviance": ("lower", axis("泊松偏差", "Poisson deviance", "score", unit=FAULT)),
    "ndcg_at_10": ("higher", axis("前 10 位排序质量（NDCG）", "ranking quality of the top 10 (NDCG)", "score")),
    "recall_at_10": ("higher", axis("前 10 位召回率", "share of the chosen vehicles in the top 10", "share")),
    "hit_rate_at_10": ("higher", axis("前 10 位命中率", "lists with a chosen vehicle in the top 10", "share")),
    "reciprocal_rank": ("higher", axis("首个被选车辆的倒数排名", "reciprocal rank of the first choice", "score")),
    "reward_dr": ("higher", axis("选择率（双重稳健估计）", "choice rate (doubly robust)", "share")),
    "reward_snips": ("higher", axis("选择率（自归一化逆倾向）", "choice rate (self-normalised weights)", "share")),
    "reward_ips": ("higher", axis("选择率（逆倾向加权）", "choice rate (inverse propensities)", "share")),
}  # fmt: skip
_TASKS = {
    "credit_risk": Text(zh="信贷风险", en="Credit risk"),
    "residual_value": Text(zh="二手车残值", en="Residual value"),
    "recommendation": Text(zh="车辆推荐", en="Recommendation"),
    "lead_scoring": Text(zh="线索评分", en="Lead scoring"),
    "demand_forecast": Text(zh="需求预测", en="Demand forecast"),
    "fault_rate": Text(zh="故障率", en="Fault rate"),
    "decision_audit": Text(zh="决策审计", en="Audit of decisions"),
}
_DIRECTIONS: dict[Direction, Text] = {
    "higher": Text(zh="越高越好", en="higher is better"),
    "lower": Text(zh="越低越好", en="lower is better"),
    "zero": Text(zh="越接近 0 越好", en="closer to 0 is better"),
}
_GAIN_FORMATS: dict[Format, Format] = {"share": "points", "change": "points"}


def metric_axis(name: str) -> Axis:
    """Return title, unit and format of a metric.

    Parameters
    ----------
    name : str
        Name of the metric in a configuration, such as 'roc_auc'.

    Returns
    -------
    Axis
        Of a metric that is not one of the product's: its name with spaces, and the format 'score'.

    Examples
    --------
    >>> metric_axis("mean_absolute_error").label(), metric_axis("my_loss").label("zh")
    ('mean absolute error (yuan)', 'my loss')
    """
    words = name.replace("_", " ")
    return _METRICS[name][1] if name in _METRICS else axis(words, words, "score")


def metric_text(name: str, value: float | None, language: Language = "en") -> str:
    """Return a value of a metric with its unit.

    Parameters
    ----------
    name : str
        Name of the metric.
    value : float or None
        None gives the empty text.
    language : {'en', 'zh'}
        Language of the unit.

    Examples
    --------
    >>> metric_text("mean_absolute_error", 4325.2), metric_text("bias", 0.031), metric_text("roc_auc", 0.7)
    ('4,325 yuan', '+3.1%', '0.7000')
    """
    return _with_unit(name, format_figure(value, metric_axis(name).format, language), language)


def gain_format(name: str) -> Format:
    """Return the format of a difference between two values of a metric: 'points' for shares, else 'gain'.

    Examples
    --------
    >>> gain_format("weighted_absolute_error"), gain_format("roc_auc")
    ('points', 'gain')
    """
    return _GAIN_FORMATS.get(metric_axis(name).format, "gain")


def gain_text(name: str, value: float, low: float | None = None, high: float | None = None) -> str:
    """Return a gain in a metric with its unit, and its 95% interval in parentheses if both limits are given.

    Examples
    --------
    >>> gain_text("weighted_absolute_error", 0.0248, 0.0055, 0.0481)
    '+2.48 percentage points (95% interval +0.55 – +4.81 percentage points)'
    """
    figure = gain_format(name)
    text = _with_unit(name, format_figure(value, figure), "en")
    interval = format_interval(low, high, figure)
    return f"{text} (95% interval {_with_unit(name, interval, 'en')})" if interval else text


def direction_text(name: str, value: float | None = None) -> Text | None:
    """Return how to read a metric: the direction of better values, and of a bias whether it is too high or too low.

    Parameters
    ----------
    name : str
        Name of the metric.
    value : float, optional
        Its value; only the text of a bias depends on it.

    Returns
    -------
    Text or None
        None for a metric that is not one of the product's.

    Examples
    --------
    >>> direction_text("brier").en, direction_text("bias", 0.0412).en, direction_text("bias", -0.02).zh
    ('lower is better', 'predictions 4.1% too high', '预测偏低 2.0%')
    """
    if name not in _METRICS:
        return None
    direction = _METRICS[name][0]
    if direction != "zero" or value is None:
        return _DIRECTIONS[direction]
    size = f"{abs(value):.1%}"
    if size == "0.0%":
        return Text(zh="预测不偏高也不偏低", en="predictions neither too high nor too low")
    high = value > 0
    return Text(zh=f"预测偏{'高' if high else '低'} {size}", en=f"predictions {size} too {'high' if high else 'low'}")


def task_title(name: str) -> Text:
    """Return the title of a task or of a named model.

    Parameters
    ----------
    name : str
        Such as 'credit_risk', or 'credit_risk.north' for the model of a data set.

    Examples
    --------
    >>> task_title("credit_risk").zh, task_title("fault_rate.north").en, task_title("own_task").en
    ('信贷风险', 'Fault rate (north)', 'own task')
    """
    task, _, data_set = name.partition(".")
    words = task.replace("_", " ")
    title = _TASKS.get(task, Text(zh=words, en=words))
    return Text(zh=f"{title.zh}（{data_set}）", en=f"{title.en} ({data_set})") if data_set else title


def _with_unit(name: str, text: str, language: Language) -> str:
    unit = metric_axis(name).unit
    return text if unit is None or not text else f"{text} {getattr(unit, language)}"

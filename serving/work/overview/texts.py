"""Names and definitions of the figures of the dashboard, and why a figure is missing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ml.bilingual import Text
from serving.work.overview.estimates import Unit


class Definition(NamedTuple):
    """Name, unit and definition of a figure."""

    label: Text
    unit: Unit
    text: Text


def _definition(unit: Unit, zh: str, en: str, zh_text: str, en_text: str) -> Definition:
    return Definition(Text(zh=zh, en=en), unit, Text(zh=zh_text, en=en_text))


DEFINITIONS: Mapping[str, Definition] = MappingProxyType(
    {
        "sales": _definition(
            "vehicles", "销量", "Vehicles sold",
            "期内成交车辆数，退车为负；含新车与二手车。",
            "Vehicles sold in the period, new and used; returns are subtracted.",
        ),
        "gross_margin": _definition(
            "yuan", "单台毛利", "Gross margin a vehicle",
            "期内有毛利记录的销售的平均毛利；区间为均值的 95% 区间。",
            "Mean gross margin of the sales of the period that have one recorded; 95% interval of the mean.",
        ),
        "conversion": _definition(
            "share", "线索成交率", "Leads that buy",
            "线索建立后 {days:g} 天内成交的比例；只计 {days:g} 天观察期在期内届满的线索，因此没有尚未定论的线索。"
            "区间为 95% Jeffreys 区间。",
            "Share of leads sold within {days:g} days of their creation, of the leads whose {days:g} "
            "days ended in the "
            "period, so that none is undecided; 95% Jeffreys interval.",
        ),
        "cost_per_lead": _definition(
            "yuan", "单条线索成本", "Cost a lead",
            "同一批线索的平均获客费用，仅计有费用记录的线索。",
            "Mean acquisition cost of the same leads, of those that have one recorded.",
        ),
        "cost_per_sale": _definition(
            "yuan", "单台获客成本", "Acquisition cost a sale",
            "单条线索成本除以成交率；区间由成交率的区间得出。",
            "Cost a lead divided by the share that buys; its interval follows from that of the share.",
        ),
        "recommendation_share": _definition(
            "share", "推荐带来的成交占比", "Sales after a recommendation",
            "成交前 30 天内，买家曾点击推荐列表中同一车型的销售所占比例；只计买家已知、且点击记录覆盖这 "
            "30 天的销售。点击在前不等于因推荐而买。",
            "Share of sales whose buyer had clicked the same model in a recommended list within 30 "
            "days before; of the "
            "sales with a known buyer and recorded clicks. A click before a sale need not be its cause.",
        ),
        "stock_factor": _definition(
            "sales_months", "库存系数", "Months of stock",
            "当前新车在库台数除以期内新车月均销量（30 天为一月）。0.8～1.2 为合理，"
            "高于 1.5 为警戒（中国汽车流通协会）。",
            "New vehicles in stock now, divided by new vehicles sold per 30 days of the period. 0.8 "
            "to 1.2 is sound and "
            "above 1.5 a warning (China Automobile Dealers Association).",
        ),
        "stock_age": _definition(
            "days", "平均库龄", "Mean age of stock",
            "当前在库新车自上架以来的平均天数。",
            "Mean number of days since the new vehicles that are in stock now were listed.",
        ),
        "service_level": _definition(
            "share", "需求满足率", "Demand met from stock",
            "需求模型预计的需求中，落在有库存时间内的比例；只计完整月份中至少十分之一时间有库存的车型。",
            "Share of the demand that the model expects which falls into time with stock; whole months, of the models "
            "that had stock for at least a tenth of the month.",
        ),
        "finance_penetration": _definition(
            "share", "金融渗透率", "Sales financed by a loan",
            "期内销售中，同一车辆或同一客户（前后 60 天内）有已放款贷款的比例；贷款未填写车辆与客户时，该比例偏低。",
            "Share of the sales of the period with a granted loan for the same vehicle, or for the "
            "same customer within "
            "60 days. Loans that name neither make it too low.",
        ),
        "expected_sales": _definition(
            "vehicles", "预期销量", "Expected sales",
            "需求模型（第 {version} 版）在每月开始之前作出的预测之和，按实际有库存的时间折算；预测从未使用当月销量。"
            "区间为 95%，计入同店车型之间的相关。这是预期，不是销售目标。",
            "Sum of the forecasts that version {version} of the demand model made before each month, "
            "for the time that "
            "had stock; no forecast has used the sales of its month. The 95% interval allows for the correlation of a "
            "store's models. It is an expectation and not a target.",
        ),
        "approval": _definition(
            "share", "预审通过率", "Approved applications",
            "当月提交且已有预审意见的申请中，预审通过的比例；人工审核计入分母。",
            "Share of the applications submitted in the month and assessed by now that were approved; referred ones "
            "count in the denominator.",
        ),
        "delinquency": _definition(
            "share", "逾期率（M3+）", "Delinquent loans (M3+)",
            "当月放款的贷款中，放款后 {days} 天内逾期 90 天以上的比例；只列观察期已满的月份。",
            "Share of the loans granted in the month that were 90 days past due within {days} days of granting; only "
            "months whose window has passed.",
        ),
    }
)  # fmt: skip

PROBLEMS: Mapping[str, Text] = MappingProxyType(
    {
        "no_sales": Text(
            zh="数据中没有这段时间的销售；请在 sources.yaml 中接入 sales 表",
            en="the data have no sales of this period; map the table sales in sources.yaml",
        ),
        "no_margin": Text(
            zh="销售没有毛利；请在 sources.yaml 中映射 gross_margin",
            en="the sales have no margin; map gross_margin of sales in sources.yaml",
        ),
        "no_leads": Text(
            zh="期内没有观察期届满的线索；请在 sources.yaml 中接入 leads 表，或选择其他时间",
            en="no leads matured in this period; map the table leads in sources.yaml, or choose another period",
        ),
        "no_costs": Text(
            zh="线索没有获客费用；请在 sources.yaml 中映射 acquisition_cost",
            en="the leads have no costs; map acquisition_cost of leads in sources.yaml",
        ),
        "no_clicks": Text(
            zh="没有可用的推荐点击，或其记录未覆盖这段时间；浏览行为只保留最近 120 天",
            en="there are no clicks of recommendations, or they do not cover this period: 120 days of events are kept",
        ),
        "no_stock": Text(
            zh="没有在库车辆；请在 sources.yaml 中接入 vehicles 表",
            en="there are no vehicles in stock; map the table vehicles in sources.yaml",
        ),
        "no_loans": Text(
            zh="贷款申请没有填写车辆或客户，无法与销售对应；请映射 vehicle_id 或 customer_id",
            en="the applications name no vehicle or customer, so loans cannot be matched with sales; map vehicle_id",
        ),
        "no_applications": Text(
            zh="数据中没有贷款申请；请在 sources.yaml 中接入 applications 表",
            en="the data have no loan applications; map the table applications in sources.yaml",
        ),
        "no_outcomes": Text(
            zh="数据中没有放款结果；请在 sources.yaml 中接入 loan_outcomes 表",
            en="the data have no outcomes of loans; map the table loan_outcomes in sources.yaml",
        ),
        "no_champion": Text(
            zh="需求模型尚无当前版本；请运行 chehang train demand_forecast 与 chehang promote demand_forecast",
            en="there is no demand model; run chehang train demand_forecast and chehang promote demand_forecast",
        ),
        "no_stores": Text(
            zh="需求模型不按门店与车型预测；请在 demand_forecast.yaml 中设置 params.series: [store_id, model]",
            en="the demand model does not forecast by store and model; set params.series: [store_id, model]",
        ),
        "no_holdout": Text(
            zh="读不到需求模型的留出预测；请检查模型库，或重新训练",
            en="the held-out forecasts of the demand model cannot be read; check the model store, or train again",
        ),
        "no_months": Text(
            zh="这段时间没有需求模型在事前预测过的完整月份；请选择其他时间，或重新训练",
            en="the demand model has forecast no whole month of this period in advance; choose another, "
               "or train again",
        ),
    }
)  # fmt: skip


def definition(name: str, **values: object) -> Text:
    """Return the definition of a figure, with its numbers.

    >>> definition("approval").en[:5], "30" in definition("conversion", days=30).en
    ('Share', True)
    """
    text = DEFINITIONS[name].text
    return Text(zh=text.zh.format(**values), en=text.en.format(**values))

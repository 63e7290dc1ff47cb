"""Prepared report of dangerous faults to the maker and the regulator (上报材料): no personal data, a group per kind."""

from __future__ import annotations

import polars as pl

from features.plurals import count_text
from ml.bilingual import Text
from ml.fault_rate.safety import SafetyRules
from ml.labels import Labels

# 缺陷汽车产品召回管理条例 (State Council, 2012, revised 2019), articles 3, 8, 11 and 12. A lawyer must check it.
DUTIES = Text(
    zh="召回由生产者实施（《缺陷汽车产品召回管理条例》第三条、第八条）。销售、维修经营者获知汽车产品可能存在缺陷的，应向市场监督"
    "管理部门报告，并通报生产者；获知存在缺陷的，应立即停止销售，并协助生产者实施召回（第十一条）。调查分析并如实报告结果，"
    "由生产者负责（第十二条）。经销商的工作是回厂检查、上报和停售，不发布“召回”。以上内容须由律师核对。",
    en="A recall is the legal act of the producer (Regulation on Recalls of Defective Automobile Products, articles 3 "
    "and 8). A dealer or repairer who learns of a possible defect reports it to the market regulator and tells the "
    "producer; who learns of a defect stops selling the cars at once and assists the producer's recall (article 11). "
    "The producer investigates and reports the result (article 12). A dealer inspects, reports and stops sales, and "
    "announces no recall. A lawyer must check this text.",
)
REPORTED_STATES = ("new", "acknowledged")


def prepared_report(reports: pl.DataFrame, rules: SafetyRules) -> str:
    """Return the report of all cases that the maker was not told of, as Markdown in Chinese and English.

    Parameters
    ----------
    reports : DataFrame
        `state` and the columns of `ml.fault_rate.safety_reports.safety_reports`, such as the attribute `reports` of
        `training.runs.safety.SafetyRun`. Cases that are reported or closed are left out.
    rules : SafetyRules
        Names of the kinds.

    Returns
    -------
    str
        The dealer's duties, then a group for each kind and model, the gravest kind and the most cases first: numbers of
        cases and vehicles, dates, builds and distances, and a line per case. Vehicles and customers are not named; the
        record number leads to them.

    Examples
    --------
    >>> import polars as pl
    >>> from ml.fault_rate.safety_reports import REPORT
    >>> case = {"record_id": "R1", "kind": "fire", "model": "A", "vehicle_id": "V1", "km": 9_500.0, "words": "smoke"}
    >>> frame = pl.DataFrame([case], schema=REPORT).with_columns(state=pl.lit("new"))
    >>> text = prepared_report(frame, SafetyRules())
    >>> "A: fire or smoke" in text, "1 case, 1 vehicle" in text, "V1" in text
    (True, True, False)
    """
    titles = {kind.name: (place, kind.title) for place, kind in enumerate(rules.kinds)}
    cases = reports.filter(pl.col("state").is_null() | pl.col("state").is_in(REPORTED_STATES))
    groups = cases.group_by("kind", "model").agg(pl.len()).to_dicts()
    last = len(titles)
    groups.sort(key=lambda g: (titles.get(g["kind"], (last,))[0], -g["len"], g["model"] or ""))
    parts = ["# 安全问题上报材料 / Report of dangerous faults", DUTIES.zh, DUTIES.en]
    for group in groups:
        rows = cases.filter(pl.col("kind") == group["kind"], pl.col("model").eq_missing(group["model"]))
        title = titles[group["kind"]][1] if group["kind"] in titles else Text(zh=group["kind"], en=group["kind"])
        parts += _group(rows, group["model"], title)
    if not groups:
        parts.append("没有待上报的案例。 / No case is waiting to be reported.")
    return "\n\n".join(parts) + "\n"


def _group(rows: pl.DataFrame, model: str | None, title: Text) -> list[str]:
    vehicles = rows["vehicle_id"].drop_nulls().n_unique() + rows["vehicle_id"].null_count()
    dates, builds = (_span(rows[n]) for n in ("reported_on", "built_on"))
    km = _span(((rows["km"] / 1_000).round() * 1_000).cast(pl.Int64))
    return [
        f"## {model or '车型未知'}：{title.zh} / {model or 'model unknown'}: {title.en}",
        f"{rows.height:,} 起，涉及 {vehicles:,} 辆车；报告日期 {dates.zh}；生产日期 {builds.zh}；里程 {km.zh} 公里。",
        f"{count_text(rows.height, 'case')}, {count_text(vehicles, 'vehicle')}; reported {dates.en}; "
        f"built {builds.en}; odometer {km.en} km.",
        "| 工单 record | 报告 reported | 生产 built | 公里 km | 部件 component | 描述 words | 门店 store |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(_line(row) for row in rows.to_dicts()),
    ]


def _line(row: dict[str, object]) -> str:
    component = Labels().component(str(row["component"])).zh if row["component"] else ""
    km = f"{row['km']:,.0f}" if row["km"] is not None else ""
    built = f"{row['built_on']:%Y-%m}" if row["built_on"] is not None else ""
    cells = (row["record_id"], row["reported_on"], built, km, component, row["words"], row["store_id"])
    return "| " + " | ".join(str("" if cell is None else cell).replace("|", "/") for cell in cells) + " |"


def _span(values: pl.Series) -> Text:
    low, high = values.min(), values.max()
    if low is None:
        return Text(zh="未知", en="unknown")
    low, high = (f"{v:,}" if isinstance(v, int) else str(v) for v in (low, high))
    return Text(zh=low, en=low) if low == high else Text(zh=f"{low} 至 {high}", en=f"{low} to {high}")

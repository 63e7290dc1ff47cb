"""Picture of inspection campaigns: what inspecting each vehicle saves and costs, in order, with the cut."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ml.bilingual import Text
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.wording import horizon
from ml.report.columns import Axis, Column
from ml.report.figures import draw_sections
from ml.report.sections import Curve

DRAWN_CAMPAIGNS = 6  # panels of the picture: the alarms with the strongest evidence
DRAWN_POINTS = 200  # of a panel
_YUAN = Text(zh="元", en="yuan")
_RANK = Column(name="rank", title=Text(zh="次序", en="place in the list"), format="count")
_BENEFIT = Column(name="benefit", title=Text(zh="可省费用", en="an inspection saves"), unit=_YUAN, format="amount")
_COST = Column(name="cost", title=Text(zh="检查费用", en="it costs"), unit=_YUAN, format="amount")


def campaign_sections(vehicles: pl.DataFrame, rules: AlarmRules) -> list[Curve]:
    """Return a chart for each alarm with costs: benefit and cost of inspecting each vehicle, by its place in the list.

    Parameters
    ----------
    vehicles : DataFrame
        The attribute `vehicles` of `training.runs.alarms.AlarmRun`.
    rules : AlarmRules
        Its `component_names` and `repair_years` are those of the titles.

    Returns
    -------
    list of Curve
        At most six, in the order of the alarms.
    """
    priced = vehicles.filter(pl.col("benefit").is_not_null())
    groups = priced.partition_by("model", "component", maintain_order=True)
    return [_section(group, rules, number) for number, group in enumerate(groups[:DRAWN_CAMPAIGNS])]


def draw_campaigns(vehicles: pl.DataFrame, path: Path, rules: AlarmRules) -> tuple[Path, ...]:
    """Draw `campaign_sections` as a PNG file; without any, write none.

    Parameters
    ----------
    vehicles : DataFrame
        The attribute `vehicles` of `training.runs.alarms.AlarmRun`.
    path : Path
        File to write.
    rules : AlarmRules
        Its `component_names` and `repair_years` are those of the titles.

    Returns
    -------
    tuple of Path
        The file, or nothing.
    """
    sections = campaign_sections(vehicles, rules)
    if not sections:
        return ()
    time = horizon(rules.repair_years).en
    draw_sections(
        sections,
        path,
        title="Which vehicles to inspect",
        subtitle=f"what an inspection saves over {time}, and costs: vehicles pay up to the crossing",
        columns=min(len(sections), 3),
    )
    return (path,)


def _section(group: pl.DataFrame, rules: AlarmRules, number: int) -> Curve:
    model, component = group.row(0)[:2]
    name, total, pays = rules.component_name(component), group.height, int(group["inspect"].sum())
    rows = group.gather_every(max(total // DRAWN_POINTS, 1)).select("rank", "benefit", "cost")
    return Curve(
        name=f"campaign_{number}",
        title=Text(
            zh=f"{model}：{name.zh}，{total:,} 辆中 {pays:,} 辆值得检查",
            en=f"{model}: {name.en}, {pays:,} of {total:,} vehicles pay",
        ),
        columns=(_RANK, _BENEFIT, _COST),
        y=Axis(title=Text(zh="每辆车", en="per vehicle"), unit=_YUAN, format="amount"),
        drawn=("benefit", "cost"),
        rows=tuple(rows.to_dicts()),
    )

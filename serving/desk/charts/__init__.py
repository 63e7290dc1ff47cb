"""Charts as inline SVG: words keep their size at every width, and colours are classes of `desk.css`."""

from serving.desk.charts.bars import BarChart, BarGroup
from serving.desk.charts.drawing import Figures
from serving.desk.charts.lines import Band, LineChart, Mark, Series, Threshold
from serving.desk.charts.points import CalibrationChart, FunnelPlot, Point
from serving.desk.charts.small import IntervalBar, ReasonBar, ScoreScale, Segment, Sparkline

__all__ = [
    "Band", "BarChart", "BarGroup", "CalibrationChart", "Figures", "FunnelPlot", "IntervalBar", "LineChart", "Mark",
    "Point", "ReasonBar", "ScoreScale", "Segment", "Series", "Sparkline", "Threshold",
]  # fmt: skip

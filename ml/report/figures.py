"""PNG renderer: one panel for each section, on a grid of fixed size, in the style of `ml.report.style`."""

from __future__ import annotations

import logging
import os
import sys
import textwrap
import warnings
from collections.abc import Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text as FigureText
from matplotlib.ticker import FuncFormatter

from features.errors import ConfigError
from ml.report.cells import text_table
from ml.report.charts import ChartAxis, HorizontalBars, Lines, chart_of, decades, ticks
from ml.report.fonts import MISSING, chinese_fonts, has_chinese
from ml.report.formats import Language, format_figure, format_tick
from ml.report.html import headline
from ml.report.report import Report
from ml.report.sections import Metrics, Section
from ml.report.style import BAD, BAND_OPACITY, CONTROL, DASHES, INK, LINE, QUIET_INK, SERIES

WIDTH, PANEL_HEIGHT, TABLE_HEIGHT, HEAD, DPI = 6.4, 3.4, 2.4, 0.9, 110  # inches of panels and heading; dots per inch
LEGEND_CHARACTERS, KEY_CHARACTERS = 66, 7  # of a line of the legend, and the room of one key beside its text
MAX_MARKERS, MIN_BAR_SLOTS = 24, 6  # points that are drawn with a marker; groups that a panel has room for
STYLE = {
    "font.size": 9, "text.color": INK, "axes.labelcolor": QUIET_INK, "xtick.color": QUIET_INK, "ytick.color": QUIET_INK,
    "axes.edgecolor": LINE, "axes.grid": True, "axes.grid.axis": "y", "grid.color": LINE, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False, "axes.titlesize": 10,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "xtick.major.size": 0, "ytick.major.size": 0,
    "legend.frameon": False, "legend.fontsize": 8, "axes.unicode_minus": False,
}  # fmt: skip


def draw_report(report: Report, path: Path, *, language: Language = "en") -> None:
    """Draw the metrics and all charts of a report into a PNG file.

    Parameters
    ----------
    report : Report
        ``ml.report.report.Report(task=..., protocol=..., sections=...)``, or read from the `report.json` of a version
        (see `ml.champions.report_files`) by ``Report.model_validate_json(text)``.
    path : Path
        File to write, `.png`, in a folder that exists; it is replaced in one step.
    language : {'en', 'zh'}
        Language of titles and labels.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    panels = [s for s in report.sections if isinstance(s, Metrics) or chart_of(s) is not None]
    draw_sections(panels, path, title=headline(report, language), subtitle=report.protocol, language=language)


def draw_sections(
    sections: Sequence[Section],
    path: Path,
    *,
    title: str,
    subtitle: str = "",
    columns: int = 2,
    language: Language = "en",
) -> None:
    """Draw sections into a PNG file, one panel each; the file is replaced in one step.

    Parameters
    ----------
    sections : sequence of Section
        Instances of classes of `ml.report.sections`, in reading order: from left to right, then from top to bottom.
    path : Path
        File to write, `.png`, in a folder that exists.
    title, subtitle : str
        Heading of the figure and the line below it.
    columns : int
        Panels side by side.
    language : {'en', 'zh'}
        Language of titles and labels.

    Raises
    ------
    ConfigError
        The file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from ml.bilingual import Text
    >>> from ml.report.sections import Metric, Metrics
    >>> metric = Metric(name="roc_auc", value=0.75, low=0.7, high=0.8, baseline=0.5)
    >>> section = Metrics(name="metrics", title=Text(zh="指标", en="Metrics"), rows=(metric,))
    >>> with TemporaryDirectory() as folder:
    ...     draw_sections([section], Path(folder) / "figure.png", title="Lead scoring")
    ...     [path.name for path in Path(folder).iterdir()]
    ['figure.png']
    """
    columns = min(columns, max(len(sections), 1))
    # A table of metrics is wider than a chart: it has a row of its own.
    tables = [s for s in sections[:1] if isinstance(s, Metrics) and columns > 1]
    lines = len(tables) + ceil(max(len(sections) - len(tables), 0 if tables else 1) / columns)
    heights = [TABLE_HEIGHT] * len(tables) + [PANEL_HEIGHT] * (lines - len(tables))
    size = (WIDTH * columns, sum(heights) + HEAD)
    with rc_context({**STYLE, "font.family": ["DejaVu Sans", *chinese_fonts()]}):
        layout = ConstrainedLayoutEngine(rect=(0.01, 0.01, 0.98, 0.99 - HEAD / size[1]), hspace=0.05, wspace=0.03)
        figure = Figure(figsize=size, layout=layout)  # not by pyplot, which would change the backend of a notebook
        figure.text(0.12 / size[0], 1 - 0.12 / size[1], title, va="top", fontsize=12, fontweight="bold")
        under = textwrap.fill(subtitle, round(14 * size[0]))
        figure.text(0.12 / size[0], 1 - 0.42 / size[1], under, va="top", color=QUIET_INK)
        grid = figure.add_gridspec(lines, columns, height_ratios=heights)
        cells = [grid[k, :] for k in range(len(tables))]
        cells += [grid[k, column] for k in range(len(tables), lines) for column in range(columns)]
        axes = [figure.add_subplot(cell) for cell in cells]
        for panel, section in zip(axes, sections, strict=False):
            panel.set_title(_wrapped(getattr(section.title, language)))
            _draw(panel, section, language)
        for panel in axes[len(sections) :]:
            panel.set_axis_off()
        _save(figure, path)


def _wrapped(title: str) -> str:
    return textwrap.fill(title, 46)


def _draw(panel: Any, section: Section, language: Language) -> None:
    chart = chart_of(section, language)
    if isinstance(chart, Lines):
        _lines(panel, chart)
    elif isinstance(chart, HorizontalBars):
        _bars(panel, chart, language)
    else:
        _table(panel, section, language)


def _lines(panel: Any, chart: Lines) -> None:
    for i, series in enumerate(chart.series):
        colour = SERIES[i % len(SERIES)]
        values = [float("nan") if v is None else v for v in series.values]
        marker = "o" if len(chart.x) <= MAX_MARKERS else ""
        panel.plot(chart.x, values, color=colour, marker=marker, markersize=4, linewidth=1.8, label=series.title)
        for k, band in enumerate(series.bands):
            ends = ([float("nan") if v is None else v for v in side] for side in (band.low, band.high))
            panel.fill_between(
                chart.x, *ends, color=colour, alpha=BAND_OPACITY, linewidth=0, label="_" if k else series.band_title
            )
    for i, (value, title) in enumerate(chart.thresholds):
        panel.axhline(value, color=BAD, linestyle=(0, DASHES[i % len(DASHES)]), linewidth=1.4, label=title)
    x0, x1, y0, y1 = chart.extent()
    if chart.diagonal:
        panel.plot([x0, x1], [y0, y1], color=CONTROL, linestyle=":", linewidth=1.2, label=chart.diagonal)
    panel.set(xlabel=chart.x_axis.title, ylabel=chart.y_axis.title, ylim=(y0, y1 + 0.06 * (y1 - y0)))
    panel.set_yticks(ticks(y0, y1))
    panel.yaxis.set_major_formatter(_tick_formatter(chart.y_axis))
    if chart.log_x:
        panel.set_xscale("log")
        panel.set_xticks(decades(x0, x1), minor=False)
        panel.minorticks_off()
    if chart.labels is None:
        panel.xaxis.set_major_formatter(_tick_formatter(chart.x_axis))
    else:
        labels = chart.shown_labels()
        panel.set_xticks(list(labels), list(labels.values()))
    _legend(panel)


def _bars(panel: Any, chart: HorizontalBars, language: Language) -> None:
    thick = 0.8 / len(chart.series)
    high = 0.0
    for i, series in enumerate(chart.series):
        for k, value in enumerate(series.values):
            place, end = k - 0.4 + thick * (i + 0.5), value or 0.0
            panel.barh(
                place, end, height=thick * 0.9, color=SERIES[i % len(SERIES)], label=series.title if k == 0 else ""
            )
            for band in series.bands[:1]:
                low, up = band.low[k], band.high[k]
                if low is not None and up is not None:
                    panel.plot([low, up], [place, place], color=INK, linewidth=1.4, label="_")
                    end = max(end, up)
            label = "–" if value is None else format_figure(value, series.format, language)
            panel.annotate(f" {label}", (end, place), va="center", fontsize=8, color=QUIET_INK)
            high = max(high, end)
    panel.set(
        xlabel=chart.axis.title,
        xlim=(None, high * 1.18 or 1.0),
        ylim=(max(len(chart.categories), MIN_BAR_SLOTS) - 0.5, -0.5),
    )
    panel.set_yticks(range(len(chart.categories)), chart.categories)
    panel.grid(axis="y", visible=False)
    panel.grid(axis="x", visible=True)
    panel.xaxis.set_major_formatter(_tick_formatter(chart.axis))
    _legend(panel)


def _legend(panel: Any) -> None:
    """Draw the legend below the axis title, where it covers no data."""
    handles, labels = panel.get_legend_handles_labels()
    if len(labels) > 1:
        # A Chinese character is as wide as two others. A legend that is wider than its panel would narrow all panels.
        widest = max(sum(2 if has_chinese(c) else 1 for c in label) for label in labels) + KEY_CHARACTERS
        columns = max(min(len(labels), 4, LEGEND_CHARACTERS // widest), 1)
        panel.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=columns)


def _table(panel: Any, section: Section, language: Language) -> None:
    content = text_table(section, language)
    panel.set_axis_off()
    if not content.rows:
        return
    cells = [[textwrap.shorten(c, 48, placeholder="…") for c in row] for row in content.rows[:12]]
    drawn = panel.table(cells, colLabels=content.header, loc="upper left", edges="horizontal", cellLoc="right")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(8.5)
    drawn.scale(1, 1.35)
    drawn.auto_set_column_width(list(range(len(content.header))))
    for (row, column), cell in drawn.get_celld().items():
        cell.set_edgecolor(CONTROL if row == 0 else LINE)
        cell.get_text().set_color(QUIET_INK if row == 0 else INK)
        if not content.is_number[column]:
            cell.get_text().set_horizontalalignment("left")


def _tick_formatter(axis: ChartAxis) -> FuncFormatter:
    return FuncFormatter(lambda value, _: format_tick(round(float(value), 12), axis.format))


def _save(figure: Figure, path: Path) -> None:
    """Write a figure under a temporary name, then rename it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.png")
    try:
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # fonts without a bold face
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # matplotlib warns once per missing character; `_warn` warns once
            figure.savefig(part, dpi=DPI)
        part.replace(path)
    except OSError as e:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise ConfigError(f"{path}: {e.strerror}; free space there or choose another place") from None
    _warn(figure, path)


def _warn(figure: Figure, path: Path) -> None:
    """Print one note if the figure has Chinese text and no font has the characters."""
    if not chinese_fonts() and any(has_chinese(text.get_text()) for text in figure.findobj(FigureText)):
        print(f"note: {MISSING.format(path=path)}", file=sys.stderr)

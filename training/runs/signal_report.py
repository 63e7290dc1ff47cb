"""Table and figure of the ranked pairs of `chehang signals`."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ml.bilingual import Text
from ml.report.columns import Interval, axis, column
from ml.report.figures import draw_sections
from ml.report.sections import Bars, Table

SIGNAL = 2.0  # EB05 at which a pair counts as a signal, the limit of the US Food and Drug Administration
DRAWN = 15  # pairs in the figure
TIMES = Text(zh="倍", en="times")
FIGURE_COLUMNS = (
    column("count", "件数", "events", "count"),
    column("expected", "独立时的预期件数", "events expected if independent", "number"),
    column("ebgm", "EBGM（收缩后的倍数）", "EBGM (shrunken ratio)", "number", unit=TIMES,
           interval=Interval(low="eb05", high="eb95", level=0.9)),
    column("prr", "PRR（占比之比）", "PRR (ratio of shares)", "number", unit=TIMES,
           interval=Interval(low="prr_lower", high="prr_upper")),
    column("ror", "ROR（优势比）", "ROR (odds ratio)", "number", unit=TIMES,
           interval=Interval(low="ror_lower", high="ror_upper")),
)  # fmt: skip


def pair_table(ranked: pl.DataFrame, *, limit: int) -> Table:
    """Return the ranked pairs as a section with titles in both languages.

    Parameters
    ----------
    ranked : DataFrame
        ``training.runs.signals.signals(path).table``: the two labels, then the figures.
    limit : int
        Number of pairs, from the first.

    Examples
    --------
    >>> figures = ["count", "expected", "ebgm", "eb05", "eb95", "prr", "prr_lower", "prr_upper", "ror", "ror_lower",
    ...     "ror_upper"]
    >>> ranked = pl.DataFrame([["A", "brakes", 16, 4.0, 3.5, 2.1, 5.4, 4.2, 2.0, 8.0, 5.0, 2.2, 9.0]], orient="row",
    ...     schema=["model", "component", *figures])
    >>> section = pair_table(ranked, limit=5)
    >>> section.columns[4].label("zh"), section.rows[0]["eb05"], section.summary.en
    ('EBGM（收缩后的倍数）（倍）', 2.1, '1 of 1 pair has an EB05 of at least 2')
    """
    row, name = ranked.columns[:2]
    labels = (column(row, _zh(row, "车型"), row), column(name, _zh(name, "部件"), name))
    strong, n = ranked.filter(pl.col("eb05") >= SIGNAL).height, ranked.height
    verb = "has" if n == 1 else "have"
    summary = Text(
        zh=f"{n:,} 个组合中有 {strong:,} 个的 EB05 不低于 {SIGNAL:g}",
        en=f"{strong:,} of {n:,} pair{'' if n == 1 else 's'} {verb} an EB05 of at least {SIGNAL:g}",
    )
    rows = tuple(ranked.head(limit).to_dicts())
    title = Text(zh="出现次数高于独立预期的组合", en="Pairs that occur more often than if they were independent")
    return Table(name="pairs", title=title, summary=summary, columns=(*labels, *FIGURE_COLUMNS), rows=rows)


def _zh(name: str, zh: str) -> str:
    return zh if name in ("model", "component") else name


def pair_bars(ranked: pl.DataFrame) -> Bars:
    """Return the first pairs as bars of EBGM with error bars from EB05 to EB95.

    Parameters
    ----------
    ranked : DataFrame
        As for `pair_table`.
    """
    row, name = ranked.columns[:2]
    label = pl.concat_str(row, name, separator=": ").alias("pair")
    rows = ranked.head(DRAWN).select(label, "ebgm", "eb05", "eb95").to_dicts()
    title = Text(zh="倍数最高的组合（误差线：EB05～EB95）", en="Pairs with the highest EB05 (error bars: EB05 to EB95)")
    pair = column("pair", "组合", "pair")
    return Bars(
        name="pairs", title=title, columns=(pair, FIGURE_COLUMNS[2]), drawn=("ebgm",), rows=tuple(rows),
        y=axis("EBGM（收缩后的倍数）", "EBGM (shrunken ratio)", "number", unit=TIMES),
    )  # fmt: skip


def draw_pairs(ranked: pl.DataFrame, path: Path) -> None:
    """Draw the first pairs as a PNG; the file is overwritten.

    Parameters
    ----------
    ranked : DataFrame
        As for `pair_table`.
    path : Path
        File that ends in `.png`.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    subtitle = pair_table(ranked, limit=1).summary
    draw_sections([pair_bars(ranked)], path, title="signals", subtitle=subtitle.en if subtitle else "", columns=1)

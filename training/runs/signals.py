"""Run of `chehang signals`: pairs that occur more often than under independence, from counts without exposure.

Without the number of vehicles on the road, a count can only be compared with the other counts: the expected count of a
pair is that under independence of rows and columns. The pairs are ranked by EB05, the lower limit of EBGM, which is the
ratio of count to expected count shrunk by an empirical Bayes prior; PRR and ROR are the unshrunken ratios.

Sources: W. DuMouchel, "Bayesian Data Mining in Large Frequency Tables", *The American Statistician* 53 (1999); the R
package openEBGM 0.9, whose published figures these are. `ml.domain.faults.shrinkage` holds the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from features.errors import ConfigError, DataError
from features.sources.scans import open_source, read_error
from features.sources.table_source import TableSource
from ml.domain.faults.shrinkage.cells import ShrinkageError
from ml.domain.faults.shrinkage.contingency import Pairs, count_pairs, count_reports
from ml.domain.faults.shrinkage.disproportionality import proportional_reporting_ratio, reporting_odds_ratio
from ml.domain.faults.shrinkage.fitting import Fit, fit_mixture
from ml.domain.faults.shrinkage.scores import scores
from ml.domain.faults.shrinkage.squashing import squash
from training.answer_files import check_answer_path, write_answers
from training.config import TaskConfig
from training.progress import Progress
from training.runs.signal_records import read_pair_lines
from training.runs.signal_report import draw_pairs

FIGURES = (
    "count", "expected", "ebgm", "eb05", "eb95", "prr", "prr_lower", "prr_upper", "ror", "ror_lower", "ror_upper",
)  # fmt: skip


@dataclass(frozen=True)
class PairColumns:
    """Columns of the table of pairs.

    ``training.runs.signals.PairColumns(report="order_id")`` makes one.

    Attributes
    ----------
    row, column : str
        Columns of the two labels of a pair, such as model and component.
    count : str
        Column of the number of events; not read where `report` is set.
    report : str or None
        Column of the report id. If set, lines are parts of reports, and each report counts once in a pair.
    stratum : str or None
        Column of strata; expected counts are computed within each stratum.
    """

    row: str = "model"
    column: str = "component"
    count: str = "count"
    report: str | None = None
    stratum: str | None = None

    @property
    def names(self) -> list[str]:
        """Columns to read."""
        return [n for n in (self.row, self.column, self.report or self.count, self.stratum) if n is not None]


@dataclass(frozen=True)
class Signals:
    """Pairs ranked by EB05, as returned by `signals`.

    Attributes
    ----------
    table : DataFrame
        One row per pair with an event, highest `eb05` first: the two labels, `count`, `expected`, `ebgm` with its 90%
        interval (`eb05`, `eb95`), `prr` and `ror` with their 95% intervals. Null for infinite values.
    total : int
        Number of events, or of reports.
    fit : Fit
        Fitted prior of the ratios.
    remarks : tuple of str
        Records that were left out or merged, and why.
    files : tuple of Path
        Files written.
    """

    table: pl.DataFrame
    total: int
    fit: Fit
    remarks: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def notes(self) -> Sequence[str]:
        """Return remarks on the records and warnings about the fit; empty if there are none."""
        if not self.fit.at_limit:
            return self.remarks
        names = ", ".join(self.fit.at_limit)
        return (
            *self.remarks,
            f"the fitted prior is at a limit of its range ({names}): the ratios hardly differ between pairs; with few "
            "pairs the intervals of EBGM are too narrow: compare PRR and ROR",
        )


def signals(data: Path, *, columns: PairColumns | None = None, out: Path | None = None) -> Signals:
    """Return the pairs of a table, ranked by EB05.

    Parameters
    ----------
    data : Path
        `.parquet`, or `.csv` in UTF-8, with the columns of `columns`. Lines of the same pair are summed.
    columns : PairColumns, optional
        ``training.runs.signals.PairColumns(row="model", column="component", count="count")``, the default.
    out : Path, optional
        File for the ranked table: `.parquet` or `.csv`; not `data` itself. A figure `.png` is written beside it.

    Returns
    -------
    Signals
        `table` (DataFrame: the two labels, `count`, `expected`, `ebgm`, `eb05`, `eb95`, `prr`, `ror` and their
        intervals), the highest `eb05` first; `total`, the number of events or reports; `fit` (`prior`, `at_limit`);
        `notes` on the fit.

    Raises
    ------
    DataError, ConfigError
        The file or a column cannot be read, or a value breaks its rule; nothing is written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from training.runs.signals import PairColumns
    >>> ranked = signals(Path("pairs.csv"), columns=PairColumns(count="faults")).table  # doctest: +SKIP
    """
    columns = columns or PairColumns()
    if out is not None:
        check_answer_path(out)
        if out.resolve() == data.resolve():
            raise ConfigError(f"--out {out}: is the input file; give another file")
    if len(set(columns.names)) < len(columns.names) or {columns.row, columns.column} & set(FIGURES[1:]):
        raise ConfigError(
            f"--row, --column: {columns.names} must be different columns, none named like a figure of the result"
        )
    return _ranked(_read(data, columns), columns, where=str(data), out=out)


def signals_of_records(
    config: TaskConfig, *, stratum: str | None = None, out: Path | None = None, progress: Progress | None = None
) -> Signals:
    """Return the pairs of model and component of the workshop records of a configuration, ranked by EB05.

    Parameters
    ----------
    config : TaskConfig
        ``training.config.load_config("fault_rate", path)``; `time: none` where the records have no date.
    stratum : str, optional
        Column of the records, such as `model_year`; expected counts are computed within each value.
    out : Path, optional
        File for the ranked table: `.parquet` or `.csv`; a figure `.png` is written beside it.
    progress : callable, optional
        Called with one line of text for each table, such as `print`.

    Returns
    -------
    Signals
        As returned by `signals`.

    Raises
    ------
    DataError, ConfigError
        A table, a column or the configuration is unusable; nothing is written.

    Examples
    --------
    Needs the tables of the sources.

    >>> from training.config import load_config
    >>> ranked = signals_of_records(load_config("fault_rate")).table  # doctest: +SKIP
    """
    if out is not None:
        check_answer_path(out)
    lines, remarks = read_pair_lines(config, stratum=stratum, progress=progress)
    columns = PairColumns(stratum=stratum)
    return _ranked(lines, columns, where="service_records", out=out, remarks=remarks)


def _ranked(
    lines: pl.DataFrame, columns: PairColumns, *, where: str, out: Path | None, remarks: tuple[str, ...] = ()
) -> Signals:
    try:
        pairs = _pairs(lines, columns)
        points = squash(pairs.count, pairs.expected)
        fit = fit_mixture(points.count, points.expected, weight=points.weight, zero_truncated=True)
        table = _table(pairs, fit, columns)
    except ShrinkageError as e:
        raise DataError(f"{where}: {e}") from None
    if out is None:
        return Signals(table, pairs.total, fit, remarks)
    picture = out.with_suffix(".png")
    draw_pairs(table, picture)
    write_answers(table, out)
    return Signals(table, pairs.total, fit, remarks, (out, picture))


def _read(data: Path, columns: PairColumns) -> pl.DataFrame:
    """Return the lines with labels as text and counts as numbers."""
    if data.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"{data}: must be a .parquet or .csv file, got '{data.suffix}'")
    source = open_source("pairs", TableSource.model_validate({data.suffix[1:]: str(data)}))
    if missing := [n for n in columns.names if n not in source.columns]:
        listing = ", ".join(source.columns)
        raise DataError(f"{data}: has no column '{missing[0]}'; name the right one of {listing} with an option")
    try:
        lines = source.rows().select(columns.names).collect()
    except (OSError, pl.exceptions.PolarsError) as e:
        raise read_error(str(data), e) from None
    if source.logs and (bad_lines := source.logs[0].bad_lines):
        raise DataError(f"{data}: {bad_lines.summary()}")
    if lines.is_empty():
        raise DataError(f"{data}: has no rows; export it again")
    labels = [n for n in columns.names if columns.report is not None or n != columns.count]
    lines = lines.with_columns(pl.col(labels).cast(pl.String))
    if columns.report is None:
        number = lines[columns.count].cast(pl.Float64, strict=False)
        _refuse(data, lines, number.is_null(), name=columns.count, rule="must be a number")
        lines = lines.with_columns(number)
    for name in labels:
        _refuse(data, lines, lines[name].is_null(), name=name, rule="must not be empty")
    return lines


def _refuse(data: Path, lines: pl.DataFrame, broken: pl.Series, *, name: str, rule: str) -> None:
    if rows := broken.arg_true().to_list():
        value = lines[name][rows[0]]
        share = f"{len(rows):,} of {lines.height:,} rows"
        raise DataError(f"{data}: {name} {rule}, got {value!r} in row {rows[0] + 1:,} ({share}); correct or drop them")


def _pairs(lines: pl.DataFrame, columns: PairColumns) -> Pairs:
    row, column = lines[columns.row].to_numpy(), lines[columns.column].to_numpy()
    stratum = None if columns.stratum is None else lines[columns.stratum].to_numpy()
    if columns.report is not None:
        return count_reports(lines[columns.report].to_numpy(), row, column=column, stratum=stratum)
    return count_pairs(row, column, count=lines[columns.count].to_numpy(), stratum=stratum)


def _table(pairs: Pairs, fit: Fit, columns: PairColumns) -> pl.DataFrame:
    shrunk = scores(fit.prior, pairs.count, pairs.expected)
    totals: dict[str, Any] = {"column_total": pairs.column_total, "total": pairs.total}
    prr = proportional_reporting_ratio(pairs.count, pairs.row_total, **totals)
    ror = reporting_odds_ratio(pairs.count, pairs.row_total, **totals)
    figures: tuple[npt.NDArray[Any], ...] = (
        pairs.count, pairs.expected, shrunk.ebgm, shrunk.lower, shrunk.upper,
        prr.value, prr.lower, prr.upper, ror.value, ror.lower, ror.upper,
    )  # fmt: skip
    bounded = {
        name: pl.Series(values)
        if values.dtype.kind == "i"
        else pl.Series(np.where(np.isfinite(values), values, np.nan))
        for name, values in zip(FIGURES, figures, strict=True)
    }
    table = pl.DataFrame(
        {
            columns.row: pl.Series(pairs.row, dtype=pl.String),
            columns.column: pl.Series(pairs.column, dtype=pl.String),
            **bounded,
        }
    )
    ranked = table.with_columns(pl.col(pl.Float64).fill_nan(None))
    return ranked.sort("eb05", columns.row, columns.column, descending=[True, False, False])

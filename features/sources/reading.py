"""Raw tables read from their sources: mapped, checked against the contract, the broken rows set apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import polars as pl

from features.errors import ChehangError, ConfigError, DataError
from features.sources.column_mapping import ColumnMapping, map_columns
from features.sources.config import ExtraFeatures, SourcesConfig, TableSource
from features.sources.odometers import keep_unmapped, without_implausible
from features.sources.quarantine import write_quarantine
from features.sources.quarantine_limit import quarantine_error
from features.sources.scans import ROW, Scan, open_source, read_error
from features.sources.typed_rows import TypedRows, chosen, typed
from features.sources.validation import ValidationResult, validate_rows
from features.tables import TABLES, Table
from features.yaml_config import name_hint

NOTHING: Mapping[str, ExtraFeatures] = MappingProxyType({})


@dataclass(frozen=True)
class TableReport:
    """What reading one table found.

    Attributes
    ----------
    table : str
        Its name.
    rows_read, rows_valid, rows_quarantined : int
        The rest of `rows_read` are exact duplicates, of which the first is kept.
    rules : dict of str to int
        "column: rule" to the rows that break it, most first; "exact duplicate" to the rows left out as such.
    fingerprint : str
        Hash of the kept rows' content, whatever their order.
    columns : tuple of str
        The frame's columns.
    notes : tuple of str
        What was read out of free text, and readings that were set to unknown.
    """

    table: str
    rows_read: int
    rows_valid: int
    rows_quarantined: int
    rules: dict[str, int]
    fingerprint: str
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RawTables:
    """Raw tables by name: the frames, and what reading each found.

    A frame from Parquet reads its files again whenever it is collected, so that only the columns in use ever are in
    memory: replace such files rather than rewriting them while a run is on. Others are in memory already.
    """

    frames: dict[str, pl.LazyFrame]
    reports: dict[str, TableReport]


def read_tables(
    config: SourcesConfig,
    names: Sequence[str],
    *,
    extra: Mapping[str, ExtraFeatures] = NOTHING,
    quarantine_folder: Path,
    undated: Collection[str] = (),
    progress: Callable[[str], None] | None = None,
) -> RawTables:
    """Read raw tables and keep the rows that hold to the contract.

    All tables and columns are checked by name before any row is read. A frame has the contract's columns that the
    source has, in the contract's order and types, then the extra features (Float64, String).

    Parameters
    ----------
    config : SourcesConfig
        Where each table comes from.
    names : sequence of str
        Tables to read.
    extra : mapping of str to ExtraFeatures
        Columns beyond the contract to carry along, by table.
    quarantine_folder : Path
        Where `<table>.parquet` with the broken rows goes.
    undated : collection of str
        Tables whose ordering instant does not exist: it is not asked for, and not in the frame.
    progress : callable, optional
        Called with one line of text per step.

    Raises
    ------
    ConfigError
        The mapping names a column or option that cannot be; the quarantine cannot be written.
    DataError
        A source that cannot be read, a required column that is missing or empty, no rows, or more broken rows than
        `max_quarantined_share`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "outcomes.csv")
    ...     _ = file.write_text("loan,bad\\nL1,yes\\nL2,no\\n")
    ...     columns = {"application_id": "loan", "defaulted": "bad"}
    ...     config = SourcesConfig(tables={"loan_outcomes": {"csv": str(file), "columns": columns}})
    ...     tables = read_tables(config, ["loan_outcomes"], quarantine_folder=Path(folder))
    >>> tables.frames["loan_outcomes"].collect().rows()
    [('L1', True), ('L2', False)]
    >>> tables.reports["loan_outcomes"].rows_valid
    2
    """
    tell = progress or (lambda line: None)
    now = time.time_ns() // 1_000
    plans = _plans(config, names, extra, undated)
    frames, reports = {}, {}
    for plan in plans:
        name = plan.table.name
        for ignored in plan.mapping.ignored:
            tell(f"{name}: `{ignored}` is mapped but neither in the contract nor an extra feature: not read")
        try:
            frames[name], reports[name] = _read(plan, config, Path(quarantine_folder) / f"{name}.parquet", now)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise read_error(plan.scan.where, error) from None
        report = reports[name]
        tell(
            f"{name}: {report.rows_read:,} rows read, {report.rows_valid:,} kept, {report.rows_quarantined:,} set apart"
        )
        for note in report.notes:
            tell(f"{name}: {note}")
    return RawTables(frames, reports)


@dataclass(frozen=True)
class _Plan:
    table: Table
    source: TableSource
    scan: Scan
    mapping: ColumnMapping


def _plans(
    config: SourcesConfig, names: Sequence[str], extra: Mapping[str, ExtraFeatures], undated: Collection[str]
) -> list[_Plan]:
    plans, problems = [], []
    for name in dict.fromkeys(names):
        try:
            plan = _plan(config, name, extra.get(name, ExtraFeatures()), name in undated)
        except ChehangError as error:
            problems.append(error)
            continue
        plans.append(plan)
        problems += plan.mapping.problems
    if problems:
        kind = DataError if any(isinstance(p, DataError) for p in problems) else ConfigError
        raise kind("; ".join(map(str, problems)))
    return plans


def _plan(config: SourcesConfig, name: str, extra: ExtraFeatures, undated: bool) -> _Plan:
    if name not in TABLES:
        raise ConfigError(f"`{name}` is not a raw table; {name_hint(name, TABLES)}")
    source = config.tables.get(name)
    if source is None:
        raise ConfigError(f"{config.file}: tables: no entry `{name}`: say there where its rows come from")
    scan = open_source(name, source)
    mapping = map_columns(TABLES[name], source, scan.columns, extra=extra, undated=undated, file=config.file)
    return _Plan(TABLES[name], source, scan, mapping)


def _read(plan: _Plan, config: SourcesConfig, quarantine: Path, now: int) -> tuple[pl.LazyFrame, TableReport]:
    name, where, source = plan.table.name, plan.scan.where, plan.source
    rows = chosen(plan.scan.rows(), source, plan.mapping)
    if not plan.scan.cheap_to_repeat:
        rows = rows.collect().lazy()
    table = typed(
        rows,
        plan.table,
        plan.mapping,
        timezone=config.timezone,
        now=None if source.allow_future else now,
        field=f"{config.file}: tables.{name}",
        where=where,
    )
    if not plan.scan.cheap_to_repeat:
        table = TypedRows(table.frame.collect().lazy(), table.columns, table.flags)
    required = tuple(f.name for f in plan.mapping.columns if f.required)
    validation = validate_rows(table, plan.mapping.key, watch=required)
    _not_empty(validation, plan)
    written = write_quarantine(quarantine, rows, validation.broken)
    share = config.max_quarantined_share
    if validation.broken.height > share * validation.rows_read or validation.rows_valid == 0:
        raise quarantine_error(
            plan.table, plan.mapping, rows, validation, share=share, file=config.file, written=written
        )
    frame, notes = _kept(table, validation), [plan.scan.mapped.note] if plan.scan.mapped else []
    if plan.scan.mapped is not None:
        keep_unmapped(quarantine.with_suffix(".unmapped.csv"), plan.scan.mapped)
    rules = dict(validation.rules)
    if source.check_odometer:
        frame, counted = without_implausible(frame, quarantine.with_suffix(".odometer.parquet"), where=where)
        rules |= counted
        notes += [f"{n:,} readings become unknown: {rule}" for rule, n in counted.items()]
    report = TableReport(
        name,
        validation.rows_read,
        validation.rows_valid,
        validation.broken.height,
        rules,
        validation.fingerprint,
        table.columns,
        tuple(notes),
    )
    return frame, report


def _not_empty(validation: ValidationResult, plan: _Plan) -> None:
    where = plan.scan.where
    if validation.rows_read == 0:
        filtered = " that `only` and `drop` leave: widen them" if plan.source.only or plan.source.drop else ""
        raise DataError(f"{where}: has no rows{filtered or ': fill the table, or point to the right one'}")
    if validation.empty:
        raise DataError(
            f"{where}: required column `{validation.empty[0]}` is null in every row: "
            f"fill it, or map another column under tables.{plan.table.name}.columns.{validation.empty[0]}"
        )


def _kept(table: TypedRows, validation: ValidationResult) -> pl.LazyFrame:
    frame = table.frame
    if len(validation.left_out):
        frame = frame.filter(~pl.col(ROW).is_in(validation.left_out.implode()))
    return frame.select(table.columns)

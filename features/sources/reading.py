"""Read raw tables: map their columns, validate their rows, and quarantine the rows that break the contract."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import polars as pl

from features.contracts import Table
from features.errors import ChehangError, ConfigError, DataError
from features.plurals import count_text
from features.sources.column_mapping import ColumnMapping, map_columns
from features.sources.config import ExtraFeatures, SourcesConfig
from features.sources.duplicates import latest_row
from features.sources.instants import NumberDates
from features.sources.key_limit import max_unmatched_share, unmatched_error
from features.sources.key_matches import KeyMatch, KeyTable, match_keys
from features.sources.line_quarantine import count_bad_lines, log_notes
from features.sources.nulls import nulls_in_contract_units, unmatched_nulls
from features.sources.numbers import NumberReading
from features.sources.odometers import remove_implausible, write_unmapped
from features.sources.quarantine import write_quarantine
from features.sources.quarantine_limit import quarantine_error
from features.sources.scans import ROW, Scan, open_source, read_error
from features.sources.selection import limit_rows, select_rows
from features.sources.table_report import TableReport
from features.sources.table_source import TableSource
from features.sources.time_filters import filter_problems
from features.sources.typed_rows import NO_MARKS, NO_NUMBERS, TypedRows, convert_rows, source_columns
from features.sources.validated_rows import Readings, ValidatedRows, validate_columns
from features.sources.validation import ValidationResult, validate_rows
from features.sources.violations import Violation
from features.tables import TABLES
from features.yaml_config import name_hint

NO_TARGETS: Mapping[str, Collection[str]] = MappingProxyType({})
NO_EXTRAS: Mapping[str, ExtraFeatures] = MappingProxyType({})


@dataclass(frozen=True)
class RawTables:
    """Valid rows of each raw table, and a report on its read; returned by `read_tables`.

    Such as ``features.sources.read_tables(features.sources.load_sources(path), ["leads"], quarantine_folder=folder)``.

    A frame from Parquet reads its files again whenever it is collected, to keep only the columns in use in memory. Do
    not overwrite these files during a run; replace them. Frames from CSV and databases are in memory.

    Attributes
    ----------
    frames : dict of str to LazyFrame
        By table name.
    reports : dict of str to TableReport
        By table name.
    key_matches : tuple of KeyMatch
        Numbers of rows with and without a partner, for each reference between two of the tables.
    """

    frames: dict[str, pl.LazyFrame]
    reports: dict[str, TableReport]
    key_matches: tuple[KeyMatch, ...] = ()

    @property
    def key_notes(self) -> tuple[str, ...]:
        """Sentences on the references with rows that have no partner."""
        return tuple(match.text for match in self.key_matches if match.unmatched_rows)


def read_tables(
    config: SourcesConfig,
    names: Sequence[str],
    *,
    extra: Mapping[str, ExtraFeatures] = NO_EXTRAS,
    quarantine_folder: Path,
    undated: Collection[str] = (),
    joins: Collection[str] | None = None,
    targets: Mapping[str, Collection[str]] = NO_TARGETS,
    progress: Callable[[str], None] | None = None,
) -> RawTables:
    """Read raw tables and return the rows that satisfy their contracts.

    Table and column names are checked for all tables before any row is read.

    Parameters
    ----------
    config : SourcesConfig
        As returned by ``features.sources.load_sources(Path("configs/sources.yaml"))``.
    names : sequence of str
        Names of the tables to read: keys of `features.tables.TABLES` with an entry in `config.tables`.
    extra : mapping of str to ExtraFeatures
        By table: columns beyond the contract to read, such as
        ``{"applications": features.sources.ExtraFeatures(numeric=["age"])}``.
    quarantine_folder : Path
        Folder for the quarantined rows, in `<table>.parquet`; it is made.
    undated : collection of str
        Tables whose rows carry no date: their time column is neither required nor returned.
    joins : collection of str, optional
        References on which the caller joins, such as `events.vehicle_id`: too many rows whose key has no partner stop
        the read. By default all references between two of the tables; the keys of the others are only counted.
    targets : mapping of str to collection of str
        By table: columns from which labels are computed. Like keys, they are never set aside.
    progress : callable, optional
        Called with lines of text for each table: numbers of rows, notes, and numbers of keys without a partner.

    Returns
    -------
    RawTables
        `frames` (polars.LazyFrame) by table: the contract columns that the source has, in the contract's order and
        types (timestamps int64, microseconds since 1970 UTC, money int64 fen), then the extra features (Float64 or
        String). `reports` by table: `rows_read`, `rows_valid`, `rows_quarantined` and `rules` (number of rows by broken
        rule). `key_matches`: numbers of rows with and without a partner in another table.

    Raises
    ------
    ConfigError
        A name is not a raw table or has no entry, a mapping uses a column or option that does not exist, or the
        quarantine folder is not writable.
    DataError
        A source cannot be read or has no rows, a required column is missing or empty, the share of broken rows is
        above `max_quarantined_share`, or the share of rows whose key has no partner above `max_unmatched_share`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from features.sources import SourcesConfig
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
    report_progress = progress or (lambda line: None)
    now = time.time_ns() // 1_000
    plans = _plans(config, names, extra, undated, targets)
    frames, reports, key_tables = {}, {}, {}
    for plan in plans:
        name = plan.table.name
        for column in plan.mapping.unused:
            report_progress(f"{name}: `{column}` is mapped but not read: it is no contract column and no extra feature")
        try:
            key_tables[name], reports[name] = _read(plan, config, Path(quarantine_folder) / f"{name}.parquet", now)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise read_error(plan.scan.where, error) from None
        frames[name], report = key_tables[name].valid, reports[name]
        for text in (report.counts, *report.all_notes):
            report_progress(f"{name}: {text}")
    matches = match_keys(key_tables, joins=joins)
    for match in matches:
        report_progress(match.text)
    if unmatched := unmatched_error(matches, config):
        raise unmatched
    return RawTables(frames, reports, matches)


@dataclass(frozen=True)
class _Plan:
    table: Table
    source: TableSource
    scan: Scan
    mapping: ColumnMapping


def _plans(
    config: SourcesConfig,
    names: Sequence[str],
    extra: Mapping[str, ExtraFeatures],
    undated: Collection[str],
    targets: Mapping[str, Collection[str]],
) -> list[_Plan]:
    plans, problems = [], []
    for name in dict.fromkeys(names):
        try:
            plan = _plan(config, name, extra.get(name, ExtraFeatures()), name in undated, targets.get(name, ()))
        except ChehangError as error:
            problems.append(error)
            continue
        plans.append(plan)
        problems += plan.mapping.problems
    if problems:
        kind = DataError if any(isinstance(p, DataError) for p in problems) else ConfigError
        raise kind("; ".join(map(str, problems)))
    return plans


def _plan(config: SourcesConfig, name: str, extra: ExtraFeatures, undated: bool, targets: Collection[str]) -> _Plan:
    if name not in TABLES:
        raise ConfigError(f"`{name}` is not a raw table; {name_hint(name, TABLES)}")
    source = config.tables.get(name)
    if source is None:
        raise ConfigError(f"{config.file}: tables: the table `{name}` is needed and has no entry: add its source")
    scan = open_source(name, source)
    mapping = map_columns(
        TABLES[name], source, scan.columns, extra=extra, undated=undated, file=config.file, targets=targets
    )
    problems = filter_problems(source, mapping, scan.columns, field=f"{config.file}: tables.{name}")
    return _Plan(TABLES[name], source, scan, replace(mapping, problems=(*mapping.problems, *problems)))


def _read(plan: _Plan, config: SourcesConfig, quarantine: Path, now: int) -> tuple[KeyTable, TableReport]:
    name, where, source = plan.table.name, plan.scan.where, plan.source
    selected = select_rows(plan.scan, source, plan.mapping)
    rows, limits = selected.rows, []
    share, logs, latest = config.max_quarantined_share, plan.scan.logs, None if source.allow_future else now
    zone = {"timezone": config.timezone_of(name), "where": where}

    def validate(mapping: ColumnMapping, readings: Readings) -> tuple[TypedRows, ValidationResult]:
        table = _typed(plan, config, rows, mapping, now=latest, numbers=readings.dates, marks=readings.marks)
        if not plan.scan.cheap_to_repeat:
            table = replace(table, frame=table.frame.collect().lazy())
        table, limited = limit_rows(table, source, mapping, **zone)
        limits.append(limited)
        required = tuple(f.name for f in mapping.columns if f.required)
        last = latest_row(rows, table, source, mapping, **zone)
        return table, validate_rows(table, mapping.key, check_empty=required, latest=last)

    validated = validate_columns(
        rows,
        plan.table,
        plan.mapping,
        validate=validate,
        share=share,
        timezone=zone["timezone"],
        field=f"{config.file}: tables.{name}",
    )
    table, limited, lines = validated.typed, limits[-1], logs[0].bad_lines if logs else None
    limit = max_unmatched_share(config, name)
    notes = [*log_notes(logs, share=share, unmatched_share=limit, file=config.file, table=name), *validated.notes]
    broken, validation = validated.validation.broken, count_bad_lines(validated.validation, lines)
    _check_not_empty(validation, plan)
    quarantine_file = write_quarantine(quarantine, rows, broken, lines=lines, cells_per_row=plan.scan.cells_per_row)
    violations = validated.explain(validation, lines, None)
    if validation.broken.height > share * validation.rows_read or validation.rows_valid == 0:
        raise quarantine_error(
            name,
            validation,
            violations,
            share=share,
            file=config.file,
            quarantine=quarantine_file,
            notes=[note for log in logs for note in log.notes],
        )
    frame = _valid_rows(table, validation)
    marks = validated.readings.marks
    unmatched = unmatched_nulls(rows, validated.mapping, timezone=zone["timezone"], marks=marks)
    notes += [*selected.counts.notes, *unmatched, *limited.notes]
    if plan.scan.lines is not None:
        notes.append(plan.scan.lines.note)
        write_unmapped(quarantine.with_suffix(".unmapped.csv"), plan.scan.lines)
    notes += validation.remarks
    rules = dict(validation.rules)
    if source.check_odometer:
        frame, counts = remove_implausible(frame, quarantine.with_suffix(".odometer.parquet"), where=where)
        rules |= counts
        notes += [f"{count_text(n, 'odometer reading')} removed: {rule}" for rule, n in counts.items()]
    report = _report(
        plan,
        config,
        validated,
        validation,
        rules=rules,
        notes=notes,
        violations=violations,
        rows_left_out=selected.counts.rows_left_out + limited.rows_left_out,
    )
    return _key_table(plan, config, validated, frame, has_broken_rows=bool(validation.broken.height)), report


def _report(
    plan: _Plan,
    config: SourcesConfig,
    validated: ValidatedRows,
    validation: ValidationResult,
    *,
    rules: dict[str, int],
    notes: Sequence[str],
    violations: tuple[Violation, ...],
    rows_left_out: int,
) -> TableReport:
    name, source, mapping = plan.table.name, plan.source, validated.mapping
    read_columns = {c.spec.source for c in plan.mapping.columns}
    return TableReport(
        table=name,
        rows_read=validation.rows_read,
        rows_valid=validation.rows_valid,
        rows_quarantined=validation.broken.height,
        rules=rules,
        fingerprint=validation.fingerprint,
        columns=validated.typed.columns,
        notes=tuple(notes),
        nulls=_nulls(source, mapping, config.timezone_of(name), validated.readings.marks),
        rows_left_out=rows_left_out,
        violations=violations,
        by_name=tuple(c.name for c in mapping.columns if c.by_name),
        timezone=config.timezone_of(name),
        has_other_columns=bool(source.columns) or any(c not in plan.table.columns for c in plan.scan.columns),
        unread_columns=tuple(c for c in plan.scan.columns if c not in read_columns),
    )


def _key_table(
    plan: _Plan, config: SourcesConfig, validated: ValidatedRows, valid: pl.LazyFrame, *, has_broken_rows: bool
) -> KeyTable:
    name, table = plan.table.name, validated.typed
    return KeyTable(
        plan.table,
        valid,
        table.frame.select(table.columns) if has_broken_rows else None,
        {c.name: c.spec.source or c.name for c in validated.mapping.columns},
        max_unmatched_share=max_unmatched_share(config, name),
        source_rows=lambda: plan.scan.rows().drop(ROW),
        is_query=plan.source.sql is not None,
        timezone=config.timezone_of(name),
        unfiltered=_unfiltered(plan, config),
    )


def _typed(
    plan: _Plan,
    config: SourcesConfig,
    rows: pl.LazyFrame,
    mapping: ColumnMapping,
    *,
    now: int | None,
    numbers: Mapping[str, NumberDates] = NO_NUMBERS,
    marks: Mapping[str, NumberReading | None] = NO_MARKS,
) -> TypedRows:
    return convert_rows(
        rows,
        plan.table,
        mapping,
        timezone=config.timezone_of(plan.table.name),
        now=now,
        field=f"{config.file}: tables.{plan.table.name}",
        where=plan.scan.where,
        numbers=numbers,
        marks=marks,
    )


def _unfiltered(plan: _Plan, config: SourcesConfig) -> Callable[[str], pl.Series] | None:
    """Return a function that reads the values of a column in all rows, or None if no filter leaves rows out."""
    source = plan.source
    if not (source.only or source.drop or source.since or source.before or source.until or source.sample):
        return None

    def values(column: str) -> pl.Series:
        mapped = tuple(c for c in plan.mapping.columns if c.name == column)
        mapping = replace(plan.mapping, columns=mapped, key=(), time=None)
        rows = plan.scan.rows().select(ROW, *source_columns(mapping))
        return _typed(plan, config, rows, mapping, now=None).frame.select(column).collect()[column]

    return values


def _nulls(
    source: TableSource, mapping: ColumnMapping, timezone: str, marks: Mapping[str, NumberReading | None]
) -> dict[str, tuple[bool | int | float | str, ...]]:
    values = {}
    for column in mapping.columns:
        spec = column.spec.model_copy(update={"nulls": (*column.spec.nulls, *source.null_values)})
        reading = marks.get(column.name)
        values[column.name] = nulls_in_contract_units(spec, column.kind, timezone=timezone, reading=reading)
    return {name: nulls for name, nulls in values.items() if nulls}


def _check_not_empty(validation: ValidationResult, plan: _Plan) -> None:
    where = plan.scan.where
    if validation.rows_read == 0:
        raise DataError(f"{where}: has no rows: fill the table, or give another source")
    if validation.empty:
        raise DataError(
            f"{where}: the required column `{validation.empty[0]}` has no value in any row: fill it in, or map another "
            f"source column at tables.{plan.table.name}.columns.{validation.empty[0]}"
        )


def _valid_rows(table: TypedRows, validation: ValidationResult) -> pl.LazyFrame:
    frame = table.frame
    if len(validation.excluded):
        frame = frame.filter(~pl.col(ROW).is_in(validation.excluded.implode()))
    return frame.select(table.columns)

"""Mapping of source columns onto contract columns, decided from column names before any row is read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from features.contracts import Table
from features.errors import ChehangError, ConfigError, DataError
from features.sources.column_source import ColumnSource
from features.sources.config import ExtraFeatures
from features.sources.conversion import Kind
from features.sources.rules import kind_of
from features.sources.table_source import TableSource
from features.yaml_config import name_hint


@dataclass(frozen=True)
class MappedColumn:
    """A contract column or extra feature, and the source column it is read from; in `ColumnMapping.columns`.

    Attributes
    ----------
    name : str
        Name of the contract column or extra feature.
    kind : {'text', 'boolean', 'integer', 'money', 'number', 'timestamp'}
        Type that its values are converted to.
    spec : ColumnSource
        Source column and conversion, from sources.yaml or by equal name.
    in_contract : bool
        False for an extra feature.
    required : bool
        Whether the contract requires the column.
    by_name : bool
        True for an optional contract column that sources.yaml does not mention: its source column has the same name.
    is_target : bool
        Whether the task computes its labels from the column, or the key or time of the rows.
    """

    name: str
    kind: Kind
    spec: ColumnSource
    in_contract: bool
    required: bool
    by_name: bool = False
    is_target: bool = False

    @property
    def may_be_set_aside(self) -> bool:
        """Whether the column is left out if its values do not fit the contract: it was found by name, and is no target.

        `features.sources.captured_columns` leaves it out.
        """
        return self.by_name and not self.is_target


@dataclass(frozen=True)
class ColumnMapping:
    """Mapped columns of one table, and the errors of its mapping; returned by `map_columns`.

    Attributes
    ----------
    columns : tuple of MappedColumn
        Contract columns in the contract's order, then extra features.
    key : tuple of str
        Columns that identify a row.
    time : str or None
        Timestamp column that orders the table; None for an undated table.
    problems : tuple of ChehangError
        Errors that prevent the read.
    unused : tuple of str
        Names mapped in sources.yaml that are neither contract columns nor extra features.
    available : tuple of str
        All columns of the source.
    """

    columns: tuple[MappedColumn, ...]
    key: tuple[str, ...]
    time: str | None
    problems: tuple[ChehangError, ...]
    unused: tuple[str, ...]
    available: tuple[str, ...] = ()


def map_columns(
    table: Table,
    source: TableSource,
    source_columns: Sequence[str],
    *,
    extra: ExtraFeatures,
    undated: bool,
    file: str,
    targets: Collection[str] = (),
) -> ColumnMapping:
    """Map every contract column and extra feature of a table to a source column.

    A column that sources.yaml does not mention is mapped to the source column of the same name. An extra feature with
    the name of a contract column replaces it: the contract column is not read. Keys, references, instants of the row,
    required, protected and outcome columns cannot be replaced.

    Parameters
    ----------
    table : Table
        Contract of the table: a value of `features.tables.TABLES`.
    source : TableSource
        The table's entry in sources.yaml: a value of ``features.sources.load_sources(path).tables``.
    source_columns : sequence of str
        Column names of the source, as in ``features.sources.scans.open_source(name, source).columns``.
    extra : ExtraFeatures
        Columns beyond the contract to read; ``features.sources.ExtraFeatures()`` for none.
    undated : bool
        Leave the table's time column out: its rows carry no date.
    file : str
        Name of the YAML file, for error messages.
    targets : collection of str
        Columns from which the task computes its labels; they are never set aside.

    Returns
    -------
    ColumnMapping
        `columns` (each with `name`, `kind`, `spec`, `in_contract` and `required`), `key`, `time`, `problems` and
        `unused`. Errors are in `problems` and are not raised, so that one run reports those of all tables.

    Examples
    --------
    >>> from features.sources import ExtraFeatures, TableSource
    >>> from features.tables import TABLES
    >>> source = TableSource(csv="outcomes.csv", columns={"application_id": "loan"})
    >>> options = {"extra": ExtraFeatures(), "undated": True, "file": "sources.yaml"}
    >>> mapping = map_columns(TABLES["loan_outcomes"], source, ["loan", "defaulted"], **options)
    >>> [(column.name, column.kind, column.spec.source) for column in mapping.columns]
    [('application_id', 'text', 'loan'), ('defaulted', 'boolean', 'defaulted')]
    >>> mapping.problems
    ()
    """
    excluded = {table.time} if undated else set()
    extras: dict[str, Kind] = {**dict.fromkeys(extra.numeric, "number"), **dict.fromkeys(extra.categorical, "text")}
    problems: list[ChehangError] = [
        ConfigError(f"{table.name}: extra_features: {problem}")
        for n in extras
        if (problem := _refusal(n, table, targets))
    ]
    contract_kinds: dict[str, Kind] = {
        n: kind_of(table, n) for n in table.columns if n not in excluded and n not in extras
    }
    added = {*source.combine, *(("component", "fault") if source.lines else ())}
    added |= {source.unpivot.variable, source.unpivot.value} if source.unpivot else set()
    mapped_columns = []
    for name, kind in (contract_kinds | extras).items():
        contract = None if name in extras else table.columns.get(name)
        required = contract is not None and bool(contract.required)
        field = f"{file}: tables.{table.name}.columns.{name}"
        spec = _column_source(name, source, source_columns)
        if spec is None:
            if required or name in extras:
                problems.append(_missing(table, name, source, source_columns, field, extra=name in extras))
            continue
        problems += [ConfigError(f"{field}: {problem}") for problem in _spec_problems(spec, kind, source_columns)]
        by_name = contract is not None and not required and name not in source.columns and name not in added
        is_target = name in (*table.key, table.time, *targets)
        mapped_columns.append(MappedColumn(name, kind, spec, contract is not None, required, by_name, is_target))
    problems += _filter_problems(table, source, source_columns, file)
    expected, mapped = contract_kinds | extras, {column.name for column in mapped_columns}
    return ColumnMapping(
        tuple(mapped_columns),
        tuple(k for k in table.key if k not in excluded and (table.columns[k].required or k in mapped)),
        None if undated else table.time,
        tuple(problems),
        tuple(n for n, s in source.columns.items() if s is not None and n not in expected and n not in excluded),
        tuple(source_columns),
    )


def _refusal(name: str, table: Table, targets: Collection[str]) -> str | None:
    """Return why an extra feature cannot have the name of a contract column; None if it can."""
    contract = table.columns.get(name)
    if contract is None:
        return None
    own = f"own_{name}"
    other_name = (
        f"list `{own}` in its place, and map it with `columns: {{{own}: {{from: {name}}}}}` if the source column "
        f"`{name}` is the feature"
    )
    if name in table.protected:
        return f"`{name}` is a protected attribute: it measures fairness and is never a feature; remove it"
    if name in table.references or name == table.time or contract.required:
        return f"`{name}` identifies or dates the rows of the contract and is read anyway: {other_name}"
    if name in table.outcomes:
        return (
            f"`{name}` is filled in after the row's own instant in the contract and would leak the outcome: if your "
            f"column is known earlier, {other_name}"
        )
    return f"`{name}` is a column that the labels are computed from: {other_name}" if name in targets else None


def _column_source(name: str, source: TableSource, source_columns: Collection[str]) -> ColumnSource | None:
    if name in source.columns:
        return source.columns[name]
    return ColumnSource(source=name) if name in source_columns else None


def _spec_problems(spec: ColumnSource, kind: Kind, source_columns: Collection[str]) -> list[str]:
    problems = []
    if spec.source is not None and spec.source not in source_columns:
        problems.append(f"the source has no column `{spec.source}`; {name_hint(spec.source, source_columns)}")
    if spec.factor is not None and kind in ("text", "boolean", "timestamp"):
        problems.append(f"`factor` multiplies numbers, and this is a {kind} column: remove `factor`")
    marks = [o for o in ("decimal", "thousands", "strip") if getattr(spec, o)]
    if marks and kind in ("text", "boolean", "timestamp"):
        problems.append(f"`{marks[0]}` reads numbers, and this is a {kind} column: remove `{marks[0]}`")
    if (spec.format or spec.unit) and kind != "timestamp":
        option = "format" if spec.format else "unit"
        problems.append(f"`{option}` reads timestamps, and this is a {kind} column: remove `{option}`")
    return problems


def _filter_problems(
    table: Table, source: TableSource, source_columns: Collection[str], file: str
) -> list[ConfigError]:
    return [
        ConfigError(
            f"{file}: tables.{table.name}.{option}: the source has no column `{c}`; {name_hint(c, source_columns)}"
        )
        for option, columns in (("only", source.only), ("drop", source.drop))
        for c in columns
        if c not in source_columns
    ]


def _missing(
    table: Table, name: str, source: TableSource, source_columns: Collection[str], field: str, *, extra: bool
) -> ChehangError:
    candidates = [*source_columns, *(n for n in source.columns if n not in table.columns)]
    problem = f"{table.name}: the source has no column `{name}` ({name_hint(name, candidates)})"
    remedy = f"give the source column's name at {field}"
    if extra:
        return ConfigError(f"{problem}: {remedy}, or remove `{name}` from extra_features")
    if name == table.time:
        remedy += ", or set `time: none` in the task's YAML if the table has no dates"
    elif table.key == (name,):
        remedy += ", or {row_number: true} if the source has no key"
    return DataError(f"{problem}: {remedy}")

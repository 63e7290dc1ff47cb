"""Which source column feeds which contract column: settled from names alone, before a row is read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from features.errors import ChehangError, ConfigError, DataError
from features.sources.config import ColumnSource, ExtraFeatures, TableSource
from features.sources.conversion import Kind
from features.sources.rules import kind_of
from features.tables import Table
from features.yaml_config import name_hint


@dataclass(frozen=True)
class MappedColumn:
    """One column of a raw table and the source column it is read from.

    Attributes
    ----------
    name : str
        Contract column or extra feature.
    kind : Kind
        What it holds.
    spec : ColumnSource
        Its origin.
    contract : bool
        Whether it is in the contract (an extra feature is not).
    required : bool
        Whether the contract asks for it.
    """

    name: str
    kind: Kind
    spec: ColumnSource
    contract: bool
    required: bool


@dataclass(frozen=True)
class ColumnMapping:
    """Source columns of one table, or what is wrong with them.

    Attributes
    ----------
    columns : tuple of MappedColumn
        In the contract's order, then extra features.
    key : tuple of str
        Columns that identify a row.
    time : str or None
        Instant that orders the table, if there is one.
    problems : tuple of ChehangError
        Everything that stops the read.
    ignored : tuple of str
        Mapped names that are neither in the contract nor declared extra features.
    """

    columns: tuple[MappedColumn, ...]
    key: tuple[str, ...]
    time: str | None
    problems: tuple[ChehangError, ...]
    ignored: tuple[str, ...]


def map_columns(
    table: Table, source: TableSource, present: Sequence[str], *, extra: ExtraFeatures, undated: bool, file: str
) -> ColumnMapping:
    """Return the source column of every column of a table.

    Parameters
    ----------
    table : Table
        The contract.
    source : TableSource
        Its configuration.
    present : sequence of str
        Columns of the source.
    extra : ExtraFeatures
        Columns beyond the contract to carry along.
    undated : bool
        Whether the table's ordering instant does not exist.
    file : str
        Name of the YAML file, for messages.
    """
    absent = {table.time} if undated else set()
    kinds: dict[str, Kind] = {n: kind_of(table, n) for n in table.columns if n not in absent}
    extras: dict[str, Kind] = {**dict.fromkeys(extra.numeric, "number"), **dict.fromkeys(extra.categorical, "text")}
    problems: list[ChehangError] = [
        ConfigError(f"{table.name}: extra feature `{n}` is a contract column already: remove it from extra_features")
        for n in extras
        if n in table.columns
    ]
    mapped_columns = []
    for name, kind in (kinds | {n: k for n, k in extras.items() if n not in table.columns}).items():
        contract = table.columns.get(name)
        required = contract is not None and bool(contract.required)
        field = f"{file}: tables.{table.name}.columns.{name}"
        spec = _origin(name, source, present)
        if spec is None:
            if required or name in extras:
                problems.append(_missing(table, name, source, present, field, extra=name in extras))
            continue
        problems += [ConfigError(f"{field}: {fault}") for fault in _faults(spec, kind, present)]
        mapped_columns.append(MappedColumn(name, kind, spec, contract is not None, required))
    problems += _filter_faults(table, source, present, file)
    return ColumnMapping(
        tuple(mapped_columns),
        tuple(k for k in table.key if k not in absent),
        None if undated else table.time,
        tuple(problems),
        tuple(n for n, s in source.columns.items() if s is not None and n not in kinds | extras and n not in absent),
    )


def _origin(name: str, source: TableSource, present: Collection[str]) -> ColumnSource | None:
    if name in source.columns:
        return source.columns[name]
    return ColumnSource(source=name) if name in present else None


def _faults(spec: ColumnSource, kind: Kind, present: Collection[str]) -> list[str]:
    faults = []
    if spec.source is not None and spec.source not in present:
        faults.append(f"the source has no column `{spec.source}`; {name_hint(spec.source, present)}")
    if spec.factor is not None and kind in ("text", "flag", "instant"):
        faults.append(f"`factor` multiplies numbers and this column is {kind}: remove it")
    if (spec.format or spec.unit) and kind != "instant":
        faults.append(f"`{'format' if spec.format else 'unit'}` reads instants and this column is {kind}: remove it")
    return faults


def _filter_faults(table: Table, source: TableSource, present: Collection[str], file: str) -> list[ConfigError]:
    return [
        ConfigError(f"{file}: tables.{table.name}.{part}: the source has no column `{c}`; {name_hint(c, present)}")
        for part, columns in (("only", source.only), ("drop", source.drop))
        for c in columns
        if c not in present
    ]


def _missing(
    table: Table, name: str, source: TableSource, present: Collection[str], field: str, *, extra: bool
) -> ChehangError:
    candidates = [*present, *(n for n in source.columns if n not in table.columns)]
    found = f"{table.name}: the source has no column `{name}`; {name_hint(name, candidates)}"
    if extra:
        return ConfigError(f"{found}: map it under {field}, or remove it from extra_features")
    remedy = f"map it under {field}"
    if name == table.time:
        remedy += ", or say in the task's YAML that this table has no time"
    elif table.key == (name,):
        remedy += ", with {row_number: true} if the source has no key"
    return DataError(f"{found}: {remedy}")

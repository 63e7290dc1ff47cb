"""The schema of `configs/sources.yaml`: origin of each raw table, and its columns' mapping onto the contract."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, PrivateAttr, SecretStr, StringConstraints, ValidationInfo, field_validator, model_validator

from features.periods import Timezone
from features.sources.lines import FileName, LineSource
from features.tables import TABLES
from features.yaml_config import Section, load_yaml, name_hint

Scalar: TypeAlias = bool | int | float | str | None
Name: TypeAlias = Annotated[str, StringConstraints(min_length=1)]

_CONVERSIONS = ("factor", "map", "map_other", "format", "unit", "nulls")


class ExtraFeatures(Section):
    """A dealership's own columns beyond the contract.

    Attributes
    ----------
    numeric : tuple of str
        Names of numeric columns; read as Float64.
    categorical : tuple of str
        Names of categorical columns; read as String, where the numbers `5` and `5.0` are both "5".

    Examples
    --------
    >>> from features.sources import ExtraFeatures
    >>> ExtraFeatures(numeric=["age"]).numeric
    ('age',)
    """

    numeric: tuple[Name, ...] = ()
    categorical: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _no_repetition(self) -> Self:
        names = [*self.numeric, *self.categorical]
        repeated = sorted({n for n in names if names.count(n) > 1})
        if repeated:
            raise ValueError(f"`{repeated[0]}` is listed more than once; list it once, as numeric or as categorical")
        return self


class ColumnSource(Section):
    """Origin of one contract column: a source column with its conversion, a constant, or the row number.

    A value of `TableSource.columns`. A conversion applies `nulls`, then `map`, then `format` or `unit` (timestamps),
    then `factor` (numbers).

    Attributes
    ----------
    source : str
        Name of the source column (`from` in YAML).
    constant : scalar
        Value of every row.
    row_number : bool
        True numbers the rows 1, 2, 3, ... in the source's order: a key for a source without one.
    factor : float
        Multiplies numbers: 100 converts yuan to fen. Integer columns round the product half to even.
    map : dict
        Source value to contract value. A value that is not listed quarantines its row unless `map_other` is set.
    map_other : 'null' or 'keep'
        Make the values that `map` does not list null, or keep them as they are.
    format : str or tuple of str
        strptime formats of a timestamp in text, tried in this order.
    unit : 's', 'ms' or 'us'
        Unit of a timestamp that is a number since 1970-01-01 UTC.
    nulls : tuple of scalar
        Source values that mean "missing".
    """

    source: Name | None = Field(None, alias="from")
    constant: bool | int | float | str | None = None
    row_number: bool = False
    factor: Annotated[float, Field(allow_inf_nan=False)] | None = None
    map: dict[bool | int | float | str, Scalar] | None = None
    map_other: Literal["null", "keep"] | None = None
    format: tuple[Name, ...] = ()
    unit: Literal["s", "ms", "us"] | None = None
    nulls: tuple[Scalar, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"from": value}
        if not isinstance(value, dict | ColumnSource):
            raise ValueError("must be the name of a source column, or options such as {from: name, factor: 100}")
        return value

    @field_validator("format", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("map_other", mode="before")
    @classmethod
    def _bare_null(cls, value: Any) -> Any:
        return "null" if value is None else value  # YAML reads a bare null as nothing

    @field_validator("factor")
    @classmethod
    def _not_zero(cls, value: float | None) -> float | None:
        if value == 0:
            raise ValueError("must not be 0, which makes every value 0; give the conversion, for example 100")
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [self.source is not None, self.constant is not None, self.row_number]
        if sum(origins) != 1:
            raise ValueError("must have exactly one of `from`, `constant` and `row_number: true`; add or remove one")
        unusable = [n for n in _CONVERSIONS if n in self.model_fields_set and self.source is None]
        if unusable:
            raise ValueError(f"`{unusable[0]}` converts a source column; remove it, or give the column with `from`")
        if self.map_other is not None and self.map is None:
            raise ValueError("`map_other` has no effect without `map`; remove it, or add `map`")
        if self.format and self.unit:
            raise ValueError("`format` reads text and `unit` reads numbers; remove one of them")
        return self


class JoinedFile(Section):
    """A second file that adds columns to a table by a left join.

    Attributes
    ----------
    parquet, csv : str
        Path of the file, relative to the YAML file. CSV options are those of the table.
    on : tuple of str
        Join columns, of the same name in both files; together unique in this file.
    """

    parquet: FileName | None = None
    csv: FileName | None = None
    on: tuple[Name, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.parquet is None) == (self.csv is None):
            raise ValueError("must have exactly one of `parquet` and `csv`; add or remove one")
        return self


class TableSource(Section):
    """Origin of one raw table (Parquet, CSV or a database query) and the mapping of its columns.

    A value of `SourcesConfig.tables`.

    Attributes
    ----------
    parquet : str
        Path of a file, a glob pattern, or a folder of Parquet files; relative to the YAML file.
    csv : str
        Path of one CSV file with a header line, relative to the YAML file. Its options are `encoding`, `separator` and
        `null_values` (texts that mean "missing").
    sql, url : str
        SELECT statement, and SQLAlchemy URL of its database; SQLite and PostgreSQL are opened read-only.
    join : tuple of JoinedFile
        Files whose columns are added to a Parquet or CSV file.
    combine : dict
        Name of a new source column to the source columns whose texts it joins with a space, for example
        ``{month: [year, month_no]}``.
    columns : dict
        Contract column or extra feature to `ColumnSource`; null leaves the column out. A column that is not mentioned
        is read from the source column of the same name, if there is one.
    only, drop : dict
        Source column to values: rows to read, and rows to skip. Skipped rows are not counted.
    lines : LineSource or None
        For service_records: derives `component` and `fault` from a free-text column.
    check_odometer : bool
        For service_records: makes odometer readings null that contradict other readings of the same vehicle.
    allow_future : bool
        Accept rows whose timestamp is later than the time of the read.
    """

    parquet: FileName | None = None
    csv: FileName | None = None
    sql: Name | None = None
    url: SecretStr | None = None
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    separator: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    null_values: tuple[str, ...] = ()
    join: tuple[JoinedFile, ...] = ()
    combine: dict[Name, Annotated[tuple[Name, ...], Field(min_length=2)]] = Field(default_factory=dict)
    columns: dict[Name, ColumnSource | None] = Field(default_factory=dict)
    only: dict[Name, tuple[Scalar, ...]] = Field(default_factory=dict)
    drop: dict[Name, tuple[Scalar, ...]] = Field(default_factory=dict)
    lines: LineSource | None = None
    check_odometer: bool = False
    allow_future: bool = False

    @field_validator("url")
    @classmethod
    def _a_url(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        from features.sources.databases import resolve_url  # imports SQLAlchemy

        folder = (info.context or {}).get("folder")
        return SecretStr(resolve_url(value.get_secret_value(), folder=folder)) if value else value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(v is not None for v in (self.parquet, self.csv, self.sql)) != 1:
            raise ValueError("must have exactly one of `parquet`, `csv` and `sql`; add or remove one")
        if (self.sql is None) != (self.url is None):
            raise ValueError("`sql` (the query) and `url` (its database) need each other; add the missing one")
        if self.join and self.sql is not None:
            raise ValueError("`join` joins files; remove it, and join the tables in `sql`")
        csv_options = {"encoding", "separator", "null_values"} & self.model_fields_set
        if csv_options and self.csv is None:
            raise ValueError(f"`{min(csv_options)}` applies to `csv` only; remove it")
        return self


class SourcesConfig(Section):
    """Contents of `configs/sources.yaml`, as returned by `load_sources`.

    Attributes
    ----------
    timezone : str
        IANA name of the time zone of timestamps without an offset.
    max_quarantined_share : float
        Largest accepted share of a table's rows that break its contract, from 0 to 1; above it the run stops.
    tables : dict of str to TableSource
        Origin and column mapping by name of the raw table, a key of `features.tables.TABLES`.
    """

    timezone: Timezone = "Asia/Shanghai"
    max_quarantined_share: Annotated[float, Field(ge=0, le=1)] = 0.02
    tables: dict[str, TableSource] = Field(default_factory=dict)
    _file: str = PrivateAttr("sources")

    @property
    def file(self) -> str:
        """Name of the YAML file, for error messages."""
        return self._file

    @field_validator("tables")
    @classmethod
    def _tables_of_contract(cls, value: dict[str, TableSource]) -> dict[str, TableSource]:
        for name in value:
            if name not in TABLES:
                raise ValueError(f"`{name}` is not a raw table; {name_hint(name, TABLES)}")
            if name != "service_records" and (value[name].lines or value[name].check_odometer):
                raise ValueError(f"{name}: `lines` and `check_odometer` apply to service_records only; remove them")
        return value


def load_sources(path: Path) -> SourcesConfig:
    """Read and check `sources.yaml`; `SourcesConfig`, `TableSource` and `ColumnSource` describe its keys.

    `${NAME}` is replaced by the environment variable; relative paths start at the folder of the YAML file.

    Parameters
    ----------
    path : Path
        Path of the YAML file.

    Returns
    -------
    SourcesConfig
        Time zone, accepted share of broken rows, and origin of each table; input of `read_tables`. Paths are absolute.
        No source is opened.

    Raises
    ------
    ConfigError
        The file is missing, is not YAML, or has an unknown key or an invalid value.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "sources.yaml")
    ...     _ = file.write_text("tables: {leads: {csv: leads.csv, encoding: gb18030}}")
    ...     config = load_sources(file)
    >>> config.timezone, Path(config.tables["leads"].csv).name
    ('Asia/Shanghai', 'leads.csv')
    """
    path = Path(path)
    config = load_yaml(path, SourcesConfig, context={"folder": path.resolve().parent})
    config._file = path.name
    return config

"""`configs/sources.yaml`: where each raw table comes from and how its columns map onto the contract."""

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

# What only makes sense for values that come from a source column.
_OF_A_COLUMN = ("factor", "map", "map_other", "format", "unit", "nulls")


class ExtraFeatures(Section):
    """A dealership's own columns beyond the contract.

    Attributes
    ----------
    numeric : tuple of str
        Columns delivered as Float64.
    categorical : tuple of str
        Columns delivered as String; a number used as a category becomes its text (`5` and `5.0` both "5").

    Examples
    --------
    >>> ExtraFeatures(numeric=["age"]).numeric
    ('age',)
    """

    numeric: tuple[Name, ...] = ()
    categorical: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [*self.numeric, *self.categorical]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"extra feature `{twice[0]}` is declared twice: keep one of numeric and categorical")
        return self


class ColumnSource(Section):
    """Where one column comes from: a source column, a constant or the row number.

    Order of work: `nulls`, then `map`, then `format` or `unit` (instants), then `factor` (numbers).

    Attributes
    ----------
    source : str
        Source column (`from` in YAML).
    constant : scalar
        The same value in every row.
    row_number : bool
        1, 2, 3, ... in the order of the source: a key for tables that have none.
    factor : float
        Multiplies numbers, for example 100 from yuan to fen. The product is rounded half to even in integer columns.
    map : dict
        Source value to contract value; unlisted values break the rule "unmapped value" unless `map_other` is set.
    map_other : 'null' or 'keep'
        What becomes of values that `map` does not list.
    format : str or tuple of str
        strptime formats of an instant, tried in turn.
    unit : 's', 'ms' or 'us'
        Unit of an instant given as a number since 1970-01-01 UTC.
    nulls : tuple of scalar
        Values that stand for "missing".
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
            raise ValueError(f"give a source column's name or a mapping such as {{from: name}}, not {value!r}")
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
            raise ValueError("factor 0 would wipe the column out: give the unit conversion, for example 100")
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [self.source is not None, self.constant is not None, self.row_number]
        if sum(origins) != 1:
            raise ValueError("give exactly one of `from`, `constant` and `row_number: true`")
        stray = [n for n in _OF_A_COLUMN if n in self.model_fields_set and self.source is None]
        if stray:
            raise ValueError(f"`{stray[0]}` needs `from`: a constant or a row number is taken as it is")
        if self.map_other is not None and self.map is None:
            raise ValueError("`map_other` needs `map`")
        if self.format and self.unit:
            raise ValueError("`format` is for text and `unit` for numbers: give one of them")
        return self


class JoinedFile(Section):
    """A further file that adds columns to a table: its rows are looked up, at most one for each row of the table.

    Attributes
    ----------
    parquet, csv : str
        The file; CSV with the options of the table's own.
    on : tuple of str
        Columns that both have, by which rows are looked up.
    """

    parquet: FileName | None = None
    csv: FileName | None = None
    on: tuple[Name, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.parquet is None) == (self.csv is None):
            raise ValueError("give exactly one of `parquet` and `csv`")
        return self


class TableSource(Section):
    """Where one raw table comes from: Parquet, CSV or a database query.

    Attributes
    ----------
    parquet : str
        File, glob, or folder of Parquet files.
    csv : str
        One CSV file with a header line; with `encoding`, `separator` and `null_values`.
    sql, url : str
        Query and SQLAlchemy URL of the database; the connection only reads.
    join : tuple of JoinedFile
        Further files whose columns are added; a query joins by itself.
    combine : dict
        Name of a new source column to the columns whose texts it puts together, with a blank between: a year and a
        month that stand apart.
    columns : dict
        Contract column or extra feature to `ColumnSource`; null leaves a column out. Columns that are not
        mentioned are taken by the same name where the source has them.
    only, drop : dict
        Source column to values: rows to keep, rows to leave out, before anything is counted.
    lines : LineSource or None
        Of service_records: reads `component` and `fault` out of a column of free text.
    check_odometer : bool
        Of service_records: readings that contradict the others of their vehicle become unknown; the rows stay.
    allow_future : bool
        Accept rows dated after the moment of reading.
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
        from features.sources.databases import checked_url  # imports SQLAlchemy

        folder = (info.context or {}).get("folder")
        return SecretStr(checked_url(value.get_secret_value(), folder=folder)) if value else value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(v is not None for v in (self.parquet, self.csv, self.sql)) != 1:
            raise ValueError("give exactly one of `parquet`, `csv` and `sql`")
        if (self.sql is None) != (self.url is None):
            raise ValueError("`sql` and `url` go together: the query and the SQLAlchemy URL of its database")
        if self.join and self.sql is not None:
            raise ValueError("`join` is for files: join in the query instead")
        stray = {"encoding", "separator", "null_values"} & self.model_fields_set
        if stray and self.csv is None:
            raise ValueError(f"`{min(stray)}` is an option of `csv`: remove it")
        return self


class SourcesConfig(Section):
    """`configs/sources.yaml`.

    Attributes
    ----------
    timezone : str
        Zone of timestamps that do not carry one.
    max_quarantined_share : float
        Share of a table's rows that may break the contract before the run stops.
    tables : dict
        Raw table name to `TableSource`.
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
    def _known_tables(cls, value: dict[str, TableSource]) -> dict[str, TableSource]:
        for name in value:
            if name not in TABLES:
                raise ValueError(f"`{name}` is not a raw table; {name_hint(name, TABLES)}")
            if name != "service_records" and (value[name].lines or value[name].check_odometer):
                raise ValueError(f"`lines` and `check_odometer` are for service_records: remove them from `{name}`")
        return value


def load_sources(path: Path) -> SourcesConfig:
    """Read `sources.yaml`; `${NAME}` comes from the environment, relative paths from the YAML's folder.

    Parameters
    ----------
    path : Path
        The YAML file.

    Raises
    ------
    ConfigError
        Anything wrong with it; the text names file, field, rule, value and remedy.

    Examples
    --------
    >>> import tempfile
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

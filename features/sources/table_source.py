"""The schema of one table in `configs/sources.yaml`: its origin, the shape of its rows, and its columns."""

from __future__ import annotations

import codecs
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from features.periods import Timezone
from features.sources.column_source import ColumnSource, Count, Mark, Name, Number, Scalar, Share
from features.sources.lines import FileName, LineSource
from features.yaml_config import Section, name_hint

STORE_TABLES = ("events", "exposures", "vehicles", "leads", "loan_outcomes")  # tables of a feedback store
COMMON_ENCODINGS = (
    "utf-8", "utf-16", "gb18030", "gbk", "gb2312", "big5", "big5hkscs", "cp1250", "cp1251", "cp1252", "latin-1",
    "iso8859-15", "shift_jis", "cp932", "euc_kr",
)  # fmt: skip


def _moment(value: Any) -> Any:
    """Parse the text of a date or of a date and time; a number would be read as seconds since 1970."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("must be a date such as 2024-03-31, or a date and time such as 2024-03-31 18:00") from None


def _sheet(value: Any) -> Any:
    if (
        value is None
        or (isinstance(value, str) and value)
        or (isinstance(value, int) and value > 0 and value is not True)
    ):
        return value
    raise ValueError("must be the name of a sheet, or its number from 1")


def _store_address(value: SecretStr, info: ValidationInfo) -> SecretStr:
    from features.sources.feedback_stores import store_url  # imports SQLAlchemy

    return SecretStr(store_url(value.get_secret_value(), folder=(info.context or {}).get("folder")))


StoreAddress: TypeAlias = Annotated[SecretStr, AfterValidator(_store_address)]
Moment: TypeAlias = Annotated[date | datetime, BeforeValidator(_moment)]
Sheet: TypeAlias = Annotated[int | str | None, BeforeValidator(_sheet)]


class Unpivot(Section):
    """Columns of a wide table that become rows; `index` or `on` names them.

    Attributes
    ----------
    index : tuple of str
        Columns that stay; all others become rows.
    on : tuple of str
        Columns that become rows; all others stay.
    variable : str
        Name of the new column with the names of the columns.
    value : str
        Name of the new column with their values. Blank cells are no rows.
    """

    index: tuple[Name, ...] = ()
    on: tuple[Name, ...] = ()
    variable: Name
    value: Name

    @field_validator("index", "on", mode="before")
    @classmethod
    def _names_as_text(cls, value: Any) -> Any:
        """Read names such as 12, 2024 or 2024-01-31, which YAML takes for numbers and dates, as the header has them."""
        if not isinstance(value, list | tuple):
            return value
        return [str(v) if isinstance(v, int | float | date) and not isinstance(v, bool) else v for v in value]

    @model_validator(mode="after")
    def _one_selection(self) -> Self:
        if bool(self.index) == bool(self.on):
            raise ValueError("must have exactly one of `index` (columns that stay) and `on` (columns that become rows)")
        if self.variable == self.value:
            raise ValueError("`variable` and `value` must be two names; rename one of them")
        return self


class Sample(Section):
    """Share of a table's rows to read, drawn by key: rows with equal values of `by` are read together or not at all.

    Attributes
    ----------
    share : float
        Expected share of the keys, above 0 and at most 1.
    by : tuple of str
        Contract columns whose values are drawn; by default the key of the table.
    seed : int
        Another seed draws other keys.
    """

    share: Number = Field(gt=0, le=1)
    by: tuple[Name, ...] = ()
    seed: Count = Field(0, lt=2**32)


class JoinedFile(Section):
    """A second file that adds columns to a table by a left join.

    Attributes
    ----------
    parquet, csv, excel : str
        Path of the file, relative to the YAML file. CSV options are those of the table.
    sheet : str, int or None
        Sheet of the workbook: its name or its number from 1; by default the first.
    store : str
        For leads: feedback store with the outcomes of leads, as `TableSource.store`.
    on : tuple of str
        Join columns, of the same name in both files; together unique in this file. Of `store`: the column of the
        table's own file that holds the `lead_id`.
    """

    parquet: FileName | None = None
    csv: FileName | None = None
    excel: FileName | None = None
    sheet: Sheet = None
    store: StoreAddress | None = None
    on: tuple[Name, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(v is not None for v in (self.parquet, self.csv, self.excel, self.store)) != 1:
            raise ValueError("must have exactly one of `parquet`, `csv`, `excel` and `store`; add or remove one")
        if self.store is not None and len(self.on) != 1:
            raise ValueError("`on` of a `store` is the one column that holds the lead_id; name it alone")
        if self.sheet is not None and self.excel is None:
            raise ValueError("`sheet` applies to `excel` only; remove it")
        return self


class TableSource(Section):
    """Origin of one raw table (Parquet, CSV, Excel, database query, feedback store) and the mapping of its columns.

    A value of `SourcesConfig.tables`. The steps in their order: read the source, `unpivot`, `join`, `combine`, `lines`,
    `only` and `drop`, `columns`, `since`, `before`, `until` and `sample`, the contract's rules, `duplicate_keys`.

    Attributes
    ----------
    parquet : str
        Path of a file, a glob pattern, or a folder of Parquet files; relative to the YAML file.
    csv : str
        Path of one CSV file with a header line, relative to the YAML file; it may be compressed (gz, zst, zip). Its
        options are `encoding`, `separator`, `skip_rows` and `null_values` (texts that mean "missing").
    excel : str
        Path of one workbook with a header row, relative to the YAML file. Its options are `sheet` (name, or number
        from 1; by default the first) and `skip_rows`.
    sql, url : str
        SELECT statement, and SQLAlchemy URL of its database; SQLite and PostgreSQL are opened read-only.
    store : str
        SQLAlchemy URL of the feedback store that the service fills, or "feedback" for the service's default; it has the
        tables events, exposures, vehicles, leads and loan_outcomes.
    encoding : str
        Encoding of a CSV file, one of Python's text encodings; a byte order mark in the file takes precedence.
    separator : str or None
        Character between the fields of a CSV file. None: that of the file's line `sep=`, or else a comma.
    skip_rows : int or None
        Number of lines (CSV) or rows (Excel) above the header. None: lines of a title are recognised.
    timezone : str or None
        IANA name of the time zone of the table's timestamps without an offset; by default that of the file.
    unpivot : Unpivot or None
        Columns of a wide table that become rows.
    join : tuple of JoinedFile
        Files whose columns are added to a Parquet, CSV or Excel file.
    combine : dict
        Name of a new source column to the source columns whose texts it joins with a space, for example
        ``{month: [year, month_no]}``.
    columns : dict
        Contract column or extra feature to `ColumnSource`; null leaves the column out. A column that is not mentioned
        is read from the source column of the same name, if there is one.
    only, drop : dict
        Source column to values: rows to read, and rows to skip.
    since, before, until : date, datetime or None
        Limits on the table's time column, in its time zone: rows at or after `since`, before `before`, and up to and
        including `until` (a date includes the whole day) are read.
    sample : Sample or None
        Share of the rows to read.
    duplicate_keys : 'quarantine' or 'latest'
        What happens to rows with the same key and different values: all are quarantined, or the latest is read.
    latest_by : str or None
        Source column whose largest value marks the latest row; by default the later row of the source is the latest.
    max_unmatched_share : float or None
        Limit of this table in place of `SourcesConfig.max_unmatched_share`.
    lines : LineSource or None
        For service_records: derives `component` and `fault` from a free-text column.
    check_odometer : bool
        For service_records: makes odometer readings null that contradict other readings of the same vehicle.
    allow_future : bool
        Accept rows whose timestamp is later than the time of the read.
    """

    parquet: FileName | None = None
    csv: FileName | None = None
    excel: FileName | None = None
    sheet: Sheet = None
    sql: Name | None = None
    url: SecretStr | None = None
    store: StoreAddress | None = None
    encoding: str = "utf-8"
    separator: Mark | None = None
    skip_rows: Count | None = None
    null_values: tuple[str, ...] = ()
    timezone: Timezone | None = None
    unpivot: Unpivot | None = None
    join: tuple[JoinedFile, ...] = ()
    combine: dict[Name, Annotated[tuple[Name, ...], Field(min_length=2)]] = Field(default_factory=dict)
    columns: dict[Name, ColumnSource | None] = Field(default_factory=dict)
    only: dict[Name, tuple[Scalar, ...]] = Field(default_factory=dict)
    drop: dict[Name, tuple[Scalar, ...]] = Field(default_factory=dict)
    since: Moment | None = None
    before: Moment | None = None
    until: Moment | None = None
    sample: Sample | None = None
    duplicate_keys: Literal["quarantine", "latest"] = "quarantine"
    latest_by: Name | None = None
    max_unmatched_share: Share | None = None
    lines: LineSource | None = None
    check_odometer: bool = False
    allow_future: bool = False

    @field_validator("sample", mode="before")
    @classmethod
    def _share_alone(cls, value: Any) -> Any:
        return {"share": value} if isinstance(value, int | float) and not isinstance(value, bool) else value

    @field_validator("encoding")
    @classmethod
    def _text_encoding(cls, value: str) -> str:
        try:
            codec = codecs.lookup(value)
            "".encode(codec.name)  # refuses codecs between bytes and bytes, such as hex
        except LookupError:
            raise ValueError(f"is no text encoding; {name_hint(value, COMMON_ENCODINGS)}") from None
        return codec.name

    @field_validator("url")
    @classmethod
    def _a_url(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        from features.sources.databases import resolve_url  # imports SQLAlchemy

        folder = (info.context or {}).get("folder")
        return SecretStr(resolve_url(value.get_secret_value(), folder=folder)) if value else value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(v is not None for v in (self.parquet, self.csv, self.excel, self.sql, self.store)) != 1:
            raise ValueError("must have exactly one of `parquet`, `csv`, `excel`, `sql` and `store`; add or remove one")
        if (self.sql is None) != (self.url is None):
            raise ValueError("`sql` (the query) and `url` (its database) need each other; add the missing one")
        if self.join and self.sql is not None:
            raise ValueError("`join` joins files; remove it, and join the tables in `sql`")
        if self.join and self.store is not None:
            raise ValueError("`join` joins files; remove it: leads of a store have their outcomes")
        self._check_options()
        return self

    def _check_options(self) -> None:
        used = self.model_fields_set
        if (options := {"encoding", "separator", "null_values"} & used) and self.csv is None:
            raise ValueError(f"`{min(options)}` applies to `csv` only; remove it")
        if "skip_rows" in used and self.csv is None and self.excel is None:
            raise ValueError("`skip_rows` applies to `csv` and `excel` only; remove it")
        if self.sheet is not None and self.excel is None:
            raise ValueError("`sheet` applies to `excel` only; remove it")
        if self.latest_by is not None and self.duplicate_keys != "latest":
            raise ValueError("`latest_by` needs `duplicate_keys: latest`; add it, or remove `latest_by`")
        if self.before is not None and self.until is not None:
            raise ValueError("`before` and `until` both end the period; remove one of them")

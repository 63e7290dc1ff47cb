"""The schema of `configs/sources.yaml`: the origin of each raw table, and limits of all tables."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from features.periods import Timezone
from features.sources.column_source import Name, Share
from features.sources.table_source import STORE_TABLES, TableSource
from features.tables import TABLES
from features.yaml_config import Section, load_yaml, name_hint


class ExtraFeatures(Section):
    """A dealership's own columns beyond the contract.

    Attributes
    ----------
    numeric : tuple of str
        Names of numeric columns; read as Float64.
    categorical : tuple of str
        Names of categorical columns; read as String. The numbers `5` and `5.0` of a numeric column are both "5"; text,
        as in a CSV file, stays as it is written, because "2.0" may be the name of an engine.

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


class SourcesConfig(Section):
    """Contents of `configs/sources.yaml`, as returned by `load_sources`.

    Attributes
    ----------
    timezone : str
        IANA name of the time zone of timestamps without an offset.
    max_quarantined_share : float
        Largest accepted share of a table's rows that break its contract, from 0 to 1; above it the run stops.
    max_unmatched_share : float
        Largest accepted share of a table's rows whose key of another table finds no row there, from 0 to 1; above it
        the run stops.
    tables : dict of str to TableSource
        Origin and column mapping by name of the raw table, a key of `features.tables.TABLES`.
    """

    timezone: Timezone = "Asia/Shanghai"
    max_quarantined_share: Share = 0.02
    max_unmatched_share: Share = 0.2
    tables: dict[str, TableSource] = Field(default_factory=dict)
    _file: str = PrivateAttr("sources")

    @property
    def file(self) -> str:
        """Name of the YAML file, for error messages."""
        return self._file

    def timezone_of(self, table: str) -> str:
        """Return the IANA name of the time zone of a table's timestamps without an offset.

        >>> SourcesConfig(timezone="UTC").timezone_of("leads")
        'UTC'
        """
        source = self.tables.get(table)
        return self.timezone if source is None or source.timezone is None else source.timezone

    @field_validator("tables")
    @classmethod
    def _tables_of_contract(cls, value: dict[str, TableSource]) -> dict[str, TableSource]:
        for name in value:
            if name not in TABLES:
                raise ValueError(f"`{name}` is not a raw table; {name_hint(name, TABLES)}")
            if name != "service_records" and (value[name].lines or value[name].check_odometer):
                raise ValueError(f"{name}: `lines` and `check_odometer` apply to service_records only; remove them")
            if value[name].store is not None and name not in STORE_TABLES:
                raise ValueError(f"{name}: a feedback store has {', '.join(STORE_TABLES)}; name another source")
            if name != "leads" and any(file.store is not None for file in value[name].join):
                raise ValueError(f"{name}: `store` in `join` adds the outcomes of leads; remove it")
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

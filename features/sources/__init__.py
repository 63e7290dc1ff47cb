"""Read raw tables from Parquet, CSV or a database as `configs/sources.yaml` maps them onto the table contracts."""

from features.sources.column_source import ColumnSource
from features.sources.config import ExtraFeatures, SourcesConfig, load_sources
from features.sources.reading import RawTables, read_tables
from features.sources.table_report import TableReport
from features.sources.table_source import TableSource

__all__ = [
    "ColumnSource", "ExtraFeatures", "RawTables", "SourcesConfig", "TableReport", "TableSource", "load_sources",
    "read_tables",
]  # fmt: skip

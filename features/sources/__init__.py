"""Read raw tables from Parquet, CSV or a database as `configs/sources.yaml` maps them onto the table contracts."""

from features.sources.config import ColumnSource, ExtraFeatures, SourcesConfig, TableSource, load_sources
from features.sources.reading import RawTables, TableReport, read_tables

__all__ = [
    "ColumnSource", "ExtraFeatures", "RawTables", "SourcesConfig", "TableReport", "TableSource", "load_sources",
    "read_tables",
]  # fmt: skip

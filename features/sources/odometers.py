"""Files written beside the quarantine of service records: implausible odometer readings and unmapped texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from features.errors import DataError
from features.odometer import REASONS, classify_readings
from features.sources.lines import UNMAPPED, ClassifiedLines
from features.sources.quarantine import write_table

READ = ("vehicle_id", "serviced_at", "odometer_km")


def remove_implausible(frame: pl.LazyFrame, path: Path, *, where: str) -> tuple[pl.LazyFrame, dict[str, int]]:
    """Replace odometer readings by null that contradict other readings of the same vehicle.

    Parameters
    ----------
    frame : pl.LazyFrame
        Valid rows of service_records, in the same order whenever it is collected, with `vehicle_id` (String),
        `serviced_at` (int64, microseconds since 1970 UTC), `odometer_km` (km), and any other columns. Nulls stay.
    path : Path
        Path of the Parquet file that lists those readings with their reason; deleted if there are none.
    where : str
        Name of the source, for error messages.

    Returns
    -------
    frame : pl.LazyFrame
        All rows; `odometer_km` is null where the reading is implausible.
    counts : dict of str to int
        "odometer_km: reason" to the number of readings; the reasons are those of `features.odometer.REASONS`.

    Raises
    ------
    DataError
        The source has no `vehicle_id`, `serviced_at` or `odometer_km`.
    ConfigError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import polars as pl
    >>> from features.aggregations import DAY  # microseconds in a day
    >>> instants = [0, 100 * DAY, 200 * DAY, 300 * DAY]
    >>> columns = {"vehicle_id": ["A"] * 4, "serviced_at": instants, "odometer_km": [1e3, 4e3, 7e4, 9e3]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "service_records.odometer.parquet")
    ...     frame, counts = remove_implausible(pl.LazyFrame(columns), path, where="service_records")
    >>> frame.collect()["odometer_km"].to_list()
    [1000.0, 4000.0, None, 9000.0]
    >>> counts
    {'odometer_km: ten times too large': 1}
    """
    names = frame.collect_schema().names()
    missing = [n for n in READ if n not in names]
    if missing:
        raise DataError(f"{where}: check_odometer needs the column {missing[0]}: map it, or remove check_odometer")
    readings = frame.select(READ).collect()
    complete = np.flatnonzero(readings.select(pl.all_horizontal(pl.col(READ).is_not_null())).to_series().to_numpy())
    rows = readings[complete]
    vehicle = rows["vehicle_id"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    codes = np.zeros(readings.height, dtype=np.int8)
    codes[complete] = classify_readings(vehicle, rows["serviced_at"].to_numpy(), rows["odometer_km"].to_numpy())
    code_column = pl.Series("code", codes)
    counts = {f"odometer_km: {reason}": int((codes == code).sum()) for code, reason in REASONS.items()}
    counts = {rule: n for rule, n in counts.items() if n}
    reasons = code_column.replace_strict(REASONS, default=None, return_dtype=pl.String).alias("reason")
    write_table(path, readings.with_columns(reasons).filter(code_column != 0))
    if not counts:
        return frame, {}
    coded = pl.concat([frame, code_column.to_frame().lazy()], how="horizontal")
    return coded.with_columns(pl.when(pl.col("code") == 0).then("odometer_km")).select(names), counts


def write_unmapped(path: Path, lines: ClassifiedLines) -> None:
    """Write the texts that no rule maps, the most frequent first; without such texts the file is deleted.

    Parameters
    ----------
    path : Path
        Path of the CSV file, with the columns `text` and `lines` (number of rows with this text); the folder is made.
    lines : ClassifiedLines
        ``features.sources.scans.open_source(...).lines``, or made from the texts as here.

    Raises
    ------
    ConfigError
        The file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import polars as pl
    >>> from features.sources.lines import ClassifiedLines, LineRules, classify
    >>> classes = classify(pl.Series(["sticker", "brake"]), LineRules(components={"brakes": ["brake"]}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "unmapped.csv")
    ...     write_unmapped(path, ClassifiedLines(classes.with_columns(lines=pl.Series([3, 8]))))
    ...     path.read_text().split()
    ['text,lines', 'sticker,3']
    """
    unmapped = lines.texts.filter(pl.col("kind") == UNMAPPED).select("text", "lines")
    write_table(path, unmapped.sort("lines", "text", descending=[True, False]))

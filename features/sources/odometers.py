"""What is kept beside a table of workshop lines: readings that cannot be, and texts that no rule knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from features.errors import DataError
from features.odometer import REASONS, implausible
from features.sources.lines import UNMAPPED, Mapped
from features.sources.quarantine import write_beside

READ = ("vehicle_id", "serviced_at", "odometer_km")


def without_implausible(frame: pl.LazyFrame, path: Path, *, where: str) -> tuple[pl.LazyFrame, dict[str, int]]:
    """Rows in which readings that contradict the others of their vehicle are unknown.

    Parameters
    ----------
    frame : pl.LazyFrame
        Kept rows of service_records, always in the same order.
    path : Path
        Where those readings go, with what is wrong with them; removed if there are none.

    Returns
    -------
    frame, counts
        The rows, and how many readings break which rule.

    Raises
    ------
    DataError
        A column is missing.
    """
    names = frame.collect_schema().names()
    absent = [n for n in READ if n not in names]
    if absent:
        raise DataError(f"{where}: check_odometer needs {absent[0]}: map it, or remove check_odometer")
    read = frame.select(READ).collect()
    whole = np.flatnonzero(read.select(pl.all_horizontal(pl.col(READ).is_not_null())).to_series().to_numpy())
    rows = read[whole]
    vehicle = rows["vehicle_id"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    codes = np.zeros(read.height, dtype=np.int8)
    codes[whole] = implausible(vehicle, rows["serviced_at"].to_numpy(), rows["odometer_km"].to_numpy())
    wrong = pl.Series("wrong", codes)
    counts = {f"odometer_km: {told}": int((codes == code).sum()) for code, told in REASONS.items()}
    counts = {rule: n for rule, n in counts.items() if n}
    told = wrong.replace_strict(REASONS, default=None, return_dtype=pl.String).alias("reason")
    write_beside(path, read.with_columns(told).filter(wrong != 0))
    if not counts:
        return frame, {}
    marked = pl.concat([frame, wrong.to_frame().lazy()], how="horizontal")
    return marked.with_columns(pl.when(pl.col("wrong") == 0).then("odometer_km")).select(names), counts


def keep_unmapped(path: Path, mapped: Mapped) -> None:
    """Write the texts that no rule maps, the most frequent first; the file is removed if there are none."""
    left = mapped.texts.filter(pl.col("kind") == UNMAPPED).select("text", "lines")
    write_beside(path, left.sort("lines", "text", descending=[True, False]))

"""Stock of the builds of the safety alarms, to a file beside the alarms."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from features.errors import ChehangError
from features.sources import load_sources, read_tables
from ml.fault_rate.answer import build_days
from ml.fault_rate.rules import AlarmRules
from ml.fault_rate.stop_sale import STOP_SALE, counted_stock, unsold_units
from ml.home import home
from training.answer_files import write_answers
from training.config import TaskConfig
from training.progress import Progress
from training.studies.surveillance_data import clock_of

COLUMNS = {"model": pl.String, "component": pl.String, **STOP_SALE}


def stop_sale(
    config: TaskConfig, raised: pl.DataFrame, rules: AlarmRules, *, as_of: int, out: Path, progress: Progress | None
) -> tuple[pl.DataFrame, tuple[str, ...], tuple[Path, ...]]:
    """Return the stock of the affected builds of safety components, and write it to a file.

    The stock is read from the table `vehicles`, or without it from `stock`, where build dates are unknown.

    Parameters
    ----------
    config : TaskConfig
        ``training.config.load_config("fault_rate")``; its sources may name `vehicles` or `stock`.
    raised : DataFrame
        Alarms: `model`, `component`, `built_from` and `built_until` (dates).
    rules : AlarmRules
        Its `safety` names the safety components.
    as_of : int
        Instant of the stock (microseconds since 1970 UTC).
    out : Path
        File of the alarms; the stock is written to `<name>.stop_sale<suffix>` beside it.
    progress : Progress or None
        Called with one line of text for each step, such as `print`.

    Returns
    -------
    tuple of (DataFrame, tuple of str, tuple of Path)
        `model`, `component` and the columns of `ml.fault_rate.stop_sale.unsold_units`; notes on stock that cannot be
        named; and the files written, none without a safety alarm.

    Examples
    --------
    >>> from training.config import load_config
    >>> run = alarms(load_config("fault_rate"), out=Path("alarms.csv"))  # doctest: +SKIP
    """
    alarms = [row for row in raised.to_dicts() if rules.safety.is_safety(row["component"])]
    nothing = pl.DataFrame(schema=COLUMNS)
    if not alarms:
        return nothing, (), ()
    sources = load_sources(config.sources)
    table = next((name for name in ("vehicles", "stock") if name in sources.tables), None)
    if table is None:
        note = "stop of sale: the sources name neither vehicles nor stock, so that no car in stock can be named"
        return nothing, (f"{note}; map one of them, and ask the stores until then",), ()
    try:
        folder = home() / "quarantine" / config.definition.name
        raw = read_tables(sources, (table,), extra={}, quarantine_folder=folder, progress=progress)
    except ChehangError as error:  # the alarms do not wait for the stock
        return nothing, (f"stop of sale: no car in stock can be named, ask the stores: {error}",), ()
    frame = raw.frames[table]
    if "built_at" in frame.collect_schema().names():  # build dates of alarms are local days
        frame = frame.with_columns(clock_of("built_at", raw.reports[table].timezone))
    parts = [
        (
            unsold_units(frame, row["model"], build_days(row["built_from"], row["built_until"]), as_of=as_of)
            if table == "vehicles"
            else counted_stock(frame, row["model"], as_of=as_of)
        ).select(pl.lit(row["model"]).alias("model"), pl.lit(row["component"]).alias("component"), pl.all())
        for row in alarms
    ]
    rows = pl.concat(parts)
    file = out.with_name(f"{out.stem}.stop_sale{out.suffix}")
    write_answers(rows, file)
    unknown = int(rows.filter(~pl.col("build_known"))["quantity"].sum())
    note = f"stop of sale: the build date of {unknown:,} of the cars named is unknown; sell none before it is looked up"
    return rows, (note,) if unknown else (), (file,)

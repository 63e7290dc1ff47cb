"""Reports of dangerous faults among workshop records: the fast lane, which waits for no figure."""

from __future__ import annotations

import polars as pl

from ml.fault_rate.safety import SafetyRules

REPORT = {
    "record_id": pl.String, "kind": pl.String, "reported_on": pl.Date, "serviced_on": pl.Date, "vehicle_id": pl.String,
    "model": pl.String, "built_on": pl.Date, "store_id": pl.String, "component": pl.String, "km": pl.Float64,
    "words": pl.String,
}  # fmt: skip
_RECORD = {
    "record_id": pl.String, "serviced_at": pl.Int64, "reported_at": pl.Int64, "vehicle_id": pl.String,
    "model": pl.String, "store_id": pl.String, "component": pl.String, "odometer_km": pl.Float64,
    "line_text": pl.String, "fault_code": pl.String,
}  # fmt: skip
_LINE = ["component", "line_text", "fault_code"]


def safety_reports(
    records: pl.LazyFrame, fleet: pl.LazyFrame | None, rules: SafetyRules, *, timezone: str, as_of: int | None = None
) -> pl.DataFrame:
    """Return the fault lines whose component and words, or fault code, are of a configured kind, the latest first.

    Parameters
    ----------
    records : LazyFrame
        Workshop lines with the columns of `features.tables.SERVICE_RECORDS`; only lines with `fault` count. A column
        that is missing is null. Instants are int64, microseconds since 1970 UTC.
    fleet : LazyFrame or None
        `vehicle_id`, `model` and `built_at`, for the model and build date of each vehicle; None without this table.
    rules : SafetyRules
        Kinds of dangerous reports, such as ``SafetyRules()``.
    timezone : str
        IANA name of the time zone of the days.
    as_of : int, optional
        Instant (microseconds since 1970 UTC); lines reported at or after it are left out.

    Returns
    -------
    DataFrame
        `record_id`, `kind` (name of the kind), `reported_on` and `serviced_on` (dates; without `reported_at` both are
        that of the visit), `vehicle_id`, `model`, `built_on` (date), `store_id`, `component`, `km` (odometer) and
        `words` (the words or the code that match); null where unknown. The line's other text, which may name people,
        is left out.

    Examples
    --------
    >>> import polars as pl
    >>> lines = {"record_id": ["R1", "R2"], "serviced_at": [0, 0], "component": ["brakes", "brakes"],
    ...     "fault": [True, True], "line_text": ["loss of braking", "no loss of braking"]}
    >>> reports = safety_reports(pl.LazyFrame(lines), None, SafetyRules(), timezone="UTC")
    >>> reports.select("record_id", "kind", "serviced_on", "words").rows()
    [('R1', 'loss_of_braking', datetime.date(1970, 1, 1), 'loss of braking')]
    """
    lines = _fault_lines(records, as_of)
    distinct = lines.select(_LINE).unique()
    matches = [rules.match(*line) for line in distinct.iter_rows()]
    distinct = distinct.with_columns(
        kind=pl.Series([m and m[0].name for m in matches], dtype=pl.String),
        words=pl.Series([m and m[1] for m in matches], dtype=pl.String),
    )
    rows = lines.join(distinct.drop_nulls("kind"), on=_LINE, nulls_equal=True).rename({"odometer_km": "km"})
    vehicles = _vehicles(fleet, rows["vehicle_id"])
    rows = rows.join(vehicles, on="vehicle_id", how="left").with_columns(
        model=pl.coalesce("fleet_model", "model"),
        serviced_on=_day("serviced_at", timezone),
        reported_on=_day("reported_at", timezone),
        built_on=_day("built_at", timezone),
    )
    return rows.select(pl.col(n).cast(t) for n, t in REPORT.items()).sort(
        "reported_on", "serviced_on", "record_id", descending=[True, True, False]
    )


def _fault_lines(records: pl.LazyFrame, as_of: int | None) -> pl.DataFrame:
    names = records.collect_schema().names()
    is_fault = pl.col("fault") if "fault" in names else pl.lit(value=False)
    columns = [(pl.col(n) if n in names else pl.lit(None)).cast(t).alias(n) for n, t in _RECORD.items()]
    lines = records.filter(is_fault).select(columns)
    lines = lines.with_columns(reported_at=pl.coalesce("reported_at", "serviced_at"))
    lines = lines.filter(pl.col("line_text").is_not_null() | pl.col("fault_code").is_not_null())
    return (lines if as_of is None else lines.filter(pl.col("reported_at") < as_of)).collect()


def _vehicles(fleet: pl.LazyFrame | None, vehicle_ids: pl.Series) -> pl.DataFrame:
    schema = {"vehicle_id": pl.String, "fleet_model": pl.String, "built_at": pl.Int64}
    if fleet is None:
        return pl.DataFrame(schema=schema)
    fleet = fleet.rename({"model": "fleet_model"}) if "model" in fleet.collect_schema().names() else fleet
    names = fleet.collect_schema().names()
    columns = [(pl.col(n) if n in names else pl.lit(None)).cast(t).alias(n) for n, t in schema.items()]
    return fleet.select(columns).filter(pl.col("vehicle_id").is_in(vehicle_ids.drop_nulls().unique())).collect()


def _day(instant: str, timezone: str) -> pl.Expr:
    clock = pl.from_epoch(instant, time_unit="us").dt.replace_time_zone("UTC").dt.convert_time_zone(timezone)
    return clock.dt.date()

"""`chehang value`: the value of every customer from purchases and, with a workshop table, from workshop visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from features.aggregations import DAY
from features.errors import DataError
from features.sources import load_sources, read_tables
from features.tables import TABLES
from features.yaml_config import Section, name_hint
from ml.bilingual import Text
from ml.customer_value import CustomerValue, customer_value
from ml.home import home
from ml.instants import microseconds
from ml.report.columns import Column
from ml.report.sections import Bars, Curve
from training.answer_files import check_answer_path, write_answers
from training.config import RunConfig
from training.progress import Progress

FEN = 100
_CUSTOMERS = Column(
    name="customers", title=Text(zh="客户数（按价值从高到低）", en="customers, most valuable first"), format="count"
)
_SHARE = Column(name="share", title=Text(zh="价值占比", en="share of total value"), format="share")
_MODEL = Column(name="model", title=Text(zh="模型", en="model"))
_ERROR = Column(
    name="error",
    title=Text(zh="平均绝对误差", en="mean absolute error"),
    unit=Text(zh="次/客户", en="purchases per customer"),
    format="score",
)


class Stream(Section):
    """One kind of purchase, such as cars or workshop visits: a value of `ValueConfig.streams`.

    Attributes
    ----------
    table : str
        Raw table with one row per purchase, a key of `features.tables.TABLES`.
    amount : str
        Column of `table` with the amount in fen.
    owner_table : str or None
        Raw table with `vehicle_id` and `customer_id`, for purchases that name the vehicle but not the customer.

    Examples
    --------
    >>> Stream(table="service_records", amount="cost", owner_table="fleet").amount
    'cost'
    """

    table: str
    amount: str
    owner_table: str | None = None

    @field_validator("table", "owner_table")
    @classmethod
    def _is_a_table(cls, value: str | None) -> str | None:
        if value is not None and value not in TABLES:
            raise ValueError(f"no such table; {name_hint(value, TABLES)}")
        return value


class ValueConfig(RunConfig):
    """Configuration of `value`; ``ValueConfig.load(Path("configs/customer_value.yaml"))`` reads one.

    Attributes
    ----------
    sources : Path
        YAML file of the raw tables, relative to the configuration.
    horizon_days : float
        Days from the end of the history, above 0.
    streams : dict of str to Stream
        Kinds of purchases by name, such as `cars`; the names begin the columns of the result.

    Examples
    --------
    >>> config = ValueConfig(streams={"cars": {"table": "sales", "amount": "gross_margin"}})
    >>> config.horizon_days, config.streams["cars"].table
    (365, 'sales')
    """

    horizon_days: float = Field(365, gt=0, le=36_500)
    streams: dict[str, Stream] = Field(min_length=1)


@dataclass(frozen=True)
class CustomerValuation:
    """Values of all customers over all streams, as returned by `value`.

    Attributes
    ----------
    customers : DataFrame
        One row per customer, the highest value first: `customer_id`; for each stream `<stream>_purchases`,
        `<stream>_probability_active`, `<stream>_expected_purchases`, `<stream>_expected_amount` and `<stream>_value`;
        and `value`, the sum over the streams. Amounts are in yuan. `purchases` are days with a purchase in the
        history; `expected_purchases` and `value` are those within the horizon.
    streams : mapping of str to CustomerValue
        By name of the stream; amounts in yuan.
    until : int
        End of the history in microseconds since 1970 UTC.
    without_customer : mapping of str to int
        By name of the stream: number of rows of its table that are left out, because they have no customer or their
        vehicle has no owner in `owner_table`.
    """

    customers: pl.DataFrame
    streams: Mapping[str, CustomerValue]
    until: int
    without_customer: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return model, hold-out errors and totals (yuan) by stream as a dict for JSON, without the single customers.

        Returns
        -------
        dict
            By stream: `model`, `holdout_errors`, `customers` (their number), `total_purchases`, `total_value` (yuan),
            `correction`, `horizon_days` and `rows_without_customer` (number of rows left out).
        """
        return {
            name: {
                "model": stream.model,
                "holdout_errors": {n: e.__dict__ for n, e in stream.holdout_errors.items()},
                "customers": stream.customers.height,
                "total_purchases": stream.total_purchases,
                "total_value": stream.total_value,
                "correction": stream.correction,
                "horizon_days": stream.horizon_days,
                "rows_without_customer": self.without_customer.get(name, 0),
            }
            for name, stream in self.streams.items()
        }


def value(
    config: ValueConfig, *, out: Path, as_of: datetime | None = None, progress: Progress | None = None
) -> CustomerValuation:
    """Predict the value of every customer, write the table to a file, and draw a chart beside it.

    A value is the amount (yuan, not discounted) that a customer is expected to bring within `config.horizon_days` days
    after the end of the history.

    Parameters
    ----------
    config : ValueConfig
        As returned by ``ValueConfig.load(Path("configs/customer_value.yaml"))``. Its `streams` (there `cars` and
        `workshop`) name the tables of purchases that are read from `config.sources`.
    out : Path
        File to write, `.parquet` or `.csv`; it is replaced in one step. The chart has the same name with `.png`.
    as_of : datetime, optional
        End of the history, with an offset; default: the day after the last purchase.
    progress : callable, optional
        ``(text) -> None``, called with a line at each step.

    Returns
    -------
    CustomerValuation
        `customers` is the table that is written to `out`: one row per customer with `customer_id`, for each stream its
        purchases, probability of being active, expected purchases and amount, and `value` (yuan). `streams` has the
        model and totals by stream, `until` is the end of the history (int64 microseconds since 1970 UTC).

    Raises
    ------
    DataError
        The sources lack a column, no purchase names a customer, or a stream has too few customers. Nothing is written.
    ConfigError
        The sources cannot be read, or `out` has another ending or cannot be written. Nothing is written.

    Examples
    --------
    Needs the tables of the sources.

    >>> from pathlib import Path
    >>> from training.runs.customer_value import ValueConfig
    >>> config = ValueConfig.load(Path("configs/customer_value.yaml"))  # doctest: +SKIP
    >>> customers = value(config, out=Path("values.csv")).customers  # doctest: +SKIP
    """
    check_answer_path(out)
    say = progress or (lambda text: None)
    names = list(dict.fromkeys(t for s in config.streams.values() for t in (s.table, s.owner_table) if t))
    raw = read_tables(
        load_sources(config.sources),
        names,
        quarantine_folder=home() / "quarantine" / "customer_value",
        joins=[f"{s.table}.vehicle_id" for s in config.streams.values() if s.owner_table],
        targets={name: [s.amount for s in config.streams.values() if s.table == name] for name in names},
        progress=say,
    )
    frames = {name: frame.collect() for name, frame in raw.frames.items()}
    purchases = {name: _purchases(name, stream, frames) for name, stream in config.streams.items()}
    ends = [int(p["at"].max()) for p in purchases.values() if p.height]  # type: ignore[arg-type]
    if not ends:
        raise DataError(
            f"streams: no purchase of {', '.join(config.streams)} has a customer_id; map customer_id in the sources, "
            "or set owner_table"
        )
    until = microseconds(as_of) if as_of is not None else max(ends) + DAY
    values = {}
    left_out = {name: frames[s.table].height - purchases[name].height for name, s in config.streams.items()}
    for name, rows in purchases.items():
        table = config.streams[name].table
        without = f"; left out: {left_out[name]:,} rows of {table} without a customer" if left_out[name] else ""
        say(f"{name}: comparing models on {rows.height:,} purchases{without}")
        try:
            values[name] = customer_value(rows, until=until, horizon_days=config.horizon_days)
        except DataError as e:
            raise DataError(f"streams.{name}: {e}") from None
    customers = _joined(values)
    write_answers(customers, out)
    _draw(values, out.with_suffix(".png"))
    return CustomerValuation(customers, values, until, left_out)


def _purchases(name: str, stream: Stream, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return `customer_id`, `at` (us) and `amount` (yuan) of the purchases of a stream."""
    rows, contract = frames[stream.table], TABLES[stream.table]
    _check_columns(name, stream.table, rows, [str(contract.time), stream.amount])
    if stream.owner_table is not None:
        owners = frames[stream.owner_table]
        _check_columns(name, stream.table, rows, ["vehicle_id"])
        _check_columns(name, stream.owner_table, owners, ["vehicle_id", "customer_id"])
        rows = rows.drop("customer_id", strict=False)
        rows = rows.join(owners.select("vehicle_id", "customer_id"), on="vehicle_id", how="inner")
    _check_columns(name, stream.table, rows, ["customer_id"])
    return rows.drop_nulls("customer_id").select(
        "customer_id", pl.col(str(contract.time)).alias("at"), (pl.col(stream.amount) / FEN).alias("amount")
    )


def _check_columns(name: str, table: str, rows: pl.DataFrame, columns: Sequence[str]) -> None:
    absent = [c for c in columns if c not in rows.columns]
    if absent:
        raise DataError(f"streams.{name}: {table} has no column '{absent[0]}'; map it in the sources")


def _joined(values: Mapping[str, CustomerValue]) -> pl.DataFrame:
    tables = [
        stream.customers.select(
            "customer_id",
            *(
                pl.col(c).alias(f"{name}_{c}")
                for c in ("purchases", "probability_active", "expected_purchases", "expected_amount", "value")
            ),
        )
        for name, stream in values.items()
    ]
    customers = tables[0]
    for table in tables[1:]:
        customers = customers.join(table, on="customer_id", how="full", coalesce=True)
    parts = [pl.col(f"{name}_value").fill_null(0.0) for name in values]
    return customers.with_columns(value=pl.sum_horizontal(parts)).sort("value", "customer_id", descending=[True, False])


def _draw(values: Mapping[str, CustomerValue], path: Path) -> None:
    from ml.report.figures import draw_sections  # imports matplotlib

    draw_sections(
        [section for name, v in values.items() for section in (_concentration(name, v), _errors(name, v))],
        path,
        title="Customer value",
    )


def _concentration(name: str, stream: CustomerValue) -> Curve:
    """Return the curve of the most valuable customers' share of the total value."""
    values = stream.customers["value"].drop_nulls().sort(descending=True).to_numpy()
    share = values.cumsum() / values.sum() if values.sum() > 0 else values[:0]
    ranks = np.unique(np.geomspace(1, len(share), 60).astype(int)).tolist() if len(share) else []
    return Curve(
        name=f"concentration_{name}",
        title=Text(zh=f"{name}：价值集中度", en=f"{name}: share of total value by customer rank"),
        columns=(_CUSTOMERS, _SHARE),
        y=_SHARE,
        drawn=("share",),
        log_x=True,
        rows=tuple({"customers": int(n), "share": float(share[n - 1])} for n in ranks),
    )


def _errors(name: str, stream: CustomerValue) -> Bars:
    return Bars(
        name=f"errors_{name}",
        title=Text(
            zh=f"{name}：各模型的留出误差（选用 {stream.model}）",
            en=f"{name}: hold-out error by model ({stream.model} is used)",
        ),
        columns=(_MODEL, _ERROR),
        y=_ERROR,
        drawn=("error",),
        rows=tuple({"model": n, "error": e.mean_absolute_error} for n, e in stream.holdout_errors.items()),
    )

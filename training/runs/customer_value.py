"""`chehang value`: what every customer will still bring, from purchases and, where there is a workshop, its visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import Field, field_validator

from features.errors import DataError
from features.sources import load_sources, read_tables
from features.tables import TABLES
from features.yaml_config import Section, name_hint
from ml.bilingual import Text
from ml.customer_value import CustomerValue, customer_value
from ml.home import home
from ml.instants import microseconds
from ml.report.columns import Column
from ml.report.figures import draw_sections
from ml.report.sections import Bars, Curve
from training.answer_files import check_answer_path, write_answers
from training.config import RunConfig
from training.progress import Progress

FEN = 100
_CUSTOMERS = Column(
    name="customers", title=Text(zh="客户数，价值高者在前", en="customers, most valuable first"), format="count"
)
_SHARE = Column(name="share", title=Text(zh="价值占比", en="share of the value"), format="share")
_MODEL = Column(name="model", title=Text(zh="模型", en="model"))
_ERROR = Column(
    name="error",
    title=Text(zh="平均绝对误差", en="mean absolute error"),
    unit=Text(zh="次", en="purchases"),
    format="score",
)


class Stream(Section):
    """One kind of purchase.

    Attributes
    ----------
    table : str
        Raw table of the purchases.
    amount : str
        Its column of money.
    through : str or None
        Raw table that says whose the vehicle is, where the purchases name vehicles alone.
    """

    table: str
    amount: str
    through: str | None = None

    @field_validator("table", "through")
    @classmethod
    def _is_a_table(cls, value: str | None) -> str | None:
        if value is not None and value not in TABLES:
            raise ValueError(f"no such table; {name_hint(value, TABLES)}")
        return value


class ValueConfig(RunConfig):
    """`configs/customer_value.yaml`: sources, the horizon, and the streams of purchases by name."""

    horizon_days: float = Field(365, gt=0, le=36_500)
    streams: dict[str, Stream] = Field(min_length=1)


@dataclass(frozen=True)
class CustomerValuation:
    """What the run found.

    Attributes
    ----------
    customers : DataFrame
        `customer_id`, `value` (yuan) in all, and of each stream its expected purchases and value.
    streams : mapping of str to CustomerValue
        With what was held out. Amounts in yuan.
    until : int
        Where the history ends (us).
    """

    customers: pl.DataFrame
    streams: Mapping[str, CustomerValue]
    until: int

    def as_dict(self) -> dict[str, Any]:
        """Plain content without the customers, for JSON."""
        return {
            name: {
                "model": found.model,
                "holdout_errors": {n: h.__dict__ for n, h in found.holdout_errors.items()},
                "customers": found.customers.height,
                "total_purchases": found.total_purchases,
                "total_value": found.total_value,
                "correction": found.correction,
                "horizon_days": found.horizon_days,
            }
            for name, found in self.streams.items()
        }


def value(
    config: ValueConfig, *, out: Path, as_of: datetime | None = None, progress: Progress | None = None
) -> CustomerValuation:
    """Value all customers, write them to a file, and draw the distribution beside it.

    Parameters
    ----------
    config : ValueConfig
        See there.
    out : Path
        `.parquet` or `.csv`; written whole.
    as_of : datetime, optional
        Where the history ends; the last purchase if not given.

    Raises
    ------
    DataError, ConfigError
        Nothing was written.
    """
    check_answer_path(out)
    say = progress or (lambda text: None)
    names = list(dict.fromkeys(t for s in config.streams.values() for t in (s.table, s.through) if t))
    raw = read_tables(
        load_sources(config.sources), names, quarantine_folder=home() / "quarantine" / "customer_value", progress=say
    )
    frames = {name: frame.collect() for name, frame in raw.frames.items()}
    purchases = {name: _purchases(name, stream, frames) for name, stream in config.streams.items()}
    ends = [int(p["at"].max()) for p in purchases.values() if p.height]  # type: ignore[arg-type]
    if not ends:
        raise DataError("no purchase of a known customer in any stream; check the sources")
    until = microseconds(as_of) if as_of is not None else max(ends) + 86_400_000_000
    found = {}
    for name, rows in purchases.items():
        say(f"{name}: choosing a model on {rows.height:,} purchases")
        try:
            found[name] = customer_value(rows, until=until, horizon_days=config.horizon_days)
        except DataError as e:
            raise DataError(f"streams.{name}: {e}") from None
    customers = _joined(found)
    write_answers(customers, out)
    _draw(found, out.with_suffix(".png"))
    return CustomerValuation(customers, found, until)


def _purchases(name: str, stream: Stream, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """`customer_id`, `at` (us) and `amount` (yuan) of a stream."""
    rows, contract = frames[stream.table], TABLES[stream.table]
    _needs(name, stream.table, rows, [str(contract.time), stream.amount])
    if stream.through is not None:
        owners = frames[stream.through]
        _needs(name, stream.table, rows, ["vehicle_id"])
        _needs(name, stream.through, owners, ["vehicle_id", "customer_id"])
        rows = rows.drop("customer_id", strict=False)
        rows = rows.join(owners.select("vehicle_id", "customer_id"), on="vehicle_id", how="inner")
    _needs(name, stream.table, rows, ["customer_id"])
    return rows.drop_nulls("customer_id").select(
        "customer_id", pl.col(str(contract.time)).alias("at"), (pl.col(stream.amount) / FEN).alias("amount")
    )


def _needs(name: str, table: str, rows: pl.DataFrame, columns: Sequence[str]) -> None:
    absent = [c for c in columns if c not in rows.columns]
    if absent:
        raise DataError(f"streams.{name}: {table} has no column '{absent[0]}'; map it in the sources")


def _joined(found: Mapping[str, CustomerValue]) -> pl.DataFrame:
    tables = [
        f.customers.select(
            "customer_id",
            *(
                pl.col(c).alias(f"{name}_{c}")
                for c in ("purchases", "probability_active", "expected_purchases", "expected_amount", "value")
            ),
        )
        for name, f in found.items()
    ]
    result = tables[0]
    for table in tables[1:]:
        result = result.join(table, on="customer_id", how="full", coalesce=True)
    parts = [pl.col(f"{name}_value").fill_null(0.0) for name in found]
    return result.with_columns(value=pl.sum_horizontal(parts)).sort("value", "customer_id", descending=[True, False])


def _draw(found: Mapping[str, CustomerValue], path: Path) -> None:
    draw_sections(
        [section for name, f in found.items() for section in (_concentration(name, f), _errors(name, f))],
        path,
        title="value of customers",
    )


def _concentration(name: str, found: CustomerValue) -> Curve:
    """Share of the value that the most valuable customers have."""
    values = found.customers["value"].drop_nulls().sort(descending=True).to_numpy()
    share = values.cumsum() / values.sum() if values.sum() > 0 else values[:0]
    at = np.unique(np.geomspace(1, len(share), 60).astype(int)).tolist() if len(share) else []
    return Curve(
        name=f"concentration_{name}",
        title=Text(zh=f"{name}：价值集中度", en=f"{name}: share of the value"),
        columns=(_CUSTOMERS, _SHARE),
        y=_SHARE,
        drawn=("share",),
        log_x=True,
        rows=tuple({"customers": int(n), "share": float(share[n - 1])} for n in at),
    )


def _errors(name: str, found: CustomerValue) -> Bars:
    return Bars(
        name=f"errors_{name}",
        title=Text(zh=f"{name}：留出误差，选用 {found.model}", en=f"{name}: held-out error ({found.model} is used)"),
        columns=(_MODEL, _ERROR),
        y=_ERROR,
        drawn=("error",),
        rows=tuple({"model": n, "error": h.mean_absolute_error} for n, h in found.holdout_errors.items()),
    )

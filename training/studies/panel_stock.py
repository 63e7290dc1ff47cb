"""Series of sales and stock: how many of each the other table lacks."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from features.errors import DataError


def unmatched_series(sold: pl.DataFrame, stocked: pl.DataFrame, keys: Sequence[str]) -> list[str]:
    """Return a sentence on the series of sales without stock, and on those of stock without sales; none if all match.

    Parameters
    ----------
    sold, stocked : DataFrame
        As returned by `features.demand_forecast.sales_by_period` and `stock_by_period`.
    keys : sequence of str
        Columns of both that identify a series.

    Returns
    -------
    list of str

    Raises
    ------
    DataError
        No series of sales has stock, although both tables have rows.

    Examples
    --------
    >>> import polars as pl
    >>> sold, stocked = pl.DataFrame({"model": ["a", "a", "b"]}), pl.DataFrame({"model": ["b", "c"]})
    >>> unmatched_series(sold, stocked, ["model"])
    ["stock: 1 of 2 series of sales has no stock, such as 'a'; 1 of 2 series of stock has no sales, such as 'c'"]
    """
    series, others = (t.select(keys).drop_nulls().unique().sort(keys) for t in (sold, stocked))
    without_stock = series.join(others, on=keys, how="anti", maintain_order="left")
    without_sales = others.join(series, on=keys, how="anti", maintain_order="left")
    if series.height and others.height and without_stock.height == series.height:
        raise DataError(
            f"stock: none of its {others.height:,} series ({', '.join(keys)}) has sales: sales has {_first(series)}, "
            f"stock has {_first(others)}; map {' and '.join(keys)} alike in both tables, or leave `stock` out of the "
            "sources"
        )
    parts = [
        f"{absent.height:,} of {all_of.height:,} series of {name} {_VERB[absent.height > 1]} no {other}, "
        f"such as {_first(absent)}"
        for absent, all_of, name, other in (
            (without_stock, series, "sales", "stock"),
            (without_sales, others, "stock", "sales"),
        )
        if absent.height
    ]
    return [f"stock: {'; '.join(parts)}"] if parts else []


_VERB = ("has", "have")


def _first(rows: pl.DataFrame) -> str:
    return " ".join(map(repr, rows.row(0)))

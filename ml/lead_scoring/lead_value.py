"""What a sale is worth, what a late call costs and what channels bring: learnt from what became of earlier leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from features.aggregations import HOUR
from ml.domain.arrays import BoolArray, FloatArray
from ml.domain.leads.channels import Channel, channel_table
from ml.domain.leads.response_decay import ResponseDecay, fit_response_decay
from ml.domain.statistics.empirical_bayes import shrunken_means
from ml.domain.statistics.resampling import Interval

FEN = 100
DAYS_PER_MONTH = 30.436875
ROUNDS = 4  # of the curve and what is expected of it
TREES = {
    "objective": "regression",
    "learning_rate": 0.15,
    "num_leaves": 16,
    "min_data_in_leaf": 50,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}


def estimate_margins(X: pl.DataFrame, y: FloatArray, *, by: str) -> dict[str, Any] | None:
    """Mean gross margin of a sale (yuan): overall, and shrunken by the values of a column; None where none is known."""
    if "gross_margin" not in X.columns:
        return None
    rows = X.filter((y == 1) & X["gross_margin"].is_not_null().to_numpy() & _at_creation(X))
    if rows.height == 0:
        return None
    margin = rows["gross_margin"].cast(pl.Float64).to_numpy() / FEN
    if by not in rows.columns:
        return {"overall": float(margin.mean()), "groups": {}}
    names, member = np.unique(rows[by].cast(pl.String).fill_null("").to_numpy().astype(str), return_inverse=True)
    sums = (np.bincount(member, v) for v in (margin, margin**2, np.ones(len(margin))))
    means, _, overall = shrunken_means(*sums)
    groups = {str(n): float(m) for n, m in zip(names, means, strict=True) if n}
    return {"overall": overall, "groups": groups}


def missing_response_columns(X: pl.DataFrame) -> str:
    """Return which columns the effect of a late call lacks; empty where it lacks none."""
    absent = [n for n in ("created_at", "first_contact_at", "channel") if n not in X.columns]
    return f"{', '.join(absent)} would be needed" if absent else ""


def fit_response(X: pl.DataFrame, matrix: FloatArray, y: FloatArray, probability: FloatArray) -> ResponseDecay | str:
    """Fit how the chance falls with the hours until the first call; return the reason where the data cannot support it.

    The model has not seen when a lead was called, but it has seen what decides that (the hour it came in, the store),
    so a part of the effect is in its chances already. They are divided by the effect to be expected of each lead, and
    the curve is learnt anew, until it stands still (P. M. Robinson (1988), Econometrica 56, 931-954: both the outcome
    and the treatment less what is expected of them).

    Parameters
    ----------
    X : DataFrame
        `created_at`, `as_of`, `channel` and `first_contact_at`.
    matrix : ndarray of shape (n_rows, n_features)
        What the model read.
    y, probability : ndarray of shape (n_rows,)
        Outcome, and the chance by a model that has not seen the lead.
    """
    import lightgbm as lgb

    new = _at_creation(X)
    rows, called = X.filter(new), X["first_contact_at"].cast(pl.Float64).fill_null(np.nan).to_numpy()[new]
    hours = (called - rows["created_at"].to_numpy()) / HOUR
    hours = np.where(np.isnan(hours) | (hours < 0), np.inf, hours)
    channel = rows["channel"].fill_null("").to_numpy().astype(str)
    outcome, seen, chance = y[new], matrix[new], probability[new]
    expected = np.ones(len(chance))
    found: ResponseDecay | str = "no round was made"
    for _ in range(ROUNDS):
        found = fit_response_decay(np.clip(chance / expected, 1e-6, 1 - 1e-6), hours, outcome, channel)
        if isinstance(found, str):
            return found
        effect = np.empty(len(chance))
        for name in np.unique(channel):
            effect[channel == name] = found.factor(name, hours[channel == name])
        trees = lgb.train(TREES, lgb.Dataset(seen, effect / effect.mean()), num_boost_round=60)
        expected = np.clip(trees.predict(seen), 0.1, 10.0)
    return found


def estimate_channels(X: pl.DataFrame, y: FloatArray, weight: FloatArray, *, months: float) -> dict[str, Any] | None:
    """The table of channels by last touch (the lead's own) and first touch, over the last months learnt from."""
    if "channel" not in X.columns:
        return None
    new = _at_creation(X)
    span: dict[str, int | None] = {"from": None, "until": None}
    if "created_at" in X.columns:
        created = X["created_at"].to_numpy()
        until = int(created[new].max())
        new &= created >= until - months * DAYS_PER_MONTH * 24 * HOUR
        span = {"from": int(created[new].min()), "until": until}
    rows, sold, w = X.filter(new), y[new], weight[new]
    money = {n: _yuan(rows, n) for n in ("acquisition_cost", "gross_margin")}
    margin = None if money["gross_margin"] is None else np.where(sold == 1, money["gross_margin"], np.nan)
    found: dict[str, Any] = {**span}
    for touch, column in (("last_touch", "channel"), ("first_touch", "first_channel")):
        if column not in rows.columns:
            continue
        named = rows[column].fill_null(rows["channel"]) if touch == "first_touch" else rows[column]
        names = named.fill_null("unknown").to_numpy().astype(str)
        table = channel_table(names, sold, cost=money["acquisition_cost"], margin=margin, weight=w)
        found[touch] = [channel_content(c) for c in table]
    return found


def channel_content(channel: Channel) -> dict[str, Any]:
    """Plain content of a channel, for JSON."""
    return {k: ({**v.__dict__} if isinstance(v, Interval) else v) for k, v in channel.__dict__.items()}


def _yuan(rows: pl.DataFrame, name: str) -> FloatArray | None:
    if name not in rows.columns or rows[name].null_count() == rows.height:
        return None
    return np.asarray(rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() / FEN)


def _at_creation(X: pl.DataFrame) -> BoolArray:
    """Rows of leads as they came in, not of their re-scores."""
    if not {"created_at", "as_of"} <= set(X.columns):
        return np.ones(X.height, dtype=bool)
    return np.asarray((X["created_at"] == X["as_of"]).fill_null(False).to_numpy())


__all__: Sequence[str] = ["channel_content", "estimate_channels", "estimate_margins", "fit_response"]

"""Estimates from earlier leads: gross margin of a sale, effect of late calls, and costs and margins of channels."""

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
from ml.estimators.shrunken_rates import ShrunkenRates

FEN = 100
DAYS_PER_MONTH = 30.436875
ITERATIONS = 4  # of decay curve and expected effect
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
    """Return the mean gross margin of a sale in yuan, overall and by the values of a column, with shrinkage.

    Parameters
    ----------
    X : DataFrame
        Leads, with `gross_margin` (fen) and, if leads have times, `created_at` and `as_of` (microseconds since 1970
        UTC, int64); rows with another `as_of` than `created_at` are ignored.
    y : ndarray of shape (n_rows,)
        1 for a lead that bought within the horizon, otherwise 0.
    by : str
        Column, such as `model`.

    Returns
    -------
    dict or None
        `overall` (float), and `groups` (dict by value of the column), yuan per sale; None if no sale has a margin.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> leads = pl.DataFrame({"model": ["X5", "X5", "X7"], "gross_margin": [1_000_000, 1_200_000, None]})
    >>> estimate_margins(leads, np.array([1.0, 1.0, 0.0]), by="model")
    {'overall': 11000.0, 'groups': {'X5': 11000.0}}
    """
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


def estimate_lead_rates(
    X: pl.DataFrame, y: FloatArray, weight: FloatArray, *, groups: Sequence[Sequence[str]]
) -> ShrunkenRates:
    """Return the conversion rates of new leads by groups of columns, which reasons state.

    Rows of leads that are scored again are left out: they did not buy at once, so that their rates are lower.

    Parameters
    ----------
    X : DataFrame
        Leads, with the columns of `groups` and, if leads have times, `created_at` and `as_of`.
    y, weight : ndarray of shape (n_rows,)
        1 for a lead that bought within the horizon, otherwise 0; weights of the leads.
    groups : sequence of sequence of str
        Such as ``[["channel"], ["store_id", "channel"]]``.

    Returns
    -------
    ShrunkenRates
        Fitted.

    Examples
    --------
    Half of the new leads buy; the two that did not are scored again.

    >>> leads = pl.DataFrame({"channel": ["app"] * 6, "created_at": [0] * 6, "as_of": [0, 0, 0, 0, 3, 3]})
    >>> rates = estimate_lead_rates(leads, np.array([1.0, 1, 0, 0, 0, 0]), np.ones(6), groups=[["channel"]])
    >>> rates.overall_, rates.rates_
    (0.0, [{'app': 0.0}])
    """
    new = _at_creation(X)
    return ShrunkenRates(groups=groups).fit(X.filter(new), y[new], weight[new])


def missing_response_columns(X: pl.DataFrame) -> str:
    """Return a text that names the columns of X that `fit_response` lacks; the empty text if it lacks none.

    Examples
    --------
    >>> import polars as pl
    >>> missing_response_columns(pl.DataFrame({"created_at": [0], "channel": ["web"]}))
    'first_contact_at missing in the data'
    """
    absent = [n for n in ("created_at", "first_contact_at", "channel") if n not in X.columns]
    return f"{', '.join(absent)} missing in the data" if absent else ""


def fit_response(X: pl.DataFrame, matrix: FloatArray, y: FloatArray, probability: FloatArray) -> ResponseDecay | str:
    """Fit the decay of the probability of a sale with the hours until the first call.

    The model does not use the time of the call, but features that affect it (hour of the lead, store), so its
    probabilities include a part of the effect. They are divided by the effect that trees predict from the features, and
    the curve is fitted again, for `ITERATIONS` rounds. This removes confounding as in P. M. Robinson (1988),
    Econometrica 56, 931-954, where expected values are subtracted from outcome and treatment.

    Parameters
    ----------
    X : DataFrame
        Leads, with `created_at`, `as_of`, `first_contact_at` (microseconds since 1970 UTC, int64; null: no call) and
        `channel`. Rows with another `as_of` than `created_at` are ignored.
    matrix : ndarray of shape (n_rows, n_features)
        Encoded features of the model, one row for each row of X.
    y : ndarray of shape (n_rows,)
        1 for a lead that bought within the horizon, otherwise 0.
    probability : ndarray of shape (n_rows,)
        Out-of-sample probability of a sale, 0 to 1.

    Returns
    -------
    ResponseDecay or str
        Decay curves by channel: `factor` returns the factor on the probability of a sale for a call after some hours.
        If the data do not support a curve, the reason as a text.
    """
    import lightgbm as lgb

    new = _at_creation(X)
    rows, called = X.filter(new), X["first_contact_at"].cast(pl.Float64).fill_null(np.nan).to_numpy()[new]
    hours = (called - rows["created_at"].to_numpy()) / HOUR
    hours = np.where(np.isnan(hours) | (hours < 0), np.inf, hours)
    channel = rows["channel"].fill_null("").to_numpy().astype(str)
    outcome, features, p = y[new], matrix[new], probability[new]
    expected = np.ones(len(p))
    curve: ResponseDecay | str = "no iteration"
    for _ in range(ITERATIONS):
        curve = fit_response_decay(np.clip(p / expected, 1e-6, 1 - 1e-6), hours, outcome, channel)
        if isinstance(curve, str):
            return curve
        effect = np.empty(len(p))
        for name in np.unique(channel):
            effect[channel == name] = curve.factor(name, hours[channel == name])
        trees = lgb.train(TREES, lgb.Dataset(features, effect / effect.mean()), num_boost_round=60)
        expected = np.clip(trees.predict(features), 0.1, 10.0)
    return curve


def estimate_channels(X: pl.DataFrame, y: FloatArray, weight: FloatArray, *, months: float) -> dict[str, Any] | None:
    """Return costs and margins by channel over the last months, attributed by last and by first touch.

    Parameters
    ----------
    X : DataFrame
        Leads, with `channel` and, if known, `first_channel`, `created_at` and `as_of` (microseconds since 1970 UTC,
        int64), `acquisition_cost` and `gross_margin` (fen). Rows with another `as_of` than `created_at` are ignored.
    y, weight : ndarray of shape (n_rows,)
        1 for a lead that bought within the horizon, otherwise 0; weights of the leads.
    months : float
        Months before the last lead that the table covers.

    Returns
    -------
    dict or None
        `from` and `until` (times of the first and the last lead, microseconds since 1970 UTC, or None), `last_touch`
        and, if there is a first channel, `first_touch`: lists of dicts with the fields of
        `ml.domain.leads.channels.Channel`, amounts in yuan, intervals as dicts with `value`, `low`, `high` and `level`.
        None if the leads have no channel.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> leads = pl.DataFrame({"channel": ["web", "web", "store"], "acquisition_cost": [4_000, 6_000, 0]})
    >>> table = estimate_channels(leads, np.array([0.0, 1.0, 0.0]), np.ones(3), months=12)
    >>> [(row["channel"], row["leads"], row["sales"]) for row in table["last_touch"]]
    [('store', 1, 0), ('web', 2, 1)]
    """
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
    tables: dict[str, Any] = {**span}
    for touch, column in (("last_touch", "channel"), ("first_touch", "first_channel")):
        if column not in rows.columns:
            continue
        channels = rows[column].fill_null(rows["channel"]) if touch == "first_touch" else rows[column]
        names = channels.fill_null("unknown").to_numpy().astype(str)
        table = channel_table(names, sold, cost=money["acquisition_cost"], margin=margin, weight=w)
        tables[touch] = [_channel_content(c) for c in table]
    return tables


def _channel_content(channel: Channel) -> dict[str, Any]:
    """Return a channel as plain content for JSON."""
    return {k: ({**v.__dict__} if isinstance(v, Interval) else v) for k, v in channel.__dict__.items()}


def _yuan(rows: pl.DataFrame, name: str) -> FloatArray | None:
    if name not in rows.columns or rows[name].null_count() == rows.height:
        return None
    return np.asarray(rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() / FEN)


def _at_creation(X: pl.DataFrame) -> BoolArray:
    """Return a mask of the rows at the creation of their lead; the others are re-scores."""
    if not {"created_at", "as_of"} <= set(X.columns):
        return np.ones(X.height, dtype=bool)
    return np.asarray((X["created_at"] == X["as_of"]).fill_null(False).to_numpy())


__all__: Sequence[str] = ["estimate_channels", "estimate_lead_rates", "estimate_margins", "fit_response"]

"""What a customer will still bring: how often they come back times what a purchase of theirs is worth.

Three models of coming back are fitted, and the one that predicts best is taken: every one of them learns from the first
part of the history and predicts the rest, cut so that history and horizon are in the proportion that is asked for. The
same rest says by how much the chosen model misses the total of all customers: the total is corrected by that factor,
the customers' own figures are not, because what is missing comes from customers of whom little can be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from features.aggregations import DAY
from features.errors import DataError
from ml.domain.arrays import FloatArray
from ml.estimators.bg_nbd import BgNbd
from ml.estimators.gamma_gamma import GammaGamma
from ml.estimators.pareto_nbd import ParetoNbd

FEWEST = 50  # customers
AROUND = (0.9, 0.95, 1.0, 1.05, 1.1)  # cuts of the history, in proportion to the one asked for
TREES = {
    "objective": "poisson",
    "num_leaves": 6,
    "learning_rate": 0.05,
    "min_data_in_leaf": 50,
    "lambda_l2": 10.0,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
ROUNDS = 120


@dataclass(frozen=True)
class HoldoutError:
    """How a model predicted the later part of the history.

    Attributes
    ----------
    mean_absolute_error : float
        Of a customer's purchases.
    total_ratio : float
        Predicted purchases of all customers over actual ones.
    """

    mean_absolute_error: float
    total_ratio: float


@dataclass(frozen=True)
class CustomerValue:
    """What the customers of one stream of purchases will bring within the horizon.

    Attributes
    ----------
    customers : DataFrame
        `customer_id`, `purchases`, `probability_active` (null if the chosen model knows none), `expected_purchases`,
        `expected_amount` of a purchase and `value`, their product; amounts in the unit given.
    model : str
        The model taken.
    holdout_errors : mapping of str to HeldOut
        Of every model, and of `last rate` (as many as before, the naive answer).
    total_purchases, total_value : float
        Of all customers, corrected by what the chosen model missed in the held-out part.
    correction : float
        That factor.
    horizon_days : float
        What is predicted.
    """

    customers: pl.DataFrame
    model: str
    holdout_errors: Mapping[str, HoldoutError]
    total_purchases: float
    total_value: float
    correction: float
    horizon_days: float


def customer_value(purchases: pl.DataFrame, *, until: int, horizon_days: float) -> CustomerValue:
    """Choose a model and predict.

    Parameters
    ----------
    purchases : DataFrame
        `customer_id`, `at` (us) and `amount` (any unit; null where unknown). Purchases of one customer on one day (UTC)
        count as one; rows at or after `until` do not count, nor does an amount below 0 (a return).
    until : int
        Where the history ends (us); its own day no longer counts.
    horizon_days : float
        How far ahead.

    Raises
    ------
    DataError
        A column is missing, the horizon is not positive, or there are too few customers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = [(str(i), int(d) * DAY, 10.0) for i in range(300) for d in rng.choice(400, 1 + i % 5, replace=False)]
    >>> table = pl.DataFrame(rows, schema=["customer_id", "at", "amount"], orient="row")
    >>> found = customer_value(table, until=400 * DAY, horizon_days=200)
    >>> found.customers.height, sorted(found.holdout_errors)
    (300, ['bg_nbd', 'last rate', 'pareto_nbd', 'trees'])
    """
    absent = [c for c in ("customer_id", "at", "amount") if c not in purchases.columns]
    if absent:
        raise DataError(f"purchases: column '{absent[0]}' is missing; it has {purchases.columns}")
    if not (np.isfinite(horizon_days) and horizon_days > 0):
        raise DataError(f"horizon_days: must be finite and above 0, got {horizon_days}")
    until = until // DAY * DAY
    days = _days(purchases, until)
    now = _facts(days, until)
    if now.height < FEWEST:
        raise DataError(
            f"purchases: {now.height} customers before the end of the history; at least {FEWEST} are needed"
        )
    begin = int(days["at"].min())  # type: ignore[arg-type]
    held_out, corrections = _averaged([_held_out(days, cut, until) for cut in _cuts(begin, until, horizon_days)])
    chosen = min((n for n in held_out if n != "last rate"), key=lambda n: held_out[n].mean_absolute_error)
    expected, active = _predicted(chosen, days, now, begin, until, horizon_days)
    spend = _spend(now)
    customers = now.select("customer_id", pl.col("frequency").cast(pl.Int64).alias("purchases") + 1).with_columns(
        probability_active=pl.Series(active, dtype=pl.Float64) if active is not None else pl.lit(None, pl.Float64),
        expected_purchases=pl.Series(expected),
        expected_amount=pl.Series(spend, nan_to_null=True),
        value=pl.Series(expected * spend, nan_to_null=True),
    )
    return CustomerValue(
        customers=customers,
        model=chosen,
        holdout_errors=held_out,
        total_purchases=float(expected.sum() * corrections[chosen]),
        total_value=float(np.nansum(expected * spend) * corrections[chosen]),
        correction=corrections[chosen],
        horizon_days=horizon_days,
    )


def _days(purchases: pl.DataFrame, until: int) -> pl.DataFrame:
    """One row for each customer and day."""
    used = purchases.drop_nulls(["customer_id", "at"]).filter(pl.col("at") < until)
    used = used.filter(pl.col("amount").is_null() | (pl.col("amount") >= 0))
    by_day = used.group_by("customer_id", pl.col("at") // DAY * DAY)
    return by_day.agg(pl.col("amount").sum(), known=pl.col("amount").is_not_null().any()).sort("customer_id", "at")


def _facts(days: pl.DataFrame, until: int) -> pl.DataFrame:
    """Frequency, recency and age (days) of every customer seen before, and what they spent."""
    seen = days.filter(pl.col("at") < until).group_by("customer_id", maintain_order=True)
    first, last = pl.col("at").min(), pl.col("at").max()
    return seen.agg(
        frequency=(pl.len() - 1).cast(pl.Float64),
        recency=(last - first) / DAY,
        age=((until - DAY - first) / DAY).clip(0.0),
        spent=pl.col("amount").filter(pl.col("known")).mean(),
        priced=pl.col("known").sum().cast(pl.Float64),
    ).with_columns(age=pl.max_horizontal("age", "recency"))


def _came(days: pl.DataFrame, facts: pl.DataFrame, begin: int, end: int) -> FloatArray:
    """Purchase days of each customer between two instants."""
    counted = days.filter((pl.col("at") >= begin) & (pl.col("at") < end)).group_by("customer_id").len("came")
    joined = facts.select("customer_id").join(counted, on="customer_id", how="left", maintain_order="left")
    return np.asarray(joined["came"].fill_null(0).to_numpy(), dtype=np.float64)


def _history(facts: pl.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, t, T = (facts[c].to_numpy() for c in ("frequency", "recency", "age"))
    return x, t, T


def _cuts(begin: int, until: int, horizon_days: float) -> list[int]:
    """Ends of shorter histories, whole days, about as long in proportion to what follows as was asked for."""
    span = (until - begin) // DAY
    middle = span * span / (span + horizon_days)
    return [begin + min(max(round(middle * p), 1), span - 1) * DAY for p in AROUND]


def _averaged(
    found: Sequence[tuple[dict[str, HoldoutError], dict[str, float]]],
) -> tuple[dict[str, HoldoutError], dict[str, float]]:
    """Means over the cuts: one alone moves by several percent from day to day."""

    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    names = list(found[0][0])
    held = {
        n: HoldoutError(mean([f[0][n].mean_absolute_error for f in found]), mean([f[0][n].total_ratio for f in found]))
        for n in names
    }
    return held, {n: mean([f[1][n] for f in found]) for n in names}


def _held_out(days: pl.DataFrame, cut: int, until: int) -> tuple[dict[str, HoldoutError], dict[str, float]]:
    """Error of every model on what came after the cut, and actual over predicted total."""
    then = _facts(days, cut)
    if then.height < FEWEST or cut >= until or then["frequency"].sum() == 0:
        raise DataError(
            f"purchases: {then.height} customers, of whom {int((then['frequency'] > 0).sum())} came back, in the part "
            "of the history that models are chosen on; give a longer history or a shorter horizon"
        )
    actual, ahead = _came(days, then, cut, until), (until - cut) / DAY
    begin = int(days["at"].min())  # type: ignore[arg-type]
    x, _, T = _history(then)
    predicted: dict[str, FloatArray] = {"last rate": (x + 1) / np.maximum(T, 1.0) * ahead}
    for name in ("bg_nbd", "pareto_nbd", "trees"):
        predicted[name] = _predicted(name, days, then, begin, cut, ahead)[0]
    held, corrections = {}, {}
    for name, p in predicted.items():
        ratio = float(p.sum() / actual.sum()) if actual.sum() > 0 else float("nan")
        held[name] = HoldoutError(float(np.abs(p - actual).mean()), ratio)
        corrections[name] = 1 / ratio if np.isfinite(ratio) and ratio > 0 else 1.0
    return held, corrections


def _predicted(
    name: str, days: pl.DataFrame, facts: pl.DataFrame, begin: int, until: int, horizon_days: float
) -> tuple[FloatArray, FloatArray | None]:
    """Purchases of each customer to be expected after `until`, learnt from what came before it."""
    history = _history(facts)
    if name == "trees":
        return _trees(days, facts, begin, until, horizon_days), None
    model: BgNbd | ParetoNbd = (BgNbd() if name == "bg_nbd" else ParetoNbd()).fit(*history)
    return model.expected_purchases(horizon_days, *history), model.probability_active(*history)


def _trees(days: pl.DataFrame, facts: pl.DataFrame, begin: int, until: int, horizon_days: float) -> FloatArray:
    """Poisson trees on the proportions of a history, learnt one cut earlier and moved to this one."""
    import lightgbm as lgb

    span = (until - begin) / DAY
    cut = _cuts(begin, until, horizon_days)[len(AROUND) // 2]
    then = _facts(days, cut)
    came = _came(days, then, cut, until)
    ahead = (until - cut) / DAY
    if then.height == 0 or came.sum() == 0:
        return np.zeros(facts.height)
    learnt = lgb.train(TREES, lgb.Dataset(_proportions(then), came / ahead * span), num_boost_round=ROUNDS)
    return np.asarray(learnt.predict(_proportions(facts)) / span * horizon_days)


def _proportions(facts: pl.DataFrame) -> FloatArray:
    x, t, T = _history(facts)
    safe = np.maximum(T, 1.0)
    spent = facts["spent"].fill_null(float("nan")).to_numpy()
    return np.column_stack([x, t / safe, (T - t) / safe, np.where(x > 0, t / np.maximum(x, 1) / safe, np.nan), spent])


def _spend(facts: pl.DataFrame) -> FloatArray:
    """Expected amount of a purchase; NaN for everybody where no amount is known."""
    count, mean = facts["priced"].to_numpy(), facts["spent"].fill_null(0.0).to_numpy()
    if not ((count > 0) & (mean > 0)).any():
        return np.full(facts.height, np.nan)
    return GammaGamma().fit(count, mean).expected_spend(count, mean)

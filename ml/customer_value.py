"""Customer value: the expected number of purchases within a horizon times the expected amount of a purchase.

Three models of the purchase rate (BG/NBD, Pareto/NBD and Poisson trees) are fitted to the earlier part of the history
and predict the later part. The history is cut so that fit period and test period have the proportion of whole history
and horizon. The model with the lowest mean absolute error is used. Its actual total over its predicted total in the
test periods corrects the total of all customers; the figures of single customers stay uncorrected, because nothing
tells which customers the missing purchases belong to.
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

MIN_CUSTOMERS = 50
CUT_FACTORS = (0.9, 0.95, 1.0, 1.05, 1.1)  # lengths of the fit periods, relative to the proportional one
CONSTANT_RATE = "constant rate"  # the baseline: every customer keeps the purchase rate of the past
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
BOOSTING_ROUNDS = 120


@dataclass(frozen=True)
class HoldoutError:
    """Error of a model on the later part of the history, the mean over all cuts.

    A value of the mapping `holdout_errors` of a `CustomerValue`, as returned by `ml.customer_value.customer_value`.

    Attributes
    ----------
    mean_absolute_error : float
        Purchases per customer.
    total_ratio : float
        Predicted over actual purchases of all customers.
    """

    mean_absolute_error: float
    total_ratio: float


@dataclass(frozen=True)
class CustomerValue:
    """Expected purchases and amounts of the customers of one stream of purchases, as returned by `customer_value`.

    Attributes
    ----------
    customers : DataFrame
        One row per customer, sorted by id: `customer_id`, `purchases` (days with a purchase in the history),
        `probability_active` (0 to 1; null if `model` is 'trees'), `expected_purchases` within the horizon,
        `expected_amount` of a purchase, and `value`, their product. Amounts are in the unit of the input, and null if
        the history has no amounts.
    model : {'bg_nbd', 'pareto_nbd', 'trees'}
        The model with the lowest mean absolute error.
    holdout_errors : mapping of str to HoldoutError
        By model, and of 'constant rate', the baseline.
    total_purchases, total_value : float
        Sum of `expected_purchases` and of `value` over all customers, times `correction`.
    correction : float
        Actual over predicted purchases of `model` in the test periods, the mean over all cuts.
    horizon_days : float
        Days from the end of the history.
    """

    customers: pl.DataFrame
    model: str
    holdout_errors: Mapping[str, HoldoutError]
    total_purchases: float
    total_value: float
    correction: float
    horizon_days: float


def customer_value(purchases: pl.DataFrame, *, until: int, horizon_days: float) -> CustomerValue:
    """Choose a model by its hold-out error and predict the purchases and the value of every customer.

    Parameters
    ----------
    purchases : DataFrame
        `customer_id`, `at` (microseconds since the epoch, int64) and `amount` (any unit; null if unknown). Purchases
        of a customer on one day (UTC) count as one. Rows from the day of `until` on and rows with an amount below 0
        (returns) are ignored.
    until : int
        End of the history in microseconds since the epoch, rounded down to the begin of its day (UTC).
    horizon_days : float
        Days from the end of the history, above 0.

    Returns
    -------
    CustomerValue
        Expected purchases, amount and value of each customer (`customers`), the chosen model and the corrected totals.

    Raises
    ------
    DataError
        A column is missing, the horizon is not above 0, fewer than 50 customers bought before `until`, or nobody
        bought again in the part of the history on which models are compared.

    Examples
    --------
    >>> import numpy as np
    >>> import polars as pl
    >>> from features.aggregations import DAY
    >>> rng = np.random.default_rng(0)
    >>> rows = [(str(i), int(d) * DAY, 10.0) for i in range(300) for d in rng.choice(400, 1 + i % 5, replace=False)]
    >>> table = pl.DataFrame(rows, schema=["customer_id", "at", "amount"], orient="row")
    >>> values = customer_value(table, until=400 * DAY, horizon_days=200)
    >>> values.customers.height, sorted(values.holdout_errors)
    (300, ['bg_nbd', 'constant rate', 'pareto_nbd', 'trees'])
    """
    absent = [c for c in ("customer_id", "at", "amount") if c not in purchases.columns]
    if absent:
        raise DataError(f"purchases: column '{absent[0]}' is missing; the columns are {purchases.columns}")
    if not (np.isfinite(horizon_days) and horizon_days > 0):
        raise DataError(f"horizon_days: must be finite and above 0, got {horizon_days}")
    until = until // DAY * DAY
    days = _purchase_days(purchases, until)
    histories = _histories(days, until)
    if histories.height < MIN_CUSTOMERS:
        raise DataError(
            f"purchases: {histories.height} customers bought before the end of the history, at least {MIN_CUSTOMERS} "
            "are needed; give more data or a later end"
        )
    begin = int(days["at"].min())  # type: ignore[arg-type]
    errors, corrections = _means([_holdout_errors(days, cut, until) for cut in _cuts(begin, until, horizon_days)])
    model = min((n for n in errors if n != CONSTANT_RATE), key=lambda n: errors[n].mean_absolute_error)
    expected, active = _predict(model, days, histories, begin, until, horizon_days)
    spend = _expected_spend(histories)
    customers = histories.select("customer_id", pl.col("frequency").cast(pl.Int64).alias("purchases") + 1).with_columns(
        probability_active=pl.Series(active, dtype=pl.Float64) if active is not None else pl.lit(None, pl.Float64),
        expected_purchases=pl.Series(expected),
        expected_amount=pl.Series(spend, nan_to_null=True),
        value=pl.Series(expected * spend, nan_to_null=True),
    )
    return CustomerValue(
        customers=customers,
        model=model,
        holdout_errors=errors,
        total_purchases=float(expected.sum() * corrections[model]),
        total_value=float(np.nansum(expected * spend) * corrections[model]),
        correction=corrections[model],
        horizon_days=horizon_days,
    )


def _purchase_days(purchases: pl.DataFrame, until: int) -> pl.DataFrame:
    """Return one row per customer and day with a purchase: `amount`, and `has_amount`."""
    rows = purchases.drop_nulls(["customer_id", "at"]).filter(pl.col("at") < until)
    rows = rows.filter(pl.col("amount").is_null() | (pl.col("amount") >= 0))
    by_day = rows.group_by("customer_id", pl.col("at") // DAY * DAY)
    return by_day.agg(pl.col("amount").sum(), has_amount=pl.col("amount").is_not_null().any()).sort("customer_id", "at")


def _histories(days: pl.DataFrame, until: int) -> pl.DataFrame:
    """Return frequency, recency and age (days), mean amount and number of amounts of each customer before `until`."""
    by_customer = days.filter(pl.col("at") < until).group_by("customer_id", maintain_order=True)
    first, last = pl.col("at").min(), pl.col("at").max()
    return by_customer.agg(
        frequency=(pl.len() - 1).cast(pl.Float64),
        recency=(last - first) / DAY,
        age=((until - DAY - first) / DAY).clip(0.0),
        mean_amount=pl.col("amount").filter(pl.col("has_amount")).mean(),
        n_amounts=pl.col("has_amount").sum().cast(pl.Float64),
    ).with_columns(age=pl.max_horizontal("age", "recency"))


def _purchase_counts(days: pl.DataFrame, histories: pl.DataFrame, begin: int, end: int) -> FloatArray:
    """Return the days with a purchase from `begin` to before `end`, by customer."""
    counts = days.filter((pl.col("at") >= begin) & (pl.col("at") < end)).group_by("customer_id").len("count")
    joined = histories.select("customer_id").join(counts, on="customer_id", how="left", maintain_order="left")
    return np.asarray(joined["count"].fill_null(0).to_numpy(), dtype=np.float64)


def _history_arrays(histories: pl.DataFrame) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, t, T = (histories[c].to_numpy() for c in ("frequency", "recency", "age"))
    return x, t, T


def _cuts(begin: int, until: int, horizon_days: float) -> list[int]:
    """Return ends of fit periods (us): fit period : rest is about whole history : horizon."""
    span = (until - begin) // DAY
    middle = span * span / (span + horizon_days)
    return [begin + min(max(round(middle * p), 1), span - 1) * DAY for p in CUT_FACTORS]


def _means(
    by_cut: Sequence[tuple[dict[str, HoldoutError], dict[str, float]]],
) -> tuple[dict[str, HoldoutError], dict[str, float]]:
    """Return the mean errors and corrections over the cuts: those of one cut change by percents from day to day."""

    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    names = list(by_cut[0][0])
    errors = {
        n: HoldoutError(
            mean([e[n].mean_absolute_error for e, _ in by_cut]), mean([e[n].total_ratio for e, _ in by_cut])
        )
        for n in names
    }
    return errors, {n: mean([corrections[n] for _, corrections in by_cut]) for n in names}


def _holdout_errors(days: pl.DataFrame, cut: int, until: int) -> tuple[dict[str, HoldoutError], dict[str, float]]:
    """Return each model's error on the days from `cut` to `until`, and actual over predicted total."""
    histories = _histories(days, cut)
    if histories.height < MIN_CUSTOMERS or cut >= until or histories["frequency"].sum() == 0:
        raise DataError(
            f"purchases: models are compared on {histories.height} customers, of whom "
            f"{int((histories['frequency'] > 0).sum())} came back; at least {MIN_CUSTOMERS} customers and one who came "
            "back are needed: give a longer history or a shorter horizon"
        )
    actual, test_days = _purchase_counts(days, histories, cut, until), (until - cut) / DAY
    begin = int(days["at"].min())  # type: ignore[arg-type]
    x, _, T = _history_arrays(histories)
    predictions: dict[str, FloatArray] = {CONSTANT_RATE: (x + 1) / np.maximum(T, 1.0) * test_days}
    for name in ("bg_nbd", "pareto_nbd", "trees"):
        predictions[name] = _predict(name, days, histories, begin, cut, test_days)[0]
    errors, corrections = {}, {}
    for name, p in predictions.items():
        ratio = float(p.sum() / actual.sum()) if actual.sum() > 0 else float("nan")
        errors[name] = HoldoutError(float(np.abs(p - actual).mean()), ratio)
        corrections[name] = 1 / ratio if np.isfinite(ratio) and ratio > 0 else 1.0
    return errors, corrections


def _predict(
    model: str, days: pl.DataFrame, histories: pl.DataFrame, begin: int, until: int, horizon_days: float
) -> tuple[FloatArray, FloatArray | None]:
    """Fit a model to the days before `until`; return expected purchases and the probability of being active."""
    history = _history_arrays(histories)
    if model == "trees":
        return _tree_predictions(days, histories, begin, until, horizon_days), None
    estimator: BgNbd | ParetoNbd = (BgNbd() if model == "bg_nbd" else ParetoNbd()).fit(*history)
    return estimator.expected_purchases(horizon_days, *history), estimator.probability_active(*history)


def _tree_predictions(
    days: pl.DataFrame, histories: pl.DataFrame, begin: int, until: int, horizon_days: float
) -> FloatArray:
    """Fit Poisson trees at an earlier cut and predict at `until`: features and label are relative to the history."""
    import lightgbm as lgb

    span = (until - begin) / DAY
    cut = _cuts(begin, until, horizon_days)[len(CUT_FACTORS) // 2]
    earlier = _histories(days, cut)
    counts = _purchase_counts(days, earlier, cut, until)
    test_days = (until - cut) / DAY
    if earlier.height == 0 or counts.sum() == 0:
        return np.zeros(histories.height)
    train_set = lgb.Dataset(_relative_features(earlier), counts / test_days * span)
    trees = lgb.train(TREES, train_set, num_boost_round=BOOSTING_ROUNDS)
    return np.asarray(trees.predict(_relative_features(histories)) / span * horizon_days)


def _relative_features(histories: pl.DataFrame) -> FloatArray:
    x, t, T = _history_arrays(histories)
    safe = np.maximum(T, 1.0)
    amount = histories["mean_amount"].fill_null(float("nan")).to_numpy()
    return np.column_stack([x, t / safe, (T - t) / safe, np.where(x > 0, t / np.maximum(x, 1) / safe, np.nan), amount])


def _expected_spend(histories: pl.DataFrame) -> FloatArray:
    """Return the expected amount of a purchase by customer; NaN for all if no amount is above 0."""
    count, mean = histories["n_amounts"].to_numpy(), histories["mean_amount"].fill_null(0.0).to_numpy()
    if not ((count > 0) & (mean > 0)).any():
        return np.full(histories.height, np.nan)
    return GammaGamma().fit(count, mean).expected_spend(count, mean)

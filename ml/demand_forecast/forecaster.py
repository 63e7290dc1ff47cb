"""The forecaster: trees and classical forecasts, combined and calibrated on rolling origins."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from features.errors import DataError
from ml.artefacts.json_files import content_of, from_json, to_json
from ml.demand_forecast import candidates
from ml.demand_forecast.coherence import Dependence, normal_scores, score_information
from ml.demand_forecast.forecast import GRID, Forecast
from ml.demand_forecast.panel import Panel
from ml.demand_forecast.panel_features import PanelFeatures
from ml.demand_forecast.params import DemandParams
from ml.demand_forecast.trees import MIN_AVAILABLE, MIN_ROWS, Trees
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.demand.count_distribution import corrected_levels, fit_dispersion, probability_integral
from ml.domain.demand.demand_class import CLASSES, demand_class
from ml.estimators.bag import sequential_sum

MIN_CLASS_ROWS = 150  # validation outcomes below which a demand class shares the calibration of all classes
PRIOR_ROWS = 1.0  # weight of the prior combination weights, as a share of the validation rows
VALIDATION_SERIES = 2_500  # series on which classical forecasts are validated; more are sampled
MIN_WEIGHT = 0.02  # smaller combination weights are set to 0
HALF_LIFE = 0.75  # age, in horizons, at which the calibration weight of an outcome is halved
REFIT_ROWS = 400_000  # maximum number of training rows of all fits in one validation together
TREES = "trees"
STATE = "forecaster.json"
ProgressCallback = Callable[[str], None]  # called with one line of text for each step


class Forecaster:
    """Fit a combined forecast to a panel; forecast any panel with the same keys and frequency from any origin.

    ``ml.champions.load(ml.champions.version_or_champion("demand_forecast")).estimator.forecaster`` is a fitted one, and
    `panel` of the same estimator its panel.

    Parameters
    ----------
    params : DemandParams
        `training.config.load_config("demand_forecast").params`, or `ml.demand_forecast.params.DemandParams(...)`.

    Attributes
    ----------
    component_names_ : list of str
        The combined forecasts: ``"trees"``, the naive ones, the classical ones.
    weights_ : ndarray of shape (n_classes, n_components)
        Combination weights by demand class, each row summing to 1.
    dispersion_ : ndarray of shape (n_classes, n_bands)
        Dispersion of the negative binomial by demand class and horizon band.
    calibrated_levels_ : ndarray of shape (n_classes, n_bands, n_grid)
        Level at which the distribution is evaluated for each quantile level of `GRID`.
    band_ : ndarray of shape (horizon,)
        Horizon band of each period ahead.
    dependence_ : Dependence
        Correlation between series.
    trees_ : Trees
        The global model.
    has_season_ : bool
        Whether the training rows reach back a season before their target.
    is_count_ : bool
        Whether demand is counted in whole units.
    categories_ : dict of str to list of str
        Values of each attribute in the order of their codes.

    Examples
    --------
    Twenty models, 24 months; the fit takes seconds.

    >>> import numpy as np
    >>> import polars as pl
    >>> from ml.demand_forecast.panel import Panel
    >>> from ml.demand_forecast.params import DemandParams
    >>> sold = np.random.default_rng(0).poisson(5.0, (20, 24)).astype(float)
    >>> series = pl.DataFrame({"model": [f"M{i}" for i in range(20)]})
    >>> panel = Panel(series, keys=("model",), frequency="month", first=672,
    ...     sold=sold, available=np.ones_like(sold))
    >>> forecaster = Forecaster(DemandParams(series=("model",), horizon=2)).fit(panel)  # doctest: +SKIP
    >>> forecaster.forecast(panel).mean.shape  # doctest: +SKIP
    (20, 2)
    """

    def __init__(self, params: DemandParams) -> None:
        self.params = params

    def features(self, panel: Panel) -> PanelFeatures:
        """Return the features of a panel (`ml.demand_forecast.panel.build_panel`), with the attribute codes of the fit.

        Before the fit, the codes are those of the panel. The result has, among others, `demand` (corrected for
        stock-outs, units, shape (n_series, n_periods)), `table(s, t, h)` (feature rows) and `names` (their columns).
        """
        q = self.params
        categories = getattr(self, "categories_", None)
        return PanelFeatures(panel, q.groups, q.known_ahead, q.country, q.uncensor, categories)

    def fit(self, panel: Panel, *, until: int | None = None, progress: ProgressCallback | None = None) -> Forecaster:
        """Fit on the columns before `until`: rolling-origin validation, combination, calibration, then the trees.

        Parameters
        ----------
        panel : Panel
            As returned by `ml.demand_forecast.panel.build_panel` for the keys and attributes of `params`.
        until : int, optional
            First column that is not used; the end of the panel if omitted.
        progress : callable, optional
            Called with one line of text for each step.

        Returns
        -------
        Forecaster
            Itself.

        Raises
        ------
        DataError
            The history is too short for the horizon and the validation origins, or has no sales.
        """
        progress = progress or (lambda text: None)
        q, end = self.params, panel.periods if until is None else until
        attributes = [c for c in panel.series.columns if c not in panel.keys]
        self.categories_ = {c: sorted(set(panel.series[c].fill_null("").to_list())) for c in attributes}
        features = self.features(panel.until(end))
        horizon = q.horizon
        first = end - horizon - q.validation_origins + 1
        if first < 4:
            raise DataError(
                f"demand_forecast: {end} {q.frequency}s of history are too few for a horizon of {horizon} and "
                f"{q.validation_origins} validation origins; provide at least {horizon + q.validation_origins + 3}, or "
                "reduce params.horizon or params.validation_origins"
            )
        self.has_season_ = end - panel.season >= horizon
        names = [n for n in candidates.NAIVE if self.has_season_ or n not in candidates.SEASONAL]
        names += q.candidates
        # From later origins only a part of the horizon is observed: recent evidence on the nearest periods.
        later = np.linspace(end - horizon + 1, end - 1, min(horizon - 1, q.validation_origins))
        origins = [*range(first, end - horizon + 1), *sorted({int(o) for o in later})]
        progress(f"validating {1 + len(names)} forecasts from {len(origins)} origins, from {panel.name(first)} on")
        refits = self._refit_origins(features, origins)
        n = len(panel.sold)
        rng = np.random.default_rng(0)
        sample = np.sort(rng.choice(n, min(n, VALIDATION_SERIES), replace=False))
        forecasts = []
        for origin in origins:
            components = candidates.candidate_forecasts(features, origin, horizon, names, rows=sample)
            if origin in refits:
                tree_params = q.trees.model_copy(update={"bags": 1}) if len(refits) > 1 else q.trees
                trees = Trees(tree_params, weighting=q.weighting).fit(features, until=origin, horizon=horizon)
            components[TREES] = trees.forecast(features, origin, horizon)
            forecasts.append({name: values[sample] for name, values in components.items()})
        self.component_names_ = [TREES, *names]
        h = np.arange(horizon)
        outcome = [_target_periods(features.panel.sold[sample], o, horizon) for o in origins]
        available = [_target_periods(features.panel.available[sample], o, horizon) for o in origins]
        has_begun = [(panel.begin[sample] < o)[:, None] for o in origins]
        is_valid = [
            np.isfinite(y) & (a >= MIN_AVAILABLE) & b for y, a, b in zip(outcome, available, has_begun, strict=True)
        ]
        classes = [np.repeat(self._classes(features, o)[sample][:, None], horizon, axis=1) for o in origins]
        baseline = [np.repeat(features.baseline[sample, o][:, None], horizon, axis=1) for o in origins]
        rows = np.concatenate(is_valid)
        # Forecasts are exposure-adjusted for stock-outs: multiplied by the share of the period in stock.
        exposure = np.concatenate(available)[rows]
        X = {name: np.concatenate([f[name] for f in forecasts])[rows] * exposure for name in self.component_names_}
        y, k, scale = (np.concatenate(a)[rows] for a in (outcome, classes, baseline))
        ahead = np.concatenate([np.repeat(h[None, :], len(sample), axis=0) for _ in origins])[rows]
        if len(y) < MIN_ROWS:
            raise DataError(
                f"demand_forecast: {len(y)} validation outcomes, at least {MIN_ROWS} are needed; provide a longer "
                "history, or increase params.validation_origins"
            )
        self.weights_ = self._combine(X, y, k, scale)
        mean = sum(X[name] * self.weights_[k, i] for i, name in enumerate(self.component_names_))
        mean = np.asarray(mean) / exposure
        target = np.concatenate([np.repeat((o + h)[None, :], len(sample), axis=0) for o in origins])[rows]
        weight = 0.5 ** ((end - 1 - target) / (HALF_LIFE * horizon))
        self._calibrate(y, mean, k, ahead, panel.is_count, is_censored=exposure < 1, weight=weight)
        scores = np.full((len(origins), len(sample), horizon), np.nan)
        information = np.zeros(scores.shape)
        row_scores = self._scores(y, mean, k, ahead, is_censored=exposure < 1)
        scores.reshape(-1, horizon)[rows] = row_scores
        information.reshape(-1, horizon)[rows] = score_information(row_scores, mean)
        self.dependence_ = Dependence.fit(scores, [g[sample] for g in self.codes(panel)], information=information)
        progress("fitting the trees on the whole history")
        self.trees_ = Trees(q.trees, weighting=q.weighting).fit(features, until=end, horizon=horizon)
        return self

    def _refit_origins(self, features: PanelFeatures, origins: Sequence[int]) -> set[int]:
        """Return the origins at which the trees are refitted: the first, and more as far as `REFIT_ROWS` allows."""
        rows = np.isfinite(features.panel.sold[:, : origins[0]]).sum() * self.params.horizon
        fits = int(np.clip(REFIT_ROWS // max(min(rows, self.params.trees.max_rows), 1), 1, len(origins)))
        return {origins[int(i)] for i in np.linspace(0, len(origins), fits, endpoint=False)}

    def _classes(self, features: PanelFeatures, origin: int) -> IntArray:
        alive = np.arange(features.panel.periods)[None, :] >= features.panel.begin[:, None]
        demand = np.where(alive, features.demand, np.nan)[:, :origin]
        return demand_class(demand) if origin else np.full(len(alive), 2)

    def _combine(self, X: dict[str, FloatArray], y: FloatArray, classes: IntArray, scale: FloatArray) -> FloatArray:
        """Return weights by class: non-negative least squares of outcomes on forecasts, shrunk to prior weights."""
        prior = np.full(len(self.component_names_), 0.4 / max(len(self.component_names_) - 1, 1))
        prior[0] = 0.6
        importance = 1 / np.sqrt(scale) if self.params.weighting == "volume" else 1 / scale
        A = np.column_stack([X[n] for n in self.component_names_]) * importance[:, None]
        b = y * importance
        weights = np.empty((len(CLASSES), len(self.component_names_)))
        overall = _weights(A, b, prior)
        for c in range(len(CLASSES)):
            rows = classes == c
            weights[c] = _weights(A[rows], b[rows], overall) if rows.sum() >= MIN_CLASS_ROWS else overall
        return weights

    def _calibrate(
        self,
        y: FloatArray,
        mean: FloatArray,
        classes: IntArray,
        ahead: IntArray,
        is_count: bool,
        *,
        is_censored: BoolArray,
        weight: FloatArray,
    ) -> None:
        """Set dispersion and calibrated levels by demand class and horizon band.

        A censored outcome (a stock-out) is a lower bound of demand: its probability integral extends up to 1.
        """
        self.is_count_ = is_count
        bands = min(3, self.params.horizon)
        self.band_ = np.minimum(np.arange(self.params.horizon) * bands // self.params.horizon, bands - 1)
        self.dispersion_ = np.empty((len(CLASSES), bands))
        self.calibrated_levels_ = np.empty((len(CLASSES), bands, len(GRID)))
        for c in range(len(CLASSES)):
            for b in range(bands):
                rows = (classes == c) & (self.band_[ahead] == b)
                rows = rows if rows.sum() >= MIN_CLASS_ROWS else self.band_[ahead] == b
                rows = rows if rows.sum() >= MIN_CLASS_ROWS else np.ones(len(y), dtype=bool)
                uncensored = rows & ~is_censored if (rows & ~is_censored).any() else rows
                d = fit_dispersion(y[uncensored], mean[uncensored], weight=weight[uncensored])
                low, high = probability_integral(y[rows], mean[rows], d, smooth=not is_count)
                high = np.where(is_censored[rows], 1.0, high)
                # The few origins share one market: its spread can be estimated from them, its direction cannot.
                ends = (np.r_[low, 1 - high], np.r_[high, 1 - low])
                self.dispersion_[c, b] = d
                self.calibrated_levels_[c, b] = np.clip(
                    corrected_levels(*ends, GRID, weight=np.tile(weight[rows], 2)), 1e-4, 1 - 1e-4
                )

    def _scores(
        self, y: FloatArray, mean: FloatArray, classes: IntArray, ahead: IntArray, *, is_censored: BoolArray
    ) -> FloatArray:
        """Return the normal scores of outcomes under their calibrated forecasts."""
        band = self.band_[ahead]
        low, high = probability_integral(y, mean, self.dispersion_[classes, band], smooth=not self.is_count_)
        high = np.where(is_censored, 1.0, np.maximum(high, low))
        ends = [np.empty(len(y)), np.empty(len(y))]
        for c, b in {(int(c), int(b)) for c, b in zip(classes, band, strict=True)}:
            rows = (classes == c) & (band == b)
            x = np.r_[0.0, self.calibrated_levels_[c, b], 1.0]
            for end, level in zip(ends, (low, high), strict=True):
                end[rows] = np.interp(level[rows], x, np.r_[0.0, GRID, 1.0])
        return normal_scores(ends[0], ends[1])

    def codes(self, panel: Panel) -> list[IntArray]:
        """Return the group of each series in each correlated grouping: all series, then each key and attribute.

        Parameters
        ----------
        panel : Panel
            As returned by `ml.demand_forecast.panel.build_panel`.

        Returns
        -------
        list of ndarray of int64, shape (n_series,)
            Groups as numbers from 0; the argument `groups` of `ml.demand_forecast.coherence.demand_paths`.
        """
        columns = [
            c for c in dict.fromkeys([*self.params.series, *self.params.attributes]) if c in panel.series.columns
        ]
        if len(self.params.series) == 1:  # a single key would make every series a group of its own
            columns = [c for c in columns if c not in self.params.series]
        return [np.zeros(len(panel.sold), dtype=np.int64), *(panel.codes(c) for c in columns)]

    def forecast(
        self,
        panel: Panel,
        *,
        origin: int | None = None,
        features: PanelFeatures | None = None,
        rows: NDArray[np.intp] | None = None,
        changed: Mapping[str, FloatArray] | None = None,
        horizon: int | None = None,
    ) -> Forecast:
        """Forecast every series from an origin; `fit` comes first.

        Parameters
        ----------
        panel : Panel
            History with the keys, attributes and frequency of the fit, as returned by
            `ml.demand_forecast.panel.build_panel`.
        origin : int, optional
            Column of the first period to forecast; the end of the panel if omitted.
        features : PanelFeatures, optional
            Features of the panel before `origin`: ``forecaster.features(panel.until(origin))``; computed if omitted.
        rows : ndarray of int, optional
            Rows of the panel to forecast; all if omitted.
        changed : mapping of str to ndarray of shape (n_rows * horizon,), optional
            What-if values of known-ahead drivers by name, all periods of the first series first; price in fen.
        horizon : int, optional
            Periods to forecast; `params.horizon` if omitted. Periods beyond it use the calibration of the last band.

        Returns
        -------
        Forecast
            In the order of `rows`: `mean` of shape (n_rows, horizon), units per period, and `quantiles(levels)`.

        Raises
        ------
        AttributeError
            The forecaster is not fitted.
        """
        q = self.params
        at = panel.periods if origin is None else origin
        features = features or self.features(panel.until(at))
        selection = np.arange(len(panel.sold)) if rows is None else rows
        classes = self._classes(features, at)[selection]
        weights = self.weights_[classes]
        names = [n for i, n in enumerate(self.component_names_) if n != TREES and (weights[:, i] > 0).any()]
        is_first_season = not self.has_season_ and at >= panel.season
        if is_first_season:
            names = list(candidates.SEASONAL)
        ahead = horizon or q.horizon
        band = self.band_[np.minimum(np.arange(ahead), q.horizon - 1)]
        forecasts = candidates.candidate_forecasts(features, at, ahead, names, rows=selection)
        components = {n: v[selection] for n, v in forecasts.items()}
        if is_first_season:  # validation covers no whole season: pooled seasonality, weighted 3 to 1 with the series'
            own = np.maximum(components["same_season"], 0.25 * components["pooled_season"])
            mean = components["pooled_season"] ** 0.75 * own**0.25
        else:
            components[TREES] = self.trees_.forecast(features, at, ahead, rows=selection, changed=changed)
            mean = sequential_sum(
                components[n] * weights[:, i, None] for i, n in enumerate(self.component_names_) if n in components
            )
        mean = np.maximum(mean, 1e-6)
        return Forecast(
            mean=mean,
            dispersion=self.dispersion_[classes[:, None], band[None, :]],
            calibrated_levels=self.calibrated_levels_[classes[:, None], band[None, :]],
            demand_class=classes,
            is_count=self.is_count_,
            components=components,
        )

    def to_files(self) -> dict[str, bytes]:
        """Return the contents of the forecaster's files by name: state as JSON, trees as LightGBM model text.

        An unfitted forecaster raises AttributeError.
        """
        learned = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in _learned(self).items()}
        state = {"params": self.params.model_dump(mode="json"), "learned": learned, "bags": len(self.trees_.boosters_)}
        files = {STATE: to_json(state | {"dependence": self.dependence_.to_dict()})}
        return files | {_bag(i): b.model_to_string().encode() for i, b in enumerate(self.trees_.boosters_)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Forecaster:
        """Restore a forecaster from the files of `to_files`.

        Raises
        ------
        ModelNotFound
            A file is missing.
        DataError
            A file is damaged.
        """
        import lightgbm as lgb

        state = from_json(files, STATE, keys=frozenset({"params", "learned", "bags", "dependence"}))
        restored = cls(DemandParams.model_validate_json(json.dumps(state["params"])))
        for name, value in state["learned"].items():
            numbers = isinstance(value, list) and not (value and isinstance(value[0], str))
            setattr(restored, name, np.array(value) if numbers else value)
        restored.dependence_ = Dependence.from_dict(state["dependence"])
        restored.trees_ = Trees(restored.params.trees, weighting=restored.params.weighting)
        texts = [content_of(files, _bag(i)).decode() for i in range(state["bags"])]
        restored.trees_.boosters_ = [lgb.Booster(model_str=text) for text in texts]
        return restored


def _target_periods(values: FloatArray, origin: int, horizon: int) -> FloatArray:
    """Return the columns of the forecast periods, shape (n_series, horizon); NaN after the last column."""
    target = np.full((len(values), horizon), np.nan)
    observed = values[:, origin : origin + horizon]
    target[:, : observed.shape[1]] = observed
    return target


def _bag(i: int) -> str:
    return f"trees_{i}.txt"


def _learned(forecaster: Forecaster) -> dict[str, Any]:
    """Return the fitted attributes except the trees and the dependence, which have files and keys of their own."""
    separate = ("trees_", "dependence_")
    return {n: v for n, v in vars(forecaster).items() if n.endswith("_") and n not in separate}


def _weights(A: FloatArray, b: FloatArray, prior: FloatArray) -> FloatArray:
    """Return combination weights that sum to 1: the few origins share one market and cannot identify its scale."""
    pull = np.sqrt(PRIOR_ROWS * (A**2).sum() / len(prior))
    weights, _ = nnls(np.vstack([A, pull * np.eye(len(prior))]), np.r_[b, pull * prior])
    weights = np.where(weights < MIN_WEIGHT * weights.sum(), 0.0, weights)
    return np.asarray(weights / weights.sum() if weights.sum() > 0 else prior, dtype=np.float64)

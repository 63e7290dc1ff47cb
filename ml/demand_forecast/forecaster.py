"""The forecaster: trees and classical forecasts, combined by what rolling origins show, with calibrated quantiles."""

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
from ml.demand_forecast.params import DemandParams
from ml.demand_forecast.past import Past
from ml.demand_forecast.trees import FEWEST_ROWS, OPEN, Trees
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.domain.demand.count_distribution import corrected_levels, fit_dispersion, probability_integral
from ml.domain.demand.demand_class import CLASSES, demand_class
from ml.estimators.bag import sequential_sum

FEWEST = 150  # outcomes that a class must have to be calibrated by itself
PRIOR_ROWS = 1.0  # pull to the prior weights, as a share of the rows
SAMPLE = 2_500  # series that classical forecasts are validated on
SLIGHT = 0.02  # weights below this are dropped
RECENT = 0.75  # horizons after which an outcome counts half in the calibration
REFIT_ROWS = 400_000  # examples that all fits of a validation may read together
TREES = "trees"
STATE = "forecaster.json"
Say = Callable[[str], None]


class Forecaster:
    """Learns from a panel; forecasts any panel of the same kind from any origin."""

    def __init__(self, params: DemandParams) -> None:
        self.params = params

    def past(self, panel: Panel) -> Past:
        """The past of a panel as this forecaster reads it."""
        q = self.params
        return Past(panel, q.groups, q.known_ahead, q.country, q.uncensor, getattr(self, "categories_", None))

    def fit(self, panel: Panel, *, until: int | None = None, progress: Say | None = None) -> Forecaster:
        """Learn from what lies before column `until`; combine and calibrate by rolling origins before it.

        Raises
        ------
        DataError
            The history is too short.
        """
        say = progress or (lambda text: None)
        q, end = self.params, panel.periods if until is None else until
        attributes = [c for c in panel.series.columns if c not in panel.keys]
        self.categories_ = {c: sorted(set(panel.series[c].fill_null("").to_list())) for c in attributes}
        past = self.past(panel.until(end))
        horizon = q.horizon
        first = end - horizon - q.validation_origins + 1
        if first < 4:
            raise DataError(
                f"demand_forecast: {end} {q.frequency}s of history are too few for a horizon of {horizon} and "
                f"{q.validation_origins} validation origins; give at least {horizon + q.validation_origins + 3}"
            )
        self.seasonal_ = end - panel.season >= horizon  # whether anything learnt from has a season before it
        names = [n for n in candidates.NAIVE if self.seasonal_ or n not in candidates.SEASONAL]
        names += q.candidates
        # Of later origins a part of the horizon is known: fresher evidence on the periods next to come.
        later = np.linspace(end - horizon + 1, end - 1, min(horizon - 1, q.validation_origins))
        origins = [*range(first, end - horizon + 1), *sorted({int(o) for o in later})]
        say(f"validating {1 + len(names)} forecasts from {len(origins)} origins, from {panel.name(first)} on")
        fits = self._fits(past, origins)
        n = len(panel.sold)
        rng = np.random.default_rng(0)
        some = np.sort(rng.choice(n, min(n, SAMPLE), replace=False))
        told = []
        for origin in origins:
            parts = candidates.every(past, origin, horizon, names, rows=some)
            if origin in fits:
                one = q.trees.model_copy(update={"bags": 1}) if len(fits) > 1 else q.trees
                trees = Trees(one, weighting=q.weighting).fit(past, until=origin, horizon=horizon)
            parts[TREES] = trees.forecast(past, origin, horizon)
            told.append({name: values[some] for name, values in parts.items()})
        self.names_ = [TREES, *names]
        h = np.arange(horizon)
        outcome = [_ahead(past.panel.sold[some], o, horizon) for o in origins]
        open_for = [_ahead(past.panel.available[some], o, horizon) for o in origins]
        begun = [(panel.begin[some] < o)[:, None] for o in origins]
        alive = [np.isfinite(y) & (a >= OPEN) & b for y, a, b in zip(outcome, open_for, begun, strict=True)]
        kind = [np.repeat(self._kind(past, o)[some][:, None], horizon, axis=1) for o in origins]
        level = [np.repeat(past.level[some, o][:, None], horizon, axis=1) for o in origins]
        keep = np.concatenate(alive)
        # Where stock ran out, forecasts are held to the part of the period that had any.
        share = np.concatenate(open_for)[keep]
        X = {name: np.concatenate([t[name] for t in told])[keep] * share for name in self.names_}
        y, k, scale = (np.concatenate(a)[keep] for a in (outcome, kind, level))
        ahead = np.concatenate([np.repeat(h[None, :], len(some), axis=0) for _ in origins])[keep]
        if len(y) < FEWEST_ROWS:
            raise DataError(
                f"demand_forecast: only {len(y)} outcomes to validate on, at least {FEWEST_ROWS} are needed; give a "
                "longer history, or more params.validation_origins"
            )
        self.weights_ = self._combine(X, y, k, scale)
        mean = sum(X[name] * self.weights_[k, i] for i, name in enumerate(self.names_))
        mean = np.asarray(mean) / share
        target = np.concatenate([np.repeat((o + h)[None, :], len(some), axis=0) for o in origins])[keep]
        weight = 0.5 ** ((end - 1 - target) / (RECENT * horizon))
        self._calibrate(y, mean, k, ahead, panel.whole, short=share < 1, weight=weight)
        scores = np.full((len(origins), len(some), horizon), np.nan)
        information = np.zeros(scores.shape)
        shown = self._scores(y, mean, k, ahead, short=share < 1)
        scores.reshape(-1, horizon)[keep] = shown
        information.reshape(-1, horizon)[keep] = score_information(shown, mean)
        self.dependence_ = Dependence.fit(scores, [g[some] for g in self.codes(panel)], information=information)
        say("learning the trees from the whole history")
        self.trees_ = Trees(q.trees, weighting=q.weighting).fit(past, until=end, horizon=horizon)
        return self

    def _fits(self, past: Past, origins: Sequence[int]) -> set[int]:
        """Origins at which the trees are learnt anew: the first always, more as long as all of them cost little."""
        rows = np.isfinite(past.panel.sold[:, : origins[0]]).sum() * self.params.horizon
        fits = int(np.clip(REFIT_ROWS // max(min(rows, self.params.trees.max_rows), 1), 1, len(origins)))
        return {origins[int(i)] for i in np.linspace(0, len(origins), fits, endpoint=False)}

    def _kind(self, past: Past, origin: int) -> IntArray:
        alive = np.arange(past.panel.periods)[None, :] >= past.panel.begin[:, None]
        return demand_class(np.where(alive, past.demand, np.nan)[:, :origin]) if origin else np.full(len(alive), 2)

    def _combine(self, X: dict[str, FloatArray], y: FloatArray, kind: IntArray, scale: FloatArray) -> FloatArray:
        """Weights by class: non-negative least squares of what happened on what was said, drawn to prior weights."""
        prior = np.full(len(self.names_), 0.4 / max(len(self.names_) - 1, 1))
        prior[0] = 0.6
        importance = 1 / np.sqrt(scale) if self.params.weighting == "volume" else 1 / scale
        A = np.column_stack([X[n] for n in self.names_]) * importance[:, None]
        b = y * importance
        found = np.empty((len(CLASSES), len(self.names_)))
        of_all = _weights(A, b, prior)
        for c in range(len(CLASSES)):
            rows = kind == c
            found[c] = _weights(A[rows], b[rows], of_all) if rows.sum() >= FEWEST else of_all
        return found

    def _calibrate(
        self,
        y: FloatArray,
        mean: FloatArray,
        kind: IntArray,
        ahead: IntArray,
        whole: bool,
        *,
        short: BoolArray,
        weight: FloatArray,
    ) -> None:
        """Dispersion and levels, by class and horizon, from outcomes and what was said of them.

        Where stock ran short the outcome, and anything above it, may have been the demand: it is spread over all that.
        """
        self.whole_ = whole
        bands = min(3, self.params.horizon)
        self.band_ = np.minimum(np.arange(self.params.horizon) * bands // self.params.horizon, bands - 1)
        self.dispersion_ = np.empty((len(CLASSES), bands))
        self.level_ = np.empty((len(CLASSES), bands, len(GRID)))
        for c in range(len(CLASSES)):
            for b in range(bands):
                rows = (kind == c) & (self.band_[ahead] == b)
                rows = rows if rows.sum() >= FEWEST else self.band_[ahead] == b
                rows = rows if rows.sum() >= FEWEST else np.ones(len(y), dtype=bool)
                known = rows & ~short if (rows & ~short).any() else rows
                d = fit_dispersion(y[known], mean[known], weight=weight[known])
                low, high = probability_integral(y[rows], mean[rows], d, smooth=not whole)
                high = np.where(short[rows], 1.0, high)
                # A few origins share one market: how far it moved is learnt from them, not in which direction.
                ends = (np.r_[low, 1 - high], np.r_[high, 1 - low])
                self.dispersion_[c, b] = d
                self.level_[c, b] = np.clip(
                    corrected_levels(*ends, GRID, weight=np.tile(weight[rows], 2)), 1e-4, 1 - 1e-4
                )

    def _scores(
        self, y: FloatArray, mean: FloatArray, kind: IntArray, ahead: IntArray, *, short: BoolArray
    ) -> FloatArray:
        """Normal scores of outcomes under their calibrated forecasts."""
        band = self.band_[ahead]
        low, high = probability_integral(y, mean, self.dispersion_[kind, band], smooth=not self.whole_)
        high = np.where(short, 1.0, np.maximum(high, low))
        ends = [np.empty(len(y)), np.empty(len(y))]
        for c, b in {(int(c), int(b)) for c, b in zip(kind, band, strict=True)}:
            rows = (kind == c) & (band == b)
            x = np.r_[0.0, self.level_[c, b], 1.0]
            for end, asked in zip(ends, (low, high), strict=True):
                end[rows] = np.interp(asked[rows], x, np.r_[0.0, GRID, 1.0])
        return normal_scores(ends[0], ends[1])

    def codes(self, panel: Panel) -> list[IntArray]:
        """Node of each series in each grouping whose members move together: everything, then each column."""
        columns = [
            c for c in dict.fromkeys([*self.params.series, *self.params.attributes]) if c in panel.series.columns
        ]
        of = columns if len(self.params.series) > 1 else [c for c in columns if c not in self.params.series]
        return [np.zeros(len(panel.sold), dtype=np.int64), *(panel.codes(c) for c in of)]

    def forecast(
        self,
        panel: Panel,
        *,
        origin: int | None = None,
        past: Past | None = None,
        rows: NDArray[np.intp] | None = None,
        changed: Mapping[str, FloatArray] | None = None,
        horizon: int | None = None,
    ) -> Forecast:
        """Say what every series will sell from a column on (the end of the panel if not given).

        Parameters
        ----------
        horizon : int, optional
            Another than was validated: beyond it quantiles are those of the last period validated.
        rows : ndarray of int, optional
            Only these series are answered.
        changed : mapping of str to ndarray of shape (n_rows * horizon,), optional
            Known drivers of the periods ahead, in place of the panel's.
        """
        q = self.params
        at = panel.periods if origin is None else origin
        past = past or self.past(panel.until(at))
        some = np.arange(len(panel.sold)) if rows is None else rows
        kind = self._kind(past, at)[some]
        weights = self.weights_[kind]
        names = [n for i, n in enumerate(self.names_) if n != TREES and (weights[:, i] > 0).any()]
        seasonal = not self.seasonal_ and at >= panel.season
        if seasonal:
            names = list(candidates.SEASONAL)
        ahead = horizon or q.horizon
        band = self.band_[np.minimum(np.arange(ahead), q.horizon - 1)]
        parts = {n: v[some] for n, v in candidates.every(past, at, ahead, names, rows=some).items()}
        if seasonal:  # validation has seen no whole season: a share of everything's season, and a quarter the own
            own = np.maximum(parts["same_season"], 0.25 * parts["pooled_season"])
            mean = parts["pooled_season"] ** 0.75 * own**0.25
        else:
            parts[TREES] = self.trees_.forecast(past, at, ahead, rows=some, changed=changed)
            mean = sequential_sum(parts[n] * weights[:, i, None] for i, n in enumerate(self.names_) if n in parts)
        mean = np.maximum(mean, 1e-6)
        return Forecast(
            mean=mean,
            dispersion=self.dispersion_[kind[:, None], band[None, :]],
            level=self.level_[kind[:, None], band[None, :]],
            kind=kind,
            whole=self.whole_,
            parts=parts,
        )

    def to_files(self) -> dict[str, bytes]:
        """Write what was learned: parameters and figures as JSON, trees in LightGBM's text."""
        learned = {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in _learned(self).items()}
        state = {"params": self.params.model_dump(mode="json"), "learned": learned, "bags": len(self.trees_.boosters_)}
        files = {STATE: to_json(state | {"dependence": self.dependence_.to_dict()})}
        return files | {_bag(i): b.model_to_string().encode() for i, b in enumerate(self.trees_.boosters_)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Forecaster:
        """Restore what `to_files` wrote.

        Raises
        ------
        ModelNotFound, DataError
            A file is missing or damaged.
        """
        import lightgbm as lgb

        state = from_json(files, STATE, keys=frozenset({"params", "learned", "bags", "dependence"}))
        found = cls(DemandParams.model_validate_json(json.dumps(state["params"])))
        for name, value in state["learned"].items():
            numbers = isinstance(value, list) and not (value and isinstance(value[0], str))
            setattr(found, name, np.array(value) if numbers else value)
        found.dependence_ = Dependence.from_dict(state["dependence"])
        found.trees_ = Trees(found.params.trees, weighting=found.params.weighting)
        texts = [content_of(files, _bag(i)).decode() for i in range(state["bags"])]
        found.trees_.boosters_ = [lgb.Booster(model_str=text) for text in texts]
        return found


def _ahead(values: FloatArray, origin: int, horizon: int) -> FloatArray:
    """The periods from an origin on; NaN where they are not known yet."""
    found = np.full((len(values), horizon), np.nan)
    known = values[:, origin : origin + horizon]
    found[:, : known.shape[1]] = known
    return found


def _bag(i: int) -> str:
    return f"trees_{i}.txt"


def _learned(forecaster: Forecaster) -> dict[str, Any]:
    """What a forecaster has learnt beside its trees and the dependence of its series."""
    apart = ("trees_", "dependence_")
    return {n: v for n, v in vars(forecaster).items() if n.endswith("_") and n not in apart}


def _weights(A: FloatArray, b: FloatArray, prior: FloatArray) -> FloatArray:
    """Weights that add up to one: a few origins share the fortunes of the market and cannot tell its scale."""
    pull = np.sqrt(PRIOR_ROWS * (A**2).sum() / len(prior))
    weights, _ = nnls(np.vstack([A, pull * np.eye(len(prior))]), np.r_[b, pull * prior])
    weights = np.where(weights < SLIGHT * weights.sum(), 0.0, weights)
    return np.asarray(weights / weights.sum() if weights.sum() > 0 else prior, dtype=np.float64)

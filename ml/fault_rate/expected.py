"""Expected faults of the fleet at the baseline rates, and the fit of these rates to the reference weeks.

The effects of age, distance and season on a component's rate are the same for all models. Five fits of a component's
rate compete, the simplest first: one constant rate, a season, the wear (age and distance), a Poisson regression of all
three (effects multiply), and Poisson trees of LightGBM (effects may interact). A fit replaces the simpler one only if
its gain is clear: the reference weeks are divided into blocks of two weeks, each is predicted by fits to the other
blocks (every fifth block is held out at once, so that every month stays in the training blocks), and the mean paired
gain of Poisson deviance over the blocks must exceed 2.5 times its standard error. A season is fitted only to 52 weeks
or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from ml.domain.arrays import BoolArray, FloatArray, IntArray
from ml.fault_rate.baseline_rates import KINDS, BaselineRates, combination_of, combinations
from ml.fault_rate.exposure import FleetExposure

BLOCK_WEEKS, FOLDS = 2, 5  # length of a held-out block; every fifth block is held out at once
CLEAR_GAIN = 2.5  # standard errors by which a fit must improve on the simpler one
YEAR_WEEKS = 52
ABSENT_EXPECTED = 20.0  # a group with no fault where this many are expected does not have the component
PRIOR_SD = 0.4  # standard deviation of the log rate ratio of a band in the regression's penalty
MIN_BAND_EXPECTED = 5.0  # an age band with fewer expected faults takes the effect of the nearest larger band


@dataclass(frozen=True)
class ExpectedFaults:
    """Expected faults of every component, stratum and week, as returned by `ml.fault_rate.expected.expect_faults`.

    Attributes
    ----------
    exposure : FleetExposure
        Vehicle-years at risk.
    baseline_rates : BaselineRates
        Faults per vehicle-year by component, age, distance and season.
    combination : ndarray of int32, shape (n_strata, n_weeks)
        Combination of bands of each stratum and week: a column of `BaselineRates.rates`.
    component_present : ndarray of bool, shape (n_components, n_strata)
        Whether the vehicles of the stratum have the component.
    """

    exposure: FleetExposure
    baseline_rates: BaselineRates
    combination: npt.NDArray[np.int32]
    component_present: BoolArray

    def of_component(self, component: int) -> FloatArray:
        """Return the expected faults of a component by stratum and week, shape (n_strata, n_weeks).

        Parameters
        ----------
        component : int
            Position in `exposure.components`.
        """
        at_risk = self.exposure.at_risk_of(component) * self.component_present[component][:, None]
        return np.asarray(self.baseline_rates.rates[component][self.combination] * at_risk)


def deviance(count: FloatArray, expected: FloatArray) -> float:
    """Return the Poisson deviance ``2 * sum(n * log(n / e) - n + e)`` of counts n with expected counts e.

    Examples
    --------
    >>> import numpy as np
    >>> round(deviance(np.array([3.0, 0.0]), np.array([2.0, 1.0])), 3)
    2.433
    """
    e = np.maximum(expected, 1e-12)
    return float(2 * (xlogy(count, np.maximum(count, 1e-300) / e) - count + expected).sum())


def expect_faults(exposure: FleetExposure, *, until: int, complete: npt.ArrayLike = 1.0) -> ExpectedFaults:
    """Fit baseline rates to the weeks before `until` and return the expected faults of every week.

    Parameters
    ----------
    exposure : FleetExposure
        Weekly faults and exposure, as returned by `ml.fault_rate.exposure.build_exposure` or
        `ml.fault_rate.reports.build_report_exposure`.
    until : int
        First week that is not a training week.
    complete : float or array of shape (n_weeks,)
        Share of each week's faults that are reported by now, from
        `ml.domain.faults.reporting_delay.ReportingDelay.completeness`. It scales the exposure of the training weeks.

    Returns
    -------
    ExpectedFaults
        `of_component(c)` returns the expected faults of component c by stratum and week; `baseline_rates` holds the
        fitted rates (faults per vehicle-year).
    """
    reported = np.broadcast_to(np.asarray(complete, dtype=np.float64), (exposure.weeks,))
    seasonal = until >= YEAR_WEEKS
    bands = len(exposure.distance_limits) + 1
    effects = combinations(bands)
    combination = combination_of(
        exposure.age, exposure.strata["distance_band"].to_numpy()[:, None], exposure.month[None, :] * seasonal, bands
    )
    models, energies = (exposure.strata[n].fill_null("").to_numpy() for n in ("model", "energy_type"))
    n_components = len(exposure.components)
    rates = np.zeros((n_components, len(effects)))
    present = np.ones((n_components, exposure.strata.height), dtype=np.bool_)
    model_kinds, deviances = [], []
    for c in range(n_components):
        counts, reported_exposure = exposure.counts(c), exposure.at_risk_of(c) * reported
        for groups in (energies, models):
            at_risk = reported_exposure[:, :until].sum(axis=1) * present[c]
            present[c] &= _has_component(groups, counts[:, :until].sum(axis=1), at_risk)
        table = _Cells(len(effects), combination, counts, reported_exposure * present[c][:, None])
        if table.at_risk[:, :until].sum() <= 0:
            present[c] = False
            model_kinds.append("unknown")
            deviances.append([np.nan] * len(KINDS))
            continue
        kind, held_out = select_fit(table, effects, until, seasonal=seasonal)
        rates[c] = _FITS[kind](effects, *table.sums(np.arange(until)))
        model_kinds.append(kind)
        deviances.append(held_out)
    baseline_rates = BaselineRates(
        components=exposure.components,
        distance_limits=exposure.distance_limits,
        rates=rates,
        seasonal=seasonal,
        pairs=tuple(dict.fromkeys(zip(models.tolist(), energies.tolist(), strict=True))),
        component_present=_by_pair(present, models, energies),
        model_kinds=tuple(model_kinds),
        deviance=np.array(deviances),
    )
    return ExpectedFaults(exposure, baseline_rates, combination, present)


def _by_pair(present: BoolArray, models: npt.NDArray[Any], energies: npt.NDArray[Any]) -> BoolArray:
    """Return one column per (model, energy type), in the order in which they first occur."""
    first: dict[tuple[str, str], int] = {}
    for row, pair in enumerate(zip(models.tolist(), energies.tolist(), strict=True)):
        first.setdefault(pair, row)
    return present[:, list(first.values())]


@dataclass(frozen=True)
class _Cells:
    """Faults and exposure by combination of bands."""

    n_effects: int
    combination: npt.NDArray[np.int32]
    counts: FloatArray
    at_risk: FloatArray

    def sums(self, weeks: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return faults and exposure of some weeks, each of shape (n_effects,)."""
        code, n = self.combination[:, weeks].ravel(), self.n_effects
        return (
            np.bincount(code, weights=self.counts[:, weeks].ravel(), minlength=n).astype(np.float64),
            np.bincount(code, weights=self.at_risk[:, weeks].ravel(), minlength=n).astype(np.float64),
        )


def select_fit(table: _Cells, effects: IntArray, until: int, *, seasonal: bool) -> tuple[str, list[float]]:
    """Return the kind of fit with a clear gain over the simpler ones, and the held-out deviance per fault of each kind.

    The gain of a kind over the present choice is compared block by block: its mean must exceed `CLEAR_GAIN` standard
    errors. Blocks without exposure do not count; with fewer than two blocks the constant rate stays.
    """
    kinds = [kind for kind in KINDS if seasonal or kind not in ("season", "wear")]
    blocks = [np.arange(first, min(first + BLOCK_WEEKS, until)) for first in range(0, until, BLOCK_WEEKS)]
    sums = [table.sums(weeks) for weeks in blocks]
    scores: dict[str, list[float]] = {kind: [] for kind in kinds}
    faults = 0.0
    total = [np.sum([part[k] for part in sums], axis=0) for k in (0, 1)]
    for fold in range(min(FOLDS, len(blocks))):
        held_out = [part for part in sums[fold::FOLDS] if part[1].sum() > 0]
        count, at_risk = (total[k] - np.sum([part[k] for part in sums[fold::FOLDS]], axis=0) for k in (0, 1))
        at_risk = np.maximum(at_risk, 0.0)
        if at_risk.sum() <= 0 or not held_out:
            continue
        faults += sum(float(n.sum()) for n, _ in held_out)
        for kind in kinds:
            fitted = _FITS[kind](effects, count, at_risk)
            scores[kind] += [deviance(n, fitted * years) for n, years in held_out]
    choice = kinds[0]
    for kind in kinds[1:]:
        gain = np.array(scores[choice]) - np.array(scores[kind])
        if len(gain) > 1 and gain.mean() > CLEAR_GAIN * max(gain.std(ddof=1) / np.sqrt(len(gain)), 1e-9):
            choice = kind
    per_fault = {kind: sum(values) / max(faults, 1.0) for kind, values in scores.items()}
    return choice, [per_fault.get(kind, np.nan) for kind in KINDS]


def _has_component(groups: npt.NDArray[Any], counts: FloatArray, at_risk: FloatArray) -> BoolArray:
    """Return the strata whose group has the component: false where no fault occurred although several are expected."""
    names, group = np.unique(groups, return_inverse=True)
    n = np.bincount(group, weights=counts, minlength=len(names))
    years = np.bincount(group, weights=at_risk, minlength=len(names))
    present = np.ones(len(names), dtype=np.bool_)
    for _ in range(3):
        rate = n[present].sum() / max(years[present].sum(), 1e-12)
        present = (n > 0) | (years * rate < ABSENT_EXPECTED)
    return np.asarray(present[group])


def _constant(effects: npt.NDArray[Any], count: FloatArray, at_risk: FloatArray) -> FloatArray:
    """Return one rate for all combinations; half a fault where none occurred."""
    return np.full(len(effects), max(count.sum(), 0.5) / max(at_risk.sum(), 1e-12))


def _season(effects: npt.NDArray[Any], count: FloatArray, at_risk: FloatArray) -> FloatArray:
    return _regression(effects * np.array([0, 0, 1]), count, at_risk)


def _wear(effects: npt.NDArray[Any], count: FloatArray, at_risk: FloatArray) -> FloatArray:
    return _regression(effects * np.array([1, 1, 0]), count, at_risk)


def _regression(effects: npt.NDArray[Any], count: FloatArray, at_risk: FloatArray) -> FloatArray:
    observed = at_risk > 0
    if count.sum() == 0:
        return _constant(effects, count, at_risk)
    scale = count.sum() / at_risk.sum()
    effects = _merge_small_age_bands(effects, at_risk * scale)
    from sklearn.linear_model import PoissonRegressor
    from sklearn.preprocessing import OneHotEncoder

    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    X = encoder.fit_transform(effects[observed])
    model = PoissonRegressor(alpha=1 / (PRIOR_SD**2 * count.sum()), max_iter=500)
    model.fit(X, count[observed] / at_risk[observed] / scale, sample_weight=at_risk[observed] * scale)
    return np.asarray(model.predict(encoder.transform(effects)) * scale)


def _merge_small_age_bands(effects: npt.NDArray[Any], expected: FloatArray) -> npt.NDArray[Any]:
    """Return the effects with age bands of few expected faults at either end replaced by the nearest larger band."""
    by_age = np.bincount(effects[:, 0], weights=expected)
    large = np.flatnonzero(by_age >= min(MIN_BAND_EXPECTED, by_age.max()))
    return np.column_stack([effects[:, 0].clip(large[0], large[-1]), effects[:, 1:]])


def _trees(effects: npt.NDArray[Any], count: FloatArray, at_risk: FloatArray) -> FloatArray:
    import lightgbm

    observed = at_risk > 0
    if count.sum() == 0:
        return _constant(effects, count, at_risk)
    scale = count.sum() / at_risk.sum()
    data = lightgbm.Dataset(
        effects[observed].astype(np.float64), label=count[observed] / at_risk[observed] / scale,
        weight=at_risk[observed] * scale, categorical_feature=[2],
    )  # fmt: skip
    params = {
        "objective": "poisson", "num_leaves": 4, "learning_rate": 0.05, "min_data_in_leaf": 5, "verbosity": -1,
        "min_sum_hessian_in_leaf": 30.0, "num_threads": 1, "seed": 0, "deterministic": True,
    }  # fmt: skip
    booster = lightgbm.train(params, data, num_boost_round=80)
    ratios = np.asarray(booster.predict(effects.astype(np.float64), num_threads=1), dtype=np.float64)
    return np.asarray(ratios * scale)


_FITS = {"constant": _constant, "season": _season, "wear": _wear, "regression": _regression, "trees": _trees}

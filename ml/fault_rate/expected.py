"""Faults that are to be expected at the usual rate: effects of age, distance and season, the same for all models.

Three models of each component's rate are fitted to the first part of the reference weeks: a Poisson regression (effects
multiply), LightGBM's Poisson trees (effects may depend on each other) and one rate for all, the naive answer. Whichever
has the smallest deviance on the later part is fitted to all of it. Season is learnt from a whole year at least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from ml.domain.arrays import BoolArray, FloatArray
from ml.fault_rate.baseline_rates import BaselineRates, combination_of, combinations
from ml.fault_rate.exposure import FleetExposure

HELD_OUT = 0.3
YEAR_WEEKS = 52
ABSENT = 6.0  # where so many faults are expected and none came, the model does not have the component
SPREAD = 0.4  # standard deviation of effects (logarithms of ratios) before anything is seen
LEAST_SEEN = 5.0  # expected faults that a band of age needs to speak for itself; beyond, the nearest one does


@dataclass(frozen=True)
class ExpectedFaults:
    """Expected faults.

    Attributes
    ----------
    exposure : FleetExposure
        Whose exposure it is.
    baseline_rates : BaselineRates
        Faults of a vehicle-year, by component, age, distance and season.
    combination : ndarray of int32, shape (n_strata, n_weeks)
        Combination of effects of each stratum and week.
    component_present : ndarray of bool, shape (n_components, n_strata)
        Whether the stratum's model has the component at all.
    """

    exposure: FleetExposure
    baseline_rates: BaselineRates
    combination: npt.NDArray[np.int32]
    component_present: BoolArray

    def of_component(self, component: int) -> FloatArray:
        """Expected faults of a component, shape (n_strata, n_weeks)."""
        at_risk = self.exposure.at_risk * self.component_present[component][:, None]
        return np.asarray(self.baseline_rates.rates[component][self.combination] * at_risk)


def deviance(count: FloatArray, expected: FloatArray) -> float:
    """Poisson deviance of cells.

    Examples
    --------
    >>> round(deviance(np.array([3.0, 0.0]), np.array([2.0, 1.0])), 3)
    2.433
    """
    e = np.maximum(expected, 1e-12)
    return float(2 * (xlogy(count, np.maximum(count, 1e-300) / e) - count + expected).sum())


def expect_faults(exposure: FleetExposure, *, until: int, complete: npt.ArrayLike = 1.0) -> ExpectedFaults:
    """Learn usual rates from the weeks before `until`, and say what they make of every week.

    Parameters
    ----------
    exposure : FleetExposure
        Faults and exposure.
    until : int
        First week that nothing is learnt from.
    complete : float or array of shape (n_weeks,)
        Share of each week's faults that is known by now: what is learnt from counts that much less exposure.
    """
    seen = exposure.at_risk * np.broadcast_to(np.asarray(complete, dtype=np.float64), (exposure.weeks,))[None, :]
    cut = max(int(until * (1 - HELD_OUT)), 1)
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
        counts = exposure.counts(c)
        for groups in (energies, models):
            present[c] &= _having(groups, counts[:, :until].sum(axis=1), seen[:, :until].sum(axis=1) * present[c])
        table = _Cells(len(effects), combination, counts, seen * present[c][:, None])
        early, late = table.sums(0, cut), table.sums(cut, until)
        if min(early[1].sum(), late[1].sum()) <= 0:
            present[c] = False
            model_kinds.append("unknown")
            deviances.append([np.nan] * len(_FITS))
            continue
        found = {kind: deviance(late[0], fit(effects, *early) * late[1]) for kind, fit in _FITS.items()}
        best = min(found, key=lambda kind: found[kind])
        rates[c] = _FITS[best](effects, *table.sums(0, until))
        model_kinds.append(best)
        deviances.append([v / max(late[0].sum(), 1.0) for v in found.values()])
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


def _by_pair(has: BoolArray, models: npt.NDArray[Any], energies: npt.NDArray[Any]) -> BoolArray:
    """What models of a kind of energy have, in the order in which these first occur."""
    first: dict[tuple[str, str], int] = {}
    for row, pair in enumerate(zip(models.tolist(), energies.tolist(), strict=True)):
        first.setdefault(pair, row)
    return has[:, list(first.values())]


@dataclass(frozen=True)
class _Cells:
    """Faults and exposure by combination of effects."""

    n_effects: int
    combination: npt.NDArray[np.int32]
    counts: FloatArray
    exposure: FloatArray

    def sums(self, begin: int, end: int) -> tuple[FloatArray, FloatArray]:
        """Of some weeks."""
        where, n = self.combination[:, begin:end].ravel(), self.n_effects
        return (
            np.bincount(where, weights=self.counts[:, begin:end].ravel(), minlength=n).astype(np.float64),
            np.bincount(where, weights=self.exposure[:, begin:end].ravel(), minlength=n).astype(np.float64),
        )


def _having(groups: npt.NDArray[Any], counts: FloatArray, exposure: FloatArray) -> BoolArray:
    """Strata whose group has the component: not those without a single fault where several would be usual."""
    name, of = np.unique(groups, return_inverse=True)
    n = np.bincount(of, weights=counts, minlength=len(name))
    years = np.bincount(of, weights=exposure, minlength=len(name))
    has = np.ones(len(name), dtype=np.bool_)
    for _ in range(3):
        usual = n[has].sum() / max(years[has].sum(), 1e-12)
        has = (n > 0) | (years * usual < ABSENT)
    return np.asarray(has[of])


def _constant(effects: npt.NDArray[Any], count: FloatArray, exposure: FloatArray) -> FloatArray:
    """One rate; where nothing failed, half a fault."""
    return np.full(len(effects), max(count.sum(), 0.5) / max(exposure.sum(), 1e-12))


def _regression(effects: npt.NDArray[Any], count: FloatArray, exposure: FloatArray) -> FloatArray:
    there = exposure > 0
    if count.sum() == 0:
        return _constant(effects, count, exposure)
    scale = count.sum() / exposure.sum()
    effects = _seen(effects, exposure * scale)
    from sklearn.linear_model import PoissonRegressor
    from sklearn.preprocessing import OneHotEncoder

    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    X = encoder.fit_transform(effects[there])
    model = PoissonRegressor(alpha=1 / (SPREAD**2 * count.sum()), max_iter=500)
    model.fit(X, count[there] / exposure[there] / scale, sample_weight=exposure[there] * scale)
    return np.asarray(model.predict(encoder.transform(effects)) * scale)


def _seen(effects: npt.NDArray[Any], expected: FloatArray) -> npt.NDArray[Any]:
    """Effects in which vehicles younger or older than those seen count as the youngest or oldest of these."""
    by_age = np.bincount(effects[:, 0], weights=expected)
    enough = np.flatnonzero(by_age >= min(LEAST_SEEN, by_age.max()))
    return np.column_stack([effects[:, 0].clip(enough[0], enough[-1]), effects[:, 1:]])


def _trees(effects: npt.NDArray[Any], count: FloatArray, exposure: FloatArray) -> FloatArray:
    import lightgbm

    there = exposure > 0
    if count.sum() == 0:
        return _constant(effects, count, exposure)
    scale = count.sum() / exposure.sum()
    data = lightgbm.Dataset(
        effects[there].astype(np.float64), label=count[there] / exposure[there] / scale,
        weight=exposure[there] * scale, categorical_feature=[2],
    )  # fmt: skip
    params = {
        "objective": "poisson", "num_leaves": 4, "learning_rate": 0.05, "min_data_in_leaf": 5, "verbosity": -1,
        "min_sum_hessian_in_leaf": 30.0, "num_threads": 1, "seed": 0, "deterministic": True,
    }  # fmt: skip
    booster = lightgbm.train(params, data, num_boost_round=80)
    found: FloatArray = np.asarray(booster.predict(effects.astype(np.float64), num_threads=1), dtype=np.float64) * scale
    return found


_FITS = {"regression": _regression, "trees": _trees, "constant": _constant}

"""Faults that are to be expected at the usual rate: effects of age, distance and season, the same for all models.

Three models of each component's rate are fitted to the first part of the reference weeks: a Poisson regression (effects
multiply), LightGBM's Poisson trees (effects may depend on each other) and one rate for all, the naive answer. Whichever
has the smallest deviance on the later part is fitted to all of it. Season is learnt from a whole year at least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from scipy.special import xlogy
from sklearn.linear_model import PoissonRegressor
from sklearn.preprocessing import OneHotEncoder

from ml.fault_rate.field import Field

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
AGES = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0])  # years: limits of the bands of age
HELD_OUT = 0.3
YEAR_WEEKS = 52
ABSENT = 6.0  # where so many faults are expected and none came, the model does not have the component
RIDGE = 1e-3


@dataclass(frozen=True)
class Expected:
    """Expected faults.

    Attributes
    ----------
    faults : ndarray of shape (n_components, n_strata, n_weeks)
        At the usual rate.
    has : ndarray of bool, shape (n_components, n_strata)
        Whether the stratum's model has the component at all.
    chosen : tuple of str
        `regression`, `trees` or `constant`, for each component.
    deviance : ndarray of shape (n_components, 3)
        Held out, a fault, of each of the three.
    """

    faults: FloatArray
    has: BoolArray
    chosen: tuple[str, ...]
    deviance: FloatArray


def deviance(count: FloatArray, expected: FloatArray) -> float:
    """Poisson deviance of cells.

    Examples
    --------
    >>> round(deviance(np.array([3.0, 0.0]), np.array([2.0, 1.0])), 3)
    2.433
    """
    e = np.maximum(expected, 1e-12)
    return float(2 * (xlogy(count, np.maximum(count, 1e-300) / e) - count + expected).sum())


def expect(field: Field, *, until: int) -> Expected:
    """Learn usual rates from the weeks before `until`, and say what they make of every week.

    Parameters
    ----------
    field : Field
        Faults and exposure.
    until : int
        First week that nothing is learnt from.
    """
    counts = field.counts()
    cut = max(int(until * (1 - HELD_OUT)), 1)
    age = np.searchsorted(AGES, field.age, side="right")
    driven = np.broadcast_to(field.strata["driven"].to_numpy()[:, None], age.shape)
    month = np.broadcast_to(field.month[None, :] if cut >= YEAR_WEEKS else np.zeros(field.weeks, int), age.shape)
    effects, cell = np.unique(np.stack([age, driven, month], axis=-1).reshape(-1, 3), axis=0, return_inverse=True)
    cell = cell.reshape(age.shape)
    models, energies = (field.strata[n].fill_null("").to_numpy() for n in ("model", "energy_type"))
    faults = np.zeros_like(counts)
    has = np.ones(counts.shape[:2], dtype=np.bool_)
    chosen, deviances = [], []
    for c in range(len(field.components)):
        for groups in (energies, models):
            has[c] &= _having(groups, counts[c], field.exposure * has[c][:, None])
        table = _Cells(effects, cell, counts[c], field.exposure * has[c][:, None])
        early, late = table.sums(0, cut), table.sums(cut, until)
        found = {kind: deviance(late[0], fit(effects, *early) * late[1]) for kind, fit in _FITS.items()}
        best = min(found, key=lambda kind: found[kind])
        rate = _FITS[best](effects, *table.sums(0, until))
        faults[c] = rate[cell] * table.exposure
        chosen.append(best)
        deviances.append([v / max(late[0].sum(), 1.0) for v in found.values()])
    return Expected(faults, has, tuple(chosen), np.array(deviances))


@dataclass(frozen=True)
class _Cells:
    """Faults and exposure by combination of effects."""

    effects: npt.NDArray[Any]
    cell: npt.NDArray[np.intp]
    counts: FloatArray
    exposure: FloatArray

    def sums(self, begin: int, end: int) -> tuple[FloatArray, FloatArray]:
        """Of some weeks."""
        where, n = self.cell[:, begin:end].ravel(), len(self.effects)
        return (
            np.bincount(where, weights=self.counts[:, begin:end].ravel(), minlength=n).astype(np.float64),
            np.bincount(where, weights=self.exposure[:, begin:end].ravel(), minlength=n).astype(np.float64),
        )


def _having(groups: npt.NDArray[Any], counts: FloatArray, exposure: FloatArray) -> BoolArray:
    """Strata whose group has the component: not those without a single fault where several would be usual.

    Weeks to come count too: a group without any fault raises no alarm, and leaving it out makes all others expect more.
    """
    name, of = np.unique(groups, return_inverse=True)
    n = np.bincount(of, weights=counts.sum(axis=1), minlength=len(name))
    years = np.bincount(of, weights=exposure.sum(axis=1), minlength=len(name))
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
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    X = encoder.fit_transform(effects[there])
    scale = count.sum() / exposure.sum()
    model = PoissonRegressor(alpha=RIDGE, max_iter=500)
    model.fit(X, count[there] / exposure[there] / scale, sample_weight=exposure[there] * scale)
    return np.asarray(model.predict(encoder.transform(effects)) * scale)


def _trees(effects: npt.NDArray[Any], count: FloatArray, exposure: FloatArray) -> FloatArray:
    there = exposure > 0
    if count.sum() == 0:
        return _constant(effects, count, exposure)
    scale = count.sum() / exposure.sum()
    data = lightgbm.Dataset(
        effects[there].astype(np.float64), label=count[there] / exposure[there] / scale,
        weight=exposure[there] * scale, categorical_feature=[2],
    )  # fmt: skip
    params = {
        "objective": "poisson", "num_leaves": 7, "learning_rate": 0.05, "min_data_in_leaf": 5, "verbosity": -1,
        "min_sum_hessian_in_leaf": 5.0, "num_threads": 1, "seed": 0, "deterministic": True,
    }  # fmt: skip
    booster = lightgbm.train(params, data, num_boost_round=150)
    found: FloatArray = np.asarray(booster.predict(effects.astype(np.float64), num_threads=1), dtype=np.float64) * scale
    return found


_FITS = {"regression": _regression, "trees": _trees, "constant": _constant}

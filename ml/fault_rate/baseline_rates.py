"""Usual rates of faults: how often a component fails in a vehicle-year, by age, distance distance_band and season."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ml.artefacts.npz import member
from ml.domain.arrays import BoolArray, FloatArray, IntArray

AGES = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0])  # years: limits of the bands of age
MONTHS = 12


@dataclass(frozen=True)
class BaselineRates:
    """What is usual, apart from any fleet.

    Attributes
    ----------
    components : tuple of str
        In alphabetical order.
    distance_limits : ndarray
        Monthly distances (km) between the bands.
    rates : ndarray of shape (n_components, n_combinations)
        Faults of a vehicle-year; combinations as in `combinations`.
    seasonal : bool
        Whether a whole year was there to learn seasons from.
    pairs : tuple of (str, str)
        Model and kind of energy (empty where not known).
    component_present : ndarray of bool, shape (n_components, n_pairs)
        Whether those have the component at all.
    model_kinds : tuple of str
        `regression`, `trees` or `constant`, for each component; `unknown` of one that no vehicle had in those weeks:
        nothing is expected of it, and it raises no alarm.
    deviance : ndarray of shape (n_components, 3)
        Held out, a fault, of each of the three.
    """

    components: tuple[str, ...]
    distance_limits: FloatArray
    rates: FloatArray
    seasonal: bool
    pairs: tuple[tuple[str, str], ...]
    component_present: BoolArray
    model_kinds: tuple[str, ...]
    deviance: FloatArray

    @cached_property
    def component_index(self) -> Mapping[str, int]:
        """Position of each component."""
        return {name: i for i, name in enumerate(self.components)}

    @cached_property
    def _pair(self) -> Mapping[tuple[str, str], int]:
        return {pair: i for i, pair in enumerate(self.pairs)}

    def distance_band(self, monthly_km: npt.ArrayLike) -> IntArray:
        """Band of each monthly distance (km); -1 where it is not known (NaN)."""
        km = np.asarray(monthly_km, dtype=np.float64)
        return np.where(np.isnan(km), -1, np.searchsorted(self.distance_limits, km, side="right")).astype(np.int64)

    def has_component(self, component: int, models: Sequence[str], energies: Sequence[str | None]) -> BoolArray:
        """Whether vehicles have the component; one of a model not seen before is taken to have it."""
        found = [self._pair.get((m, e or ""), -1) for m, e in zip(models, energies, strict=True)]
        place = np.array(found, dtype=np.int64)
        known = self.component_present[component][place] if len(self.pairs) else np.ones(len(place), dtype=np.bool_)
        return np.asarray(np.where(place < 0, True, known))

    def yearly_rate(
        self, component: int, *, age: npt.ArrayLike, distance_band: npt.ArrayLike, month: npt.ArrayLike
    ) -> FloatArray:
        """Faults of a vehicle-year.

        Parameters
        ----------
        component : int
            Its position.
        age : array
            Years since it was built.
        distance_band, month : array of int
            Band of distance (-1 unknown) and calendar month (0 to 11).
        """
        m = np.asarray(month) * self.seasonal
        return np.asarray(self.rates[component][combination_of(age, distance_band, m, len(self.distance_limits) + 1)])

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """For a file; texts as arrays of fixed width."""
        return {
            "baseline_components": np.array(self.components, dtype=np.str_),
            "baseline_distance_limits": self.distance_limits,
            "baseline_rates": self.rates,
            "baseline_seasonal": np.array([self.seasonal]),
            "baseline_pairs": np.array(self.pairs, dtype=np.str_).reshape(-1, 2),
            "baseline_component_present": self.component_present,
            "baseline_model_kinds": np.array(self.model_kinds, dtype=np.str_),
            "baseline_deviance": np.nan_to_num(self.deviance, nan=-1.0),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Restore what `to_arrays` wrote."""
        deviance = member(arrays, "baseline_deviance", ndim=2)
        return cls(
            components=tuple(member(arrays, "baseline_components", ndim=1).tolist()),
            distance_limits=member(arrays, "baseline_distance_limits", ndim=1),
            rates=member(arrays, "baseline_rates", ndim=2),
            seasonal=bool(member(arrays, "baseline_seasonal", ndim=1)[0]),
            pairs=tuple((str(m), str(e)) for m, e in member(arrays, "baseline_pairs", ndim=2)),
            component_present=member(arrays, "baseline_component_present", ndim=2),
            model_kinds=tuple(member(arrays, "baseline_model_kinds", ndim=1).tolist()),
            deviance=np.where(deviance < 0, np.nan, deviance),
        )


def combinations(bands: int) -> IntArray:
    """All combinations of age, distance (-1 unknown) and month, shape (n_combinations, 3).

    >>> combinations(2).shape, combinations(2)[0].tolist()
    ((288, 3), [0, -1, 0])
    """
    age, distance_band, month = np.meshgrid(
        np.arange(len(AGES) + 1), np.arange(-1, bands), np.arange(MONTHS), indexing="ij"
    )
    return np.column_stack([age.ravel(), distance_band.ravel(), month.ravel()]).astype(np.int64)


def combination_of(
    age: npt.ArrayLike, distance_band: npt.ArrayLike, month: npt.ArrayLike, bands: int
) -> npt.NDArray[np.int32]:
    """Combination of ages (years), bands of distance and months; the arguments are broadcast.

    >>> int(combination_of(0.7, -1, 3, 2)), combinations(2)[39].tolist()
    (39, [1, -1, 3])
    """
    band = np.searchsorted(AGES, np.asarray(age, dtype=np.float64), side="right")
    found = (band * (bands + 1) + np.asarray(distance_band) + 1) * MONTHS + np.asarray(month)
    return np.asarray(found).astype(np.int32)

"""Baseline fault rates: faults per vehicle-year of each component by vehicle age, distance driven and season."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ml.artefacts.npz import member
from ml.domain.arrays import BoolArray, FloatArray, IntArray

AGES = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0])  # years: limits of the age bands
MONTHS = 12
KINDS = ("constant", "season", "wear", "regression", "trees")  # fits of a component's rate, the simplest first


@dataclass(frozen=True)
class BaselineRates:
    """Baseline fault rates of every component, as fitted by `ml.fault_rate.expected.expect_faults`.

    Attributes
    ----------
    components : tuple of str
        In alphabetical order.
    distance_limits : ndarray
        Monthly distances (km) between the distance bands.
    rates : ndarray of shape (n_components, n_combinations)
        Faults per vehicle-year; columns as the rows of `combinations`.
    seasonal : bool
        Whether the reference weeks covered a whole year, so that seasons could be fitted.
    pairs : tuple of (str, str)
        Model and energy type (empty where unknown).
    component_present : ndarray of bool, shape (n_components, n_pairs)
        Whether vehicles of the pair have the component.
    model_kinds : tuple of str
        Selected fit of each component, one of `KINDS`; `unknown` where no vehicle had the component in the reference
        weeks: its expected faults are 0 and it raises no alarm.
    deviance : ndarray of shape (n_components, 5)
        Held-out Poisson deviance per fault of the fits in the order of `KINDS`; NaN for an unknown component, and for
        fits with a season where fewer than 52 weeks are known.
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
        """Position of each component in `components`."""
        return {name: i for i, name in enumerate(self.components)}

    @cached_property
    def _pair_index(self) -> Mapping[tuple[str, str], int]:
        return {pair: i for i, pair in enumerate(self.pairs)}

    def distance_band(self, monthly_km: npt.ArrayLike) -> IntArray:
        """Return the band of each monthly distance (km), from 0 to ``len(distance_limits)``; -1 where it is NaN.

        The result has the shape of `monthly_km`.
        """
        km = np.asarray(monthly_km, dtype=np.float64)
        return np.where(np.isnan(km), -1, np.searchsorted(self.distance_limits, km, side="right")).astype(np.int64)

    def has_component(self, component: int, models: Sequence[str], energies: Sequence[str | None]) -> BoolArray:
        """Return whether each vehicle has a component; a model without training rows is assumed to have it.

        Parameters
        ----------
        component : int
            Position in `components`.
        models, energies : sequence of shape (n_vehicles,)
            Model and energy type (None where unknown) of each vehicle.

        Returns
        -------
        ndarray of bool, shape (n_vehicles,)
        """
        rows = [self._pair_index.get((m, e or ""), -1) for m, e in zip(models, energies, strict=True)]
        index = np.array(rows, dtype=np.int64)
        present = self.component_present[component][index] if len(self.pairs) else np.ones(len(index), dtype=np.bool_)
        return np.asarray(np.where(index < 0, True, present))

    def yearly_rate(
        self, component: int, *, age: npt.ArrayLike, distance_band: npt.ArrayLike, month: npt.ArrayLike
    ) -> FloatArray:
        """Return the baseline fault rate per vehicle-year.

        Parameters
        ----------
        component : int
            Position in `components`.
        age : array
            Years since the vehicle was built.
        distance_band : array of int
            As returned by `distance_band`; -1 where the distance is unknown.
        month : array of int
            Calendar month, 0 to 11.

        Returns
        -------
        ndarray
            Faults per vehicle-year, in the broadcast shape of the three arrays.
        """
        m = np.asarray(month) * self.seasonal
        return np.asarray(self.rates[component][combination_of(age, distance_band, m, len(self.distance_limits) + 1)])

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the rates as arrays by name, for an npz file; `from_arrays` restores them."""
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
        """Restore the rates from the arrays of `to_arrays`.

        Raises
        ------
        ModelNotFound
            An array is missing or has other dimensions.
        """
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
    """Return all combinations of age band, distance band (-1 unknown) and month (0 to 11), shape (n_combinations, 3).

    Age bands lie between the limits `AGES` (years). The columns of `BaselineRates.rates` are in this order.

    Parameters
    ----------
    bands : int
        Number of distance bands.

    Examples
    --------
    >>> combinations(2).shape, combinations(2)[0].tolist()
    ((288, 3), [0, -1, 0])
    """
    age, distance, month = np.meshgrid(np.arange(len(AGES) + 1), np.arange(-1, bands), np.arange(MONTHS), indexing="ij")
    return np.column_stack([age.ravel(), distance.ravel(), month.ravel()]).astype(np.int64)


def combination_of(
    age: npt.ArrayLike, distance_band: npt.ArrayLike, month: npt.ArrayLike, bands: int
) -> npt.NDArray[np.int32]:
    """Return the row of `combinations` for each age, distance band and month; the arrays are broadcast.

    Parameters
    ----------
    age : array
        Years since the vehicle was built.
    distance_band : array of int
        As returned by `BaselineRates.distance_band`; -1 where the distance is unknown.
    month : array of int
        Calendar month, 0 to 11.
    bands : int
        Number of distance bands.

    Examples
    --------
    >>> int(combination_of(0.7, -1, 3, 2)), combinations(2)[39].tolist()
    (39, [1, -1, 3])
    """
    age_band = np.searchsorted(AGES, np.asarray(age, dtype=np.float64), side="right")
    row = (age_band * (bands + 1) + np.asarray(distance_band) + 1) * MONTHS + np.asarray(month)
    return np.asarray(row).astype(np.int32)

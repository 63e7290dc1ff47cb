"""Simulated faults of the cars in service, with one injected defect.

Car v has faults of component c as a Poisson process with the yearly rate ::

    yearly[c] * model_ratio[model, c] * (1 + ageing[c] * years since built) * (monthly km / 1200) ** wear[c]
    * season[c][calendar month] * (RATE_RATIO if v is of the defective model and build range and c is the brakes)

The defective cars are of model `澄舟X5`, built from half a year before the window until 35% of its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.tables import ENERGY_TYPES
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.catalogue import Catalogue
from training.simulator.draws import Random
from training.simulator.fleet import Fleet
from training.simulator.seasons import DAY, MONTH, YEAR, Window, calendar_month

RATE_RATIO = 4.0
DEFECT_MODEL = "澄舟X5"
DEFECT_COMPONENT = "brakes"
DEFECT_FROM_MONTHS, DEFECT_UNTIL_SHARE = -6, 0.35

_ENGINE = ("combustion", "hybrid", "plug_in_hybrid", "range_extended")
_PLUG = ("plug_in_hybrid", "range_extended", "battery_electric")
_COLD, _HOT, _EVEN = (1.6, 1.3, 1.0, 0.8), (0.5, 0.9, 1.9, 0.8), (1.0, 1.0, 1.0, 1.0)  # winter, spring, summer, autumn

# component: faults per year, ageing, wear, season, energy types that have it, text of the workshop line, hours, yuan
COMPONENTS = {
    "brakes": (0.055, 0.06, 0.8, _EVEN, ENERGY_TYPES, "制动异响，更换前刹车片及制动盘", 1.6, 980),
    "battery_12v": (0.05, 0.22, 0.0, _COLD, ENERGY_TYPES, "无法启动，更换12V蓄电池", 0.6, 620),
    "air_conditioning": (0.035, 0.12, 0.1, _HOT, ENERGY_TYPES, "空调不制冷，补充制冷剂并更换压缩机密封件", 2.2, 1350),
    "suspension": (0.03, 0.12, 0.7, _EVEN, ENERGY_TYPES, "底盘异响，更换下摆臂胶套", 2.0, 860),
    "infotainment": (0.05, 0.0, 0.0, _EVEN, ENERGY_TYPES, "中控屏黑屏，升级软件", 0.8, 260),
    "engine": (0.02, 0.15, 0.6, _EVEN, _ENGINE, "发动机故障灯亮，更换点火线圈", 1.8, 1180),
    "transmission": (0.012, 0.15, 0.6, _EVEN, _ENGINE, "换挡顿挫，更换变速箱油泵", 4.5, 4200),
    "cooling": (0.015, 0.18, 0.4, _HOT, _ENGINE, "冷却液泄漏，更换水泵", 2.4, 1050),
    "traction_battery": (0.015, 0.10, 0.3, _COLD, _PLUG, "动力电池报警，更换电池模组采样板", 5.0, 3800),
    "charging": (0.03, 0.05, 0.1, _EVEN, _PLUG, "无法充电，更换充电口锁止机构", 1.2, 740),
    "steering": (0.01, 0.10, 0.5, _EVEN, ENERGY_TYPES, "方向盘异响，更换转向拉杆球头", 1.5, 690),
    "body": (0.04, 0.02, 0.0, _EVEN, ENERGY_TYPES, "车门漏风，调整密封条", 1.0, 320),
}


@dataclass(frozen=True)
class Faults:
    """Faults of cars in service, reported or not, one array element per fault. Drawn by `draw_faults`.

    `training.simulator.faults.draw_faults(rng, fleet, hazard, window)` makes one.

    Attributes
    ----------
    car, component : ndarray of int64
        Position in the fleet, and in the keys of COMPONENTS.
    at : ndarray of int64
        Instant of the fault, microseconds since 1970 UTC.
    """

    car: IntArray
    component: IntArray
    at: IntArray


def bad_range(window: Window) -> tuple[int, int]:
    """Return the build dates of the affected cars: first instant, and first instant after the last.

    Parameters
    ----------
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    low, high : int
        Microseconds since 1970 UTC.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.faults import bad_range
    >>> from training.simulator.seasons import MONTH, Window
    >>> low, high = bad_range(Window.of(Size()))
    >>> round((high - low) / MONTH, 1)
    18.6
    """
    length = window.end - window.start
    return window.start + int(DEFECT_FROM_MONTHS * MONTH), window.start + int(DEFECT_UNTIL_SHARE * length)


def affected(fleet: Fleet, catalogue: Catalogue, window: Window) -> BoolArray:
    """Return whether each car has the injected fault: DEFECT_MODEL, built in the affected range.

    Parameters
    ----------
    fleet : Fleet
        As returned by `training.simulator.fleet.build_fleet(rng, world)`.
    catalogue : Catalogue
        `world.catalogue`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    ndarray of bool, shape (n_cars,)

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.faults import affected
    >>> from training.simulator.fleet import build_fleet
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> affected(build_fleet(world.size.stream("fleet"), world), world.catalogue, world.window).dtype.name
    'bool'
    """
    low, high = bad_range(window)
    bad = fleet.model == catalogue.names.index(DEFECT_MODEL)
    return np.asarray(bad & (fleet.built_at >= low) & (fleet.built_at < high), dtype=np.bool_)


@dataclass(frozen=True)
class Hazard:
    """Fault rates of every car. Drawn by `build_hazard`.

    `training.simulator.faults.build_hazard(rng, fleet, world.catalogue, world.window)` makes one, with `rng` =
    `world.size.stream("workshop")`, `fleet` = `training.simulator.fleet.build_fleet(rng, world)` and `world` =
    `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Attributes
    ----------
    model_ratio : ndarray of float64, shape (n_models, n_components)
        Factor of a model on the rate of a component, 1 on average; 0 for a component that the model does not have.
    bad : ndarray of bool, shape (n_cars,)
        Cars with the injected fault.
    """

    model_ratio: FloatArray
    bad: BoolArray

    def factor(self, fleet: Fleet, component: int) -> FloatArray:
        """Return the fault rate of each car before ageing, season and the injected fault, faults per year.

        Parameters
        ----------
        fleet : Fleet
            The fleet for which the hazard was drawn.
        component : int
            Position in the keys of COMPONENTS.

        Returns
        -------
        ndarray of float64, shape (n_cars,)

        Examples
        --------
        >>> from training.simulator import Size
        >>> from training.simulator.faults import build_hazard
        >>> from training.simulator.fleet import build_fleet
        >>> from training.simulator.world import build_world
        >>> world = build_world(Size(stores=1, customers=100, months=3))
        >>> fleet = build_fleet(world.size.stream("fleet"), world)
        >>> hazard = build_hazard(world.size.stream("workshop"), fleet, world.catalogue, world.window)
        >>> len(hazard.factor(fleet, 0)) == len(fleet)
        True
        """
        yearly, _, wear = _values(component)
        return np.asarray(
            yearly * self.model_ratio[fleet.model, component] * (fleet.monthly_km / 1_200) ** wear, dtype=np.float64
        )

    def ratio(self, component: int) -> FloatArray:
        """Return the factor of the injected fault on each car's rate: RATE_RATIO or 1.

        Parameters
        ----------
        component : int
            Position in the keys of COMPONENTS.

        Returns
        -------
        ndarray of float64, shape (n_cars,)

        Examples
        --------
        >>> from training.simulator import Size
        >>> from training.simulator.faults import build_hazard
        >>> from training.simulator.fleet import build_fleet
        >>> from training.simulator.world import build_world
        >>> world = build_world(Size(stores=1, customers=100, months=3))
        >>> fleet = build_fleet(world.size.stream("fleet"), world)
        >>> hazard = build_hazard(world.size.stream("workshop"), fleet, world.catalogue, world.window)
        >>> len(hazard.ratio(0)) == len(fleet)
        True
        """
        return np.where(self.bad & (list(COMPONENTS)[component] == DEFECT_COMPONENT), RATE_RATIO, 1.0)


def build_hazard(rng: Random, fleet: Fleet, catalogue: Catalogue, window: Window) -> Hazard:
    """Draw the factor of each model on the rate of each component: gamma distributed, mean 1, variance 0.04.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("workshop")`.
    fleet : Fleet
        As returned by `training.simulator.fleet.build_fleet(rng, world)`.
    catalogue : Catalogue
        `world.catalogue`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    Hazard
        `model_ratio` (float64, models x components, mean 1) and `bad` (bool by car: has the injected fault);
        `factor(fleet, component)` gives rates in faults per year.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.faults import build_hazard
    >>> from training.simulator.fleet import build_fleet
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> fleet = build_fleet(world.size.stream("fleet"), world)
    >>> hazard = build_hazard(world.size.stream("workshop"), fleet, world.catalogue, world.window)
    >>> hazard.factor(fleet, 0).shape == (len(fleet),)
    True
    """
    model_ratio = rng.gamma(25.0, 1 / 25.0, (len(catalogue.names), len(COMPONENTS)))
    energies = [row[4] for row in COMPONENTS.values()]
    has = np.array([[ENERGY_TYPES[e] in types for types in energies] for e in catalogue.energy])
    return Hazard(np.where(has, model_ratio, 0.0), affected(fleet, catalogue, window))


def _values(component: int) -> tuple[float, float, float]:
    yearly, ageing, wear = list(COMPONENTS.values())[component][:3]
    return yearly, ageing, wear


def season(component: int) -> FloatArray:
    """Return the factor of each calendar month on the fault rate of a component.

    Parameters
    ----------
    component : int
        Position in the keys of COMPONENTS.

    Returns
    -------
    ndarray of float64, shape (12,)
        From January to December.

    Examples
    --------
    >>> from training.simulator.faults import COMPONENTS, season
    >>> season(list(COMPONENTS).index("battery_12v"))[[0, 6]].tolist()
    [1.6, 1.0]
    """
    quarters = list(COMPONENTS.values())[component][3]
    return np.array([quarters[(month + 1) % 12 // 3] for month in range(12)])


def draw_faults(rng: Random, fleet: Fleet, hazard: Hazard, window: Window) -> Faults:
    """Draw the faults of all cars while observed, by thinning a Poisson process of constant rate.

    Parameters
    ----------
    rng : numpy.random.Generator
        Such as `training.simulator.Size().stream("workshop")`.
    fleet : Fleet
        As returned by `training.simulator.fleet.build_fleet(rng, world)`.
    hazard : Hazard
        As returned by `build_hazard(rng, fleet, catalogue, window)`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    Faults
        `car` (position in the fleet), `component` (position in the keys of `training.simulator.faults.COMPONENTS`) and
        `at` (int64, microseconds since 1970 UTC), one element per fault, ordered by component and car.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.faults import build_hazard, draw_faults
    >>> from training.simulator.fleet import build_fleet
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> fleet, rng = build_fleet(world.size.stream("fleet"), world), world.size.stream("workshop")
    >>> hazard = build_hazard(rng, fleet, world.catalogue, world.window)
    >>> faults = draw_faults(rng, fleet, hazard, world.window)
    >>> bool((faults.at < world.window.end).all())
    True
    """
    start, end = fleet.observed_from(window), fleet.observed_until(window)
    years = np.maximum(end - start, 0) / YEAR
    cars, kinds, times = [], [], []
    for component in range(len(COMPONENTS)):
        _, ageing, _ = _values(component)
        seasons = season(component)
        oldest = 1 + ageing * (end - fleet.built_at) / YEAR
        fastest = hazard.factor(fleet, component) * hazard.ratio(component) * oldest * seasons.max()
        car = np.repeat(np.arange(len(fleet)), rng.poisson(fastest * years))
        at = start[car] + (rng.random(len(car)) * (end[car] - start[car])).astype(np.int64)
        rate = (1 + ageing * (at - fleet.built_at[car]) / YEAR) * seasons[calendar_month(at)]
        accepted = rng.random(len(car)) * oldest[car] * seasons.max() < rate
        cars.append(car[accepted])
        times.append(at[accepted])
        kinds.append(np.full(int(accepted.sum()), component, dtype=np.int64))
    return Faults(np.concatenate(cars), np.concatenate(kinds), np.concatenate(times))


def expected_faults(fleet: Fleet, hazard: Hazard, component: int, window: Window) -> FloatArray:
    """Return the expected number of faults of each car while observed, without the injected fault.

    Parameters
    ----------
    fleet : Fleet
        As returned by `training.simulator.fleet.build_fleet(rng, world)`.
    hazard : Hazard
        As returned by `build_hazard(rng, fleet, catalogue, window)`.
    component : int
        Position in the keys of COMPONENTS.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    ndarray of float64, shape (n_cars,)
        Faults of the component.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.faults import build_hazard, expected_faults
    >>> from training.simulator.fleet import build_fleet
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> fleet, rng = build_fleet(world.size.stream("fleet"), world), world.size.stream("workshop")
    >>> hazard = build_hazard(rng, fleet, world.catalogue, world.window)
    >>> expected_faults(fleet, hazard, 0, world.window).shape == (len(fleet),)
    True
    """
    _, ageing, _ = _values(component)
    days = window.start + np.arange(window.days + 1) * DAY
    daily = season(component)[calendar_month(days[:-1] + DAY // 2)] * DAY / YEAR
    middle = (days[:-1] + DAY // 2 - window.start) / YEAR
    weight = np.r_[0.0, np.cumsum(daily)]
    moment = np.r_[0.0, np.cumsum(daily * middle)]
    start, end = fleet.observed_from(window), np.maximum(fleet.observed_until(window), fleet.observed_from(window))
    by_weight = np.interp(end, days, weight) - np.interp(start, days, weight)
    by_moment = np.interp(end, days, moment) - np.interp(start, days, moment)
    built = (fleet.built_at - window.start) / YEAR
    return hazard.factor(fleet, component) * (by_weight * (1 - ageing * built) + ageing * by_moment)

"""Vehicle catalogue: fictitious brands, models and trims, and earlier generations sold as used cars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from features.tables import BODY_TYPES, ENERGY_TYPES
from ml.domain.arrays import BoolArray, FloatArray, IntArray
from training.simulator.draws import fen, instants, labels, numbered
from training.simulator.seasons import MONTH, Window

BRANDS = ("澄舟", "青衡", "辰野", "沐原", "砺行", "望岱")
BRANDS_PER_STORE = 3
TRIMS = ("舒适版", "豪华版", "旗舰版")
TRIM_PRICES = np.array([0.94, 1.0, 1.13])
DEALER_COST = 0.915  # share of the list price
NO_END = 10_000  # a month after every window

# brand, series, model, body, energy, seats, power (kW), range (km), price (yuan), appeal, launch, end.
# launch: month relative to the start where negative, share of the window where positive; end: share of the window or
# None for no end.
_CURRENT = (
    (0, "澄舟A系", "澄舟A3", "sedan", "combustion", 5, 95, 720, 89_800, 0.4, -30, None),
    (0, "澄舟A系", "澄舟A3 插混", "sedan", "plug_in_hybrid", 5, 132, 1150, 109_800, 0.2, -14, None),
    (0, "澄舟X系", "澄舟X5", "suv", "combustion", 5, 118, 690, 119_800, 0.8, -26, None),
    (0, "澄舟X系", "澄舟X5 纯电", "suv", "battery_electric", 5, 150, 510, 149_800, 0.5, 0.3, None),
    (0, "澄舟X系", "澄舟X7", "suv", "hybrid", 7, 145, 880, 169_800, 0.1, -20, None),
    (1, "青衡E系", "青衡E1", "hatchback", "battery_electric", 4, 55, 330, 69_800, 0.2, -24, None),
    (1, "青衡E系", "青衡E3", "sedan", "battery_electric", 5, 150, 520, 129_800, 0.5, -16, None),
    (1, "青衡S系", "青衡S6", "suv", "battery_electric", 5, 180, 560, 179_800, 0.3, -10, None),
    (1, "青衡S系", "青衡S6 增程", "suv", "range_extended", 5, 170, 1080, 189_800, 0.4, 0.5, None),
    (2, "辰野C系", "辰野C4", "sedan", "combustion", 5, 105, 740, 109_800, 0.3, -40, 0.55),
    (2, "辰野C系", "辰野C4 新一代", "sedan", "hybrid", 5, 130, 1020, 119_800, 0.6, 0.5, None),
    (2, "辰野T系", "辰野T6", "suv", "combustion", 5, 130, 660, 139_800, 0.4, -28, None),
    (2, "辰野T系", "辰野T9", "suv", "plug_in_hybrid", 7, 190, 1120, 239_800, 0.0, -12, None),
    (2, "辰野P系", "辰野P1", "pickup", "combustion", 5, 120, 780, 119_800, -0.2, -32, None),
    (3, "沐原M系", "沐原M6", "mpv", "hybrid", 7, 140, 900, 199_800, 0.3, -22, None),
    (3, "沐原M系", "沐原M6 纯电", "mpv", "battery_electric", 7, 160, 530, 239_800, 0.3, 0.65, None),
    (3, "沐原M系", "沐原M8", "mpv", "plug_in_hybrid", 7, 180, 1050, 299_800, 0.0, -15, None),
    (3, "沐原H系", "沐原H2", "hatchback", "combustion", 5, 80, 650, 75_800, 0.1, -34, None),
    (3, "沐原V系", "沐原V5", "suv", "hybrid", 5, 135, 930, 159_800, 0.5, -18, None),
    (4, "砺行R系", "砺行R3", "sedan", "battery_electric", 5, 200, 620, 229_800, 0.2, -13, None),
    (4, "砺行R系", "砺行R5", "suv", "battery_electric", 5, 210, 600, 199_800, 0.4, -8, None),
    (4, "砺行R系", "砺行R9", "suv", "range_extended", 6, 240, 1200, 329_800, 0.2, -17, None),
    (4, "砺行G系", "砺行G1", "coupe", "battery_electric", 4, 250, 580, 259_800, 0.0, 0.2, None),
    (5, "望岱D系", "望岱D5", "sedan", "combustion", 5, 140, 760, 159_800, 0.4, -36, None),
    (5, "望岱D系", "望岱D7", "sedan", "plug_in_hybrid", 5, 170, 1100, 209_800, 0.3, -11, None),
    (5, "望岱K系", "望岱K6", "suv", "combustion", 5, 165, 640, 219_800, 0.2, -38, 0.75),
    (5, "望岱K系", "望岱K8", "suv", "plug_in_hybrid", 6, 210, 1080, 319_800, 0.2, -19, None),
    (5, "望岱W系", "望岱W5", "wagon", "hybrid", 5, 150, 980, 189_800, -0.1, -21, None),
)
# Earlier generations occur only as used cars and in the fleet; price when new.
_EARLIER = (
    (0, "澄舟A系", "澄舟A3 上一代", "sedan", "combustion", 5, 88, 680, 92_800, 0.4, -130, None),
    (0, "澄舟X系", "澄舟X5 上一代", "suv", "combustion", 5, 110, 640, 121_800, 0.6, -125, None),
    (1, "青衡E系", "青衡E1 上一代", "hatchback", "battery_electric", 4, 45, 260, 79_800, 0.0, -115, None),
    (1, "青衡E系", "青衡E3 上一代", "sedan", "battery_electric", 5, 120, 400, 139_800, 0.2, -112, None),
    (2, "辰野C系", "辰野C3", "sedan", "combustion", 5, 98, 700, 105_800, 0.4, -140, None),
    (2, "辰野T系", "辰野T6 上一代", "suv", "combustion", 5, 125, 620, 145_800, 0.4, -128, None),
    (3, "沐原H系", "沐原H2 上一代", "hatchback", "combustion", 5, 76, 610, 78_800, 0.1, -135, None),
    (3, "沐原M系", "沐原M6 上一代", "mpv", "combustion", 7, 130, 690, 189_800, 0.2, -122, None),
    (4, "砺行R系", "砺行R3 上一代", "sedan", "battery_electric", 5, 170, 480, 239_800, 0.1, -110, None),
    (5, "望岱D系", "望岱D5 上一代", "sedan", "combustion", 5, 135, 720, 164_800, 0.4, -138, None),
    (5, "望岱K系", "望岱K6 上一代", "suv", "combustion", 5, 155, 600, 225_800, 0.3, -132, None),
)


@dataclass(frozen=True)
class Catalogue:
    """Models and items (a model in a trim); current models come first, earlier generations after them.

    One is `world.catalogue`, with `world` = `training.simulator.world.build_world(training.simulator.Size(months=3))`.

    Built by `build_catalogue`; `world.catalogue` of a simulated group.

    Attributes
    ----------
    names, series : tuple of str, length n_models
        Names of models and of their series.
    brand, body, energy : ndarray of int64, shape (n_models,)
        Positions in BRANDS, `features.tables.BODY_TYPES` and `features.tables.ENERGY_TYPES`.
    seats : ndarray of int64, shape (n_models,)
        Number of seats.
    power, reach, price, appeal : ndarray of float64, shape (n_models,)
        Power in kW, range in km, price of the middle trim when new in yuan, mean utility.
    launch_month, end_month : ndarray of int64, shape (n_models,)
        First month of sale, and first month after the last; month 0 is the first of the window.
    launched_at : ndarray of int64, shape (n_models,)
        Launch, microseconds since 1970 UTC.
    current : int
        Number of models sold new, the first ones.
    item_model, item_trim : ndarray of int64, shape (n_items,)
        Position of the model, and position of the trim in TRIMS.
    item_price : ndarray of float64, shape (n_items,)
        List price in yuan.
    """

    names: tuple[str, ...]
    series: tuple[str, ...]
    brand: IntArray
    body: IntArray
    energy: IntArray
    seats: IntArray
    power: FloatArray
    reach: FloatArray
    price: FloatArray
    appeal: FloatArray
    launch_month: IntArray
    end_month: IntArray
    launched_at: IntArray
    current: int
    item_model: IntArray
    item_trim: IntArray
    item_price: FloatArray

    def on_sale(self, months: int) -> BoolArray:
        """Return whether each current model is sold new in month 0 to `months - 1` of the simulation.

        Parameters
        ----------
        months : int
            Number of months, at least 1, such as `Window.of(size).months`.

        Returns
        -------
        ndarray of bool, shape (current, months)

        Examples
        --------
        >>> from training.simulator import Size
        >>> from training.simulator.catalogue import build_catalogue
        >>> from training.simulator.seasons import Window
        >>> catalogue = build_catalogue(Window.of(Size()))
        >>> catalogue.on_sale(36)[3].nonzero()[0][0].item()  # the first month of model 3
        11
        """
        month = np.arange(months)
        launch, end = self.launch_month[: self.current, None], self.end_month[: self.current, None]
        return np.asarray((launch <= month) & (month < end), dtype=np.bool_)

    def carried(self, assortment: IntArray) -> BoolArray:
        """Return whether stores sell each current model: those of three brands, from the store's first brand.

        Parameters
        ----------
        assortment : ndarray of int64, shape (n,)
            First brand of each store, a position in BRANDS: `Stores.assortment`.

        Returns
        -------
        ndarray of bool, shape (n, current)

        Examples
        --------
        >>> import numpy as np
        >>> from training.simulator import Size
        >>> from training.simulator.catalogue import build_catalogue
        >>> from training.simulator.seasons import Window
        >>> catalogue = build_catalogue(Window.of(Size()))
        >>> sold = catalogue.carried(np.array([0]))[0]
        >>> sorted(set(catalogue.brand[: catalogue.current][sold].tolist()))
        [0, 1, 2]
        """
        offset = (self.brand[None, : self.current] - assortment[:, None]) % len(BRANDS)
        return np.asarray(offset < BRANDS_PER_STORE, dtype=np.bool_)

    def item(self, model: IntArray, trim: IntArray) -> IntArray:
        """Return the positions of items (int64) by model and trim; earlier generations have a single item.

        Parameters
        ----------
        model, trim : ndarray of int64
            Positions of models, and of trims in TRIMS.

        Returns
        -------
        ndarray of int64
            Positions in `item_model`.

        Examples
        --------
        >>> import numpy as np
        >>> from training.simulator import Size
        >>> from training.simulator.catalogue import build_catalogue
        >>> from training.simulator.seasons import Window
        >>> build_catalogue(Window.of(Size())).item(np.array([2]), np.array([1])).tolist()
        [7]
        """
        return np.where(model < self.current, model * len(TRIMS) + trim, self.current * (len(TRIMS) - 1) + model)


def build_catalogue(window: Window) -> Catalogue:
    """Return the catalogue, with the launch and end months of the models placed in a window.

    Parameters
    ----------
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    Catalogue
        By model: `names`, `series`, `brand`, `body`, `energy` (codes), `seats`, `power` (kW), `reach` (km), `price`
        (yuan), `appeal`, `launch_month`, `end_month` (month 0 is the first of the window, earlier ones are negative;
        `NO_END`, 10000, for a model still on sale), `launched_at` (int64, microseconds since 1970 UTC); `current`; by
        item: `item_model`, `item_trim`, `item_price` (yuan).

    Examples
    --------
    >>> from training.simulator.catalogue import build_catalogue
    >>> from training.simulator.seasons import Window
    >>> from training.simulator.size import Size
    >>> catalogue = build_catalogue(Window.of(Size()))
    >>> catalogue.names[2], int(catalogue.launch_month[3])
    ('澄舟X5', 11)
    """
    rows = _CURRENT + _EARLIER
    launch = np.array([_launch_month(row[10], window.months) for row in rows])
    end = np.array([NO_END if row[11] is None else max(1, round(row[11] * window.months)) for row in rows])
    before = window.start + launch * int(MONTH)
    inside = window.month_starts[np.clip(launch, 0, window.months)]
    current, trims = len(_CURRENT), len(TRIMS)
    model = np.r_[np.repeat(np.arange(current), trims), np.arange(current, len(rows))]
    trim = np.r_[np.tile(np.arange(trims), current), np.zeros(len(_EARLIER), dtype=np.int64)]
    price = np.array([row[8] for row in rows], dtype=np.float64)
    item_price = np.where(model < current, np.round(price[model] * TRIM_PRICES[trim], -2), price[model])
    return Catalogue(
        names=tuple(row[2] for row in rows),
        series=tuple(row[1] for row in rows),
        brand=np.array([row[0] for row in rows]),
        body=np.array([BODY_TYPES.index(row[3]) for row in rows]),
        energy=np.array([ENERGY_TYPES.index(row[4]) for row in rows]),
        seats=np.array([row[5] for row in rows]),
        power=np.array([row[6] for row in rows], dtype=np.float64),
        reach=np.array([row[7] for row in rows], dtype=np.float64),
        price=price,
        appeal=np.array([row[9] for row in rows], dtype=np.float64),
        launch_month=launch,
        end_month=end,
        launched_at=np.where(launch < 0, before, inside),
        current=current,
        item_model=model,
        item_trim=trim,
        item_price=item_price,
    )


def _launch_month(launch: float, months: int) -> int:
    return int(launch) if launch < 0 else max(1, round(launch * months))


def item_ids(items: IntArray) -> pl.Series:
    """Return the identifiers of items as a String column; null for negative positions.

    Parameters
    ----------
    items : ndarray of int64
        Positions in `world.catalogue.item_model`; negative for null.

    Returns
    -------
    polars.Series of String

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator.catalogue import item_ids
    >>> item_ids(np.array([0, -1])).to_list()
    ['C0000', None]
    """
    return numbered("C", items, width=4)


def describe(catalogue: Catalogue, items: IntArray) -> dict[str, pl.Series]:
    """Return the columns of the table `vehicles` that depend on the item.

    Parameters
    ----------
    catalogue : Catalogue
        As returned by `training.simulator.catalogue.build_catalogue`.
    items : ndarray of int64, shape (n_rows,)
        Item of each row.

    Returns
    -------
    dict of str to polars.Series of length n_rows
        `brand`, `series`, `model`, `trim` (null for earlier generations), `body_type`, `energy_type`, `seats`,
        `power_kw`, `range_km` and `launched_at` (int64 microseconds since 1970 UTC).

    Examples
    --------
    >>> import numpy as np
    >>> from training.simulator import Size
    >>> from training.simulator.catalogue import build_catalogue, describe
    >>> from training.simulator.seasons import Window
    >>> describe(build_catalogue(Window.of(Size())), np.array([7]))["model"].to_list()
    ['澄舟X5']
    """
    model = catalogue.item_model[items]
    trim = np.where(model < catalogue.current, catalogue.item_trim[items], -1)
    return {
        "brand": labels(BRANDS, catalogue.brand[model]),
        "series": labels(catalogue.series, model),
        "model": labels(catalogue.names, model),
        "trim": labels(TRIMS, trim),
        "body_type": labels(BODY_TYPES, catalogue.body[model]),
        "energy_type": labels(ENERGY_TYPES, catalogue.energy[model]),
        "seats": pl.Series(catalogue.seats[model]),
        "power_kw": pl.Series(catalogue.power[model]),
        "range_km": pl.Series(catalogue.reach[model]),
        "launched_at": pl.Series(catalogue.launched_at[model]),
    }


def catalogue_frame(catalogue: Catalogue, window: Window) -> pl.DataFrame:
    """Return the rows of kind `catalogue` of the table `vehicles` (columns: `features.tables.VEHICLES`), one per item.

    Parameters
    ----------
    catalogue : Catalogue
        As returned by `build_catalogue(window)`.
    window : Window
        Months of the data: `training.simulator.seasons.Window.of(training.simulator.Size(months=3))`.

    Returns
    -------
    polars.DataFrame
        Prices and costs in fen, instants as int64 microseconds since 1970 UTC.

    Examples
    --------
    >>> from training.simulator import Size
    >>> from training.simulator.catalogue import catalogue_frame
    >>> from training.simulator.world import build_world
    >>> world = build_world(Size(stores=1, customers=100, months=3))
    >>> catalogue_frame(world.catalogue, world.window)["vehicle_id"][0]
    'C0000'
    """
    items = np.arange(len(catalogue.item_model))
    model = catalogue.item_model
    launch_year = catalogue.launched_at[model].astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
    return pl.DataFrame(
        {
            "vehicle_id": item_ids(items),
            "kind": pl.repeat("catalogue", len(items), eager=True),
            "catalogue_id": item_ids(items),
            "condition": labels(("new", "used"), (model >= catalogue.current).astype(np.int64)),
            **describe(catalogue, items),
            "model_year": pl.Series(launch_year),
            "price": pl.Series(fen(catalogue.item_price)),
            "cost": pl.Series(fen(catalogue.item_price * DEALER_COST)),
            "listed_at": instants(catalogue.launched_at[model], before=window.end),
        }
    )

"""What is on offer: the stock as it was read, less the vehicles that were pushed as sold, reserved or deleted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from ml.recommendation.catalogue import is_on_offer
from ml.recommendation.stock import Stock


@dataclass(frozen=True, eq=False)  # compared by identity
class Offer:
    """Stock as it was read, and the physical vehicles behind the entries of its catalogue.

    Attributes
    ----------
    stock : Stock
        Vehicles on offer when the table was read, with all entries of the catalogue.
    units : mapping of str to frozenset of str
        Vehicles on offer by entry of the catalogue, as returned by `units_by_entry`.
    """

    stock: Stock
    units: Mapping[str, frozenset[str]]

    def present(self, off_offer: Collection[str], *, made_to_order: bool) -> Stock:
        """Return the stock without the vehicles that are off offer, and without the entries that have no other.

        Parameters
        ----------
        off_offer : collection of str
            Ids of vehicles that were sold, reserved or deleted since the stock was read.
        made_to_order : bool
            Whether an entry of the catalogue is on offer without any vehicle.
        """
        gone = frozenset(off_offer)
        entries = [] if made_to_order else [entry for entry, units in self.units.items() if units <= gone]
        return self.stock.without([*gone, *entries])


def units_by_entry(vehicles: pl.DataFrame, *, at: int) -> dict[str, frozenset[str]]:
    """Return the vehicles on offer of each entry of the catalogue; empty if the table has no vehicles of entries.

    Where it has some, an entry without a vehicle has an empty set.

    Parameters
    ----------
    vehicles : DataFrame
        Table `vehicles`, with all rows.
    at : int
        Instant (microseconds since 1970 UTC).

    Examples
    --------
    >>> cars = {"vehicle_id": ["C1", "C2", "u1", "u2"], "kind": ["catalogue", "catalogue", "unit", "unit"]}
    >>> cars |= {"catalogue_id": [None, None, "C1", "C2"], "sold_at": [None, None, None, 5]}
    >>> units_by_entry(pl.DataFrame(cars), at=9)
    {'C1': frozenset({'u1'}), 'C2': frozenset()}
    """
    if not {"kind", "catalogue_id"} <= set(vehicles.columns):
        return {}
    is_unit = (pl.col("kind") == "unit") & pl.col("catalogue_id").is_not_null()
    units = vehicles.filter(is_unit)
    if units.is_empty():
        return {}
    on_offer = units.filter(is_on_offer(units.columns, at)).group_by("catalogue_id").agg("vehicle_id")
    present = {entry: frozenset(ids) for entry, ids in on_offer.iter_rows()}
    entries = vehicles.filter(pl.col("kind") == "catalogue")["vehicle_id"].to_list()
    return {entry: present.get(entry, frozenset()) for entry in entries}

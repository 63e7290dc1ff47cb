"""Vehicle classes of the lending rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator

from features.errors import DataError
from features.tables import CONDITIONS, ENERGY_TYPES, USES
from ml.loans.catalogue.fields import Share

VehicleClass = Literal[
    "private_combustion", "commercial_combustion", "private_new_energy", "commercial_new_energy", "used"
]
VEHICLE_CLASSES: tuple[VehicleClass, ...] = get_args(VehicleClass)
_NEW_ENERGY = ("plug_in_hybrid", "range_extended", "battery_electric")

ByClass = dict[VehicleClass, Share]


def _complete(values: ByClass) -> ByClass:
    if missing := [name for name in VEHICLE_CLASSES if name not in values]:
        raise ValueError(f"every vehicle class needs a value; add: {', '.join(missing)}")
    return values


EveryClass = Annotated[ByClass, AfterValidator(_complete)]


def vehicle_class(condition: str, use: str, energy_type: str) -> VehicleClass:
    """Return the vehicle class used by the lending rules; hybrids without a plug count as combustion.

    Parameters
    ----------
    condition : {"new", "used"}
        Condition of the vehicle.
    use : {"private", "commercial"}
        Use by the borrower.
    energy_type : str
        One of `features.tables.ENERGY_TYPES`, such as "battery_electric".

    Returns
    -------
    str
        One of `ml.loans.catalogue.vehicle_classes.VEHICLE_CLASSES`, such as "private_new_energy".

    Raises
    ------
    DataError
        A value is not one of `CONDITIONS`, `USES` or `ENERGY_TYPES` of `features.tables`.

    Examples
    --------
    >>> vehicle_class("new", "private", "range_extended"), vehicle_class("used", "commercial", "combustion")
    ('private_new_energy', 'used')
    """
    allowed: Mapping[str, tuple[str, tuple[str, ...]]] = {
        "condition": (condition, CONDITIONS),
        "use": (use, USES),
        "energy_type": (energy_type, ENERGY_TYPES),
    }
    for name, (value, choices) in allowed.items():
        if value not in choices:
            raise DataError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    if condition == "used":
        return "used"
    if use == "private":
        return "private_new_energy" if energy_type in _NEW_ENERGY else "private_combustion"
    return "commercial_new_energy" if energy_type in _NEW_ENERGY else "commercial_combustion"

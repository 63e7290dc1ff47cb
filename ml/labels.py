"""Readable names of columns, category values, components and units, in Chinese and English.

Reasons, reports, disclosures and alarms take every name from here, so that no sentence has a code of the tables such as
`battery_electric`. A dealership names its own columns and values under `labels` in the configuration of a task.
"""

from __future__ import annotations

import re

from pydantic import Field

from features.lead_scoring import HISTORIES
from features.yaml_config import Section
from ml.bilingual import Text
from ml.label_names import COLUMNS, FEATURES, SAME_VALUES, UNITS, VALUES

_AGGREGATIONS = {name: (a.zh, a.en) for history in HISTORIES for name, a in history.aggregations.items()}
_NAMES = {**COLUMNS, **FEATURES, **_AGGREGATIONS}
_CODE = re.compile(r"[a-z][a-z0-9]*([_.-][a-z0-9]+)*")  # such as battery_electric; a proper noun has capitals
_MISSING, _FLAGS = Text(zh="未填写", en="missing"), {True: Text(zh="是", en="yes"), False: Text(zh="否", en="no")}


class Labels(Section):
    """Names that a dealership gives to columns and values: the key `labels` of a task's configuration.

    They override the built-in names. Without either, a code of the tables stands in quotes.

    Attributes
    ----------
    columns : mapping of str to Text
        By column or derived feature, such as ``late: {zh: 逾期次数, en: late payments}``.
    values : mapping of str to mapping of str to Text
        By column and value, such as ``component: {clutch: {zh: 离合器, en: clutch}}``.

    Examples
    --------
    >>> labels = Labels.model_validate({"columns": {"late": {"zh": "逾期次数", "en": "late payments"}}})
    >>> labels.column("late").zh, labels.column("mileage_km").en, labels.column("paint").zh
    ('逾期次数', 'mileage', '“paint”')
    >>> labels.value("energy_type", "battery_electric").zh, labels.component("brakes").zh
    ('纯电动', '制动系统')
    """

    columns: dict[str, Text] = Field(default_factory=dict)
    values: dict[str, dict[str, Text]] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.model_dump_json())  # of the mappings, so that signatures can be keys of a cache

    def column(self, name: str, *, table: str | None = None, own: bool = False) -> Text:
        """Return the name of a column or of a feature that a task computes from columns.

        Parameters
        ----------
        name : str
            Such as `mileage_km`, `views_7d`, or `rate of channel` (a rate of sales by the column `channel`).
        table : str, optional
            Raw table of the column, where the same column means different things, such as `cost`.
        own : bool
            Whether the column is an extra feature of the dealership: a built-in name means something else then.

        Examples
        --------
        >>> Labels().column("cost", table="vehicles").en, Labels().column("rate of channel").en
        ('purchase cost', 'earlier conversion by channel')
        """
        if name in self.columns:
            return self.columns[name]
        names = None if own else _NAMES.get(f"{table}.{name}", _NAMES.get(name))
        if names is not None:
            return Text(zh=names[0], en=names[1])
        if name.startswith("rate of "):
            parts = [self.column(part) for part in name.removeprefix("rate of ").split(" and ")]
            return Text(
                zh=f"按{'、'.join(p.zh for p in parts)}的历史成交率",
                en=f"earlier conversion by {' and '.join(p.en for p in parts)}",
            )
        return _quoted(name) if name.isascii() else Text(zh=name, en=name)

    def value(self, column: str, value: object, *, own: bool = False) -> Text:
        """Return the name of a value of a column.

        Parameters
        ----------
        column : str
            Such as `energy_type`.
        value : object
            Such as ``"battery_electric"``; None and truth values have names too.
        own : bool
            Whether the column is an extra feature of the dealership.

        Returns
        -------
        Text
            A value without a name is returned as it stands, such as a brand or a model, and in quotes if it is a code.

        Examples
        --------
        >>> labels = Labels()
        >>> labels.value("body_type", "suv").zh, labels.value("model", "澄舟X5").zh, labels.value("model", None).zh
        ('SUV', '澄舟X5', '未填写')
        >>> labels.value("component", "flux_capacitor").zh
        '“flux_capacitor”'
        """
        if value is None or value == "":
            return _MISSING
        if isinstance(value, bool):
            return _FLAGS[value]
        text = str(value)
        if text in self.values.get(column, {}):
            return self.values[column][text]
        names = None if own else VALUES.get(SAME_VALUES.get(column, column), {}).get(text)
        if names is not None:
            return Text(zh=names[0], en=names[1])
        return _quoted(text) if _CODE.fullmatch(text) else Text(zh=text, en=text)

    def component(self, name: str) -> Text:
        """Return the name of a component of a vehicle.

        >>> Labels().component("traction_battery").zh
        '动力电池'
        """
        return self.value("component", name)


def unit_label(unit: str | None) -> Text | None:
    """Return the name of a unit of the table contracts, as shown to people; None without a unit.

    Parameters
    ----------
    unit : str or None
        Such as `fen`, which people read as yuan: the caller divides by 100.

    Examples
    --------
    >>> unit_label("fen").zh, unit_label("km").en, unit_label(None)
    ('元', 'km', None)
    """
    if unit is None:
        return None
    zh, en = UNITS.get(unit, (unit, unit))
    return Text(zh=zh, en=en)


def _quoted(name: str) -> Text:
    return Text(zh=f"“{name}”", en=f"“{name}”")

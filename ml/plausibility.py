"""Warnings about values of a request that lie far outside the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel
from pydantic import Field as Constraint

from ml.bilingual import Text
from ml.labels import unit_label
from ml.signature import FEN, Field, Signature

_YUAN = ("amounts are in yuan", "金额单位是元")
# By unit of the raw table: factor, and the remedy in English and Chinese if the product is a usual value.
_UNIT_ERRORS: dict[str, tuple[tuple[float, str, str], ...]] = {
    "fen": (
        (10_000, f"{_YUAN[0]}, not in 万元 (10,000 yuan)", f"{_YUAN[1]}，不是万元"),
        (1_000, f"{_YUAN[0]}, not in thousands of yuan", f"{_YUAN[1]}，不是千元"),
        (0.01, f"{_YUAN[0]}, not in fen", f"{_YUAN[1]}，不是分"),
    ),
    "km": (
        (10_000, "distances are in km, not in 万公里 (10,000 km)", "里程单位是公里，不是万公里"),
        (0.001, "distances are in km, not in metres", "里程单位是公里，不是米"),
    ),
    "months": (
        (12, "the unit is months, not years", "单位是月，不是年"),
        (1 / 30.4375, "the unit is months, not days", "单位是月，不是天"),
    ),
    "kW": ((0.001, "power is in kW, not in watts", "功率单位是千瓦，不是瓦"),),
}
# For numbers without unit, by their largest usual value: fractions, per cent, and others.
_FRACTIONS = (
    (0.01, "the training data has fractions such as 0.3, not per cent", "训练数据用小数（如 0.3），不用百分数"),
)
_PER_CENT = (
    (100.0, "the training data has per cent such as 30, not fractions", "训练数据用百分数（如 30），不用小数"),
)
_OTHERS = ((10_000.0, "is the value in 万 (10,000)?", "数值是否以万为单位？"),)
MAX_FRACTION, MAX_PER_CENT = 1.5, 150.0


class FieldWarning(BaseModel):
    """A value of a request that lies far outside the training data; the answer is computed with it all the same."""

    field: str
    zh: str = Constraint(description="what is implausible, and the likely error of unit, in Chinese")
    en: str = Constraint(description="what is implausible, and the likely error of unit, in English")
    corrected: float | None = Constraint(
        None,
        description="value without the likely error of unit, in the unit of the request; null without such an error",
    )


FieldWarnings = Annotated[
    list[FieldWarning], Constraint(description="numbers that lie far outside the training data, such as wrong units")
]


def field_warnings(columns: Mapping[str, Sequence[Any]], row: int, signature: Signature) -> list[FieldWarning]:
    """Return a warning for each number of one request that lies far outside the training data.

    Parameters
    ----------
    columns : mapping of str to sequence
        Features in the units of the raw table (amounts in fen), as returned by `ml.requests.columns_of`.
    row : int
        Position of the request.
    signature : Signature
        Fields of the model, `estimator.signature`.

    Returns
    -------
    list of FieldWarning
        In the order of the signature. The text has the unit, the usual values, and the error of unit that would explain
        the value, if one does; amounts are in yuan.

    Examples
    --------
    >>> from ml.signature import Field
    >>> from ml.usual_values import UsualRange
    >>> usual = UsualRange(low=180_000, high=9_600_000)
    >>> signature = Signature(fields=(Field(name="budget", kind="integer", unit="fen", feature=True, usual=usual),))
    >>> field_warnings({"budget": [120_000]}, 0, signature)
    []
    >>> warning, = field_warnings({"budget": [90]}, 0, signature)
    >>> warning.en
    'budget 0.9 is far below the training data (1,800 to 96,000 yuan): amounts are in yuan, not in 万元 (10,000 yuan)'
    >>> warning.corrected
    9000.0
    >>> warning.zh
    '购车预算 0.9 远低于训练数据（1,800 至 96,000 元）：金额单位是元，不是万元'
    """
    return [
        warning
        for name, low, high, has_zero, field in signature.plausible_limits
        if (value := columns[name][row]) is not None and not low <= value <= high and (value or not has_zero)
        if (warning := _warning(field, signature.column_label(name), float(value))) is not None
    ]


def _warning(field: Field, name: Text, value: float) -> FieldWarning | None:
    assert field.usual is not None, "limits come from usual values"
    lowest, highest = field.usual.limits
    is_far = not lowest <= value <= highest
    scale = FEN if field.unit == "fen" else 1
    value, low, high = value / scale, field.usual.low / scale, field.usual.high / scale
    unit = unit_label(field.unit)
    zero_en, zero_zh = ("0, or ", "0 或 ") if field.usual.has_zero else ("", "")
    usual_en = f"{zero_en}{_number(low)} to {_number(high)}{f' {unit.en}' if unit else ''}"
    usual_zh = f"{zero_zh}{_number(low)} 至 {_number(high)}{f' {unit.zh}' if unit else ''}"
    side_en, side_zh = ("below", "低于") if value < low else ("above", "高于")
    factor, hint_en, hint_zh = _unit_error(field.unit, value, low, high)
    if not (is_far or hint_en):
        return None
    return FieldWarning.model_construct(
        field=field.name,
        en=f"{name.en} {_number(value)} is far {side_en} the training data ({usual_en}){hint_en}",
        zh=f"{name.zh} {_number(value)} 远{side_zh}训练数据（{usual_zh}）{hint_zh}",
        corrected=None if factor is None else round(value * factor, 2),
    )


def _unit_error(unit: str | None, value: float, low: float, high: float) -> tuple[float | None, str, str]:
    """Return factor and texts of the first error of unit without which the value is usual; None and empty texts."""
    unitless = _FRACTIONS if high <= MAX_FRACTION else _PER_CENT if high <= MAX_PER_CENT else _OTHERS
    errors = _UNIT_ERRORS.get(unit, ()) if unit else unitless
    texts = ((factor, f": {en}", f"：{zh}") for factor, en, zh in errors if low <= value * factor <= high)
    return next(texts, (None, "", ""))


def _number(value: float) -> str:
    return f"{round(value):,}" if abs(value) >= 10_000 else f"{float(f'{value:.4g}'):,g}"

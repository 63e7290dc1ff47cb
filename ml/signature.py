"""Signatures of models: the fields of a request, inferred from training rows and stored with the model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Constraint

from features.contracts import Column, Table
from features.errors import DataError
from ml.bilingual import Text
from ml.labels import Labels
from ml.usual_values import UsualRange

Kind = Literal["number", "integer", "flag", "category", "text", "instant"]
_KINDS: dict[type[pl.DataType], Kind] = {
    pl.Int64: "integer",
    pl.Float64: "number",
    pl.Boolean: "flag",
    pl.String: "text",
}
FEN = 100
STORE = "store_id"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Errors in these units, such as years for months or per cent for fractions, are factors of 12 or 100, so that the wrong
# value may be close to the usual ones.
NEAR_UNITS: tuple[str | None, ...] = ("months", None)
NO_NULLS: Mapping[str, Sequence[bool | int | float | str]] = MappingProxyType({})


Name = Annotated[str, Constraint(min_length=1, max_length=200)]


class RequestPart(BaseModel):
    """Base class of request parts: frozen, strict types, unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Field(BaseModel):
    """One field of a request; a `Signature` has them in `fields`, and `contract_fields` returns those of a raw table.

    Attributes
    ----------
    name : str
        Key of the request and column of the raw table.
    kind : {'number', 'integer', 'flag', 'category', 'text', 'instant'}
        A category is one of `values`; an instant is ISO 8601 with an offset.
    unit : str or None
        Unit of the raw table. Requests have yuan with two decimals instead of `fen`.
    low, high : float or None
        Range, in the unit of the raw table.
    values : tuple of str or None
        Values of a category.
    required : bool
        True for a feature without missing values in the training rows.
    feature : bool
        Whether the model reads the field; requests may have the other fields, which are ignored.
    computed : bool
        Whether the field is computed from other rows, so that requests do not have it.
    personal : bool
        Whether the values are personal data.
    own : bool
        Whether the field is an extra feature of the dealership. It may have the name of a contract column with another
        meaning: nothing is derived from it, and it has no range.
    description : str or None
        Text for the schema of the request.
    nulls : tuple of scalar
        Values that mean "missing", in the unit of the raw table: `nulls` of the column in the sources of training.
    usual : UsualRange or None
        Usual values of a number in the training rows.
    stores : tuple of str
        All stores of the training table, in the field that has the store; requests with another store are refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None
    required: bool = False
    feature: bool = False
    computed: bool = False
    personal: bool = False
    own: bool = False
    description: str | None = None
    nulls: tuple[bool | int | float | str, ...] = ()
    usual: UsualRange | None = None
    stores: tuple[str, ...] = ()


class Signature(BaseModel):
    """The fields of a request to one model version, as returned by `infer_signature` or as `model.estimator.signature`.

    Attributes
    ----------
    fields : tuple of Field
        Fields of the raw table's contract, then extra and computed features.
    labels : Labels
        Names of columns and values in the configuration of the training; `column_label` reads them.

    Examples
    --------
    >>> term = Field(name="term_months", kind="integer", unit="months", feature=True)
    >>> signature = Signature(fields=(term, Field(name="housing", kind="text", feature=True)))
    >>> signature.numeric, signature.categorical
    (['term_months'], ['housing'])
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: tuple[Field, ...]
    labels: Labels = Labels()

    def column_label(self, name: str) -> Text:
        """Return the readable name of a column or of a feature that is computed from columns.

        Parameters
        ----------
        name : str
            Such as `mileage_km`.

        Examples
        --------
        >>> Signature(fields=(Field(name="paint", kind="text", own=True),)).column_label("paint").zh
        '“paint”'
        """
        return self.labels.column(name, own=name in self.own)

    @property
    def numeric(self) -> list[str]:
        """Return the names of the features that are numbers or flags."""
        return [f.name for f in self.fields if f.feature and f.kind in ("number", "integer", "flag")]

    @property
    def categorical(self) -> list[str]:
        """Return the names of the features that are categories or texts."""
        return [f.name for f in self.fields if f.feature and f.kind in ("category", "text")]

    @property
    def own(self) -> frozenset[str]:
        """Return the names of the fields that are extra features of the dealership."""
        return frozenset(f.name for f in self.fields if f.own)

    @cached_property
    def request_columns(self) -> tuple[list[str], list[str]]:
        """Return two lists: names of the features that requests have, and names of those among them in fen."""
        features = [f for f in self.fields if f.feature and not f.computed]
        return [f.name for f in features], [f.name for f in features if f.unit == "fen"]

    @cached_property
    def plausible_limits(self) -> tuple[tuple[str, float, float, bool, Field], ...]:
        """Return the plausible values of each numeric feature of a request, in the unit of the raw table.

        Each entry has the name, the smallest and the largest plausible value other than 0, whether 0 is plausible too,
        and the field. A value beyond the limits may still be plausible if the unit is one of `NEAR_UNITS`.

        >>> usual = UsualRange(low=180_000, high=9_600_000)
        >>> income = Field(name="income", kind="integer", unit="fen", feature=True, usual=usual)
        >>> [limits[:3] for limits in Signature(fields=(income,)).plausible_limits]
        [('income', 18000.0, 96000000.0)]
        """
        ranges = [(f, f.usual) for f in self.fields if f.usual is not None and f.feature and not f.computed]
        # Plain tuples: unpacking named ones takes twice as long, for each number of each request.
        return tuple(
            (f.name, *(usual.near_limits if f.unit in NEAR_UNITS else usual.limits), usual.has_zero, f)
            for f, usual in ranges
        )


def contract_fields(table: Table, *, outcomes: bool = False) -> list[Field]:
    """Return the fields that a request may have: all columns of a raw table's contract except the outcomes.

    Parameters
    ----------
    table : Table
        Contract of the raw table, as in ``features.tables.APPLICATIONS``.
    outcomes : bool
        Whether the outcomes are included, as for requests that report them.

    Returns
    -------
    list of Field
        In the order of the contract, with range, unit and values; `feature` and `required` are false.

    Examples
    --------
    >>> from features.tables import APPLICATIONS
    >>> term = next(f for f in contract_fields(APPLICATIONS) if f.name == "term_months")
    >>> term.kind, term.low, term.high
    ('integer', 1.0, 120.0)
    """
    left_out = frozenset() if outcomes else table.outcomes
    return [_contract_field(name, column) for name, column in table.columns.items() if name not in left_out]


def _contract_field(name: str, column: Column) -> Field:
    if column.unit == "us":
        return Field(name=name, kind="instant", personal=column.personal)
    kind = "category" if column.values else _KINDS[column.dtype]
    return Field(
        name=name, kind=kind, unit=column.unit, personal=column.personal, low=column.low, high=column.high,
        values=column.values or None,
    )  # fmt: skip


def feature_columns(
    table: Table, present: Collection[str], *, exclude: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Return the numeric and the categorical columns of a contract that a model may read, in the contract's order.

    Identifiers, instants, protected attributes and outcomes are left out.

    Parameters
    ----------
    table : Table
        Contract of the raw table, as in ``features.tables.APPLICATIONS``.
    present : collection of str
        Columns of the data.
    exclude : collection of str
        Further columns to leave out.

    Returns
    -------
    numeric, categorical : list of str
        Names of the columns; a column of `present` that the contract lacks is in neither.

    Examples
    --------
    >>> from features.tables import APPLICATIONS
    >>> feature_columns(APPLICATIONS, ["application_id", "gender", "loan_amount", "housing", "decision"])
    (['loan_amount'], ['housing'])
    """
    barred = table.references | table.protected | frozenset(exclude)
    usable = [f for f in contract_fields(table) if f.name in present and f.name not in barred and f.kind != "instant"]
    numeric = [f.name for f in usable if f.kind in ("number", "integer", "flag")]
    return numeric, [f.name for f in usable if f.name not in numeric]


def infer_signature(
    frame: pl.DataFrame,
    table: Table,
    *,
    numeric: Sequence[str],
    categorical: Sequence[str],
    extra: Collection[str],
    computed: Collection[str] = (),
    nulls: Mapping[str, Sequence[bool | int | float | str]] = NO_NULLS,
    stores: Sequence[str] = (),
    labels: Labels | None = None,
) -> Signature:
    """Return the signature of a model from its training rows.

    Parameters
    ----------
    frame : DataFrame
        Training rows. The signature has those fields of the contract that are columns of `frame`.
    table : Table
        Contract of the raw table, as in ``features.tables.APPLICATIONS``.
    numeric, categorical : sequence of str
        Columns that the model reads: the features.
    extra : collection of str
        Features that the contract does not name.
    computed : collection of str
        Features that are computed from other rows.
    nulls : mapping of str to sequence
        By column: values that mean "missing", in the unit of the raw table, as in `features.sources.TableReport.nulls`.
    stores : sequence of str
        All stores of the table, column `store_id`; requests with another store are refused. Empty: any store is valid.
    labels : Labels, optional
        Names of columns and values in the configuration.

    Returns
    -------
    Signature
        Fields of the contract, then extra and computed features. A feature without missing values in `frame` is
        required; numeric features have the usual range of their values.

    Raises
    ------
    DataError
        A feature is not a column of `frame`.

    Examples
    --------
    >>> import polars as pl
    >>> from features.tables import APPLICATIONS
    >>> rows = pl.DataFrame({"loan_amount": [100_000, 250_000], "housing": ["own", None], "visits": [1, 2]})
    >>> signature = infer_signature(
    ...     rows, APPLICATIONS, numeric=["loan_amount", "visits"], categorical=["housing"], extra=["visits"]
    ... )
    >>> [(f.name, f.kind, f.unit, f.required) for f in signature.fields]
    [('loan_amount', 'integer', 'fen', True), ('housing', 'category', None, False), ('visits', 'number', None, True)]
    """
    absent = [n for n in (*numeric, *categorical) if n not in frame.columns]
    if absent:
        raise DataError(
            f"feature '{absent[0]}' is not a column of {table.name}; map it in the sources, or remove it from "
            "extra_features"
        )
    features = set(numeric) | set(categorical)
    contract = [f for f in contract_fields(table) if f.name in frame.columns and f.name not in extra]
    added = [
        Field(name=n, kind="number" if n in numeric else "text", computed=n in computed, own=n in extra)
        for n in (*numeric, *categorical)
        if n in extra or n in computed
    ]
    return Signature(
        fields=tuple(
            f.model_copy(
                update={
                    "feature": f.name in features,
                    "required": not f.computed and _has_no_missing(frame, f.name, features),
                    "nulls": () if f.computed else tuple(nulls.get(f.name, ())),
                    "usual": _usual(frame, f) if f.name in features else None,
                    "stores": tuple(stores) if f.name == STORE else (),
                }
            )
            for f in (*contract, *added)
        ),
        labels=labels or Labels(),
    )


def _has_no_missing(frame: pl.DataFrame, name: str, features: Collection[str]) -> bool:
    return name in features and frame.height > 0 and frame[name].null_count() == 0


def _usual(frame: pl.DataFrame, field: Field) -> UsualRange | None:
    is_number = field.kind in ("number", "integer") and not field.computed
    return UsualRange.of(frame[field.name]) if is_number else None

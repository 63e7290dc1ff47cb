"""Signatures of models: the fields of a request, inferred from training rows and stored with the model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import AwareDatetime, BaseModel, ConfigDict, create_model
from pydantic import Field as Constraint

from features.contracts import Column, Table
from features.errors import DataError

Kind = Literal["number", "integer", "flag", "category", "text", "instant"]
_KINDS: dict[type[pl.DataType], Kind] = {
    pl.Int64: "integer",
    pl.Float64: "number",
    pl.Boolean: "flag",
    pl.String: "text",
}
FEN = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    description : str or None
        Text for the schema of the request.
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
    description: str | None = None


class Signature(BaseModel):
    """The fields of a request to one model version, as returned by `infer_signature` or as `model.estimator.signature`.

    Attributes
    ----------
    fields : tuple of Field
        Fields of the raw table's contract, then extra and computed features.

    Examples
    --------
    >>> term = Field(name="term_months", kind="integer", unit="months", feature=True)
    >>> signature = Signature(fields=(term, Field(name="housing", kind="text", feature=True)))
    >>> signature.numeric, signature.categorical
    (['term_months'], ['housing'])
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: tuple[Field, ...]

    @property
    def numeric(self) -> list[str]:
        """Return the names of the features that are numbers or flags."""
        return [f.name for f in self.fields if f.feature and f.kind in ("number", "integer", "flag")]

    @property
    def categorical(self) -> list[str]:
        """Return the names of the features that are categories or texts."""
        return [f.name for f in self.fields if f.feature and f.kind in ("category", "text")]

    @cached_property
    def request_columns(self) -> tuple[list[str], list[str]]:
        """Return two lists: names of the features that requests have, and names of those among them in fen."""
        features = [f for f in self.fields if f.feature and not f.computed]
        return [f.name for f in features], [f.name for f in features if f.unit == "fen"]


def contract_fields(table: Table) -> list[Field]:
    """Return the fields that a request may have: all columns of a raw table's contract except the outcomes.

    Parameters
    ----------
    table : Table
        Contract of the raw table, as in ``features.tables.APPLICATIONS``.

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
    return [_contract_field(name, column) for name, column in table.columns.items() if name not in table.outcomes]


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

    Returns
    -------
    Signature
        Fields of the contract, then extra and computed features. A feature without missing values in `frame` is
        required.

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
    contract = [f for f in contract_fields(table) if f.name in frame.columns]
    added = [
        Field(name=n, kind="number" if n in numeric else "text", computed=n in computed)
        for n in (*numeric, *categorical)
        if n in extra or n in computed
    ]
    return Signature(
        fields=tuple(
            f.model_copy(
                update={
                    "feature": f.name in features,
                    "required": not f.computed and _has_no_missing(frame, f.name, features),
                }
            )
            for f in (*contract, *added)
        )
    )


def _has_no_missing(frame: pl.DataFrame, name: str, features: Collection[str]) -> bool:
    return name in features and frame.height > 0 and frame[name].null_count() == 0


def request_model(name: str, signature: Signature) -> type[BaseModel]:
    """Return the pydantic model of a request, with the types, ranges and required fields of a signature.

    Unknown fields are errors. Amounts of money are in yuan.

    Parameters
    ----------
    name : str
        Name of the class.
    signature : Signature
        As returned by `ml.signature.infer_signature`, or the attribute `signature` of a fitted estimator.

    Returns
    -------
    type
        Frozen pydantic model; invalid content raises `pydantic.ValidationError`.

    Examples
    --------
    >>> signature = Signature(fields=(Field(name="loan_amount", kind="integer", unit="fen", low=1, required=True),))
    >>> request_model("Ask", signature)(loan_amount=1200.5).loan_amount
    1200.5
    """
    fields: dict[str, Any] = {f.name: _annotation(f) for f in signature.fields if not f.computed}
    return create_model(name, __config__=ConfigDict(extra="forbid", strict=True, frozen=True), **fields)


def _annotation(field: Field) -> tuple[Any, Any]:
    kinds: dict[str, Any] = {
        "number": float,
        "integer": int,
        "flag": bool,
        "category": Literal[field.values] if field.values else str,
        "text": str,
        "instant": AwareDatetime,
    }
    scale = FEN if field.unit == "fen" else 1
    annotation = float if field.unit == "fen" else kinds[field.kind]
    limits: dict[str, Any] = {"description": _description(field)}
    if field.kind in ("number", "integer"):
        limits |= {"ge": None if field.low is None else field.low / scale}
        limits |= {"le": None if field.high is None else field.high / scale}
        if annotation is float:
            limits["allow_inf_nan"] = False
    elif field.kind == "text":
        limits["max_length"] = 200
    elif field.kind == "instant":
        limits["strict"] = False
    constrained: Any = Annotated[annotation, Constraint(**limits)]  # type: ignore[valid-type]
    return (constrained, ...) if field.required else (constrained | None, None)


def _description(field: Field) -> str:
    unit = {"fen": "yuan", "us": "instant"}.get(field.unit or "", field.unit)
    parts = [
        field.description,
        unit if unit is None or unit.startswith("per ") else f"in {unit}",
        None if field.feature else "accepted, not used by the model",
    ]
    return "; ".join(p for p in parts if p)


def columns_of(requests: Sequence[BaseModel], signature: Signature) -> dict[str, list[Any]]:
    """Return the features of requests as columns, in the units of the raw table (yuan become fen).

    Parameters
    ----------
    requests : sequence
        Instances of ``request_model(name, signature)``.
    signature : Signature
        The signature that was passed to `request_model`.

    Returns
    -------
    dict of str to list
        One list for each feature that requests have, one value for each request; null where a request has none.

    Examples
    --------
    >>> signature = Signature(fields=(Field(name="loan_amount", kind="integer", unit="fen", feature=True),))
    >>> ask = request_model("Ask", signature)
    >>> columns_of([ask(loan_amount=1200.5), ask()], signature)
    {'loan_amount': [120050, None]}
    """
    names, in_fen = signature.request_columns
    rows = [[values[n] for n in names] for values in (r.__dict__ for r in requests)]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {n: [] for n in names}
    for name in in_fen:
        columns[name] = [None if v is None else round(v * FEN) for v in columns[name]]
    return columns


def row_as_request(row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    """Return a row of the raw table as the JSON content of a request: fen become yuan, null fields are left out.

    Parameters
    ----------
    row : mapping of str to value
        Values by column, in the units of the raw table.
    signature : Signature
        As returned by `ml.signature.infer_signature`, or the attribute `signature` of a fitted estimator.

    Returns
    -------
    dict
        Values by name of the field: money in yuan, instants as ISO 8601 in UTC, the rest unchanged. Columns that are no
        fields are left out.

    Examples
    --------
    >>> signature = Signature(fields=(Field(name="loan_amount", kind="integer", unit="fen"),))
    >>> row_as_request({"loan_amount": 120050}, signature)
    {'loan_amount': 1200.5}
    """
    body: dict[str, Any] = {}
    for field in signature.fields:
        value = row.get(field.name)
        if value is None or field.computed:
            continue
        if field.unit == "fen":
            value = value / FEN
        elif field.kind == "instant":
            value = (EPOCH + timedelta(microseconds=value)).isoformat()
        body[field.name] = value
    return body

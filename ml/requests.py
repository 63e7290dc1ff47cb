"""Requests to one model version: pydantic models, values as columns, and the fields that a request leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, create_model
from pydantic import Field as Constraint
from pydantic_core import PydanticCustomError

from ml.signature import EPOCH, FEN, Field, Signature
from ml.store_names import unknown_store

MissingFields = Annotated[
    list[str],
    Constraint(
        description="features of the model that the request leaves out, or whose value means that they are missing"
    ),
]
_MISSING_MARKER = (
    "this value means that the field is missing (`nulls` in the sources of training), but no training row lacks the "
    "field: send its true value"
)
_BLANK = "a blank text means that the field is missing, but no training row lacks the field: send its true value"


def request_model(name: str, signature: Signature) -> type[BaseModel]:
    """Return the pydantic model of a request, with the types, ranges and required fields of a signature.

    Unknown fields are errors. Amounts of money are in yuan. A value that means "missing" in the sources of training
    (`Field.nulls`) and a blank text become None, and are errors in a required field; texts lose surrounding blanks, as
    in training.

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
    >>> late = Field(name="late", kind="number", nulls=(96.0, 98.0), feature=True)
    >>> request_model("Ask", Signature(fields=(late,)))(late=98).late is None
    True
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
    optional = constrained if field.required else constrained | None
    normalise = _normalisation(field, scale)
    annotated = Annotated[optional, BeforeValidator(normalise)] if normalise else optional
    return (annotated, ...) if field.required else (annotated, None)


def _normalisation(field: Field, scale: int) -> Callable[[Any], Any] | None:
    """Return the function that makes None of a value that means "missing"; None if a field has no such value."""
    if field.kind in ("text", "category") and (field.feature or field.nulls or field.stores):
        normalise = _normalise_text(frozenset(str(v).strip() for v in field.nulls), field.required)
        return _normalise_store(normalise, frozenset(field.stores)) if field.stores else normalise
    if field.nulls and field.kind in ("number", "integer"):
        numbers = [float(v) / scale for v in field.nulls]
        # A factor such as 0.1 makes 0.30000000000000004 of 3, but a request has 0.3.
        return _normalise_number((*numbers, *(float(f"{n:.12g}") for n in numbers)), field.required)
    if field.nulls and field.kind == "flag":
        return _normalise_flag(field.nulls, field.required)
    return None


def _normalise_text(markers: frozenset[str], required: bool) -> Callable[[Any], Any]:
    def normalise(value: Any) -> Any:
        if type(value) is not str:
            return value
        text = value.strip()
        if text and text not in markers:
            return text
        return _missing(required, _MISSING_MARKER if text else _BLANK)

    return normalise


def _normalise_store(normalise: Callable[[Any], Any], stores: frozenset[str]) -> Callable[[Any], Any]:
    def normalise_store(value: Any) -> Any:
        store = normalise(value)
        if type(store) is str and store not in stores:
            raise PydanticCustomError("unknown_store", "{rule}", {"rule": unknown_store(store, stores)})
        return store

    return normalise_store


def _normalise_number(markers: Sequence[float], required: bool) -> Callable[[Any], Any]:
    def normalise(value: Any) -> Any:
        is_marker = type(value) in (int, float) and value in markers  # JSON's true is no number, though it equals 1
        return _missing(required, _MISSING_MARKER) if is_marker else value

    return normalise


def _normalise_flag(markers: Sequence[Any], required: bool) -> Callable[[Any], Any]:
    def normalise(value: Any) -> Any:
        is_marker = type(value) is bool and value in markers
        return _missing(required, _MISSING_MARKER) if is_marker else value

    return normalise


def _missing(required: bool, message: str) -> None:
    if required:
        raise PydanticCustomError("missing_value", "{message}", {"message": message})


def _description(field: Field) -> str:
    unit = {"fen": "yuan", "us": "instant"}.get(field.unit or "", field.unit)
    parts = [
        field.description,
        unit if unit is None or unit.startswith("per ") else f"in {unit}",
        None if field.feature else "accepted, not used by the model",
        f"{', '.join(_shown(v, field) for v in field.nulls)}: missing" if field.nulls else None,
        f"one of the {len(field.stores):,} stores of the training data" if field.stores else None,
    ]
    return "; ".join(p for p in parts if p)


def _shown(value: bool | int | float | str, field: Field) -> str:
    if isinstance(value, bool | str):
        return str(value)
    return f"{value / FEN if field.unit == 'fen' else value:.12g}"


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
    rows = [r.__dict__ for r in requests]
    if len(rows) == 1:  # the service's usual case; a comprehension for each name takes longer
        values = rows[0]
        columns = {n: [values[n]] for n in names}
    else:
        columns = {n: [values[n] for values in rows] for n in names}
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


def missing_features(columns: Mapping[str, Sequence[Any]], row: int, signature: Signature) -> list[str]:
    """Return the names of the features that one request leaves out or has a value for that means "missing".

    Parameters
    ----------
    columns : mapping of str to sequence
        As returned by ``columns_of(requests, signature)``.
    row : int
        Position of the request.
    signature : Signature
        The signature that was passed to `columns_of`.

    Returns
    -------
    list of str
        In the order of the signature; computed features are never in it.

    Examples
    --------
    >>> late = Field(name="late", kind="number", nulls=(96.0, 98.0), feature=True)
    >>> signature = Signature(fields=(late, Field(name="housing", kind="text", feature=True)))
    >>> columns = columns_of([request_model("Ask", signature)(late=98, housing="own")], signature)
    >>> missing_features(columns, 0, signature)
    ['late']
    """
    return [name for name in signature.request_columns[0] if columns[name][row] is None]

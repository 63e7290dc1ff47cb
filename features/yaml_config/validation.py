"""Keys and values as a frozen pydantic model: every fault with its file, field, rule, value and remedy."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import ConfigError
from features.yaml_config.merging import Layer, origin_of, read_layer
from features.yaml_config.parsing import VARIABLE

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[int | str, ...]

MAX_FAULTS = 5
_SECRET = re.compile(r"url|password|secret|token|key$", re.IGNORECASE)


class Section(BaseModel):
    """A part of a configuration: frozen, unknown keys refused, a key taken by its name and by its alias.

    >>> class Retry(Section):
    ...     times: int = 3
    >>> Retry().times
    3
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def load_yaml(path: Path, model: type[Model], *, context: Mapping[str, Any] | None = None) -> Model:
    """Read a YAML file into `model`.

    Parameters
    ----------
    path : Path
        The YAML file.
    model : type of BaseModel
        What it must look like.
    context : mapping, optional
        Handed to the model's validators.

    Raises
    ------
    ConfigError
        The file cannot be read, is not YAML, names an environment variable that is not set, has an unknown key or a
        wrong value.

    Examples
    --------
    >>> import tempfile
    >>> class Shop(Section):
    ...     name: str = "x"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "shop.yaml")
    ...     _ = file.write_text("nmae: ${SHOP_NAME:-Pudong}")
    ...     load_yaml(file, Shop)
    Traceback (most recent call last):
    features.errors.ConfigError: .../shop.yaml: nmae: unknown key; did you mean `name`?
    """
    layer = read_layer(path)
    return validate(layer.content, model, [layer], context=context)


def validate(
    content: Mapping[str, Any],
    model: type[Model],
    layers: Sequence[Layer],
    *,
    within: Place = (),
    context: Mapping[str, Any] | None = None,
) -> Model:
    """Turn keys and values into a model.

    Parameters
    ----------
    content : mapping
        Keys and values, merged from the layers.
    model : type of BaseModel
        What they must look like.
    layers : sequence of Layer
        Where they come from: an error names the last layer that gives the value, and shows the value as it is written
        there, never what stands in an environment variable.
    within : tuple, optional
        Keys of the layers under which `content` stands.
    context : mapping, optional
        Handed to the model's validators.

    Raises
    ------
    ConfigError
        Names the first faults.

    Examples
    --------
    >>> class Retry(Section):
    ...     times: int = 3
    >>> validate({"times": "many"}, Retry, [Layer("--set", {"retry": {"times": "many"}}, {})], within=("retry",))
    Traceback (most recent call last):
    features.errors.ConfigError: --set: retry.times: input should be a valid integer, ..., got 'many'
    """
    try:
        return model.model_validate(content, context=dict(context or {}))
    except ValidationError as error:
        faults = [_described(fault, model, layers, within) for fault in error.errors(include_url=False)]
    more = [f"and {len(faults) - MAX_FAULTS} more faults"] if len(faults) > MAX_FAULTS else []
    raise ConfigError("; ".join([*faults[:MAX_FAULTS], *more]))


def _described(fault: Any, model: type[BaseModel], layers: Sequence[Layer], within: Place) -> str:
    place: Place = (*within, *fault["loc"])
    layer = origin_of(place, layers)
    return f"{layer.origin}: {'.'.join(map(str, place)) or 'top level'}: {_rule(fault, model, layer.written, place)}"


def _rule(fault: Any, model: type[BaseModel], written: Any, place: Place) -> str:
    loc = fault["loc"]
    if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return "unknown key; " + name_hint(str(loc[-1]), _keys(model, loc[:-1]))
    if fault["type"] == "missing":
        return "this key is required; add it"
    if fault["type"] == "invalid_key":
        return "this key is not a text; put it in quotes"
    value = fault["input"]
    for step in place:
        try:
            value = written = written[step]
        except (KeyError, IndexError, TypeError):  # a validator has made the part that is wrong of the part above it
            value = fault["input"]
            break
    rule = without_variables(fault["msg"].removeprefix("Value error, "), written)
    rule = rule[:1].lower() + rule[1:]
    if isinstance(value, Mapping | BaseModel) or (loc and _SECRET.search(str(loc[-1]))):
        return rule  # a section may hold a password
    shown = without_variables(repr(value), written)
    what, semicolon, remedy = rule.partition("; ")
    return f"{what}, got {shown if len(shown) <= 60 else shown[:57] + '...'}{semicolon}{remedy}"


def without_variables(text: str, written: object) -> str:
    """Return a text with `${NAME}` for the value of every environment variable that `written` names."""
    for name in {name for name, _ in VARIABLE.findall(str(written))}:
        for value in (os.environ.get(name), repr(os.environ.get(name, ""))[1:-1]):
            text = text.replace(value, f"${{{name}}}") if value else text
    return text


def name_hint(name: str, names: Iterable[object]) -> str:
    """Say which names are near to one that does not exist, or all that there are.

    Examples
    --------
    >>> name_hint("temr", ["term", "price"])
    'did you mean `term`?'
    >>> name_hint("colour", ["term", "price"])
    'there are: `price`, `term`'
    """
    known = sorted(str(k) for k in names)
    matches = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if matches:
        return f"did you mean {' or '.join(f'`{m}`' for m in matches)}?"
    shown = ", ".join(f"`{n}`" for n in known[:30])
    return f"there are: {shown}{', ...' if len(known) > 30 else ''}" if known else "there is none"


def _keys(model: type[BaseModel], loc: Place) -> list[str]:
    """Keys of the part of a model at a place."""
    at: Any = model
    for step in loc:
        at = _inside(at, step)
    if is_dataclass(at):
        return [f.name for f in fields(at)]
    return [f.alias or name for name, f in at.model_fields.items()] if _is_model(at) else []


def _inside(annotation: Any, step: int | str) -> Any:
    if not _is_model(annotation):
        inner = [a for a in get_args(annotation) if a is not Ellipsis]
        return _stripped(inner[-1] if inner else annotation)
    field = next((f for name, f in annotation.model_fields.items() if step in (name, f.alias)), None)
    part = _stripped(field.annotation) if field else None
    return type(field.default) if field and part is BaseModel else part  # of an estimator: made at run time


def _stripped(annotation: Any) -> Any:
    """X of `X | None`, and of `tuple[X, ...]`'s own arguments nothing yet: that is the next step's."""
    if get_origin(annotation) in (Union, UnionType):
        rest = [a for a in get_args(annotation) if a is not type(None)]
        return next((a for a in rest if _is_model(a)), rest[0])
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

"""Validation of keys and values by a frozen pydantic model; errors have file, key, rule, value and remedy."""

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
KeyPath = tuple[int | str, ...]

MAX_ERRORS = 5
_SHAPES = {  # rules in the words of YAML, by pydantic's type of error
    **dict.fromkeys(("tuple_type", "list_type", "set_type"), "must be a list, such as [a, b]"),
    **dict.fromkeys(("dict_type", "model_type", "mapping_type"), "must be keys and values, such as {key: value}"),
}
_SECRET = re.compile(r"url|password|secret|token|key$|store$", re.IGNORECASE)


class Section(BaseModel):
    """Base class of all configuration models: immutable, without unknown keys, fields set by name or by alias.

    A subclass declares its keys as a pydantic model does; `load_yaml` fills it from a file.

    >>> from features.yaml_config import Section
    >>> class Retry(Section):
    ...     times: int = 3
    >>> Retry().times
    3
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def load_yaml(path: Path, model: type[Model], *, context: Mapping[str, Any] | None = None) -> Model:
    """Read a YAML file and return it as a model.

    Parameters
    ----------
    path : Path
        Path of the YAML file.
    model : type of BaseModel
        Pydantic model of the contents, usually a subclass of `Section`.
    context : mapping, optional
        Passed to the model's validators as `ValidationInfo.context`.

    Returns
    -------
    model
        An instance of `model`.

    Raises
    ------
    ConfigError
        The file does not exist, is not valid YAML, uses an environment variable that is not set, or has an unknown key
        or an invalid value. The message has file, key, rule, value and remedy.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from features.yaml_config import Section
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
    within: KeyPath = (),
    context: Mapping[str, Any] | None = None,
) -> Model:
    """Convert keys and values to a model.

    Parameters
    ----------
    content : mapping
        Keys and values, as returned by ``merge(*(layer.content for layer in layers))``.
    model : type of BaseModel
        Pydantic model of the content, usually a subclass of `Section`.
    layers : sequence of Layer
        Layers of the content, at least one, as returned by `read_layer` and `parse_settings`. An error names the
        last layer that contains the key, and shows the value as written there, without the values of environment
        variables.
    within : tuple, optional
        Key path of `content` in the layers, if it is a part of them.
    context : mapping, optional
        Passed to the model's validators as `ValidationInfo.context`.

    Returns
    -------
    model
        An instance of `model`.

    Raises
    ------
    ConfigError
        An unknown key, a missing key or an invalid value; at most five are listed.

    Examples
    --------
    >>> from features.yaml_config import Layer, Section
    >>> class Retry(Section):
    ...     times: int = 3
    >>> validate({"times": "many"}, Retry, [Layer("--set", {"retry": {"times": "many"}}, {})], within=("retry",))
    Traceback (most recent call last):
    features.errors.ConfigError: --set: retry.times: input should be a valid integer, ..., got 'many'
    """
    try:
        return model.model_validate(content, context=dict(context or {}))
    except ValidationError as error:
        messages = [_message(detail, model, layers, within) for detail in error.errors(include_url=False)]
    more = [f"and {len(messages) - MAX_ERRORS} more errors"] if len(messages) > MAX_ERRORS else []
    raise ConfigError("; ".join([*messages[:MAX_ERRORS], *more]))


def _message(detail: Any, model: type[BaseModel], layers: Sequence[Layer], within: KeyPath) -> str:
    path: KeyPath = (*within, *detail["loc"])
    layer = origin_of(path, layers)
    return f"{layer.origin}: {'.'.join(map(str, path)) or 'top level'}: {_rule(detail, model, layer.written, path)}"


def _rule(detail: Any, model: type[BaseModel], written: Any, path: KeyPath) -> str:
    loc = detail["loc"]
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return "unknown key; " + name_hint(str(loc[-1]), _keys(model, loc[:-1]))
    if detail["type"] == "missing":
        return "this key is required; add it"
    if detail["type"] == "invalid_key":
        return "keys must be text; put this key in quotes"
    value = detail["input"]
    for step in path:
        try:
            value = written = written[step]
        except (KeyError, IndexError, TypeError):  # a validator has derived the invalid part from its parent
            value = detail["input"]
            break
    message = _SHAPES.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    rule = without_variables(message, written)
    rule = rule[:1].lower() + rule[1:]
    if isinstance(value, Mapping | BaseModel) or (loc and _SECRET.search(str(loc[-1]))):
        return rule  # a mapping may contain a password
    shown = without_variables(repr(value), written)
    problem, semicolon, remedy = rule.partition("; ")
    if re.search(r"\bgot ", rule):
        return rule  # the validator shows the value, or the part of it that breaks the rule
    return f"{problem}, got {shown if len(shown) <= 60 else shown[:57] + '...'}{semicolon}{remedy}"


def without_variables(text: str, written: object) -> str:
    """Return `text` with `${NAME}` in place of the value of every environment variable used in `written`.

    `text` is an error message; `written` is configuration before its variables are filled in: mappings, lists and
    texts with `${NAME}`, such as ``features.yaml_config.read_layer(path).written``.

    Returns
    -------
    str

    Examples
    --------
    >>> import os
    >>> without_variables(f"{os.environ['PATH']} is too long", {"folders": "${PATH}"})
    '${PATH} is too long'
    """
    for name in {name for name, _ in VARIABLE.findall(str(written))}:
        for value in (os.environ.get(name), repr(os.environ.get(name, ""))[1:-1]):
            text = text.replace(value, f"${{{name}}}") if value else text
    return text


def name_hint(name: str, names: Iterable[object]) -> str:
    """Return a hint for an unknown name, for error messages: the most similar names, or else all names (at most 30).

    Parameters
    ----------
    name : str
        The unknown name.
    names : iterable of str
        The valid names.

    Returns
    -------
    str

    Examples
    --------
    >>> name_hint("temr", ["term", "price"])
    'did you mean `term`?'
    >>> name_hint("id", ["ID", "price"])
    'did you mean `ID`?'
    >>> name_hint("colour", ["term", "price"])
    'available: `price`, `term`'
    """
    choices = sorted(str(k) for k in names)
    matches = [c for c in choices if c.casefold().strip() == name.casefold().strip()]
    matches = matches or difflib.get_close_matches(name, choices, n=3, cutoff=0.6)
    if matches:
        return f"did you mean {' or '.join(f'`{m}`' for m in matches)}?"
    first = ", ".join(f"`{n}`" for n in choices[:30])
    return f"available: {first}{', ...' if len(choices) > 30 else ''}" if choices else "available: none"


def _keys(model: type[BaseModel], loc: KeyPath) -> list[str]:
    """Return the keys of the part of a model at a key path."""
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
    return type(field.default) if field and part is BaseModel else part  # an estimator: class made at run time


def _stripped(annotation: Any) -> Any:
    """Return X for `X | None`, and any other annotation unchanged."""
    if get_origin(annotation) in (Union, UnionType):
        rest = [a for a in get_args(annotation) if a is not type(None)]
        return next((a for a in rest if _is_model(a)), rest[0])
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

"""A YAML file read into a frozen pydantic model: environment variables filled in, every fault one clear error."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_SECRET = re.compile(r"url|password|secret|token|key$", re.IGNORECASE)


class Section(BaseModel):
    """A part of a configuration: frozen, unknown keys refused, a key taken by its name and by its alias.

    >>> class Retry(Section):
    ...     times: int = 3
    >>> Retry().times
    3
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2 scalars, and without silent overwriting.

    YAML 1.1 reads `no` as false, `010` as 8 and `2024-01-31` as a date; in a column mapping those are texts.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012  (the name and type are PyYAML's)
        first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] in ("null", "merge")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|false|False)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9]*\.[0-9]+|[0-9]+\.)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.inf$|^\.nan$"),
    list("-+.0123456789"),
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if (key.tag, str(key.value)) in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key `{key.value}` is given twice", key.start_mark)
        seen.add((key.tag, str(key.value)))
    loader.flatten_mapping(node)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load_yaml(path: Path, model: type[Model], *, context: Mapping[str, Any] | None = None) -> Model:
    """Read a YAML file into `model`.

    `${NAME}` and `${NAME:-default}` in any value are replaced from the environment, after parsing, so that a
    password may hold any character.

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
        No such file, not YAML, an environment variable that is not set, an unknown key or a wrong value;
        the text names file, field, rule, value and remedy.

    Examples
    --------
    >>> import tempfile
    >>> class Shop(BaseModel, extra="forbid"):
    ...     name: str = "x"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "shop.yaml")
    ...     _ = file.write_text("nmae: ${SHOP_NAME:-Pudong}")
    ...     load_yaml(file, Shop)
    Traceback (most recent call last):
    features.errors.ConfigError: shop.yaml: nmae: unknown key; did you mean `name`?
    """
    given = _filled(_parsed(path), path.name, "")
    try:
        return model.model_validate({} if given is None else given, context=dict(context or {}))
    except ValidationError as error:
        raise ConfigError("; ".join(_faults(error, path.name, model))) from None


def _parsed(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file: give the path of an existing YAML file") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8: save the file as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}: check the path and its permissions") from None
    except yaml.YAMLError as error:
        text = " ".join(str(error).split())
        raise ConfigError(f"{path}: not valid YAML: {text}: correct that line") from None


def _filled(value: Any, file: str, field: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, file, f"{field}.{key}".lstrip(".")) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, file, f"{field}[{index}]") for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def one(match: re.Match[str]) -> str:
        name, default = match.groups()
        found = os.environ.get(name)
        if found is not None and (found or default is None):
            return found
        if default is None:
            raise ConfigError(f"{file}: {field}: environment variable {name} is not set: set it, or write a default")
        return str(default)

    return _VARIABLE.sub(one, value)


def _faults(error: ValidationError, file: str, model: type[BaseModel]) -> list[str]:
    return [
        f"{file}: {'.'.join(str(step) for step in fault['loc']) or 'top level'}: {_what(fault, model)}"
        for fault in error.errors(include_url=False)
    ]


def _what(fault: Any, model: type[BaseModel]) -> str:
    loc = fault["loc"]
    if fault["type"] == "extra_forbidden":
        return "unknown key; " + near(str(loc[-1]), _known_keys(model, loc[:-1]))
    rule = fault["msg"].removeprefix("Value error, ")
    value = fault["input"]
    if isinstance(value, Mapping | BaseModel) or (loc and _SECRET.search(str(loc[-1]))):
        return str(rule)  # a section may hold a password
    return f"{rule}; received {_short(value)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def near(name: str, known: Any) -> str:
    """What to say about a name that does not exist: its near matches, or all names there are.

    >>> near("temr", ["term", "price"])
    'did you mean `term`?'
    >>> near("colour", ["term", "price"])
    'there are: `price`, `term`'
    """
    names = sorted(str(k) for k in known)
    matches = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if matches:
        return f"did you mean {' or '.join(f'`{m}`' for m in matches)}?"
    shown = ", ".join(f"`{n}`" for n in names[:30])
    return f"there are: {shown}{', ...' if len(names) > 30 else ''}" if names else "there is none"


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    at: Any = model
    for step in loc:
        at = _inside(at, step)
    return [f.alias or name for name, f in at.model_fields.items()] if _is_model(at) else []


def _inside(annotation: Any, step: int | str) -> Any:
    if not _is_model(annotation):
        inner = [a for a in get_args(annotation) if a is not Ellipsis]
        return _stripped(inner[-1] if inner else annotation)
    fields = {f.alias or name: f.annotation for name, f in annotation.model_fields.items()}
    return _stripped(fields.get(str(step)))


def _stripped(annotation: Any) -> Any:
    """X of `X | None`, and of `tuple[X, ...]`'s own arguments nothing yet: that is the next step's."""
    if get_origin(annotation) in (Union, UnionType):
        rest = [a for a in get_args(annotation) if a is not type(None)]
        return next((a for a in rest if _is_model(a)), rest[0])
    return annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

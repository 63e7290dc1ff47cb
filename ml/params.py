"""Parameters written once: the configuration's model of an estimator is read off its constructor."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, BeforeValidator, SerializeAsAny, create_model

from features.yaml_config import Section


def params_model(estimator: type, *, without: Collection[str] = ()) -> type[BaseModel]:
    """Build the pydantic model of an estimator's constructor parameters: same names, types and defaults.

    Parameters
    ----------
    estimator : type
        A scikit-learn style estimator whose constructor is annotated.
    without : collection of str
        Parameters that come from the data and not from the configuration.

    Examples
    --------
    >>> class Ridge:
    ...     def __init__(self, *, alpha: float = 1.0, columns: tuple[int, ...] = ()) -> None: ...
    >>> params_model(Ridge, without=["columns"])(alpha=2).model_dump()
    {'alpha': 2.0}
    """
    hints = get_type_hints(estimator.__init__)  # type: ignore[misc]
    signature = inspect.signature(estimator)
    fields: dict[str, Any] = {
        name: (hints[name], parameter.default)
        for name, parameter in signature.parameters.items()
        if name not in without
    }
    return create_model(f"{estimator.__name__}Params", __base__=Section, **fields)


def nested(model: type[BaseModel], *, optional: bool = False) -> Any:
    """Return the annotation of a field that holds a `params_model`.

    Such models are made at run time, so that pydantic cannot see them in the annotations. Without a value (null in
    YAML) the field holds the defaults, or None where it is `optional`.
    """

    def typed(value: Any) -> Any:
        given = {} if value is None and not optional else value
        return model.model_validate(given) if isinstance(given, dict) else given

    kind: Any = SerializeAsAny[BaseModel]
    return Annotated[kind | None if optional else kind, BeforeValidator(typed)]

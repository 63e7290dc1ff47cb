"""Pydantic models of hyperparameters, built from the constructors of the estimators."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, BeforeValidator, SerializeAsAny, create_model

from features.yaml_config import Section


def params_model(estimator: type, *, without: Collection[str] = ()) -> type[BaseModel]:
    """Return a pydantic model of an estimator's constructor parameters, with the same names, types and defaults.

    Parameters
    ----------
    estimator : type
        Class in the style of scikit-learn, with an annotated constructor.
    without : collection of str
        Parameters to leave out, such as those that come from the data.

    Returns
    -------
    type
        Frozen pydantic model ``<estimator>Params``; unknown names and wrong types raise `pydantic.ValidationError`.

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
    """Return the annotation of a pydantic field whose value is an instance of `model`, as returned by `params_model`.

    Such a model is created at run time, so its class cannot stand in an annotation. For null in YAML the field holds
    the defaults of `model`, or None if it is `optional`.

    Examples
    --------
    >>> from pydantic import BaseModel
    >>> class Ridge:
    ...     def __init__(self, *, alpha: float = 1.0) -> None: ...
    >>> class Config(BaseModel):
    ...     ridge: nested(params_model(Ridge))
    >>> Config(ridge={"alpha": 3}).ridge.alpha, Config(ridge=None).ridge.alpha
    (3.0, 1.0)
    """

    def typed(value: Any) -> Any:
        params = {} if value is None and not optional else value
        return model.model_validate(params) if isinstance(params, dict) else params

    kind: Any = SerializeAsAny[BaseModel]
    return Annotated[kind | None if optional else kind, BeforeValidator(typed)]
